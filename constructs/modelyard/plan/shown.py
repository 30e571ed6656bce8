"""Values of fields as people read them."""

from __future__ import annotations

import json
import re
from typing import Any

from modelyard.exact_yaml import PLAIN
from modelyard.plan.conceal import Hidden, line
from modelyard.plan.fields import MISSING

LONGEST = 300
MOST_LINES = 6
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What a terminal may obey."""


def one_line(value: Any) -> str:
    """Return *value* in one line: as it is where nothing can be misread, as JSON else."""
    if value is MISSING:
        return "(none)"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        text = value
    elif isinstance(value, Hidden):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return _cut(text)


def lines(before: Any, after: Any) -> list[str]:
    """Return both values as the lines of a diff; of texts of several lines only those that differ."""
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        return _texts(before.splitlines(), after.splitlines())
    gone = [] if before is MISSING else [f"- {one_line(before)}"]
    return gone if after is MISSING else [*gone, f"+ {one_line(after)}"]


def _texts(before: list[str], after: list[str]) -> list[str]:
    start, shorter = 0, min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    end = 0
    while end < shorter - start and before[-1 - end] == after[-1 - end]:
        end += 1
    gone, come = before[start : len(before) - end], after[start : len(after) - end]
    return [*_some("-", gone), *_some("+", come)] or ["+ (only the end of the last line)"]


def _some(sign: str, found: list[str]) -> list[str]:
    told = [f"{sign} {_cut(line(one))}" for one in found[:MOST_LINES]]
    return [*told, f"{sign} ... {len(found) - MOST_LINES} more lines"] if len(found) > MOST_LINES else told


def _cut(text: str) -> str:
    text = CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
