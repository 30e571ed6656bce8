"""Services as InferenceServices of KServe: our pods in its words, one autoscaler, and what cannot be said is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    NIM,
    VLLM,
    Accelerator,
    BlueGreen,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Gateway,
    Gpu,
    Host,
    HuggingFace,
    InferencePool,
    IngressClass,
    KServe,
    Loader,
    MetricScale,
    MLServer,
    Monitoring,
    Port,
    QueueScale,
    ScalableModelService,
    SecretKey,
    SGLang,
    StorageClass,
    TcpSocket,
    Triton,
)
from modelyard.plan.fields import differences
from tests.manifests import MISSING, at
from tests.support import DIGEST, environment, found, found_by, objects, service

ROOT = Path(__file__).resolve().parent.parent
IMAGE = f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}"
NEWER = f"ghcr.io/acme/vllm:v0.19.0@{DIGEST}"
INSTALLED = [Crd.GATEWAY_API, Crd.KEDA, Crd.KSERVE, Crd.PROMETHEUS_OPERATOR]
PODS = {"serving.kserve.io/inferenceservice": "chat", "component": "predictor"}
SCALER = "metadata.annotations.serving|kserve|io/autoscalerClass"
NAMES = "[bcdfghjklmnpqrstvwxz2456789]"


def cluster(**options: Any) -> Cluster:
    """Return a cluster that runs KServe."""
    stock: dict[str, Any] = {
        "kubernetes": "1.36",
        "installed": INSTALLED,
        "accelerators": [Accelerator("l4", per_node=4, nodes=8, spare=4)],
        "gateway": Gateway("public", "gateways", implementation="envoy"),
        "monitoring": Monitoring("monitoring", address="http://prometheus.monitoring:9090"),
        "storage": [StorageClass("efs", {"ReadWriteMany"})],
    }
    return Cluster("main", **{**stock, **options})


def add(scope: Environment, **options: Any) -> ScalableModelService:
    """Add the service ``chat``."""
    stock: dict[str, Any] = {
        "image": IMAGE, "port": 8000, "health": "/healthz", "backend": KServe(), "cpu": 1, "cpu_limit": 2, "replicas": 2,
    }  # fmt: skip
    return ScalableModelService(scope, "chat", **{**stock, **options})


def made(root: Path, where: Cluster | None = None, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the service ``chat``."""
    scope = environment(root, cluster=where or cluster())
    add(scope, **options)
    return objects(scope)


def wrong(root: Path, where: Cluster | None = None, **options: Any) -> list[str]:
    """Return the findings on the service ``chat``."""
    scope = environment(root, cluster=where or cluster())
    add(scope, **options)
    return [f"{one.rule} {one.text}" for one in found(scope)]


