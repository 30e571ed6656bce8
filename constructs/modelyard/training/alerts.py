"""What goes wrong with trainings, as alerts, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.fleet.site import Site
from modelyard.pod.monitors import Alert, Panel, pending, pod_panels
from modelyard.pod.watching import watched
from modelyard.training import alerts_volcano
from modelyard.training.alerting import AGAIN, close_to_deadline, without_checkpoints
from modelyard.training.backends import SETS, choice
from modelyard.training.jobset import NODES
from modelyard.values.durations import days, whole_seconds
from modelyard.values.names import SAFE

if TYPE_CHECKING:
    from modelyard.pod import Watch
    from modelyard.training.spec import TrainingSpec

SUFFIX = f"{SAFE}{{5}}"
"""What Kubernetes ends the names of pods with: a Deployment beside the training, t-api of t, has pods of its own."""
QUEUED = days(1)
"""After which a run that waits in its queue is told of, where nothing else is said."""
GENERATED = 58
"""So many characters stand before the random end of a pod's name, at most: the name of a Job, and an index."""
HYPHENS = 2
"""Around the index, which is never cut."""
ADDED = 9
"""How much longer than the id the name of a Job is, by a hyphen and a hash or a time."""
LATE = 300
"""Seconds after which a run that has not started is missed, beyond those in which it may still start."""


def job_names(name: str, spec: TrainingSpec, site: Site, *, steps: bool = True) -> str:
    """Return what matches the names of the Jobs of *name*, and of those that another controller makes for it."""
    if spec.hook is not None:
        return name
    if spec.schedule is not None:
        return f"{name}-[0-9]{{8,}}"  # the minutes since 1970
    run = f"{name}-[0-9a-f]{{8}}"
    if choice(spec, site).kind not in SETS:
        return run
    jobs = "|".join([*(one.name for one in spec.before), NODES, *(one.name for one in spec.after)])
    return f"{run}-({jobs})-0" if steps and jobs != NODES else f"{run}-{NODES}-0"


def pod_names(name: str, spec: TrainingSpec, site: Site, *, steps: bool = True) -> str:
    """Return what matches the names of the pods of *name*."""
    jobs, kind = job_names(name, spec, site, steps=steps), choice(spec, site).kind
    if kind == "VolcanoJob":
        return alerts_volcano.pod_names(jobs)
    if kind == "RayJob":
        return f"{jobs}-.+"  # KubeRay's versions call them differently
    if kind in SETS:
        return f"{jobs}-[0-9]+-{SUFFIX}"  # none is cut: its webhook refuses a name that would be
    return _generated(name, jobs, spec)


def _generated(name: str, jobs: str, spec: TrainingSpec) -> str:
    """Return what matches the names that Kubernetes makes for the pods of *jobs*, of which it cuts the long ones."""
    length = len(name) + (0 if spec.hook is not None else ADDED)
    if not spec.indexed:
        return f"{jobs}-{SUFFIX}" if length < GENERATED else f"{_cut(name, spec, GENERATED)}{SUFFIX}"
    digits = len(str(spec.indexes - 1))
    if length + digits + HYPHENS <= GENERATED:
        return f"{jobs}-[0-9]+-{SUFFIX}"
    each = (f"{_cut(name, spec, GENERATED - count - HYPHENS)}-[0-9]{{{count}}}" for count in range(1, digits + 1))
    return f"({'|'.join(each)})-{SUFFIX}"


def _cut(name: str, spec: TrainingSpec, room: int) -> str:
    """Return what matches the first *room* characters of the name of a Job."""
    rest = room - len(name) - 1
    if spec.hook is not None or rest < 0:
        return name[:room]
    sign = "[0-9a-f]" if spec.schedule is None else "[0-9]"
    return f"{name}-{sign}{{{min(rest, ADDED - 1)}}}"


