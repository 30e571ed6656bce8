"""A: autoscaling, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from modelyard import Cluster, CpuScale, Environment, Gpu, minutes
from modelyard.render.objects import gather
from modelyard.rules import Scope, breaches
from tests.rules.manifests import autoscaler, deployment, metric, pods, utilization
from tests.support import environment, found, found_by, raw, training
from tests.support import service as own_service

CASES: list[Any] = []
BARE = {"resources": {"requests": {"memory": "1Gi"}}}
FULL = {"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "500m"}}}
HALF = {"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "1"}}}
SIDECAR = {"name": "proxy", **BARE}
STAYS = {"restartPolicy": "Always"}
INIT = {"name": "init", "image": "a:1"}
POLICY = {"type": "Percent", "value": 100, "periodSeconds": 15}
OTHER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}
HPA = "test: HorizontalPodAutoscaler web "


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, manifests, [] if text is None else [text], id=f"{rule}-{name}"))


def scaled(*metrics: Mapping[str, Any], **spec: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the stock Deployment with an autoscaler."""
    return deployment(), autoscaler("web", *metrics, **spec)


def behaviour(**rules: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the stock Deployment with an autoscaler that scales down by *rules*."""
    return scaled(behavior={"scaleDown": rules})


case("A01", "equal bounds", *scaled(minReplicas=3, maxReplicas=3))
case("A01", "no minimum", *scaled(minReplicas=..., maxReplicas=1))
case(
    "A01", "minimum above maximum", *scaled(minReplicas=5),
    text=HPA + "spec.minReplicas=5 but spec.maxReplicas is 4, and the fewest replicas are at most the"
    " most; lower minReplicas, or raise maxReplicas to at least 5",
)  # fmt: skip
case(
    "A01", "no maximum", *scaled(minReplicas=..., maxReplicas=0),
    text=HPA + "spec.maxReplicas=0 but the most replicas are at least 1; write 1 or more",
)  # fmt: skip
case(
    "A01", "negative", *scaled(minReplicas=-1),
    text=HPA + "spec.minReplicas=-1 but the fewest replicas are at least 1; write 1 or more",
)  # fmt: skip

case("A02", "one replica", *scaled(minReplicas=1))
case(
    "A02", "before 1.37", *scaled(metric("External", type="Value", value="3"), minReplicas=0),
    text=HPA + "spec.minReplicas=0 but Kubernetes 1.34 refuses it unless HPAScaleToZero is switched on,"
    " as it is from 1.37; write minReplicas: 1, or accept A02 where somebody switched it on",
)  # fmt: skip

case("A05", "every container requests", *scaled())
case(
    "A05",
    "an absolute target needs no request",
    deployment(template=pods(BARE)),
    autoscaler("web", metric("Resource", type="AverageValue", averageValue="1")),
)
case("A05", "a limit stands in", deployment(template=pods({"resources": {"limits": {"cpu": 1}}})), autoscaler())
case(
    "A05",
    "another container is not measured",
    deployment(template=pods(HALF, SIDECAR)),
    autoscaler("web", utilization(70, container="main")),
)
case("A05", "the pod requests", deployment(template=pods({}, resources={"requests": {"cpu": "1"}})), autoscaler())
case("A05", "an init container that ends", deployment(template=pods(HALF, initContainers=[INIT])), autoscaler())
case("A05", "a target that is not here", autoscaler())
case(
    "A05", "a sidecar without request", deployment(template=pods(HALF, SIDECAR)), autoscaler(),
    text=HPA + "spec.metrics[0].resource.target.averageUtilization=70 but container proxy of Deployment web"
    " requests no cpu, and the autoscaler follows the use in percent of the request; add"
    " resources.requests.cpu there, or accept A05 where a LimitRange of the namespace does",
)  # fmt: skip
case(
    "A05", "an init container that stays",
    deployment(template=pods(HALF, initContainers=[INIT | STAYS])), autoscaler(),
    text=HPA + "spec.metrics[0].resource.target.averageUtilization=70 but container init of Deployment web"
    " requests no cpu, and the autoscaler follows the use in percent of the request; add"
    " resources.requests.cpu there, or accept A05 where a LimitRange of the namespace does",
)  # fmt: skip
case(
    "A05", "the measured container",
    deployment(template=pods(BARE)), autoscaler("web", utilization(70, container="main")),
    text=HPA + "spec.metrics[0].containerResource.target.averageUtilization=70 but container main of"
    " Deployment web requests no cpu, and the autoscaler follows the use in percent of the request; add"
    " resources.requests.cpu there, or accept A05 where a LimitRange of the namespace does",
)  # fmt: skip
case(
    "A05", "no metrics means CPU", deployment(template=pods(BARE)), autoscaler(metrics=...),
    text=HPA + "spec.metrics but container main of Deployment web requests no cpu, and the autoscaler"
    " follows the use in percent of the request; add resources.requests.cpu there, or accept A05 where a"
    " LimitRange of the namespace does",
)  # fmt: skip

case("A06", "it exists", *scaled(utilization(70, container="main")))
case(
    "A06",
    "it is an init container that stays",
    deployment(template=pods(HALF, initContainers=[INIT | STAYS])),
    autoscaler("web", utilization(70, container="init")),
)
case(
    "A06", "misspelt", *scaled(utilization(70, container="mian")),
    text=HPA + "spec.metrics[0].containerResource.container='mian' but Deployment web has no such container;"
    " did you mean main?",
)  # fmt: skip
case(
    "A06", "another name", *scaled(utilization(70, container="istio")),
    text=HPA + "spec.metrics[0].containerResource.container='istio' but Deployment web has no such"
    " container; it has main; accept A06 where a webhook adds the container",
)  # fmt: skip

case("A07", "1 percent", *scaled(utilization(1)))
case(
    "A07", "0 percent", *scaled(utilization(0)),
    text=HPA + "spec.metrics[0].resource.target.averageUtilization=0 but a use that is aimed at is at least"
    " 1 percent of the request; write a percentage of the request, such as 70",
)  # fmt: skip

case("A08", "no limit", *scaled(utilization(300)))
case("A08", "90 of 100 percent", deployment(template=pods(FULL)), autoscaler("web", utilization(90)))
case("A08", "a limit above the request", deployment(template=pods(HALF)), autoscaler("web", utilization(150)))
case(
    "A08", "91 of 100 percent", deployment(template=pods(FULL)), autoscaler("web", utilization(91)),
    text=HPA + "spec.metrics[0].resource.target.averageUtilization=91 but the limits of Deployment web let"
    " the use reach 100 percent of the requests at most, and replicas are added above 100.1; lower it to 90 or less,"
    " or raise the limit for cpu",
)  # fmt: skip
case(
    "A08", "200 of 200 percent", deployment(template=pods(HALF)), autoscaler("web", utilization(200, container="main")),
    text=HPA + "spec.metrics[0].containerResource.target.averageUtilization=200 but the limits of Deployment"
    " web let the use reach 200 percent of the requests at most, and replicas are added above 220; lower it to"
    " 181 or less, or raise the limit for cpu",
)  # fmt: skip

case("A09", "External by value", *scaled(metric("External", type="Value", value="3")))
case("A09", "Object by average", *scaled(metric("Object", type="AverageValue", averageValue="3")))
case("A09", "Pods", *scaled(metric("Pods", type="AverageValue", averageValue="3")))
case("A09", "Object with both", *scaled(metric("Object", type="AverageValue", averageValue="3", value="4")))
case(
    "A09", "External with both", *scaled(metric("External", type="Value", value="3", averageValue="3")),
    text=HPA + "spec.metrics[0].external.target.averageValue='3' but value is given too, and a metric of type"
    " External has one of value or averageValue; remove one of the two",
)  # fmt: skip
case(
    "A09", "External with none", *scaled(metric("External", type="Value")),
    text=HPA + "spec.metrics[0].external.target but a metric of type External needs value or averageValue;"
    " add value",
)  # fmt: skip
case(
    "A09", "Pods by value", *scaled(metric("Pods", type="Value", value="3")),
    text=HPA + "spec.metrics[0].pods.target but a metric of type Pods needs averageValue; add averageValue",
)  # fmt: skip
case(
    "A09", "not above zero", *scaled(metric("Pods", type="AverageValue", averageValue="0")),
    text=HPA + "spec.metrics[0].pods.target.averageValue='0' but a target is above 0; write what one replica"
    " can bear",
)  # fmt: skip
case(
    "A09", "no such type", *scaled(metric("Pods", type="Average", averageValue="3")),
    text=HPA + "spec.metrics[0].pods.target.type='Average' but it is Utilization, Value or AverageValue; write"
    " the one that goes with averageValue",
)  # fmt: skip
case(
    "A09", "Object of another type", *scaled(metric("Object", type="Value", averageValue="3")),
    text=HPA + "spec.metrics[0].object.target.type='Value' but averageValue is given, and the controller of a"
    " metric of type Object goes by the type; write type: AverageValue",
)  # fmt: skip

case("A10", "one source each", *scaled(utilization(70), metric("Pods", type="AverageValue", averageValue="3")))
case(
    "A10", "no such type", *scaled({"type": "Resources"}),
    text=HPA + "spec.metrics[0].type='Resources' but the types of metrics are ContainerResource, External,"
    " Object, Pods, Resource; did you mean Resource?",
)  # fmt: skip
case(
    "A10", "no source", *scaled({"type": "Resource"}),
    text=HPA + "spec.metrics[0].type='Resource' but resource is missing, which such a metric is made of; add"
    " resource",
)  # fmt: skip
case(
    "A10", "two sources",
    *scaled({**utilization(70), "pods": metric("Pods", type="AverageValue", averageValue="3")["pods"]}),
    text=HPA + "spec.metrics[0].pods but the type is Resource, and a metric has the one source that its type"
    " names; remove pods, or make it a metric of its own",
)  # fmt: skip

case("A11", "one each", *scaled(), deployment("other"), autoscaler("other", scaleTargetRef=OTHER))
case(
    "A11", "two for one", *scaled(), autoscaler("second"),
    text="test: HorizontalPodAutoscaler second spec.scaleTargetRef.name='web' but HorizontalPodAutoscaler web"
    " scales Deployment web already, and autoscalers that share pods stand still; keep one of them",
)  # fmt: skip

case("A12", "no replicas", *scaled())
case("A12", "no autoscaler", deployment(replicas=3))
case(
    "A12", "both", deployment(replicas=3), autoscaler(),
    text="test: Deployment web spec.replicas=3 but HorizontalPodAutoscaler web owns the number of replicas, and"
    " every sync would set it back; leave spec.replicas away",
)  # fmt: skip

case(
    "A13",
    "the limits",
    *behaviour(stabilizationWindowSeconds=3600, selectPolicy="Disabled", policies=[{**POLICY, "periodSeconds": 1800}]),
)
case("A13", "nothing", *scaled(behavior={"scaleDown": {}}))
case(
    "A13", "a long window", *behaviour(stabilizationWindowSeconds=3601),
    text=HPA + "spec.behavior.scaleDown.stabilizationWindowSeconds=3601 but a stabilization window is from 0 to"
    " 3600 seconds; correct the number",
)  # fmt: skip
case(
    "A13", "no such choice", *behaviour(selectPolicy="max"),
    text=HPA + "spec.behavior.scaleDown.selectPolicy='max' but it is Max, Min or Disabled; write one of them",
)  # fmt: skip
case(
    "A13", "no policies", *behaviour(policies=[]),
    text=HPA + "spec.behavior.scaleDown.policies=[] but where policies are listed there is at least one; leave"
    " policies away for the default ones",
)  # fmt: skip
case(
    "A13", "no such policy", *behaviour(policies=[{**POLICY, "type": "Pod"}]),
    text=HPA + "spec.behavior.scaleDown.policies[0].type='Pod' but it is Pods or Percent; write one of them",
)  # fmt: skip
case(
    "A13", "a policy of nothing", *behaviour(policies=[POLICY, {**POLICY, "value": 0}]),
    text=HPA + "spec.behavior.scaleDown.policies[1].value=0 but a policy changes at least 1; write 1 or more",
)  # fmt: skip
case(
    "A13", "a long period", *behaviour(policies=[{**POLICY, "periodSeconds": 1801}]),
    text=HPA + "spec.behavior.scaleDown.policies[0].periodSeconds=1801 but a policy's period is from 1 to 1800"
    " seconds; correct the number",
)  # fmt: skip

case("A20", "it is here", *scaled())
case("A20", "in another namespace", {**autoscaler(), "metadata": {"name": "web", "namespace": "other"}})
case(
    "A20", "it is not here", autoscaler(),
    text=HPA + "spec.scaleTargetRef.name='web' but no Deployment of this name is rendered here; correct"
    " scaleTargetRef, or accept A20 where something else makes the target",
)  # fmt: skip
case(
    "A20", "not scalable", autoscaler(scaleTargetRef={"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "web"}),
    text=HPA + "spec.scaleTargetRef.kind='DaemonSet' but objects of this kind have no number of replicas; name"
    " a Deployment or StatefulSet",
)  # fmt: skip
case(
    "A20", "another group",
    deployment(), autoscaler(scaleTargetRef={"apiVersion": "extensions/v1beta1", "kind": "Deployment", "name": "web"}),
    text=HPA + "spec.scaleTargetRef.apiVersion='extensions/v1beta1' but Deployment is a kind of apps/v1, and a"
    " target is looked up by group and kind; write apiVersion: apps/v1",
)  # fmt: skip
case(
    "A20", "no group", deployment(), autoscaler(scaleTargetRef={"kind": "Deployment", "name": "web"}),
    text=HPA + "spec.scaleTargetRef.apiVersion but Deployment is a kind of apps/v1, and a target is looked up"
    " by group and kind; write apiVersion: apps/v1",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "manifests", "expected"), CASES)
def test_a_foreign_autoscaler_is_judged(
    tmp_path: Path, rule: str, manifests: tuple[Mapping[str, Any], ...], expected: list[str]
) -> None:
    """An autoscaler that a user brings in gets exactly the finding of the table."""
    scope = environment(tmp_path)
    for manifest in manifests:
        raw(scope, manifest)
    assert found_by(scope, rule) == expected


def scale_to_zero(root: Path, *metrics: Mapping[str, Any]) -> Environment:
    """Return an environment of Kubernetes 1.37 with an autoscaler that goes down to 0."""
    scope = environment(root, cluster=Cluster("eks-test", kubernetes="1.37"))
    for manifest in scaled(*metrics, minReplicas=0):
        raw(scope, manifest)
    return scope


def test_from_1_37_on_a_metric_from_outside_scales_to_zero(tmp_path: Path) -> None:
    """HPAScaleToZero is on from 1.37."""
    scope = scale_to_zero(tmp_path, metric("External", type="Value", value="3"))
    assert found_by(scope, "A02") == []


def test_a_metric_of_the_pods_never_wakes_them(tmp_path: Path) -> None:
    """The API server refuses it on every version."""
    assert found_by(scale_to_zero(tmp_path), "A02") == [
        HPA + "spec.minReplicas=0 but no metric is of the types Object or External, which live on"
        " without pods; add such a metric, or write minReplicas: 1"
    ]


def test_a_tolerance_of_its_own_counts_from_1_35_on(tmp_path: Path) -> None:
    """HPAConfigurableTolerance is on from 1.35."""
    for version, reachable in (("1.34", False), ("1.35", True)):
        cluster = Cluster("eks-test", kubernetes=version)
        scope = environment(tmp_path, cluster=cluster)
        raw(scope, deployment(template=pods(FULL)))
        raw(scope, autoscaler("web", utilization(91), behavior={"scaleUp": {"tolerance": "0.05"}}))
        assert (found_by(scope, "A08") == []) is reachable


def test_the_first_version_of_the_api_is_judged_too(tmp_path: Path) -> None:
    """autoscaling/v1 has one metric, in a field of its own."""
    scope = environment(tmp_path)
    raw(scope, deployment(template=pods(BARE)))
    old = autoscaler(metrics=..., targetCPUUtilizationPercentage=0, maxReplicas=1)
    raw(scope, {**old, "apiVersion": "autoscaling/v1"})
    assert [text for rule in ("A01", "A05", "A07") for text in found_by(scope, rule)] == [
        HPA + "spec.minReplicas=2 but spec.maxReplicas is 1, and the fewest replicas are at most the"
        " most; lower minReplicas, or raise maxReplicas to at least 2",
        HPA + "spec.targetCPUUtilizationPercentage=0 but container main of Deployment web requests no"
        " cpu, and the autoscaler follows the use in percent of the request; add"
        " resources.requests.cpu there, or accept A05 where a LimitRange of the namespace does",
        HPA + "spec.targetCPUUtilizationPercentage=0 but a use that is aimed at is at least 1 percent"
        " of the request; write a percentage of the request, such as 70",
    ]


def test_a_selector_that_reaches_the_pods_of_another_autoscaler_stops_both(tmp_path: Path) -> None:
    """The controller says AmbiguousSelector."""
    scope = environment(tmp_path)
    for manifest in scaled():
        raw(scope, manifest)
    labels = {"app": "web", "track": "canary"}
    template = {**pods(HALF), "metadata": {"labels": labels}}
    raw(scope, deployment("canary", selector={"matchLabels": labels}, template=template))
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "canary"}
    assert found_by(scope, "A11") == []
    raw(scope, autoscaler("canary", scaleTargetRef=reference))
    assert found_by(scope, "A11") == [
        HPA + "spec.scaleTargetRef.name='web' but the selector of Deployment web matches the pods of"
        " Deployment canary too, which HorizontalPodAutoscaler canary scales, and autoscalers that"
        " share pods stand still; give the two workloads selectors of their own"
    ]


def test_an_ending_start_up_is_waited_for(tmp_path: Path) -> None:
    """A window as long as the start is enough, and the default."""
    scope = environment(tmp_path)
    own_service(scope, start_within=minutes(10))
    assert found_by(scope, "A18") == []


def test_a_start_up_longer_than_the_window_is_a_warning(tmp_path: Path) -> None:
    """The option is scale_down_after, the finding names its field."""
    scope = environment(tmp_path)
    own_service(scope, start_within=minutes(10), scale=CpuScale(min=2, max=4, scale_down_after=minutes(5)))
    (text,) = found_by(scope, "A18")
    assert text == (
        "test/api: HorizontalPodAutoscaler api spec.behavior.scaleDown.stabilizationWindowSeconds=300"
        " but a start of Deployment api may take 600 seconds, in which the pod is missed; raise it to"
        " 600"
    )


def test_the_usual_window_is_named(tmp_path: Path) -> None:
    """No window is longer than an hour, and 300 seconds are the default."""
    scope = environment(tmp_path)
    probe = {"tcpSocket": {"port": 80}, "initialDelaySeconds": 100, "failureThreshold": 400}
    raw(scope, deployment(template=pods({**HALF, "startupProbe": probe})))
    raw(scope, autoscaler())
    assert found_by(scope, "A18") == [
        HPA + "spec.behavior.scaleDown.stabilizationWindowSeconds but it is 300 seconds if not given,"
        " and a start of Deployment web may take 3600 seconds, in which the pod is missed; raise it to"
        " 3600"
    ]


def test_a_patch_cannot_bring_replicas_back(tmp_path: Path) -> None:
    """What a patch made is checked as well."""
    scope = environment(tmp_path)
    own_service(scope).add_json_patch("Deployment", {"op": "add", "path": "/spec/replicas", "value": 3})
    (text,) = found_by(scope, "A12")
    assert text == (
        "test/api: Deployment api spec.replicas=3 but HorizontalPodAutoscaler api owns the number of"
        " replicas, and every sync would set it back; leave spec.replicas away"
    )


def test_a_target_is_not_missed_where_objects_are_missing(tmp_path: Path) -> None:
    """What failed its schema is no second finding."""
    scope = environment(tmp_path)
    raw(scope, autoscaler())
    objects = gather(scope).objects
    for complete, expected in ((True, ["A20"]), (False, [])):
        seen = Scope(scope.site, objects, complete=complete)
        assert [breach.rule for _, breach in breaches(seen)] == expected


def test_a_scaled_object_is_an_autoscaler_too(tmp_path: Path) -> None:
    """KEDA makes a HorizontalPodAutoscaler of each, and its target is a Deployment unless it says otherwise."""
    scope = environment(tmp_path)
    for manifest in (deployment(replicas=3), autoscaler(), autoscaler("keda"), autoscaler("lost")):
        raw(scope, manifest)
    objects = gather(scope).objects
    woken = {"minReplicaCount": 1, "triggers": [{"type": "cron"}]}
    for index, one in enumerate(objects):
        if one.name in {"keda", "lost"}:
            reference = {"name": "web" if one.name == "keda" else "lost"}
            data = {**one.data, "kind": "ScaledObject", "spec": {"scaleTargetRef": reference, **woken}}
            objects[index] = attrs.evolve(one, data=data)
    broken = [(one.name, breach.rule) for one, breach in breaches(Scope(scope.site, objects)) if breach.rule[0] == "A"]
    assert broken == [("web", "A12"), ("keda", "A11"), ("lost", "A20")]


def test_modelyards_own_autoscalers_break_no_rule_of_the_family(tmp_path: Path) -> None:
    """Also with one replica, a limit and an accelerator."""
    scope = environment(tmp_path)
    own_service(scope, gpu=Gpu("l4"), scale=CpuScale(min=1, max=2, target=90), cpu_limit="1")
    training(scope)
    assert [finding.text for finding in found(scope) if finding.rule.startswith("A")] == []
