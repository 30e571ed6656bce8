"""Pods that break rules: about where they run, and what they mount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.api import Manifest
from tests.rules.manifests import autoscaler, deployment, pods, service

GPU = "nvidia.com/gpu"
DEVICE_CLASS = "gpu.nvidia.com"
HOSTNAME = "kubernetes.io/hostname"
TOLERATED = [{"key": GPU, "operator": "Exists"}, {"key": "amd.com/gpu", "operator": "Exists"}]
OWN = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME}
APART = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [OWN]}}


def asks(requests: Mapping[str, str], accelerator: str | None = None, **spec: Any) -> Manifest:
    """Return pods that ask for *requests*, on the nodes of a class of accelerators."""
    devices = {key: value for key, value in requests.items() if "/" in key}
    there = {} if accelerator is None else {"nodeSelector": {"accelerator": accelerator}, "tolerations": TOLERATED}
    return pods({"resources": {"requests": dict(requests), "limits": devices}}, **{**there, **spec})


def mounts(claim: str | None, *, mounted: bool = True, **spec: Any) -> Manifest:
    """Return pods with a volume, of which the container knows or not."""
    container = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]} if mounted else {}
    return pods(container, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim}}], **spec)


def claim(mode: str, storage_class: str = "disk") -> Manifest:
    """Return a claim called data."""
    asked = {"accessModes": [mode], "storageClassName": storage_class, "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": asked}


def affinity(value: str) -> Manifest:
    """Return the requirement that a node has *value* as its architecture."""
    term = {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": [value]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def crowding(app: str, counted: str) -> Manifest:
    """Return pods that would rather be on one node, and a constraint that keeps pods of *counted* apart."""
    wished = {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": ["breaking-cpu-0"]}]}
    near = {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": wished}]}
    }
    spread = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "Honor"}
    spread["labelSelector"] = {"matchLabels": {"app": counted}}
    return pods({}, app=app, affinity=near, topologySpreadConstraints=[spread])


def claiming() -> Manifest:
    """Return pods that claim a device, and ask for one of a device plugin too."""
    container = {"resources": {"claims": [{"name": "gpu"}], "limits": {GPU: "1"}}}
    claims = [{"name": "gpu", "resourceClaimTemplateName": "devices"}]
    return pods(container, resourceClaims=claims, tolerations=TOLERATED)


def devices() -> Manifest:
    """Return the template of such a claim."""
    requests = [{"name": "gpu", "exactly": {"deviceClassName": DEVICE_CLASS, "count": 1}}]
    head = {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": {"name": "devices"}}
    return {**head, "spec": {"spec": {"devices": {"requests": requests}}}}


WAITING: Mapping[str, tuple[str, Sequence[Manifest]]] = {
    "P21": (
        "didn't match Pod's node affinity/selector",
        [deployment(template=pods({}, nodeSelector={"kubernetes.io/arch": "amd64"}, affinity=affinity("arm64")))],
    ),
    "P23": (
        "didn't match pod anti-affinity rules",
        [deployment(replicas=2, template=asks({GPU: "1"}, "l4", affinity=APART))],
    ),
    "R03": ("Insufficient cpu", [deployment(template=asks({"cpu": "4Gi"}))]),
    "R09": (f"Insufficient {GPU}", [deployment(template=asks({GPU: "4"}, "l4"))]),
    "R10": ("Insufficient cpu", [deployment(template=asks({GPU: "1", "cpu": "20"}, "l4"))]),
    "R11": (f"Insufficient {GPU}", [deployment(template=asks({GPU: "1", "amd.com/gpu": "1"}, tolerations=TOLERATED))]),
    "R12": ("cannot allocate all claims", [devices(), deployment(template=claiming())]),
    "R23": ("had untolerated taint", [deployment(template=asks({GPU: "1"}))]),
    "R26": (
        f"Insufficient {GPU}",
        [
            deployment(template=asks({GPU: "1"}, "peak")),
            autoscaler("web", minReplicas=3),
        ],
    ),
    "V03": (
        "unbound immediate PersistentVolumeClaims",
        [claim("ReadWriteOnce", "misspelt"), deployment(template=mounts("data"), strategy={"type": "Recreate"})],
    ),
    "V20": ('persistentvolumeclaim "data" not found', [deployment(template=mounts("data", mounted=False))]),
}
"""What the scheduler says of a pod, and the objects that it is from, by the rule that they break."""
CASES: Mapping[str, Sequence[Manifest]] = {
    **{rule: manifests for rule, (_, manifests) in WAITING.items()},
    "P24": [
        deployment(replicas=2, template=pods({}, hostname="web", subdomain="web")),
        service("web", clusterIP="None", ports=[{"port": 80}]),
    ],
    "P25": [deployment(template=pods({}, automountServiceAccountToken=True))],
    "P29": [
        deployment(replicas=4, template=crowding("web", "other")),
        deployment("right", replicas=4, template=crowding("right", "right")),
    ],
    "V01": [
        claim("ReadWriteOnce"),
        deployment(replicas=2, template=mounts("data", affinity=APART), strategy={"type": "Recreate"}),
    ],
    "V02": [claim("ReadWriteOncePod"), deployment(template=mounts("data"), progressDeadlineSeconds=3)],
}
