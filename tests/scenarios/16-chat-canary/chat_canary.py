"""A language model whose new version gets a growing share of the requests, and is taken back where they wait."""

from modelyard import (
    VLLM,
    Analysis,
    Canary,
    Environment,
    Fleet,
    Gpu,
    Host,
    QueueScale,
    ScalableModelService,
    minutes,
)
from tests.scenarios.serving_clusters import ISTIO, VLLM_IMAGE

WAITING = 'sum(vllm:num_requests_waiting{namespace="ml-prod",pod=~"chat-{{args.hash}}-.*"})'


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=ISTIO, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "chat", image=VLLM_IMAGE, runtime=VLLM(), model="/models/chat", gpu=Gpu("l4"), cpu=4, memory="32Gi",
        scale=QueueScale(min=2, max=4), route=Host("chat.acme.dev"),
        rollout=Canary(
            {10: minutes(10), 50: minutes(30)}, analysis=Analysis(WAITING, at_most=20), dynamic_stable_scale=True
        ),
    )  # fmt: skip
