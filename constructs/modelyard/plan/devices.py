"""How many devices, of each kind, a workload asks for: at least, at most, and while it rolls out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from modelyard.plan import kserve
from modelyard.plan.model import Range
from modelyard.plan.rollouts import former as former_run
from modelyard.rules.demand import SCALED_OBJECT_MOST, extended
from modelyard.rules.tracks import beside as tracked
from modelyard.rules.workloads import share
from modelyard.values.at import at, items, mapping, whole
from modelyard.values.quantity import number

SCALERS: Mapping[str, tuple[str, str, int, int]] = {
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas", 1, 1),
    "ScaledObject": ("minReplicaCount", "maxReplicaCount", 0, SCALED_OBJECT_MOST),
}
"""Kind to the fields that bound the pods, and what they are where they are not given."""
DEEPEST = 12
SCALED = frozenset({"Deployment", "LeaderWorkerSet", "ReplicaSet", "Rollout", "StatefulSet"})
NOTHING = Range(0, 0, 0)


def compared(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Range, Range]]:
    """Return the devices whose numbers differ between the manifests of a workload before and now."""
    before, now = asked(old), asked(new)
    return {
        resource: (before.get(resource, NOTHING), now.get(resource, NOTHING))
        for resource in sorted({*before, *now})
        if before.get(resource) != now.get(resource)
    }


def asked(manifests: Iterable[Mapping[str, Any]]) -> dict[str, Range]:
    """Return the devices that the pods of all *manifests* ask for."""
    known = _going_on(manifests)
    bounds = dict(scaled for one in known if (scaled := _scaled(one)) is not None)
    known = [kserve.deployment(one) if kserve.standard(one) else one for one in known]
    found: dict[str, Range] = {}
    for one in known:
        target = (str(one.get("kind")), str(at(one, "metadata", "name")))
        for resource, ranged in _of(one, bounds.get(target)).items():
            former = found.get(resource, NOTHING)
            found[resource] = Range(
                former.least + ranged.least, former.most + ranged.most, former.rollout + ranged.rollout
            )
    return found


def _going_on(manifests: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return *manifests* without former runs, which are left as they are, and are over sooner or later."""
    former, known = set[object](), list[Mapping[str, Any]]()
    for one in manifests:
        skipped = former_run(one)
        known += [] if skipped else [one]
        former.update([at(one, "spec", "runtimeRef", "name")] if skipped and one.get("kind") == "TrainJob" else ())
    # The pods of a TrainJob are in its runtime, which is no run, and stays as it was.
    former.difference_update(at(one, "spec", "runtimeRef", "name") for one in known)
    return [one for one in known if one.get("kind") != "TrainingRuntime" or at(one, "metadata", "name") not in former]


def _scaled(one: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[int, int]] | None:
    """Return what *one* scales, and between which numbers of pods, if it is an autoscaler."""
    if kserve.standard(one):
        own = kserve.bounds(one)
        return None if own is None else (("Deployment", str(at(kserve.deployment(one), "metadata", "name"))), own)
    names = SCALERS.get(str(one.get("kind")))
    if names is None:
        return None
    least, most, fewest, many = names
    target = mapping(one, "spec", "scaleTargetRef")
    bounds = whole(one, "spec", least, default=fewest), whole(one, "spec", most, default=many)
    return (str(target.get("kind", "Deployment")), str(target.get("name"))), bounds


def _of(one: Mapping[str, Any], bounds: tuple[int, int] | None) -> dict[str, Range]:
    kind, spec = str(one.get("kind")), mapping(one, "spec")
    each: dict[str, int] = {}
    for pods, pod in _pods(kind, spec, 1, DEEPEST):
        for resource, count in _devices(pod).items():
            each[resource] = each.get(resource, 0) + pods * count
    if kind not in SCALED:
        return {resource: Range(count, count, count) for resource, count in each.items()}
    pods = whole(spec, "replicas", default=1)
    least, most = bounds or (pods, pods)
    surge = SURGES.get(kind, _none)(spec, most)
    return {resource: Range(least * count, most * count, (most + surge) * count) for resource, count in each.items()}


def _none(spec: Mapping[str, Any], pods: int) -> int:  # noqa: ARG001 # as every count
    return 0


def _surge(spec: Mapping[str, Any], pods: int) -> int:
    """Return how many pods there are beside the others in a rollout of a Deployment."""
    if at(spec, "strategy", "type") == "Recreate" or not pods:
        return 0
    return min(pods, share(mapping(spec, "strategy", "rollingUpdate").get("maxSurge", "25%"), pods, up=True))


def _groups(spec: Mapping[str, Any], groups: int) -> int:
    """Return how many groups there are beside the others in a rollout of a LeaderWorkerSet."""
    rolling = mapping(spec, "rolloutStrategy", "rollingUpdateConfiguration")
    return min(groups, share(rolling.get("maxSurge", 0), groups, up=True))


SURGES: Mapping[str, Callable[[Mapping[str, Any], int], int]] = {
    "Deployment": _surge,
    "LeaderWorkerSet": _groups,
    "Rollout": tracked,
}
"""Kind to what its rollouts add to so many pods, or groups of them."""


def _pods(kind: str, node: Mapping[str, Any], pods: int, depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the pods of which *node* holds the template, and how many of each; where they scale, one."""
    if isinstance(node.get("containers"), list):
        yield pods, node
        return
    if not depth:
        return
    if kind not in SCALED:
        pods *= whole(node, "replicas", default=1)
    if "parallelism" in node:
        completions = whole(node, "completions", default=whole(node, "parallelism", default=1))
        pods *= min(whole(node, "parallelism", default=1), completions)
    size = whole(node, "size", default=1)
    for key, part in node.items():
        times = pods
        if key == "workerTemplate" and size > 1:
            times *= size - 1 if "leaderTemplate" in node else size
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, Mapping):
                yield from _pods(kind, inner, times, depth - 1)


def _devices(pod: Mapping[str, Any]) -> dict[str, int]:
    """Return the devices of one *pod*: those of its containers, or of the one start that needs more."""
    running: dict[str, int] = {}
    starting: dict[str, int] = {}
    for field in ("containers", "initContainers"):
        for container in items(pod, field):
            resources = {**mapping(container, "resources", "requests"), **mapping(container, "resources", "limits")}
            for resource, amount in resources.items():
                if not extended(resource):
                    continue
                count = int(number(amount) or 0)
                if field == "containers" or at(container, "restartPolicy") == "Always":
                    running[resource] = running.get(resource, 0) + count
                else:
                    starting[resource] = max(starting.get(resource, 0), count)
    return {
        resource: most
        for resource in sorted({*running, *starting})
        if (most := max(running.get(resource, 0), starting.get(resource, 0)))
    }
