"""K: queues of Kueue: labels and annotations that its webhooks refuse, or that nobody reads where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.demand import requested
from modelyard.rules.fields import given
from modelyard.rules.kinds import SEVERAL_PODS
from modelyard.rules.queues import queue_of
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job, Object, Pod
from modelyard.values.kueue import LEAST, MOST_TIME, PRIORITY, QUEUE
from modelyard.values.kueue import PREFIX as KUEUE
from modelyard.values.names import HOOKS, qualified_name, subdomain

KEYS = frozenset({QUEUE, PRIORITY, MOST_TIME})
EQUAL, ELASTIC = (
    f"{KUEUE}job-completions-equal-parallelism",
    f"{KUEUE}elastic-job",
)
TOPOLOGIES = tuple(f"{KUEUE}podset-{how}-topology" for how in ("required", "preferred", "unconstrained"))
SLICE, SLICE_SIZE = f"{KUEUE}podset-slice-required-topology", f"{KUEUE}podset-slice-size"
ELASTIC_KINDS = frozenset({"Job", "RayCluster", "RayJob", "RayService"})
BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
RUN = "https://kueue.sigs.k8s.io/docs/tasks/run/"

K01 = Rule(
    "K01",
    "The queue of a workload has the name of a LocalQueue.",
    why="The webhook of Kueue refuses the object.",
    fix="write the name of a LocalQueue of the namespace",
    see=f"{RUN}jobs/",
)
K02 = Rule(
    "K02",
    "The longest time that a workload may be admitted is a number of seconds.",
    why="The webhook of Kueue refuses the object.",
    fix='write seconds as a string, such as "86400"',
    see="https://kueue.sigs.k8s.io/docs/concepts/workload/#maximum-execution-time",
)
K03 = Rule(
    "K03",
    "A Job that starts with fewer pods than it can have says how few, and that is less than parallelism.",
    why="The webhook of Kueue refuses the Job; of other kinds nobody reads it.",
    fix="write 1 to parallelism less 1, or remove it",
    see=f"{RUN}jobs/#partial-admission",
)
K04 = Rule(
    "K04",
    "The pods of a workload are kept together by one topology.",
    why="The webhook of Kueue refuses the object.",
    fix="keep one of the annotations, with a label of nodes as its value",
    see="https://kueue.sigs.k8s.io/docs/concepts/topology_aware_scheduling/",
)
K05 = Rule(
    "K05",
    "Every container of a workload in a queue says what it needs.",
    why=(
        "Kueue counts requests. What asks for nothing is admitted for nothing, gets no nodes of a flavor assigned, and"
        " takes the room of those that are counted."
    ),
    fix="add resources.requests",
    see="https://github.com/kubernetes-sigs/kueue/issues/891",
    severity=Severity.WARNING,
    acceptable=True,
)
K06 = Rule(
    "K06",
    "Only kinds that can grow and shrink in a queue are elastic.",
    why="Kueue refuses the annotation, or does not read it.",
    fix="remove the annotation",
    see="https://kueue.sigs.k8s.io/docs/concepts/elastic_workload/",
)
K08 = Rule(
    "K08",
    "A Job whose completions follow its parallelism is Indexed, and begins with as many of both.",
    why="The webhook of Kueue refuses the Job.",
    fix="write completionMode: Indexed, and completions as many as parallelism",
    see=f"{RUN}jobs/#partial-admission",
)
C09 = Rule(
    "C09",
    "The queue of a schedule stands in the template of its Jobs.",
    why="Kueue does not look at CronJobs: their Jobs start at once, past the queue, and take what others wait for.",
    fix="write the label into spec.jobTemplate.metadata.labels",
    see=f"{RUN}run_cronjobs/",
)
J22 = Rule(
    "J22",
    "A Job that Argo CD waits for does not wait in a queue.",
    why=(
        "Argo CD takes a suspended Job of a hook for one that goes on, so the sync waits as long as the queue does, and"
        " every later commit with it."
    ),
    fix="remove the hook: a Job whose name carries its content runs once for each change without it",
    see="https://github.com/argoproj/argo-cd/issues/10600",
    acceptable=True,
)

Words = Mapping[str, str]


@K01.objects("*")
def queued(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the labels and annotations that Kueue reads on objects of every kind."""
    labels, annotations = one.metadata.get("labels"), one.metadata.get("annotations")
    if labels and not KEYS.isdisjoint(labels):
        if one.kind == "CronJob" and QUEUE in labels:
            template = ((one.spec.get("jobTemplate") or {}).get("metadata") or {}).get("labels") or {}
            if QUEUE not in template:
                because = "Kueue looks for it at the Jobs, and not at the CronJob"
                yield C09.breach(f"metadata.labels[{QUEUE!r}]", labels[QUEUE], because)
        yield from _labels(labels, "metadata.labels")
    if annotations:
        yield from _elastic(one, annotations)
        if LEAST in annotations and one.kind != "Job":
            because = f"it is for Jobs, and this is a {one.kind}"
            yield K03.breach(f"metadata.annotations[{LEAST!r}]", annotations[LEAST], because, "remove it")


