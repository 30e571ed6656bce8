"""Autoscalers that follow something else than CPU, by the field that an option becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Accelerator,
    ArgoCD,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Gpu,
    GpuScale,
    HuggingFace,
    Metrics,
    MetricScale,
    Monitoring,
    QueueScale,
    Watch,
    minutes,
    seconds,
)
from tests.manifests import MISSING, at
from tests.promql import expressions, refused
from tests.support import CLUSTER, but, delivered, environment, found, objects, service

ADDRESS = "http://prometheus-operated.monitoring:9090"
PODS = "api-[bcdfghjklmnpqrstvwxz2456789]{1,10}-[bcdfghjklmnpqrstvwxz2456789]{5}"


VLLM_IMAGE = "ghcr.io/acme/vllm-openai:v0.18.0@sha256:" + "0" * 64
QUEUE = QueueScale(min=2, max=6, metric="vllm:num_requests_waiting")
LAG = MetricScale(min=1, max=6, query="sum(kafka_consumergroup_lag)", target=20)
SCRAPED = Watch(metrics=Metrics("http"))
OBJECT = "ScaledObject/api"
KEDA_FIELDS = [
    (QUEUE, "minReplicaCount", 2),
    (QUEUE, "maxReplicaCount", 6),
    (QUEUE, "scaleTargetRef", {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}),
    (QUEUE, "fallback", {"failureThreshold": 3, "replicas": 2, "behavior": "currentReplicasIfHigher"}),
    (QUEUE, "cooldownPeriod", MISSING),
    (QUEUE, "triggers[0].metadata.serverAddress", ADDRESS),
    (QUEUE, "triggers[0].metadata.threshold", "5"),
    (QUEUE, "triggers[0].metadata.ignoreNullValues", "false"),
    (QUEUE, "triggers[0].metricType", "AverageValue"),
    (
        QUEUE,
        "triggers[0].metadata.query",
        f'sum(vllm:num_requests_waiting{{namespace="ml-test",pod=~"{PODS}"}})',
    ),
    (but(LAG, target=2.5), "triggers[0].metadata.threshold", "2.5"),
    (but(LAG, target=1234567), "triggers[0].metadata.threshold", "1234567"),
    (but(LAG, target=1234567.0), "triggers[0].metadata.threshold", "1234567"),
    (LAG, "triggers[0].metadata.query", "sum(kafka_consumergroup_lag)"),
    (but(LAG, min=0, buffer="kafka"), "minReplicaCount", 0),
    (but(LAG, min=0, buffer="kafka"), "cooldownPeriod", 300),
    (but(LAG, min=0, buffer="kafka"), "fallback.replicas", 1),
    (
        GpuScale(min=1, max=2, target=60),
        "triggers[0].metadata.query",
        (
            f'sum(avg by (pod, exported_pod) (DCGM_FI_DEV_GPU_UTIL{{namespace="ml-test",pod=~"{PODS}"}} or'
            f' DCGM_FI_DEV_GPU_UTIL{{exported_namespace="ml-test",exported_pod=~"{PODS}"}}))'
        ),
    ),
    (GpuScale(min=1, max=2, target=60), "triggers[0].metadata.threshold", "60"),
]


def _cluster(**more: Any) -> Cluster:
    known = {
        "installed": [Crd.PROMETHEUS_OPERATOR, Crd.KEDA],
        "monitoring": Monitoring("monitoring", address=ADDRESS),
    }
    changed: Cluster = but(CLUSTER, **{**known, **more})
    return changed


def _served(root: Path, scale: Any, **more: Any) -> Environment:
    scope = environment(root, cluster=_cluster(), **more.pop("environment", {}))
    gpu = Gpu("l4") if isinstance(scale, GpuScale) else None
    accept = {"A19": "a test"} if isinstance(scale, GpuScale) else {}
    service(scope, **{"scale": scale, "watch": SCRAPED, "gpu": gpu, "accept": accept, **more})
    return scope


@pytest.mark.parametrize(("scale", "path", "expected"), KEDA_FIELDS)
def test_a_scale_becomes_a_scaled_object(tmp_path: Path, scale: Any, path: str, expected: Any) -> None:
    """KEDA's own fields, and what its defaults would get wrong."""
    rendered = objects(_served(tmp_path, scale))

    assert at(rendered[OBJECT], f"spec.{path}") == expected
    assert "HorizontalPodAutoscaler/api" not in rendered
    assert at(rendered["Deployment/api"], "spec.replicas") == MISSING


