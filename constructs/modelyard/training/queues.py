"""A training in a queue of Kueue or Volcano: what says so, and where, so that it waits until all of it has room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.fleet.cluster import Crd
from modelyard.training.backends import choice, has
from modelyard.values import kueue
from modelyard.values.durations import whole_seconds
from modelyard.values.names import label_value, qualified_name, subdomain
from modelyard.values.value import option, source_of, value

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.pod import Watch
    from modelyard.training.spec import TrainingSpec

ADMITTED = 60
"""Seconds by which Kueue's clock may be ahead of that of a Job: what nobody has stopped fails of its own deadline."""


def _name(name: str) -> str | None:
    return subdomain(name) or label_value(name)


def _key(label: str | None) -> str | None:
    return None if label is None else qualified_name(label)


def _count(count: int | None) -> str | None:
    return None if count is None or count >= 1 else "it is a whole number of at least 1"


@value
class Queue:
    """
    A queue, in which a training waits until there is room for all of its pods: one of Kueue, or of Volcano.

    Args:
        name: Of the LocalQueue in the namespace; of Volcano, which has no other option, of the Queue in the cluster.

        priority: The WorkloadPriorityClass that decides who comes first. Default: that of the pods.

        min_parallelism: With *sweep*: how many trials at once are enough to start with. Default: all of them.

        required_topology: A label of nodes: all pods run on nodes that have one value of it. Default: anywhere.

        preferred_topology: The same, as long as there is room. Default: anywhere.

    See Also:
        https://kueue.sigs.k8s.io/docs/tasks/run/
    """

    name: str
    priority: str | None = option(default=None, kw_only=True)
    min_parallelism: int | None = option(default=None, check=_count, kw_only=True)
    required_topology: str | None = option(default=None, check=_key, kw_only=True)
    preferred_topology: str | None = option(default=None, check=_key, kw_only=True)


def labels(spec: TrainingSpec, site: Site) -> dict[str, str]:
    """Return the labels by which Kueue takes charge of a Job or JobSet; its pods must not have them."""
    if spec.queue is None or choice(spec, site).kind == "VolcanoJob":
        return {}
    found = {kueue.QUEUE: spec.queue.name}
    if spec.queue.priority is not None:
        found[kueue.PRIORITY] = spec.queue.priority
    if spec.deadline is not None and spec.schedule is None:
        # A deadline holds for one start. Of a schedule each run has it anew: what Kueue stops for good is never done,
        # and the runs after it would not start.
        found[kueue.MOST_TIME] = str(whole_seconds(spec.deadline) + ADMITTED)
    return found


def job_annotations(spec: TrainingSpec) -> dict[str, str]:
    """Return the annotations of a Job in a queue."""
    if spec.queue is None or spec.queue.min_parallelism is None:
        return {}
    return {kueue.LEAST: str(spec.queue.min_parallelism)}


def pod_annotations(spec: TrainingSpec) -> dict[str, str]:
    """Return the annotations of the pods of a training in a queue."""
    if spec.queue is None:
        return {}
    wanted = {"required": spec.queue.required_topology, "preferred": spec.queue.preferred_topology}
    return {f"{kueue.PREFIX}podset-{how}-topology": label for how, label in wanted.items() if label is not None}


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why a queue cannot do what is asked of it."""
    if spec.queue is not None and choice(spec, site).kind == "VolcanoJob":
        yield from _of_volcano(spec.queue, spec.watch)
    elif spec.queue is not None:
        yield from _of_kueue(spec.queue, spec, site)


def _of_kueue(queue: Queue, spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    source = source_of(queue)
    if not has(site, Crd.KUEUE):
        because = f"the cluster {site.cluster.name} has no Kueue"
        do = "declare it in Cluster(installed=[Crd.KUEUE]) where it is installed, or leave queue= away"
        yield Breach("X04", "queue", queue.name, because, do, source)
    for field, name, kind in (
        ("name", queue.name, "LocalQueue"),
        ("priority", queue.priority, "WorkloadPriorityClass"),
    ):
        if name is not None and (broken := _name(name)):
            yield Breach("K01", f"queue.{field}", name, broken, f"write the name of a {kind}", source)
    yield from _of_pods(queue, spec)


def _of_pods(queue: Queue, spec: TrainingSpec) -> Iterator[Breach]:
    """Yield why the pods cannot be admitted, or kept together, as the queue says."""
    source = source_of(queue)
    if (least := queue.min_parallelism) is not None:
        field = "queue.min_parallelism"
        if spec.sweep is None:
            because = "it is for the trials of a sweep; the pods of one training start together or not at all"
            yield Breach("K03", field, least, because, "leave it away", source)
        elif least >= spec.sweep.at_once:
            because = f"{spec.sweep.at_once} trials run at once, and fewer are to be enough"
            yield Breach(
                "K03", field, least, because, f"write less than {spec.sweep.at_once}, or leave it away", source
            )
    exclusive = getattr(spec.backend, "exclusive_topology", None)
    if exclusive is not None:
        because = "queue= is given too, and Kueue lets it start without looking for one that is free"
        do = "leave it away, and write Queue(..., required_topology=...), which Kueue looks for"
        yield Breach("X11", "backend.exclusive_topology", exclusive, because, do, source_of(spec.backend))
    topologies = {
        f"queue.{how}_topology": label
        for how, label in (("required", queue.required_topology), ("preferred", queue.preferred_topology))
        if label is not None
    }
    for field, label in list(topologies.items())[:1]:
        if len(topologies) > 1:
            because = "preferred_topology= is given too, and a training has one of the two"
            yield Breach("K04", field, label, because, "keep one", source)
        elif spec.nodes == 1:
            because = "the training is one pod, and there is nothing to keep together"
            yield Breach("X11", field, label, because, "leave it away, or choose nodes by node_selector=", source)


def _of_volcano(queue: Queue, watch: Watch | None) -> Iterator[Breach]:
    """Yield what is asked of a queue of Volcano, and only one of Kueue has."""
    if broken := _name(queue.name):
        yield Breach("K12", "queue.name", queue.name, broken, "write the name of a Queue of Volcano", source_of(queue))
    if watch is not None and watch.queued_after is not None:
        because = "the queue is one of Volcano, and no metric names the Jobs that wait in it"
        yield Breach("X11", "watch.queued_after", watch.queued_after, because, "leave it away", source_of(watch))
    because = "the queue is one of Volcano, which has no such option"
    for name, do in (
        ("priority", "write priority_class=, which orders trainings in Volcano's queues"),
        ("min_parallelism", "leave it away"),
        ("required_topology", "leave it away, or write topology="),
        ("preferred_topology", "leave it away, or write topology="),
    ):
        if (given := getattr(queue, name)) is not None:
            yield Breach("X11", f"queue.{name}", given, because, do, source_of(queue))
