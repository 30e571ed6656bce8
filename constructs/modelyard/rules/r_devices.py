"""R: devices that are claimed, slices of GPUs, and slices of TPUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach, Severity
from modelyard.fleet.hardware import GROUP_TOGETHER, MIG, SLICE, TPU, TPU_TOPOLOGY, chips
from modelyard.rules.added import ray_group
from modelyard.rules.demand import asked, askers, devices, field, listed, lowered, most, needed
from modelyard.rules.fields import given
from modelyard.rules.kinds import RAY
from modelyard.rules.r_nodes import R09, R26
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod
from modelyard.values import quantity

if TYPE_CHECKING:
    from modelyard.fleet.hardware import Accelerator

GROUP = "LeaderWorkerSet"
PART_TOGETHER = "leaderworkerset.sigs.k8s.io/subgroup-exclusive-topology"
DYNAMIC = "https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/"

R12 = Rule(
    "R12",
    "A pod gets its accelerators from a device plugin or by a claim, never both.",
    why="It is given two lots of devices, one of which lies idle, or waits for ever for a node that has both.",
    fix="keep the claim, and remove the resource from requests and limits",
    see=DYNAMIC,
    acceptable=True,
)
R13 = Rule(
    "R13",
    "A claim of devices can be had: it has a name, says what it is for, and containers take those of their pod.",
    why="The API server refuses the pod, the object that makes pods of it, or the claim.",
    fix="correct the name, or add the claim to the pod's resourceClaims",
    see=DYNAMIC,
)
R14 = Rule(
    "R14",
    "A container asks for one slice of a partitioned GPU (MIG).",
    why="A CUDA process works with one slice, and slices cannot talk with each other: the others lie idle.",
    fix="ask for one slice, larger if need be, or for a whole GPU",
    see="https://docs.nvidia.com/datacenter/tesla/mig-user-guide/",
    severity=Severity.WARNING,
    acceptable=True,
)
R27 = Rule(
    "R27",
    "A pod on a TPU slice takes all chips of its host, and each host of the slice has one pod of the same group.",
    why=(
        "The chips of a slice work together: with a host that has no pod, or one of another group, the others wait for"
        " it for ever. Where a cluster has two slices of a shape, the pods of a LeaderWorkerSet's group may be on both"
        " unless its topology is exclusive."
    ),
    fix="run as many pods as the slice has hosts, keep them together, and ask for all chips of one in each",
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/tpus",
    acceptable=True,
)


@R13.containers
def claimed(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for the claims that a container names."""
    named = (container.data.get("resources") or {}).get("claims")
    if not named:
        return
    known = [claim["name"] for claim in container.pod.spec.get("resourceClaims") or ()]
    for index, claim in enumerate(named):
        if claim["name"] not in known:
            because = f"the claims of the pod are {listed(known)}" if known else "the pod has no claims"
            yield R13.breach(container.at(f"resources.claims[{index}].name"), claim["name"], because)


