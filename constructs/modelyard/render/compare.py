"""What is rendered against what is on disk: which files change, which go, and which hands keep off."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from modelyard.findings import Breach, Finding
from modelyard.render import tree
from modelyard.render.inventory import Entry, Inventory
from modelyard.render.layout import DELIVERY, inventory_path
from modelyard.render.model import Options, Result
from modelyard.render.objects import Gathered
from modelyard.rules import finding, rules

MANIFESTS = (".yaml", ".yml", ".json", ".jsonnet")


def compare(result: Result, rendered: Inventory, gathered: Gathered, previous: Inventory, options: Options) -> None:
    """Tell *result* what changes and what goes, stage what changes, and find what would be lost."""
    stage = tree.Stage(options.stage)
    exists = lru_cache(maxsize=None)(os.path.lexists)
    for one in (*gathered.objects, *gathered.delivery, *gathered.by_hand):
        place = f"{options.dist}/{one.path}"
        empty = not exists(place.rpartition("/")[0])
        data, old = one.text.encode(), None if empty else tree.content(place)
        if old == data:
            continue
        if old is None and not empty and os.path.lexists(place):
            because = "modelyard would write this file, and what stands in its place is none"
            breach = Breach("X06", f"dist/{one.path}", None, because, "move it away")
            result.findings.append(finding(breach, result.name, None))
            continue
        if old is not None and not options.force:
            result.findings.extend(_lost(result.name, one.path, old, previous.entries.get(one.path)))
        result.changed.append(one.path)
        stage.write(one.path, data)
    result.findings.extend(strangers(result.name, rendered.entries.keys() | previous.entries.keys(), options.dist))
    gone = [path for path in previous.entries if path not in rendered.entries]
    removed, found = retired(result.name, gone, previous, options.dist, force=options.force)
    result.removed.extend(removed)
    result.findings.extend(found)
    text, path = rendered.text().encode(), inventory_path(result.name)
    if tree.content(options.dist / path) != text:
        result.changed.append(path)
        stage.write(path, text)


def same(previous: Inventory, listed: str, dist: Path) -> bool:
    """Return whether the inventory on disk is the one whose hash is *listed*, and so are all the files in it."""
    return tree.digest(f"{dist}/{inventory_path(previous.environment)}") == listed and all(
        tree.digest(f"{dist}/{one.path}") == one.sha256 for one in previous.entries.values()
    )


def retired(
    name: str, paths: Collection[str], previous: Inventory, dist: Path, *, force: bool
) -> tuple[list[str], list[Finding]]:
    """Return which of *paths* are there to be removed, and the findings on those that were edited by hand."""
    removed: list[str] = []
    found: list[Finding] = []
    for path in paths:
        old = tree.content(dist / path)
        if old is None:
            continue
        if not force:
            found.extend(_lost(name, path, old, previous.entries[path]))
        removed.append(path)
    return removed, found


def strangers(name: str, ours: Collection[str], dist: Path) -> Iterator[Finding]:
    """Yield the manifests in the folders of an environment that are not *ours*: a controller would apply them."""
    folders = (name, f"{DELIVERY}/{name}")
    for path in (path for folder in folders for path in tree.files(dist / folder, f"{folder}/")):
        if path in ours:
            continue
        if path.endswith(MANIFESTS):
            because = "modelyard did not write it, and Argo CD and Flux apply every manifest in this folder"
            yield finding(Breach("X06", f"dist/{path}", None, because, rules()["X06"].fix), name, None)
        elif os.path.islink(f"{dist}/{path}"):  # noqa: PTH114 # as everything here that is asked a file
            because = "it is a symbolic link, which a controller refuses or follows out of this folder"
            yield finding(
                Breach("X06", f"dist/{path}", None, because, "put a file in its place, or nothing"), name, None
            )


def _lost(name: str, path: str, old: bytes, entry: Entry | None) -> Iterator[Finding]:
    """Yield the finding on a file that holds something which nobody else has."""
    if entry is None:
        because = "modelyard would write this file and did not write the one that is there"
        do = "move it away, or run modelyard synth --force to replace it"
        yield finding(Breach("X06", f"dist/{path}", None, because, do), name, None)
    elif tree.hashed(old) != entry.sha256:
        because = "it was edited by hand since modelyard wrote it, and the edit would be lost"
        yield finding(Breach("X07", f"dist/{path}", None, because, rules()["X07"].fix), name, None)