def _labels(labels: Words, path: str) -> Iterator[Breach]:
    for key, rule in ((QUEUE, K01), (PRIORITY, K01)):
        if key in labels and (broken := subdomain(labels[key])):
            do = None if key == QUEUE else "write the name of a WorkloadPriorityClass"
            yield rule.breach(f"{path}[{key!r}]", labels[key], broken, do)
    if MOST_TIME in labels and not (labels[MOST_TIME].isdecimal() and int(labels[MOST_TIME]) > 0):
        yield K02.breach(f"{path}[{MOST_TIME!r}]", labels[MOST_TIME], "it is a whole number of seconds above 0")


def _elastic(one: Object, annotations: Words) -> Iterator[Breach]:
    if annotations.get(ELASTIC) not in TRUE:
        return
    if one.kind not in ELASTIC_KINDS:
        because = f"a {one.kind} neither grows nor shrinks in a queue"
        yield K06.breach(f"metadata.annotations[{ELASTIC!r}]", annotations[ELASTIC], because)
    elif LEAST in annotations:
        because = "the Job is elastic too, and the two exclude each other"
        yield K03.breach(f"metadata.annotations[{LEAST!r}]", annotations[LEAST], because, "keep one of the two")


@K03.jobs
def job(job: Job, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at what Kueue reads on Jobs, also on those that a CronJob makes."""
    one = job.object
    metadata: Mapping[str, Any] = one.metadata
    path = "metadata"
    if one.kind == "CronJob":
        metadata, path = (one.spec.get("jobTemplate") or {}).get("metadata") or {}, "spec.jobTemplate.metadata"
        yield from _labels(metadata.get("labels") or {}, f"{path}.labels")
    annotations: Words = metadata.get("annotations") or {}
    if QUEUE in job.labels and (hook := next((hook for hook in HOOKS if hook in annotations), None)):
        because = f"the Job waits in the queue {job.labels[QUEUE]}, and the sync with it"
        yield J22.breach(f"{path}.annotations[{hook!r}]", annotations[hook], because)
    if one.kind in SEVERAL_PODS:
        return
    parallelism, completions = given(job.spec, "parallelism", 1), job.spec.get("completions")
    if (least := annotations.get(LEAST)) is not None and not (least.isdecimal() and 0 < int(least) < parallelism):
        because = f"it is a number above 0 and below parallelism, which is {parallelism}"
        yield K03.breach(f"{path}.annotations[{LEAST!r}]", least, because)
    if (equal := annotations.get(EQUAL)) is not None:
        if equal not in BOOLEANS:
            yield K08.breach(
                f"{path}.annotations[{EQUAL!r}]", equal, "it is true or false", 'write "true", or remove it'
            )
        elif equal in TRUE and (job.spec.get("completionMode") != "Indexed" or completions != parallelism):
            because = f"this one is not Indexed, or completions is {completions} and parallelism {parallelism}"
            yield K08.breach(f"{path}.annotations[{EQUAL!r}]", equal, because)


@K04.pods
def topology(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look at the topology that the pods of a workload ask for, and whether they can be counted."""
    annotations: Words = pod.metadata.get("annotations") or {}
    if annotations:
        yield from _topology(pod, annotations)
    job = next((job for job in pod.object.jobs if job.at("template") == pod.path), None)
    if job is not None and (queue := queue_of(pod.object, scope)) is not None:
        for container in pod.containers:
            if not requested(container):
                because = f"the queue {queue} counts what containers ask for, and this one asks for nothing"
                yield K05.breach(container.at("resources"), None, because)


def _topology(pod: Pod, annotations: Words) -> Iterator[Breach]:
    given = [key for key in TOPOLOGIES if key in annotations]
    for key in given[1:]:
        because = f"there is {given[0]} too, and a workload has one of them"
        yield K04.breach(pod.at(f"metadata.annotations[{key!r}]"), annotations[key], because)
    for key in (*TOPOLOGIES[:2], SLICE):
        if key in annotations and (broken := qualified_name(annotations[key])):
            at = pod.at(f"metadata.annotations[{key!r}]")
            yield K04.breach(
                at, annotations[key], f"it is a label of nodes: {broken}", "write the key of a label of nodes"
            )
    if TOPOLOGIES[2] in annotations and annotations[TOPOLOGIES[2]] not in BOOLEANS:
        at = pod.at(f"metadata.annotations[{TOPOLOGIES[2]!r}]")
        yield K04.breach(at, annotations[TOPOLOGIES[2]], "it is true or false", 'write "true", or remove it')
    size = annotations.get(SLICE_SIZE)
    if (size is None) != (SLICE not in annotations):
        missing, there = (SLICE_SIZE, SLICE) if size is None else (SLICE, SLICE_SIZE)
        at = pod.at(f"metadata.annotations[{there!r}]")
        yield K04.breach(at, annotations[there], f"there is no {missing} with it", "write both, or none")
    elif size is not None and not (size.isdecimal() and int(size) > 0):
        at = pod.at(f"metadata.annotations[{SLICE_SIZE!r}]")
        yield K04.breach(at, size, "it is a whole number above 0", "write how many pods make a slice")
