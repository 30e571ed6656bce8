"""What a Job or JobSet does when something goes wrong, read off its manifest as its controller reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.training.outcome import Outcome
from modelyard.training.outcome import either as _or
from modelyard.training.outcome import long as _long
from modelyard.training.outcome import times as _times
from modelyard.training.outcomes_ray import of_ray
from modelyard.values.kueue import LEAST, MOST_TIME, QUEUE
from modelyard.values.names import hook_phase

Manifest = Mapping[str, Any]

DISRUPTED = "DisruptionTarget"
KILLED, TERMINATED = 137, 143
"""What a process exits with after SIGKILL, as of the kernel when memory is out, and after SIGTERM."""
USUAL_RETRIES = 6
USUAL_GRACE = 30
USUAL_EVICTION = 300
"""Seconds after which Kubernetes gives up on the pods of a node that does not answer."""
UNREACHABLE = "node.kubernetes.io/unreachable"
NO_ROOM = "no room for all of it"
FAILED = "the JobSet fails, and all its pods are ended"


def outcomes(manifest: Manifest, train_job: Manifest | None = None) -> list[Outcome]:
    """Return what the Job, CronJob or JobSet *manifest* does in each case, or a TrainingRuntime and its *train_job*."""
    spec = manifest["spec"]
    if str(manifest.get("apiVersion")).startswith("batch.volcano.sh/"):
        from modelyard.training.outcomes_volcano import of_volcano  # noqa: PLC0415 # which reads on with what is here

        return list(of_volcano(spec))
    if manifest["kind"] == "RayJob":
        return [*of_ray(spec), *_of_queue(manifest)]
    if manifest["kind"] == "TrainingRuntime":
        return [*_of_set(spec["template"]["spec"]), *_of_queue(train_job or {})]
    if manifest["kind"] == "JobSet":
        return [*_of_set(spec), *_of_queue(manifest)]
    if manifest["kind"] == "CronJob":
        template = spec["jobTemplate"]
        return [*_of_job(template), *_of_queue(template), *_of_schedule(spec)]
    return [*_of_job(manifest), *_of_room(spec), *_of_queue(manifest), *_of_hook(manifest)]


def action(spec: Manifest, code: int, *, disrupted: bool = False) -> str:
    """Return what the Job's first rule that matches says of a pod that failed with *code*: Count where none does."""
    rule = _matching(spec, code, disrupted=disrupted)
    return "Count" if rule is None else str(rule["action"])


def _matching(spec: Manifest, code: int, *, disrupted: bool) -> Manifest | None:
    policy: Manifest = spec.get("podFailurePolicy") or {}
    rules: Sequence[Manifest] = policy.get("rules") or ()
    for rule in rules:
        codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
        if codes is not None:
            if (code in codes["values"]) == (codes["operator"] == "In"):
                return rule
        elif disrupted and any(_disruption(pattern) for pattern in patterns):
            return rule
    return None


def _disruption(pattern: Manifest) -> bool:
    return (pattern["type"], pattern.get("status", "True")) == (DISRUPTED, "True")


Told = Callable[..., str]
"""Answers with what becomes of a pod that failed with a code, *disrupted* or not."""


def _of_job(job: Manifest) -> Iterator[Outcome]:
    spec: Manifest = job["spec"]

    def told(code: int, *, disrupted: bool = False) -> str:
        return _then(spec, action(spec, code, disrupted=disrupted))

    yield from _failures(spec, told)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is None:
        yield Outcome("very long", "nothing ends it")
    else:
        longer = f"longer than {_long(deadline)}" + (" since the last start" if _queue(job) else "")
        yield Outcome(longer, f"the Job fails; its pods get SIGTERM, and {grace(spec)} to end")


def grace(spec: Manifest) -> str:
    """Return how long a pod has from SIGTERM to SIGKILL."""
    given = spec["template"]["spec"].get("terminationGracePeriodSeconds")
    return _long(USUAL_GRACE if given is None else given)


def _failures(spec: Manifest, told: Told) -> Iterator[Outcome]:
    moved = told(TERMINATED, disrupted=True)
    yield Outcome("node drained or reclaimed, pod preempted", moved)
    yield Outcome("node lost", f"{lost(spec)}: {moved}")
    listed = _listed_codes(spec)
    for code in sorted(listed - {KILLED}):
        same = [one for one in sorted(listed - {KILLED}) if action(spec, one) == action(spec, code)]
        if code == same[0]:
            yield Outcome(f"exit code {_or(same)}", told(code))
    yield Outcome(f"out of memory (exit code {KILLED})", told(KILLED))
    other = next(code for code in range(1, 256) if code not in listed | {KILLED})
    yield Outcome("any other exit code but 0", told(other))


