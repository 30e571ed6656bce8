"""Options of trainings in all their combinations: rendered and valid to the letter, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelyard import (
    Accelerator,
    Bucket,
    Checkpoint,
    Claim,
    Cluster,
    Crd,
    Environment,
    Fabric,
    Fleet,
    Gpu,
    HuggingFace,
    Job,
    JobSet,
    OciImage,
    Queue,
    Schedule,
    SecretKey,
    SpotNodes,
    Step,
    Sweep,
    Topology,
    TrainingJob,
    TrainJob,
    VolcanoJob,
    hours,
    minutes,
)
from tests.combinations import Combinations, all_valid
from tests.support import IMAGE

KUBERNETES = "1.35"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CLUSTER = Cluster(
    "lab",
    kubernetes=KUBERNETES,
    accelerators=[
        Accelerator("h100", per_node=8, nodes=8, fabric=Fabric({"rdma/ib": 8}, huge_pages="2Gi", env={"NCCL_IB": "1"})),
        Accelerator("mig", "nvidia.com/mig-1g.10gb", per_node=7, nodes=4, node_selector={"gpu": "mig"}),
        Accelerator("mi300x", "amd.com/gpu", per_node=8, nodes=8),
        Accelerator("v5e", "google.com/tpu", per_node=4, nodes=8, topology="4x4"),
        Accelerator("b200", per_node=8, nodes=8, device_class="gpu.nvidia.com", node_selector={"gpu": "b200"}),
    ],
    spot=SpotNodes.GKE,
    csi_drivers={"gcsfuse.csi.storage.gke.io"},
)
WITH_OPERATORS = Cluster(
    "lab",
    kubernetes=KUBERNETES,
    installed=[Crd.JOBSET, Crd.KUEUE, Crd.KUBEFLOW_TRAINER, Crd.VOLCANO],
    accelerators=CLUSTER.accelerators,
    spot=SpotNodes.EKS,
    csi_drivers=CLUSTER.csi_drivers,
)
STEPS = st.lists(
    st.builds(
        Step, st.sampled_from(["first", "second"]), st.just(["true"]), gpu=st.sampled_from([None, Gpu("b200", 2)])
    ),
    max_size=1,
)
CLAIMS = st.builds(
    Claim,
    st.sampled_from(["one", "two"]),
    st.sampled_from(["/one", "/two", "/tmp", "/dev/shm/", "/etc/sweep", "/data/base"]),
    size=st.sampled_from([None, "1Ti"]),
    access_mode=st.sampled_from([None, "ReadWriteOnce", "ReadWriteMany"]),
)
SOURCES = st.one_of(
    st.builds(
        HuggingFace,
        st.just("org/base"),
        revision=st.sampled_from([COMMIT, "main"]),
        kind=st.sampled_from(["model", "dataset"]),
        token=st.sampled_from([None, SecretKey("hub", "token")]),
        files=st.sampled_from([(), ("*.json",)]),
        cache=st.none() | CLAIMS,
        size=st.sampled_from([None, "10Gi"]),
    ),
    st.builds(OciImage, st.sampled_from([IMAGE, "ghcr.io/acme/corpus:1"])),
    st.builds(Bucket, st.sampled_from(["s3://acme/raw", "gs://acme/raw", "gs://acme"]), mount=st.booleans()),
)
PLACES = CLAIMS | st.sampled_from(["s3://acme/ckpt", "gs://acme"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "gpu": st.builds(
            Gpu, st.sampled_from(["h100", "mig", "mi300x", "v5e", "b200", "h200"]), st.sampled_from([1, 4, 8])
        ),
        "nodes": st.sampled_from([1, 2, 4]),
        "schedule": st.builds(
            Schedule, st.just("30 3 * * *"), if_running=st.sampled_from(["skip", "replace", "start"])
        ),
        "sweep": st.builds(Sweep, grid=st.just({"lr": [0.1, 0.2, 0.3]}), parallel=st.sampled_from([None, 1, 2])),
        "retries": st.sampled_from([0, 3]),
        "deadline": st.sampled_from([hours(1), hours(6)]),
        "spot": st.sampled_from(["prefer", "require"]),
        "topology": st.builds(Topology, st.just("topology.kubernetes.io/zone"), required=st.booleans()),
        "checkpoint": st.builds(
            Checkpoint,
            PLACES,
            every=st.sampled_from([None, minutes(10)]),
            run=st.sampled_from([None, "v2"]),
            resume=st.booleans(),
        ),
        "data": st.dictionaries(st.sampled_from(["base", "corpus-2"]), SOURCES, max_size=2),
        "volumes": st.lists(CLAIMS, max_size=1),
        "backend": st.sampled_from([Job(), JobSet(), TrainJob(), VolcanoJob()]),
        "before": STEPS,
        "after": STEPS,
        "queue": st.builds(Queue, st.just("research"), required_topology=st.sampled_from([None, "rack"])),
        "node_selector": st.just({"disk": "fast"}),
        "read_only_root": st.booleans(),
    },
)


def test_every_combination_is_valid_or_refused(tmp_path: Path) -> None:
    """Nothing that is taken breaks a rule that the API server has, too; and kubeconform takes all of it."""
    drawn = Combinations()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(OPTIONS, st.booleans(), st.sampled_from([CLUSTER, WITH_OPERATORS]))
    # What is drawn changes with every change of this function, and a legal one of these is seldom among it.
    @example(options={"nodes": 2, "backend": TrainJob()}, strict=False, cluster=WITH_OPERATORS)
    @example(options={"nodes": 2, "backend": VolcanoJob()}, strict=True, cluster=WITH_OPERATORS)
    def draw(options: dict[str, Any], strict: bool, cluster: Cluster) -> None:  # noqa: FBT001 # drawn
        environment = Environment(Fleet(root=tmp_path), "lab", cluster=cluster, namespace="lab", strict=strict)
        TrainingJob(environment, "train", **{"image": IMAGE, "command": ["python", "train.py"], **options})
        drawn.take(environment)

    draw()

    kinds = {"Job", "CronJob", "JobSet", "TrainJob", "VolcanoJob", "PersistentVolumeClaim", "ResourceClaimTemplate"}
    assert kinds <= set(drawn.rendered.values())
    assert all_valid(drawn.rendered, WITH_OPERATORS, tmp_path) > 50
    assert {"R09", "R27", "V01", "X11"} <= drawn.refused
