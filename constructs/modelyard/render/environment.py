"""One environment from its function to files: the unit of work that a process does."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import attrs

from modelyard import crash, trace
from modelyard.findings import Breach, Finding, UsageError
from modelyard.fleet import Environment, Fleet, Manifest
from modelyard.images import lock_path, rewritten
from modelyard.render import beside, generations, inventory, tree
from modelyard.render.collisions import identity
from modelyard.render.compare import compare, same, strangers
from modelyard.render.exits import staying
from modelyard.render.foreign import astray
from modelyard.render.history import History
from modelyard.render.inventory import Entry, Inventory
from modelyard.render.layout import BOOTSTRAP, DELIVERY
from modelyard.render.model import Options, Result
from modelyard.render.objects import Gathered, gather
from modelyard.render.refusals import relative
from modelyard.rules import finding
from modelyard.values.value import source_of


def build(fleet: Fleet, name: str) -> tuple[Environment | None, list[Finding]]:
    """Return the environment *name* of *fleet*, made by its function, and what went wrong there."""
    if name not in fleet.builders:
        return fleet.made[name], astray(fleet)
    before = set(fleet.made)
    Fleet.building = name
    try:
        with staying():
            fleet.builders[name](fleet)
    except UsageError:
        raise
    except BaseException as error:  # whatever the user's Python raises is a finding
        if crash.is_interrupt(error):
            raise
        if isinstance(error, TypeError) and trace.of_traceback(error.__traceback__) is None:
            return None, [_uncallable(error, fleet, name)]
        found = [crash.as_finding(error, name, fleet.root)]
        return fleet.made.get(name), found
    finally:
        Fleet.building = None
    made = set(fleet.made) - before
    if made != {name}:
        what = ", ".join(sorted(made)) or "none"
        breach = Breach(
            "X16",
            f"Fleet({{{name!r}: ...}})",
            None,
            f"this function made the environments: {what}",
            f'write Environment(fleet, "{name}", ...) in it',
        )
        return fleet.made.get(name), [_located(breach, fleet, name)]
    return fleet.made[name], astray(fleet)


def _uncallable(error: TypeError, fleet: Fleet, name: str) -> Finding:
    because = f"this function cannot be called with the fleet alone: {error}"
    return _located(
        Breach("X16", f"Fleet({{{name!r}: ...}})", None, because, "let it take one argument, the fleet"), fleet, name
    )


def _located(breach: Breach, fleet: Fleet, name: str) -> Finding:
    source = trace.of_function(fleet.builders[name])
    return finding(breach, name, trace.relative(source, fleet.root) if source is not None else None)


def render(fleet: Fleet, name: str, options: Options) -> Result:
    """Return what comes of the environment *name*, its changed files staged."""
    collects = gc.isenabled()
    gc.disable()  # what is made here is needed to the end, so looking for what is not only takes time
    try:
        return _rendered(fleet, name, options)
    finally:
        if collects:
            gc.enable()


def _rendered(fleet: Fleet, name: str, options: Options) -> Result:
    environment, found = build(fleet, name)
    if environment is None:
        return Result(name=name, findings=found)
    previous = inventory.read(options.dist, name)
    passed, _, listed = options.verified.get(name, "").partition(" ")
    history = History(fleet.root, options.dist, previous)
    past, before = generations.Past(history.last, history.content, environment.site), history.states
    moved = history.moved
    gathered = gather(environment, complete=not found, passed=passed, before=before, past=past, moved=moved)
    if gathered.known and not same(previous, listed, options.dist):
        gathered = gather(environment, complete=not found, before=before, past=past, moved=moved)
    source = trace.relative(environment.source, fleet.root) if environment.source is not None else None
    result = Result(name=name, findings=[*found, *gathered.findings], source=source)
    if found or gathered.failed:
        return result
    if gathered.known:
        result.inventory = previous
        result.findings.extend(strangers(name, previous.entries.keys(), options.dist))
    else:
        result.inventory = _inventory(environment, gathered)
        result.findings.extend(_kept_behind(environment, gathered, history, result.inventory))
        if result.failed:
            return result
        compare(result, result.inventory, gathered, previous, options)
    result.lock = _lock(environment, gathered)
    result.seal = gathered.seal and f"{gathered.seal} {tree.hashed(result.inventory.text().encode())}"
    return result


def summaries(environment: Environment) -> list[dict[str, Any]]:
    """Return the workloads of *environment* as ``modelyard list`` shows them."""
    kept, delivery = environment.lock.generations, environment.site.delivery
    way = delivery.way(environment.site.cluster.name) if delivery is not None else None
    return [
        {
            "environment": environment.name,
            "workload": str(workload.id),
            **workload.summary(),
            "delivery": way,
            "kept": [f"{one.manifest.get('kind')} {_name(one.manifest)}" for one in kept.get(str(workload.id), ())],
        }
        for workload in environment.workloads
    ]


def _name(manifest: Manifest) -> str:
    if generations.broken(manifest) is None:
        return beside.known_as(manifest)
    metadata = manifest.get("metadata")
    return str(metadata.get("name")) if isinstance(metadata, dict) else ""


def _lock(environment: Environment, gathered: Gathered) -> str | None:
    """Return what the environment's lock file has to say, if that is not what it says."""
    former = generations.locked(gathered.former)
    if former == environment.lock.generations:
        return None
    path = lock_path(environment.fleet.root, environment.name)
    return rewritten(path, attrs.evolve(environment.lock, generations=former))


def _inventory(environment: Environment, gathered: Gathered) -> Inventory:
    cluster, delivery = environment.site.cluster.name, environment.site.delivery
    entries = [Entry(one.path, one.sha256, identity(one), one.owner or "") for one in gathered.objects]
    if delivery is not None:
        home = delivery.home(cluster)
        entries += [Entry(one.path, one.sha256, identity(one), "", home) for one in gathered.delivery]
        entries += [Entry(one.path, one.sha256, "", "") for one in gathered.by_hand]
    elsewhere = delivery.elsewhere if delivery is not None else ""
    return Inventory(environment.name, cluster, inventory.by_path(entries), elsewhere)


def _kept_behind(
    environment: Environment, gathered: Gathered, history: History, rendered: Inventory
) -> Iterator[Finding]:
    """Yield what the controller would not delete although it is rendered no more."""
    if (delivery := environment.site.delivery) is None:
        return
    now = {one.identity for one in rendered.entries.values()}
    apart = f"{DELIVERY}/", f"{BOOTSTRAP}/"
    broken: list[Breach] = []
    for former in history.inventories():
        before = sorted(one.identity for one in former.entries.values() if not one.path.startswith(apart))
        gone, drafts = [one for one in before if one not in now], [one.data for one in gathered.delivery]
        broken = list(delivery.gone(gone, history.former, drafts))
        if not broken:
            break
    line = source_of(delivery) or environment.source
    yield from relative([finding(breach, environment.name, line) for breach in broken], environment)
