"""A TrainingSpec at a site, as the manifests that run it."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Pod, companions, downloader, manifest, object_labels, place, template
from modelyard.pod.monitors import monitors
from modelyard.training import (
    alerts,
    checkpoint,
    gang,
    hook,
    inputs,
    jobset,
    placement,
    queues,
    rayjob,
    steps,
    sweep,
    trainjob,
    volcano,
)
from modelyard.training.backends import SETS, RayJob, choice
from modelyard.training.options import Schedule, Step
from modelyard.training.spec import TrainingSpec
from modelyard.values.durations import whole_seconds

COMPONENT = "training"
CONTAINER = "trainer"
DO_NOT_EVICT = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
"""Neither Karpenter nor the cluster autoscaler moves such a pod to save a node."""
CONCURRENCY = {"skip": "Forbid", "replace": "Replace", "start": "Allow"}


def drafts(name: str, spec: TrainingSpec, site: Site) -> list[Draft]:
    """Return the manifests of the training *name*: what runs it and the companions of its pods."""
    labels = object_labels(name, COMPONENT, spec, site)
    kind, found = choice(spec, site).kind, list[Draft]()
    if kind == "TrainJob":
        jobs = _jobs(name, spec, site, trainjob.CONTAINER)
        template = jobset.job_set_spec(labels, jobs, spec, messages=False)
        found = [Draft(trainjob.runtime(name, labels, template, spec, site), sealed=True)]
        made = trainjob.train_job(name, labels, spec, site)
    elif isinstance(spec.backend, RayJob) and kind == "RayJob":
        made = rayjob.ray_job(name, labels, _ray_pods(name, spec, site, spec.backend), spec, site)
    elif kind == "VolcanoJob":
        made = volcano.job(name, labels, _template(name, spec, site, CONTAINER), spec, site)
    elif kind == "JobSet":
        made = jobset.job_set(name, labels, _jobs(name, spec, site), spec, site)
    elif spec.schedule is None:
        made = _job(name, labels, spec, site)
    else:
        made = _cron_job(name, labels, spec.schedule, _job_spec(name, spec, site), site)
    _queue(made["spec"]["jobTemplate"] if kind == "CronJob" else made, spec, site)
    hooked = spec.hook is not None
    found.append(Draft(made, sealed=kind != "CronJob" and not hooked, hook=hooked))
    together = spec.nodes > 1 or kind == "RayJob"
    if together and kind not in {*SETS, "RayJob", "VolcanoJob"}:
        found.append(Draft(gang.service(name, spec, labels, site)))
    if spec.sweep is not None:
        found.append(Draft(sweep.config_map(name, spec.sweep, labels, site), sealed=True))
    container = {"TrainJob": trainjob.CONTAINER, "RayJob": rayjob.WORKER}.get(kind, CONTAINER)
    told, drawn = alerts.alerts(name, spec, site), alerts.panels(name, container, spec, site)
    watching = monitors(name, labels, spec, site, alerts=told, panels=drawn)
    outlived = spec.schedule is None and not hooked
    if isinstance(spec.backend, RayJob) and kind == "RayJob":
        spec = rayjob.watched_by_operator(spec, spec.backend)
    own = companions(name, COMPONENT, spec, site, ports=(), together=together, outlived=outlived)
    return [*found, *own, *watching]


def _job(name: str, labels: dict[str, str], spec: TrainingSpec, site: Site) -> dict[str, Any]:
    job = manifest("batch/v1", "Job", name, labels, site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    job["metadata"]["annotations"] = dict(KEPT) if spec.hook is None else hook.marks(spec.hook)
    job["spec"] = {**_job_spec(name, spec, site), **gang.scheduling(spec, site)}
    return job


def _queue(job: dict[str, Any], spec: TrainingSpec, site: Site) -> None:
    """Put *job* into its queue; of a schedule it is the Jobs that wait, and not the CronJob."""
    metadata = job["metadata"]
    metadata["labels"] = {**metadata["labels"], **queues.labels(spec, site)}
    if annotations := queues.job_annotations(spec):
        metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}


def _cron_job(
    name: str, labels: dict[str, str], schedule: Schedule, body: dict[str, Any], site: Site
) -> dict[str, Any]:
    # Its name is plain, since it can be changed: the next run is as git says. And a controller may delete it, since
    # one that nobody sees in git any more must not go on making runs.
    cron_job = manifest("batch/v1", "CronJob", name, labels, site)
    cron_job["spec"] = {
        "schedule": schedule.cron,
        "timeZone": schedule.tz,
        "concurrencyPolicy": CONCURRENCY[schedule.if_running],
        "startingDeadlineSeconds": whole_seconds(schedule.catch_up),
        **({"suspend": True} if schedule.suspend else {}),
        "successfulJobsHistoryLimit": schedule.keep_succeeded,
        "failedJobsHistoryLimit": schedule.keep_failed,
        "jobTemplate": {"metadata": {"labels": dict(labels)}, "spec": body},
    }
    return cron_job


def _jobs(name: str, spec: TrainingSpec, site: Site, container: str = CONTAINER) -> list[tuple[str, dict[str, Any]]]:
    """Return the Jobs of a JobSet, one after the other."""

    def step(one: Step) -> tuple[str, dict[str, Any]]:
        return one.name, _job_spec(name, steps.alone(spec, one), site, one.name)

    nodes = jobset.NODES, _job_spec(name, spec, site, container, in_set=True)
    return [*map(step, spec.before), nodes, *map(step, spec.after)]


def _job_spec(
    name: str, spec: TrainingSpec, site: Site, container: str = CONTAINER, *, in_set: bool = False
) -> dict[str, Any]:
    """Return the spec of a Job; *in_set* is one whose every failure a JobSet judges."""
    body = _limits(spec)
    if in_set:
        body["backoffLimit"] = 0
    if spec.indexed or in_set or container != CONTAINER:
        body["completionMode"] = "Indexed"
    body["completions"], body["parallelism"] = spec.indexes, spec.at_once
    if spec.deadline is not None:
        body["activeDeadlineSeconds"] = whole_seconds(spec.deadline)
    body["podReplacementPolicy"] = "Failed"
    in_turn = not in_set and bool(spec.before or spec.after)
    judged = None if in_turn else container
    moved = jobset.disruption(spec, messages=container != trainjob.CONTAINER) if in_set else "Ignore"
    body["podFailurePolicy"] = {"rules": _failure_rules(spec, judged, moved)}
    body["template"] = _template(name, spec, site, container, in_set=in_set)
    if in_turn:
        before, after = ([_step(name, spec, one, site) for one in given] for given in (spec.before, spec.after))
        body["template"] = steps.in_turn(before, body["template"], after)
    return body


def _ray_pods(name: str, spec: TrainingSpec, site: Site, backend: RayJob) -> dict[str, dict[str, Any]]:
    """Return the pod templates of a RayJob."""
    head = rayjob.small(spec, backend.head_cpu, backend.head_memory)
    return {
        rayjob.HEAD: _template(name, head, site, rayjob.HEAD),
        rayjob.WORKER: _template(name, rayjob.without_command(spec), site, rayjob.WORKER),
        rayjob.SUBMITTER: _template(name, rayjob.submitter(spec), site, rayjob.SUBMITTER),
    }


def _step(name: str, spec: TrainingSpec, step: Step, site: Site) -> dict[str, Any]:
    made: dict[str, Any] = _template(name, steps.alone(spec, step), site, step.name)["spec"]["containers"][0]
    return made


def _template(name: str, spec: TrainingSpec, site: Site, container: str, *, in_set: bool = False) -> dict[str, Any]:
    in_ray = container in rayjob.CONTAINERS  # whose nodes find each other by themselves
    together, data = spec.nodes > 1 and not in_ray, place(spec.data)
    in_volcano = choice(spec, site).kind == "VolcanoJob"
    hosts = volcano.hosts(site) if in_volcano else gang.hosts(name, site)
    if in_set:
        hosts = gang.Hosts(jobset.domain(site))
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=container,
        restart_policy="Never",
        grace=placement.grace(spec, site),
        annotations={
            **({} if spec.evictable else DO_NOT_EVICT),
            **queues.pod_annotations(spec),
            **data.annotations,
        },
        pod_fields=volcano.pod_fields(spec) if in_volcano else {"subdomain": name} if together and not in_set else {},
        variables={
            # The trainer of Kubeflow gives its container these variables itself, and so does Ray its processes.
            **({} if container == trainjob.CONTAINER or in_ray else gang.variables(spec, hosts)),
            **(sweep.VARIABLES if spec.sweep else {}),
            **inputs.variables(spec),
            **checkpoint.variables(name, spec, site),
        },
        starters=[
            *(downloader(one, spec, site) for one in data.downloads),
            *([gang.wait(spec, site, hosts)] if together else ()),
        ],
        mounts=[*([sweep.mount(name)] if spec.sweep else ()), *data.mounts, *checkpoint.mounts(spec)],
        where=placement.where(name, spec, site),
    )
    return template(pod, spec, site)


def _limits(spec: TrainingSpec) -> dict[str, Any]:
    """
    Return how many failed pods the Job bears, or each trial of it.

    The pods of a gang fail one after the other and each is counted; one that is replaced before the others have
    noticed fails once more. So a restart of all is given as many failures as there are pods, and there is one
    such share to spare. Without retries the first failure ends the Job, and frees the other nodes at once.
    """
    if spec.sweep is not None:
        return {"backoffLimitPerIndex": spec.retries, "maxFailedIndexes": spec.sweep.failures}
    if spec.nodes == 1 or spec.retries == 0:
        return {"backoffLimit": spec.retries}
    return {"backoffLimit": spec.nodes * (spec.retries + 1)}


def _failure_rules(spec: TrainingSpec, container: str | None, disruption: str) -> list[dict[str, Any]]:
    disrupted = {
        "action": disruption,
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    if not spec.fatal_exit_codes:
        return [disrupted]
    codes = sorted(set(spec.fatal_exit_codes))
    fatal = {
        "action": "FailJob" if spec.sweep is None else "FailIndex",
        "onExitCodes": {**({"containerName": container} if container else {}), "operator": "In", "values": codes},
    }
    return [disrupted, fatal]
