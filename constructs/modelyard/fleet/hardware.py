"""The accelerators of a cluster: what they are called, where they are, and what connects them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

import attrs

from modelyard.values import quantity
from modelyard.values.durations import seconds
from modelyard.values.names import dns_label, label, qualified_name, subdomain
from modelyard.values.value import option, required, value

AT_LEAST_ONE = "this is a count of at least 1"
TPU = "google.com/tpu"
TPU_TOPOLOGY = "cloud.google.com/gke-tpu-topology"
SLICE = "cloud.google.com/gke-nodepool"
"""On GKE the hosts of a slice of TPUs are a node pool."""
GROUP_TOGETHER = "leaderworkerset.sigs.k8s.io/exclusive-topology"
"""Keeps each group of a LeaderWorkerSet on nodes that have one value of a label, and to itself."""
MIG = "nvidia.com/mig-"
MIG_PROFILE = re.compile(r"nvidia\.com/mig-[1-9]g\.[1-9][0-9]*gb(?:\.[a-z][a-z0-9.-]*)?")
SHAPE = re.compile(r"[1-9][0-9]*(?:x[1-9][0-9]*){1,2}")
SMALLEST = quantity.SUFFIXES["Gi"]


def _quantity(text: str | None) -> str | None:
    if text is not None and quantity.parse(text) is None:
        return "this is no Kubernetes quantity"
    return None


def _memory(text: str | None) -> str | None:
    if broken := _quantity(text):
        return broken
    if text is not None and (quantity.parse(text) or 0) < SMALLEST:
        return "an accelerator has 1Gi or more"
    return None


def _positive(count: int) -> str | None:
    return None if count >= 1 else AT_LEAST_ONE


def _not_negative(count: int) -> str | None:
    return None if count >= 0 else "this is a count of at least 0"


def _resource(name: str) -> str | None:
    if (broken := qualified_name(name)) is not None:
        return broken
    if "/" not in name:
        return "a device's resource begins with the domain of its vendor, such as nvidia.com/gpu or amd.com/gpu"
    if name.startswith(MIG) and not MIG_PROFILE.fullmatch(name):
        return "a MIG resource ends with its profile, such as nvidia.com/mig-1g.10gb"
    return None


def _topology(text: str | None) -> str | None:
    if text is not None and not SHAPE.fullmatch(text):
        return "the shape of a slice is two or three numbers of chips, such as 4x4 or 2x2x4"
    return None


def _device_class(name: str | None) -> str | None:
    return None if name is None else subdomain(name)


def _devices(devices: Mapping[str, int]) -> str | None:
    return next((broken for name in devices if (broken := _resource(name))), None) or next(
        (f"of {name} a node has 1 or more" for name, count in devices.items() if count < 1), None
    )


def _labels(labels: Mapping[str, str]) -> str | None:
    if not labels:
        return "nodes are told from others by a label"
    return next((broken for key, text in labels.items() if (broken := label(key, text))), None)


def _notice(length: timedelta) -> str | None:
    return None if length > timedelta(0) else "it is a length of time above zero"


@value
class Toleration:
    """
    Permission for a pod to run on nodes that carry a taint.

    Args:
        key: The taint's key.

        value: The taint's value. Default: any.

        effect: ``NoSchedule``, ``PreferNoSchedule`` or ``NoExecute``. Default: any.

    See Also:
        https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: str = required(check=qualified_name)
    value: str | None = None
    effect: str | None = None


@value
class SpotNodes:
    """
    Nodes that the cloud may take back at any time, and how they are told from others.

    ``SpotNodes.GKE``, ``SpotNodes.EKS`` (managed node groups), ``SpotNodes.KARPENTER`` and ``SpotNodes.AKS`` are
    those of clouds as they come.

    Args:
        node_selector: Their labels, for example ``{"karpenter.sh/capacity-type": "spot"}``.

        tolerations: What a pod needs to run there. Default: nothing.

        notice: How long a pod has, from SIGTERM until its node is gone. Default: 30 seconds.

    See Also:
        https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms
    """

    AKS: ClassVar[SpotNodes]
    EKS: ClassVar[SpotNodes]
    GKE: ClassVar[SpotNodes]
    KARPENTER: ClassVar[SpotNodes]

    node_selector: Mapping[str, str] = required(check=_labels)
    tolerations: Sequence[Toleration] = attrs.field(default=(), kw_only=True)
    notice: timedelta = option(default=seconds(30), check=_notice, kw_only=True)


