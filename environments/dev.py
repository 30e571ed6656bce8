"""Where the team tries things: one replica of each, tags without digest are only warned about."""

from environments.clusters import EKS, REPO
from environments.workloads import churn, churn_train, sentiment, sentiment_train, support_chat
from modelyard import ArgoCD, CpuScale, Environment, Fleet, hours


def dev(fleet: Fleet) -> None:
    """Render ``dev``."""
    env = Environment(fleet, "dev", cluster=EKS, namespace="ml-dev", delivery=ArgoCD(REPO), labels={"team": "acme-ml"})
    sentiment(env, scale=CpuScale(min=2, max=3))
    churn(env, scale=CpuScale(min=2, max=3), threshold="0.50")
    support_chat(env, replicas=2)
    sentiment_train(env, gpus=1)
    churn_train(env, deadline=hours(1))
