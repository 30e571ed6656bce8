"""Where a training's pods run: on nodes that may be taken back, and near to each other."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach
from modelyard.fleet.hardware import SLICE
from modelyard.pod.hardware import REQUIRED, RUN, VOLCANO_RUN, Where, accelerator_of, apart, sliced
from modelyard.pod.template import selector
from modelyard.training.backends import choice
from modelyard.values import quantity
from modelyard.values.durations import seconds, whole_seconds
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec

GRACE = seconds(120)
MOST_WEIGHT = 100
HOSTNAME = "kubernetes.io/hostname"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def grace(spec: TrainingSpec, site: Site) -> int:
    """Return how many seconds a pod has from SIGTERM to SIGKILL."""
    if spec.grace is not None:
        return whole_seconds(spec.grace)
    if spec.spot is None or site.cluster.spot is None:
        return whole_seconds(GRACE)
    return whole_seconds(min(GRACE, site.cluster.spot.notice))


def where(name: str, spec: TrainingSpec, site: Site) -> Where:
    """Return what *spec* adds to the choice of nodes of the pods of *name*."""
    affinity: dict[str, Any] = {}
    nodes: dict[str, str] = {}
    spot = None if spec.spot is None else site.cluster.spot
    if spot is not None:
        if spec.spot == "require":
            nodes = dict(spot.node_selector)
        else:
            labels = [{"key": key, "operator": "In", "values": [text]} for key, text in spot.node_selector.items()]
            preferred = [{"weight": MOST_WEIGHT, "preference": {"matchExpressions": labels}}]
            affinity["nodeAffinity"] = {PREFERRED: preferred}
    affinity |= _together(name, spec, site)
    return Where(node_selector=nodes, tolerations=() if spot is None else spot.tolerations, affinity=affinity)


def _together(name: str, spec: TrainingSpec, site: Site) -> dict[str, Any]:
    """Return the affinities by which the pods of one run of *name* are near to each other, and in one slice."""
    required, preferred, affinity = [], [], {}
    run = VOLCANO_RUN if choice(spec, site).kind == "VolcanoJob" else RUN
    if sliced(spec, site):
        required.append(_near(name, SLICE, run))
        affinity = apart(run)
    if spec.topology is not None and spec.topology.required:
        required.append(_near(name, spec.topology.key, run))
    elif spec.topology is not None:
        preferred.append({"weight": MOST_WEIGHT, "podAffinityTerm": _near(name, spec.topology.key, run)})
    near = {**({REQUIRED: required} if required else {}), **({PREFERRED: preferred} if preferred else {})}
    return {**({"podAffinity": near} if near else {}), **affinity}


def _near(name: str, key: str, run: str) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": selector(name)}, "matchLabelKeys": [run], "topologyKey": key}


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why the pods of *spec* cannot be placed so."""
    cluster = site.cluster
    if spec.spot is not None and cluster.spot is None:
        because = f"the cluster {cluster.name} does not say which of its nodes the cloud may take back"
        do = "declare them, such as Cluster(spot=SpotNodes.KARPENTER), or leave spot= away"
        yield Breach("X04", "spot", spec.spot, because, do)
    elif spec.spot is not None and cluster.spot is not None:
        for key, text in cluster.spot.node_selector.items():
            if spec.node_selector.get(key, text) != text:
                because = f"spot={spec.spot!r} wants nodes with {text}"
                do = "leave one of the two away"
                yield Breach("X11", f"node_selector[{key!r}]", spec.node_selector[key], because, do)
    if spec.topology is not None and spec.nodes == 1:
        because = "the training has no second pod to be near to"
        do = "leave topology= away, or train on several nodes"
        yield Breach("X11", "topology.key", spec.topology.key, because, do, source_of(spec.topology))
    yield from _on_one_node(spec, site)
    queue = spec.queue
    if spec.topology is not None and queue is not None and (queue.required_topology or queue.preferred_topology):
        because = "the queue places the pods, and queue= says where already"
        do = "leave topology= away"
        yield Breach("X11", "topology.key", spec.topology.key, because, do, source_of(spec.topology))


def _on_one_node(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why no node has room for all pods of *spec* where they have to be on one."""
    accelerator, gpu = accelerator_of(spec, site), spec.gpu
    wanted = {
        "topology.key": spec.topology.key if spec.topology is not None and spec.topology.required else None,
        "queue.required_topology": None if spec.queue is None else spec.queue.required_topology,
    }
    fields = [field for field, key in wanted.items() if key == HOSTNAME]
    if not fields or accelerator is None or gpu is None or spec.nodes == 1:
        return
    asked = (
        (gpu.count, accelerator.per_node, f"of {accelerator.name}"),
        (quantity.number(str(spec.cpu)), quantity.number(accelerator.node_cpu), "CPUs"),
        (quantity.number(spec.memory), quantity.number(accelerator.node_memory), "of memory"),
    )
    for each, there, what in asked:
        if each is not None and there is not None and each * spec.nodes > there:
            # Bytes are written as sizes, and all else as the number that it is.
            total, room = (
                (quantity.memory_size(one) if what == "of memory" else f"{one:f}")
                for one in (Decimal(each * spec.nodes), Decimal(there))
            )
            because = f"{spec.nodes} pods ask for {total} {what} on one node, which has {room}"
            do = "name what several nodes share, such as topology.kubernetes.io/zone, or run fewer, larger pods"
            source = source_of(spec.topology if fields[0] == "topology.key" else spec.queue)
            yield Breach("R09", fields[0], HOSTNAME, because, do, source)
            return
