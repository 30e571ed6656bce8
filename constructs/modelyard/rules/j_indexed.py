"""J: Indexed Jobs: their size, their retries by index, and pods that work together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.fields import given
from modelyard.rules.kinds import SETS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job, Object
from modelyard.values.kueue import QUEUE

DEFAULT_RETRIES = 6
MOST_PARALLEL = 100_000
MANY = 100_000
MOST_PARALLEL_OF_MANY = 10_000
MOST_SUCCESS_RULES = 20
JOB_NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
"""Labels that the API server puts on a Job's pods."""

GATE = "WorkloadWithJob"
"""The gate by which Kubernetes itself starts all pods of a Job or none."""
USUAL_SCHEDULERS = frozenset({"", "default-scheduler"})
POD_GROUP = "scheduling.x-k8s.io/pod-group"

INDEXED = "https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode"
PER_INDEX = "https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index"
TOGETHER = "https://kubernetes.io/docs/tasks/job/job-with-pod-to-pod-communication/"

J02 = Rule(
    "J02",
    "An Indexed Job that runs several pods at once says how many completions it wants.",
    why="The API server refuses the Job.",
    fix="set completions to the number of indexes",
    see=INDEXED,
)
J03 = Rule(
    "J03",
    "Retries by index, failed indexes and success policies belong to Indexed Jobs.",
    why="The API server refuses the Job.",
    fix="write completionMode: Indexed and completions, or remove the field",
    see=PER_INDEX,
)
J04 = Rule(
    "J04",
    "A Job that tolerates failed indexes gives indexes their own retries, and has that many indexes.",
    why="The API server refuses the Job.",
    fix="set backoffLimitPerIndex, and maxFailedIndexes to at most completions",
    see=PER_INDEX,
)
J05 = Rule(
    "J05",
    "An Indexed Job stays within the sizes that its status can hold.",
    why="The API server refuses the Job.",
    fix="split it into several Jobs",
    see=INDEXED,
)
J15 = Rule(
    "J15",
    "A Job whose pods work together can lose each of them at least once.",
    why=(
        "When one pod of a distributed training dies, the others fail with it, and each of them counts as a retry. "
        "With fewer retries than pods the first incident fails the Job for good."
    ),
    fix="raise backoffLimit to the number of pods times the restarts that are fine",
    see=TOGETHER,
    severity=Severity.WARNING,
    acceptable=True,
)
J16 = Rule(
    "J16",
    "A Job whose pods work together starts all of them at once.",
    why="The pods that run wait for those that are not started before one of the first is done: none ever is.",
    fix="set parallelism to the number of completions",
    see=TOGETHER,
    acceptable=True,
)
J17 = Rule(
    "J17",
    "A Job whose pods find each other by name has the headless Service that gives them their names.",
    why="The names of the pods are never in DNS, so the rendezvous of the training waits until it times out.",
    fix="add a Service of this name with clusterIP: None that selects the pods, publishNotReadyAddresses: true",
    see=TOGETHER,
    acceptable=True,
)
J18 = Rule(
    "J18",
    "The pods of a Job that work together get their nodes all at once.",
    why=(
        "Kubernetes' own scheduler places pod by pod. Where two such Jobs want the last free nodes, each can get some "
        "of them and wait for the rest for ever, while the accelerators are held and idle."
    ),
    fix="put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes",
    see="https://kueue.sigs.k8s.io/docs/tasks/run/jobs/",
    severity=Severity.WARNING,
    acceptable=True,
)
J19 = Rule(
    "J19",
    "A success policy can be fulfilled by the indexes that the Job has.",
    why="The API server refuses the Job.",
    fix="name indexes below completions, in ascending order, such as 0,2-4",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#success-policy",
)

OF_TRAINER = frozenset({"TrainingRuntime", "ClusterTrainingRuntime"})


J27 = Rule(
    "J27",
    "Kubernetes itself starts the pods of a Job all or not at all where the cluster can do it.",
    why=(
        "The gate WorkloadWithJob is off unless the cluster's owners turn it on. The API server then takes the Job,"
        " drops scheduling without a word, and places its pods one by one; Argo CD sees a difference for ever."
    ),
    fix='say Cluster(feature_gates={"WorkloadWithJob"}) where it is on, or put the Job into a queue',
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/gang-scheduling/",
)


