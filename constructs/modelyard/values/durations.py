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


def whole_seconds(duration: timedelta) -> int:
    """Return *duration* in seconds, rounded up: a limit is never shorter than what was asked for."""
    whole = duration // timedelta(seconds=1)
    return whole if timedelta(seconds=whole) == duration else whole + 1
