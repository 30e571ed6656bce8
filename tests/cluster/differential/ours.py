"""What modelyard says about plain manifests, as those of an environment on one version of Kubernetes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from modelyard.findings import Breach, Severity
from modelyard.fleet import Site
from modelyard.render.single import schema_breaches, write
from modelyard.rules import RULES, Object, Scope, breaches
from modelyard.schemas import catalog

Manifest = dict[str, Any]
ENFORCE = "pod-security.kubernetes.io/enforce"


@attrs.frozen(order=True)
class Found:
    """One thing that is found in an object."""

    rule: str
    field: str
    because: str

    @property
    def error(self) -> bool:
        """Whether it stops the synthesis."""
        return RULES[self.rule].severity is Severity.ERROR


class Judge:
    """
    What modelyard says about the objects of an environment, and would say if one of them were another.

    Args:
        site: Where the objects are for.

        manifests: The objects, as foreign ones.

        version: The minor version of Kubernetes, instead of the site's own.
    """

    def __init__(self, site: Site, manifests: Sequence[Manifest], version: str) -> None:
        self.site = attrs.evolve(site, cluster=attrs.evolve(site.cluster, kubernetes=version))  # type: ignore[misc] # attrs sees no attrs class behind @value
        delivered = () if site.delivery is None else site.delivery.schemas
        self.schemas = catalog(version, (*site.cluster.crd_schemas, *delivered))
        self._first = [self._checked(one) for one in manifests]
        self.found = self._ruled(self._first)
        self.refused = any(one.error for found in self.found for one in found)

    def instead(self, index: int, manifest: Manifest) -> tuple[list[Found], list[Found]]:
        """Return what is found in *manifest*, which stands instead of the one at *index*, and in the others."""
        every = list(self._first)
        every[index] = self._checked(manifest)
        found = self._ruled(every)
        return found.pop(index), [one for others in found for one in others]

    def _checked(self, manifest: Manifest) -> tuple[Object | None, list[Found]]:
        """Return *manifest* as an object, or what keeps it from being one."""
        data = copy.deepcopy(manifest)
        metadata = data.get("metadata")
        if data.get("kind") != "Namespace" and isinstance(metadata, dict):
            metadata.setdefault("namespace", self.site.namespace)
        # Whatever stands in its place: it has not passed its schema yet.
        unknown = Object({"kind": data.get("kind"), "apiVersion": data.get("apiVersion")}, None, None)
        unknown.data = data
        wrong = [_found(breach) for breach in (*write(unknown), *schema_breaches(unknown, self.schemas))]
        return (None if wrong else Object(data, None, None)), wrong

    def _ruled(self, every: Sequence[tuple[Object | None, list[Found]]]) -> list[list[Found]]:
        valid = [one for one, _ in every if one is not None]
        places: dict[int, list[Found]] = {id(one): [] for one in valid}
        for one, breach in breaches(Scope(self.site, valid, complete=len(valid) == len(every))):
            places[id(one)].append(_found(breach))
        return [wrong if one is None else places[id(one)] for one, wrong in every]


def broken(site: Site, *manifests: Manifest) -> set[Found]:
    """Return what is found in *manifests*, which are all objects of *site*."""
    return {one for found in Judge(site, manifests, site.cluster.kubernetes).found for one in found}


def _found(breach: Breach) -> Found:
    return Found(breach.rule, breach.field, breach.because)


def relaxed(site: Site, manifests: Sequence[Manifest]) -> tuple[Site, list[Manifest]]:
    """Return the same in namespaces that enforce nothing, so that what is found is not about Pod Security."""
    return attrs.evolve(site, pod_security="privileged"), [_relaxed(one) for one in manifests]


def _relaxed(manifest: Manifest) -> Manifest:
    metadata = manifest.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if manifest.get("kind") != "Namespace" or not isinstance(metadata, dict) or not isinstance(labels, dict):
        return manifest
    kept = {key: value for key, value in labels.items() if not str(key).startswith(ENFORCE)}
    return {**manifest, "metadata": {**metadata, "labels": kept}}


def enforced(site: Site, manifests: Sequence[Manifest], manifest: Manifest) -> Mapping[str, str]:
    """Return what the namespace of *manifest* enforces, as labels; nothing where that makes no difference."""
    if manifest.get("kind") not in MAKE_PODS:
        return {}
    namespace = (manifest.get("metadata") or {}).get("namespace", site.namespace)
    for one in manifests:
        metadata = one.get("metadata")
        if one.get("kind") == "Namespace" and isinstance(metadata, dict) and metadata.get("name") == namespace:
            labels = metadata.get("labels") or {}
            return {key: value for key, value in labels.items() if key.startswith(ENFORCE)}
    return {ENFORCE: site.pod_security} if namespace == site.namespace else {}


MAKE_PODS = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "InferenceService",
        "Job",
        "JobSet",
        "LeaderWorkerSet",
        "Pod",
        "RayJob",
        "ReplicaSet",
        "StatefulSet",
        "TrainingRuntime",
    }
)
