"""Small trees of manifests for plans: an environment before and now."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from modelyard.plan.compute import environment
from modelyard.plan.conceal import concealed
from modelyard.plan.model import WorkloadPlan
from modelyard.plan.trees import Doc, Trees

Manifest = dict[str, Any]
ARGO, FLUX = frozenset({"Argo CD"}), frozenset({"Flux"})
KEPT = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}


def one(kind: str, name: str = "api", spec: Mapping[str, Any] | None = None, **more: Any) -> Manifest:
    """Return a manifest with *spec*; *more* are annotations, labels, a namespace, or other top-level fields."""
    metadata: Manifest = {"name": name, "namespace": more.pop("namespace", "ml")}
    metadata.update({key: more.pop(key) for key in ("annotations", "labels") if key in more})
    version = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1"}.get(kind, "v1")
    version = more.pop("version", version)
    body = {} if spec is None else {"spec": copy.deepcopy(dict(spec))}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body, **more}


def deployment(name: str = "api", *, gpus: int = 0, **spec: Any) -> Manifest:
    """Return a Deployment of one container whose image is 1.0, with *spec* instead of its own."""
    container: Manifest = {"name": "model", "image": "acme/api:1.0"}
    if gpus:
        container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
    stock = {
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
    }
    return one("Deployment", name, {**stock, **spec})


def edited(manifest: Manifest, value: Any, *path: str | int) -> Manifest:
    """Return *manifest* with *value* at *path*; None takes the field out."""
    found = copy.deepcopy(manifest)
    inner: Any = found
    for step in path[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found


def docs(files: Mapping[str, Manifest]) -> list[Doc]:
    """Return the manifests at their paths, as a tree has them."""
    return [Doc(path, concealed(manifest)) for path, manifest in files.items()]


def planned(
    old: Mapping[str, Manifest], new: Mapping[str, Manifest], controllers: frozenset[str] = ARGO
) -> list[WorkloadPlan]:
    """Return the plan of the environment ``prod`` that has the files *old* before and *new* now."""
    return environment(Trees("prod", docs(old), docs(new), not new, controllers))


def told(old: Manifest | None, new: Manifest | None, controllers: frozenset[str] = ARGO) -> list[str]:
    """Return the effects of one object of a workload that becomes another; the workload has one more, which stays."""
    stays = {"prod/api/stays.yaml": one("Lease", "stays")}
    before, now = ({} if each is None else {"prod/api/x.yaml": each} for each in (old, new))
    found = planned({**stays, **before}, {**stays, **now}, controllers)
    return [f"{effect.risk} {effect.code}: {effect.text}" for each in found for effect in each.effects]
