"""A training as a JobSet: its pods and its steps, what starts all of them again, and how they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, EnvValue, FieldRef, manifest
from modelyard.training.backends import JobSet
from modelyard.values.names import LABEL_LENGTH, dns_label_1035

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

NODES = "node"
"""The name of the training itself among the Jobs of the set."""
NAME: dict[str, EnvValue] = {"JOBSET_NAME": FieldRef("metadata.labels['jobset.sigs.k8s.io/jobset-name']")}
"""JobSet's controller makes a headless Service of this name, which ends with the hash of the run."""
EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"
FATAL = "failed with exit code"
DISRUPTED = "has condition DisruptionTarget"
"""How the message of a Job goes on that a failure rule has ended, in all versions: which of the rules it was."""
POD_SUFFIX = "-abcde"
"""Stands for what Kubernetes adds to the name of each pod."""


def domain(site: Site) -> str:
    """Return what follows the host names of the pods of a run."""
    return f"$(JOBSET_NAME).{site.namespace}.svc"


def job_set(
    name: str, labels: dict[str, str], jobs: Sequence[tuple[str, dict[str, Any]]], spec: TrainingSpec, site: Site
) -> dict[str, Any]:
    """Return the JobSet *name* of *jobs*."""
    made = manifest("jobset.x-k8s.io/v1alpha2", "JobSet", name, labels, site)
    # A commit that replaces this run by another must not kill it, and no TTL may make Argo CD run it again.
    made["metadata"]["annotations"] = dict(KEPT)
    made["spec"] = job_set_spec(labels, jobs, spec)
    return made


def job_set_spec(
    labels: dict[str, str], jobs: Sequence[tuple[str, dict[str, Any]]], spec: TrainingSpec, *, messages: bool = True
) -> dict[str, Any]:
    """
    Return the spec of a JobSet of *jobs*, of which each starts when the one before it is complete.

    Args:
        labels: Of the Jobs.

        jobs: Names and specs.

        spec: The training.

        messages: Whether rules can look at messages, which Kubeflow's trainer does not know of.
    """
    # The controller reads it when it makes Jobs. On the set itself it could change, and the run would not notice.
    topology = spec.backend.exclusive_topology if isinstance(spec.backend, JobSet) else None
    metadata = {"labels": labels, **({} if topology is None else {"annotations": {EXCLUSIVE: topology}})}
    replicated: list[dict[str, Any]] = []
    for job, body in jobs:
        waits = [{"name": replicated[-1]["name"], "status": "Complete"}] if replicated else []
        replicated.append(
            {
                "name": job,
                **({"dependsOn": waits} if waits else {}),
                "replicas": 1,
                "template": {"metadata": {key: dict(value) for key, value in metadata.items()}, "spec": body},
            }
        )
    return {
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "failurePolicy": {
            "maxRestarts": spec.retries,
            "rules": list(_rules(spec, [job for job, _ in jobs if job != NODES], messages=messages)),
        },
        "replicatedJobs": replicated,
    }


def disruption(spec: TrainingSpec, *, messages: bool) -> str:
    """
    Return what the Job does with a pod that is disrupted.

    Without *messages* the set could not tell that from a fatal exit code, of which it must not start again.
    """
    return "FailJob" if messages or not spec.fatal_exit_codes else "Count"


def _rules(spec: TrainingSpec, steps: Sequence[str], *, messages: bool) -> Iterator[dict[str, Any]]:
    """
    Yield what becomes of the set when one of its Jobs has failed; where no rule matches, all starts again.

    A Job gives one reason for a disruption and for a fatal exit code, so its message has to tell the two apart.
    Should it ever be worded otherwise, a disruption is counted, and nothing is started again for ever.
    """
    if steps:
        # A step has used up its own retries, and the training before it need not be done again.
        yield {"name": "stepFailed", "action": "FailJobSet", "targetReplicatedJobs": list(steps)}
    if spec.fatal_exit_codes:
        yield {
            "name": "fatalExitCode",
            "action": "FailJobSet",
            "onJobFailureReasons": ["PodFailurePolicy"],
            **({"onJobFailureMessagePatterns": [FATAL]} if messages else {}),
        }
    if spec.deadline is not None:
        yield {"name": "deadline", "action": "FailJobSet", "onJobFailureReasons": ["DeadlineExceeded"]}
    if disruption(spec, messages=messages) == "FailJob":
        yield {
            "name": "disruption",
            "action": "RestartJobSetAndIgnoreMaxRestarts",
            "onJobFailureReasons": ["PodFailurePolicy"],
            **({"onJobFailureMessagePatterns": [DISRUPTED]} if messages else {}),
        }


def name_breaches(name: str, spec: TrainingSpec, hashed: int) -> Iterator[Breach]:
    """Yield why *name* leaves no room for what JobSet adds to it, where *hashed* characters are the hash."""
    jobs = [(NODES, spec.nodes), *((step.name, 1) for step in (*spec.before, *spec.after))]
    longest, job = max((len(f"-{job}-0-{pods - 1}{POD_SUFFIX}"), job) for job, pods in jobs)
    if broken := dns_label_1035(name, LABEL_LENGTH - hashed - longest):
        most = max(1, LABEL_LENGTH - hashed - longest)
        because = f"{broken} (a pod's name ends with a hash of {hashed} and {longest} more, as of the Job {job})"
        do = f"choose an id of at most {most} characters, such as pretrain"
        yield Breach("N07", "id", name, because, do)
