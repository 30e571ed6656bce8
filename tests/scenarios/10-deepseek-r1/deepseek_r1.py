"""A language model on two nodes of eight H200, read from its bucket as it starts."""

from modelyard import VLLM, Bucket, Environment, Fleet, Gpu, Identity, LoadTime, ScalableModelService
from tests.scenarios.serving_clusters import GKE, VLLM_IMAGE

READER = Identity("deepseek@acme-ml.iam.gserviceaccount.com")


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=GKE, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "deepseek-r1", image=VLLM_IMAGE, runtime=VLLM(), model=Bucket("gs://models/deepseek-r1"),
        gpu=Gpu("h200", 8), nodes=2, replicas=1, start_within=LoadTime("700Gi", rate="600Mi"),
        cpu=64, memory="1Ti", identity=READER, accept={"D10": "a pause at night is fine, a second replica is not"},
    )  # fmt: skip
