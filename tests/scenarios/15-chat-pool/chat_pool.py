"""A language model whose gateway asks an endpoint picker which replica has read the prompt already."""

from modelyard import (
    VLLM,
    Environment,
    Fleet,
    Gpu,
    Host,
    HuggingFace,
    InferencePool,
    Loader,
    LoadTime,
    QueueScale,
    ScalableModelService,
)
from tests.scenarios.serving_clusters import COMMIT, ISTIO, LOADER, PICKER, VLLM_IMAGE


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=ISTIO, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "chat", image=VLLM_IMAGE, runtime=VLLM(), gpu=Gpu("l4"), cpu=4, memory="32Gi",
        model=HuggingFace("Qwen/Qwen3-8B", revision=COMMIT), loader=Loader(LOADER, size="60Gi", storage_class="efs"),
        start_within=LoadTime("16Gi"), scale=QueueScale(min=2, max=6, target=5),
        route=Host("chat.acme.dev", pool=InferencePool(PICKER, failure_mode="FailOpen", objectives={"batch": -1})),
    )  # fmt: skip
