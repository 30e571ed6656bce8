"""Canary, and blue and green, by Argo Rollouts: each option by its field, what both versions take, and who writes what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Analysis,
    ArgoCD,
    BlueGreen,
    Canary,
    Claim,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Flux,
    Gateway,
    Gpu,
    Host,
    InferencePool,
    IngressClass,
    Monitoring,
    Port,
    minutes,
    seconds,
)
from modelyard.serving.queries import scalar
from modelyard.values.tracks import beside
from tests.manifests import MISSING, at
from tests.support import CLUSTER, DIGEST, IMAGE, but, cluster_with, delivered, environment, found, objects, service

CRDS = [Crd.ARGO_ROLLOUTS, Crd.GATEWAY_API, Crd.LWS, Crd.PROMETHEUS_OPERATOR]
PUBLIC = Gateway("public", "gateways", implementation="istio")
PROMETHEUS = Monitoring("monitoring", address="http://prometheus:9090")
ROUTED = cluster_with(installed=CRDS, gateway=PUBLIC, monitoring=PROMETHEUS)
PLAIN = cluster_with(installed=CRDS, monitoring=PROMETHEUS)
CHAT = Host("chat.acme.dev")
STEPS = Canary({10: minutes(10), 50: None})
ERRORS = Analysis("sum(rate(errors[5m]))", at_most=0.05)
CANARY = "spec.strategy.canary"
BLUE = "spec.strategy.blueGreen"


def _served(root: Path, cluster: Cluster = ROUTED, **options: Any) -> Environment:
    scope = environment(root, cluster=cluster)
    stock = {"rollout": STEPS, **({"route": CHAT} if cluster.gateway else {})}
    made = service(scope, **{**stock, **options})
    assert made.id == "api"
    return scope


def test_a_canary_by_a_route(tmp_path: Path) -> None:
    """Two Services, whose pods Argo Rollouts tells apart, and a route whose shares it writes."""
    rendered = objects(_served(tmp_path))
    rollout = rendered["Rollout/api"]["spec"]

    assert rollout["strategy"] == {
        "canary": {
            "stableService": "api",
            "canaryService": "api-canary",
            "trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "api", "namespace": "ml-test"}}},
            "steps": [
                {"setWeight": 10},
                {"pause": {"duration": "600s"}},
                {"setWeight": 50},
                {"pause": {}},
            ],
        }
    }
    assert {key: rollout[key] for key in rollout if key not in {"strategy", "template"}} == {
        "selector": {"matchLabels": {"app": "api"}},
        "progressDeadlineSeconds": 660,
        "progressDeadlineAbort": True,
        "revisionHistoryLimit": 5,
    }
    assert at(rendered["HTTPRoute/api"], "spec.rules[0].backendRefs") == [
        {"group": "", "kind": "Service", "name": "api", "port": 80, "weight": 100},
        {"group": "", "kind": "Service", "name": "api-canary", "port": 80, "weight": 0},
    ]
    assert rendered["Service/api-canary"]["spec"] == rendered["Service/api"]["spec"]
    assert "Deployment/api" not in rendered


def test_whatever_follows_pods_follows_the_rollout(tmp_path: Path) -> None:
    """The autoscaler, the budget, the spread, and what is told of replicas."""
    rendered = objects(_served(tmp_path))
    (down,) = (
        rule["expr"]
        for rule in at(rendered["PrometheusRule/api"], "spec.groups[0].rules")
        if rule["alert"] == "ServiceDown"
    )

    assert at(rendered["HorizontalPodAutoscaler/api"], "spec.scaleTargetRef") == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "name": "api",
    }
    assert rendered["PodDisruptionBudget/api"]["spec"]["selector"] == {"matchLabels": {"app": "api"}}
    spread = at(rendered["Rollout/api"], "spec.template.spec.topologySpreadConstraints")
    assert [one["matchLabelKeys"] for one in spread] == [["rollouts-pod-template-hash"]] * 2
    chosen = '{namespace="ml-test",replicaset=~"api-[bcdfghjklmnpqrstvwxz2456789]{1,10}"}'
    assert down == (
        f"sum by (namespace) (kube_replicaset_status_ready_replicas{chosen}) == 0 and on (namespace)"
        f" sum by (namespace) (kube_replicaset_spec_replicas{chosen}) > 0"
    )


@pytest.mark.parametrize(
    ("rollout", "kind", "path", "expected"),
    [
        (Canary({5: seconds(90)}), "Rollout", f"{CANARY}.steps", [{"setWeight": 5}, {"pause": {"duration": "90s"}}]),
        (but(STEPS, dynamic_stable_scale=True), "Rollout", f"{CANARY}.dynamicStableScale", True),
        (
            but(STEPS, analysis=ERRORS),
            "Rollout",
            f"{CANARY}.analysis",
            {
                "startingStep": 1,
                "templates": [{"templateName": "api"}],
                "args": [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}],
            },
        ),
        (
            but(STEPS, analysis=ERRORS),
            "AnalysisTemplate",
            "spec",
            {
                "args": [{"name": "hash"}],
                "metrics": [
                    {
                        "name": "query",
                        "interval": "60s",
                        "failureLimit": 0,
                        "successCondition": "len(result) == 0 || isNaN(result[0]) || result[0] <= 0.05",
                        "provider": {
                            "prometheus": {"address": "http://prometheus:9090", "query": "sum(rate(errors[5m]))"}
                        },
                    }
                ],
            },
        ),
        (
            but(STEPS, analysis=Analysis("good", at_least=0.99)),
            "AnalysisTemplate",
            "spec.metrics[0].successCondition",
            "len(result) == 0 || isNaN(result[0]) || result[0] >= 0.99",
        ),
        (
            but(STEPS, analysis=but(ERRORS, at_most=1234567.5)),
            "AnalysisTemplate",
            "spec.metrics[0].successCondition",
            "len(result) == 0 || isNaN(result[0]) || result[0] <= 1234567.5",
        ),
        (
            but(STEPS, analysis=but(ERRORS, every=minutes(2))),
            "AnalysisTemplate",
            "spec.metrics[0].interval",
            "120s",
        ),
        (
            but(STEPS, analysis=but(ERRORS, failures=3)),
            "AnalysisTemplate",
            "spec.metrics[0].failureLimit",
            3,
        ),
        (
            BlueGreen(),
            "Rollout",
            BLUE,
            {
                "activeService": "api",
                "previewService": "api-preview",
                "autoPromotionEnabled": False,
                "scaleDownDelaySeconds": 30,
            },
        ),
        (BlueGreen(minutes(5)), "Rollout", f"{BLUE}.autoPromotionEnabled", True),
        (BlueGreen(minutes(5)), "Rollout", f"{BLUE}.autoPromotionSeconds", 300),
        (BlueGreen(keep_old=minutes(10)), "Rollout", f"{BLUE}.scaleDownDelaySeconds", 600),
        (
            BlueGreen(keep_old=minutes(2), analysis=ERRORS),
            "Rollout",
            f"{BLUE}.postPromotionAnalysis.templates",
            [{"templateName": "api"}],
        ),
        (BlueGreen(keep_old=minutes(10), analysis=ERRORS), "AnalysisTemplate", "spec.metrics[0].count", 10),
        (BlueGreen(analysis=but(ERRORS, every=seconds(15))), "AnalysisTemplate", "spec.metrics[0].count", 2),
    ],
)
def test_an_option_becomes_its_field(tmp_path: Path, rollout: Any, kind: str, path: str, expected: Any) -> None:
    """The option sets this very field, which a plain canary does not have."""
    plain = objects(_served(tmp_path))
    changed = objects(_served(tmp_path, rollout=rollout))

    assert at(changed[f"{kind}/api"], path) == expected
    assert at(plain.get(f"{kind}/api", {}), path) != expected


def test_blue_and_green_leave_the_route_alone(tmp_path: Path) -> None:
    """Requests move with the selector of the Service."""
    rendered = objects(_served(tmp_path, rollout=BlueGreen()))

    assert at(rendered["HTTPRoute/api"], "spec.rules[0].backendRefs") == [
        {"group": "", "kind": "Service", "name": "api", "port": 80, "weight": 1}
    ]
    assert rendered["Service/api-preview"]["spec"]["selector"] == {"app": "api"}


def test_grpc_has_its_own_route_in_it(tmp_path: Path) -> None:
    """Both routes get the same shares."""
    ports = [Port("http", 8000, service=80), Port("grpc", 9000)]
    rendered = objects(_served(tmp_path, port=ports, route=[CHAT, Host("grpc.acme.dev", grpc=True)]))

    assert at(rendered["Rollout/api"], f"{CANARY}.trafficRouting.plugins") == {
        "argoproj-labs/gatewayAPI": {"httpRoute": "api", "grpcRoute": "api", "namespace": "ml-test"}
    }
    assert [one["weight"] for one in at(rendered["GRPCRoute/api"], "spec.rules[0].backendRefs")] == [100, 0]


@pytest.mark.parametrize("cluster", [PLAIN, cluster_with(installed=CRDS, gateway=IngressClass("web", "ingress-nginx"))])
def test_without_a_gateway_shares_are_of_pods(tmp_path: Path, cluster: Cluster) -> None:
    """Of one Service, which finds both; nobody but the controller of the Rollout writes anything."""
    rendered = objects(_served(tmp_path, cluster, rollout=Canary({50: minutes(5)})))

    assert at(rendered["Rollout/api"], CANARY) == {
        "maxSurge": 1,
        "maxUnavailable": 0,
        "steps": [{"setWeight": 50}, {"pause": {"duration": "300s"}}],
    }
    assert [name for name in rendered if name.startswith("Service/")] == ["Service/api"]


def test_a_scarce_class_has_no_pod_too_many(tmp_path: Path) -> None:
    """One ends before the new one starts."""
    rendered = objects(_served(tmp_path, PLAIN, rollout=Canary({50: None}), gpu=Gpu("l4")))

    assert at(rendered["Rollout/api"], f"{CANARY}.maxSurge") == 0
    assert at(rendered["Rollout/api"], f"{CANARY}.maxUnavailable") == 1


@pytest.mark.parametrize(
    ("pods", "steps", "shrinking", "more"),
    [
        (4, [10, 50], False, 4),
        (4, [10, 50], True, 2),
        (10, [10, 20, 30, 40, 50, 60, 70, 80, 90], True, 1),
        (1, [50], True, 1),
        (3, [100], True, 3),
    ],
)
def test_how_many_pods_there_are_beside_the_others(pods: int, steps: list[int], shrinking: bool, more: int) -> None:  # noqa: FBT001
    """As Argo Rollouts counts: each share is rounded up, and old pods end after the shares have moved."""
    assert beside(pods, steps, shrinking=shrinking) == more


@pytest.mark.parametrize(
    ("rollout", "gpus", "spare"),
    [
        (STEPS, "2-4 x l4 (8 in a rollout)", 4),
        (but(STEPS, dynamic_stable_scale=True), "2-4 x l4 (6 in a rollout)", 2),
        (BlueGreen(), "2-4 x l4 (8 in a rollout)", 4),
    ],
)
def test_what_both_versions_take_is_told_and_refused_where_it_is_not_there(
    tmp_path: Path, rollout: Any, gpus: str, spare: int
) -> None:
    """Declared as kept free, it is fine."""

    def at_most(free: int) -> Cluster:
        cluster: Cluster = but(ROUTED, accelerators=[but(CLUSTER.accelerators[0], spare=free)])
        return cluster

    scope = environment(tmp_path, cluster=at_most(spare))
    made = service(scope, rollout=rollout, route=CHAT, gpu=Gpu("l4"))
    short = _served(tmp_path, at_most(spare - 1), rollout=rollout, gpu=Gpu("l4"))

    assert made.summary()["gpus"] == gpus
    assert found(scope) == []
    assert [f"{one.rule} {one.text}" for one in found(short)] == [
        (
            f"D03 test/api: Rollout api spec.strategy but beside 4 pods up to {spare} run for a time, which takes {spare}"
            f" more l4, and eks-test keeps {spare - 1} free; declare Accelerator('l4', spare={spare}) where so many are kept"
            ' free, let old pods end as new ones take over (dynamicStableScale), or write rollout="in-place"'
        )
    ]


def _delivery(root: Path, delivery: Any, rollout: Any) -> dict[str, Any]:
    scope = environment(root, cluster=ROUTED, delivery=delivery)
    service(scope, rollout=rollout, route=CHAT)
    return delivered(scope)


SHARES = ["/spec/rules/0/backendRefs/0/weight", "/spec/rules/0/backendRefs/1/weight"]


@pytest.mark.parametrize(
    ("rollout", "owned"),
    [
        (
            STEPS,
            {
                "Rollout/api": ["/spec/replicas"],
                "Service/api": ["/spec/selector"],
                "Service/api-canary": ["/spec/selector"],
                "HTTPRoute/api": SHARES,
            },
        ),
        (
            BlueGreen(),
            {
                "Rollout/api": ["/spec/replicas"],
                "Service/api": ["/spec/selector"],
                "Service/api-preview": ["/spec/selector"],
            },
        ),
    ],
)
def test_what_argo_rollouts_writes_is_left_to_it(tmp_path: Path, rollout: Any, owned: dict[str, list[str]]) -> None:
    """Argo CD keeps the values of the cluster, and Flux does, too; what git does not hold needs no word in Argo CD."""
    argo = _delivery(tmp_path, ArgoCD("https://git.example/acme/models"), rollout)["Application/ml-test"]["spec"]
    flux = _delivery(tmp_path, Flux("https://git.example/acme/models"), rollout)["Kustomization/ml-test"]["spec"]

    assert {f"{one['kind']}/{one['name']}": one["jsonPointers"] for one in argo["ignoreDifferences"]} == {
        name: paths for name, paths in owned.items() if name != "Rollout/api"
    }
    assert "RespectIgnoreDifferences=true" in argo["syncPolicy"]["syncOptions"]
    assert {f"{one['target']['kind']}/{one['target']['name']}": one["paths"] for one in flux["ignore"]} == owned


def test_another_image_changes_nothing_but_the_rollout(tmp_path: Path) -> None:
    """Neither Services nor the route."""
    before = objects(_served(tmp_path))
    after = objects(_served(tmp_path, image=f"ghcr.io/acme/model:1.5.0@{DIGEST}"))

    assert [name for name in before if before[name] != after[name]] == ["Rollout/api"]
    assert before.keys() == after.keys()


def test_other_bounds_touch_the_autoscaler_only(tmp_path: Path) -> None:
    """The Rollout has no number of its own; with one it has."""
    quiet = but(ROUTED, monitoring=None)
    before = objects(_served(tmp_path, quiet))
    after = objects(_served(tmp_path, quiet, scale=CpuScale(min=3, max=9)))
    fixed = objects(_served(tmp_path, quiet, scale=None, replicas=3))

    assert [name for name in before if before[name] != after[name]] == ["HorizontalPodAutoscaler/api"]
    assert at(before["Rollout/api"], "spec.replicas") == MISSING
    assert at(fixed["Rollout/api"], "spec.replicas") == 3


POOL = InferencePool(IMAGE, failure_mode="FailOpen")


@pytest.mark.parametrize(
    ("cluster", "options", "text"),
    [
        (
            but(ROUTED, installed=[Crd.GATEWAY_API, Crd.PROMETHEUS_OPERATOR]),
            {},
            (
                "X04 test/api: rollout='Canary' but the cluster eks-test has no argoproj.io/v1alpha1 Rollout; write"
                ' Cluster(installed=[Crd.ARGO_ROLLOUTS]), or rollout="surge"'
            ),
        ),
        (
            PLAIN,
            {"rollout": BlueGreen(), "nodes": 2},
            (
                "X11 test/api: rollout='BlueGreen' but replicas on several nodes are a LeaderWorkerSet, which Argo Rollouts"
                " does not replace; leave rollout= away, and use two services and split="
            ),
        ),
        (
            ROUTED,
            {"route": but(CHAT, split={"next": 10})},
            (
                "X11 test/api: route.split but Argo Rollouts writes the shares of the route, and they are of two Services;"
                " leave split= away, or rollout="
            ),
        ),
        (
            PLAIN,
            {"rollout": but(STEPS, steps={50: None}, dynamic_stable_scale=True)},
            (
                "X11 test/api: rollout.dynamic_stable_scale=True but without a route by a Gateway old pods end anyway as new"
                " ones start; leave it away"
            ),
        ),
        (
            PLAIN,
            {},
            (
                "X11 test/api: rollout.steps=10 but without a route by a Gateway it is a share of pods, and one of 2 is more;"
                " start with 50 or more, or give it a route"
            ),
        ),
        (
            ROUTED,
            {"rollout": but(STEPS, analysis=Analysis("up"))},
            (
                "X11 test/api: rollout.analysis but an analysis has one bound, by which a number is good or bad; give either"
                " at_most= or at_least="
            ),
        ),
        (
            but(ROUTED, monitoring=None),
            {"rollout": but(STEPS, analysis=ERRORS)},
            (
                "X11 test/api: rollout.analysis but the cluster eks-test tells no address of its monitoring, which Argo"
                ' Rollouts asks; write Monitoring(..., address="http://prometheus-operated.monitoring:9090")'
            ),
        ),
        (
            ROUTED,
            {"rollout": Canary({50: None, 10: None})},
            (
                "X11 test/api: rollout.steps={2 keys} but it maps rising shares, each from 1 to 100 percent, to how long each"
                " is kept; correct the value"
            ),
        ),
        (
            ROUTED,
            {"rollout": Canary({10: seconds(0)})},
            (
                "X11 test/api: rollout.steps={1 keys} but a share is kept for at least 1 second, or with None until somebody"
                " promotes it; correct the value"
            ),
        ),
        (
            ROUTED,
            {"rollout": BlueGreen(keep_old=seconds(-1))},
            "X11 test/api: rollout.keep_old=seconds(-1) but a length of time is not negative; correct the value",
        ),
        (
            ROUTED,
            {"rollout": but(STEPS, analysis=but(ERRORS, failures=-1))},
            "X11 test/api: rollout.analysis.failures=-1 but it is not negative; correct the value",
        ),
        (
            ROUTED,
            {"rollout": "canary"},
            (
                "X11 test/api: rollout='canary' but it must be 'auto' or 'surge' or 'in-place' or 'recreate', a Canary or a"
                " BlueGreen; pass 'auto' or 'surge' or 'in-place' or 'recreate', a Canary or a BlueGreen"
            ),
        ),
        (
            ROUTED,
            {"rollout": BlueGreen(analysis=ERRORS)},
            (
                "X11 test/api: rollout.keep_old=seconds(30) but the analysis asks every 60 seconds, and the old pods stay 30:"
                " that is once, or never; write keep_old=seconds(120) or more, or ask more often: every=seconds(15)"
            ),
        ),
        (
            ROUTED,
            {"rollout": Canary({10: seconds(30), 50: seconds(60)}, analysis=ERRORS)},
            (
                "X11 test/api: rollout.steps=seconds(90) but the analysis asks every 60 seconds, and the old pods stay 90:"
                " that is once, or never; write shares that are kept for seconds(120) or more, or ask more often:"
                " every=seconds(45)"
            ),
        ),
        *(
            (
                ROUTED,
                {"rollout": but(STEPS, analysis=Analysis("up", at_most=float(bound)))},
                f"X11 test/api: rollout.analysis.at_most={bound} but nothing can be compared with it; correct the value",
            )
            for bound in ("nan", "inf")
        ),
        (
            ROUTED,
            {"rollout": but(STEPS, analysis=Analysis('up{pod=~"api-{{args.hsh}}-.*"}', at_most=1))},
            (
                "X11 test/api: rollout.analysis.query='{{args.hsh}}' but Argo Rollouts knows {{args.hash}} only, and no"
                " analysis can start; write {{args.hash}}, or leave it away"
            ),
        ),
        (
            ROUTED,
            {"rollout": but(STEPS, analysis=Analysis("scalar(sum(up))", at_most=1))},
            (
                "X11 test/api: rollout.analysis.query='scalar(sum(up))' but its answer is no vector but a number alone, which"
                " Argo Rollouts hands over otherwise; leave scalar() away, or write vector(...) around it"
            ),
        ),
        (
            ROUTED,
            {
                "runtime": VLLM("0.18.0"),
                "model": "/opt/model",
                "port": None,
                "health": None,
                "rollout": but(STEPS, analysis=Analysis("avg(vllm:gpu_cache_usage_perc)", at_most=1)),
            },
            (
                "A17 test/api: rollout.analysis.query='vllm:gpu_cache_usage_perc' but vLLM 0.18.0 does not export it; did you"
                " mean vllm:kv_cache_usage_perc?"
            ),
        ),
    ],
)
def test_what_cannot_be_replaced_so_is_told(tmp_path: Path, cluster: Cluster, options: Any, text: str) -> None:
    """Value, reason and remedy."""
    scope = _served(tmp_path, cluster, **options)

    assert "\n".join(f"{one.rule} {one.text}" for one in found(scope)) == text


def test_a_claim_of_one_node_is_told(tmp_path: Path) -> None:
    """Pods of both versions would mount it."""
    claim = Claim("cache", "/cache", size="1Gi", storage_class="ebs", access_mode="ReadWriteOnce")
    scope = _served(tmp_path, scale=None, replicas=1, volumes=[claim])

    assert (
        "V01 test/api: volumes[0].access_mode='ReadWriteOnce' but pods of both versions mount cache, and this mode is for"
        ' one node; use storage that many nodes can mount, or rollout="recreate"'
    ) in [f"{one.rule} {one.text}" for one in found(scope)]


def test_a_pool_has_no_two_services(tmp_path: Path) -> None:
    """Argo Rollouts would look for Services in its route."""
    scope = _served(tmp_path, but(ROUTED, installed=[*CRDS, Crd.INFERENCE_EXTENSION]), route=but(CHAT, pool=POOL))

    assert (
        "X11 test/api: route.pool but Argo Rollouts writes the shares of the route, and they are of two Services; leave pool="
        " away, or rollout="
    ) in [f"{one.rule} {one.text}" for one in found(scope)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("up", False),
        ("sum by (pod) (rate(up[5m]))", False),
        ("sum(a) / scalar(sum(b))", False),
        ("vector(scalar(sum(a)))", False),
        ("scalar(sum(a) / sum(b))", True),
        ("2 * (scalar(a) + time()) / 1e3", True),
        ('scalar(a{b=")"}) - scalar(c)', True),
    ],
)
def test_a_number_alone_is_known_by_its_query(query: str, expected: bool) -> None:  # noqa: FBT001
    """As Prometheus types expressions."""
    assert scalar(query) == expected
