"""Four nodes of eight H100 that talk over EFA, on plain Kubernetes, with checkpoints in a claim that is there."""

from modelyard import Checkpoint, Claim, Environment, Fleet, Gpu, Topology, TrainingJob, days, minutes
from tests.scenarios.clusters import EKS, IMAGE


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "research", cluster=EKS, namespace="ml-research", strict=True)
    TrainingJob(
        env, "fsdp-32g", image=IMAGE, command=["torchrun", "pretrain.py"], nodes=4, gpu=Gpu("h100", 8), cpu=96,
        memory="1Ti", retries=5, deadline=days(7), grace=minutes(5), topology=Topology("topology.kubernetes.io/zone"),
        checkpoint=Checkpoint(Claim("fsx-ckpt", "/checkpoints", access_mode="ReadWriteMany"), every=minutes(30)),
        accept={"J18": "the cluster is there for this training"},
    )  # fmt: skip