@R12.pods
def allocated(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare the claims of a pod, whose templates are here, with the cluster's accelerators."""
    for index, claim in enumerate(pod.spec.get("resourceClaims") or ()):
        name = claim.get("resourceClaimTemplateName")
        template = scope.find("ResourceClaimTemplate", pod.object.namespace, name) if name else None
        if template is None:
            continue
        at = pod.at(f"spec.resourceClaims[{index}].resourceClaimTemplateName")
        for request in ((template.spec.get("spec") or {}).get("devices") or {}).get("requests") or ():
            yield from _request(at, name, request.get("exactly") or {}, pod, scope)


def _request(at: str, name: str, exactly: dict[str, Any], pod: Pod, scope: Scope) -> Iterator[Breach]:
    cluster, wanted = scope.site.cluster, exactly.get("deviceClassName")
    classes = [one for one in cluster.accelerators if one.device_class == wanted]
    if not classes or exactly.get("allocationMode") == "All":
        return
    for one in classes:
        if one.resource in devices(pod):
            yield R12.breach(at, name, f"the pod asks for {one.resource} too, and the claim is for {one.name}")
            return
    fitting = [one for one in classes if _selected(one, pod)] or classes
    count, largest = exactly.get("count") or 1, max(fitting, key=lambda one: one.per_node)
    if count > largest.per_node:
        because = f"it claims {count} devices, and a node of {cluster.name} has {largest.per_node} of {largest.name}"
        yield R09.breach(at, name, because, f"ask for 1 to {largest.per_node}")
        return
    pods, scaler = needed(scope, pod.object, pod)
    room = sum(one.nodes * (one.per_node // count) for one in fitting)
    if pod.object.kind != "DaemonSet" and pods > room:
        because = f"there are up to {pods} pods of {count}, and {cluster.name} has room for {room}"
        do = f"{lowered(pod.object, pod, scaler, room)}, or correct nodes= of the Accelerator"
        yield R26.breach(at, name, because, do)


def _selected(one: Accelerator, pod: Pod) -> bool:
    wanted = pod.spec.get("nodeSelector") or {}
    return all(wanted.get(key, value) == value for key, value in one.labels.items())


@R14.containers
def partitioned(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Count slices of GPUs."""
    for name, count in container.limits.items():
        if name.startswith(MIG) and (quantity.number(count) or 0) > 1:
            because = "a process works with one of them"
            yield R14.breach(container.at(f"resources.limits{field(name)}"), count, because)


@R27.pods
def sliced(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare the pods on a slice of TPUs with its hosts."""
    if TPU not in devices(pod) or (count := int(asked(pod, TPU))) < 1:
        return
    shape = (pod.spec.get("nodeSelector") or {}).get(TPU_TOPOLOGY)
    known = [one for one in scope.site.cluster.accelerators if one.resource == TPU and one.topology == shape]
    at = askers(pod, TPU)[0].at(f"resources.limits{field(TPU)}")
    if known and all(one.per_node != count for one in known):
        per_host = known[0].per_node
        because = f"a host of {known[0].name} has {per_host} chips, and its pod takes all of them"
        yield R27.breach(at, str(count), because, f"ask for {per_host}")
        return
    try:
        hosts = chips(shape) // count if shape else 1
    except ValueError:
        return
    first = next((one for one in pod.object.pods if TPU in devices(one)), pod)
    if hosts == 1 or (pod.object.kind == GROUP and pod is not first):
        return  # the leader of a group speaks for its workers
    kept = _kept(pod, scope)
    if kept is None:
        because = (
            f"a slice {shape} has {hosts} hosts, and nothing keeps pods of a {pod.object.kind} on those of one slice"
        )
        yield R27.breach(at, str(count), because, _elsewhere(pod, scope))
        return
    pods, in_one = kept
    if pods != hosts if in_one else pods % hosts:
        because = f"a slice {shape} has {hosts} hosts of {count} chips, and there are {pods} pods"
        fits = [one for one in scope.site.cluster.accelerators if one.resource == TPU and one.hosts == pods]
        other = f", or choose {' or '.join(one.name for one in fits)}" if fits else ""
        yield R27.breach(at, str(count), because, f"run {hosts} pods together{other}")


def _kept(pod: Pod, scope: Scope) -> tuple[int, bool] | None:
    """Return how many pods are kept together, and whether in one slice; None where nothing keeps them."""
    one = pod.object
    if one.kind in RAY and "workerGroupSpecs" in pod.path and (hosts := ray_group(pod).get("numOfHosts") or 1) > 1:
        return hosts, True  # by the affinity that the webhook of GKE's Ray Operator adds
    if one.kind != GROUP:
        return (most(scope, one, pod)[0], False) if one.jobs else None
    told, template = one.metadata.get("annotations") or {}, one.spec["leaderWorkerTemplate"]
    if PART_TOGETHER in told:
        part = given(template.get("subGroupPolicy") or {}, "subGroupSize", 1)
        return part, told[PART_TOGETHER] == SLICE
    if GROUP_TOGETHER not in told:
        return None
    leads, works = (TPU in devices(one.pods[place]) for place in (0, -1))
    return leads + works * (given(template, "size", 1) - 1), told[GROUP_TOGETHER] == SLICE


def _elsewhere(pod: Pod, scope: Scope) -> str:
    """Return what to do where the pods of *pod* could be on the hosts of several slices."""
    if pod.object.kind == GROUP:
        return f"annotate it with {GROUP_TOGETHER}: {SLICE}, which keeps each group on one"
    single = [one.name for one in scope.site.cluster.accelerators if one.resource == TPU and one.hosts == 1]
    other = f"choose {' or '.join(single)}, which has one host" if single else "choose a slice of one host"
    if pod.object.kind in RAY:
        other = f"write numOfHosts, which GKE's Ray Operator keeps on one, or {other}"
    return f"run it as a Job or a JobSet, or {other}" if pod.object.kind == "RayJob" else other
