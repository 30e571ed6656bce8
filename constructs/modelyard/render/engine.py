"""All environments of a fleet, in this process or in several, and one publication at the end."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach, Finding, Severity, SynthesisError, UsageError
from modelyard.render import inventory, tree
from modelyard.render.layout import inventory_path
from modelyard.render.workspace import Workspace
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from modelyard.fleet import Fleet
    from modelyard.render.environment import Options, Result

FEW_OBJECTS = 1500
"""Below about so many objects a second process costs more than it saves."""

Progress = Callable[[str, int, int], None]
"""Told the name of an environment that is done, how many are, and how many there are."""


@attrs.define(kw_only=True)
class Report:
    """
    What a synthesis, or a check, came to.

    Args:
        results: One an environment, in the fleet's order.

        changed: Paths below ``dist/`` that are new or different.

        removed: Paths that are gone, or would be.

        findings: Warnings only; errors are raised.
    """

    results: list[Result]
    changed: list[str]
    removed: list[str]
    findings: list[Finding]

    @property
    def objects(self) -> int:
        """How many objects are rendered."""
        return sum(len(one.inventory.entries) for one in self.results if one.inventory is not None)


def synthesize(
    main: Path,
    only: Sequence[str] = (),
    *,
    fleet: Fleet | None = None,
    jobs: int | None = None,
    write: bool = True,
    force: bool = False,
    progress: Progress | None = None,
) -> Report:
    """
    Render environments into ``dist/``, all or nothing.

    Args:
        main: The project's ``main.py``.

        only: Names of environments. Default: all.

        fleet: The fleet, where it is in this process already.

        jobs: Processes, at least 1. Default: one a core, or one where the fleet is small.

        write: Whether ``dist/`` is changed. Default: it is; else only what would change is reported.

        force: Whether generated files that were edited by hand are replaced. Default: that is an error.

        progress: Called whenever an environment is done.

    Raises:
        SynthesisError: There are findings of severity error; nothing on disk has changed.

        UsageError: An environment does not exist, or the disk cannot do what is needed.
    """
    root = fleet.root if fleet is not None else main.resolve().parent
    workspace = Workspace(root)
    try:
        if not write:
            return _run(workspace, main, only, fleet, jobs, None, force, progress)
        with workspace.locked():
            try:
                return _run(workspace, main, only, fleet, jobs, workspace.stage, force, progress)
            finally:
                tree.discard(workspace.stage)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        place = error.filename or workspace.dist
        message = f"{place}: {error.strerror}; dist/ is as it was"
        raise UsageError(message) from None


DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


def _run(
    workspace: Workspace, main: Path, only: Sequence[str], fleet: Fleet | None, jobs: int | None,
    stage: Path | None, force: bool, progress: Progress | None,  # noqa: FBT001 # passed on
) -> Report:  # fmt: skip
    from modelyard.render import workers  # noqa: PLC0415 # imports nothing of cdk8s before processes are made

    before = workspace.verified()
    settings: dict[str, object] = {"dist": workspace.dist, "stage": stage, "force": force, "verified": before}
    if fleet is None and (count := processes(workspace, only, jobs)) > 1:
        names, results = workers.spread(main, only, settings, count, progress)
    else:
        names, results = _alone(main, only, settings, fleet, progress)
    findings = [one for result in results for one in result.findings]
    findings.extend(_across(results))
    if any(one.severity is Severity.ERROR for one in findings):
        raise SynthesisError(findings)
    gone = [] if only else [name for name in inventory.names(workspace.dist) if name not in names]
    removed = [path for result in results for path in result.removed]
    for name in gone:
        removed.extend(_leftovers(workspace.dist, name, findings, force=force))
    if any(one.severity is Severity.ERROR for one in findings):
        raise SynthesisError(findings)
    report = Report(results=results, changed=[path for result in results for path in result.changed], removed=removed, findings=findings)
    if stage is not None:
        if report.changed or report.removed:
            stage.mkdir(parents=True, exist_ok=True)
            tree.publish(workspace.dist, stage, removed=set(removed))
        workspace.verify({result.name: result.seal for result in results}, before)
    return report


def overview(main: Path, only: Sequence[str] = ()) -> list[dict[str, object]]:
    """
    Return the workloads of environments as ``modelyard list`` shows them; nothing is checked or written.

    Raises:
        SynthesisError: The Python of the environments does not run to its end.

        UsageError: An environment does not exist.
    """
    from modelyard.render.environment import build, summaries  # noqa: PLC0415 # starts Node
    from modelyard.render.load import load  # noqa: PLC0415

    fleet = load(main)
    workloads: list[dict[str, object]] = []
    findings: list[Finding] = []
    for name in selected(fleet.names, only):
        environment, found = build(fleet, name)
        findings.extend(found)
        if environment is not None:
            workloads.extend(summaries(environment))
    if findings:
        raise SynthesisError(findings)
    return workloads


def processes(workspace: Workspace, only: Sequence[str], jobs: int | None) -> int:
    """Return how many processes are worth it; the answer never changes what is rendered."""
    if "jsii" in sys.modules:
        return 1  # a Node that has started cannot be shared with a forked process
    environments, objects = inventory.size(workspace.dist)
    if jobs is not None:
        return max(1, min(jobs, len(only) or jobs))
    if environments and objects < FEW_OBJECTS:
        return 1
    return max(1, min(os.cpu_count() or 1, len(only) or environments or 64))


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


def _alone(
    main: Path, only: Sequence[str], settings: dict[str, object], fleet: Fleet | None, progress: Progress | None
) -> tuple[Sequence[str], list[Result]]:
    from modelyard.render.environment import Options, render  # noqa: PLC0415 # starts Node
    from modelyard.render.load import load  # noqa: PLC0415

    fleet = fleet or load(main)
    chosen = selected(fleet.names, only)
    options: Options = Options(**settings)  # type: ignore[arg-type]
    results = []
    for count, name in enumerate(chosen, start=1):
        results.append(render(fleet, name, options))
        if progress is not None:
            progress(name, count, len(chosen))
    return fleet.names, results


def _across(results: Sequence[Result]) -> Iterator[Finding]:
    """Yield objects that two environments render into one cluster."""
    from modelyard.rules import finding  # noqa: PLC0415 # not before processes are made

    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for result in results:
        if result.inventory is None:
            continue
        for one in result.inventory.entries.values():
            key = (result.inventory.cluster, one.identity)
            owner, path = owners.setdefault(key, (result.name, one.path))
            if owner != result.name:
                because = f"the environment {owner} renders it into the same cluster {key[0]} (dist/{path})"
                do = "give the environments namespaces of their own, or let one of them have the object"
                if " Namespace " in one.identity:
                    do = "give each its own namespace, or say manage_namespace=False in one of them"
                breach = Breach("X02", one.identity, None, because, do)
                yield finding(breach, f"{result.name}/{one.owner}" if one.owner else result.name, None)


def _leftovers(dist: Path, name: str, findings: list[Finding], *, force: bool) -> Iterator[str]:
    """Yield the generated files of an environment that is gone, and find what must not go with them."""
    from modelyard.render.environment import edited, strangers  # noqa: PLC0415 # not before processes are made

    previous = inventory.read(dist, name)
    findings.extend(strangers(name, previous.entries.keys(), dist))
    for path, entry in previous.entries.items():
        data = tree.content(dist / path)
        if data is None:
            continue
        if not force and tree.hashed(data) != entry.sha256:
            findings.append(edited(name, path, known=True))
        yield path
    yield inventory_path(name)
