"""Lengths of time, as ``datetime.timedelta``, written the way people say them."""

from __future__ import annotations

from datetime import timedelta


def seconds(count: float) -> timedelta:
    """Return a duration of *count* seconds."""
    return timedelta(seconds=count)


def minutes(count: float) -> timedelta:
    """Return a duration of *count* minutes."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """Return a duration of *count* hours."""
    return timedelta(hours=count)


def days(count: float) -> timedelta:
    """Return a duration of *count* days."""
    return timedelta(days=count)


def go_duration(duration: timedelta) -> str:
    """Return *duration*, rounded up to seconds, as Go writes it: ``1h0m0s``."""
    total = whole_seconds(duration)
    whole_hours, rest = divmod(total, 3600)
    whole_minutes, last = divmod(rest, 60)
    if whole_hours:
        return f"{whole_hours}h{whole_minutes}m{last}s"
    return f"{whole_minutes}m{last}s" if whole_minutes else f"{last}s"


def whole_seconds(duration: timedelta) -> int:
    """Return *duration* in seconds, rounded up: a limit is never shorter than what was asked for."""
    whole = duration // timedelta(seconds=1)
    return whole if timedelta(seconds=whole) == duration else whole + 1