def alerts(name: str, spec: TrainingSpec, site: Site) -> Iterator[Alert]:
    """Yield what is told of the training *name*."""
    watch = watched(spec, site)
    if watch is None:
        return
    if choice(spec, site).kind == "VolcanoJob":
        yield from alerts_volcano.alerts(name, spec, watch, site)
        return
    jobs = f'namespace="{site.namespace}",job_name=~"{job_names(name, spec, site)}"'
    failed = f'kube_job_failed{{{jobs},condition="true"}}'
    yield Alert(
        "TrainingFailed",
        # A failed Job stays, so that its pods can be looked at: a day later it is no news any more. But one of a hook
        # has failed its sync, and the next one, which has the same name, is news.
        f"{failed} == 1" + ("" if spec.hook else f" unless on (namespace, job_name) {failed} offset 1d == 1"),
        AGAIN if choice(spec, site).kind in SETS else 0,
        "has failed",
        "{{ $labels.job_name }} has used up its retries or its deadline, or ended with a fatal exit code.",
        "critical",
    )
    yield pending(pod_names(name, spec, site), watch, site)
    yield from _queued(name, spec, watch, site)
    if spec.deadline is not None:
        age = f"time() - max by (namespace, job_name) (kube_job_status_start_time{{{jobs}}})"
        active = f" and on (namespace, job_name) kube_job_status_active{{{jobs}}} > 0"
        yield close_to_deadline(age, spec.deadline, "job_name", active=active)
    yield from _checkpoints(name, spec, site)
    if spec.schedule is not None:
        chosen = f'namespace="{site.namespace}",cronjob="{name}"'
        late = whole_seconds(spec.schedule.catch_up) + LATE
        yield Alert(
            "TrainingMissed",
            f"time() - max by (namespace, cronjob) (kube_cronjob_next_schedule_time{{{chosen}}}) > {late}",
            0,
            "has not run when it should have",
            "The last run is still going on, or its CronJob could not make a Job in time.",
        )


def _queued(name: str, spec: TrainingSpec, watch: Watch, site: Site) -> Iterator[Alert]:
    if spec.queue is None:
        return
    named, label = job_names(name, spec, site), "job_name"
    jobs = f'namespace="{site.namespace}",job_name=~"{named}"'
    # A Job that has not started has no time of that; one that is stopped again is suspended, whatever it has.
    unstarted = f"kube_job_created{{{jobs}}} unless on (namespace, job_name) kube_job_status_start_time{{{jobs}}}"
    waiting = f"max by (namespace, job_name) (kube_job_status_suspended{{{jobs}}} == 1 or ({unstarted}))"
    if choice(spec, site).kind == "RayJob":
        label = "name"
        rays = f'namespace="{site.namespace}",name=~"{named}",deployment_status="Suspended"'
        waiting = f"max by (namespace, name) (kuberay_job_deployment_status{{{rays}}}) == 1"
    yield Alert(
        "TrainingQueued",
        waiting,
        whole_seconds(watch.queued_after or QUEUED),
        "waits in its queue",
        f"{{{{ $labels.{label} }}}} has no room in the queue {spec.queue.name}, or is stopped at its deadline:"
        " kubectl describe workloads says which.",
    )


def _checkpoints(name: str, spec: TrainingSpec, site: Site) -> Iterator[Alert]:
    named = job_names(name, spec, site, steps=False)  # one of which saves nothing, however long it takes
    jobs = f'namespace="{site.namespace}",job_name=~"{named}"'
    pods = f'namespace="{site.namespace}",pod=~"{pod_names(name, spec, site, steps=False)}"'
    active = f"kube_job_status_active{{{jobs}}} > 0"
    started = f"kube_job_status_start_time{{{jobs}}} and on (namespace, job_name) {active}"
    yield from without_checkpoints(spec.checkpoint, pods, started, active)


def panels(name: str, container: str, spec: TrainingSpec, site: Site) -> Iterator[Panel]:
    """Yield what is drawn of the training *name*."""
    pods = pod_names(name, spec, site)
    phases = f'sum by (phase) (kube_pod_status_phase{{namespace="{site.namespace}",pod=~"{pods}"}})'
    yield Panel("Pods", "short", ((phases, "{{phase}}"),))
    yield from pod_panels(pods, container, spec, site)
