"""One accelerator of a node that the cloud may take back, and checkpoints in an object store."""

from modelyard import Checkpoint, Environment, Gpu, HuggingFace, Identity, SecretKey, TrainingJob, hours, minutes
from tests.scenarios.clusters import EKS as CLUSTER
from tests.scenarios.clusters import TRAINER

LLAMA = HuggingFace("meta-llama/Llama-3.1-8B", revision="0123456789" * 4, token=SecretKey("hf", "token"), size="40Gi")


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "support-lora", image=TRAINER, command=["python", "lora.py"],
        gpu=Gpu("l4"), cpu=8, memory="32Gi", spot="prefer", deadline=hours(6), data={"base": LLAMA},
        identity=Identity("arn:aws:iam::123456789012:role/support-lora"),
        checkpoint=Checkpoint("s3://acme-ckpt", every=minutes(15)),
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
