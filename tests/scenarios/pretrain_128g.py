"""Sixteen nodes in one block of the network, prepared by a step, started again as a whole, and in a queue."""

from modelyard import Claim, Environment, Gpu, Queue, Step, TrainingJob, days
from tests.scenarios.clusters import FLAGSHIP as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "pretrain-128g", image=TRAINER, command=["torchrun", "pretrain.py"],
        before=[Step("shard", ["python", "shard.py"], cpu=32, memory="128Gi")],
        nodes=16, gpu=Gpu("h100", 8), cpu=160, memory="1800Gi", retries=10, deadline=days(21),
        queue=Queue("flagship", required_topology="cloud.google.com/gce-topology-block"),
        volumes=[Claim("ckpt", "/ckpt", access_mode="ReadWriteMany")],
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
