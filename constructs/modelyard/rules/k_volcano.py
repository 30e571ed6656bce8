"""K: Jobs in queues of Volcano: what its webhooks refuse, and what would never start or never end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.j import J21
from modelyard.rules.j_indexed import J18, USUAL_SCHEDULERS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.names import dns_label, dns_label_1035
from modelyard.values.similar import did_you_mean

PAGE = "https://volcano.sh/en/docs/vcjob/"
ROOT = "root"
ANY = "*"
EVENTS = frozenset(
    {ANY, "JobUpdated", "PodEvicted", "PodFailed", "PodPending", "TaskCompleted", "TaskFailed", "Unknown"}
)
"""Events that a policy may name; its definition lets others pass, which Volcano keeps for itself."""
ACTIONS = (
    "AbortJob", "CompleteJob", "RestartJob", "RestartPartition", "RestartPod", "RestartTask", "ResumeJob",
    "TerminateJob",
)  # fmt: skip
PLUGINS = ("env", "hcclrank", "mpi", "pytorch", "ray", "ssh", "svc", "tensorflow")
WITH_SERVICE = frozenset({"mpi", "pytorch", "ray", "svc", "tensorflow"})
"""Plugins that come to a Service of the name of the Job."""

K09 = Rule(
    "K09",
    "A Job of Volcano waits for no more pods than it has.",
    why="The webhook of Volcano refuses the Job: it could never start.",
    fix="lower minAvailable, or raise replicas",
    see=PAGE,
)
K10 = Rule(
    "K10",
    "The tasks of a Job of Volcano have names, each its own, that leave room in those of their pods.",
    why=(
        "The webhook of Volcano refuses the Job; or it is taken, and its pods or its Service are refused, and it waits"
        " for ever."
    ),
    fix="shorten the name, of a-z, 0-9 and -",
    see=PAGE,
)
K11 = Rule(
    "K11",
    "A policy of a Job of Volcano says what follows from events or from one exit code, and no other says so too.",
    why="The webhook of Volcano refuses the Job.",
    fix="correct the policy",
    see="https://github.com/volcano-sh/volcano/blob/master/docs/design/job-api.md",
)
K12 = Rule(
    "K12",
    "A Job of Volcano is put into a queue that takes Jobs.",
    why=(
        "The webhook of Volcano refuses a Job whose queue is not there, is closed, or has queues below it. What else"
        " a cluster has of queues is not known here."
    ),
    fix="name an open queue that no other has as its parent",
    see="https://volcano.sh/en/docs/queue/",
)
K13 = Rule(
    "K13",
    "A Job of Volcano names tasks and plugins that there are, and no task waits for itself.",
    why="The webhook of Volcano refuses the Job.",
    fix="correct the name",
    see=PAGE,
)
K14 = Rule(
    "K14",
    "A Job of Volcano says once what it mounts where, and how far its nodes may lie apart.",
    why="The webhook of Volcano refuses the Job.",
    fix="keep one of the two",
    see=PAGE,
)
K15 = Rule(
    "K15",
    "The pods of a Job of Volcano end.",
    why=(
        "Without restartPolicy Kubernetes assumes Always: a container that is done is started again, and the Job never"
        " completes and never fails."
    ),
    fix="write restartPolicy: Never",
    see=PAGE,
    acceptable=True,
)

Part = Mapping[str, Any]


@K09.objects("VolcanoJob")
def volcano_job(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at a Job of Volcano."""
    tasks: Sequence[Part] = one.spec.get("tasks") or ()
    yield from _counts(one.spec, tasks)
    yield from _names(one, tasks)
    yield from _policies(one.spec.get("policies") or (), "spec.policies")
    for index, task in enumerate(tasks):
        at = f"spec.tasks[{index}]"
        yield from _policies(task.get("policies") or (), f"{at}.policies")
        policy = ((task.get("template") or {}).get("spec") or {}).get("restartPolicy")
        if policy in {None, "Always"}:
            yield K15.breach(f"{at}.template.spec.restartPolicy", policy, "the pods of this task never end")
    yield from _queue(one, scope)
    yield from _references(one.spec, tasks)
    yield from _once(one.spec, tasks)
    yield from _delivered(one, tasks)


