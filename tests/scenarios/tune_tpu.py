"""A slice of sixteen TPUs on four hosts, whose data is a bucket that is mounted."""

from modelyard import Bucket, Checkpoint, Environment, Gpu, Identity, TrainingJob, days, minutes
from tests.scenarios.clusters import SLICES as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "tune-tpu", image=TRAINER, command=["python", "tune.py"], nodes=4, gpu=Gpu("v5e-16", 4), cpu=96,
        memory="128Gi", deadline=days(2), identity=Identity("tune-tpu@acme-ml.iam.gserviceaccount.com"),
        data={"corpus": Bucket("gs://acme-corpus/2026", mount=True)},
        checkpoint=Checkpoint("gs://acme-ckpt", every=minutes(10)),
        accept={"J18": "the slice is reserved for this training"},
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
