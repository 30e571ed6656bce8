"""A model repository on Triton, and one replica of the next version beside it: two services that share no pod."""

from modelyard import Bucket, Environment, Fleet, Gpu, Host, Identity, ScalableModelService, Triton
from tests.scenarios.serving_clusters import EKS, TRITON_NEW, TRITON_OLD

READER = Identity("arn:aws:iam::123456789012:role/vision")


def build(fleet: Fleet) -> None:
    env = Environment(fleet, "prod", cluster=EKS, namespace="ml-prod", strict=True)
    shared = Host("vision.acme.dev", split={"vision-canary": 10})
    for name, image, replicas, route in (("vision", TRITON_OLD, 3, shared), ("vision-canary", TRITON_NEW, 1, ())):
        ScalableModelService(
            env, name, image=image, runtime=Triton(), model=Bucket("s3://triton/prod"), identity=READER,
            gpu=Gpu("l4"), cpu=4, memory="16Gi", replicas=replicas, route=route,
        )  # fmt: skip
