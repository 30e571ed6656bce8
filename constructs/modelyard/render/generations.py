"""Former runs and configurations: which of them stay rendered, and what the lock file holds of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import yaml

from modelyard.findings import Breach, Source
from modelyard.fleet import Environment, Manifest, Site, Workload
from modelyard.fleet.delivery import Last
from modelyard.images import Former, lock_path
from modelyard.pod import REFERRED_TO, content_of, digest, references
from modelyard.render import beside, tree
from modelyard.render.inventory import Entry, Inventory
from modelyard.render.layout import path_of
from modelyard.values.depth import too_deep
from modelyard.values.names import ARGO_HOOK, LOGICAL_NAME, PROVENANCE, SKIPPED

SEALED = re.compile(r"-[0-9a-f]{8}$")
"""How the name of an object ends that carries its content."""
NOT_APPLIED = {
    ARGO_HOOK: SKIPPED,
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
}
"""On a former run: both controllers leave it as it is, and start none that is not there."""


@attrs.frozen
class Current:
    """
    What is sealed now.

    Args:
        workload: Whose it is.

        kind: Of the object.

        name: With its hash.

        identity: What a cluster knows it by.
    """

    workload: Workload
    kind: str
    name: str
    identity: str


@attrs.frozen
class Past:
    """
    What was rendered last.

    Args:
        inventory: Of it.

        dist: Where it is.

        site: Of the environment as it is now.
    """

    inventory: Inventory
    dist: Path
    site: Site

    def retired(self, owners: Collection[str], now: Collection[str]) -> Iterator[tuple[str, Manifest]]:
        """Yield, with their owners, the sealed objects of *owners* that are none of those *now*."""
        for entry in self._entries(owners):
            if entry.identity[-9:-8] == "-" and entry.identity not in now and SEALED.search(entry.identity):
                manifest = self._read(entry)
                if manifest is not None and broken(manifest) is None:
                    yield entry.owner, manifest

    def companions(self, owner: str) -> Iterator[Manifest]:
        """Yield what stood beside the pods of *owner*."""
        for entry in self._entries({owner}):
            if entry.identity.split(" ")[1] in beside.KINDS and (manifest := self._read(entry)) is not None:
                yield manifest

    def _entries(self, owners: Collection[str]) -> Iterator[Entry]:
        if self.inventory.cluster == self.site.cluster.name:
            yield from (one for one in self.inventory.entries.values() if one.owner in owners)

    def _read(self, entry: Entry) -> Manifest | None:
        manifest = _read(self.dist, entry)
        # Under another path it is a former one already, and whether that is kept is the lock file's to say.
        if manifest is None or path_of(manifest, self.site.environment, entry.owner, self.site.namespace) != entry.path:
            return None
        manifest["metadata"].get("annotations", {}).pop(PROVENANCE, None)
        return manifest


def last(previous: Inventory, dist: Path) -> Last:
    """Return what answers with the manifest of an object that *previous* has, by its identity."""
    entries = {one.identity: one for one in previous.entries.values()}
    return lambda identity: _read(dist, entries[identity])


def _read(dist: Path, entry: Entry) -> Manifest | None:
    data = tree.content(dist / entry.path)
    if data is None or tree.hashed(data) != entry.sha256:
        return None  # an edit by hand, which is told of elsewhere
    found = yaml.load(data, Loader=yaml.CSafeLoader)
    return found if isinstance(found, dict) else None


def kept(
    current: Sequence[Current], environment: Environment, past: Past | None, present: beside.Present
) -> dict[str, tuple[Manifest, ...]]:
    """Return what stays rendered of each workload's former objects, newest first, beside what is *present*."""
    formers = environment.lock.generations
    sealed: dict[str, list[Current]] = {}
    for each in current:
        sealed.setdefault(each.workload.id, []).append(each)
    workloads = _workloads(environment)
    retirees: dict[str, list[Manifest]] = {}
    if past is not None:
        for owner, manifest in past.retired(workloads, {one.identity for one in current}):
            retirees.setdefault(owner, []).append(manifest)
    found: dict[str, tuple[Manifest, ...]] = {}
    for owner in sorted(retirees.keys() | (formers.keys() & workloads.keys())):
        formerly = (one.manifest for one in formers.get(owner, ()) if broken(one.manifest) is None)
        candidates: dict[tuple[str, str], Manifest] = {}
        for one in (*retirees.get(owner, ()), *formerly):
            if one["metadata"].get("namespace") == environment.site.namespace:
                candidates.setdefault((one["kind"], one["metadata"]["name"]), one)
        for now in sealed.get(owner, ()):
            candidates.pop((now.kind, now.name), None)
        runs = workloads[owner].keep_runs
        configs = environment.site.keep_configs if runs is None else 0
        locked = [one for one in candidates.values() if one["kind"] in beside.KINDS]
        others = [one for one in candidates.values() if one["kind"] not in beside.KINDS]
        chosen = list(_chosen(others, runs or 0, configs))
        started = [one for one in chosen if one["kind"] not in REFERRED_TO]
        if started:
            before = [] if past is None else [*past.companions(owner)]
            new = {one["metadata"]["name"] for one in retirees.get(owner, ())}
            chosen += list(beside.needed(started, chosen, locked=locked, before=before, present=present, new=new))
        if chosen:
            found[owner] = tuple(chosen)
    return found


