"""A language model of the Hub on vLLM, loaded once, on one L4 a replica."""

from modelyard import (
    VLLM,
    Drain,
    Environment,
    ExternalSecret,
    Fleet,
    Gpu,
    Host,
    HuggingFace,
    Loader,
    LoadTime,
    QueueScale,
    ScalableModelService,
    SecretKey,
)
from tests.scenarios.serving_clusters import COMMIT, EKS, LOADER, VLLM_IMAGE


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=EKS, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "llama-8b-chat", image=VLLM_IMAGE, runtime=VLLM(max_model_len=16384),
        model=HuggingFace("meta-llama/Llama-3.1-8B-Instruct", revision=COMMIT, token=SecretKey("hf", "token")),
        loader=Loader(LOADER, size="60Gi", storage_class="efs"), start_within=LoadTime("16Gi"), drain=Drain(),
        gpu=Gpu("l4"), cpu=4, memory="32Gi", env={"VLLM_API_KEY": SecretKey("chat-key", "key")},
        secrets=[ExternalSecret("hf", {"token": "ml/hf"}), ExternalSecret("chat-key", {"key": "ml/chat"})],
        scale=QueueScale(min=2, max=6, target=5), route=Host("chat.acme.dev"),
    )  # fmt: skip