def _counts(spec: Part, tasks: Sequence[Part]) -> Iterator[Breach]:
    total, least = sum(task.get("replicas") or 0 for task in tasks), spec.get("minAvailable") or 0
    if least > total:
        yield K09.breach("spec.minAvailable", least, f"its tasks have {total} pods together")
    for index, task in enumerate(tasks):
        at, replicas, wanted = f"spec.tasks[{index}]", task.get("replicas") or 0, task.get("minAvailable")
        if wanted is not None and wanted > replicas:
            yield K09.breach(f"{at}.minAvailable", wanted, f"the task has {replicas} pods")
        if (parts := task.get("partitionPolicy")) is None:
            continue
        size = parts["partitionSize"]
        if parts["totalPartitions"] * size != replicas:
            because = f"these are {parts['totalPartitions']} partitions of {size}, and the task has {replicas} pods"
            yield K09.breach(f"{at}.partitionPolicy.totalPartitions", parts["totalPartitions"], because)
        elif wanted is not None and (parts.get("minPartitions") or 0) * size != wanted:
            because = f"minAvailable is {wanted}, which are not so many partitions of {size}"
            yield K09.breach(f"{at}.partitionPolicy.minPartitions", parts.get("minPartitions"), because)


def _names(one: Object, tasks: Sequence[Part]) -> Iterator[Breach]:
    plugins = one.spec.get("plugins") or {}
    if not WITH_SERVICE.isdisjoint(plugins) and (broken := dns_label_1035(one.name)):
        yield K10.breach("metadata.name", one.name, f"its Service would be called so, and {broken}")
        return
    seen: set[str] = set()
    for index, task in enumerate(tasks):
        field, name = f"spec.tasks[{index}].name", str(task.get("name") or f"default{index}")
        last = f"{one.name}-{name}-{max(0, (task.get('replicas') or 0) - 1)}"
        if name in seen:
            yield K10.breach(field, name, "another task has this name", "give it another name")
        elif broken := dns_label(last):
            yield K10.breach(field, name, f"its last pod would be called {last}, and {broken}")
        seen.add(name)


def _policies(policies: Sequence[Part], at: str) -> Iterator[Breach]:
    seen: set[object] = set()
    for index, policy in enumerate(policies):
        field, code, action = f"{at}[{index}]", policy.get("exitCode"), policy.get("action")
        events = [*(policy.get("events") or ()), *([policy["event"]] if policy.get("event") else ())]
        if events and code is not None:
            because = "it stands beside events, and a policy is about one of the two"
            yield K11.breach(f"{field}.exitCode", code, because, "make two policies of it")
        elif not events and code is None:
            yield K11.breach(field, None, "it says neither events nor exitCode", "add what it is about")
        if code == 0:
            yield K11.breach(f"{field}.exitCode", code, "a pod that ends with 0 has succeeded", "remove the policy")
        for event in dict.fromkeys(events):
            if event not in EVENTS:
                do = f"write one of {', '.join(sorted(EVENTS))}"
                yield K11.breach(f"{field}.events", event, "Volcano keeps this event for itself", do)
        if action not in ACTIONS:
            do = did_you_mean(str(action), ACTIONS) or f"write one of {', '.join(ACTIONS)}"
            yield K11.breach(f"{field}.action", action, "a policy has no such action", do)
        subjects = {*events, *(() if code is None else (code,))}
        for subject in sorted(subjects & seen, key=str):
            because = "a policy before it is about the same, and that one holds"
            yield K11.breach(field, subject, because, "keep one of the two")
        seen |= subjects
    if ANY in seen and len([one for one in seen if isinstance(one, str)]) > 1:
        because = "it stands for every event, and other policies name some of them"
        yield K11.breach(f"{at}.event", ANY, because, "keep it alone, or name each event")


def _queue(one: Object, scope: Scope) -> Iterator[Breach]:
    queue = one.spec.get("queue") or ""
    if queue == ROOT:
        yield K12.breach("spec.queue", queue, "all other queues are below it", "name one of those")
    elif queue and (below := _children(scope).get(queue)) is not None:
        yield K12.breach("spec.queue", queue, f"the Queue {below} is below it")


def _children(scope: Scope) -> Mapping[str, str]:
    """Return the queues that others have as their parent, each with one of those."""
    if "volcano queues" not in scope.memo:
        found = [one for one in scope.of_kind("Queue") if one.api_version.startswith("scheduling.volcano.sh/")]
        scope.memo["volcano queues"] = {parent: one.name for one in found if (parent := one.spec.get("parent"))}
    children: Mapping[str, str] = scope.memo["volcano queues"]
    return children


