"""One line of what a training does when something goes wrong, and how numbers are said in it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@attrs.frozen
class Outcome:
    """
    One line of the table.

    Args:
        when: What goes wrong.

        then: What becomes of the pod, of the others and of the Job.
    """

    when: str
    then: str


def times(count: int) -> str:
    """Return how often *count* is, in words."""
    return "once" if count == 1 else f"{count} times"


def either(codes: Sequence[int]) -> str:
    """Return *codes* in a sentence: ``2, 126 or 127``."""
    *first, last = map(str, codes)
    return f"{', '.join(first)} or {last}" if first else last


def long(seconds: int) -> str:
    """Return *seconds* in the largest unit that says it exactly."""
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
