"""Which kind of object runs a training: the one that is named, or the best that its cluster has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach
from modelyard.fleet.cluster import Crd
from modelyard.pod.options import amount
from modelyard.values.names import dns_label, qualified_name
from modelyard.values.value import option, source_of, value

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec


def _topology(label: str | None) -> str | None:
    return None if label is None else qualified_name(label)


@value
class Job:
    """
    Kubernetes' own Job, which every cluster has.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/controllers/job/
    """


@value
class JobSet:
    """
    A JobSet, which starts all pods again when one fails, and runs steps one after the other.

    Args:
        exclusive_topology: A label of nodes: the training has all nodes of one value of it to itself.
            Default: none.

    See Also:
        https://jobset.sigs.k8s.io/docs/overview/
    """

    exclusive_topology: str | None = option(default=None, check=_topology, kw_only=True)


@value
class TrainJob:
    """
    A TrainJob of the Kubeflow trainer, with a TrainingRuntime of its own, for clusters whose tools look at TrainJobs.

    See Also:
        https://www.kubeflow.org/docs/components/trainer/
    """


@value
class RayJob:
    """
    A RayJob, which starts a Ray cluster, runs the command on its head, and deletes the cluster.

    Args:
        head_cpu: CPU of the head, which runs the command and none of Ray's tasks. Default: 2.

        head_memory: Memory of the head. Default: ``8Gi``.

        operator_namespace: Where KubeRay runs, which asks the head how the command is doing.
            Default: ``kuberay-system``.

    See Also:
        https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html
    """

    head_cpu: str | int = option(default="2", check=amount, kw_only=True)
    head_memory: str = option(default="8Gi", check=amount, kw_only=True)
    operator_namespace: str = option(default="kuberay-system", check=dns_label, kw_only=True)


@value
class VolcanoJob:
    """
    A Job of Volcano, whose scheduler starts all pods or none, and whose controller starts all again when one fails.

    See Also:
        https://volcano.sh/en/docs/vcjob/
    """


Backend = Job | JobSet | TrainJob | RayJob | VolcanoJob
NEEDED = {
    "JobSet": ("JOBSET", Crd.JOBSET),
    "TrainJob": ("KUBEFLOW_TRAINER", Crd.KUBEFLOW_TRAINER),
    "RayJob": ("KUBERAY", Crd.KUBERAY),
    "VolcanoJob": ("VOLCANO", Crd.VOLCANO),
}
"""What has to be installed for a backend, and what that is called."""


@attrs.frozen
class Choice:
    """
    The kind that a training is rendered as.

    Args:
        kind: ``Job``, ``CronJob``, ``JobSet``, ``TrainJob``, ``RayJob`` or ``VolcanoJob``.

        because: Why it is this one.
    """

    kind: str
    because: str


def choice(spec: TrainingSpec, site: Site) -> Choice:
    """Return the kind that runs *spec* at *site*."""
    if spec.schedule is not None:
        return Choice("CronJob", "it runs on a schedule")
    if spec.hook is not None:
        return Choice("Job", "it is a hook, and Argo CD sees when a Job ends")
    if spec.backend is not None:
        return Choice(type(spec.backend).__name__, "it is asked for (backend=)")
    if spec.sweep is not None:
        return Choice("Job", "the trials of a sweep are the indexes of one Job")
    return _by_cluster(spec, site)


def _by_cluster(spec: TrainingSpec, site: Site) -> Choice:
    """Return the kind that the cluster of *site* runs one training best as."""
    name, steps = site.cluster.name, bool(spec.before or spec.after)
    volcano = not steps and has(site, Crd.VOLCANO)
    if volcano and spec.queue is not None and not has(site, Crd.KUEUE):
        return Choice("VolcanoJob", f"it waits in a queue, and those of the cluster {name} are Volcano's")
    if spec.nodes == 1 and not steps:
        return Choice("Job", "it is a single pod")
    if has_jobset(site):
        return Choice("JobSet", f"the cluster {name} has it")
    if volcano:
        return Choice("VolcanoJob", f"the cluster {name} has Volcano, and no JobSet")
    return Choice("Job", f"the cluster {name} has no JobSet")


SETS = frozenset({"JobSet", "TrainJob"})
"""Kinds whose pods are those of a JobSet in the end."""


def has_jobset(site: Site) -> bool:
    """Return whether the cluster of *site* has the definition of JobSets."""
    return has(site, Crd.JOBSET)


def has(site: Site, wanted: Crd) -> bool:
    """Return whether the cluster of *site* has all that *wanted* defines."""
    there = {(one.api_version, one.kind) for one in site.cluster.crd_schemas}
    return all((one.api_version, one.kind) in there for one in wanted.schemas)


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why the backend that is named cannot run *spec*."""
    shown, source = type(spec.backend).__name__, source_of(spec.backend)
    if shown not in NEEDED:
        return
    if spec.schedule is not None:
        because = "schedule= is given too, and a CronJob makes Jobs only"
        yield Breach("X11", "backend", shown, because, "leave backend= away, or schedule=", source)
    elif spec.sweep is not None:
        because = "sweep= is given too, and the trials of a sweep are the indexes of one Job"
        yield Breach("X11", "backend", shown, because, "leave backend= away", source)
    constant, crd = NEEDED[shown]
    if not has(site, crd):
        because = f"the cluster {site.cluster.name} has no such definition"
        do = (
            f"declare it in Cluster(installed=[Crd.{constant}]) where it is installed, or leave backend= away for a Job"
        )
        yield Breach("X04", "backend", shown, because, do, source)
