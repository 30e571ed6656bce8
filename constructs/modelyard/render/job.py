"""One training's Job, for the command that explains what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.findings import Severity, SynthesisError, UsageError
from modelyard.values.similar import did_you_mean

WITHOUT_JOBS = frozenset({"RayJob", "VolcanoJob"})
"""Kinds that run a training and have no Job in them."""


def job_of(main: Path, name: str, workload: str) -> tuple[list[dict[str, Any]], str]:
    """
    Return the Job, CronJob, JobSet or RayJob that *workload* is in the environment *name*, and why it is one.

    Of a TrainJob it is the TrainingRuntime that says most, and comes first.

    Raises:
        SynthesisError: There are findings of severity error.

        UsageError: There is no such environment or workload, or it makes no Job.
    """
    from modelyard.render.engine import selected  # noqa: PLC0415
    from modelyard.render.environment import build  # noqa: PLC0415 # starts Node
    from modelyard.render.load import load  # noqa: PLC0415
    from modelyard.render.objects import gather  # noqa: PLC0415

    fleet = load(main)
    selected(fleet.names, [name])
    environment, findings = build(fleet, name)
    if environment is None or findings:
        raise SynthesisError(findings)
    known = [str(one.id) for one in environment.workloads]
    if workload not in known:
        hint = did_you_mean(workload, known) or f"it has {', '.join(known) or 'none'}"
        message = f"{name} has no workload {workload!r}; {hint}"
        raise UsageError(message)
    gathered = gather(environment)
    if gathered.failed:
        raise SynthesisError([one for one in gathered.findings if one.severity is Severity.ERROR])
    runs = [one for one in gathered.objects if one.owner == workload and (one.jobs or one.kind in WITHOUT_JOBS)]
    jobs = [one.data for one in runs]
    if not jobs:
        message = f"{name}/{workload} makes no Job; only trainings end, and can fail for good"
        raise UsageError(message)
    reasons = [one.reason() for one in environment.workloads if str(one.id) == workload]
    starters = [one.data for one in gathered.objects if one.owner == workload and one.kind == "TrainJob"]
    return [jobs[0], *starters], reasons[0]