def changed(root: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what differs in the objects of the service with the options *before* and *after*."""
    where = cluster(monitoring=None)
    old, new = made(root, where, **before), made(root, where, **after)
    assert old.keys() == new.keys()
    return [f"{name} {one.text}" for name in old for one in differences(old[name], new[name])]


def test_the_pods_are_those_of_a_deployment(tmp_path: Path) -> None:
    """All but the name of the container and the labels that select."""
    options: dict[str, Any] = {
        "runtime": VLLM(),
        "model": "/opt/model",
        "gpu": Gpu("l4", 2),
        "port": None,
        "health": None,
    }
    predictor = at(made(tmp_path, **options)["InferenceService/chat"], "spec.predictor")
    pod = at(made(tmp_path, backend=None, **options)["Deployment/chat"], "spec.template.spec")
    container, own = predictor["containers"][0], pod["containers"][0]

    assert {**container, "name": "model"} == own
    assert container["name"] == "kserve-container"
    spread = [
        {**one, "labelSelector": {"matchLabels": {"app": "chat"}}} for one in predictor["topologySpreadConstraints"]
    ]
    assert {**predictor, "containers": [own], "topologySpreadConstraints": spread} == {
        "minReplicas": 2,
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        **pod,
    }


def test_kserve_makes_deployment_service_and_nothing_from_outside(tmp_path: Path) -> None:
    """Ours would stand beside its own, and the label keeps it from an Ingress."""
    kinds = made(tmp_path, cluster(monitoring=None))

    assert sorted(kinds) == [
        "InferenceService/chat",
        "Namespace/ml-test",
        "NetworkPolicy/chat",
        "PodDisruptionBudget/chat",
        "ServiceAccount/chat",
    ]
    assert at(kinds["InferenceService/chat"], "metadata.labels.networking|kserve|io/visibility") == "cluster-local"
    assert kinds["InferenceService/chat"]["metadata"]["annotations"] == {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "none",
    }


def test_what_stands_beside_the_pods_finds_them(tmp_path: Path) -> None:
    """Budget, policy and monitor by the labels that KServe gives; the route by the Service that it makes."""
    kinds = made(tmp_path, runtime=VLLM(), model="/opt/model", gpu=Gpu("l4"), port=None, route=Host("chat.acme.dev"))

    assert at(kinds["PodDisruptionBudget/chat"], "spec.selector.matchLabels") == PODS
    assert at(kinds["NetworkPolicy/chat"], "spec.podSelector.matchLabels") == PODS
    assert at(kinds["PodMonitor/chat"], "spec.selector.matchLabels") == PODS
    assert at(kinds["InferenceService/chat"], "spec.predictor.topologySpreadConstraints[0].labelSelector") == {
        "matchLabels": PODS
    }
    assert at(kinds["HTTPRoute/chat"], "spec.rules[0].backendRefs") == [
        {"group": "", "kind": "Service", "name": "chat-predictor", "port": 80, "weight": 1}
    ]
    rules = at(kinds["PrometheusRule/chat"], "spec.groups[0].rules")
    assert 'deployment="chat-predictor"' in rules[0]["expr"]
    assert f'pod=~"chat-predictor-{NAMES}{{1,10}}-{NAMES}{{5}}",container="kserve-container"' in rules[1]["expr"]


def test_an_ingress_leads_to_the_service_of_kserve(tmp_path: Path) -> None:
    """Where that is what the cluster has."""
    scope = environment(
        tmp_path, cluster=cluster(gateway=IngressClass("nginx", "ingress-nginx", implementation="nginx"))
    )
    add(scope, route=Host("chat.acme.dev"))

    backend = at(objects(scope)["Ingress/chat"], "spec.rules[0].http.paths[0].backend")
    assert backend == {"service": {"name": "chat-predictor", "port": {"number": 80}}}


def test_labels_and_annotations_of_pods_are_the_parts(tmp_path: Path) -> None:
    """KServe copies the labels of the InferenceService; only what is for pods alone is said again."""
    kinds = made(tmp_path, labels={"team": "search"}, annotations={"acme.dev/note": "hello"})
    one = kinds["InferenceService/chat"]

    assert at(one, "metadata.labels.team") == "search"
    assert at(one, "spec.predictor.labels") == MISSING
    assert at(one, "spec.predictor.annotations") == {"acme|dev/note".replace("|", "."): "hello"}


def test_cpu_is_followed_by_kserves_own_autoscaler(tmp_path: Path) -> None:
    """And no other is rendered."""
    kinds = made(tmp_path, replicas=None, scale=CpuScale(min=2, max=8, target=60))
    predictor = at(kinds["InferenceService/chat"], "spec.predictor")

    assert at(kinds["InferenceService/chat"], SCALER) == "hpa"
    assert {key: predictor[key] for key in ("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget")} == {
        "minReplicas": 2,
        "maxReplicas": 8,
        "scaleMetric": "cpu",
        "scaleTarget": 60,
    }
    assert not [name for name in kinds if name.startswith(("HorizontalPodAutoscaler", "ScaledObject"))]
    (rule,) = (
        one for one in at(kinds["PrometheusRule/chat"], "spec.groups[0].rules") if one["alert"] == "ServiceAtMax"
    )
    assert 'horizontalpodautoscaler="chat-predictor"' in rule["expr"]


def test_anything_else_is_followed_by_keda_alone(tmp_path: Path) -> None:
    """KServe is told to leave the number alone, and says none."""
    scale = QueueScale(min=2, max=6)
    kinds = made(tmp_path, runtime=VLLM(), model="/opt/model", gpu=Gpu("l4"), port=None, replicas=None, scale=scale)
    one, scaled = kinds["InferenceService/chat"], kinds["ScaledObject/chat"]

    assert at(one, SCALER) == "external"
    assert (at(one, "spec.predictor.minReplicas"), at(one, "spec.predictor.maxReplicas")) == (MISSING, MISSING)
    assert at(scaled, "spec.scaleTargetRef") == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "chat-predictor",
    }
    assert 'pod=~"chat-predictor-' in at(scaled, "spec.triggers[0].metadata.query")


def test_a_model_is_loaded_as_without_kserve(tmp_path: Path) -> None:
    """By our loader, for our container, with no word to KServe's own."""
    model = HuggingFace("acme/chat", revision="0" * 40, token=SecretKey("hf", "token"))
    loader = Loader(f"ghcr.io/acme/loader:2.1.0@{DIGEST}", size="60Gi", storage_class="efs")
    kinds = made(tmp_path, runtime=VLLM(), model=model, loader=loader, gpu=Gpu("l4"), port=None)
    predictor = at(kinds["InferenceService/chat"], "spec.predictor")

    assert {"Job/chat-loader", "PersistentVolumeClaim/chat-models"} <= kinds.keys()
    assert predictor["initContainers"][0]["name"] == "wait-for-model"
    assert predictor["containers"][0]["args"][0] == f"/mnt/models/acme--chat--{'0' * 12}"
    assert "model" not in predictor


@pytest.mark.parametrize(
    ("options", "rolls"),
    [
        ({"image": NEWER}, "image"),
        ({"runtime": VLLM("0.18.0"), "model": "/opt/newer"}, "args"),
    ],
)
def test_another_image_or_model_changes_the_container_alone(
    tmp_path: Path, options: dict[str, Any], rolls: str
) -> None:
    """What a rolling update is made of, and nothing else."""
    before: dict[str, Any] = {"runtime": VLLM("0.18.0"), "model": "/opt/model", "gpu": Gpu("l4"), "port": None}
    found = changed(tmp_path, before, {**before, **options})

    assert found
    assert all(
        one.startswith(f"InferenceService/chat spec.predictor.containers[name=kserve-container].{rolls}")
        for one in found
    )


def test_other_bounds_touch_the_bounds_alone(tmp_path: Path) -> None:
    """No pod restarts."""
    before: dict[str, Any] = {"replicas": None, "scale": CpuScale(min=2, max=8)}
    assert changed(tmp_path, before, {**before, "scale": CpuScale(min=3, max=9)}) == [
        "InferenceService/chat spec.predictor.minReplicas",
        "InferenceService/chat spec.predictor.maxReplicas",
    ]


@pytest.mark.parametrize(
    "runtime", [None, VLLM(), SGLang(), Triton(), MLServer(format="mlflow"), NIM()], ids=lambda one: type(one).__name__
)
def test_every_runtime_runs_with_it(tmp_path: Path, runtime: Any) -> None:
    """With its own command, ports and probes."""
    options: dict[str, Any] = {"runtime": runtime, "gpu": Gpu("l4")}
    if runtime is not None:
        options |= {"port": None, "health": None, "model": None if isinstance(runtime, NIM) else "/opt/model"}
    container = at(made(tmp_path, **options)["InferenceService/chat"], "spec.predictor.containers[0]")
    own = at(made(tmp_path, **options, backend=None)["Deployment/chat"], "spec.template.spec.containers[0]")

    assert {**container, "name": "model"} == own


KEEP = "leave backend= away"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"nodes": 2, "runtime": VLLM("0.18.0"), "model": "/m", "port": None, "gpu": Gpu("l4", 4)},
         (f"X11 test/chat: nodes=2 but an InferenceService with pods of its own serves from one node; {KEEP}, which makes a"
         " LeaderWorkerSet")),
        ({"replicas": None, "scale": CpuScale(1, 2, scale_down_after=timedelta(minutes=9))},
         ("X11 test/chat: scale.scale_down_after=seconds(540) but the autoscaler that KServe makes waits 5 minutes, and cannot be"
         " told otherwise; leave scale_down_after= away, or scale by KEDA")),
        ({"port": [Port("http", 8000)]},
         ("X11 test/chat: port[0].service=8000 but the Service that KServe makes has its first port as 80; write"
         " Port('http', 8000, 80)")),
        ({"port": [Port("http", 8000, 80), Port("admin", 9000, 90)]},
         ("X11 test/chat: port[1].service=90 but the Service that KServe makes has every port but the first under its own"
         " number; write Port('admin', 9000)")),
        ({"route": Host("chat.acme.dev", split={"other": 10})},
         ("X11 test/chat: route.split=10 but an InferenceService shares its requests with no other service; leave split= away,"
         f" or {KEEP}")),
        ({"rollout": BlueGreen()},
         ("X11 test/chat: rollout='BlueGreen' but KServe makes a Deployment, which Argo Rollouts does not replace; leave"
         f" rollout= away, or {KEEP}")),
        ({"route": Host("chat.acme.dev", pool=InferencePool("ghcr.io/acme/epp:1.5.0", failure_mode="FailOpen"))},
         ("X11 test/chat: route.pool but an InferenceService is reached by the Service that KServe makes; leave pool= away, or"
         f" {KEEP}")),
        ({"route": Host("chat.acme.dev", grpc=True)},
         ("X11 test/chat: route.port='http' but KServe takes a port for gRPC if its name has grpc or h2c in it, and for HTTP"
         " if not; name the port grpc")),
        ({"env": {"STORAGE_URI": "s3://models/chat"}},
         ("X11 test/chat: env['STORAGE_URI'] but KServe would load that model by an image of its own; leave it away, and use"
         " model= and loader=")),
        ({"env": {"INFERENCE_SERVICE_NAME": "chat"}},
         "X11 test/chat: env['INFERENCE_SERVICE_NAME'] but KServe sets it; leave it away"),
        ({"labels": {"component": "chat"}},
         ("X11 test/chat: labels['component']='chat' but an InferenceService has this label from KServe, or for it; choose"
         " another key")),
        ({"annotations": {"serving.kserve.io/autoscalerClass": "hpa"}},
         ("X11 test/chat: annotations['serving.kserve.io/autoscalerClass']='hpa' but it is a setting of KServe, and would stand"
         " beside those that the options make; leave it away, or add it by add_json_patch")),
        ({"cpu_limit": None},
         ("E06 test/chat: InferenceService chat spec.predictor.containers[0].resources.limits.cpu but KServe fills in 1, unless"
         " it is configured otherwise; write it (cpu_limit=, for the limit of CPU), or accept E06 where KServe's"
         " configuration fills in nothing")),
        ({"env": {"PYTHONPATH": "/app"}},
         ("E07 test/chat: InferenceService chat spec.predictor.containers[0].env[3].name='PYTHONPATH' but KServe lets nobody"
         " set it, since it decides what code is run; remove it, and set it in the image")),
    ],
)  # fmt: skip
def test_what_an_inference_service_cannot_say_is_refused(
    tmp_path: Path, options: dict[str, Any], expected: str
) -> None:
    """In one sentence, with what to do."""
    assert expected in wrong(tmp_path, **options)