@J27.jobs
def gang(job: Job, scope: Scope) -> Iterator[Breach]:
    """Look at what a Job says of how its pods are placed together."""
    if job.spec.get("scheduling") and GATE not in scope.site.cluster.feature_gates:
        because = f"the cluster {scope.site.cluster.name} does not say that its gate {GATE} is on"
        yield J27.breach(job.at("scheduling"), None, because)


@J02.jobs
def _indexed(job: Job, scope: Scope) -> Iterator[Breach]:
    spec = job.spec
    # JobSet writes Indexed where nothing is written.
    if given(spec, "completionMode", "Indexed" if job.object.kind in SETS else "") != "Indexed":
        for name in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
            if spec.get(name) is not None:
                yield J03.breach(job.at(name), None, "the Job has no indexes (completionMode is NonIndexed)")
        return
    completions, parallelism = spec.get("completions"), spec.get("parallelism")
    if completions is None and job.object.kind in OF_TRAINER:
        completions = parallelism  # the trainer writes both
    if completions is None and parallelism is not None:
        because = f"an Indexed Job with parallelism {parallelism} says how many indexes it has"
        yield J02.breach(job.at("completions"), None, because, f"write completions: {parallelism}, or more")
        return
    completions = 1 if completions is None else completions
    parallelism = 1 if parallelism is None else parallelism
    yield from _retries_by_index(job, completions)
    yield from _size(job, completions, parallelism)
    if (policy := spec.get("successPolicy")) is not None:
        yield from _success(policy, completions, job.at("successPolicy.rules"))
    if completions > 1 and (service := job.pod.spec.get("subdomain")):
        yield from _together(job, completions, parallelism, scope)
        yield from _named(job, service, scope)
    elif job.object.kind == "JobSet" and parallelism > 1 and not _gang(job, scope):
        because = "its pods are placed one by one, and each of two such JobSets may hold half of the nodes for ever"
        yield J18.breach(job.at("completions"), completions, because)


def _retries_by_index(job: Job, completions: int) -> Iterator[Breach]:
    failed = job.spec.get("maxFailedIndexes")
    if failed is None:
        return
    field = job.at("maxFailedIndexes")
    if job.spec.get("backoffLimitPerIndex") is None:
        because = "backoffLimitPerIndex is not set, so no index fails on its own"
        yield J04.breach(field, failed, because, "set backoffLimitPerIndex, or remove maxFailedIndexes")
    if failed > completions:
        because = f"completions is {completions}, and at most all indexes fail"
        yield J04.breach(field, failed, because, f"lower it to at most {completions}")


def _size(job: Job, completions: int, parallelism: int) -> Iterator[Breach]:
    if parallelism > MOST_PARALLEL:
        because = f"an Indexed Job runs at most {MOST_PARALLEL} pods at once"
        yield J05.breach(job.at("parallelism"), parallelism, because)
    if completions <= MANY or job.spec.get("backoffLimitPerIndex") is None:
        return
    condition = f"with more than {MANY} completions and backoffLimitPerIndex it is at most {MOST_PARALLEL_OF_MANY}"
    failed = job.spec.get("maxFailedIndexes")
    if MOST_PARALLEL_OF_MANY < parallelism <= MOST_PARALLEL:
        yield J05.breach(job.at("parallelism"), parallelism, condition, f"lower it to {MOST_PARALLEL_OF_MANY}")
    if failed is None:
        yield J05.breach(job.at("maxFailedIndexes"), None, f"it is not set, and {condition}", "set maxFailedIndexes")
    elif MOST_PARALLEL_OF_MANY < failed <= completions:
        yield J05.breach(job.at("maxFailedIndexes"), failed, condition, f"lower it to {MOST_PARALLEL_OF_MANY}")


