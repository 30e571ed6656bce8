"""A model of MLflow on CPU, copied once from a bucket, with 2 to 10 replicas."""

from modelyard import Bucket, CpuScale, Environment, Fleet, Host, Identity, Loader, MLServer, ScalableModelService
from tests.scenarios.serving_clusters import EKS, LOADER, MLSERVER

READER = Identity("arn:aws:iam::123456789012:role/churn-api")


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=EKS, namespace="ml-prod", strict=True)
    ScalableModelService(
        env, "churn-api", image=MLSERVER, runtime=MLServer(), model=Bucket("s3://models/churn/v17"),
        loader=Loader(LOADER, size="5Gi", storage_class="efs"), identity=READER,
        cpu=2, memory="4Gi", scale=CpuScale(min=2, max=10, target=70),
        route=Host("churn.acme.dev"),
    )  # fmt: skip
