"""R: what pods ask of nodes, compared with what the cluster has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach, Severity
from modelyard.rules.demand import asked, askers, devices, field, listed, lowered, needed, requested, written
from modelyard.rules.queues import admitted, queue_of
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.rules.workloads import called
from modelyard.values import quantity

if TYPE_CHECKING:
    from modelyard.fleet.cluster import Cluster
    from modelyard.fleet.hardware import Accelerator, Toleration

GPUS = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/"

R09 = Rule(
    "R09",
    "A pod asks for accelerators that the cluster has, and for no more than one node holds.",
    why="No node can take the pod: it stays Pending for ever, and only an event says why.",
    fix="ask for what the cluster has, or declare it in Cluster(accelerators=[...])",
    see=GPUS,
    acceptable=True,
)
R10 = Rule(
    "R10",
    "The CPU and memory of a pod fit on one node with its accelerators.",
    why="The accelerators are free, and the pod stays Pending for ever beside them.",
    fix="ask for less, or correct node_cpu= and node_memory= of the Accelerator",
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/",
    acceptable=True,
)
R11 = Rule(
    "R11",
    "A pod asks for accelerators of one kind.",
    why="A node rarely has two kinds, so the pod stays Pending, or one of them is paid for and lies idle.",
    fix="keep the one that the program uses",
    see=GPUS,
    acceptable=True,
)
R23 = Rule(
    "R23",
    "A pod tolerates the taint of the accelerators that it asks for, and of no others.",
    why=(
        "Without the toleration it stays Pending before tainted nodes. With one that it does not need it takes room on"
        " expensive nodes, and GKE Autopilot refuses it."
    ),
    fix="remove the toleration",
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#example-use-cases",
    severity=Severity.WARNING,
    acceptable=True,
)
R26 = Rule(
    "R26",
    "A workload's accelerators fit into its cluster, also at the most pods that it may have.",
    why="At the peak for which the autoscaler is there, the last pods stay Pending.",
    fix="lower the most replicas, or correct nodes= of the Accelerator",
    see=GPUS,
    acceptable=True,
)

ACCELERATORS = (
    "amd.com/gpu", "aws.amazon.com/neuron", "google.com/tpu", "gpu.intel.com/", "habana.ai/", "nvidia.com/gpu",
    "nvidia.com/mig-",
)  # fmt: skip
"""How the resources of accelerators begin; other devices, such as network cards, are nobody's business here."""


@attrs.frozen
class Demand:
    """
    What a pod asks of one kind of accelerator.

    Args:
        resource: The extended resource.

        count: How many of it one pod needs.

        pod: The pod.

        fitting: The cluster's classes with this resource, on nodes that the pod selects.

        scope: All of the environment.
    """

    resource: str
    count: Decimal
    pod: Pod
    fitting: Sequence[Accelerator]
    scope: Scope

    @property
    def cluster(self) -> Cluster:
        """The cluster."""
        return self.scope.site.cluster

    def breach(self, rule: Rule, because: str, do: str, resource: str | None = None) -> Breach:
        """Return a breach at the first container that asks for this resource, or another."""
        name = resource or self.resource
        first, *more = askers(self.pod, name)
        kind = "requests" if name in (first.data["resources"].get("requests") or {}) else "limits"
        if more:
            because = f"all containers ask for {written(name, asked(self.pod, name))} together, and {because}"
        return rule.breach(first.at(f"resources.{kind}{field(name)}"), requested(first)[name], because, do)


