"""C: CronJobs: when they run."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values import cron
from modelyard.values.similar import did_you_mean

SHORTEST_WAIT = 10
PAGE = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/"

C01 = Rule(
    "C01",
    "A CronJob has a schedule that its controller can read, of a time that comes.",
    why="The API server refuses the CronJob, or its controller gives it up (InvalidSchedule), and no run ever starts.",
    fix='write five fields, such as "30 3 * * *" for every night at half past three',
    see=f"{PAGE}#schedule-syntax",
)
C03 = Rule(
    "C03",
    "A CronJob's time zone is one of the IANA database.",
    why="The API server refuses the CronJob.",
    fix='write a name such as "Europe/Berlin" or "Etc/UTC"',
    see=f"{PAGE}#time-zones",
)
C05 = Rule(
    "C05",
    "A run that starts a little late still starts.",
    why="The controller skips a run whose time is longer ago than startingDeadlineSeconds, and it may be late itself.",
    fix="raise startingDeadlineSeconds, or remove it",
    see=f"{PAGE}#starting-deadline",
    severity=Severity.WARNING,
    acceptable=True,
)
C06 = Rule(
    "C06",
    "Runs that may go on side by side end before they pile up.",
    why=(
        "With concurrencyPolicy Allow a run that takes longer than it is to the next one has the next beside it, "
        "and the one after that, and they take CPU, memory and accelerators from each other until none ends."
    ),
    fix="write concurrencyPolicy: Forbid, or a shorter activeDeadlineSeconds",
    see=f"{PAGE}#concurrency-policy",
    acceptable=True,
)
C08 = Rule(
    "C08",
    "The Jobs of a CronJob have no selector of their own.",
    why="The API server refuses the CronJob.",
    fix="remove it; a Job finds its pods by itself",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector",
)


@C01.objects("CronJob")
def _cron(one: Object, _scope: Scope) -> Iterator[Breach]:
    spec = one.spec
    schedule, zone = str(spec.get("schedule") or ""), spec.get("timeZone")
    if "TZ" in schedule:
        do = "remove it, and name the zone in timeZone"
        yield C01.breach("spec.schedule", schedule, "a schedule names no time zone", do)
    elif because := cron.broken(schedule):
        yield C01.breach("spec.schedule", schedule, because)
    elif cron.never_fires(schedule) and not spec.get("suspend"):
        suspended, what = ("Schedule(..., suspend=True)", "training") if one.owner else ("suspend: true", "CronJob")
        do = f"correct the day, or write {suspended} for a {what} that is started by hand"
        yield C01.breach("spec.schedule", schedule, "there is no such day in any year", do)
    if zone is not None and (because := cron.unknown_zone(zone)):
        yield C03.breach("spec.timeZone", zone, because, did_you_mean(zone, cron.time_zones()))
    wait = spec.get("startingDeadlineSeconds")
    if wait is not None and wait < SHORTEST_WAIT:
        because = f"the controller itself may be {SHORTEST_WAIT} seconds late, and then skips the run"
        yield C05.breach("spec.startingDeadlineSeconds", wait, because)
    yield from _overlap(one)
    job = one.job.spec if one.job else {}
    if job.get("selector") is not None:
        because = "the API server makes the selector of every Job"
        yield C08.breach("spec.jobTemplate.spec.selector", None, because)
    if job.get("manualSelector"):
        because = "the API server makes the selector of every Job"
        yield C08.breach("spec.jobTemplate.spec.manualSelector", True, because)  # noqa: FBT003


def _overlap(one: Object) -> Iterator[Breach]:
    """Compare how long a run may take with when the next one starts, where they may go on side by side."""
    job, policy = one.job, one.spec.get("concurrencyPolicy")
    if job is None or policy not in {None, "", "Allow"}:
        return
    period = cron.shortest_period(str(one.spec.get("schedule") or ""))
    deadline = job.spec.get("activeDeadlineSeconds")
    if deadline is None and one.owner:
        because = "without a deadline nothing keeps the runs from piling up"
        yield C06.breach("spec.concurrencyPolicy", policy, because, 'pass deadline=, or write if_running="skip"')
    elif deadline is not None and period is not None and deadline > period:
        because = f"the next run starts beside it after {period} seconds (concurrencyPolicy is Allow)"
        do = 'pass a shorter deadline=, or write if_running="skip"' if one.owner else None
        yield C06.breach(job.at("activeDeadlineSeconds"), deadline, because, do)
