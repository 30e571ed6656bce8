"""What pods ask of nodes, and how many of them there are at most."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from modelyard.rules import kserve
from modelyard.rules.kinds import RAY
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Job, Object, Pod
from modelyard.values import quantity
from modelyard.values.kueue import LEAST, QUEUE

MANY = 2
"""Stands for a number of pods that only the cluster knows and that is more than one."""
SCALED_OBJECT_MOST = 100
"""KEDA's maxReplicaCount, where it is not given."""
BYTES = frozenset({"memory", "ephemeral-storage"})


def field(resource: str) -> str:
    """Return a resource as the end of a path: ``.cpu`` or ``['nvidia.com/gpu']``."""
    return f".{resource}" if resource.isalpha() else f"[{resource!r}]"


def extended(resource: str) -> bool:
    """Return whether the API server takes *resource* for one of a device plugin."""
    return "/" in resource and "kubernetes.io/" not in resource and not resource.startswith("requests.")


def requested(container: Container) -> Mapping[str, Any]:
    """Return what is kept for *container*, the limit where no request is given."""
    resources = container.data.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return {**limits, **requests} if limits and requests else limits or requests


def asked(pod: Pod, resource: str) -> Decimal:
    """Return how much of *resource* the scheduler looks for: as it counts, with starts and sidecars."""
    running = starting = sidecars = Decimal(0)
    for container in pod.containers:
        amount = quantity.number(requested(container).get(resource)) or Decimal(0)
        if not container.init:
            running += amount
        elif container.data.get("restartPolicy") == "Always":
            sidecars += amount
            starting = max(starting, sidecars)
        else:
            starting = max(starting, sidecars + amount)
    return max(running + sidecars, starting)


def askers(pod: Pod, resource: str) -> list[Container]:
    """Return the containers that ask for *resource*."""
    return [container for container in pod.containers if resource in requested(container)]


def devices(pod: Pod) -> list[str]:
    """Return the extended resources that *pod* asks for, each once."""
    found: dict[str, None] = {}
    for container in pod.containers:
        resources = container.data.get("resources")
        if resources:
            for listed in (resources.get("limits"), resources.get("requests")):
                for resource in listed or ():
                    if "/" in resource and extended(resource):
                        found[resource] = None
    return list(found)


def most(scope: Scope, one: Object, pod: Pod) -> tuple[int, Object | None]:
    """Return the most copies of *pod*, of *one*, at once, rollouts left aside, and the autoscaler that says so."""
    if (count := _of_lists(one, pod)) is not None:
        return count, None
    if (job := _job_of(one, pod)) is not None:
        return _at_once(job), None
    if one.kind == "DaemonSet":
        return MANY, None
    if one.kind == "Pod":
        return 1, None
    size = ((one.spec.get("leaderWorkerTemplate") or {}).get("size") if one.kind == "LeaderWorkerSet" else None) or 1
    largest: tuple[int, Object | None] = (0, None)
    for scaler in scope.scalers_of(one):
        usual = SCALED_OBJECT_MOST if scaler.kind == "ScaledObject" else None
        count = scaler.spec.get("maxReplicas", scaler.spec.get("maxReplicaCount", usual))
        if isinstance(count, int) and count > largest[0]:
            largest = count, scaler
    if largest[1] is not None:
        return largest[0] * size, largest[1]
    replicas = kserve.bounds(one)[1] if one.kind == kserve.KIND else one.spec.get("replicas")
    return (replicas if isinstance(replicas, int) else 1) * size, None


def _job_of(one: Object, pod: Pod) -> Job | None:
    return next((job for job in one.jobs if job.at("template") == pod.path), None)


def needed(scope: Scope, one: Object, pod: Pod) -> tuple[int, Object | None]:
    """Return how many copies of *pod* must have room at once, which may be fewer than `most` where Kueue admits."""
    job = _job_of(one, pod)
    least = "" if job is None or QUEUE not in job.labels else str(job.annotations.get(LEAST, ""))
    return (int(least), None) if least.isdecimal() else most(scope, one, pod)


def lowered(one: Object, pod: Pod, scaler: Object | None, room: int) -> str:
    """Return what to lower where *room* is all there is; trials of a sweep run later instead."""
    job = _job_of(one, pod)
    if job is not None and room and job.spec.get("backoffLimitPerIndex") is not None:
        return f"write sweep.parallel={room}" if one.owner else f"lower parallelism to {room}"
    return "lower maxReplicas" if scaler else "lower the number of pods"


def _of_lists(one: Object, pod: Pod) -> int | None:
    """Return the most copies of *pod* of an object that lists templates, each with its own number."""
    if one.kind in RAY and "workerGroupSpecs" in pod.path:
        of_ray = one.spec if one.kind == "RayCluster" else one.spec.get(RAY[one.kind][-1]) or {}
        groups = of_ray.get("workerGroupSpecs") or ()
        return max(group.get("maxReplicas") or group.get("replicas") or 1 for group in groups)
    if one.kind == "VolcanoJob":
        index = int(pod.path.partition("[")[2].partition("]")[0])
        return int(one.spec["tasks"][index].get("replicas") or 0)
    return None


def _at_once(job: Job) -> int:
    parallelism, completions = job.spec.get("parallelism"), job.spec.get("completions")
    counts = [count for count in (parallelism, completions) if isinstance(count, int)]
    return job.copies * (min(counts) if isinstance(parallelism, int) else 1)


def written(resource: str, amount: Decimal) -> str:
    """Return *amount* of *resource* as people write it."""
    if resource in BYTES:
        return quantity.memory_size(amount)
    return f"{amount.normalize():f}"


def listed(words: Collection[str]) -> str:
    """Return *words* in a sentence: ``a, b and c``."""
    *first, last = words or ("none",)
    return f"{', '.join(first)} and {last}" if first else last
