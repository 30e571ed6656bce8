"""Which queue of Kueue an object waits in, and the sets of pods that are admitted with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.rules.fields import given
from modelyard.rules.kinds import RAY, SETS
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job, Object, Pod
from modelyard.values.kueue import QUEUE

Known = Mapping[tuple[str, str | None, str], str]
USUAL_RUNTIME = "ClusterTrainingRuntime"
SUBMITTED = "K8sJobMode"
"""How a RayJob is submitted where it does not say: by a pod of its own."""


def queue_of(one: Object, scope: Scope) -> str | None:
    """Return the queue that *one* waits in, or what is made of it, or None."""
    if one.kind in SETS and one.kind != "JobSet":
        if "runtimes in queues" not in scope.memo:
            scope.memo["runtimes in queues"] = dict(_runtimes(scope))
        known: Known = scope.memo["runtimes in queues"]
        return known.get((one.kind, one.namespace, one.name))
    holder = one.spec.get("jobTemplate") or {} if one.kind == "CronJob" else one.data
    found = ((holder.get("metadata") or {}).get("labels") or {}).get(QUEUE)
    return None if found is None else str(found)


def _runtimes(scope: Scope) -> Iterator[tuple[tuple[str, str | None, str], str]]:
    """Yield the runtimes of the TrainJobs that wait in a queue, each with that."""
    for one in scope.of_kind("TrainJob"):
        runtime = one.spec.get("runtimeRef") or {}
        kind = str(runtime.get("kind") or USUAL_RUNTIME)
        if (queue := (one.metadata.get("labels") or {}).get(QUEUE)) is not None:
            place = None if kind == USUAL_RUNTIME else one.namespace
            yield (kind, place, str(runtime.get("name"))), str(queue)


def admitted(one: Object) -> list[tuple[str, Pod | None, int]]:
    """Return the sets of pods that Kueue admits together for *one*: their names, templates and numbers."""
    pods = {pod.path: pod for pod in one.pods}
    if one.kind in SETS:
        named = [str(job.get("name")) for job in _replicated(one)]
        jobs = zip(named, one.jobs, strict=True)
        return [(name, pods.get(job.at("template")), _at_once(job)) for name, job in jobs]
    if one.kind not in RAY:
        return []
    at, cluster = ".".join(RAY[one.kind]), of_ray(one)
    found: list[tuple[str, Pod | None, int]] = [("head", pods.get(f"{at}.headGroupSpec.template"), 1)]
    for index, group in enumerate(cluster.get("workerGroupSpecs") or ()):
        many = given(group, "replicas", 1) * max(given(group, "numOfHosts", 1), 1)
        found.append((str(group.get("groupName")), pods.get(f"{at}.workerGroupSpecs[{index}].template"), many))
    if one.kind == "RayJob" and given(one.spec, "submissionMode", SUBMITTED) == SUBMITTED:
        found.append(("submitter", pods.get("spec.submitterPodTemplate"), 1))
    return found


def of_ray(one: Object) -> Mapping[str, Any]:
    """Return the cluster of Ray in *one*."""
    return one.spec if one.kind == "RayCluster" else one.spec.get(RAY[one.kind][-1]) or {}


def _replicated(one: Object) -> list[dict[str, Any]]:
    of_set = one.spec if one.kind == "JobSet" else (one.spec.get("template") or {}).get("spec") or {}
    return of_set.get("replicatedJobs") or []


def _at_once(job: Job) -> int:
    parallelism = given(job.spec, "parallelism", 1)
    return int(job.copies * min(parallelism, given(job.spec, "completions", parallelism)))