def _success(policy: dict[str, Any], completions: int, path: str) -> Iterator[Breach]:
    rules = policy.get("rules") or []
    if not 1 <= len(rules) <= MOST_SUCCESS_RULES:
        because = f"a success policy has 1 to {MOST_SUCCESS_RULES} rules"
        yield J19.breach(path, f"{len(rules)} rules", because, "write the rules that are needed")
    for index, rule in enumerate(rules):
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        available = completions
        if count is None and indexes is None:
            do = 'write succeededIndexes: "0", or succeededCount'
            yield J19.breach(f"{path}[{index}]", None, "it asks for nothing", do)
        if indexes is not None:
            found = indexes_in(indexes, completions)
            if isinstance(found, str):
                yield J19.breach(f"{path}[{index}].succeededIndexes", indexes, found)
                continue
            available = found
        if count is not None and not 0 <= count <= available:
            because = f"only {available} indexes can succeed here"
            yield J19.breach(f"{path}[{index}].succeededCount", count, because, f"write 0 to {available}")


@lru_cache(maxsize=256)
def indexes_in(text: str, completions: int) -> int | str:
    """Return how many indexes *text* names, such as 4 in ``0,2-4``, or what is wrong with it."""
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        first, dash, end = interval.partition("-")
        if not first.isdecimal() or (dash and not end.isdecimal()):
            return "indexes are whole numbers and ranges of them, separated by commas"
        low, high = int(first), int(end) if dash else int(first)
        if low <= last or (dash and high <= low):
            return "indexes stand in ascending order"
        if high >= completions:
            return f"the last index is {completions - 1} (completions is {completions})"
        total, last = total + high - low + 1, high
    return total


def _together(job: Job, completions: int, parallelism: int, scope: Scope) -> Iterator[Breach]:
    if parallelism < completions:
        because = f"completions is {completions}, and the pods wait for each other (subdomain is set)"
        yield J16.breach(job.at("parallelism"), parallelism, because, f"write parallelism: {completions}")
    retries = job.spec.get("backoffLimit")
    limit = DEFAULT_RETRIES if retries is None else retries
    # 0 is somebody's wish: the first failure ends the Job, and frees the nodes of the others.
    if job.spec.get("backoffLimitPerIndex") is None and 0 < limit < completions:
        shown = "" if retries is not None else f" (Kubernetes assumes {DEFAULT_RETRIES})"
        because = f"{completions} pods fail together{shown}, and each counts as one retry"
        yield J15.breach(job.at("backoffLimit"), retries, because, f"raise it to {completions} or a multiple")
    if not _gang(job, scope):
        because = "its pods are placed one by one, and each of two such Jobs may hold half of the nodes for ever"
        yield J18.breach(job.at("completions"), completions, because)


def _gang(job: Job, scope: Scope) -> bool:
    """Return whether a queue or a scheduler places the pods of *job* all or not at all."""
    pod = job.pod
    policy = (job.spec.get("scheduling") or {}).get("schedulingPolicy") or {}
    if policy.get("gang") and job.object.kind == "Job" and GATE in scope.site.cluster.feature_gates:
        return True
    return (
        QUEUE in job.labels
        or POD_GROUP in pod.labels
        or bool(pod.spec.get("schedulingGroup"))
        or (pod.spec.get("schedulerName") or "") not in USUAL_SCHEDULERS
    )


def _named(job: Job, name: str, scope: Scope) -> Iterator[Breach]:
    field = job.at("template.spec.subdomain")
    service = scope.find("Service", job.object.namespace, name)
    if service is None:
        yield J17.breach(field, name, "the environment has no Service of this name")
        return
    if service.spec.get("clusterIP") != "None":
        because = "the Service of this name is not headless, so the pods get no names of their own"
        yield J17.breach(field, name, because, "write clusterIP: None in the Service")
    if not _selects(service, job):
        because = "the Service of this name does not select the pods of this Job"
        yield J17.breach(field, name, because, "give the Service labels of the pod template as its selector")
    if not service.spec.get("publishNotReadyAddresses"):
        because = "the Service of this name leaves out pods that are not ready, as they are until they found each other"
        yield J17.breach(field, name, because, "write publishNotReadyAddresses: true in the Service")


def _selects(service: Object, job: Job) -> bool:
    selector = dict(service.spec.get("selector") or {})
    for key in JOB_NAME_LABELS:
        if key in selector and job.object.kind == "Job" and selector[key] == job.object.name:
            del selector[key]
    found = service.spec.get("selector")
    return bool(found) and selector.items() <= job.pod.labels.items()
