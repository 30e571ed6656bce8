"""J: Jobs, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from modelyard import Cluster, TrainingJob, minutes, seconds
from tests.rules import manifests
from tests.rules.judge import judged
from tests.rules.patches import Operation, Setup, foreign, job, put, remove, texts
from tests.support import environment, found, training

CASES: list[Any] = []
JOB = manifests.job()
IGNORE: dict[str, Any] = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
RULES = "/spec/podFailurePolicy/rules"
TRAIN = "test/train: Job train "


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


def on_codes(*codes: int, action: str = "FailJob", operator: str = "In") -> dict[str, Any]:
    """Return a failure rule on exit codes."""
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(codes)}}


case(
    "J01", "restarts always", job(put("/spec/template/spec/restartPolicy", "Always")),
    text=TRAIN + "spec.template.spec.restartPolicy='Always' but the pods of a Job restart Never or "
    "OnFailure; write restartPolicy: Never; failed pods are still replaced, up to backoffLimit",
)  # fmt: skip
case(
    "J01", "restart policy missing", job(remove("/spec/template/spec/restartPolicy")),
    text=TRAIN + "spec.template.spec.restartPolicy but it is missing, and Kubernetes then assumes Always, "
    "which no Job may have; write restartPolicy: Never; failed pods are still replaced, up to "
    "backoffLimit",
)  # fmt: skip
case(
    "J01", "on failure with a failure policy", job(put("/spec/template/spec/restartPolicy", "OnFailure")),
    text=TRAIN + "spec.template.spec.restartPolicy='OnFailure' but podFailurePolicy is set, which needs "
    "restartPolicy Never; write restartPolicy: Never, or remove podFailurePolicy",
)  # fmt: skip
case(
    "J07", "negative retries", job(put("/spec/backoffLimit", -1)),
    text=TRAIN + "spec.backoffLimit=-1 but a count or a limit is 0 or more; write 0 or more, or leave the "
    "field away for its default",
)  # fmt: skip
case(
    "J20", "deadline shorter than a start", lambda scope: training(scope, deadline=seconds(30)),
    text=TRAIN + "spec.activeDeadlineSeconds=30 but scheduling and pulling the image count too, and may take "
    "60 seconds alone; pass a longer deadline=",
)  # fmt: skip
case(
    "J20", "deadline shorter than the grace", lambda scope: training(scope, deadline=minutes(2)),
    text=TRAIN + "spec.activeDeadlineSeconds=120 but the pods alone get 120 seconds to stop "
    "(terminationGracePeriodSeconds); pass a longer deadline=, or a shorter grace=",
)  # fmt: skip
case(
    "J20", "deadline shorter than the default grace",
    foreign(
        JOB,
        put("/spec/activeDeadlineSeconds", 60),
        put("/spec/template/spec/terminationGracePeriodSeconds", 60),
    ),
    text="test: Job train spec.activeDeadlineSeconds=60 but the pods alone get 60 seconds to stop "
    "(terminationGracePeriodSeconds); raise activeDeadlineSeconds, or lower "
    "terminationGracePeriodSeconds",
)  # fmt: skip
case(
    "J21", "deleted when done", job(put("/spec/ttlSecondsAfterFinished", 600)),
    text=TRAIN + "spec.ttlSecondsAfterFinished=600 but Argo CD and Flux create a Job anew that is in git and "
    "not in the cluster, so it runs again and again; remove it; a finished Job uses no node, and a "
    "CronJob tidies up after itself",
)  # fmt: skip
case(
    "J23", "suspended in a queue",
    job(put("/metadata/labels/kueue.x-k8s.io~1queue-name", "research"), put("/spec/suspend", value=True)),
    text=TRAIN + "spec.suspend=True but Kueue resumes the Job when the queue research has room, and this "
    "would suspend it again; remove suspend; Kueue suspends the Job itself",
)  # fmt: skip
case(
    "J24", "manager without a domain", job(put("/spec/managedBy", "kueue")),
    text=TRAIN + "spec.managedBy='kueue' but a manager is a domain, a slash and a name; write a domain, a "
    'slash and a name, such as "kueue.x-k8s.io/multikueue"',
)  # fmt: skip
case(
    "J24", "manager with a wrong domain", job(put("/spec/managedBy", "Kueue/multi")),
    text=TRAIN + "spec.managedBy='Kueue/multi' but the part before the slash is a domain: a name holds a-z, "
    '0-9, "-" and "." only, and starts and ends with a letter or digit; write a domain, a slash and a '
    'name, such as "kueue.x-k8s.io/multikueue"',
)  # fmt: skip
case(
    "J24", "manager with a long name", job(put("/spec/managedBy", "kueue.x-k8s.io/" + "a" * 49)),
    text=TRAIN + "spec.managedBy='kueue.x-k8s.io/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' but a manager "
    "has at most 63 characters and this one has 64; write a domain, a slash and a name, such as "
    '"kueue.x-k8s.io/multikueue"',
)  # fmt: skip
case(
    "J26", "selector", job(put("/spec/selector", {"matchLabels": {"app": "train"}})),
    text=TRAIN + "spec.selector but the API server makes the selector of a Job; remove the selector; a Job "
    "finds its pods by itself",
)  # fmt: skip
case(
    "J26", "manual selector without a selector", job(put("/spec/manualSelector", value=True)),
    text=TRAIN + "spec.manualSelector=True but there is no selector; remove manualSelector; a Job finds its "
    "pods by itself",
)  # fmt: skip
case(
    "J06", "21 failure rules", job(put(RULES, [IGNORE] * 21)),
    text=TRAIN + "spec.podFailurePolicy.rules='21 rules' but a Job has at most 20; merge rules of one action",
)  # fmt: skip
case(
    "J06", "rule that looks at nothing", job(put(RULES, [IGNORE, {"action": "Count"}])),
    text=TRAIN + "spec.podFailurePolicy.rules[1] but it looks at nothing; write either onExitCodes or "
    "onPodConditions",
)  # fmt: skip
case(
    "J06", "rule that looks at both", job(put(RULES, [{**IGNORE, **on_codes(1)}])),
    text=TRAIN + "spec.podFailurePolicy.rules[0] but it looks at both exit codes and pod conditions; write "
    "either onExitCodes or onPodConditions",
)  # fmt: skip
case(
    "J08", "container that the pod lacks", job(put(f"{RULES}/1/onExitCodes/containerName", "traner")),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.containerName='traner' but the pod has no such "
    "container; did you mean trainer?",
)  # fmt: skip
case(
    "J08", "container with another name", job(put(f"{RULES}/1/onExitCodes/containerName", "main")),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.containerName='main' but the pod has no such "
    "container; name one of trainer, or leave it away for all",
)  # fmt: skip
case(
    "J09", "fail one index without retries by index", job(put(f"{RULES}/1/action", "FailIndex")),
    text=TRAIN + "spec.podFailurePolicy.rules[1].action='FailIndex' but backoffLimitPerIndex is not set, so "
    "indexes have no retries of their own; set backoffLimitPerIndex, or write action: FailJob",
)  # fmt: skip
case(
    "J10", "21 patterns", job(put(f"{RULES}/0/onPodConditions", IGNORE["onPodConditions"] * 21)),
    text=TRAIN + "spec.podFailurePolicy.rules[0].onPodConditions='21 patterns' but a rule has at most 20; "
    "split the rule in two",
)  # fmt: skip
case(
    "J10", "condition with a space", job(put(f"{RULES}/0/onPodConditions/0/type", "Disruption Target")),
    text=TRAIN + "spec.podFailurePolicy.rules[0].onPodConditions[0].type='Disruption Target' but a key holds "
    'letters, digits, "-", "_", "." and starts and ends with a letter or digit; name a condition such '
    "as DisruptionTarget",
)  # fmt: skip
case(
    "J11", "replaced before it has failed", job(put("/spec/podReplacementPolicy", "TerminatingOrFailed")),
    text=TRAIN + "spec.podReplacementPolicy='TerminatingOrFailed' but podFailurePolicy is set, which judges "
    "a pod only when it has failed; write podReplacementPolicy: Failed",
)  # fmt: skip
case(
    "J12", "exit codes before disruptions", job(put(RULES, [on_codes(1, 143), IGNORE])),
    text=TRAIN + "spec.podFailurePolicy.rules[0].onExitCodes but it also matches the exit codes 143 or 137 "
    "of a pod that is moved off its node; put a rule before it: action: Ignore, onPodConditions: "
    "[{type: DisruptionTarget}]",
)  # fmt: skip
case(
    "J12", "all exit codes but a few", job(put(RULES, [on_codes(3, operator="NotIn")])),
    text=TRAIN + "spec.podFailurePolicy.rules[0].onExitCodes but it also matches the exit codes 143 or 137 "
    "of a pod that is moved off its node; put a rule before it: action: Ignore, onPodConditions: "
    "[{type: DisruptionTarget}]",
)  # fmt: skip
case(
    "J13", "no deadline", lambda scope: training(scope, deadline=None),
    text=TRAIN + "spec.activeDeadlineSeconds but podFailurePolicy ignores failures, so nothing ends a Job "
    "whose pods keep failing that way; pass deadline=hours(6), or the longest that a run may take",
)  # fmt: skip
case(
    "J13", "no deadline in a foreign Job", foreign(JOB, put("/spec/podFailurePolicy", {"rules": [IGNORE]})),
    text="test: Job train spec.activeDeadlineSeconds but podFailurePolicy ignores failures, so nothing "
    "ends a Job whose pods keep failing that way; set activeDeadlineSeconds",
)  # fmt: skip
case(
    "J14", "success as a failure", job(put(f"{RULES}/1/onExitCodes/values", [0, 1])),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.values=[0, 1] but 0 is success and fails no "
    "container; leave 0 out",
)  # fmt: skip
case(
    "J14", "exit codes in disorder", job(put(f"{RULES}/1/onExitCodes/values", [3, 2])),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.values=[3, 2] but exit codes stand in ascending "
    "order, each once; write [2, 3]",
)  # fmt: skip
case(
    "J14", "no exit code", job(put(f"{RULES}/1/onExitCodes/values", [])),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.values=[] but a rule on exit codes lists at "
    "least one; list exit codes from 1 to 255",
)  # fmt: skip
case(
    "J14", "256 exit codes", job(put(f"{RULES}/1/onExitCodes/values", list(range(1, 257)))),
    text=TRAIN + "spec.podFailurePolicy.rules[1].onExitCodes.values='256 codes' but a rule lists at most "
    "255; use operator NotIn",
)  # fmt: skip
case(
    "J14", "option", lambda scope: training(scope, fatal_exit_codes=[0]),
    text="test/train: fatal_exit_codes=0 but an exit code that fails a job is one from 1 to 255; leave it "
    "out; 0 is success",
)  # fmt: skip


def hooked(key: str) -> Operation:
    """Return the operation that makes a Job a hook."""
    return put("/metadata/annotations", {key: "PreSync"})


case("J01", "on failure", foreign(JOB, put("/spec/template/spec/restartPolicy", "OnFailure")))
case("J07", "no retries", job(put("/spec/backoffLimit", 0)))
case("J20", "deadline longer than the grace", lambda scope: training(scope, deadline=seconds(121)))
case("J20", "no deadline", foreign(JOB))
case("J21", "hook", foreign(JOB, put("/spec/ttlSecondsAfterFinished", 9), hooked("argocd.argoproj.io/hook")))
case("J21", "Helm hook", foreign(JOB, put("/spec/ttlSecondsAfterFinished", 9), hooked("helm.sh/hook")))
case("J23", "queue", job(put("/metadata/labels/kueue.x-k8s.io~1queue-name", "research")))
case("J23", "suspended by hand", job(put("/spec/suspend", value=True)))
case("J24", "manager", job(put("/spec/managedBy", "kueue.x-k8s.io/multikueue")))
case("J24", "manager of 63 characters", job(put("/spec/managedBy", "kueue.x-k8s.io/" + "a" * 48)))
case(
    "J26", "manual selector",
    job(put("/spec/manualSelector", value=True), put("/spec/selector", {"matchLabels": {"app": "train"}})),
)  # fmt: skip
case("J06", "20 failure rules", job(put(RULES, [IGNORE] * 20)))
case(
    "J08", "init container",
    job(
        put("/spec/template/spec/initContainers", [{"name": "load", "image": "ghcr.io/acme/load:1"}]),
        put(f"{RULES}/1/onExitCodes/containerName", "load"),
    ),
)  # fmt: skip
case("J08", "any container", job(remove(f"{RULES}/1/onExitCodes/containerName")))
case(
    "J09", "fail one index",
    job(
        put("/spec/completionMode", "Indexed"), put("/spec/backoffLimitPerIndex", 1),
        put(f"{RULES}/1/action", "FailIndex"),
    ),
)  # fmt: skip
case("J10", "20 patterns", job(put(f"{RULES}/0/onPodConditions", IGNORE["onPodConditions"] * 20)))
case("J11", "default", job(remove("/spec/podReplacementPolicy")))
case("J11", "no failure policy", foreign(JOB, put("/spec/podReplacementPolicy", "TerminatingOrFailed")))
case("J12", "disruptions first", lambda scope: training(scope, fatal_exit_codes=[137, 143]))
case("J12", "other exit codes first", job(put(RULES, [on_codes(1, 2), IGNORE])))
case("J12", "all exit codes but these", job(put(RULES, [on_codes(137, 143, operator="NotIn")])))
case("J12", "ignored anyway", job(put(RULES, [on_codes(143, action="Ignore")])))
case("J13", "nothing ignored", foreign(JOB, put("/spec/podFailurePolicy", {"rules": [on_codes(1)]})))
case("J14", "lowest and highest", lambda scope: training(scope, fatal_exit_codes=[255, 1]))
case("J14", "anything but success", job(put(f"{RULES}/1/onExitCodes", on_codes(0, operator="NotIn")["onExitCodes"])))


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected


def test_nothing_to_say_about_the_stock_training(tmp_path: Path) -> None:
    """What modelyard renders by itself keeps all rules."""
    scope = environment(tmp_path)
    training(scope)
    assert found(scope) == []


def test_the_only_finding_without_a_deadline_is_a_warning(tmp_path: Path) -> None:
    """A training without a deadline is allowed, and told of."""
    scope = environment(tmp_path)
    TrainingJob(scope, "long", image=training(scope).spec.image, command=["python", "train.py"])
    assert [(one.rule, one.severity) for one in found(scope)] == [("J13", "warning")]


def test_the_jobs_of_a_cron_job_may_be_deleted_when_they_are_done(tmp_path: Path) -> None:
    """They do not stand in git."""
    template = {**JOB["spec"], "ttlSecondsAfterFinished": 600, "selector": {"matchLabels": {"app": "train"}}}
    cron = manifests.job("nightly")
    cron.update(kind="CronJob", spec={"schedule": "30 3 * * *", "jobTemplate": {"spec": template}})
    assert [texts(tmp_path / rule, rule, foreign(cron)) for rule in ("J21", "J26")] == [[], []]


@pytest.mark.parametrize(("kubernetes", "refused"), [("1.34", True), ("1.35", False)])
def test_j10_what_is_filled_in_for_jobs_only(kubernetes: str, *, refused: bool) -> None:
    """A pattern without status is one for True, in a Job of every version, and in a CronJob from 1.35 on."""
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
    one = copy.deepcopy(manifests.job())
    one["spec"]["podFailurePolicy"] = {"rules": rules}
    nightly = {"schedule": "@daily", "jobTemplate": {"spec": one["spec"]}}
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": nightly}
    cluster = Cluster("c", kubernetes=kubernetes)
    assert judged("J10", one, cluster=cluster) == []
    at = "CronJob nightly spec.jobTemplate.spec.podFailurePolicy.rules[0].onPodConditions[0].status"
    because = 'Kubernetes 1.34 takes it for True in a Job, and refuses it in a CronJob; write status: "True"'
    assert judged("J10", cron, cluster=cluster) == [("J10", f"test: {at} but {because}")] * refused
