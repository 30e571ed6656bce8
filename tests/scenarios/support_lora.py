"""One accelerator on a spot node, a model of the Hub, and checkpoints in an object store."""

from modelyard import Checkpoint, Environment, Gpu, HuggingFace, Identity, SecretKey, TrainingJob, hours, minutes
from tests.scenarios.clusters import EKS as CLUSTER
from tests.scenarios.clusters import TRAINER

COMMIT = "d04e592bb4f6aa9cfee91e2e20afa771667e1d4b"
ROLE = "arn:aws:iam::123456789012:role/support-lora"


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "support-lora", image=TRAINER, command=["python", "lora.py"], gpu=Gpu("l4"), cpu=8, memory="32Gi",
        spot="prefer", deadline=hours(6), identity=Identity(ROLE),
        data={"base": HuggingFace("meta-llama/Llama-3.1-8B", revision=COMMIT, token=SecretKey("hf", "token"))},
        checkpoint=Checkpoint("s3://acme-ckpt", every=minutes(15)),
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
