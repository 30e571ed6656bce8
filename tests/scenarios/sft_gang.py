"""Four nodes of eight accelerators in a queue of Volcano, which starts all of them or none."""

from modelyard import Checkpoint, Claim, Environment, Gpu, Queue, TrainingJob, days, minutes
from tests.scenarios.clusters import TRAINER
from tests.scenarios.clusters import VOLCANO as CLUSTER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "sft-gang", image=TRAINER, command=["torchrun", "sft.py"], nodes=4, gpu=Gpu("h100", 8), cpu=96, memory="1Ti",
        queue=Queue("research"), retries=5, deadline=days(3),
        checkpoint=Checkpoint(Claim("ckpt", "/ckpt", access_mode="ReadWriteMany"), every=minutes(20)),
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
