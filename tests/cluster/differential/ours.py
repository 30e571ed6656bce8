"""What modelyard says about plain manifests, as those of an environment on one version of Kubernetes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from modelyard.findings import Breach, Severity
from modelyard.fleet import Site
from modelyard.render.objects import _schema_breaches, _write
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


def found(site: Site, manifests: Sequence[Manifest], version: str) -> list[list[Found]]:
    """Return what is found in each of *manifests*, as foreign objects of an environment on *version*."""
    site = attrs.evolve(site, cluster=attrs.evolve(site.cluster, kubernetes=version))
    schemas = catalog(version, site.cluster.crd_schemas)
    every: list[list[Found]] = []
    places: dict[int, list[Found]] = {}
    valid = []
    for manifest in manifests:
        data = copy.deepcopy(manifest)
        metadata = data.get("metadata")
        if data.get("kind") != "Namespace" and isinstance(metadata, dict):
            metadata.setdefault("namespace", site.namespace)
        # Whatever stands in its place: it has not passed its schema yet.
        unknown = Object({"kind": data.get("kind"), "apiVersion": data.get("apiVersion")}, None, None)
        unknown.data = data
        wrong = [_found(breach) for breach in (*_write(unknown), *_schema_breaches(unknown, schemas))]
        every.append(wrong)
        if not wrong:
            valid.append(Object(data, None, None))
            places[id(valid[-1])] = wrong
    for one, breach in breaches(Scope(site, valid, complete=len(valid) == len(manifests))):
        places[id(one)].append(_found(breach))
    return every


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


MAKE_PODS = frozenset({"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"})
