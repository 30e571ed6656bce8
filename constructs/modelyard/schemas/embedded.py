"""
Pods and Jobs inside custom resources, which are to be what Kubernetes takes.

A definition says less of a pod than Kubernetes does, so the API server takes the object, and refuses each pod that its
controller makes of it. The part is therefore looked at as the object that it is to become.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.schemas.model import Path, SchemaError
from modelyard.schemas.wording import order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema_rs import Draft202012Validator

Manifest = dict[str, Any]

POD, JOB = "v1 Pod", "batch/v1 Job"
Way = tuple[str, tuple[str, ...]]
"""What is embedded, and the fields that lead to it, through every item of lists."""


def _ray(*cluster: str) -> tuple[Way, ...]:
    groups = (*cluster, "headGroupSpec", "template"), (*cluster, "workerGroupSpecs", "template")
    return tuple((POD, group) for group in groups)


JOBS = "spec", "replicatedJobs", "template"
RUNTIME = ((JOB, ("spec", "template", *JOBS)),)
WAYS: Mapping[str, tuple[Way, ...]] = {
    "argoproj.io Rollout": ((POD, ("spec", "template")),),
    "batch.volcano.sh CronJob": ((POD, ("spec", "jobTemplate", "spec", "tasks", "template")),),
    "batch.volcano.sh Job": ((POD, ("spec", "tasks", "template")),),
    "jobset.x-k8s.io JobSet": ((JOB, JOBS),),
    "keda.sh ScaledJob": ((POD, ("spec", "jobTargetRef", "template")),),
    "leaderworkerset.x-k8s.io LeaderWorkerSet": (
        (POD, ("spec", "leaderWorkerTemplate", "leaderTemplate")),
        (POD, ("spec", "leaderWorkerTemplate", "workerTemplate")),
    ),
    "ray.io RayCluster": _ray("spec"),
    "ray.io RayJob": (*_ray("spec", "rayClusterSpec"), (POD, ("spec", "submitterPodTemplate"))),
    "ray.io RayService": _ray("spec", "rayClusterConfig"),
    "trainer.kubeflow.org ClusterTrainingRuntime": RUNTIME,
    "trainer.kubeflow.org TrainingRuntime": RUNTIME,
}
"""By "group kind", whatever the version."""


class Embedding:
    """
    Checks manifests of a kind, and what is embedded in them.

    Args:
        own: What checks the manifests by the definition of their kind.

        ways: To what is embedded.

        valid: Whether a manifest of Kubernetes' own is right.
    """

    def __init__(self, own: Draft202012Validator, ways: tuple[Way, ...], valid: Callable[[Manifest], bool]) -> None:
        self.own = own
        self._ways = ways
        self._valid = valid

    def is_valid(self, manifest: Manifest) -> bool:
        """Return whether *manifest* and everything in it is right."""
        return self.own.is_valid(manifest) and all(self._valid(part) for _, part in self._parts(manifest))

    def with_parts(
        self, own: list[SchemaError], manifest: Manifest, errors: Callable[[Manifest], list[SchemaError]]
    ) -> list[SchemaError]:
        """Return *own*, and the *errors* of what is in *manifest* where *own* says nothing yet."""
        said = {one.path for one in own}
        inner = [
            SchemaError((*path, *one.path), one.message, one.value)
            for path, part in self._parts(manifest)
            for one in errors(part)
        ]
        return sorted([*own, *(one for one in inner if one.path not in said)], key=lambda one: order(one.path))

    def _parts(self, manifest: Manifest) -> Iterator[tuple[Path, Manifest]]:
        """Yield what is in *manifest*, each with the path to it and as a manifest of its own."""
        for what, fields in self._ways:
            api_version, _, kind = what.partition(" ")
            for path, part in _each(manifest, fields, ()):
                # Where it is something else, the definition says so.
                if isinstance(part, dict):
                    head = {"apiVersion": api_version, "kind": kind, "metadata": part.get("metadata") or {}}
                    yield path, {**part, **head}


def ways(key: str) -> tuple[Way, ...]:
    """Return the ways to what is embedded in manifests of the kind *key*, "apiVersion kind"; mostly none."""
    api_version, _, kind = key.partition(" ")
    return WAYS.get(f"{api_version.partition('/')[0]} {kind}", ())


def _each(node: Any, fields: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Any]]:
    for place, field in enumerate(fields):
        node, path = (node.get(field) if isinstance(node, dict) else None), (*path, field)
        if isinstance(node, list):
            for index, item in enumerate(node):
                yield from _each(item, fields[place + 1 :], (*path, index))
            return
    yield path, node
