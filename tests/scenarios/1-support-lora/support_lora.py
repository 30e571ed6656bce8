"""One L4 on a spot node, a model of the Hub, and checkpoints in an object store."""

from modelyard import Checkpoint, Environment, Fleet, Gpu, HuggingFace, SecretKey, TrainingJob, hours, minutes
from tests.scenarios.clusters import COMMIT, EKS, IMAGE

ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/support-lora"}


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "research", cluster=EKS, namespace="ml-research", strict=True)
    TrainingJob(
        env, "support-lora", image=IMAGE, command=["python", "lora.py"], gpu=Gpu("l4"), cpu=8, memory="32Gi",
        spot="prefer", deadline=hours(6), service_account_annotations=ROLE,
        data={"base": HuggingFace("meta-llama/Llama-3.1-8B", revision=COMMIT, token=SecretKey("hf", "token"))},
        checkpoint=Checkpoint("s3://acme-ckpt", every=minutes(15)),
    )  # fmt: skip
