"""What is applied: the objects in ``dist/``, those of an environment made by a test, and what both take for given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelyard import Cluster, Fleet
from tests.cluster.api import MANAGER, Answer, Api
from tests.cluster.crds import install
from tests.cluster.programs import ROOT

Manifest = dict[str, Any]
OTHERS = "platform-team"
"""The field manager of what somebody else has made."""
DIST = ROOT / "dist"
# As GitOps controllers do: what others refer to comes first.
FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
)
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}


def rendered(environment: str) -> list[Manifest]:
    """Return every object of *environment* in ``dist/``, in the order to apply them."""
    folders = [DIST / environment, DIST / "_delivery" / environment]
    return in_order(read(folder) for folder in folders)


def read(folder: Path) -> list[Manifest]:
    """Return the objects of all files below *folder*."""
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.yaml"))]


def in_order(groups: Iterable[Iterable[Manifest]]) -> list[Manifest]:
    """Return all manifests of *groups*, those that others refer to first."""
    rank = {kind: index for index, kind in enumerate(FIRST)}
    return sorted((one for group in groups for one in group), key=lambda one: rank.get(one["kind"], len(rank)))


def clusters() -> dict[str, Cluster]:
    """Return the cluster that each environment of the example fleet is for."""
    from environments import ENVIRONMENTS  # noqa: PLC0415 # the example fleet, and it starts Node

    fleet = Fleet(root=ROOT)
    for build in ENVIRONMENTS.values():
        build(fleet)
    return {name: environment.site.cluster for name, environment in fleet.made.items()}


def apply(api: Api, manifests: Sequence[Manifest]) -> dict[str, Answer]:
    """Apply *manifests*, and before them what they take for given; return the answers by title."""
    install(api, manifests)
    others = given(manifests)
    answers = {}
    for one in in_order([others, manifests]):
        answer = api.apply(one, manager=OTHERS if one in others else MANAGER)
        if one not in others:
            answers[title(one)] = answer
    return answers


def title(manifest: Mapping[str, Any]) -> str:
    """Return ``Kind/name``."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def template(manifest: Mapping[str, Any]) -> Manifest | None:
    """Return the pod template of *manifest*, or None if it makes no pods."""
    found: Any = manifest
    if str(manifest.get("apiVersion")).startswith("batch.volcano.sh/"):
        first: Manifest = manifest["spec"]["tasks"][0]["template"]
        return first
    for key in TEMPLATES.get(manifest["kind"], ("no template",)):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def pod(manifest: Mapping[str, Any]) -> Manifest | None:
    """Return a pod as the controller of *manifest* makes it, or None."""
    made = template(manifest)
    if made is None:
        return None
    metadata = {**made.get("metadata", {}), "name": f"{manifest['metadata']['name']}-pod"}
    metadata["namespace"] = manifest["metadata"]["namespace"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}


def given(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return what *manifests* take for given: namespaces, claims and volumes that others have made."""
    made = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in manifests}
    namespaces = {one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"]}
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in sorted(namespaces)
        if ("Namespace", None, name) not in made
    ]
    claims = [one for one in manifests if one["kind"] == "PersistentVolumeClaim"]
    foreign = {key for one in manifests for key in _claimed(one) if ("PersistentVolumeClaim", *key) not in made}
    others = [_claim(namespace, name) for namespace, name in sorted(foreign)]
    volumes = [_volume(one) for one in [*claims, *others]]
    return in_order([found, others, volumes])


def _claimed(manifest: Manifest) -> Iterator[tuple[str, str]]:
    for volume in ((template(manifest) or {}).get("spec") or {}).get("volumes", []):
        if claim := volume.get("persistentVolumeClaim"):
            yield manifest["metadata"]["namespace"], claim["claimName"]


def _claim(namespace: str, name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _volume(claim: Mapping[str, Any]) -> Manifest:
    """Return a volume that *claim* can be bound to, as a provisioner would make it."""
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{metadata['namespace']}-{metadata['name']}"},
        "spec": {
            "capacity": spec["resources"]["requests"],
            "accessModes": spec["accessModes"],
            "storageClassName": spec.get("storageClassName", ""),
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": metadata["namespace"], "name": metadata["name"]},
            "hostPath": {"path": "/var/lib/tests"},
        },
    }
