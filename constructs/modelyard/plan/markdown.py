"""A plan as the comment on a pull request: a table, details folded, and never longer than a comment may be."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from modelyard.plan.model import Effect, ObjectChange, Plan, Risk, WorkloadPlan
from modelyard.plan.shown import lines
from modelyard.plan.text import NOTHING, summary, title

MARK = "<!-- modelyard plan -->"
"""First line of the comment, by which the next run finds it."""
LONGEST = 65_000
"""Bytes; GitHub takes 65,536 characters."""
TABLE = 24_000
MOST_EFFECTS = 3
LONGEST_CELL = 400
SIGNS = {Risk.DANGER: "\U0001f534", Risk.CAUTION: "\U0001f7e1", Risk.NOTE: "\u26aa"}
ALL = "run `modelyard plan` for all of it"
PLAIN = re.compile(r"[A-Za-z0-9.'%-]*")
WORD = re.compile(r"(?P<before>\(?)(?P<word>.*?)(?P<after>[,;:)]*)")


def markdown(plan: Plan, limit: int = LONGEST) -> str:
    """Return *plan* as Markdown of at most *limit* bytes; what has no room is counted."""
    if not plan.workloads:
        return f"{MARK}\n**Plan: {NOTHING}** since {_escaped(plan.base)}.\n"
    head = f"{MARK}\n**Plan: {summary(plan)}** since {_escaped(plan.base)}.\n\n"
    table = _fitting(
        [_row(one) for one in plan.workloads],
        min(TABLE, limit // 2),
        "| | | and {} more workloads: " + ALL + " |\n",
    )
    told = f"{head}| | Workload | What happens |\n|---|---|---|\n{table}\n"
    return told + _fitting(
        (_details(one) for one in plan.workloads),
        limit - len(told.encode()),
        "Details of {} more workloads have no room here: " + ALL + ".\n",
        total=len(plan.workloads),
    )


def _fitting(parts: Iterable[str], room: int, rest: str, total: int | None = None) -> str:
    """Return the first of *parts* that have *room*, and how many are left."""
    found: list[str] = []
    used, many, reserve = 0, total or 0, len(rest) + 12
    if total is None:
        parts = list(parts)
        many = len(parts)
    for part in parts:
        size = len(part.encode())
        if used + size + reserve > room:
            break
        found.append(part)
        used += size
    left = many - len(found)
    return "".join(found) + (rest.format(left) if left else "")


def _row(one: WorkloadPlan) -> str:
    told = [_cell(effect) for effect in one.effects[:MOST_EFFECTS]]
    if len(one.effects) > MOST_EFFECTS:
        told.append(f"and {len(one.effects) - MOST_EFFECTS} more")
    change = "" if one.change == "changed" else f" ({one.change})"
    return f"| {SIGNS[one.risk]} | {_escaped(one.where)}{change} | {'<br>'.join(told)} |\n"


def _cell(effect: Effect) -> str:
    text = effect.text if len(effect.text) <= LONGEST_CELL else f"{effect.text[:LONGEST_CELL]}..."
    return _escaped(text)


def _details(one: WorkloadPlan) -> str:
    sign = f"{SIGNS[one.risk]} {html.escape(one.where)}"
    body = "".join(f"- {SIGNS[effect.risk]} {_escaped(effect.text)}\n" for effect in one.effects)
    block = "\n".join(line for each in one.objects for line in _object(each))
    fence = "`" * (max((len(run) for run in re.findall(r"`+", block)), default=2) + 1)
    fence = fence if len(fence) >= len("```") else "```"
    return f"<details><summary>{sign}</summary>\n\n{body}\n{fence}diff\n{block}\n{fence}\n\n</details>\n\n"


def _object(one: ObjectChange) -> Iterator[str]:
    yield f"@@ {title(one)} @@"
    for field in one.fields:
        yield f"  {field.text}"
        yield from lines(field.before, field.after)


def _escaped(text: str) -> str:
    """Return *text* so that Markdown, HTML and mentions see nothing in it: what is no plain word is code."""
    told: list[str] = []
    for word in text.replace(" -> ", " to ").split():
        match = WORD.fullmatch(word)
        before, inner, after = match.groups() if match else ("", word, "")
        if PLAIN.fullmatch(inner):
            told.append(word)
        else:
            told.append(f"{before}`{inner.replace('`', chr(39)).replace('|', '&#124;')}`{after}")
    return " ".join(told).replace("` `", " ")
