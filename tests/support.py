"""A stock environment for tests: one service and one training on a cluster with L4s, and what is found in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import cdk8s

from modelyard import (
    Accelerator,
    Cluster,
    CpuScale,
    Crd,
    Environment,
    Finding,
    Fleet,
    Gpu,
    ScalableModelService,
    SpotNodes,
    StorageClass,
    TrainingJob,
    hours,
)
from modelyard.render.objects import Gathered, gather

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"ghcr.io/acme/model:1.4.2@{DIGEST}"
CLUSTER = Cluster(
    "eks-test",
    kubernetes="1.34",
    accelerators=[Accelerator("l4", per_node=4, nodes=8, node_selector={"accelerator": "l4"})],
    spot=SpotNodes.KARPENTER,
    storage=[StorageClass("efs", {"ReadWriteMany"}), StorageClass("ebs", {"ReadWriteOnce"})],
)


def cluster_with(**options: Any) -> Cluster:
    """Return the stock cluster with *options* instead of its own."""
    stock: Any = CLUSTER
    changed: Cluster = attrs.evolve(stock, **options)
    return changed


def having(*installed: Crd) -> Cluster:
    """Return the stock cluster with *installed*."""
    return cluster_with(installed=installed)


def environment(root: Path, **options: Any) -> Environment:
    """Return a new environment ``test`` in a fleet of its own."""
    return Environment(Fleet(root=root), "test", **{"cluster": CLUSTER, "namespace": "ml-test", **options})


def service(scope: Environment, **options: Any) -> ScalableModelService:
    """Return the service ``api``, which breaks no rule, with *options* instead of its own."""
    stock = {"image": IMAGE, "port": 8000, "health": "/healthz", "scale": CpuScale(min=2, max=4)}
    return ScalableModelService(scope, "api", **{**stock, **options})


def training(scope: Environment, **options: Any) -> TrainingJob:
    """Return the training ``train``, which breaks no rule, with *options* instead of its own."""
    stock = {
        "image": IMAGE,
        "command": ["python", "train.py"],
        "gpu": Gpu("l4", 2),
        "deadline": hours(6),
    }
    return TrainingJob(scope, "train", **{**stock, **options})


def but(value: Any, **more: Any) -> Any:
    """Return the value type *value* with *more* in place of its own; mypy does not take it for one of attrs."""
    return attrs.evolve(value, **more)


def trained(root: Path, *, cluster: Cluster = CLUSTER, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training with *options*, which nothing is found in."""
    scope = environment(root, cluster=cluster)
    training(scope, **options)
    assert found(scope) == []
    return objects(scope)


def raw(scope: Environment, manifest: Mapping[str, Any]) -> cdk8s.ApiObject:
    """Add *manifest* as a foreign object, as a user of plain cdk8s does."""
    construct = cdk8s.ApiObject(
        scope,
        f"{manifest['kind']}-{manifest['metadata']['name']}",
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=cdk8s.ApiObjectMetadata(**_snake(manifest["metadata"])),
    )
    for key, value in manifest.items():
        if key not in {"apiVersion", "kind", "metadata"}:
            construct.add_json_patch(cdk8s.JsonPatch.add(f"/{key}", value))
    return construct


def delivered(scope: Environment) -> dict[str, dict[str, Any]]:
    """Return the objects that the GitOps controller of *scope* itself reads, by ``Kind/name``."""
    gathered = gather(scope)
    assert not gathered.failed, [str(finding) for finding in gathered.findings]
    return {f"{one.kind}/{one.name}": one.data for one in gathered.delivery}


def _snake(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {{"generateName": "generate_name"}.get(key, key): value for key, value in metadata.items()}


def found(scope: Environment) -> list[Finding]:
    """Return every finding on *scope*."""
    return gather(scope).findings


def found_by(scope: Environment, rule: str) -> list[str]:
    """Return the texts of the findings of *rule* on *scope*."""
    return [finding.text for finding in found(scope) if finding.rule == rule]


def objects(scope: Environment) -> dict[str, dict[str, Any]]:
    """Return the manifests of *scope* by ``Kind/name``, hash suffixes cut off."""
    gathered: Gathered = gather(scope)
    assert not gathered.failed, [str(finding) for finding in gathered.findings]
    manifests: dict[str, dict[str, Any]] = {}
    for one in gathered.objects:
        logical = one.metadata.get("annotations", {}).get("modelyard.dev/name", one.name)
        manifests[f"{one.kind}/{logical}"] = one.data
    return manifests
