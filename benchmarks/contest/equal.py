"""Whether contestants have rendered the same: object by object in small fleets, by count in large ones."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import yaml

KIND = re.compile(rb"^kind: (\S+)", re.MULTILINE)
READ_OBJECT_BY_OBJECT = 600
"""The size of fleet up to which every object is parsed and compared."""
LEAST_SIZE, MOST_SIZE = 0.8, 1.3
"""How much smaller or larger objects may be that cannot be the same, because cdk8s-plus fills in defaults."""

Identity = tuple[str, str, str]
"""Kind, namespace, name."""


@attrs.frozen
class Content:
    """
    What a contestant has rendered.

    Args:
        kinds: Objects by kind.

        objects: A hash of every object, where they were read.

        size: Of all objects together as JSON, where they were read.
    """

    kinds: dict[str, int]
    objects: dict[Identity, str]
    size: int


def content(outputs: Sequence[Path], objects: int) -> Content:
    """Return what lies below *outputs*, read by a process of its own, which takes its memory along when it goes."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_content, tuple(outputs), objects).result()


def _content(outputs: Sequence[Path], objects: int) -> Content:
    kinds: Counter[str] = Counter()
    hashes: dict[Identity, str] = {}
    size = 0
    for file in _files(outputs):
        data = file.read_bytes()
        kinds.update(kind.decode() for kind in KIND.findall(data))
        if objects <= READ_OBJECT_BY_OBJECT:
            for manifest in yaml.load_all(data, Loader=yaml.CSafeLoader):
                if manifest is not None:
                    text = json.dumps(manifest, sort_keys=True)
                    hashes[_identity(manifest)] = hashlib.sha256(text.encode()).hexdigest()
                    size += len(text)
    return Content(dict(kinds), hashes, size)


def _files(outputs: Iterable[Path]) -> Iterator[Path]:
    for output in outputs:
        yield from sorted(output.rglob("*.yaml")) if output.is_dir() else [output]


def _identity(manifest: dict[str, Any]) -> Identity:
    metadata = manifest["metadata"]
    return str(manifest["kind"]), str(metadata.get("namespace")), str(metadata["name"])


def difference(reference: Content, other: Content, *, same: bool) -> str | None:
    """
    Return how *other* differs from *reference*, or None.

    Args:
        reference: What modelyard rendered.

        other: What the contestant rendered.

        same: Whether objects must be the same, or only of about the same size.
    """
    if other.kinds != reference.kinds:
        return f"it has {other.kinds} instead of {reference.kinds}"
    if other.objects.keys() != reference.objects.keys():
        odd = sorted(other.objects.keys() ^ reference.objects.keys())
        return f"{len(odd)} objects have other names, for example {odd[0]}"
    if same:
        unequal = sorted(key for key, text in reference.objects.items() if other.objects[key] != text)
        return f"{len(unequal)} objects differ, for example {unequal[0]}" if unequal else None
    if reference.size and not LEAST_SIZE <= other.size / reference.size <= MOST_SIZE:
        return f"its objects have {other.size / reference.size:.2f} times the size"
    return None


def state(folders: Sequence[Path]) -> dict[str, tuple[int, int, int]]:
    """Return inode, time and size of everything below *folders*: it changes when anything is written."""
    found: dict[str, tuple[int, int, int]] = {}
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            status = path.lstat()
            found[str(path)] = status.st_ino, status.st_mtime_ns, status.st_size
    return found