_AKS, _GKE = "kubernetes.azure.com/scalesetpriority", "cloud.google.com/gke-spot"
SpotNodes.AKS = SpotNodes({_AKS: "spot"}, tolerations=[Toleration(_AKS, "spot", "NoSchedule")])
SpotNodes.EKS = SpotNodes({"eks.amazonaws.com/capacityType": "SPOT"}, notice=seconds(120))
# Of its 30 seconds GKE keeps the second half for the pods of the system.
SpotNodes.GKE = SpotNodes({_GKE: "true"}, tolerations=[Toleration(_GKE, "true", "NoSchedule")], notice=seconds(15))
SpotNodes.KARPENTER = SpotNodes({"karpenter.sh/capacity-type": "spot"}, notice=seconds(120))


@value
class Fabric:
    """
    What connects the nodes of a class, for trainings on several of them.

    Args:
        devices: Network devices of one node by resource, for example ``{"vpc.amazonaws.com/efa": 32}``. A pod with a
            part of the node's accelerators gets that part of them, rounded up.

        huge_pages: Memory of each pod in pages of 2Mi, as a quantity. Default: none.

        env: Settings of NCCL and its like, which the workload's own ``env`` may override. Default: none.

        annotations: Of the pod, for example for further networks. Default: none.

        lock_memory: Whether registering memory needs the capability ``IPC_LOCK``, which only namespaces without a
            Pod Security Standard grant. Default: no, since container runtimes lift the limit on EKS and GKE.

    See Also:
        https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html
    """

    devices: Mapping[str, int] = option(default=attrs.Factory(dict), check=_devices)
    huge_pages: str | None = option(default=None, check=_quantity, kw_only=True)
    env: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    annotations: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    lock_memory: bool = attrs.field(default=False, kw_only=True)


@value
class Accelerator:
    """
    A class of accelerators that a cluster has, under the name that workloads ask for it by.

    Args:
        name: What ``Gpu(...)`` refers to, for example ``l4``.

        resource: The extended resource of its device plugin: ``amd.com/gpu``, ``gpu.intel.com/xe``,
            ``habana.ai/gaudi``, ``aws.amazon.com/neuron``, ``google.com/tpu``, or a MIG profile such as
            ``nvidia.com/mig-1g.10gb``. Default: ``nvidia.com/gpu``.

        per_node: Accelerators on one node, at least 1.

        nodes: Nodes that the cluster can have of this class, at least 1.

        node_selector: Labels of these nodes. Default: none.

        tolerations: What a pod needs to run there. Default: the taint ``<resource>:NoSchedule``.

        spare: Accelerators kept free for rolling updates. Default: 0, so an update replaces pods in place.

        node_cpu: CPU that pods can have on one node. Default: not checked.

        node_memory: Memory that pods can have on one node. Default: not checked.

        topology: The shape of a TPU slice in chips, for example ``4x4``, which says how many hosts it has.
            Default: no slice.

        fabric: What connects the nodes. Default: their usual network.

        device_class: The DeviceClass by which dynamic resource allocation hands them out, instead of a device
            plugin; *resource* then only names the taint. Needs Kubernetes 1.34. Default: the device plugin does.

        device_selectors: CEL expressions that choose among the devices of *device_class*. Default: any.

        memory: Of one accelerator, for example ``24Gi``, which models have to fit into. Default: not checked.

    See Also:
        https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """

    name: str = required(check=dns_label)
    resource: str = option(default="nvidia.com/gpu", check=_resource)
    per_node: int = option(default=1, check=_positive)
    nodes: int = option(default=1, check=_positive)
    node_selector: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    tolerations: Sequence[Toleration] | None = attrs.field(default=None, kw_only=True)
    spare: int = option(default=0, check=_not_negative, kw_only=True)
    node_cpu: str | None = option(default=None, check=_quantity, kw_only=True)
    node_memory: str | None = option(default=None, check=_quantity, kw_only=True)
    topology: str | None = option(default=None, check=_topology, kw_only=True)
    fabric: Fabric | None = attrs.field(default=None, kw_only=True)
    device_class: str | None = option(default=None, check=_device_class, kw_only=True)
    device_selectors: Sequence[str] = attrs.field(default=(), kw_only=True)
    memory: str | None = option(default=None, check=_memory, kw_only=True)

    @property
    def tolerated(self) -> Sequence[Toleration]:
        """The tolerations of a pod that uses this class."""
        if self.tolerations is not None:
            return self.tolerations
        return (Toleration(self.resource, effect="NoSchedule"),)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its nodes, the shape of their slice included."""
        shape = {} if self.topology is None else {TPU_TOPOLOGY: self.topology}
        return {**self.node_selector, **shape}

    @property
    def hosts(self) -> int:
        """How many nodes hang together: those of a slice, or one."""
        return 1 if self.topology is None else max(1, chips(self.topology) // self.per_node)


def chips(topology: str) -> int:
    """Return how many chips a slice of the shape *topology* has."""
    return math.prod(int(side) for side in topology.split("x"))
