"""R: what pods ask of nodes, compared with what the cluster has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.fleet.cluster import Accelerator, Toleration
from modelyard.rules.demand import asked, askers, devices, field, listed, most, requested, written
from modelyard.rules.rule import Rule
from modelyard.rules.subjects import Container, Pod, Scope
from modelyard.rules.workloads import called
from modelyard.values import quantity

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
NODE_AMOUNTS = (("cpu", "node_cpu", "CPU"), ("memory", "node_memory", "memory"))


@R09.pods
def accelerated(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare what a pod asks for with the cluster's accelerators."""
    classes = scope.site.cluster.accelerators
    known = {one.resource for one in classes}
    named = [name for name in devices(pod) if name in known or name.startswith(ACCELERATORS)]
    found = [name for name in named if asked(pod, name) > 0]
    if not found:
        yield from _needless(pod, known)
        return
    if len(found) > 1:
        container = askers(pod, found[1])[0]
        because = f"the pod asks for {listed(sorted(found))}, and a node rarely has both"
        yield R11.breach(_at(container, found[1]), requested(container)[found[1]], because)
    for name in found:
        fitting = [one for one in classes if one.resource == name and _possible(one, pod)]
        if name not in known:
            yield _undeclared(name, pod, scope)
        elif not fitting:
            yield _nowhere(name, pod, classes)
        else:
            yield from _compared(name, pod, fitting, scope)


def _at(container: Container, name: str) -> str:
    kind = "limits" if name in container.limits else "requests"
    return container.at(f"resources.{kind}{field(name)}")


def _possible(one: Accelerator, pod: Pod) -> bool:
    wanted: Mapping[str, str] = pod.spec.get("nodeSelector") or {}
    return all(wanted.get(key, value) == value for key, value in one.node_selector.items())


def _undeclared(name: str, pod: Pod, scope: Scope) -> Breach:
    container = askers(pod, name)[0]
    cluster = scope.site.cluster
    have = sorted({one.resource for one in cluster.accelerators})
    do = f"ask for {' or '.join(have)}, or declare it in Cluster(accelerators=[...])" if have else None
    because = f"the cluster {cluster.name} declares no accelerator with this resource"
    do = do or "declare it in Cluster(accelerators=[...])"
    return R09.breach(_at(container, name), requested(container)[name], because, do)


def _nowhere(name: str, pod: Pod, classes: Sequence[Accelerator]) -> Breach:
    wanted: Mapping[str, str] = pod.spec.get("nodeSelector") or {}
    same = [one for one in classes if one.resource == name]
    key = next(key for one in same for key, value in one.node_selector.items() if wanted.get(key, value) != value)
    values = dict.fromkeys(f"{one.node_selector[key]} ({one.name})" for one in same if key in one.node_selector)
    because = f"the nodes with {name} have other values: {listed(values)}"
    return R09.breach(pod.at(f"spec.nodeSelector[{key!r}]"), wanted[key], because, "select the nodes of one of them")


def _compared(name: str, pod: Pod, fitting: Sequence[Accelerator], scope: Scope) -> Iterator[Breach]:
    count = asked(pod, name)
    containers = askers(pod, name)
    at, value = _at(containers[0], name), requested(containers[0])[name]
    together = f"the containers of the pod ask for {count:f} together, and " if len(containers) > 1 else ""
    cluster = scope.site.cluster.name
    largest = max(fitting, key=lambda one: one.per_node)
    if count > largest.per_node:
        because = f"{together}a node of {cluster} has {largest.per_node} of {largest.name}"
        yield R09.breach(at, value, because, f"ask for 1 to {largest.per_node}")
        return
    for resource, option, words in NODE_AMOUNTS:
        yield from _room(resource, option, words, pod, fitting)
    yield from _peak(at, value, count, pod, fitting, scope)
    if not any(all(map(_tolerates(pod), one.tolerated)) for one in fitting):
        taints = listed(dict.fromkeys(taint.key for one in fitting for taint in one.tolerated))
        because = f"nodes with {name} have the taint {taints}, which the pod does not tolerate"
        yield R23.breach(pod.at("spec.tolerations"), None, because, f"tolerate {taints}")


def _room(resource: str, option: str, words: str, pod: Pod, fitting: Sequence[Accelerator]) -> Iterator[Breach]:
    """Compare a pod's CPU or memory with the largest node."""
    sizes = [(quantity.number(getattr(one, option)), one) for one in fitting]
    known = [(size, one) for size, one in sizes if size is not None]
    if len(known) < len(sizes):
        return
    most_room, largest = max(known, key=lambda pair: pair[0])
    amount = asked(pod, resource)
    if amount <= most_room:
        return
    containers = askers(pod, resource)
    value = requested(containers[0])[resource]
    together = f"the pod asks for {written(resource, amount)} in all, and " if len(containers) > 1 else ""
    because = f"{together}a node of {largest.name} has {getattr(largest, option)} of {words} for pods"
    kind = "requests" if resource in (containers[0].data["resources"].get("requests") or {}) else "limits"
    at = containers[0].at(f"resources.{kind}{field(resource)}")
    yield R10.breach(at, value, because, f"ask for less, or correct {option}= of the Accelerator")


def _peak(
    at: str, value: object, count: Decimal, pod: Pod, fitting: Sequence[Accelerator], scope: Scope
) -> Iterator[Breach]:
    """Compare the most pods of a workload with the room in the cluster."""
    pods, scaler = most(scope, pod.object)
    room = sum(one.nodes * int(one.per_node // count) for one in fitting)
    if pods <= room:
        return
    nodes = listed(
        [f"{one.nodes} node{'s' * (one.nodes > 1)} of {one.name} with {one.per_node} each" for one in fitting]
    )
    who = f"{called(scaler)} goes up to {pods} pods" if scaler else f"{called(pod.object)} has up to {pods} pods"
    because = f"{who} with so many each, and {scope.site.cluster.name} has room for {room} ({nodes})"
    do = f"lower {'maxReplicas' if scaler else 'their number'} to {room}, or correct nodes= of the Accelerator"
    yield R26.breach(at, value, because, do)


def _tolerates(pod: Pod) -> Any:
    tolerations: Sequence[Mapping[str, Any]] = pod.spec.get("tolerations") or ()

    def tolerated(taint: Toleration) -> bool:
        return any(_covers(one, taint) for one in tolerations)

    return tolerated


def _covers(toleration: Mapping[str, Any], taint: Toleration) -> bool:
    if not toleration.get("key"):
        return toleration.get("operator") == "Exists"
    if toleration["key"] != taint.key:
        return False
    return toleration.get("operator") == "Exists" or taint.value in {None, toleration.get("value")}


def _needless(pod: Pod, known: set[str]) -> Iterator[Breach]:
    if pod.object.kind == "DaemonSet":
        return
    for index, toleration in enumerate(pod.spec.get("tolerations") or ()):
        key = toleration.get("key")
        if key in known:
            because = "the pod asks for no such accelerator"
            yield R23.breach(pod.at(f"spec.tolerations[{index}].key"), key, because)