def _chosen(formers: Sequence[Manifest], runs: int, configs: int) -> Iterator[Manifest]:
    """Yield so many *runs* of *formers*, what they mount, and so many *configs* of each name besides."""
    started = [one for one in formers if one["kind"] not in REFERRED_TO][:runs]
    needed = {reference for one in started for reference in references(one.get("spec"))}
    for one in formers:
        if (one["kind"], one["metadata"]["name"]) in needed:
            needed.update(references(one.get("spec")))
    count: Counter[str] = Counter()
    for one in formers:
        if one["kind"] not in REFERRED_TO:
            if any(one is run for run in started):
                yield one
            continue
        logical = one["metadata"]["annotations"][LOGICAL_NAME]
        count[logical] += 1
        if (one["kind"], one["metadata"]["name"]) in needed or count[logical] <= configs:
            yield one


def _workloads(environment: Environment) -> dict[str, Workload]:
    return {one.id: one for one in environment.workloads if isinstance(one.id, str)}


def rendered(manifest: Manifest) -> Manifest:
    """Return *manifest* as it is rendered when it is a former one."""
    if manifest["kind"] in beside.NAMED:
        return beside.plain(manifest)
    if manifest["kind"] in REFERRED_TO or manifest["kind"] == beside.POLICY:
        return manifest
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "annotations": {**metadata["annotations"], **NOT_APPLIED}}}


def former_path(manifest: Manifest, owner: str, site: Site) -> str:
    """Return the path of a former object as it is rendered, which has its whole name in it."""
    metadata = {key: manifest["metadata"].get(key) for key in ("name", "namespace")}
    return path_of({**manifest, "metadata": metadata}, site.environment, owner, site.namespace)


def damaged(environment: Environment) -> Iterator[Breach]:
    """Yield the entries of the lock file that are not what was rendered."""
    path = lock_path(environment.fleet.root, environment.name)
    known = _workloads(environment)
    for owner, formers in environment.lock.generations.items():
        for index, one in enumerate(formers if owner in known else ()):
            if because := broken(one.manifest):
                do = "restore the lock file with git, or take the entry out"
                field, source = f"generations.{owner}[{index}]", Source(str(path), one.line)
                yield Breach("X13", field, None, because, do, source)


def broken(manifest: Manifest) -> str | None:
    """Return why *manifest* is no object whose name carries its content, or None."""
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not (isinstance(metadata, dict) and isinstance(annotations, dict)) or not all(
        isinstance(text, str) for text in (manifest.get("apiVersion"), manifest.get("kind"), metadata.get("name"))
    ):
        return "it is no manifest with kind, name and annotations"
    if too_deep(manifest):
        return "it is nested too deep"
    # An older version named what waits in a queue by its spec alone.
    contents = content_of(manifest), manifest.get("spec")
    if metadata["name"] not in {f"{annotations.get(LOGICAL_NAME)}-{digest(content)}" for content in contents}:
        return "it was edited by hand: its name ends with a hash of what it was"
    return None


def locked(chosen: Mapping[str, Sequence[Manifest]]) -> dict[str, tuple[Former, ...]]:
    """Return what the lock file is to hold."""
    return {owner: tuple(Former(one) for one in manifests) for owner, manifests in chosen.items()}
