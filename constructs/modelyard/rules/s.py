"""S: JobSets: the order of their Jobs, what starts them again, and names that leave room."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.fields import given
from modelyard.rules.j import J21, J23
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.kueue import QUEUE
from modelyard.values.names import LABEL_LENGTH, dns_label_1035
from modelyard.values.similar import did_you_mean

CONCEPTS = "https://jobset.sigs.k8s.io/docs/concepts/"
FAILURES = "https://jobset.sigs.k8s.io/docs/tasks/failure_policy/"
REASONS = (
    "BackoffLimitExceeded", "DeadlineExceeded", "FailedIndexes", "MaxFailedIndexesExceeded", "PodFailurePolicy",
)  # fmt: skip
RULE_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?")
LONGEST_RULE_NAME = 128
UNLIMITED = 2**31 - 1
"""The backoffLimit that a restart in place needs, and the most pods."""
POD_SUFFIX = "-abcde"
"""Stands for what Kubernetes adds to the name of each pod."""

N06 = Rule(
    "N06",
    "The Jobs of a JobSet, called after the set, their place in it and their number, have names that are DNS labels.",
    why="The webhook of JobSet refuses the JobSet: its Jobs are found by DNS under these names.",
    fix="shorten the name of the JobSet, and begin it with a letter",
    see=CONCEPTS,
)
N07 = Rule(
    "N07",
    "The pods of a JobSet have names that are DNS labels.",
    why="The webhook of JobSet adds place, numbers and 6 more characters to the name, and refuses what gets too long.",
    fix="shorten the name of the JobSet",
    see=CONCEPTS,
)
N13 = Rule(
    "N13",
    "The failure rules of a JobSet have names, each its own.",
    why="The webhook of JobSet refuses the JobSet.",
    fix="name each rule with letters, digits, _ and :, such as hostMaintenance",
    see=FAILURES,
)
S01 = Rule(
    "S01",
    "A Job of a JobSet depends on Jobs that stand before it.",
    why="The API server or the webhook of JobSet refuses the JobSet.",
    fix="put the Job behind those that it waits for, and leave startupPolicy away",
    see=f"{CONCEPTS}#dependson",
)
S02 = Rule(
    "S02",
    "The failure and success policies of a JobSet name Jobs that it has, and reasons that there are.",
    why="The webhook of JobSet refuses the JobSet.",
    fix="correct the name",
    see=FAILURES,
)
S03 = Rule(
    "S03",
    "What a JobSet restarts without counting is what passes by itself.",
    why=(
        "A Job says PodFailurePolicy for a lost node and for an exit code alike. A rule that takes both for a lost"
        " node starts a program that cannot work again for ever, and all accelerators with it."
    ),
    fix='add onJobFailureMessagePatterns: ["has condition DisruptionTarget"]',
    see=FAILURES,
    severity=Severity.WARNING,
    acceptable=True,
)
S04 = Rule(
    "S04",
    "A JobSet that restarts in place has Jobs that never fail by themselves.",
    why="The webhook of JobSet refuses the JobSet.",
    fix="write backoffLimit: 2147483647, podReplacementPolicy: Failed and parallelism as many as completions",
    see="https://github.com/kubernetes-sigs/jobset/blob/main/keps/467-InPlaceRestart/README.md",
)
S05 = Rule(
    "S05",
    "The coordinator of a JobSet is a pod that it has.",
    why="The webhook of JobSet refuses the JobSet.",
    fix="correct replicatedJob, jobIndex and podIndex",
    see=CONCEPTS,
)
S07 = Rule(
    "S07",
    "The pods of a JobSet say how they restart.",
    why=(
        "The webhook of JobSet then writes OnFailure: a container that fails is started again in place, backoffLimit"
        " times over all pods of its Job, before failurePolicy of the JobSet hears of anything."
    ),
    fix="write restartPolicy: Never",
    see=CONCEPTS,
    severity=Severity.WARNING,
    acceptable=True,
)
S08 = Rule(
    "S08",
    "A JobSet stays within the pods that can be counted.",
    why="The webhook of JobSet refuses the JobSet.",
    fix="lower replicas or parallelism",
    see=CONCEPTS,
)
Part = Mapping[str, Any]


@S01.objects("JobSet")
def job_set(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at a JobSet, and at how it is delivered."""
    if not one.api_version.startswith("jobset.x-k8s.io/"):
        return
    for index, job in enumerate(one.spec.get("replicatedJobs") or ()):
        yield from _names(one.name, job, f"spec.replicatedJobs[{index}].name")
    yield from _set(one.spec, "spec")
    yield from _delivered(one)


