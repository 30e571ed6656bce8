"""Labels that controllers add to the pods that they make of templates, as read in their sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from modelyard.rules.fields import each
from modelyard.rules.kinds import RAY

if TYPE_CHECKING:
    from modelyard.rules.subjects import Object, Pod

JOB_NAMES = ("job-name", "batch.kubernetes.io/job-name")
SET_NAME, PART_NAME = "jobset.sigs.k8s.io/jobset-name", "jobset.sigs.k8s.io/replicatedjob-name"
GROUP = "leaderworkerset.sigs.k8s.io/"
MONITORING = {
    "Prometheus": ("prometheus", "prometheus"),
    "Alertmanager": ("alertmanager", "alertmanager"),
    "ThanosRuler": ("thanos-ruler", "thanos-ruler"),
}
"""By kind, what the operator of Prometheus calls its pods, and the label with its name."""
STEPS = ("spec", "strategy", "canary", "steps", "experiment", "templates", "metadata", "labels")
ROLES = (
    ("canary", "canaryMetadata"),
    ("canary", "stableMetadata"),
    ("blueGreen", "activeMetadata"),
    ("blueGreen", "previewMetadata"),
)
"""Where a Rollout says what its pods carry in addition, as long as they are what the field is called by."""


def added(pod: Pod) -> dict[str, str]:
    """Return what is added to every pod of the template *pod*."""
    of = BY_KIND.get(pod.object.kind)
    return of(pod) if of else {}


def _job(pod: Pod) -> dict[str, str]:
    return dict.fromkeys(JOB_NAMES, pod.object.name)


def _group(pod: Pod) -> dict[str, str]:
    return {f"{GROUP}name": pod.object.name}


def _set(pod: Pod) -> dict[str, str]:
    parts = pod.object.spec.get("replicatedJobs") or ()
    return {SET_NAME: pod.object.name, PART_NAME: str(_holder(pod, parts).get("name"))}


def _tasks(pod: Pod) -> dict[str, str]:
    task = _holder(pod, pod.object.spec.get("tasks") or ())
    return {"volcano.sh/job-name": pod.object.name, "volcano.sh/task-spec": str(task.get("name"))}


def _ray(pod: Pod) -> dict[str, str]:
    one = pod.object
    if pod.path == "spec.submitterPodTemplate":
        return {}
    head = "headGroupSpec" in pod.path
    group = "headgroup" if head else str(ray_group(pod).get("groupName"))
    return {
        "ray.io/is-ray-node": "yes",
        "ray.io/node-type": "head" if head else "worker",
        "ray.io/group": group,
        **({"ray.io/cluster": one.name} if one.kind == "RayCluster" else {}),
        **({"ray.io/serve": "true"} if one.kind == "RayService" else {}),
    }


def ray_group(pod: Pod) -> dict[str, Any]:
    """Return the group of workers of Ray whose template is *pod*."""
    of: dict[str, Any] = pod.object.data
    for key in RAY[pod.object.kind]:
        of = of[key]
    return _holder(pod, of["workerGroupSpecs"])


def _holder(pod: Pod, entries: Any) -> dict[str, Any]:
    """Return the one of *entries*, a list of the manifest, in which the template *pod* stands."""
    place = int(pod.path.partition("[")[2].partition("]")[0])
    found: dict[str, Any] = entries[place]
    return found


BY_KIND: dict[str, Callable[[Pod], dict[str, str]]] = {
    "Job": _job,
    "JobSet": _set,
    "LeaderWorkerSet": _group,
    "VolcanoJob": _tasks,
    **dict.fromkeys(RAY, _ray),
}


def further(one: Object) -> Iterator[dict[str, str]]:
    """Yield the labels of pods of *one* that differ from those of its template, or that have no template here."""
    if one.kind == "JobSet":
        for job in one.jobs:
            part = _holder(job.pod, one.spec["replicatedJobs"])["name"]
            for index in range(job.copies):
                yield {**job.pod.selectable, **dict.fromkeys(JOB_NAMES, f"{one.name}-{part}-{index}")}
    elif one.kind == "TrainJob":
        # What the runtimes of Kubeflow call the part that trains.
        yield {SET_NAME: one.name, PART_NAME: "node"}
    elif one.kind in MONITORING:
        app, key = MONITORING[one.kind]
        labels = (one.spec.get("podMetadata") or {}).get("labels") or {}
        named = dict.fromkeys((key, "app.kubernetes.io/instance"), one.name)
        managed = {"app.kubernetes.io/name": app, "app.kubernetes.io/managed-by": "prometheus-operator"}
        only = {"operator.prometheus.io/name": one.name} if one.kind == "Prometheus" else {}
        yield {**labels, **managed, **named, **only}
    elif one.kind == "Rollout" and one.pod is not None:
        strategy = one.spec.get("strategy") or {}
        for labels in (
            *(labels for _, labels in each(one.data, STEPS)),
            *(((strategy.get(way) or {}).get(role) or {}).get("labels") or {} for way, role in ROLES),
        ):
            yield {**one.pod.labels, **labels}
