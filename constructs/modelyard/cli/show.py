"""What commands print: for people with colour where the terminal has it, plain in a pipe, or JSON."""

from __future__ import annotations

import contextlib
import json as json_module
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import typer

from modelyard.findings import Finding, Severity, Source, SynthesisError, UsageError
from modelyard.render.report import lines, merged, outcome, summary

if TYPE_CHECKING:
    from rich.console import Console

    from modelyard.images import Change, Lock
    from modelyard.plan import Plan
    from modelyard.render.engine import Report
    from modelyard.render.provenance import Place

LONG_ENOUGH_TO_SHOW = 1.0
COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True, highlight=False)


@contextlib.contextmanager
def reserved(form: str) -> Iterator[None]:
    """Keep standard output for the answer, if a program reads it: what the user's Python prints goes beside it."""
    if form == "text":
        yield
        return
    sys.stdout.flush()
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, sys.stdout.fileno())
        os.close(kept)


@contextlib.contextmanager
def progress(form: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield what to call when an environment is done; a bar appears when it takes longer than a second."""
    if form != "text" or not sys.stderr.isatty():
        with reserved(form):
            yield None
        return
    from rich.progress import Progress

    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        bars: list[Any] = []

        def told(name: str, done: int, total: int) -> None:
            if not bars and time.monotonic() - start > LONG_ENOUGH_TO_SHOW and done < total:
                bar = stack.enter_context(Progress(console=_console(stderr=True), transient=True, auto_refresh=False))
                bars.extend([bar, bar.add_task("rendering", total=total)])
            if bars:
                bars[0].update(bars[1], completed=done, description=name, refresh=True)

        yield told


def _print(text: str, *, stderr: bool = False, style: str | None = None) -> None:
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        _console(stderr=stderr).print(text, style=style, markup=False)
    else:
        stream.write(f"{text}\n")


def _findings(findings: Sequence[Finding]) -> None:
    for one in merged(findings):
        for line in lines([one]):
            _print(line, stderr=True, style=None if line.startswith(" ") else COLOURS[one.severity])


def _json(data: object) -> None:
    sys.stdout.write(json_module.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def _finding_data(one: Finding) -> dict[str, Any]:
    data = attrs.asdict(one, recurse=False)
    source = one.source
    data["source"] = None if source is None else {"file": source.file, "line": source.line}
    return {**data, "text": one.text}


def report(done: Report, form: str) -> None:
    """Tell what a synthesis did."""
    if form == "json":
        _json(_report_data(done))
        return
    _findings(done.findings)
    _print(summary(done))


def _report_data(done: Report) -> dict[str, Any]:
    return {
        "environments": [one.name for one in done.results],
        "objects": done.objects,
        "changed": sorted(done.changed),
        "removed": sorted(done.removed),
        "locks": sorted(done.locks),
        "findings": [_finding_data(one) for one in done.findings],
    }


def freshness(done: Report, form: str) -> None:
    """Tell whether ``dist/`` is what the code renders."""
    if form == "json":
        _json({**_report_data(done), "fresh": not done.stale})
        return
    _findings(done.findings)
    for path in sorted(done.changed):
        _print(f"dist/{path} is not what the code renders")
    for path in sorted(done.removed):
        _print(f"dist/{path} is rendered no more")
    for path in sorted(done.locks):
        _print(f"{path} does not hold the generations that are kept")
    if done.stale:
        _print("dist/ is stale: run modelyard synth and commit what it writes")
    else:
        _print(summary(done))


def failure(error: SynthesisError, *, json: bool) -> None:
    """Tell why nothing was written."""
    if json:
        _json({"findings": [_finding_data(one) for one in error.findings]})
        return
    _findings(error.findings)
    _print(outcome(error.findings), stderr=True)


def _table(title: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if sys.stdout.isatty():
        from rich.table import Table

        table = Table(*title, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*row)
        _console().print(table)
        return
    everything = [tuple(word.upper() for word in title), *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(title))]
    for row in everything:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def plan(found: Plan, form: str) -> None:
    """Tell what a change does in the cluster."""
    from modelyard.plan import Risk, data, markdown, text

    if form == "json":
        _json(data(found))
    elif form == "markdown":
        sys.stdout.write(markdown(found))
    else:
        styles = {Risk.DANGER: "red", Risk.CAUTION: "yellow"}
        for line, risk in text(found):
            _print(line, style=styles.get(risk) if risk else None)


def names(found: Sequence[str], form: str) -> None:
    """List the names of environments."""
    if form == "json":
        _json(list(found))
        return
    for one in found:
        sys.stdout.write(f"{one}\n")


def workloads(found: Sequence[Mapping[str, Any]], form: str) -> None:
    """List workloads."""
    if form == "json":
        _json(list(found))
        return
    columns = ["environment", "workload", "kind", "replicas", "gpus", "image"]
    rows = [[str({**one, "kind": _kind(one)}[column]) for column in columns] for one in found]
    if any(one["delivery"] for one in found):
        columns.append("delivery")
        rows = [[*row, one["delivery"] or ""] for row, one in zip(rows, found, strict=True)]
    if any(one["kept"] for one in found):
        columns.append("kept")
        rows = [[*row, ", ".join(one["kept"])] for row, one in zip(rows, found, strict=True)]
    _table(columns, rows)


def _kind(workload: Mapping[str, Any]) -> str:
    """Return what *workload* is, and what runs it where Kubernetes itself has no such kind."""
    runs = workload.get("runs_as", "Job")
    return f"{workload['kind']}" if runs in {"Job", "CronJob"} else f"{workload['kind']} ({runs})"


def images(locks: Mapping[str, Lock], form: str) -> None:
    """List the images of lock files."""
    rows = [
        (environment, name, image.repository, image.tag or "", image.digest or "")
        for environment, lock in locks.items()
        for name, image in sorted(lock.images.items())
    ]
    columns = ("environment", "name", "repository", "tag", "digest")
    if form == "json":
        _json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    _table(columns, rows)


def changes(found: Sequence[Change]) -> None:
    """Tell what became different in a lock file."""
    for one in found:
        before = str(one.before) if one.before is not None else "(new)"
        _print(f"{one.environment}/{one.name}: {before} -> {one.after}")
    if not found:
        _print("nothing to change")
    else:
        _print("run modelyard synth to render it")


def outcomes(manifests: Sequence[Mapping[str, Any]], reason: str, form: str) -> None:
    """Tell what a Job does when something goes wrong, and for what *reason* it is one."""
    from modelyard.training.outcomes import outcomes as all_of

    rows = all_of(*manifests)
    if form == "json":
        _json([attrs.asdict(one) for one in rows])
        return
    _table(("when", "then"), [(one.when, one.then) for one in rows])
    _print(reason)


def places(found: Sequence[Place], form: str) -> None:
    """Tell which objects come from which lines."""
    if form == "json":
        _json([attrs.asdict(one) for one in found])
        return
    _table(("file", "object", "line"), [(one.path, f"{one.kind} {one.name}", _line(one.source)) for one in found])


def _line(source: Source | None) -> str:
    if source is None:
        return "outside the project"
    return ", called from ".join([str(source), *(f"{file}:{line}" for file, line in source.via)])


def rule(rule_id: str) -> None:
    """
    Print the page of a rule, or with ``all`` the list of rules.

    Raises:
        UsageError: There is no rule of this id.
    """
    from modelyard.rules import RULES
    from modelyard.rules.page import page
    from modelyard.values.similar import did_you_mean

    if rule_id == "all":
        _table(
            ("rule", "severity", "says"),
            [[one.id, one.severity.value, one.title] for _, one in sorted(RULES.items())],
        )
        return
    if rule_id.upper() not in RULES:
        hint = did_you_mean(rule_id.upper(), RULES) or "modelyard explain all lists them"
        message = f"there is no rule {rule_id!r}; {hint}"
        raise UsageError(message)
    text = page(rule_id.upper())
    if sys.stdout.isatty():
        from rich.markdown import Markdown

        _console().print(Markdown(text))
    else:
        typer.echo(text, nl=not text.endswith("\n"))
