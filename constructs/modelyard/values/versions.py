"""Versions, of Kubernetes and of programs, as numbers that can be compared."""

from __future__ import annotations

import re
from functools import lru_cache

Version = tuple[int, ...]
"""As tuples compare: ``(0, 18)`` is before ``(0, 18, 1)``."""
VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+)+)(?:[-+._][-+._A-Za-z0-9]*)?")


@lru_cache(maxsize=64)
def minor(version: str) -> int:
    """Return the minor of a version such as ``1.34``, or 0 where *version* is none."""
    _, _, number = version.partition(".")
    return int(number) if number.isdecimal() else 0


def parsed(text: str | None) -> Version | None:
    """Return the numbers of a version such as ``v0.18.0-cu128``, or None where *text* is none."""
    match = VERSION.fullmatch(text) if text else None
    return tuple(int(number) for number in match[1].split(".")) if match else None