def test_a_cluster_without_kserve_is_named(tmp_path: Path) -> None:
    """With what to declare, and what to do without."""
    assert wrong(tmp_path, cluster(installed=[])) == [
        (
            "X04 test/chat: backend='KServe' but the cluster main has no serving.kserve.io/v1beta1 InferenceService; declare it in"
            " Cluster(installed=[Crd.KSERVE]) where KServe runs, or leave backend= away for a Deployment"
        )
    ]


def test_a_scale_to_none_keeps_its_buffer(tmp_path: Path) -> None:
    """By KEDA, which KServe leaves alone; the Service that it makes keeps no requests."""
    scale = MetricScale(min=0, max=4, query="sum(queue)", target=5, buffer="kafka")
    kinds = made(tmp_path, replicas=None, scale=scale)
    assert at(kinds["ScaledObject/chat"], "spec.minReplicaCount") == 0
    assert at(kinds["InferenceService/chat"], SCALER) == "external"


def test_it_is_told_as_what_a_service_runs(tmp_path: Path) -> None:
    """Only where it is another kind than usual."""
    scope = environment(tmp_path, cluster=cluster())
    assert add(scope).reason() == "It runs as an InferenceService: it is asked for (backend=)."
    assert ScalableModelService(scope, "api", image=IMAGE, port=5000).reason() == ""


