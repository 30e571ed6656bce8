"""A training as a Job of Volcano: placed as one, in a queue, and started again as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, FieldRef, manifest
from modelyard.pod.hardware import VOLCANO_RUN
from modelyard.training.gang import Hosts
from modelyard.values.durations import whole_seconds
from modelyard.values.names import LABEL_LENGTH, dns_label_1035
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

API = "batch.volcano.sh/v1alpha1"
TASK = "node"
SCHEDULER = "volcano"
USUAL_QUEUE = "default"
SERVICE = ["--publish-not-ready-addresses=true", "--disable-network-policy=true"]
"""Pods have names before they are ready, since they wait for each other, and the NetworkPolicy is ours."""


def hosts(site: Site) -> Hosts:
    """Return how the pods of a run are called; the plugin ``svc`` makes the headless Service."""
    return Hosts(
        f"$(JOB_NAME).{site.namespace}.svc",
        job=FieldRef(f"metadata.labels['{VOLCANO_RUN}']"),
        rank=FieldRef("metadata.labels['volcano.sh/task-index']"),
        between=f"-{TASK}",
    )


def pod_fields(spec: TrainingSpec) -> dict[str, Any]:
    """Return what a pod says itself: a Job of Volcano has no deadline."""
    return {} if spec.deadline is None else {"activeDeadlineSeconds": whole_seconds(spec.deadline)}


def job(name: str, labels: dict[str, str], template: dict[str, Any], spec: TrainingSpec, site: Site) -> dict[str, Any]:
    """
    Return the Job *name* of pods that are made of *template*.

    Whatever the webhook would write for what is missing stands in it, so that nobody sees a difference to git.
    """
    made = manifest(API, "Job", name, labels, site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    made["metadata"]["annotations"] = dict(KEPT)
    # Volcano counts starts, and the first one is none of the retries.
    starts = spec.retries + 1
    made["spec"] = {
        "schedulerName": SCHEDULER,
        "queue": USUAL_QUEUE if spec.queue is None else spec.queue.name,
        "minAvailable": spec.nodes,
        **({} if spec.priority_class is None else {"priorityClassName": spec.priority_class}),
        "maxRetry": starts,
        **({"plugins": {"svc": list(SERVICE)}} if spec.nodes > 1 else {}),
        "policies": list(_policies(spec)),
        "tasks": [
            {
                "name": TASK,
                "replicas": spec.nodes,
                "minAvailable": spec.nodes,
                "maxRetry": starts,
                "template": template,
            }
        ],
    }
    return made


def _policies(spec: TrainingSpec) -> Iterator[dict[str, Any]]:
    """Yield what follows when a pod fails: the first policy that fits holds, so the exit codes come first."""
    for code in sorted(set(spec.fatal_exit_codes)):
        yield {"exitCode": code, "action": "TerminateJob"}
    yield {"events": ["PodFailed", "PodEvicted"], "action": "RestartJob"}


def breaches(name: str, spec: TrainingSpec, hashed: int) -> Iterator[Breach]:
    """Yield what a Job of Volcano cannot do, where *hashed* characters of its name are the hash."""
    added = len(f"-{TASK}-{spec.nodes - 1}")
    if broken := dns_label_1035(name, LABEL_LENGTH - hashed - added):
        most = LABEL_LENGTH - hashed - added
        because = f"{broken} (a pod's host name ends with a hash of {hashed} and {added} more)"
        yield Breach("K10", "id", name, because, f"choose an id of at most {most} characters, such as pretrain")
    source = source_of(spec.backend)
    for option, given in (("before", spec.before), ("after", spec.after)):
        if given:
            because = "backend= is a VolcanoJob, whose tasks wait until others run, and not until they are done"
            do = "let the program do it on rank 0, or use a JobSet"
            yield Breach("X11", option, [step.name for step in given], because, do, source)
