"""Options that no other test uses which API servers are asked about, with right values: nothing is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    NIM,
    VLLM,
    Accelerator,
    Adapter,
    Analysis,
    ArgoCD,
    ArgoHook,
    BlueGreen,
    Bucket,
    Canary,
    Checkpoint,
    Claim,
    Cloud,
    Crd,
    Environment,
    ExternalSecret,
    Fabric,
    Flux,
    FluxPolicy,
    Gateway,
    Gpu,
    GpuScale,
    Host,
    HuggingFace,
    Identity,
    InferencePool,
    IngressClass,
    KServe,
    Loader,
    LoadTime,
    Metrics,
    MetricScale,
    MLServer,
    Monitoring,
    OciImage,
    Owned,
    Port,
    Queue,
    QueueScale,
    Remote,
    ScalableModelService,
    SecretKey,
    SecretStore,
    Severity,
    SGLang,
    SpotNodes,
    Step,
    TcpSocket,
    Topology,
    VolcanoJob,
    Watch,
    hours,
    minutes,
    seconds,
)
from tests.support import CLUSTER, DIGEST, IMAGE, but, cluster_with, environment, found, service, training

SERVER = f"ghcr.io/acme/server:v0.18.0@{DIGEST}"
TOOLS = f"ghcr.io/acme/loader:2.1.0@{DIGEST}"
MODEL = HuggingFace("acme/chat", revision="0" * 40, token=SecretKey("hf", "token"))
PICKER = f"ghcr.io/acme/epp:v1.5.0@{DIGEST}"
REPO = "https://github.com/acme/ml"
BLOCK = "cloud.google.com/gce-topology-block"
L4: Any = CLUSTER.accelerators[0]
STACK = Monitoring("monitoring", address="http://prometheus:9090", dashboards={"grafana_dashboard": "1"})
WATCHED = Watch(
    metrics=Metrics("http", path="/m", every=seconds(15)), labels={"tier": "gold"}, runbook="https://acme.dev/runbooks",
    alerts=True, dashboard=True, pending_after=minutes(20),
)  # fmt: skip
SERVING = cluster_with(
    kubernetes="1.36",
    installed=[
        Crd.ARGO_ROLLOUTS, Crd.EXTERNAL_SECRETS, Crd.GATEWAY_API, Crd.INFERENCE_EXTENSION, Crd.KEDA, Crd.LWS,
        Crd.PROMETHEUS_OPERATOR,
    ],
    gateway=Gateway("public", "gateways", implementation="istio", section="https"),
    monitoring=STACK,
)  # fmt: skip
INGRESS = cluster_with(installed=[], gateway=IngressClass("web", "ingress-nginx", implementation="nginx"))
QUEUED = cluster_with(installed=[Crd.EXTERNAL_SECRETS, Crd.KUEUE, Crd.PROMETHEUS_OPERATOR], monitoring=STACK)
FABRIC = Fabric(
    {"rdma/ib": 4}, huge_pages="2Gi", env={"NCCL_IB": "1"}, annotations={"acme.dev/net": "a"}, lock_memory=True
)
CHOSEN = Accelerator(
    "b200", per_node=8, nodes=2, device_class="gpu.nvidia.com",
    device_selectors=['device.attributes["gpu.nvidia.com"].productName == "NVIDIA B200"'],
)  # fmt: skip
SPOT = SpotNodes(node_selector={"pool": "spot"}, tolerations=[], notice=minutes(2))
CACHE = Claim("hub", "/hub", size="2Ti", storage_class="efs", access_mode="ReadWriteMany")
TEXTS = HuggingFace("acme/texts", revision="2" * 40, kind="dataset", files=["*.parquet"], size="40Gi")
BASE = HuggingFace("acme/base", revision="3" * 40, cache=CACHE)
VAULT = SecretStore("vault", kind="SecretStore")
SECRET = ExternalSecret(
    "login", {"dsn": Remote("ml/login", property="dsn", version="2")}, store=VAULT, refresh=minutes(5)
)
GROUP: Any = {"nodes": 2, "gpu": Gpu("l4", 4)}

Fill = Callable[[Environment], object]


def _serving(**options: Any) -> Fill:
    return lambda scope: service(scope, **options)


def _training(**options: Any) -> Fill:
    return lambda scope: training(scope, **options)


def _shared(scope: Environment) -> None:
    service(scope, route=Host("chat.acme.dev", split={"api-next": 10}))
    ScalableModelService(scope, "api-next", image=IMAGE, port=8000, health="/healthz", replicas=2)


def _forced(scope: Environment) -> None:
    service(scope)
    training(scope, accept={"G04": "no run of it is kept"})


LOADED = Loader(
    TOOLS, size="90Gi", storage_class="efs", cpu=8, memory="16Gi", deadline=hours(1), env={"X": "1"},
    also=[HuggingFace("acme/sql", revision="1" * 40)],
)  # fmt: skip
BARE: dict[str, Any] = {"image": SERVER, "port": None, "health": None, "gpu": Gpu("l4"), "scale": None, "replicas": 2}
CASES: dict[str, tuple[Fill, dict[str, Any]]] = {
    "vllm": (
        _serving(
            image=SERVER,
            port=None,
            health=None,
            model=MODEL,
            loader=LOADED,
            gpu=Gpu("l4"),
            watch=WATCHED,
            runtime=VLLM(served_name="chat", max_model_len=4096, adapters=[Adapter("sql", "/adapters/sql", rank=24)]),
            scale=QueueScale(1, 4, 5, metric="vllm:num_requests_waiting", scale_down_after=minutes(10)),
        ),
        {"cluster": SERVING},
    ),
    "sglang": (
        _serving(
            **{**BARE, "scale": QueueScale(1, 4, running=8), "replicas": None},
            model="/opt/model",
            runtime=SGLang("0.5.3", served_name="chat", max_model_len=8192, pipeline_parallel=1),
        ),
        {"cluster": SERVING},
    ),
    "nim": (
        _serving(**BARE, runtime=NIM("1.8.0", api_key=SecretKey("ngc", "key"), cache="/cache", max_model_len=4096)),
        {},
    ),
    "mlserver": (
        _serving(
            **{**BARE, "gpu": None},
            runtime=MLServer("1.7.1", format="mlflow"),
            model=Bucket("gs://models/x"),
            loader=LOADED,
        ),
        {},
    ),
    "image of a model": (
        _serving(**BARE, model=OciImage(f"ghcr.io/acme/model:1@{DIGEST}"), runtime=VLLM()),
        {"cluster": cluster_with(kubernetes="1.36")},
    ),
    "use of GPUs": (
        _serving(gpu=Gpu("l4"), scale=GpuScale(1, 4, 60, scale_down_after=minutes(10))),
        {"cluster": SERVING},
    ),
    "a query": (_serving(scale=MetricScale(1, 4, "sum(lag)", 20, scale_down_after=minutes(10))), {"cluster": SERVING}),
    "blue-green": (
        _serving(
            health=TcpSocket("http"),
            rollout=BlueGreen(
                minutes(5),
                keep_old=minutes(10),
                analysis=Analysis("sum(good)", at_least=0.99, every=seconds(15), failures=1),
            ),
        ),
        {"cluster": SERVING},
    ),
    "canary": (
        _serving(
            route=[Host("chat.acme.dev", path="/v1", port="http", timeout=minutes(5))],
            rollout=Canary(
                {10: minutes(10), 50: None}, analysis=Analysis("sum(bad)", at_most=0.05), dynamic_stable_scale=True
            ),
        ),
        {"cluster": SERVING},
    ),
    "grpc": (
        _serving(
            port=[Port("http", 8000, service=80), Port("grpc", 9000)],
            route=[Host("chat.acme.dev"), Host("grpc.acme.dev", port="grpc", grpc=True)],
        ),
        {"cluster": SERVING},
    ),
    "ingress": (
        _serving(route=[Host("chat.acme.dev", body="20Mi", tls="chat-tls")]),
        {"cluster": INGRESS},
    ),
    "picker": (
        _serving(
            **{**BARE, "scale": QueueScale(2, 6), "replicas": None},
            model=MODEL,
            loader=LOADED,
            runtime=VLLM(),
            start_within=LoadTime("16Gi", rate="600Mi"),
            route=Host(
                "chat.acme.dev",
                pool=InferencePool(PICKER, failure_mode="FailOpen", objectives={"batch": -1}, cpu=2, memory="4Gi"),
            ),
        ),
        {"cluster": SERVING},
    ),
    "kserve": (
        _serving(
            image=SERVER,
            port=None,
            health=None,
            runtime=MLServer(),
            model="/models/churn",
            backend=KServe(),
            cpu_limit=2,
        ),
        {"cluster": cluster_with(installed=[Crd.KSERVE])},
    ),
    "shares": (_shared, {"cluster": SERVING}),
    "identity": (
        _serving(identity=Identity("arn:aws:iam::123456789012:role/churn")),
        {"cluster": cluster_with(cloud=Cloud.EKS)},
    ),
    "identity of a training": (
        _training(identity=Identity("arn:aws:iam::123456789012:role/churn")),
        {"cluster": cluster_with(cloud=Cloud.EKS)},
    ),
    "secrets": (_serving(secrets=[SECRET]), {"cluster": SERVING}),
    "saving": (
        _training(
            checkpoint=Checkpoint(
                "gs://acme-checkpoints",
                every=minutes(5),
                run="v2",
                metric="train_saved",
                late_after=minutes(30),
            ),
            queue=Queue("research"),
            after=[Step("evaluate", ["true"], gpu=Gpu("l4"))],
            secrets=[SECRET],
            watch=Watch(metrics=Metrics(9400), queued_after=hours(2)),
        ),
        {"cluster": QUEUED},
    ),
    "data": (
        _training(data={"images": Bucket("gs://acme-data", mount=True), "texts": TEXTS, "base": BASE}),
        {"cluster": cluster_with(csi_drivers={"gcsfuse.csi.storage.gke.io"})},
    ),
    "spot": (_training(spot="require"), {"cluster": cluster_with(spot=SPOT)}),
    "topology": (_training(**GROUP, topology=Topology("topology.kubernetes.io/zone", required=True)), {}),
    "queue by topology": (_training(**GROUP, queue=Queue("research", required_topology=BLOCK)), {"cluster": QUEUED}),
    "queue by topology, if it can": (
        _training(**GROUP, queue=Queue("research", preferred_topology=BLOCK)),
        {"cluster": QUEUED},
    ),
    "fabric": (
        _training(**GROUP),
        {"cluster": cluster_with(accelerators=[but(L4, fabric=FABRIC)]), "pod_security": "privileged"},
    ),
    "devices": (_training(gpu=Gpu("b200", 8)), {"cluster": cluster_with(accelerators=[CHOSEN])}),
    "volcano": (_training(backend=VolcanoJob()), {"cluster": cluster_with(installed=[Crd.VOLCANO])}),
    "hook": (_training(hook=ArgoHook("Sync", delete="HookSucceeded")), {"delivery": ArgoCD(REPO)}),
    "argo": (
        _serving(),
        {
            "delivery": ArgoCD(REPO, prune_last=True, health=True),
            "manage_namespace": False,
            "keep_configs": 2,
            "provenance": True,
            "owned": [Owned("Deployment", "/spec/revisionHistoryLimit", name="api")],
        },
    ),
    "flux": (
        _forced,
        {
            "delivery": Flux(
                REPO,
                path="deploy",
                namespace="flux",
                name="ml",
                service_account="ml",
                policies=[FluxPolicy("Deployment", name="api", prune=False), FluxPolicy("Job", force=True)],
            ),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_wrong_with_it(tmp_path: Path, name: str) -> None:
    """What it renders is recorded, and API servers are asked about it."""
    fill, options = CASES[name]
    scope = environment(tmp_path, **options)
    fill(scope)
    assert [str(one) for one in found(scope) if one.severity is Severity.ERROR] == []
