"""What a RayJob does when something goes wrong, read off its manifest as KubeRay reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.training.outcome import Outcome, long, times

Manifest = Mapping[str, Any]

SUBMISSIONS = 2
"""How often KubeRay starts the pod again that hands the program to the head and follows it."""


def of_ray(spec: Manifest) -> Iterator[Outcome]:
    """Yield what happens to a Ray cluster and the program on its head."""
    retries, deadline = spec.get("backoffLimit") or 0, spec.get("activeDeadlineSeconds")
    again = f"a new Ray cluster runs it again, {times(retries)} at most; then the RayJob fails" if retries else ""
    then = again or "the RayJob fails, and its Ray cluster is deleted"
    yield Outcome("node of a worker drained or lost", "the pod is replaced; what that means, the program says to Ray")
    # Whoever follows the program submits it where there is none, so a new head runs it, and that is no retry.
    submitter = (spec.get("submitterConfig") or {}).get("backoffLimit")
    many = times(SUBMISSIONS if submitter is None else submitter)
    lost = f"the program is lost with it, and submitted to a new head, {many} at most; then {then}"
    yield Outcome("node of the head drained or lost", lost)
    followed = f"another pod follows the program, {many} at most; then {then}"
    yield Outcome("node of the submitter drained or lost", followed)
    yield Outcome("a pod out of memory", "the same as when its node is lost; Ray ends single tasks before that")
    yield Outcome("any exit code but 0", then)
    if deadline is None:
        yield Outcome("very long", "nothing ends it")
    else:
        longer = f"longer than {long(deadline)} since the last start"
        yield Outcome(longer, "the RayJob fails, and its Ray cluster is deleted")
