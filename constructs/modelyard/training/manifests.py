"""A TrainingSpec at a site, as the manifests that run it once."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Pod, companions, manifest, object_labels, template
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
    return [
        Draft(_job(name, spec, site), sealed=True),
        *companions(name, COMPONENT, spec, site, ports=()),
    ]


def _job(name: str, spec: TrainingSpec, site: Site) -> dict[str, Any]:
    job = manifest("batch/v1", "Job", name, object_labels(name, COMPONENT, spec, site), site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    job["metadata"]["annotations"] = dict(KEPT)
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=CONTAINER,
        restart_policy="Never",
        grace=whole_seconds(spec.grace),
        annotations={} if spec.evictable else DO_NOT_EVICT,
    )
    body: dict[str, Any] = {"backoffLimit": spec.retries, "completions": 1, "parallelism": 1}
    if spec.deadline is not None:
        body["activeDeadlineSeconds"] = whole_seconds(spec.deadline)
    body["podReplacementPolicy"] = "Failed"
    body["podFailurePolicy"] = {"rules": _failure_rules(spec)}
    body["template"] = template(pod, spec, site)
    job["spec"] = body
    return job


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