def _listed_codes(spec: Manifest) -> set[int]:
    policy: Manifest = spec.get("podFailurePolicy") or {}
    rules = policy.get("rules") or ()
    return {code for rule in rules for code in (rule.get("onExitCodes") or {}).get("values", ()) if code}


def _then(spec: Manifest, does: str) -> str:
    """Return what the action *does* means for a Job like this one."""
    pods = int(spec.get("completions") or spec.get("parallelism") or 1)
    ended = "the Job fails at once, and its other pods are ended" if pods > 1 else "the Job fails at once"
    if does == "FailJob":
        return ended
    if spec.get("backoffLimitPerIndex") is not None:
        return _of_trial(spec, does)
    limit = spec.get("backoffLimit")
    limit = USUAL_RETRIES if limit is None else limit
    if pods > 1 and spec["template"]["spec"].get("subdomain") is not None:
        return _of_gang(pods, limit, does)
    if does == "Ignore":
        return "the pod is replaced, and this is not counted"
    return f"the pod is replaced, {_times(limit)} at most; then the Job fails" if limit else ended


def _of_gang(pods: int, limit: int, does: str) -> str:
    if does == "Ignore":
        if limit == 0:
            return "this is not counted, but the others fail without the pod, and the first of them fails the Job"
        return "the pod is replaced, and this is not counted; the others fail without it, and each of them counts"
    if limit == 0:
        return "the Job fails at once, and its other pods are ended"
    return (
        f"the others fail with it, and all are started again; the Job fails after more than {limit} failed pods, "
        f"of which a restart costs {pods} or more"
    )


def _of_trial(spec: Manifest, does: str) -> str:
    retries, most = spec["backoffLimitPerIndex"], spec.get("maxFailedIndexes")
    bound = "" if most is None else f", unless more than {most} have failed"
    failed = f"the trial fails and the others go on{bound}"
    if does == "Ignore":
        return "the trial is started again, and this is not counted"
    if does == "FailIndex" or retries == 0:
        return failed
    return f"the trial is started again, {_times(retries)} at most; then {failed}"


def lost(spec: Manifest) -> str:
    """Return when the controller learns that the pod of a node which does not answer is no more."""
    patience: int | None = USUAL_EVICTION
    for toleration in spec["template"]["spec"].get("tolerations") or ():
        every = not toleration.get("key") and toleration.get("operator") == "Exists"
        if (every or toleration.get("key") == UNREACHABLE) and toleration.get("effect") in {None, "", "NoExecute"}:
            patience = toleration.get("tolerationSeconds")
            break
    if patience is None:
        return "once the node is deleted"
    if spec.get("podFailurePolicy") is None and spec.get("podReplacementPolicy") != "Failed":
        return f"after {_long(patience)}"
    return f"once the node is deleted, or is back after more than {_long(patience)}"


def _of_set(spec: Manifest) -> Iterator[Outcome]:
    """Yield what happens in each Job of a JobSet; where it has several, by the name of the Job."""
    jobs: Sequence[Manifest] = spec.get("replicatedJobs") or ()
    for job in jobs:
        name = f"{job['name']}: " if len(jobs) > 1 else ""
        for one in _of_job_in_set(job["name"], job["template"]["spec"], spec):
            yield attrs.evolve(one, when=f"{name}{one.when}")


