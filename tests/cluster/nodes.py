"""The nodes that a ``Cluster`` of the fleet says it has, as Kubernetes objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard import Accelerator, Cluster, Toleration
from modelyard.fleet.hardware import SLICE

Manifest = dict[str, Any]
RESERVED_PODS = "110"
CPU_NODE = {"cpu": "32", "memory": "128Gi"}
CPU_NODES = 3
ZONES = ("a", "b", "c")


def nodes(
    cluster: Cluster, *, cpu_nodes: int, labels: Mapping[str, str], taints: Mapping[str, Manifest]
) -> Iterator[Manifest]:
    """
    Yield a Node for each one that *cluster* can have, and *cpu_nodes* without accelerators.

    Labels, taints and room are those that the fleet tells, because pods are placed by them; *labels* are more of them,
    and so are *taints*, by the name of the node.
    """
    for accelerator in cluster.accelerators:
        room = {
            "cpu": accelerator.node_cpu or CPU_NODE["cpu"],
            "memory": accelerator.node_memory or CPU_NODE["memory"],
            accelerator.resource: str(accelerator.per_node),
        }
        for index in range(accelerator.nodes):
            name = f"{cluster.name}-{accelerator.name}-{index}"
            known = {**accelerator.labels, **_slice(accelerator, index)}
            all_taints = [*_taints(accelerator), *([taints[name]] if name in taints else [])]
            yield node(name, labels={**known, **labels}, taints=all_taints, room=room, zone=index)
    for index in range(cpu_nodes):
        yield node(f"{cluster.name}-cpu-{index}", labels=labels, room=CPU_NODE, zone=index)


def _slice(accelerator: Accelerator, index: int) -> dict[str, str]:
    """Return the label that the hosts of one slice have in common, which are made one after another."""
    return {SLICE: f"{accelerator.name}-{index // accelerator.hosts}"} if accelerator.hosts > 1 else {}


def _taints(accelerator: Accelerator) -> list[Manifest]:
    """Return the taints that pods of this class tolerate: the strictest nodes that the fleet's words allow."""
    return [_taint(toleration) for toleration in accelerator.tolerated]


def _taint(toleration: Toleration) -> Manifest:
    value = {"value": toleration.value} if toleration.value else {}
    return {"key": toleration.key, "effect": toleration.effect or "NoSchedule", **value}


def node(
    name: str,
    *,
    room: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Manifest] = (),
    zone: int = 0,
) -> Manifest:
    """Return a Node called *name* with *room* for pods."""
    known = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": ZONES[zone % len(ZONES)],
    }
    allocatable = {**room, "pods": RESERVED_PODS, "ephemeral-storage": "500Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**known, **(labels or {})},
            "annotations": {
                # Where metrics-server finds what the pods of this node use.
                "metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource",
                # As kubelets have it.
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"taints": list(taints)},
        "status": {"allocatable": allocatable, "capacity": allocatable},
    }
