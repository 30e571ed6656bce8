"""What customers use."""

from environments.clusters import GKE, REPO
from environments.workloads import churn, churn_train, sentiment, support_chat, support_tune
from modelyard import ArgoCD, CpuScale, Environment, Fleet, hours, minutes


def prod(fleet: Fleet) -> None:
    """Render ``prod``."""
    env = Environment(
        fleet,
        "prod",
        cluster=GKE,
        namespace="ml-prod",
        strict=True,
        delivery=ArgoCD(REPO),
        labels={"team": "acme-ml", "cost-center": "ml-4711"},
    )
    sentiment(env, scale=CpuScale(min=3, max=20, target=60))
    churn(env, scale=CpuScale(min=3, max=12, scale_down_after=minutes(10)), threshold="0.62")
    support_chat(env, replicas=4)
    churn_train(env, deadline=hours(3))
    support_tune(env)
