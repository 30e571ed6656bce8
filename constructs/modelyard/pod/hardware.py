"""The accelerators of a workload's pods: what they ask of nodes, where these are, and what connects them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.fleet.draft import Manifest
from modelyard.fleet.hardware import SLICE, Accelerator, Fabric, Toleration
from modelyard.fleet.site import Site
from modelyard.pod.options import Gpu
from modelyard.pod.spec import PodSpec

NVIDIA = "nvidia.com/"
CLAIM = "accelerator"
"""The name of a pod's claim for devices, and of the request in it."""
RUN, VOLCANO_RUN = "batch.kubernetes.io/job-name", "volcano.sh/job-name"
"""What the pods of one run share, and those of the last run do not."""
GROUP = "leaderworkerset.sigs.k8s.io/group-key"
"""What the pods of one group of a LeaderWorkerSet share."""
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def accelerator_of(spec: PodSpec, site: Site) -> Accelerator | None:
    """Return the class of accelerators that *spec* asks for, where the cluster has it."""
    return None if spec.gpu is None else site.cluster.accelerator(spec.gpu.accelerator)


def fabric_of(spec: PodSpec, site: Site) -> Fabric | None:
    """Return what connects the pods of *spec*, where several work together."""
    accelerator = accelerator_of(spec, site)
    return accelerator.fabric if accelerator is not None and spec.together > 1 else None


def sliced(spec: PodSpec, site: Site) -> bool:
    """Return whether the pods of *spec* are on the hosts of a slice, of which each works with all others."""
    accelerator = accelerator_of(spec, site)
    return accelerator is not None and accelerator.hosts > 1


def apart(own: str, *others: str) -> dict[str, Any]:
    """
    Return the affinity that keeps pods off slices where those of others are, in whatever namespace.

    Two that share slices would each hold a part of them and wait for the rest for ever.

    Args:
        own: The label whose value tells these pods from their like.

        others: Labels that only other pods have.
    """
    terms = [
        {
            "labelSelector": {"matchExpressions": [{"key": label, "operator": "Exists"}]},
            **({"mismatchLabelKeys": [label]} if label == own else {}),
            "namespaceSelector": {},
            "topologyKey": SLICE,
        }
        for label in (own, *others)
    ]
    return {"podAntiAffinity": {REQUIRED: terms}}


def has_nvidia(site: Site) -> bool:
    """Return whether nodes of the cluster may have GPUs of NVIDIA."""
    return any(accelerator.resource.startswith(NVIDIA) for accelerator in site.cluster.accelerators)


@attrs.frozen(kw_only=True)
class Where:
    """
    What a kind of workload adds to the choice of nodes.

    Args:
        node_selector: Labels that a node must have. Default: none.

        tolerations: Taints that are borne. Default: none.

        affinity: As in the pod. Default: none.
    """

    node_selector: Mapping[str, str] = attrs.field(factory=dict)
    tolerations: Sequence[Toleration] = ()
    affinity: Mapping[str, Any] = attrs.field(factory=dict)


def placement(spec: PodSpec, site: Site, where: Where) -> dict[str, Any]:
    """Return the fields of the pod that choose its nodes."""
    accelerator = accelerator_of(spec, site)
    own = {} if accelerator is None else accelerator.labels
    nodes = {**own, **where.node_selector, **spec.node_selector}
    tolerations = [*(() if accelerator is None else accelerator.tolerated), *where.tolerations]
    placed: dict[str, Any] = {}
    if nodes:
        placed["nodeSelector"] = nodes
    if where.affinity:
        placed["affinity"] = dict(where.affinity)
    if tolerations:
        placed["tolerations"] = [_toleration(one) for one in dict.fromkeys(tolerations)]
    return placed


def _toleration(toleration: Toleration) -> dict[str, str]:
    entry = {"key": toleration.key, "operator": "Exists" if toleration.value is None else "Equal"}
    if toleration.value is not None:
        entry["value"] = toleration.value
    if toleration.effect is not None:
        entry["effect"] = toleration.effect
    return entry


def resources(spec: PodSpec, site: Site) -> dict[str, Any]:
    """Return what the container asks for and may use."""
    requests = {"cpu": str(spec.cpu), "memory": spec.memory}
    limits = {"memory": spec.memory_limit or spec.memory}
    if spec.cpu_limit is not None:
        limits = {"cpu": str(spec.cpu_limit), **limits}
    if spec.ephemeral_storage is not None:
        requests["ephemeral-storage"] = limits["ephemeral-storage"] = spec.ephemeral_storage
    accelerator = accelerator_of(spec, site)
    if spec.gpu is None or accelerator is None:
        return {"requests": requests, "limits": limits}
    exact: dict[str, str] = {}
    if accelerator.device_class is None:
        exact[accelerator.resource] = str(spec.gpu.count)
    if (fabric := fabric_of(spec, site)) is not None:
        if fabric.huge_pages is not None:
            exact["hugepages-2Mi"] = fabric.huge_pages
        for device, count in fabric.devices.items():
            exact[device] = str(-(-count * spec.gpu.count // accelerator.per_node))
    # What cannot be overcommitted is asked for exactly as it is limited.
    asked = {"requests": {**requests, **exact}, "limits": {**limits, **exact}}
    return asked if accelerator.device_class is None else {**asked, "claims": [{"name": CLAIM}]}


def claim_templates(name: str, spec: PodSpec, site: Site, labels: Mapping[str, str]) -> Iterator[Manifest]:
    """Yield the ResourceClaimTemplates that the pods of *name* get their devices by, where they do."""
    for gpu in dict.fromkeys(spec.gpus):
        accelerator = site.cluster.accelerator(gpu.accelerator)
        if accelerator is None or accelerator.device_class is None:
            continue
        exactly: dict[str, Any] = {
            "deviceClassName": accelerator.device_class,
            "allocationMode": "ExactCount",
            "count": gpu.count,
        }
        if accelerator.device_selectors:
            exactly["selectors"] = [{"cel": {"expression": one}} for one in accelerator.device_selectors]
        yield {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaimTemplate",
            "metadata": {"name": template_name(name, gpu), "namespace": site.namespace, "labels": dict(labels)},
            "spec": {"spec": {"devices": {"requests": [{"name": CLAIM, "exactly": exactly}]}}},
        }


def claims(name: str, spec: PodSpec, site: Site) -> dict[str, Any]:
    """Return the field of the pod that names the template of its claim, where it has one."""
    accelerator = accelerator_of(spec, site)
    if spec.gpu is None or accelerator is None or accelerator.device_class is None:
        return {}
    return {"resourceClaims": [{"name": CLAIM, "resourceClaimTemplateName": template_name(name, spec.gpu)}]}


def template_name(name: str, gpu: Gpu) -> str:
    """Return the logical name of the ResourceClaimTemplate by which pods of the workload *name* get *gpu*."""
    return f"{name}-{gpu.accelerator}-{gpu.count}"


def capabilities(spec: PodSpec, site: Site) -> Mapping[str, Any]:
    """Return the capabilities of the main container."""
    fabric = fabric_of(spec, site)
    added = {"add": ["IPC_LOCK"]} if fabric is not None and fabric.lock_memory else {}
    return {**added, "drop": ["ALL"]}
