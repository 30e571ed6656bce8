"""Rules on Argo Rollouts: the strategy, what it names, and what both versions take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.rules.judge import judged
from tests.rules.manifests import Manifest, autoscaler, deployment, pods, service
from tests.support import CLUSTER

CASES: list[Any] = []
STRATEGY = "Rollout web spec.strategy"
CORRECT = "correct the name, or accept D19 where it is made elsewhere"
GATEWAYS = {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web"}}}
SERVICES = {"stableService": "web", "canaryService": "next"}


def rollout(
    *, api_version: str = "argoproj.io/v1alpha1", template: Manifest | None = None, **strategy: Any
) -> Manifest:
    """Return the Rollout web, whose pods are those of the Deployment web."""
    spec = {**deployment()["spec"], "strategy": strategy}
    if template is not None:
        spec["template"] = template
    return {"apiVersion": api_version, "kind": "Rollout", "metadata": {"name": "web"}, "spec": spec}


def named(kind: str, api_version: str, **spec: Any) -> Manifest:
    """Return an object web of another kind."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, expected, id=f"{rule}-{name}"))


case("D18", "a canary", rollout(canary={"steps": [{"setWeight": 20}, {"pause": {}}]}))
case("D18", "blue and green", rollout(blueGreen={"activeService": "web", "previewService": "next"}))
case("D18", "of others", rollout(api_version="rollouts.kruise.io/v1beta1"))
case(
    "D18", "none", rollout(),
    text=f"{STRATEGY} but there is neither canary nor blueGreen; write one of the two",
)  # fmt: skip
case(
    "D18", "both", rollout(canary={}, blueGreen={"activeService": "web"}),
    text=f"{STRATEGY} but canary and blueGreen exclude each other; write one of the two",
)  # fmt: skip
case(
    "D18", "one Service", rollout(blueGreen={"activeService": "web", "previewService": "web"}),
    text=f"{STRATEGY}.blueGreen.activeService='web' but previewService is the same, and each version has a Service of its"
    " own; name two Services",
)  # fmt: skip
case(
    "D18", "no way on", rollout(canary={"maxSurge": 0, "maxUnavailable": "0%"}),
    text=f"{STRATEGY}.canary.maxUnavailable='0%' but maxSurge is 0, so that a rollout could neither add a pod nor end one;"
    " raise one of the two",
)  # fmt: skip
case(
    "D18", "shrinking without shares", rollout(canary={"dynamicStableScale": True}),
    text=f"{STRATEGY}.canary.dynamicStableScale=True but without trafficRouting pods end as others start; add"
    " trafficRouting, or leave it away",
)  # fmt: skip
case(
    "D18", "shrinking later",
    rollout(canary={"dynamicStableScale": True, "scaleDownDelaySeconds": 30, "trafficRouting": GATEWAYS}),
    text=f"{STRATEGY}.canary.scaleDownDelaySeconds=30 but dynamicStableScale ends old pods at once; leave one of the two"
    " away",
)  # fmt: skip
case(
    "D18", "nginx", rollout(canary={"stableService": "web", "trafficRouting": {"nginx": {"stableIngress": "web"}}}),
    text=f"{STRATEGY}.canary.canaryService but nginx gives shares to two Services; name both",
)  # fmt: skip
case(
    "D18", "more than all", rollout(canary={"steps": [{"setWeight": 120}]}),
    text=f"{STRATEGY}.canary.steps[0].setWeight=120 but a share is from 0 to 100; correct the share",
)  # fmt: skip
case(
    "D18", "two at once", rollout(canary={"steps": [{"setWeight": 20, "pause": {}}]}),
    text=f"{STRATEGY}.canary.steps[0] but a step does one thing, and this one does pause and setWeight; write a step for"
    " each",
)  # fmt: skip
case(
    "D18", "nothing", rollout(canary={"steps": [{}]}),
    text=f"{STRATEGY}.canary.steps[0] but a step does one thing, and this one does nothing; write a step for each",
)  # fmt: skip
case(
    "D18", "a scale without shares", rollout(canary={"steps": [{"setCanaryScale": {"replicas": 1}}]}),
    text=f"{STRATEGY}.canary.steps[0].setCanaryScale but without trafficRouting the share decides how many pods there are;"
    " add trafficRouting, or leave it away",
)  # fmt: skip
elsewhere = rollout(canary={})
elsewhere["spec"]["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
case(
    "D18", "pods twice", elsewhere,
    text="Rollout web spec.template but workloadRef has the pods elsewhere, and here is a template too; leave one of the two"
    " away",
)  # fmt: skip

NEXT = service("next", selector={"app": "web"})
ROUTE = named("HTTPRoute", "gateway.networking.k8s.io/v1")
case("D19", "all there", rollout(canary={**SERVICES, "trafficRouting": GATEWAYS}), service(), NEXT, ROUTE)
case("D19", "of others", rollout(api_version="rollouts.kruise.io/v1beta1", canary=SERVICES))
case(
    "D19", "no Service", rollout(canary={**SERVICES, "canaryService": "nxt"}), service(), NEXT,
    text=f"{STRATEGY}.canary.canaryService='nxt' but no Service of this name is rendered here; did you mean next?",
)  # fmt: skip
case(
    "D19", "other pods", rollout(canary=SERVICES), service(), service("next"),
    text=f"{STRATEGY}.canary.canaryService='next' but Service next selects app=next, and the pods do not have these labels;"
    " give the Service the labels of the pods",
)  # fmt: skip
case(
    "D19", "no route", rollout(canary={**SERVICES, "trafficRouting": GATEWAYS}), service(), NEXT,
    text=f"{STRATEGY}.canary.trafficRouting.plugins['argoproj-labs/gatewayAPI'].httpRoute='web' but no HTTPRoute of this"
    f" name is rendered here; {CORRECT}",
)  # fmt: skip
case(
    "D19", "settings that are no mapping",
    rollout(canary={**SERVICES, "trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": 1}}}), service(), NEXT,
)  # fmt: skip
ANALYSIS = {"templates": [{"templateName": "web"}]}
case(
    "D19", "an analysis", rollout(canary={"analysis": ANALYSIS}), named("AnalysisTemplate", "argoproj.io/v1alpha1"),
)  # fmt: skip
case(
    "D19",
    "an analysis for all",
    rollout(canary={"analysis": {"templates": [{"templateName": "x", "clusterScope": True}]}}),
)
case(
    "D19", "no analysis", rollout(canary={"steps": [{"analysis": ANALYSIS}]}),
    text=f"{STRATEGY}.canary.steps[0].analysis.templates[0].templateName='web' but no AnalysisTemplate of this name is"
    f" rendered here; {CORRECT}",
)  # fmt: skip

