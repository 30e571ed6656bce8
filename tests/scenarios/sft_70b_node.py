"""Eight accelerators of one node, in a queue, and a claim for checkpoints that is made with the training."""

from modelyard import Checkpoint, Claim, Environment, Gpu, Queue, TrainingJob, days
from tests.scenarios.clusters import GKE as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "sft-70b-node", image=TRAINER, command=["torchrun", "sft.py"],
        gpu=Gpu("h100", 8), cpu=96, memory="1Ti", shared_memory="200Gi", deadline=days(3),
        queue=Queue("ml-research", priority="high"), volumes=[Claim("datasets", "/data", read_only=True)],
        checkpoint=Checkpoint(
            Claim("ckpt-sft", "/ckpt", size="2Ti", storage_class="fast-rwx", access_mode="ReadWriteMany")
        ),
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
