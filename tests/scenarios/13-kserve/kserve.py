"""A language model and a classifier for a cluster whose tools look at InferenceServices."""

import attrs

from modelyard import (
    VLLM,
    CpuScale,
    Crd,
    Environment,
    Fleet,
    Gpu,
    Host,
    HuggingFace,
    KServe,
    Loader,
    LoadTime,
    MLServer,
    QueueScale,
    ScalableModelService,
)
from tests.scenarios.serving_clusters import COMMIT, EKS, LOADER, MLSERVER, VLLM_IMAGE

CLUSTER = attrs.evolve(EKS, installed=[*EKS.installed, Crd.KSERVE])  # type: ignore[misc] # attrs sees no attrs class behind @value


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=CLUSTER, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "chat", image=VLLM_IMAGE, runtime=VLLM(max_model_len=16384), backend=KServe(),
        model=HuggingFace("meta-llama/Llama-3.1-8B-Instruct", revision=COMMIT),
        loader=Loader(LOADER, size="60Gi", storage_class="efs"), start_within=LoadTime("16Gi"),
        gpu=Gpu("l4"), cpu=4, cpu_limit=8, memory="32Gi",
        scale=QueueScale(min=2, max=6, target=5), route=Host("chat.acme.dev"),
    )  # fmt: skip
    ScalableModelService(
        env, "churn", image=MLSERVER, runtime=MLServer(format="mlflow"), backend=KServe(), model="/models/churn",
        cpu=1, cpu_limit=2, memory="2Gi", scale=CpuScale(min=2, max=8, target=70),
    )  # fmt: skip
