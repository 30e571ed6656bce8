"""What a Job of Volcano does when something goes wrong, read off its manifest as its controller reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.training import outcomes as general
from modelyard.training.outcome import Outcome, either, long, times

Manifest = Mapping[str, Any]

FAILED, EVICTED, ANY = "PodFailed", "PodEvicted", "*"
USUAL_STARTS = 3
ENDED = "the Job ends as failed, and all its pods are ended"
ENDS = {
    "AbortJob": "the Job is aborted, and all its pods are ended, until somebody resumes it",
    "CompleteJob": "the Job ends as completed, and all its pods are ended",
    "TerminateJob": ENDED,
}
ALONE = {
    "RestartPartition": "the pods of its partition are started again",
    "RestartPod": "the pod is started again",
    "RestartTask": "the pods of its task are started again",
}
LEFT = "the others go on without it, and the Job fails when all of them have ended"


def of_volcano(spec: Manifest) -> Iterator[Outcome]:
    """Yield what happens to the pods of each task; where it has several, by the name of the task."""
    tasks: Sequence[Manifest] = spec.get("tasks") or ()
    for task in tasks:
        name = f"{task.get('name', '')}: " if len(tasks) > 1 else ""
        for one in _of_task(task, spec):
            yield attrs.evolve(one, when=f"{name}{one.when}")
        moved = _then(task, spec, EVICTED)
        yield Outcome(f"{name}another takes its room in the queue", f"its pods are ended: {moved}")
    queue = spec.get("queue") or "default"
    yield Outcome(general.NO_ROOM, f"it waits in the queue {queue}, and none of its pods starts")


def _of_task(task: Manifest, spec: Manifest) -> Iterator[Outcome]:
    moved = _then(task, spec, EVICTED)
    listed = {code for one in _policies(task, spec) if (code := one.get("exitCode"))}
    yield Outcome("node drained or reclaimed, pod preempted", moved)
    # Volcano waits until the last pod of a start is no more.
    lost = general.lost({**task, "podReplacementPolicy": "Failed"})
    yield Outcome("node lost", f"{lost}: {moved}")
    for group in _alike(sorted(listed - {general.KILLED}), task, spec):
        yield Outcome(f"exit code {either(group)}", _then(task, spec, FAILED, group[0]))
    yield Outcome(f"out of memory (exit code {general.KILLED})", _then(task, spec, FAILED, general.KILLED))
    other = next(code for code in range(1, 256) if code not in listed | {general.KILLED})
    yield Outcome("any other exit code but 0", _then(task, spec, FAILED, other))
    deadline = task["template"]["spec"].get("activeDeadlineSeconds")
    if deadline is None:
        yield Outcome("very long", "nothing ends it")
    else:
        ended = f"its pods get SIGTERM, and {general.grace(task)} to end; {_then(task, spec, FAILED, other)}"
        yield Outcome(f"longer than {long(deadline)} since the last start", ended)


def _alike(codes: Sequence[int], task: Manifest, spec: Manifest) -> Iterator[list[int]]:
    """Yield *codes* in groups of which the same follows."""
    groups: dict[str, list[int]] = {}
    for code in codes:
        groups.setdefault(_then(task, spec, FAILED, code), []).append(code)
    yield from groups.values()


def _policies(task: Manifest, spec: Manifest) -> list[Manifest]:
    """Return the policies in the order in which Volcano asks them."""
    return [*(task.get("policies") or ()), *(spec.get("policies") or ())]


def _then(task: Manifest, spec: Manifest, event: str, code: int = 0) -> str:
    """Return what the first policy that fits makes of *event*, and of a pod that ended with *code*."""
    action = next((str(one.get("action")) for one in _policies(task, spec) if _fits(one, event, code)), "")
    if action in ENDS:
        return ENDS[action]
    if action != "RestartJob" and action not in ALONE:
        return "the pod is replaced, and this is not counted" if event == EVICTED else LEFT
    again = ALONE.get(action, "all is started again")
    retries = (spec.get("maxRetry") or USUAL_STARTS) - 1
    return f"{again}, {times(retries)} at most; then {ENDED}" if retries > 0 else ENDED


def _fits(policy: Manifest, event: str, code: int) -> bool:
    events = {policy.get("event"), *(policy.get("events") or ())}
    return event in events or ANY in events or bool(code and policy.get("exitCode") == code)
