"""What is told of a training whatever runs it: that it is close to its deadline, and that it saves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.pod.monitors import Alert, prometheus_duration
from modelyard.values.durations import whole_seconds

if TYPE_CHECKING:
    from datetime import timedelta

    from modelyard.training.options import Checkpoint

AGAIN = 300
"""Seconds in which an operator has deleted what failed, to start all of it again."""
LONG = 90
"""A run that takes more than so many percent of its deadline is told of, since there is still time to act."""


def close_to_deadline(age: str, deadline: timedelta, label: str, *, active: str = "") -> Alert:
    """Return what is told of a run, named by *label*, whose *age* is near its *deadline*, while *active* is there."""
    limit = whole_seconds(deadline)
    return Alert(
        "TrainingLong",
        f"{age} > {limit * LONG // 100}{active}",
        0,
        "is close to its deadline",
        f"{{{{ $labels.{label} }}}} has used {LONG} percent of its {limit} seconds.",
    )


def without_checkpoints(checkpoint: Checkpoint | None, pods: str, started: str, active: str) -> Iterator[Alert]:
    """
    Yield what tells of a training that runs and saves nothing.

    What it saved counts on while no pod tells it: in a run that fails again and again before it saves anew, the time
    goes on. One that has not saved yet has the time from its start.

    Args:
        checkpoint: Which metric tells of the last one, and how old that may be.

        pods: The labels that choose its pods.

        started: When it started.

        active: What is there while it runs.
    """
    if checkpoint is None or checkpoint.metric is None or checkpoint.late is None:
        return
    late = whole_seconds(checkpoint.late)
    saved = f"max_over_time({checkpoint.metric}{{{pods}}}[{prometheus_duration(late)}])"
    yield Alert(
        "TrainingCheckpointMissing",
        f"time() - max by (namespace) ({saved} or ({started})) > {late} and on (namespace) {active}",
        0,
        "saves no checkpoint",
        f"It runs, and {checkpoint.metric} tells of none in {late} seconds: what is lost with a node grows.",
    )
