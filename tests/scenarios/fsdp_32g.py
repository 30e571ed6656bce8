"""Four nodes of eight accelerators and their network devices on plain Kubernetes, which has nothing installed."""

from modelyard import Checkpoint, Claim, Environment, Gpu, TrainingJob, days
from tests.scenarios.clusters import PLAIN as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "fsdp-32g", image=TRAINER, command=["torchrun", "pretrain.py"],
        nodes=4, gpu=Gpu("h100", 8), cpu=96, memory="1Ti", retries=5, deadline=days(7),
        checkpoint=Checkpoint(Claim("fsx-ckpt", "/ckpt", access_mode="ReadWriteMany")),
        accept={"J18": "the cluster is dedicated to this training"},
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