@pytest.mark.parametrize(
    ("scale", "start_within", "expected"),
    [
        (QUEUE, minutes(1), 300),
        (QUEUE, minutes(20), 1200),
        (QUEUE, minutes(90), 3600),
        (but(QUEUE, scale_down_after=minutes(30)), minutes(20), 1800),
        (CpuScale(min=2, max=4), minutes(1), 300),
        (CpuScale(min=2, max=4), minutes(20), 1200),
        (CpuScale(min=2, max=4, scale_down_after=seconds(600)), minutes(10), 600),
    ],
)
def test_replicas_are_not_ended_in_less_time_than_they_start_in(
    tmp_path: Path, scale: Any, start_within: Any, expected: int
) -> None:
    """The window follows from the longest start, and is never longer than the API allows."""
    rendered = objects(_served(tmp_path, scale, start_within=start_within))
    if isinstance(scale, CpuScale):
        behaviour = at(rendered["HorizontalPodAutoscaler/api"], "spec.behavior")
    else:
        behaviour = at(rendered[OBJECT], "spec.advanced.horizontalPodAutoscalerConfig.behavior")

    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] == expected
    assert behaviour["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_a_busy_replica_without_a_queue_is_kept(tmp_path: Path) -> None:
    """Where the runtime is known, so are the names of its metrics, and the requests under way count as well."""
    scope = _served(
        tmp_path,
        QueueScale(min=2, max=6, running=16),
        image=VLLM_IMAGE,
        runtime=VLLM(),
        model=HuggingFace("acme/tiny", revision="0" * 40),
        gpu=Gpu("l4"),
        memory="16Gi",
        watch=None,
    )
    triggers = at(objects(scope)[OBJECT], "spec.triggers")

    assert [(one["metadata"]["query"], one["metadata"]["threshold"]) for one in triggers] == [
        (f'sum(vllm:num_requests_waiting{{namespace="ml-test",pod=~"{PODS}"}})', "5"),
        (f'sum(vllm:num_requests_running{{namespace="ml-test",pod=~"{PODS}"}})', "16"),
    ]


def test_what_keeps_requests_is_written_down(tmp_path: Path) -> None:
    """A reviewer sees on what the way to zero rests."""
    scope = _served(tmp_path, but(LAG, min=0, buffer="kafka"))

    assert objects(scope)[OBJECT]["metadata"]["annotations"] == {"modelyard.dev/buffer": "kafka"}


def test_argo_cd_leaves_the_replicas_to_keda(tmp_path: Path) -> None:
    """As under any autoscaler: what KEDA writes is ignored."""
    delivery = ArgoCD(repo="https://git.example/acme/models")
    scope = _served(tmp_path, QUEUE, environment={"delivery": delivery})
    application = next(one for name, one in delivered(scope).items() if name == "Application/ml-test")

    assert {
        "group": "apps",
        "kind": "Deployment",
        "name": "api",
        "namespace": "ml-test",
        "jsonPointers": ["/spec/replicas"],
    } in application["spec"]["ignoreDifferences"]


def test_alerts_ask_for_the_autoscaler_that_keda_makes(tmp_path: Path) -> None:
    """Its name is KEDA's, and a queue is told of when it stays."""
    (group,) = objects(_served(tmp_path, QUEUE))["PrometheusRule/api"]["spec"]["groups"]
    told = {rule["alert"]: rule for rule in group["rules"]}

    assert 'horizontalpodautoscaler="keda-hpa-api"' in told["ServiceAtMax"]["expr"]
    assert told["ServiceQueue"]["expr"] == (
        f'sum(vllm:num_requests_waiting{{namespace="ml-test",pod=~"{PODS}"}})'
        ' / max(kube_deployment_status_replicas_available{namespace="ml-test",deployment="api"}) > 10'
    )


@pytest.mark.parametrize("scale", [QUEUE, LAG, GpuScale(min=1, max=2)])
def test_prometheus_reads_what_keda_asks(tmp_path: Path, scale: Any) -> None:
    """By Prometheus' own parser."""
    rendered = objects(_served(tmp_path, scale))
    asked = [one for manifest in rendered.values() for one in expressions(manifest)]

    assert at(rendered[OBJECT], "spec.triggers[0].metadata.query") in asked
    assert refused(asked) == {}


@pytest.mark.parametrize(
    ("cluster", "options", "text"),
    [
        (
            _cluster(installed=[Crd.PROMETHEUS_OPERATOR]),
            {"scale": QUEUE, "watch": SCRAPED},
            (
                "X04 test/api: scale='QueueScale' but the cluster eks-test has no keda.sh/v1alpha1 ScaledObject, which scales"
                " by it; write Cluster(installed=[Crd.KEDA]), or scale=CpuScale(...)"
            ),
        ),
        (
            _cluster(monitoring=Monitoring("monitoring")),
            {"scale": LAG},
            (
                "X11 test/api: scale='MetricScale' but the cluster eks-test tells no address of its monitoring, which KEDA"
                ' asks; write Monitoring(..., address="http://prometheus-operated.monitoring:9090")'
            ),
        ),
        (
            _cluster(),
            {"scale": QueueScale(min=1, max=2), "watch": SCRAPED},
            (
                "X11 test/api: scale.metric but nothing is known that this service tells of the requests that wait; name the"
                " metric, or scale by something else"
            ),
        ),
        (
            _cluster(),
            {"scale": but(QUEUE, running=16), "watch": SCRAPED},
            (
                "X11 test/api: scale.running=16 but nothing is known that this service tells of the requests that are"
                " under way; leave running= away"
            ),
        ),
        (
            _cluster(),
            {"scale": QUEUE},
            (
                "X11 test/api: scale='QueueScale' but nobody reads the metrics of this service, so its queue is not known;"
                " write watch=Watch(metrics=Metrics(...)), or MetricScale with a query of your own"
            ),
        ),
        (
            _cluster(),
            {"scale": GpuScale(min=1, max=2)},
            "X11 test/api: scale='GpuScale' but the service has no gpu; scale by something else",
        ),
        (
            _cluster(),
            {"scale": but(LAG, buffer="kafka")},
            (
                "X11 test/api: scale.buffer='kafka' but scale.min is 1, so there is always a replica; leave buffer= away, or"
                " write min=0"
            ),
        ),
        (
            _cluster(),
            {"scale": but(LAG, min=0)},
            (
                "A04 test/api: scale.min=0 but a Service keeps no requests while there is no pod; write min=1, or say what"
                ' keeps them: buffer="kafka"'
            ),
        ),
        (
            _cluster(),
            {"scale": but(LAG, min=8)},
            (
                "A01 test/api: scale.min=8 but scale.max is 6, and the fewest replicas are at most the most; lower min, or"
                " raise max to at least 8"
            ),
        ),
        (
            _cluster(),
            {"scale": but(QUEUE, min=0), "watch": SCRAPED},
            "A01 test/api: scale.min=0 but it is a whole number of at least 1; correct the value",
        ),
        (
            _cluster(),
            {"scale": but(QUEUE, metric="sum(a)"), "watch": SCRAPED},
            (
                "X11 test/api: scale.metric='sum(a)' but the name of a metric holds letters, digits, _ and : only; a whole"
                " query goes into MetricScale; correct the value"
            ),
        ),
        (
            _cluster(),
            {"scale": but(LAG, min="1")},
            "X11 test/api: scale.min='1' but it must be a whole number; pass a whole number",
        ),
        (
            _cluster(),
            {"scale": but(LAG, target=0)},
            "X11 test/api: scale.target=0 but what one replica can bear is above 0; correct the value",
        ),
        (
            _cluster(),
            {"scale": but(LAG, query=" ")},
            "X11 test/api: scale.query=' ' but it says something; correct the value",
        ),
        (
            _cluster(),
            {"scale": but(LAG, scale_down_after=minutes(61))},
            (
                "A13 test/api: scale.scale_down_after=seconds(3660) but a stabilization window is from 0 seconds to 1 hour;"
                " correct the value"
            ),
        ),
        (
            _cluster(),
            {"scale": GpuScale(min=1, max=2, target=101), "gpu": Gpu("l4")},
            "X11 test/api: scale.target=101 but it is a percentage, above 0 and at most 100; correct the value",
        ),
        (
            _cluster(accelerators=[Accelerator("l4", per_node=2, nodes=2)]),
            {"scale": QUEUE, "watch": SCRAPED, "gpu": Gpu("l4")},
            (
                "R26 test/api: Deployment api spec.template.spec.containers[0].resources.requests['nvidia.com/gpu']='1' but"
                " ScaledObject api goes up to 6 pods, and eks-test has room for 4 (2 nodes with 2 of l4); lower maxReplicas,"
                " or correct nodes= of the Accelerator"
            ),
        ),
    ],
)
def test_what_cannot_scale_is_told(tmp_path: Path, cluster: Cluster, options: Any, text: str) -> None:
    """Value, reason and remedy."""
    scope = environment(tmp_path, cluster=cluster)
    service(scope, **options)

    assert [f"{one.rule} {one.text}" for one in found(scope)] == [text]


def test_a_gpus_use_is_warned_of(tmp_path: Path) -> None:
    """It is there for those who know their model, and says so."""
    scope = _served(tmp_path, GpuScale(min=2, max=4), accept={})

    assert [(one.rule, one.severity.value) for one in found(scope)] == [("A19", "warning")]
