"""J: which failed pods a Job replaces, and which failures end it (``podFailurePolicy``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Job
from modelyard.values.names import qualified_name
from modelyard.values.similar import did_you_mean
from modelyard.values.versions import minor

MOST_RULES = 20
MOST_PATTERNS = 20
MOST_CODES = 255
OPTIONAL_STATUS = 35
"""The first minor that takes a pattern without status in a CronJob too."""
DISRUPTED = "DisruptionTarget"
SIGNALS = frozenset({137, 143})
"""What a container exits with after SIGKILL and SIGTERM, as when its node is drained."""

PAGE = "https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy"

J06 = Rule(
    "J06",
    "A Job has at most 20 failure rules, and each looks at exit codes or at pod conditions.",
    why="The API server refuses the Job.",
    fix="write either onExitCodes or onPodConditions",
    see=PAGE,
)
J08 = Rule(
    "J08",
    "A failure rule names a container that the pod has.",
    why="The API server refuses the Job.",
    fix="name a container of the pod, or leave containerName away for all",
    see=PAGE,
)
J09 = Rule(
    "J09",
    "A failure rule fails one index only where indexes have their own retries.",
    why="The API server refuses the Job.",
    fix="set backoffLimitPerIndex, or write action: FailJob",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index",
)
J10 = Rule(
    "J10",
    "A failure rule has at most 20 patterns, each with the name of a pod condition.",
    why="The API server refuses the Job.",
    fix="name a condition such as DisruptionTarget",
    see=PAGE,
)
J11 = Rule(
    "J11",
    "A Job that judges failed pods replaces them only once they have failed.",
    why="The API server refuses the Job.",
    fix="write podReplacementPolicy: Failed",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-replacement-policy",
)
J12 = Rule(
    "J12",
    "Disruptions are judged before exit codes that a disruption can cause.",
    why=(
        "The first rule that matches decides. A pod that loses its spot node is killed and exits with 143 or 137, "
        "so a rule on these codes takes the disruption for a failure of the training."
    ),
    fix="put a rule before it: action: Ignore, onPodConditions: [{type: DisruptionTarget}]",
    see="https://kubernetes.io/docs/tasks/job/pod-failure-policy/",
    severity=Severity.WARNING,
    acceptable=True,
)
J13 = Rule(
    "J13",
    "A Job that ignores failures has a deadline.",
    why=(
        "Ignored failures do not count as retries, so on a node pool that keeps failing, or with a pod that never "
        "gets a node, the Job goes on for ever, and so does the bill."
    ),
    fix="set activeDeadlineSeconds",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup",
    severity=Severity.WARNING,
    acceptable=True,
)
J14 = Rule(
    "J14",
    "The exit codes of a failure rule are 1 to 255, each once, in ascending order.",
    why="The API server refuses the Job, or the rule never matches, since no process ends with such a code.",
    fix="use exit codes from 1 to 255, in ascending order",
    see=PAGE,
)


@J06.jobs
def _failure_rules(job: Job, scope: Scope) -> Iterator[Breach]:
    spec = job.spec
    policy = spec.get("podFailurePolicy")
    if policy is None:
        return
    if spec.get("podReplacementPolicy") not in {None, "", "Failed"}:
        because = "podFailurePolicy is set, which judges a pod only when it has failed"
        yield J11.breach(job.at("podReplacementPolicy"), spec["podReplacementPolicy"], because)
    rules = policy.get("rules") or []
    path = job.at("podFailurePolicy.rules")
    if len(rules) > MOST_RULES:
        yield J06.breach(path, f"{len(rules)} rules", f"a Job has at most {MOST_RULES}", "merge rules of one action")
    for index, rule in enumerate(rules):
        yield from _rule(job, rule, f"{path}[{index}]", scope.site.cluster.kubernetes)
    yield from _disruptions(rules, path)
    if job.spec.get("activeDeadlineSeconds") is None and any(rule.get("action") == "Ignore" for rule in rules):
        because = "podFailurePolicy ignores failures, so nothing ends a Job whose pods keep failing that way"
        do = "pass deadline=hours(6), or the longest that a run may take" if job.object.owner else J13.fix
        yield J13.breach(job.at("activeDeadlineSeconds"), None, because, do)


def _rule(job: Job, rule: dict[str, Any], field: str, kubernetes: str) -> Iterator[Breach]:
    action, codes, patterns = rule.get("action"), rule.get("onExitCodes"), rule.get("onPodConditions")
    if (codes is not None) == bool(patterns):
        because = "it looks at both exit codes and pod conditions" if patterns else "it looks at nothing"
        yield J06.breach(field, None, because)
    if action == "FailIndex" and job.spec.get("backoffLimitPerIndex") is None:
        because = "backoffLimitPerIndex is not set, so indexes have no retries of their own"
        yield J09.breach(f"{field}.action", action, because)
    if codes is not None:
        yield from _exit_codes(job, codes, f"{field}.onExitCodes")
    if patterns:
        yield from _patterns(patterns, f"{field}.onPodConditions")
        yield from _without_status(job, patterns, f"{field}.onPodConditions", kubernetes)


def _disruptions(rules: list[dict[str, Any]], path: str) -> Iterator[Breach]:
    for index, rule in enumerate(rules):
        if any(
            pattern.get("type") == DISRUPTED and pattern.get("status") in {None, "", "True"}
            for pattern in rule.get("onPodConditions") or ()
        ):
            return
        codes = rule.get("onExitCodes")
        if codes is not None and rule.get("action") != "Ignore" and _takes_signals(codes):
            because = "it also matches the exit codes 143 or 137 of a pod that is moved off its node"
            yield J12.breach(f"{path}[{index}].onExitCodes", None, because)


def _exit_codes(job: Job, requirement: dict[str, Any], field: str) -> Iterator[Breach]:
    name = requirement.get("containerName")
    if name is not None:
        known = [container.name for container in job.pod.containers]
        if name not in known:
            named = [one for one in known if one]
            others = (
                f"name one of {', '.join(named)}, or leave it away for all" if named else "name the container first"
            )
            do = did_you_mean(name, named) or others
            yield J08.breach(f"{field}.containerName", name, "the pod has no such container", do)
    codes = requirement.get("values") or []
    field = f"{field}.values"
    if not codes:
        yield J14.breach(field, codes, "a rule on exit codes lists at least one", "list exit codes from 1 to 255")
    elif len(codes) > MOST_CODES:
        yield J14.breach(field, f"{len(codes)} codes", f"a rule lists at most {MOST_CODES}", "use operator NotIn")
    elif 0 in codes and requirement.get("operator") == "In":
        yield J14.breach(field, codes, "0 is success and fails no container", "leave 0 out")
    elif sorted(set(codes)) != codes:
        ordered = sorted(set(codes))
        yield J14.breach(field, codes, "exit codes stand in ascending order, each once", f"write {ordered}")


def _takes_signals(requirement: dict[str, Any]) -> bool:
    listed = SIGNALS & set(requirement.get("values") or ())
    return bool(listed) if requirement.get("operator") == "In" else listed != SIGNALS


def _patterns(patterns: list[dict[str, Any]], field: str) -> Iterator[Breach]:
    if len(patterns) > MOST_PATTERNS:
        because = f"a rule has at most {MOST_PATTERNS}"
        yield J10.breach(field, f"{len(patterns)} patterns", because, "split the rule in two")
    for index, pattern in enumerate(patterns):
        if broken := qualified_name(str(pattern.get("type", ""))):
            yield J10.breach(f"{field}[{index}].type", pattern.get("type", ""), broken)


def _without_status(job: Job, patterns: list[dict[str, Any]], field: str, kubernetes: str) -> Iterator[Breach]:
    """Look for what is filled in for a Job only: a CronJob is taken, or refused, as it stands."""
    if job.object.kind == "CronJob" and minor(kubernetes) < OPTIONAL_STATUS:
        for index, pattern in enumerate(patterns):
            if not pattern.get("status"):
                because = f"Kubernetes {kubernetes} takes it for True in a Job, and refuses it in a CronJob"
                yield J10.breach(f"{field}[{index}].status", pattern.get("status"), because, 'write status: "True"')
