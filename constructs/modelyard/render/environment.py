"""One environment from its function to files: the unit of work that a process does."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import attrs

from modelyard import crash, trace
from modelyard.findings import Breach, Finding, Severity
from modelyard.fleet import Cluster, Environment, Fleet
from modelyard.render import inventory, tree
from modelyard.render.inventory import Entry, Inventory
from modelyard.render.layout import inventory_path
from modelyard.render.objects import Gathered, gather
from modelyard.render.tree import Stage
from modelyard.rules import RULES, Object, finding

MANIFESTS = (".yaml", ".yml", ".json")


@attrs.frozen(kw_only=True)
class Options:
    """
    How environments are rendered.

    Args:
        dist: The folder that is rendered into.

        stage: Where changed files are put until all environments are known to be right, or None
            where nothing is to be written.

        force: Whether generated files that were edited by hand are replaced.

        verified: Environment to the seal of what has passed its schemas before.
    """

    dist: Path
    stage: Path | None
    force: bool = False
    verified: dict[str, str] = attrs.field(factory=dict)


@attrs.define(kw_only=True)
class Result:
    """
    What came of one environment; it travels between processes.

    Args:
        name: Of the environment.

        findings: All of them.

        inventory: What is rendered, None if it failed before that was known.

        changed: Paths of files that are new or have another content.

        removed: Paths of generated files that are rendered no more.

        workloads: What ``modelyard list`` shows.

        seal: Stands for all of it once it has passed, so that the next synthesis need not check it again.
    """

    name: str
    findings: list[Finding] = attrs.field(factory=list)
    inventory: Inventory | None = None
    changed: list[str] = attrs.field(factory=list)
    removed: list[str] = attrs.field(factory=list)
    workloads: list[dict[str, Any]] = attrs.field(factory=list)
    seal: str = ""

    @property
    def failed(self) -> bool:
        """Whether a finding stops the synthesis."""
        return any(one.severity is Severity.ERROR for one in self.findings)


def build(fleet: Fleet, name: str) -> tuple[Environment | None, list[Finding]]:
    """Return the environment *name* of *fleet*, made by its function, and what went wrong there."""
    if name not in fleet.builders:
        return fleet.made[name], []
    before = set(fleet.made)
    try:
        fleet.builders[name](fleet)
    except Exception as error:  # noqa: BLE001 # whatever the user's Python raises is a finding
        found = [crash.as_finding(error, name, fleet.root)]
        return fleet.made.get(name), found
    made = set(fleet.made) - before
    if made != {name}:
        what = ", ".join(sorted(made)) or "none"
        breach = Breach("X16", f"Fleet({{{name!r}: ...}})", None, f"this function made the environments: {what}", f'write Environment(fleet, "{name}", ...) in it')
        return fleet.made.get(name), [_located(breach, fleet, name)]
    return fleet.made[name], []


def _located(breach: Breach, fleet: Fleet, name: str) -> Finding:
    source = trace.of_function(fleet.builders[name])
    return finding(breach, name, trace.relative(source, fleet.root) if source is not None else None)


def render(fleet: Fleet, name: str, options: Options) -> Result:
    """Return what comes of the environment *name*, its changed files staged."""
    environment, found = build(fleet, name)
    if environment is None:
        return Result(name=name, findings=found)
    previous = inventory.read(options.dist, name)
    known = _known(options, environment, previous)
    gathered = gather(environment, complete=not found, known=known)
    result = Result(name=name, findings=[*found, *gathered.findings], workloads=summaries(environment))
    if found or gathered.failed:
        return result
    result.inventory = _inventory(environment, gathered)
    _compare(environment, result, gathered, previous, options)
    return result


def _seal(environment: Environment, inventory_text: bytes) -> str:
    """Return what stands for an inventory together with the schemas that its objects were checked by."""
    cluster = environment.site.cluster
    whole = hashlib.sha256(inventory_text)
    whole.update(repr((cluster.kubernetes, cluster.crd_schemas)).encode())
    return whole.hexdigest()


def _known(options: Options, environment: Environment, previous: Inventory) -> frozenset[str]:
    seal = options.verified.get(environment.name)
    text = tree.content(options.dist / inventory_path(environment.name))
    if seal is None or text is None or not isinstance(environment.site.cluster, Cluster):
        return frozenset()
    if _seal(environment, text) != seal:
        return frozenset()
    return frozenset(one.sha256 for one in previous.entries.values())


def summaries(environment: Environment) -> list[dict[str, Any]]:
    """Return the workloads of *environment* as ``modelyard list`` shows them."""
    return [
        {"environment": environment.name, "workload": str(workload.id), **workload.summary()}
        for workload in environment.workloads
    ]


def _inventory(environment: Environment, gathered: Gathered) -> Inventory:
    entries = [Entry(one.path, one.sha256, identity(one), one.owner or "") for one in gathered.objects]
    cluster = environment.site.cluster.name
    return Inventory(environment.name, cluster, inventory.by_path(entries))


def identity(one: Object) -> str:
    """Return what a cluster knows *one* by."""
    place = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return f"{one.api_version} {one.kind} {place}"


def _compare(environment: Environment, result: Result, gathered: Gathered, previous: Inventory, options: Options) -> None:
    stage = Stage(options.stage) if options.stage is not None else None
    for one in gathered.objects:
        content = one.text.encode()
        old = tree.content(options.dist / one.path)
        if old == content:
            continue
        entry = previous.entries.get(one.path)
        if old is not None and not options.force and (entry is None or tree.hashed(old) != entry.sha256):
            result.findings.append(edited(result.name, one.path, known=entry is not None))
        result.changed.append(one.path)
        if stage is not None:
            stage.write(one.path, content)
    assert result.inventory is not None  # noqa: S101 # set by the caller
    ours = result.inventory.entries.keys() | previous.entries.keys()
    result.findings.extend(strangers(result.name, ours, options.dist))
    for path, entry in previous.entries.items():
        if path in result.inventory.entries:
            continue
        old = tree.content(options.dist / path)
        if old is None:
            continue
        if not options.force and tree.hashed(old) != entry.sha256:
            result.findings.append(edited(result.name, path, known=True))
        result.removed.append(path)
    text = result.inventory.text().encode()
    path = inventory_path(result.name)
    if tree.content(options.dist / path) != text:
        result.changed.append(path)
        if stage is not None:
            stage.write(path, text)
    result.seal = _seal(environment, text)


def strangers(name: str, ours: Collection[str], dist: Path) -> Iterator[Finding]:
    """Yield the manifests in the folder of an environment that are not *ours*: a controller would apply them."""
    for path in tree.files(dist / name, f"{name}/"):
        if path not in ours and path.endswith(MANIFESTS):
            because = "modelyard did not write it, and Argo CD and Flux apply every manifest in this folder"
            yield finding(Breach("X06", f"dist/{path}", None, because, RULES["X06"].fix), name, None)


def edited(name: str, path: str, *, known: bool) -> Finding:
    """Return the finding on a file that holds something that would be lost."""
    if known:
        breach = Breach(
            "X07", f"dist/{path}", None, "it was edited by hand since modelyard wrote it, and the edit would be lost",
            "say it in Python (every object takes add_json_patch), then run modelyard synth --force to drop the edit",
        )  # fmt: skip
    else:
        breach = Breach(
            "X06", f"dist/{path}", None, "modelyard would write this file and did not write the one that is there",
            "move it away, or run modelyard synth --force to replace it",
        )  # fmt: skip
    return finding(breach, name, None)
