"""Sixteen nodes in one block of the network, prepared by a step, started again as a whole, and in a queue."""

from modelyard import Checkpoint, Environment, Gpu, Identity, Metrics, Queue, Step, TrainingJob, Watch, days, minutes
from tests.scenarios.clusters import GKE as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "pretrain-128g", image=TRAINER, command=["torchrun", "pretrain.py"],
        before=[Step("shard", ["python", "shard.py"], cpu=32, memory="128Gi")],
        nodes=16, gpu=Gpu("h100", 8), cpu=160, memory="1700Gi", retries=10, deadline=days(21),
        queue=Queue("flagship", required_topology="cloud.google.com/gce-topology-block"),
        identity=Identity("pretrain@acme-ml.iam.gserviceaccount.com"),
        checkpoint=Checkpoint("gs://acme-ckpt", every=minutes(10), metric="pretrain_last_checkpoint_seconds"),
        watch=Watch(metrics=Metrics(9400)),
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