def _references(spec: Part, tasks: Sequence[Part]) -> Iterator[Breach]:
    names = [str(task.get("name") or f"default{index}") for index, task in enumerate(tasks)]
    waits: dict[str, list[str]] = {}
    for index, task in enumerate(tasks):
        wanted = [str(name) for name in (task.get("dependsOn") or {}).get("name") or ()]
        for place, name in enumerate(wanted):
            if name not in names:
                do = did_you_mean(name, names) or f"write one of {', '.join(names)}"
                yield K13.breach(f"spec.tasks[{index}].dependsOn.name[{place}]", name, "the Job has no such task", do)
        waits[names[index]] = [name for name in wanted if name in names]
    for index, name in enumerate(names):
        if name in _reached(name, waits):
            because = "it waits for itself, by way of the tasks that it depends on"
            yield K13.breach(f"spec.tasks[{index}].dependsOn.name", waits[name], because, "remove one")
            break
    plugins: Mapping[str, Sequence[str]] = spec.get("plugins") or {}
    for name in plugins:
        if name not in PLUGINS:
            do = did_you_mean(name, PLUGINS) or f"write one of {', '.join(PLUGINS)}"
            yield K13.breach(f"spec.plugins[{name!r}]", None, "Volcano has no such plugin", do)
    for role in ("master", "worker") if "mpi" in plugins else ():
        called = _argument(plugins["mpi"] or (), role) or role
        if called not in names:
            because = f"its {role} is the task {called}, and the Job has none of this name"
            yield K13.breach("spec.plugins['mpi']", None, because, f"add --{role}= with the name of a task")


def _argument(arguments: Sequence[str], name: str) -> str | None:
    """Return what *arguments* say of the option *name*."""
    for index, word in enumerate(arguments):
        option, equals, text = word.lstrip("-").partition("=")
        if option == name:
            return text if equals else next(iter(arguments[index + 1 :]), None)
    return None


def _reached(name: str, waits: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the tasks that *name* waits for, and those that they wait for."""
    found, left = set[str](), list(waits[name])
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left.extend(waits[one])
    return found


def _once(spec: Part, tasks: Sequence[Part]) -> Iterator[Breach]:
    seen: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        at, path = f"spec.volumes[{index}]", str(volume["mountPath"])
        if path in seen:
            yield K14.breach(f"{at}.mountPath", path, "another volume is mounted there", "choose another folder")
        seen.add(path)
        named, made = bool(volume.get("volumeClaimName")), volume.get("volumeClaim") is not None
        if named and made:
            because = "volumeClaim stands beside it, and a volume is a claim that exists or one that is made"
            yield K14.breach(f"{at}.volumeClaimName", volume["volumeClaimName"], because)
        elif not named and not made:
            yield K14.breach(at, None, "it says neither volumeClaimName nor volumeClaim", "name a claim")
    places = {"spec.networkTopology": spec.get("networkTopology")}
    for index, task in enumerate(tasks):
        at = f"spec.tasks[{index}].partitionPolicy.networkTopology"
        places[at] = (task.get("partitionPolicy") or {}).get("networkTopology")
    for at, topology in places.items():
        if topology and topology.get("highestTierAllowed") is not None and topology.get("highestTierName"):
            because = "highestTierAllowed stands beside it, and both name the tier"
            yield K14.breach(f"{at}.highestTierName", topology["highestTierName"], because)


def _delivered(one: Object, tasks: Sequence[Part]) -> Iterator[Breach]:
    ttl = one.spec.get("ttlSecondsAfterFinished")
    if ttl is not None:
        because = "Argo CD and Flux create a Job anew that is in git and not in the cluster, so it runs again and again"
        yield J21.breach("spec.ttlSecondsAfterFinished", ttl, because)
    total, scheduler = sum(task.get("replicas") or 0 for task in tasks), one.spec.get("schedulerName")
    if total > 1 and scheduler and scheduler in USUAL_SCHEDULERS:
        because = "it places pods one by one, and each of two such Jobs may hold half of the nodes for ever"
        yield J18.breach("spec.schedulerName", scheduler, because, "write schedulerName: volcano")
