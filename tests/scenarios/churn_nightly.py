"""Every night on CPUs, with a secret from a store, and a model that is registered afterwards."""

from modelyard import Environment, ExternalSecret, Schedule, SecretKey, Step, TrainingJob, hours
from tests.scenarios.clusters import EKS as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "churn-nightly", image=TRAINER, command=["python", "-m", "churn.train"], cpu=16, memory="64Gi",
        secrets=[ExternalSecret("warehouse", {"dsn": "warehouse/dsn"})], deadline=hours(3),
        env={"WAREHOUSE_DSN": SecretKey("warehouse", "dsn")},
        schedule=Schedule("30 3 * * *", tz="Europe/Berlin", if_running="skip", catch_up=hours(1)),
        after=[Step("register", ["python", "-m", "churn.register"])],
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
