"""A TrainingSpec at a site, as the manifests that run it."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Pod, companions, downloader, manifest, object_labels, place, template
from modelyard.training import checkpoint, gang, inputs, placement, sweep
from modelyard.training.options import Schedule
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
    """Return the manifests of the training *name*: its Job or CronJob and the companions of its pods."""
    labels = object_labels(name, COMPONENT, spec, site)
    body = _job_spec(name, spec, site)
    if spec.schedule is None:
        found = [Draft(_job(name, labels, body, site), sealed=True)]
    else:
        found = [Draft(_cron_job(name, labels, spec.schedule, body, site))]
    together = spec.nodes > 1
    if together:
        found.append(Draft(gang.service(name, spec, labels, site)))
    if spec.sweep is not None:
        found.append(Draft(sweep.config_map(name, spec.sweep, labels, site), sealed=True))
    outlived = spec.schedule is None
    return [*found, *companions(name, COMPONENT, spec, site, ports=(), together=together, outlived=outlived)]


def _job(name: str, labels: dict[str, str], body: dict[str, Any], site: Site) -> dict[str, Any]:
    job = manifest("batch/v1", "Job", name, labels, site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    job["metadata"]["annotations"] = dict(KEPT)
    job["spec"] = body
    return job


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


def _job_spec(name: str, spec: TrainingSpec, site: Site) -> dict[str, Any]:
    together, data = spec.nodes > 1, place(spec.data)
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=CONTAINER,
        restart_policy="Never",
        grace=placement.grace(spec, site),
        annotations={**({} if spec.evictable else DO_NOT_EVICT), **data.annotations},
        pod_fields={"subdomain": name} if together else {},
        variables={
            **gang.variables(name, spec, site),
            **(sweep.VARIABLES if spec.sweep else {}),
            **inputs.variables(spec),
            **checkpoint.variables(name, spec, site),
        },
        starters=[
            *(downloader(one, spec, site) for one in data.downloads),
            *([gang.wait(name, spec, site)] if together else ()),
        ],
        mounts=[*([sweep.mount(name)] if spec.sweep else ()), *data.mounts, *checkpoint.mounts(spec)],
        where=placement.where(name, spec, site),
    )
    body = _limits(spec)
    if spec.indexed:
        body["completionMode"] = "Indexed"
    body["completions"], body["parallelism"] = spec.indexes, spec.at_once
    if spec.deadline is not None:
        body["activeDeadlineSeconds"] = whole_seconds(spec.deadline)
    body["podReplacementPolicy"] = "Failed"
    body["podFailurePolicy"] = {"rules": _failure_rules(spec)}
    body["template"] = template(pod, spec, site)
    return body


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


def _failure_rules(spec: TrainingSpec) -> list[dict[str, Any]]:
    disrupted = {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    if not spec.fatal_exit_codes:
        return [disrupted]
    codes = sorted(set(spec.fatal_exit_codes))
    fatal = {
        "action": "FailJob" if spec.sweep is None else "FailIndex",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": codes},
    }
    return [disrupted, fatal]
