"""What an environment was before: as it was rendered last, and as it was merged last."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import yaml

from modelyard.delivery.parts import SUFFIX
from modelyard.findings import Breach, UsageError
from modelyard.fleet import Manifest
from modelyard.render import inventory, tree
from modelyard.render.inventory import Inventory
from modelyard.render.layout import inventory_path
from modelyard.rules import Object

Files = Mapping[str, bytes]
"""Path below ``dist/`` to content."""
OF_NAMESPACE = "v1 Namespace "
APPLICATION = "argoproj.io/v1alpha1 Application "
KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1 Kustomization "


class History:
    """
    What an environment was before.

    Git is asked where ``dist/`` was deleted, which HEAD still has, and where a change would be refused: what the main
    branch never had, no cluster has seen.

    Args:
        root: The folder of the project.

        dist: What was rendered last, if it is there.

        previous: The inventory in it.
    """

    def __init__(self, root: Path, dist: Path, previous: Inventory) -> None:
        self.root, self.dist = root, dist
        self._previous = previous

    @cached_property
    def last(self) -> Inventory:
        """What was rendered last."""
        name = self._previous.environment
        if self._previous != inventory.empty(name):
            return self._previous
        return _listed(self._deleted, name) or self._previous

    def states(self, one: Object) -> Iterator[Manifest]:
        """Yield what *one* was when it was rendered last, if it was another, and then when it was merged last."""
        entry = self.last.entries.get(one.path)
        if entry is None or entry.sha256 == one.sha256 or (former := _read(self.content(one.path))) is None:
            return
        yield former
        if self._merged is not None:
            yield _read(self._merged.get(one.path)) or {}

    def inventories(self) -> Iterator[Inventory]:
        """Yield what was rendered last, and then what was merged last."""
        yield self.last
        if self._merged is not None:
            yield _listed(self._merged, self.last.environment) or inventory.empty(self.last.environment)

    def former(self, identity: str) -> Manifest | None:
        """Return what the object of *identity*, which is in one of the inventories, was."""
        for path in (one.path for one in self.last.entries.values() if one.identity == identity):
            return _read(self.content(path))
        merged = _listed(self._merged, self.last.environment)
        for path in (one.path for one in (merged.entries.values() if merged else ()) if one.identity == identity):
            return _read((self._merged or {}).get(path))
        return None

    def moved(self, namespace: str, now: Collection[str]) -> Iterator[Breach]:
        """Yield what it means that the environment is in *namespace*, and that its objects are those *now*."""
        breach = None
        for former in self.inventories():
            before = {one.identity for one in former.entries.values() if one.identity}
            left = sorted(one.removeprefix(OF_NAMESPACE) for one in before if one.startswith(OF_NAMESPACE))
            if not left or namespace in left:
                return
            gone = sorted(before - {*now}, key=_order)
            because = f"it was {left[0]}, {_stays(before)}; here all is made anew, and claims are empty"
            commands = [command for one in gone if (command := _deletion(one))]
            told = "; ".join([*commands, f"kubectl delete namespace {left[0]}"])
            do = f"move the data, and delete after the merge: {told}"
            if kept := [command for one in gone if (command := _suspension(one))]:
                do = f"to keep what is there until its data has moved, before the merge: {kept[0]}; {do}"
            breach = Breach("G17", "namespace", namespace, because, do)
        if breach is not None:
            yield breach

    def content(self, path: str) -> bytes | None:
        """Return what the file at *path* was when it was rendered last."""
        return tree.content(self.dist / path) if self.last is self._previous else (self._deleted or {}).get(path)

    @cached_property
    def _deleted(self) -> Files | None:
        return self._at(head=True)

    @cached_property
    def _merged(self) -> Files | None:
        return self._at(head=False)

    def _at(self, *, head: bool) -> Files | None:
        """Return the files of the environment at HEAD, or where it left the main branch; None where git cannot tell."""
        from modelyard.render.base import base, committed, contents  # noqa: PLC0415 # a synthesis seldom asks git

        name = self._previous.environment
        try:
            blobs = {
                path: blob
                for path, blob in (committed(self.root) if head else base(self.root)).blobs.items()
                if inventory.belongs(path, name) or path == inventory_path(name)
            }
            found = contents(self.root, list(blobs.values()))
        except UsageError:
            return None
        return {path: found[blob] for path, blob in blobs.items()}


def _listed(files: Files | None, name: str) -> Inventory | None:
    return inventory.parsed((files or {}).get(inventory_path(name), b""), name)


def _read(data: bytes | None) -> Manifest | None:
    try:
        found = yaml.load(data or b"", Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return None  # an edit by hand, which is told of elsewhere
    return found if isinstance(found, dict) else None


def _order(identity: str) -> tuple[bool, bool, str]:
    """Return what puts the Application of Applications first, which makes others again, and last what they need."""
    return not identity.endswith(SUFFIX), identity.split(" ")[1] not in {"Application", "Kustomization"}, identity


def _stays(identities: Collection[str]) -> str:
    """Return what becomes of objects in a namespace that is left, by who brought them there."""
    if any(one.startswith(KUSTOMIZATION) for one in identities):
        return "where Flux deletes everything but claims, runs and what they need"
    if any(one.startswith(APPLICATION) for one in identities):
        return "where everything stays and runs on"
    return "and its controller leaves there what it has, or prunes it"


def _suspension(identity: str) -> str | None:
    """Return the command that keeps Flux from pruning what the Kustomization *identity* has brought."""
    namespace, _, name = identity.removeprefix(KUSTOMIZATION).partition("/")
    if not identity.startswith(KUSTOMIZATION) or name.endswith(SUFFIX):
        return None
    return f"flux -n {namespace} suspend kustomization {name}"


def _deletion(identity: str) -> str | None:
    """Return the command that deletes what a controller reads, and nothing that it has brought."""
    api_version, kind, place = identity.split(" ", 2)
    group, (namespace, _, name) = api_version.rpartition("/")[0], place.partition("/")
    if (group, kind) == ("argoproj.io", "Application"):
        return f"argocd app delete {name} --cascade=false"
    if (group, kind) == ("argoproj.io", "AppProject") or group.endswith(".toolkit.fluxcd.io"):
        return f"kubectl -n {namespace} delete {kind.lower()}.{group} {name}"
    return None
