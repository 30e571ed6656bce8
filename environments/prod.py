"""What customers use."""

from environments.clusters import GKE, REPO
from environments.workloads import churn, churn_train, search_embed, sentiment, support_chat, support_tune
from modelyard import ArgoCD, CpuScale, Environment, Fleet, Schedule, hours, minutes


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
    churn_train(env, deadline=hours(3), schedule=Schedule("30 3 * * *", tz="Europe/Berlin", keep_failed=7))
    support_tune(env)
    search_embed(env)