def _of_job_in_set(name: str, job: Manifest, spec: Manifest) -> Iterator[Outcome]:
    def told(code: int, *, disrupted: bool = False) -> str:
        rule = _matching(job, code, disrupted=disrupted)
        does = "Count" if rule is None else str(rule["action"])
        if rule is not None and does == "FailJob":
            by_code = rule.get("onExitCodes") is not None
            said = f"failed with exit code {code}" if by_code else f"has condition {DISRUPTED}"
            then = decision(spec, name, "PodFailurePolicy", f"it {said} matching FailJob rule at index 0")
            first = int(job.get("completions") or 1) > 1 and not by_code
            return f"{then}; if another pod fails of it before it has ended, that is what counts" if first else then
        if does == "Ignore":
            return "the pod is replaced, and this is not counted"
        limit = job.get("backoffLimit")
        limit = USUAL_RETRIES if limit is None else limit
        then = decision(spec, name, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        return f"the pod is replaced, {_times(limit)} at most; then {then}" if limit else then

    yield from _failures(job, told)
    deadline = job.get("activeDeadlineSeconds")
    if deadline is None:
        yield Outcome("very long", "nothing ends it")
    else:
        then = decision(spec, name, "DeadlineExceeded", "Job was active longer than specified deadline")
        ended = f"its pods get SIGTERM, and {grace(job)} to end; {then}"
        yield Outcome(f"longer than {_long(deadline)} since the last start", ended)


def decision(spec: Manifest, name: str, reason: str, message: str) -> str:
    """Return what a JobSet does when its Job *name* has failed for *reason*, with *message*."""
    policy: Manifest | None = spec.get("failurePolicy")
    if policy is None:
        return FAILED
    does = next((rule["action"] for rule in policy.get("rules") or () if _applies(rule, name, reason, message)), "")
    again = "all is started again" + (", the steps that are done too" if len(spec["replicatedJobs"]) > 1 else "")
    if does == "RestartJobSetAndIgnoreMaxRestarts":
        return f"{again}, and this is not counted"
    most = policy.get("maxRestarts") or 0
    if does == "FailJobSet" or not most:
        return FAILED
    return f"{again}, {_times(most)} at most; then the JobSet fails"


def _applies(rule: Manifest, name: str, reason: str, message: str) -> bool:
    reasons, targets = rule.get("onJobFailureReasons"), rule.get("targetReplicatedJobs")
    patterns = rule.get("onJobFailureMessagePatterns")
    return (
        (not reasons or reason in reasons)
        and (not targets or name in targets)
        and (not patterns or any(re.search(pattern, message) for pattern in patterns))
    )


def _of_schedule(spec: Manifest) -> Iterator[Outcome]:
    late = spec.get("startingDeadlineSeconds")
    within = "" if late is None else f" within {_long(late)}"
    does = {
        "Forbid": f"the new run is skipped, or starts when the last one ends{within}",
        "Replace": "the last run is ended, and the new one starts",
    }
    policy = str(spec.get("concurrencyPolicy") or "Allow")
    yield Outcome("due while the last run goes on", does.get(policy, "both go on, side by side"))
    then = "it starts later" if late is None else f"it starts up to {_long(late)} later, or is skipped"
    yield Outcome("not started in time", then)


def _of_hook(job: Manifest) -> Iterator[Outcome]:
    phase = hook_phase(job["metadata"].get("annotations") or {})
    if phase is not None:
        yield Outcome("as long as it runs", f"the sync of Argo CD waits ({phase}), and nothing else is synced")
        then = "the sync fails; Argo CD tries it again, up to 5 times, and runs this each time"
        yield Outcome("the Job fails", then)


def _of_room(spec: Manifest) -> Iterator[Outcome]:
    """Yield what Kubernetes itself does where it places the pods as one."""
    gang: Manifest = ((spec.get("scheduling") or {}).get("schedulingPolicy") or {}).get("gang") or {}
    if (least := gang.get("minCount")) is not None:
        yield Outcome(NO_ROOM, f"none of its pods starts until there is room for {least} of them at once")


def _queue(job: Manifest) -> str | None:
    labels: Mapping[str, str] = (job.get("metadata") or {}).get("labels") or {}
    return labels.get(QUEUE)


def _of_queue(job: Manifest) -> Iterator[Outcome]:
    if (queue := _queue(job)) is None:
        return
    least = (job["metadata"].get("annotations") or {}).get(LEAST)
    then = f"it waits in the queue {queue}, and none of its pods starts"
    if least is not None:
        then = f"it starts with fewer pods at once; without room for {least} of them it waits in the queue {queue}"
    yield Outcome(NO_ROOM, then)
    then = "its pods are ended, and it waits in the queue to start again; this is not counted"
    yield Outcome("another takes its room in the queue", then)
    if (longest := job["metadata"]["labels"].get(MOST_TIME, "")).isdecimal():
        then = "Kueue ends its pods, and never starts it again; it stays suspended"
        yield Outcome(f"longer than {_long(int(longest))} in all its starts", then)
