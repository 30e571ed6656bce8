"""The textbook flow: a model behind a Service that is scaled on CPU, and the training it came from."""

from environments.clusters import KIND, REPO
from modelyard import ArgoCD, CpuScale, Environment, Fleet, Gpu, ScalableModelService, TrainingJob, hours


def walkthrough(fleet: Fleet) -> None:
    """Serve ``ml-model`` with two to five replicas, and train it once on two GPUs."""
    env = Environment(
        fleet, "walkthrough", cluster=KIND, namespace="walkthrough", delivery=ArgoCD(REPO), provenance=True
    )
    ScalableModelService(
        env,
        "ml-model",
        image=env.image("mlmodel"),
        port=5000,
        scale=CpuScale(min=2, max=5),
    )
    TrainingJob(
        env,
        "ml-train",
        image=env.image("ml-image"),
        command=["python", "train.py"],
        gpu=Gpu("t4", 2),
        retries=3,
        deadline=hours(12),
    )
