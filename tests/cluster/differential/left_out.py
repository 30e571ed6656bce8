"""Which changes are not made, and why."""

from __future__ import annotations

from tests.cluster.differential.changes import Change


def left_out(kind: str, change: Change) -> bool:
    """Return whether *change* is not made in objects of *kind*."""
    return False
