"""Where a training's pods run: on nodes that may be taken back, and near to each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach
from modelyard.pod.hardware import Where, accelerator_of
from modelyard.pod.template import selector
from modelyard.training.backends import choice
from modelyard.values.durations import seconds, whole_seconds
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec

GRACE = seconds(120)
RUN, VOLCANO_RUN = "batch.kubernetes.io/job-name", "volcano.sh/job-name"
"""What the pods of one run share, and those of the last run do not."""
MOST_WEIGHT = 100
SLICE = "cloud.google.com/gke-nodepool"
"""On GKE the hosts of a slice of TPUs are a node pool."""
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


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
    accelerator = accelerator_of(spec, site)
    if accelerator is not None and accelerator.hosts > 1:
        # Two runs that share slices would each hold a part of them and wait for the rest for ever.
        others = {
            "labelSelector": {"matchExpressions": [{"key": run, "operator": "Exists"}]},
            "mismatchLabelKeys": [run],
            "namespaceSelector": {},
            "topologyKey": SLICE,
        }
        required.append(_near(name, SLICE, run))
        affinity["podAntiAffinity"] = {REQUIRED: [others]}
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
    queue = spec.queue
    if spec.topology is not None and queue is not None and (queue.required_topology or queue.preferred_topology):
        because = "the queue places the pods, and queue= says where already"
        do = "leave topology= away"
        yield Breach("X11", "topology.key", spec.topology.key, because, do, source_of(spec.topology))
