"""A TrainingSpec at a site, as the manifests that run it once."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Pod, companions, manifest, object_labels, template
from modelyard.training import gang
from modelyard.training.spec import TrainingSpec
from modelyard.values.durations import whole_seconds

COMPONENT = "training"
CONTAINER = "trainer"
DO_NOT_EVICT = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
"""Neither Karpenter nor the cluster autoscaler moves such a pod to save a node."""


def drafts(name: str, spec: TrainingSpec, site: Site) -> list[Draft]:
    """Return the manifests of the training *name*: its Job and the companions of its pods."""
    together = spec.nodes > 1
    found = [Draft(_job(name, spec, site), sealed=True)]
    if together:
        found.append(Draft(gang.service(name, object_labels(name, COMPONENT, spec, site), site)))
    return [*found, *companions(name, COMPONENT, spec, site, ports=(), together=together)]


def _job(name: str, spec: TrainingSpec, site: Site) -> dict[str, Any]:
    job = manifest("batch/v1", "Job", name, object_labels(name, COMPONENT, spec, site), site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    job["metadata"]["annotations"] = dict(KEPT)
    together = spec.nodes > 1
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=CONTAINER,
        restart_policy="Never",
        grace=whole_seconds(spec.grace),
        annotations={} if spec.evictable else DO_NOT_EVICT,
        pod_fields={"subdomain": name} if together else {},
        variables=gang.variables(name, spec, site),
        starters=[gang.wait(name, spec, site)] if together else (),
    )
    body: dict[str, Any] = {"backoffLimit": _backoff_limit(spec)}
    if together:
        body["completionMode"] = "Indexed"
    body["completions"] = body["parallelism"] = spec.nodes
    if spec.deadline is not None:
        body["activeDeadlineSeconds"] = whole_seconds(spec.deadline)
    body["podReplacementPolicy"] = "Failed"
    body["podFailurePolicy"] = {"rules": _failure_rules(spec)}
    body["template"] = template(pod, spec, site)
    job["spec"] = body
    return job


def _backoff_limit(spec: TrainingSpec) -> int:
    """
    Return how many failed pods the Job bears.

    The pods of a gang fail one after the other and each is counted; one that is replaced before the others have
    noticed fails once more. So a restart of all is given as many failures as there are pods, and there is one
    such share to spare. Without retries the first failure ends the Job, and frees the other nodes at once.
    """
    if spec.nodes == 1 or spec.retries == 0:
        return spec.retries
    return spec.nodes * (spec.retries + 1)


def _failure_rules(spec: TrainingSpec) -> list[dict[str, Any]]:
    disrupted = {
        "action": "Ignore",
        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
    }
    if not spec.fatal_exit_codes:
        return [disrupted]
    codes = sorted(set(spec.fatal_exit_codes))
    fatal = {
        "action": "FailJob",
        "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": codes},
    }
    return [disrupted, fatal]