def test_no_line_of_python_is_written_on_it() -> None:
    """KServe copies annotations to the pods, so a line that moves would replace them all."""
    scope = environment(ROOT, cluster=cluster(), provenance=True)
    add(scope)
    kinds = objects(scope)
    assert "modelyard.dev/source" not in kinds["InferenceService/chat"]["metadata"]["annotations"]
    assert "modelyard.dev/source" in kinds["ServiceAccount/chat"]["metadata"]["annotations"]


def test_a_port_called_grpc_says_so(tmp_path: Path) -> None:
    """KServe writes kubernetes.io/h2c into the Service that it makes, so H11 has nothing to tell."""
    scope = environment(tmp_path, cluster=cluster(gateway=Gateway("public", "gateways", implementation="istio")))
    add(scope, port=[Port("grpc", 8000, 80)], health=TcpSocket(), route=Host("chat.acme.dev", grpc=True))

    assert found_by(scope, "H11") == []


def test_a_share_of_an_inference_service_is_of_the_service_that_it_has(tmp_path: Path) -> None:
    """It has another name."""
    scope = environment(tmp_path, cluster=cluster())
    add(scope)
    service(scope, route=Host("api.acme.dev", split={"chat": 20}))
    field = "test/api: HTTPRoute api spec.rules[0].backendRefs[1].name='chat'"

    assert found_by(scope, "H01") == [
        f"{field} but no Service of this name is rendered here; the Service that KServe makes for it is chat-predictor"
    ]