@R09.pods
def accelerated(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare what a pod asks for with the cluster's accelerators."""
    classes = scope.site.cluster.accelerators
    known = [one.resource for one in classes]
    first = None
    for name in devices(pod):
        count = asked(pod, name)
        if count <= 0 or not (name in known or name.startswith(ACCELERATORS)):
            continue
        fitting = [one for one in classes if _fits(one, name, pod)]
        demand = Demand(name, count, pod, fitting, scope)
        if first is not None:
            yield demand.breach(R11, f"the pod asks for {first} too, and a node rarely has both", R11.fix)
        first = first or name
        if name not in known:
            yield _undeclared(demand)
        elif not fitting:
            yield _nowhere(demand)
        else:
            yield from _compared(demand)
    if first is None and not pod.spec.get("resourceClaims"):
        yield from _needless(pod, known)


def _fits(one: Accelerator, resource: str, pod: Pod) -> bool:
    return one.resource == resource and _selected(one, pod)


def _selected(one: Accelerator, pod: Pod) -> bool:
    wanted: Mapping[str, str] = pod.spec.get("nodeSelector") or {}
    return all(wanted.get(key, value) == value for key, value in one.labels.items())


def _undeclared(demand: Demand) -> Breach:
    have = sorted({one.resource for one in demand.cluster.accelerators})
    because = f"the cluster {demand.cluster.name} declares no accelerator with this resource"
    do = f"ask for {' or '.join(have)}, or declare it" if have else "declare it"
    return demand.breach(R09, because, f"{do} in Cluster(accelerators=[...])")


def _nowhere(demand: Demand) -> Breach:
    wanted: Mapping[str, str] = demand.pod.spec["nodeSelector"]
    classes = [one for one in demand.cluster.accelerators if one.resource == demand.resource]
    key = next(key for one in classes for key, value in one.labels.items() if wanted.get(key, value) != value)
    there = [f"{one.labels[key]} ({one.name})" for one in classes if key in one.labels]
    because = f"the nodes of {demand.cluster.name} with {demand.resource} have {listed(there)}"
    return R09.breach(demand.pod.at(f"spec.nodeSelector[{key!r}]"), wanted[key], because, "select such nodes")


def _compared(demand: Demand) -> Iterator[Breach]:
    cluster, fitting = demand.cluster.name, demand.fitting
    largest = max(fitting, key=lambda one: one.per_node)
    if demand.count > largest.per_node:
        because = f"a node of {cluster} has {largest.per_node} of {largest.name}"
        yield demand.breach(R09, because, f"ask for 1 to {largest.per_node}")
        return
    yield from _room(demand, "cpu", "node_cpu", "CPU")
    yield from _room(demand, "memory", "node_memory", "of memory")
    if demand.pod.object.kind != "DaemonSet":
        yield from _peak(demand)
    if not any(all(_tolerated(taint, demand.pod) for taint in one.tolerated) for one in fitting):
        taints = listed(list(dict.fromkeys(taint.key for one in fitting for taint in one.tolerated)))
        because = f"the nodes with {demand.resource} have the taint {taints}, and the pod does not tolerate it"
        yield R23.breach(demand.pod.at("spec.tolerations"), None, because, "add the toleration")


def _room(demand: Demand, resource: str, option: str, words: str) -> Iterator[Breach]:
    """Compare a pod's CPU or memory with the largest node, where all are known."""
    sizes = [(quantity.number(getattr(one, option)), one) for one in demand.fitting]
    known = [(size, one) for size, one in sizes if size is not None]
    if len(known) < len(sizes):
        return
    size, largest = max(known, key=lambda pair: pair[0])
    if (wanted := asked(demand.pod, resource)) > size:
        because = f"a node with {largest.name} has {getattr(largest, option)} {words} for pods"
        room = [(one, quantity.number(getattr(one, option))) for one in demand.cluster.accelerators]
        roomy = [f"{one.name} ({getattr(one, option)})" for one, has in room if has is not None and has >= wanted]
        other = f", choose {' or '.join(roomy)}" if roomy else ""
        yield demand.breach(R10, because, f"ask for less{other}, or correct {option}= of the Accelerator", resource)


def _peak(demand: Demand) -> Iterator[Breach]:
    """Compare the most pods of a workload with the room in the cluster."""
    if demand.pod.object.kind == "LeaderWorkerSet" and demand.pod is not demand.pod.object.pod:
        return  # the leader of a group speaks for its workers
    pods, scaler = needed(demand.scope, demand.pod.object, demand.pod)
    room = sum(one.nodes * int(one.per_node // demand.count) for one in demand.fitting)
    if pods <= room:
        yield from _admitted(demand)
        return
    nodes = _nodes(demand.fitting)
    who = f"{called(scaler)} goes up to {pods} pods" if scaler else f"there are up to {pods} pods"
    because = f"{who}, and {demand.cluster.name} has room for {room} ({nodes})"
    lower = lowered(demand.pod.object, demand.pod, scaler, room)
    yield demand.breach(R26, because, f"{lower}, or correct nodes= of the Accelerator")


def _nodes(classes: Sequence[Accelerator]) -> str:
    words = [(one, "node" if one.nodes == 1 else "nodes") for one in classes]
    return listed([f"{one.nodes} {word} with {one.per_node} of {one.name}" for one, word in words])


def _admitted(demand: Demand) -> Iterator[Breach]:
    """Compare what Kueue counts of all sets of pods of a workload, which it admits at once, with what there is."""
    if queue_of(demand.pod.object, demand.scope) is None:
        return
    counted: dict[str, Decimal] = {}
    last = demand.pod
    for name, pod, many in admitted(demand.pod.object):
        count = Decimal(0) if pod is None else asked(pod, demand.resource)
        if pod is not None and count and _within(demand, pod):
            counted[name], last = count * many, pod
    total, there = sum(counted.values()), sum(one.nodes * one.per_node for one in demand.fitting)
    if len(counted) > 1 and total > there and last is demand.pod:
        parts = listed([f"{written(demand.resource, count)} ({name})" for name, count in counted.items()])
        because = (
            f"Kueue admits all of it at once, {parts}, which is {written(demand.resource, Decimal(total))}, and"
            f" {demand.cluster.name} has {there} ({_nodes(demand.fitting)})"
        )
        do = "ask for less, make a workload of its own of one of them, or correct nodes= of the Accelerator"
        yield demand.breach(R26, because, do)


def _within(demand: Demand, pod: Pod) -> bool:
    """Return whether *pod* finds what it needs only where that of *demand* does."""
    classes = demand.cluster.accelerators
    return all(one in demand.fitting for one in classes if _fits(one, demand.resource, pod))


def _tolerated(taint: Toleration, pod: Pod) -> bool:
    for one in pod.spec.get("tolerations") or ():
        every = one.get("operator") == "Exists"
        if one.get("key") == taint.key and (every or taint.value in {None, one.get("value")}):
            return True
        if every and not one.get("key"):
            return True
    return False


def _needless(pod: Pod, known: Collection[str]) -> Iterator[Breach]:
    if pod.object.kind == "DaemonSet":
        return
    for index, toleration in enumerate(pod.spec.get("tolerations") or ()):
        key = toleration.get("key")
        if key in known:
            because = "the pod asks for no such accelerator"
            yield R23.breach(pod.at(f"spec.tolerations[{index}].key"), key, because)
