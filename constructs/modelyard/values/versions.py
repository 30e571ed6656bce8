"""Versions of Kubernetes as numbers that can be compared."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=64)
def minor(version: str) -> int:
    """Return the minor of a version such as ``1.34``, or 0 where *version* is none."""
    _, _, number = version.partition(".")
    return int(number) if number.isdecimal() else 0
