"""J: Jobs: how they restart, how long they run, and who may change them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.findings import Breach, Severity
from modelyard.rules.kinds import SEVERAL_PODS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job
from modelyard.values.kueue import QUEUE
from modelyard.values.names import HOOKS, subdomain

LEAST_DEADLINE = 60
DEFAULT_GRACE = 30
LONGEST_MANAGER = 63
MANAGER_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
COUNTS = (
    "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
    "backoffLimitPerIndex", "maxFailedIndexes",
)  # fmt: skip

J01 = Rule(
    "J01",
    "The pods of a Job restart Never or OnFailure, and Never where failed pods are judged.",
    why=(
        "The API server refuses the Job. Kubernetes assumes Always where nothing is written, and a pod that "
        "always restarts never completes. Never does not mean one attempt: the Job replaces failed pods until "
        "backoffLimit is used up."
    ),
    fix="write restartPolicy: Never; failed pods are still replaced, up to backoffLimit",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-template",
)
J07 = Rule(
    "J07",
    "The counts and limits of a Job are not negative.",
    why="The API server refuses the Job.",
    fix="write 0 or more, or leave the field away for its default",
    see="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/",
)
J20 = Rule(
    "J20",
    "A Job's deadline leaves time to work.",
    why=(
        "The deadline counts from the start of the Job, so finding a node and pulling the image are part of it. "
        "A Job that reaches it fails for good, whatever retries are left."
    ),
    fix="raise activeDeadlineSeconds",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup",
    severity=Severity.WARNING,
    acceptable=True,
)
J21 = Rule(
    "J21",
    "A Job that stands in git is not deleted when it is done.",
    why=(
        "Argo CD and Flux find the Job in git but not in the cluster, create it anew, and the training runs "
        "again, and again after the next deletion."
    ),
    fix="remove it; a finished Job uses no node, and a CronJob tidies up after itself",
    see="https://github.com/argoproj/argo-cd/issues/9163",
    acceptable=True,
)
J23 = Rule(
    "J23",
    "A Job in a queue is not suspended in git.",
    why=(
        "Kueue suspends a Job when it is created and resumes it when there is room. With suspend: true in git, "
        "Argo CD and Flux suspend the running Job again, which deletes its pods."
    ),
    fix="remove suspend; Kueue suspends the Job itself",
    see="https://kueue.sigs.k8s.io/docs/tasks/run/jobs/",
    acceptable=True,
)
J24 = Rule(
    "J24",
    "A Job is managed by a controller with a domain in its name.",
    why="The API server refuses the Job.",
    fix='write a domain, a slash and a name, such as "kueue.x-k8s.io/multikueue"',
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#delegation-of-managing-a-job-object-to-external-controller",
)
J26 = Rule(
    "J26",
    "A Job has no selector of its own.",
    why=(
        "The API server makes the selector of a Job and refuses another one; with manualSelector it adopts the "
        "pods of other Jobs that carry the same labels."
    ),
    fix="remove the selector; a Job finds its pods by itself",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector",
)


@J01.jobs
def _restarts(job: Job, _scope: Scope) -> Iterator[Breach]:
    policy = job.pod.spec.get("restartPolicy") or None
    if policy == "Never":
        return
    field = job.at("template.spec.restartPolicy")
    if policy is None and job.object.kind in SEVERAL_PODS:
        # Whose webhook writes another default.
        if job.spec.get("podFailurePolicy") is not None:
            because = "it is missing, OnFailure is then written for it, and podFailurePolicy is set, which needs Never"
            yield J01.breach(field, None, because, "write restartPolicy: Never")
        return
    if policy is None:
        yield J01.breach(field, None, "it is missing, and Kubernetes then assumes Always, which no Job may have")
    elif policy == "Always":
        yield J01.breach(field, policy, "the pods of a Job restart Never or OnFailure")
    elif job.spec.get("podFailurePolicy") is not None:
        do = "write restartPolicy: Never, or remove podFailurePolicy"
        yield J01.breach(field, policy, "podFailurePolicy is set, which needs restartPolicy Never", do)


@J07.jobs
def _counts(job: Job, _scope: Scope) -> Iterator[Breach]:
    spec = job.spec
    for name in COUNTS:
        count = spec.get(name)
        if count is not None and count < 0:
            yield J07.breach(job.at(name), count, "a count or a limit is 0 or more")


@J20.jobs
def _deadline(job: Job, _scope: Scope) -> Iterator[Breach]:
    deadline = job.spec.get("activeDeadlineSeconds")
    if deadline is None or deadline < 0:
        return
    field = job.at("activeDeadlineSeconds")
    if deadline < LEAST_DEADLINE:
        because = f"scheduling and pulling the image count too, and may take {LEAST_DEADLINE} seconds alone"
        yield J20.breach(field, deadline, because, "pass a longer deadline=" if job.object.owner else None)
        return
    grace = job.pod.spec.get("terminationGracePeriodSeconds")
    grace = DEFAULT_GRACE if grace is None else grace
    if deadline <= grace:
        because = f"the pods alone get {grace} seconds to stop (terminationGracePeriodSeconds)"
        do = "raise activeDeadlineSeconds, or lower terminationGracePeriodSeconds"
        if job.object.owner:
            do = "pass a longer deadline=, or a shorter grace="
        yield J20.breach(field, deadline, because, do)


@J21.jobs
def _delivered(job: Job, _scope: Scope) -> Iterator[Breach]:
    spec, one = job.spec, job.object
    if one.kind != "Job":
        return
    ttl = spec.get("ttlSecondsAfterFinished")
    annotations = one.metadata.get("annotations") or {}
    if ttl is not None and not any(hook in annotations for hook in HOOKS):
        because = "Argo CD and Flux create a Job anew that is in git and not in the cluster, so it runs again and again"
        yield J21.breach(job.at("ttlSecondsAfterFinished"), ttl, because)
    queue = (one.metadata.get("labels") or {}).get(QUEUE)
    if queue is not None and spec.get("suspend"):
        because = f"Kueue resumes the Job when the queue {queue} has room, and this would suspend it again"
        yield J23.breach(job.at("suspend"), True, because)  # noqa: FBT003 # the value found
    if spec.get("manualSelector"):
        if spec.get("selector") is None:
            do = "remove manualSelector; a Job finds its pods by itself"
            yield J26.breach(job.at("manualSelector"), True, "there is no selector", do)  # noqa: FBT003
    elif spec.get("selector"):
        yield J26.breach(job.at("selector"), None, "the API server makes the selector of a Job")


@J24.jobs
def _managed(job: Job, _scope: Scope) -> Iterator[Breach]:
    manager = job.spec.get("managedBy")
    if manager is not None and (because := _no_manager(manager)):
        yield J24.breach(job.at("managedBy"), manager, because)


@lru_cache(maxsize=256)
def _no_manager(name: str) -> str | None:
    domain, _, path = name.partition("/")
    if len(name) > LONGEST_MANAGER:
        return f"a manager has at most {LONGEST_MANAGER} characters and this one has {len(name)}"
    if not domain or not MANAGER_PATH.fullmatch(path):
        return "a manager is a domain, a slash and a name"
    if broken := subdomain(domain):
        return f"the part before the slash is a domain: {broken}"
    return None