@S01.objects("TrainingRuntime", "ClusterTrainingRuntime")
def runtime(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the JobSet that the trainer of Kubeflow makes of a runtime, and calls after each TrainJob."""
    spec: Part = (one.spec.get("template") or {}).get("spec") or {}
    for index, job in enumerate(spec.get("replicatedJobs") or ()):
        yield from _names("train", job, f"spec.template.spec.replicatedJobs[{index}].name")
    yield from _set(spec, "spec.template.spec")


def _set(spec: Part, at: str) -> Iterator[Breach]:
    """Look at the Jobs of a set, their order, and what happens when one fails."""
    jobs: Sequence[Part] = spec.get("replicatedJobs") or ()
    names = [str(job["name"]) for job in jobs]
    yield from _order(spec, jobs, names, at)
    for index, job in enumerate(jobs):
        yield from _job(job, f"{at}.replicatedJobs[{index}]", spec)
    yield from _failures(spec, names, at)
    for index, name in enumerate((spec.get("successPolicy") or {}).get("targetReplicatedJobs") or ()):
        if name not in names:
            yield _no_such(f"{at}.successPolicy.targetReplicatedJobs[{index}]", name, names)
    if (coordinator := spec.get("coordinator")) is not None:
        yield from _coordinator(coordinator, jobs, names, f"{at}.coordinator")


def _order(spec: Part, jobs: Sequence[Part], names: Sequence[str], at: str) -> Iterator[Breach]:
    in_order = (spec.get("startupPolicy") or {}).get("startupPolicyOrder") == "InOrder"
    if in_order and any(job.get("dependsOn") for job in jobs):
        because = "a Job depends on another (dependsOn), and the two ways to order them exclude each other"
        yield S01.breach(f"{at}.startupPolicy.startupPolicyOrder", "InOrder", because, "leave startupPolicy away")
    for index, job in enumerate(jobs):
        for place, depends in enumerate(job.get("dependsOn") or ()):
            name, field = str(depends["name"]), f"{at}.replicatedJobs[{index}].dependsOn[{place}].name"
            if name not in names:
                yield S01.breach(field, name, "the set has no such Job", did_you_mean(name, names))
            elif names.index(name) >= index:
                yield S01.breach(field, name, "it does not stand before this one")


def _names(name: str, job: Part, field: str) -> Iterator[Breach]:
    copies, spec = given(job, "replicas", 1), job["template"].get("spec") or {}
    longest = f"{name}-{job['name']}-{max(0, copies - 1)}"
    if broken := dns_label_1035(longest):
        yield N06.breach(field, job["name"], f"its Job would be called {longest}, and {broken}")
        return
    pods = spec.get("completions")
    if spec.get("completionMode") == "Indexed" and isinstance(pods, int):
        length = len(f"{longest}-{max(0, pods - 1)}{POD_SUFFIX}")
        if length > LABEL_LENGTH:
            because = f"the name of its last pod has {length} characters, and at most {LABEL_LENGTH} are possible"
            yield N07.breach(field, job["name"], because, f"shorten the name of the JobSet by {length - LABEL_LENGTH}")


def _job(job: Part, path: str, spec: Part) -> Iterator[Breach]:
    body: Part = job["template"].get("spec") or {}
    path = f"{path}.template.spec"
    parallelism, completions = body.get("parallelism", 1), body.get("completions")
    if (total := parallelism * given(job, "replicas", 1)) > UNLIMITED:
        yield S08.breach(
            f"{path}.parallelism", parallelism, f"these are {total} pods, and at most {UNLIMITED} are possible"
        )
    if not ((body.get("template") or {}).get("spec") or {}).get("restartPolicy"):
        yield S07.breach(f"{path}.template.spec.restartPolicy", None, "it is missing, and JobSet then writes OnFailure")
    if (spec.get("failurePolicy") or {}).get("restartStrategy") == "InPlaceRestart":
        wanted = {"backoffLimit": UNLIMITED, "podReplacementPolicy": "Failed", "parallelism": completions}
        for field, value in wanted.items():
            if value is None or body.get(field) != value:
                because = "restartStrategy is InPlaceRestart, and the pods of such a Job start again by themselves"
                yield S04.breach(f"{path}.{field}", body.get(field), because)


def _failures(spec: Part, names: Sequence[str], at: str) -> Iterator[Breach]:
    seen: set[str] = set()
    for index, rule in enumerate((spec.get("failurePolicy") or {}).get("rules") or ()):
        field, name = f"{at}.failurePolicy.rules[{index}]", str(rule.get("name", ""))
        if not RULE_NAME.fullmatch(name) or len(name) > LONGEST_RULE_NAME:
            yield N13.breach(f"{field}.name", name, "a rule's name begins with a letter, and has letters, digits and _")
        elif name in seen:
            yield N13.breach(f"{field}.name", name, "another rule has this name")
        seen.add(name)
        for place, job in enumerate(rule.get("targetReplicatedJobs") or ()):
            if job not in names:
                yield _no_such(f"{field}.targetReplicatedJobs[{place}]", job, names)
        for place, reason in enumerate(rule.get("onJobFailureReasons") or ()):
            if reason not in REASONS:
                do = did_you_mean(reason, REASONS) or f"write one of {', '.join(REASONS)}"
                yield S02.breach(f"{field}.onJobFailureReasons[{place}]", reason, "no Job fails for this reason", do)
        if rule.get("action") == "RestartJobSetAndIgnoreMaxRestarts":
            yield from _free(spec, rule, field)


def _free(spec: Part, rule: Part, field: str) -> Iterator[Breach]:
    reasons, targets = rule.get("onJobFailureReasons") or REASONS, rule.get("targetReplicatedJobs")
    if rule.get("onJobFailureMessagePatterns"):
        return
    if set(reasons) != {"PodFailurePolicy"}:
        because = "it also starts a program again for ever that fails by itself"
        yield S03.breach(f"{field}.action", rule["action"], because, "add onJobFailureReasons: [PodFailurePolicy]")
        return
    for job in spec.get("replicatedJobs") or ():
        policy: Part = (job["template"].get("spec") or {}).get("podFailurePolicy") or {}
        fatal = any(each.get("action") == "FailJob" and each.get("onExitCodes") for each in policy.get("rules") or ())
        if fatal and (not targets or job["name"] in targets):
            because = f"the Job {job['name']} says PodFailurePolicy for exit codes too, and starts again for ever"
            yield S03.breach(f"{field}.action", rule["action"], because)
            return


def _coordinator(coordinator: Part, jobs: Sequence[Part], names: Sequence[str], at: str) -> Iterator[Breach]:
    name = str(coordinator["replicatedJob"])
    if name not in names:
        because, do = "the set has no such Job", did_you_mean(name, names)
        yield S05.breach(f"{at}.replicatedJob", name, because, do)
        return
    job = jobs[names.index(name)]
    body: Part = job["template"].get("spec") or {}
    for field, many in (("jobIndex", given(job, "replicas", 1)), ("podIndex", body.get("completions") or 1)):
        if not 0 <= coordinator.get(field, 0) < many:
            yield S05.breach(f"{at}.{field}", coordinator[field], f"there are {many} of them, counted from 0")
    if body.get("completionMode") not in {None, "Indexed"}:
        because = f"the pods of the Job {name} have no indexes (completionMode is {body['completionMode']})"
        yield S05.breach(f"{at}.replicatedJob", name, because, "write completionMode: Indexed")


def _delivered(one: Object) -> Iterator[Breach]:
    ttl, queue = one.spec.get("ttlSecondsAfterFinished"), (one.metadata.get("labels") or {}).get(QUEUE)
    if ttl is not None:
        because = (
            "Argo CD and Flux create a JobSet anew that is in git and not in the cluster, so it runs again and again"
        )
        yield J21.breach("spec.ttlSecondsAfterFinished", ttl, because)
    if queue is not None and one.spec.get("suspend"):
        because = f"Kueue resumes the JobSet when the queue {queue} has room, and this would suspend it again"
        yield J23.breach("spec.suspend", True, because)  # noqa: FBT003 # the value found


def _no_such(field: str, name: str, names: Sequence[str]) -> Breach:
    do = did_you_mean(name, names) or f"write one of {', '.join(names)}"
    return S02.breach(field, name, "the set has no such Job", do)
