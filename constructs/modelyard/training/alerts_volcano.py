"""What goes wrong with a Job of Volcano, as alerts: nothing counts such Jobs, so they look at its pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.fleet.site import Site
from modelyard.pod.monitors import Alert, pending
from modelyard.training.alerting import AGAIN, close_to_deadline, without_checkpoints
from modelyard.training.volcano import TASK

if TYPE_CHECKING:
    from modelyard.pod import Watch
    from modelyard.training.spec import TrainingSpec


def pod_names(jobs: str) -> str:
    """Return what matches the names of the pods of *jobs*."""
    return f"{jobs}-{TASK}-[0-9]+"


def alerts(name: str, spec: TrainingSpec, watch: Watch, site: Site) -> Iterator[Alert]:
    """Yield what is told of the training *name*."""
    pods = pod_names(f"{name}-[0-9a-f]{{8}}")
    chosen = f'namespace="{site.namespace}",pod=~"{pods}"'
    failed = f'max by (namespace, pod) (kube_pod_status_phase{{{chosen},phase="Failed"}})'
    running = f'max by (namespace, pod) (kube_pod_status_phase{{{chosen},phase="Running"}}) == 1'
    started = f"max by (namespace, pod) (kube_pod_start_time{{{chosen}}}) and on (namespace, pod) {running}"
    yield Alert(
        "TrainingFailed",
        # One that is not started again stays, so that it can be looked at: a day later it is no news any more.
        f"{failed} == 1 unless on (namespace, pod) {failed} offset 1d == 1",
        AGAIN,
        "has failed",
        "{{ $labels.pod }} has failed and was not started again: the retries are used up, or its exit code is fatal.",
        "critical",
    )
    yield pending(pods, watch, site)
    if spec.deadline is not None:
        yield close_to_deadline(f"time() - ({started})", spec.deadline, "pod")
    yield from without_checkpoints(spec.checkpoint, chosen, started, running)
