"""Options of services in all their combinations: rendered and valid to the letter, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard import (
    NIM,
    VLLM,
    Accelerator,
    Adapter,
    BlueGreen,
    Bucket,
    Canary,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Fleet,
    Gateway,
    Gpu,
    Host,
    HuggingFace,
    InferencePool,
    KServe,
    Loader,
    LoadTime,
    MLServer,
    OciImage,
    Port,
    ScalableModelService,
    SGLang,
    StorageClass,
    Triton,
    minutes,
)
from tests.combinations import Combinations, all_valid
from tests.support import DIGEST, IMAGE

KUBERNETES = "1.36"
CLUSTER = Cluster(
    "lab",
    kubernetes=KUBERNETES,
    installed=[Crd.ARGO_ROLLOUTS, Crd.GATEWAY_API, Crd.INFERENCE_EXTENSION, Crd.KSERVE, Crd.LWS],
    gateway=Gateway("public", "gateways", implementation="istio"),
    accelerators=[Accelerator("l4", per_node=4, nodes=8, spare=4), Accelerator("h200", per_node=8, nodes=8)],
    storage=[StorageClass("efs", {"ReadWriteMany"}), StorageClass("ebs", {"ReadWriteOnce"})],
)
TOOLS = f"ghcr.io/acme/loader:2.1.0@{DIGEST}"
HUB = st.builds(HuggingFace, st.just("acme/chat"), revision=st.sampled_from(["0" * 40, "main"]))
STORE = st.builds(Bucket, st.sampled_from(["s3://models/chat/v3", "gs://models", "az://acme/models/chat"]))
PARTS = st.sampled_from([None, 1, 4, 8])
ADAPTERS = st.lists(
    st.builds(Adapter, st.sampled_from(["sql", "Law.2", "svc"]), st.just("/adapters/x") | HUB | STORE), max_size=2
)
POOL = InferencePool(f"ghcr.io/acme/epp:v1.5.0@{DIGEST}", failure_mode="FailOpen", objectives={"batch": -1})
ROUTES = st.sampled_from([(), Host("a.example"), Host("a.example", pool=POOL), Host("a.example", pool=POOL, grpc=True)])
TRACKS = st.builds(
    Canary, st.sampled_from([{10: minutes(5), 50: None}, {50: None}]), dynamic_stable_scale=st.booleans()
) | st.sampled_from([BlueGreen(), BlueGreen(minutes(5))])
RUNTIMES = st.one_of(
    st.none(),
    st.builds(
        VLLM,
        st.sampled_from([None, "0.11.2", "0.18.0"]),
        tensor_parallel=PARTS,
        pipeline_parallel=PARTS,
        adapters=ADAPTERS,
    ),
    st.builds(SGLang, tensor_parallel=PARTS),
    st.builds(Triton),
    st.builds(MLServer, format=st.sampled_from([None, "mlflow", "xgboost"])),
    st.builds(NIM, cache=st.sampled_from([None, "/cache"])),
)
OPTIONS = st.fixed_dictionaries(
    {"runtime": RUNTIMES},
    optional={
        "model": st.sampled_from(["/opt/model", "acme/chat"]) | HUB | STORE | st.builds(OciImage, st.just(IMAGE)),
        "loader": st.builds(
            Loader,
            st.just(TOOLS),
            claim=st.sampled_from([None, "shared"]),
            size=st.sampled_from([None, "60Gi"]),
            storage_class=st.sampled_from([None, "efs", "ebs"]),
        ),
        "port": st.sampled_from([5000, (Port("http", 9000, 80), Port("metrics", 9001)), (Port("grpc", 9002),)]),
        "nodes": st.sampled_from([1, 2]),
        "gpu": st.builds(Gpu, st.sampled_from(["l4", "h200"]), st.sampled_from([1, 4, 8])),
        "backend": st.just(KServe()),
        "cpu_limit": st.just(4),
        "replicas": st.sampled_from([1, 2]),
        "scale": st.builds(CpuScale, st.sampled_from([1, 2]), st.just(4)),
        "rollout": st.sampled_from(["auto", "surge", "in-place", "recreate"]) | TRACKS,
        "route": ROUTES,
        "start_within": st.builds(LoadTime, st.sampled_from(["1Gi", "700Gi"])),
        "args": st.sampled_from([("--verbose",), ("--port=1",), ("--nnodes=3",)]),
        "command": st.just(("serve",)),
        "read_only_root": st.booleans(),
    },
)
LEGAL = st.fixed_dictionaries(
    {
        "runtime": st.one_of(
            st.builds(VLLM, st.just("0.18.0"), served_name=st.sampled_from([None, "bot"]), adapters=ADAPTERS),
            st.builds(SGLang, max_model_len=st.sampled_from([None, 8192])),
        ),
        "model": HUB | STORE | st.builds(OciImage, st.just(IMAGE)),
        "loader": st.builds(Loader, st.just(TOOLS), size=st.just("60Gi"), storage_class=st.just("efs")),
        "gpu": st.builds(Gpu, st.sampled_from(["l4", "h200"]), st.sampled_from([1, 4])),
    },
    optional={
        "nodes": st.sampled_from([1, 2]),
        "backend": st.just(KServe()),
        "cpu_limit": st.just(4),
        "scale": st.builds(CpuScale, st.just(2), st.just(3)),
        "rollout": st.sampled_from(["auto", "in-place"]) | TRACKS,
        "route": ROUTES,
        "start_within": st.builds(LoadTime, st.just("16Gi")),
        "port": st.sampled_from([5000, (Port("metrics", 9001),)]),
    },
)


def test_every_combination_is_valid_or_refused(tmp_path: Path) -> None:
    """Nothing that is taken breaks a rule that the API server has, too; and kubeconform takes all of it."""
    drawn = Combinations()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(OPTIONS | LEGAL, st.booleans())
    def draw(options: dict[str, Any], strict: bool) -> None:  # noqa: FBT001 # drawn
        environment = Environment(Fleet(root=tmp_path), "lab", cluster=CLUSTER, namespace="lab", strict=strict)
        ScalableModelService(environment, "svc", **{"image": f"ghcr.io/acme/server:v0.18.0@{DIGEST}", **options})
        drawn.take(environment)

    draw()

    made = set(drawn.rendered.values())
    kinds = {
        "Deployment",
        "InferencePool",
        "InferenceService",
        "LeaderWorkerSet",
        "Job",
        "PersistentVolumeClaim",
        "Rollout",
    }
    assert kinds <= made
    assert all_valid(drawn.rendered, CLUSTER, tmp_path) > 50
    assert {"A12", "L04", "P12", "V13", "V15", "X11", "X12"} <= drawn.refused
