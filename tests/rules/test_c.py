"""C: CronJobs, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Schedule
from modelyard.values import cron as schedules
from tests.rules import manifests
from tests.rules.patches import Operation, Setup, foreign, put, texts
from tests.support import training

CASES: list[Any] = []
NIGHTLY: dict[str, Any] = {**manifests.job("nightly"), "kind": "CronJob"}
NIGHTLY["spec"] = {"schedule": "30 3 * * *", "jobTemplate": {"spec": NIGHTLY["spec"]}}
CRON = "test: CronJob nightly spec."
WRITE = '; write five fields, such as "30 3 * * *" for every night at half past three'


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


def cron(*operations: Operation) -> Setup:
    """Return what adds a nightly CronJob."""
    return foreign(NIGHTLY, *operations)


case(
    "C01", "four fields", cron(put("/spec/schedule", "30 3 * *")),
    text=CRON + "schedule='30 3 * *' but a schedule has 5 fields (minute, hour, day, month, weekday) and "
    'this one has 4; write five fields, such as "30 3 * * *" for every night at half past three',
)  # fmt: skip
case(
    "C01", "no minute 60", cron(put("/spec/schedule", "60 3 * * *")),
    text=CRON + "schedule='60 3 * * *' but the minute is 60, and it goes from 0 to 59; write five fields, "
    'such as "30 3 * * *" for every night at half past three',
)  # fmt: skip
case(
    "C01", "word", cron(put("/spec/schedule", "30 3 * * someday")),
    text=CRON + "schedule='30 3 * * someday' but the day of the week is someday, which is neither a number, "
    'a range, a list nor a step such as */15; write five fields, such as "30 3 * * *" for every night '
    "at half past three",
)  # fmt: skip
case(
    "C01", "no step", cron(put("/spec/schedule", "*/0 * * * *")),
    text=CRON + "schedule='*/0 * * * *' but the minute is */0, which is neither a number, a range, a list "
    'nor a step such as */15; write five fields, such as "30 3 * * *" for every night at half past '
    "three",
)  # fmt: skip
case(
    "C01", "unknown name", cron(put("/spec/schedule", "@nightly")),
    text=CRON + "schedule='@nightly' but it is one of @annually, @daily, @hourly, @midnight, @monthly, "
    '@weekly, @yearly or @every with a duration such as 6h; write five fields, such as "30 3 * * *" for '
    "every night at half past three",
)  # fmt: skip
case(
    "C01", "time zone", cron(put("/spec/schedule", "CRON_TZ=UTC 30 3 * * *")),
    text=CRON + "schedule='CRON_TZ=UTC 30 3 * * *' but a schedule names no time zone; remove it, and name "
    "the zone in timeZone",
)  # fmt: skip
case(
    "C01", "30 February", cron(put("/spec/schedule", "0 0 30 2 *")),
    text=CRON + "schedule='0 0 30 2 *' but there is no such day in any year; correct the day, or write "
    "suspend: true for a CronJob that is started by hand",
)  # fmt: skip
case(
    "C01", "ours", lambda scope: training(scope, schedule=Schedule("0 0 30 2 *")),
    text="test/train: CronJob train spec.schedule='0 0 30 2 *' but there is no such day in any year; correct the day, or "
    "write Schedule(..., suspend=True) for a training that is started by hand",
)  # fmt: skip
case("C01", "by hand", lambda scope: training(scope, schedule=Schedule("0 0 30 2 *", suspend=True)))
case(
    "C03", "misspelt zone", cron(put("/spec/timeZone", "Europe/Berln")),
    text=CRON + "timeZone='Europe/Berln' but the IANA time zone database has no such zone; did you mean "
    "Europe/Berlin?",
)  # fmt: skip
case(
    "C03", "local", cron(put("/spec/timeZone", "Local")),
    text=CRON + "timeZone='Local' but the API server's own time zone may be any; write a name such as "
    '"Europe/Berlin" or "Etc/UTC"',
)  # fmt: skip
case(
    "C03", "empty", cron(put("/spec/timeZone", "")),
    text=CRON + "timeZone='' but a time zone has a name; write a name such as \"Europe/Berlin\" or \"Etc/UTC\"",
)  # fmt: skip
case(
    "C05", "5 seconds", cron(put("/spec/startingDeadlineSeconds", 5)),
    text=CRON + "startingDeadlineSeconds=5 but the controller itself may be 10 seconds late, and then skips "
    "the run; raise startingDeadlineSeconds, or remove it",
)  # fmt: skip
DEADLINE = put("/spec/jobTemplate/spec/activeDeadlineSeconds", 7200)
case(
    "C06", "longer than the period", cron(put("/spec/schedule", "@hourly"), DEADLINE),
    text=CRON + "jobTemplate.spec.activeDeadlineSeconds=7200 but the next run starts beside it after 3600 seconds "
    "(concurrencyPolicy is Allow); write concurrencyPolicy: Forbid, or a shorter activeDeadlineSeconds",
)  # fmt: skip
case(
    "C06", "ours", lambda scope: training(scope, schedule=Schedule("@hourly", if_running="start")),
    text="test/train: CronJob train spec.jobTemplate.spec.activeDeadlineSeconds=21600 but the next run starts beside "
    'it after 3600 seconds (concurrencyPolicy is Allow); pass a shorter deadline=, or write if_running="skip"',
)  # fmt: skip
case(
    "C06", "ours without a deadline",
    lambda scope: training(scope, schedule=Schedule("@hourly", if_running="start"), deadline=None),
    text="test/train: CronJob train spec.concurrencyPolicy='Allow' but without a deadline nothing keeps the runs from "
    'piling up; pass deadline=, or write if_running="skip"',
)  # fmt: skip
case(
    "C08", "selector", cron(put("/spec/jobTemplate/spec/selector", {"matchLabels": {"app": "a"}})),
    text=CRON + "jobTemplate.spec.selector but the API server makes the selector of every Job; remove it; a "
    "Job finds its pods by itself",
)  # fmt: skip
case(
    "C08", "manual selector", cron(put("/spec/jobTemplate/spec/manualSelector", value=True)),
    text=CRON + "jobTemplate.spec.manualSelector=True but the API server makes the selector of every Job; "
    "remove it; a Job finds its pods by itself",
)  # fmt: skip

case("C01", "nightly", cron())
case("C01", "29 February", cron(put("/spec/schedule", "0 0 29 2 *")))
case("C03", "zone", cron(put("/spec/timeZone", "America/Argentina/Buenos_Aires")))
case("C05", "10 seconds", cron(put("/spec/startingDeadlineSeconds", 10)))
case("C06", "shorter than the period", cron(put("/spec/schedule", "0 */2 * * *"), DEADLINE))
case(
    "C06",
    "one after the other",
    cron(put("/spec/schedule", "@hourly"), DEADLINE, put("/spec/concurrencyPolicy", "Forbid")),
)
case("C06", "no deadline that is known", cron(put("/spec/schedule", "@hourly")))
case("C06", "no schedule that can be read", cron(put("/spec/schedule", "hourly"), DEADLINE))
case("C08", "nothing", cron())


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *", "*/15 * * * *", "0 0 1,15 * *", "5-55/10 9-17 * * MON-FRI", "0 0 ? jan sun", "1/5 * * * *",
        "+5 * * * *", "@hourly", "@every 1h30m", "@midnight",
    ],
)  # fmt: skip
def test_schedules_that_the_controller_reads(schedule: str) -> None:
    """The grammar is that of github.com/robfig/cron."""
    assert schedules.broken(schedule) is None
    assert not schedules.never_fires(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 7",
        "5-1 * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "*/0 * * * *", "a * * * *", "* * * foo *", "-1 * * * *",
        "@reboot", "@every", "@every 1d", "1/70-80 * * * *",
    ],
)  # fmt: skip
def test_schedules_that_the_controller_refuses(schedule: str) -> None:
    """Each would be refused by the API server."""
    assert schedules.broken(schedule) is not None


@pytest.mark.parametrize(
    ("schedule", "never"),
    [
        ("0 0 31 2 *", True), ("0 0 30 2 *", True), ("0 0 31 4,6,9,11 *", True), (", 0 * * *", True),
        ("0 0 29 2 *", False), ("0 0 31 2 MON", False), ("0 0 31 2,3 *", False), ("@yearly", False),
        ("nonsense", False),
    ],
)  # fmt: skip
def test_a_day_that_does_not_exist(schedule: str, never: bool) -> None:  # noqa: FBT001 # a parameter of the test
    """Day and weekday are alternatives only where both are given."""
    assert schedules.never_fires(schedule) is never


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("* * * * *", 60), ("*/15 * * * *", 900), ("0 9,17 * * *", 8 * 3600), ("30 3 * * *", 86400),
        ("59 23 * * 1,2", 86400), ("0 9 * * 1", 7 * 86400), ("0 0 1 */2 *", 59 * 86400), ("0 0 1 * 1", 86400),
        ("0 0 29 2 *", 1461 * 86400), ("0 23,0 * * *", 3600), ("@hourly", 3600), ("@weekly", 7 * 86400),
        ("@every 1h30m", 5400), ("@every 0.5s", 1), ("@every 1d", None), ("0 0 30 2 *", None), ("nonsense", None),
    ],
)  # fmt: skip
def test_the_shortest_period(schedule: str, seconds: int | None) -> None:
    """Midnight does not end a period, and a day that is rare makes it long."""
    assert schedules.shortest_period(schedule) == seconds


@pytest.mark.parametrize("name", ["Local", "", "Europe//Berlin", "/UTC", "../etc", "-x", "europe/berlin", "Mars/Base"])
def test_names_that_are_no_time_zone(name: str) -> None:
    """The API server refuses each."""
    assert schedules.unknown_zone(name) is not None


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "EST5EDT", "Europe/Kyiv"])
def test_names_of_time_zones(name: str) -> None:
    """Old names stay known."""
    assert schedules.unknown_zone(name) is None
