"""What prod will run next, on the cluster that dev has too, with images by digest."""

from environments.clusters import EKS, REPO
from environments.workloads import churn, sentiment, sentiment_train, support_chat
from modelyard import ArgoCD, CpuScale, Environment, Fleet


def staging(fleet: Fleet) -> None:
    """Render ``staging``."""
    env = Environment(
        fleet,
        "staging",
        cluster=EKS,
        namespace="ml-staging",
        strict=True,
        delivery=ArgoCD(REPO),
        labels={"team": "acme-ml"},
    )
    sentiment(env, scale=CpuScale(min=2, max=4))
    churn(env, scale=CpuScale(min=2, max=4), threshold="0.62")
    support_chat(env, replicas=2)
    sentiment_train(env, gpus=2)
