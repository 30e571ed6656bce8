"""Cron schedules as the CronJob controller reads them."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path

import attrs

FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    ("day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
DESCRIPTORS = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip
EVERY = "@every "
DURATION = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)")
PART = re.compile(r"([0-9]*\.?[0-9]*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
SECONDS = {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
DAY = 24 * 60
FIRST_DAY, MOST_DAYS = date(2000, 1, 1), 9 * 366
"""Long enough for the 29th of February to come twice."""
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
NUMBER = re.compile(r"\+?[0-9]{1,9}")
ZONE_PART = re.compile(r"[A-Za-z._+0-9-]{1,14}")


@attrs.frozen
class Field:
    """
    One field of a schedule.

    Args:
        values: The numbers that it matches.

        star: Whether it is ``*``, and so no restriction.
    """

    values: frozenset[int]
    star: bool


@lru_cache(maxsize=1024)
def broken(schedule: str) -> str | None:
    """
    Return how *schedule* breaks the grammar, or None.

    See Also:
        https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format
    """
    parsed = _parse(schedule)
    return parsed if isinstance(parsed, str) else None


@lru_cache(maxsize=1024)
def never_fires(schedule: str) -> bool:
    """Return whether *schedule* is well formed and names no day that exists."""
    parsed = _parse(schedule)
    if not isinstance(parsed, tuple) or not parsed:
        return False
    minute, hour, day, month, weekday = parsed
    if not (minute.values and hour.values and month.values):
        return True
    exists = any(number <= LONGEST_MONTHS[each - 1] for each in month.values for number in day.values)
    if day.star or weekday.star:
        return not (exists and weekday.values)
    return not (exists or weekday.values)


@lru_cache(maxsize=1024)
def shortest_period(schedule: str) -> int | None:
    """Return the fewest seconds between two runs of *schedule*, clock changes left aside; None where there are none."""
    if schedule.startswith(EVERY):
        if broken(schedule):
            return None
        found = PART.findall(schedule[len(EVERY) :])
        return max(1, int(sum(float(count) * SECONDS[unit] for count, unit in found)))  # it has no smaller steps
    parsed = _parse(DESCRIPTORS.get(schedule, schedule))
    if isinstance(parsed, str) or never_fires(schedule):
        return None
    minute, hour, day, month, weekday = parsed
    times = sorted(60 * one + other for one in hour.values for other in minute.values)
    periods = [later - earlier for earlier, later in itertools.pairwise(times)]
    before: int | None = None
    for number in range(MOST_DAYS):
        today = FIRST_DAY + timedelta(number)
        days = (today.day in day.values, today.isoweekday() % 7 in weekday.values)
        if today.month in month.values and (all(days) if day.star or weekday.star else any(days)):
            if before is not None:
                periods.append(DAY * (number - before) + times[0] - times[-1])
            before = number
    return 60 * min(periods)


def _parse(schedule: str) -> tuple[Field, ...] | str:
    if schedule.startswith("@"):
        if schedule in DESCRIPTORS or (schedule.startswith(EVERY) and DURATION.fullmatch(schedule[len(EVERY) :])):
            return ()
        return f"it is one of {', '.join(sorted(DESCRIPTORS))} or @every with a duration such as 6h"
    texts = schedule.split()
    if len(texts) != len(FIELDS):
        return f"a schedule has 5 fields (minute, hour, day, month, weekday) and this one has {len(texts)}"
    fields: list[Field] = []
    for text, (name, low, high, words) in zip(texts, FIELDS, strict=True):
        field = _field(text, low, high, words)
        if isinstance(field, str):
            return f"the {name} {field}"
        fields.append(field)
    return tuple(fields)


def _field(text: str, low: int, high: int, words: tuple[str, ...]) -> Field | str:
    values: set[int] = set()
    star = False
    for part in text.split(","):
        if not part:
            continue
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        size = _number(step, ()) if slash else 1
        every = first in {"*", "?"}
        star = star or (every and size == 1)
        start = low if every else _number(first, words, low)
        end = high if every or (slash and not dash) else _number(last, words, low) if dash else start
        if start is None or end is None or not size:
            return f"is {text}, which is neither a number, a range, a list nor a step such as */15"
        if not low <= start <= end <= high:
            return f"is {text}, and it goes from {low} to {high}"
        values.update(range(start, end + 1, size))
    return Field(frozenset(values), star)


def _number(text: str, words: tuple[str, ...], first: int = 0) -> int | None:
    if text.lower() in words:
        return words.index(text.lower()) + first
    return int(text) if NUMBER.fullmatch(text) else None


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the time zones that the API server knows."""
    text = (Path(__file__).parent / "timezones.json").read_text(encoding="utf-8")
    return frozenset(json.loads(text)["names"])


@lru_cache(maxsize=256)
def unknown_zone(name: str) -> str | None:
    """Return why *name* is no time zone of a CronJob, or None."""
    if not name:
        return "a time zone has a name"
    if name.lower() == "local":
        return "the API server's own time zone may be any"
    parts = name.split("/")
    well_formed = all(ZONE_PART.fullmatch(part) and part not in {".", ".."} and part[0] != "-" for part in parts)
    if not well_formed or name not in time_zones():
        return "the IANA time zone database has no such zone"
    return None
