"""All environments of a fleet, in this process or in several, and one publication at the end."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from modelyard import crash
from modelyard.findings import Finding, Severity, SynthesisError, UsageError
from modelyard.images import lock_path, replace
from modelyard.render import inventory, tree
from modelyard.render.across import across
from modelyard.render.layout import inventory_path
from modelyard.render.model import Options, Result
from modelyard.render.project import guard
from modelyard.render.workspace import Workspace
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from modelyard.fleet import Fleet

NOT_THE_DISK = {errno.EPIPE, errno.ECHILD, errno.ECONNRESET}
"""What a broken connection to another process is called; everything else is about files."""

Progress = Callable[[str, int, int], None]
"""Told the name of an environment that is done, how many are, and how many there are."""


@attrs.frozen(kw_only=True)
class Request:
    """
    What is to be rendered, and how.

    Args:
        main: The project's ``main.py``.

        only: Names of environments. Default: all.

        fleet: The fleet, where it is in this process already. Default: *main* is run.

        jobs: Processes at a time, at least 1. Default: one a core.

        write: Whether ``dist/`` is changed. Default: it is; else only what would change is reported.

        force: Whether generated files that were edited by hand are replaced. Default: that is an error.

        progress: Called whenever an environment is done. Default: nobody is told.
    """

    main: Path
    only: Sequence[str] = ()
    fleet: Fleet | None = None
    jobs: int | None = None
    write: bool = True
    force: bool = False
    progress: Progress | None = None


@attrs.define(kw_only=True)
class Report:
    """
    What a synthesis, or a check, came to.

    Args:
        results: One an environment, in the fleet's order.

        changed: Paths below ``dist/`` that are new or different.

        removed: Paths that are gone, or would be.

        findings: Warnings only; errors are raised.

        locks: Lock files that keep other former objects than before, as paths below the project's root.
    """

    results: list[Result]
    changed: list[str]
    removed: list[str]
    findings: list[Finding]
    locks: list[str] = attrs.field(factory=list)

    @property
    def stale(self) -> bool:
        """Whether anything on disk is not what the code renders."""
        return bool(self.changed or self.removed or self.locks)

    @property
    def objects(self) -> int:
        """How many objects are rendered."""
        inventories = [one.inventory for one in self.results if one.inventory is not None]
        return sum(1 for listed in inventories for one in listed.entries.values() if one.identity)


def synthesize(request: Request) -> Report:
    """
    Render environments into ``dist/``, all or nothing.

    Raises:
        SynthesisError: There are findings of severity error; nothing on disk has changed.

        UsageError: An environment does not exist, or the disk cannot do what is needed.
    """
    guard(request.main)
    root = request.fleet.root if request.fleet is not None else request.main.resolve().parent
    workspace = Workspace(root)
    try:
        if not request.write:
            return _rendered(workspace, request, None)
        with workspace.locked():
            try:
                report = _rendered(workspace, request, workspace.stage)
                _published(workspace, report)
            finally:
                tree.discard(workspace.stage)
            return report
    except OSError as error:
        if error.errno is None or error.errno in NOT_THE_DISK:
            raise
        place = error.filename or workspace.dist
        message = f"{place}: {error.strerror}; dist/ is as it was"
        raise UsageError(message) from None


def _rendered(workspace: Workspace, request: Request, stage: Path | None) -> Report:
    options = Options(dist=workspace.dist, stage=stage, force=request.force, verified=workspace.verified())
    names, results = _results(request, options)
    findings = [one for result in results for one in result.findings]
    others = [inventory.read(workspace.dist, name) for name in names if request.only and name not in request.only]
    rendered = [one.inventory for one in results if one.inventory is not None]
    findings.extend(across([*others, *rendered], {one.name: one.source for one in results}))
    removed = [path for result in results for path in result.removed]
    if not request.only and not _failed(findings):
        for name in inventory.names(workspace.dist):
            if name not in names:
                gone, found = _leftovers(workspace.dist, name, force=request.force)
                removed.extend(gone)
                findings.extend(found)
    if _failed(findings):
        raise SynthesisError(findings)
    changed = [path for result in results for path in result.changed]
    locks = [_lock_file(workspace.root, one.name).as_posix() for one in results if one.lock is not None]
    return Report(results=results, changed=changed, removed=removed, findings=findings, locks=locks)


def _lock_file(root: Path, name: str) -> Path:
    return lock_path(root, name).relative_to(root)


def _failed(findings: Sequence[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in findings)


def _published(workspace: Workspace, report: Report) -> None:
    before = workspace.verified()
    with _locked(workspace.root, report):
        if report.changed or report.removed:
            workspace.stage.mkdir(parents=True, exist_ok=True)
            tree.publish(workspace.dist, workspace.stage, removed=set(report.removed))
    workspace.verify({result.name: result.seal for result in report.results}, before)


@contextlib.contextmanager
def _locked(root: Path, report: Report) -> Iterator[None]:
    """Write the lock files first, which is enough to render the rest again, and take it back where the rest fails."""
    texts = {lock_path(root, one.name): one.lock for one in report.results if one.lock is not None}
    before = {path: tree.content(path) for path in texts}
    try:
        for path, text in texts.items():
            replace(path, text)
        yield
    except BaseException:
        for path, data in before.items():
            with contextlib.suppress(OSError):
                if data is None:
                    path.unlink(missing_ok=True)
                else:
                    replace(path, data.decode())
        raise


def _results(request: Request, options: Options) -> tuple[Sequence[str], list[Result]]:
    from modelyard.render.load import load  # noqa: PLC0415 # the command line imports this room early

    fleet = request.fleet or load(request.main)
    if not fleet.names:
        raise SynthesisError([crash.without_environments(request.main.name, fleet.root)])
    chosen = selected(fleet.names, request.only)
    results: dict[str, Result] = {}
    for result in _rendering(fleet, chosen, options, request.jobs or os.cpu_count() or 1):
        results[result.name] = result
        if request.progress is not None:
            request.progress(result.name, len(results), len(chosen))
    return fleet.names, [results[name] for name in chosen]


def _rendering(fleet: Fleet, names: Sequence[str], options: Options, count: int) -> Iterator[Result]:
    from modelyard.render.environment import render  # noqa: PLC0415 # the command line imports this room early

    if len(names) > 1 and _can_fork(fleet):
        from modelyard.render.workers import spread  # noqa: PLC0415 # only where there is more than one

        return spread(fleet, names, options, count)
    return (render(fleet, name, options) for name in names)


def overview(main: Path, only: Sequence[str] = ()) -> list[dict[str, object]]:
    """
    Return the workloads of environments as ``modelyard list`` shows them; nothing is rendered or written.

    Raises:
        SynthesisError: The Python of the environments does not run to its end, or options make no sense.

        UsageError: An environment does not exist.
    """
    from modelyard.render.environment import build, summaries  # noqa: PLC0415 # starts Node
    from modelyard.render.load import load  # noqa: PLC0415
    from modelyard.render.refusals import refused  # noqa: PLC0415

    fleet = load(main)
    workloads: list[dict[str, object]] = []
    findings: list[Finding] = []
    for name in selected(fleet.names, only):
        environment, found = build(fleet, name)
        findings.extend(found)
        broken = refused(environment) if environment is not None else []
        findings.extend(broken)
        if environment is not None and not broken:
            workloads.extend(summaries(environment))
    if findings:
        raise SynthesisError(findings)
    return workloads


def chosen(main: Path, only: Sequence[str] = ()) -> list[str]:
    """
    Return the names of environments, in the fleet's order; none of them is built.

    Raises:
        SynthesisError: The Python of the project does not run to its end.

        UsageError: An environment does not exist.
    """
    from modelyard.render.load import load  # noqa: PLC0415 # the command line imports this room early

    return selected(load(main).names, only)


def _can_fork(fleet: Fleet) -> bool:
    """Return whether a fork of this process can render: it must share no Node, and no lock that a thread holds."""
    from modelyard._jsii import Node  # noqa: PLC0415 # the command line imports this room early

    return not fleet.tree.known and not Node.started and threading.active_count() == 1


def selected(names: Sequence[str], only: Sequence[str]) -> list[str]:
    """
    Return those of *names* that are asked for, in the fleet's order.

    Raises:
        UsageError: One that is asked for does not exist.
    """
    for name in only:
        if name not in names:
            hint = did_you_mean(name, names) or f"the fleet has {', '.join(names) or 'none'}"
            message = f"there is no environment {name!r}; {hint}"
            raise UsageError(message)
    return [name for name in names if not only or name in only]


def _leftovers(dist: Path, name: str, *, force: bool) -> tuple[list[str], list[Finding]]:
    """Return the generated files of an environment that is gone, and what must not go with them."""
    from modelyard.render.compare import retired, strangers  # noqa: PLC0415 # not before processes are made

    previous = inventory.read(dist, name)
    removed, found = retired(name, previous.entries.keys(), previous, dist, force=force)
    return [*removed, inventory_path(name)], [*found, *strangers(name, previous.entries.keys(), dist)]
