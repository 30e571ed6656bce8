"""Every night on CPUs, and a model that is registered afterwards."""

from modelyard import Environment, Schedule, SecretKey, Step, TrainingJob, hours
from tests.scenarios.clusters import PLAIN as CLUSTER
from tests.scenarios.clusters import TRAINER


def build(env: Environment) -> None:  # the module says it
    TrainingJob(
        env, "churn-nightly", image=TRAINER, command=["python", "-m", "churn.train"], cpu=16, memory="64Gi",
        env={"WAREHOUSE_DSN": SecretKey("warehouse", "dsn")}, deadline=hours(3),
        schedule=Schedule("30 3 * * *", tz="Europe/Berlin", if_running="skip", catch_up=hours(1)),
        after=[Step("register", ["python", "-m", "churn.register"])],
    )  # fmt: skip


__all__ = ["CLUSTER", "build"]
