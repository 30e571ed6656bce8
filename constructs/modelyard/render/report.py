"""What a person, or a pipe, is told about findings and about what was written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Finding, Severity, SynthesisError

if TYPE_CHECKING:
    from modelyard.render.engine import Report


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return *findings* with those that one line of Python causes in several environments told once."""
    groups: dict[Finding, list[Finding]] = {}
    for one in findings:
        source = attrs.evolve(one.source, via=()) if one.source is not None else None
        anywhere = attrs.evolve(one, where=one.where.partition("/")[2], source=source)
        groups.setdefault(anywhere if source is not None else one, []).append(one)
    return [_joined(group) for group in groups.values()]


def _joined(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    environments = dict.fromkeys(one.where.partition("/")[0] for one in group)
    workload = group[0].where.partition("/")[2]
    source = attrs.evolve(group[0].source, via=()) if group[0].source is not None else None
    return attrs.evolve(
        group[0], source=source, where=f"{', '.join(environments)}{' / ' if workload else ''}{workload}"
    )


def lines(findings: Iterable[Finding]) -> list[str]:
    """Return *findings* as lines of plain text: place, rule, what is wrong, what to do, who called."""
    told: list[str] = []
    for one in merged(findings):
        told.append(str(one))
        if one.source is not None and one.source.via:
            callers = ", ".join(f"{file}:{line}" for file, line in one.source.via)
            told.append(f"    called from {callers}")
    return told


def count(number: int, noun: str) -> str:
    """Return *number* with *noun*, which takes an "s" in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def verdict(findings: Sequence[Finding]) -> str:
    """Return how many errors and warnings there are."""
    told_once = merged(findings)
    errors = sum(one.severity is Severity.ERROR for one in told_once)
    warnings = len(told_once) - errors
    told = [count(errors, "error")] if errors else []
    if warnings:
        told.append(count(warnings, "warning"))
    return ", ".join(told)


def failure(error: BaseException, root: Path) -> str:
    """Return what is said when *error* ends a synthesis."""
    if isinstance(error, SynthesisError):
        found: Sequence[Finding] = error.findings
    else:
        from modelyard.crash import as_finding  # noqa: PLC0415 # crash installs this module's text
        from modelyard.findings import ModelyardError, SpecError  # noqa: PLC0415

        if isinstance(error, ModelyardError) and not isinstance(error, SpecError):
            return f"error: {error}\n"
        found = [as_finding(error, "main.py", root)]
    return "\n".join([*lines(found), outcome(found)]) + "\n"


def outcome(findings: Sequence[Finding]) -> str:
    """Return in one line how a synthesis failed, and where to read more."""
    ids = sorted({one.rule for one in findings if one.severity is Severity.ERROR})
    more = f"{ids[0]} tells more" if len(ids) == 1 else f"RULE tells more of {', '.join(ids)}"
    return f"{verdict(findings)}; dist/ is unchanged; modelyard explain {more}"


def summary(report: Report) -> str:
    """Return in one line what a synthesis did."""
    what = f"{count(len(report.results), 'environment')}, {count(report.objects, 'object')}"
    if not report.stale:
        return f"{what}: dist/ is up to date"
    written = len(report.changed) + len(report.locks)
    told = [count(written, "file") + " written"] if written else []
    if report.removed:
        told.append(f"{len(report.removed)} removed")
    return f"{what}: {', '.join(told)}"
