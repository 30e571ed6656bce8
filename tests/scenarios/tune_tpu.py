"""A slice of sixteen TPUs on four hosts, whose data is a bucket that is mounted."""

from modelyard import Bucket, Checkpoint, Environment, Gpu, TrainingJob, days, minutes
from tests.scenarios.clusters import TPUS as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "tune-tpu", image=TRAINER, command=["python", "tune.py"], nodes=4, gpu=Gpu("v5e-16", 4), cpu=96,
        memory="128Gi", deadline=days(2), data={"corpus": Bucket("gs://acme-corpus/2026", mount=True)},
        checkpoint=Checkpoint("gs://acme-ckpt", every=minutes(10)),
        accept={"J18": "the slice is reserved for this training"},
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