GPU = pods({"resources": {"limits": {"nvidia.com/gpu": "2"}}}, nodeSelector={"accelerator": "l4"})
SCALE = autoscaler(
    scaleTargetRef={"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}, maxReplicas=3
)
case("D03", "no accelerators", rollout(blueGreen={"activeService": "web"}))
case("D03", "one after another", rollout(template=GPU, canary={"maxSurge": 0, "maxUnavailable": 1}))
case(
    "D03", "blue and green", rollout(template=GPU, blueGreen={"activeService": "web"}), SCALE,
    text=f"{STRATEGY} but beside 3 pods up to 3 run for a time, which takes 6 more l4, and eks-test keeps 0 free; declare"
    " Accelerator('l4', spare=6) where so many are kept free, let old pods end as new ones take over (dynamicStableScale),"
    ' or write rollout="in-place"',
)  # fmt: skip
case(
    "D03", "as it comes", rollout(template=GPU, canary={}), SCALE,
    text=f"{STRATEGY} but beside 3 pods up to 1 run for a time, which takes 2 more l4, and eks-test keeps 0 free; declare"
    " Accelerator('l4', spare=2) where so many are kept free, let old pods end as new ones take over (dynamicStableScale),"
    ' or write rollout="in-place"',
)  # fmt: skip
ENDING = {"maxSurge": 0, "maxUnavailable": 1}
TWO = autoscaler(scaleTargetRef=SCALE["spec"]["scaleTargetRef"], minReplicas=2, maxReplicas=3)
ONE = autoscaler(scaleTargetRef=SCALE["spec"]["scaleTargetRef"], minReplicas=1, maxReplicas=3)
case("D10", "one of two", rollout(canary=ENDING), TWO, service())
case("D10", "one more first", rollout(canary={"maxSurge": 1, "maxUnavailable": 0}), ONE, service())
case("D10", "as it comes", rollout(canary={}), ONE, service())
case("D10", "by a route", rollout(canary={**ENDING, "trafficRouting": GATEWAYS}), ONE, service())
case("D10", "blue and green", rollout(blueGreen={"activeService": "web"}), ONE, service())
case("D10", "nobody asks", rollout(canary=ENDING), ONE)
case(
    "D10", "the only one", rollout(canary=ENDING), ONE, service(),
    text=f"{STRATEGY}.canary.maxUnavailable=1 but a rollout may end the one pod before a new one is ready, and Service web"
    " leads nowhere meanwhile; run 2 replicas or more and roll them one by one, or accept D10 where a pause is fine",
)  # fmt: skip
case(
    "D10", "both of two", rollout(canary={"maxSurge": 0, "maxUnavailable": "100%"}), TWO, service(),
    text=f"{STRATEGY}.canary.maxUnavailable='100%' but a rollout may end all 2 pods before a new one is ready, and Service web"
    " leads nowhere meanwhile; lower maxUnavailable, or accept D10 where a pause is fine",
)  # fmt: skip
case("A20", "a Rollout", rollout(canary={}), SCALE)
case(
    "A20", "a Rollout of another group", rollout(canary={}),
    autoscaler(scaleTargetRef={"apiVersion": "apps/v1", "kind": "Rollout", "name": "web"}),
    text="HorizontalPodAutoscaler web spec.scaleTargetRef.apiVersion='apps/v1' but Rollout is a kind of"
    " argoproj.io/v1alpha1, and a target is looked up by group and kind; write apiVersion: argoproj.io/v1alpha1",
)  # fmt: skip
case(
    "D14", "its own pods", rollout(canary={}, template=pods({}, app="other")),
    text="Rollout web spec.selector='app=web' but the pods are labelled app=other; give the pods the labels of the selector",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_a_rollout_is_judged(rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged(rule[0], *manifests, cluster=CLUSTER) if broken == rule] == expected
