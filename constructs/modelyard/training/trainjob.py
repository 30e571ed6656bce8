"""A training as a TrainJob of Kubeflow, with a runtime of its own, so that every option holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.fleet.site import Site
from modelyard.pod import KEPT, manifest
from modelyard.training.jobset import NODES

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

API = "trainer.kubeflow.org/v1alpha1"
CONTAINER = "node"
"""What the trainer calls the container that it gives its variables to."""
ANCESTOR = "trainer.kubeflow.org/trainjob-ancestor-step"


def runtime(
    name: str, labels: dict[str, str], template: dict[str, Any], spec: TrainingSpec, site: Site
) -> dict[str, Any]:
    """Return the TrainingRuntime *name*: the JobSet spec *template*, and how many processes train together."""
    made = manifest(API, "TrainingRuntime", name, labels, site)
    made["metadata"]["annotations"] = dict(KEPT)
    for job in template["replicatedJobs"]:
        if job["name"] == NODES:
            job["template"]["metadata"]["labels"][ANCESTOR] = "trainer"
    made["spec"] = {
        "mlPolicy": {"numNodes": spec.nodes, "torch": {"numProcPerNode": _processes(spec)}},
        "template": {"spec": template},
    }
    return made


def train_job(name: str, labels: dict[str, str], spec: TrainingSpec, site: Site) -> dict[str, Any]:
    """Return the TrainJob *name*, whose runtime has the same name until both carry their content in it."""
    made = manifest(API, "TrainJob", name, labels, site)
    # A commit that replaces this run by another must not kill it.
    made["metadata"]["annotations"] = dict(KEPT)
    made["spec"] = {
        "runtimeRef": {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": name},
        "trainer": {
            "image": str(spec.image),
            **({"command": list(spec.command)} if spec.command else {}),
            **({"args": list(spec.args)} if spec.args else {}),
            "numNodes": spec.nodes,
            "numProcPerNode": _processes(spec),
        },
    }
    return made


def _processes(spec: TrainingSpec) -> int:
    return spec.gpu.count if spec.gpu else 1
