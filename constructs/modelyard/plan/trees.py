"""``dist/`` before and now: which files differ, and the manifests of the workloads that have such files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import yaml

from modelyard.findings import UsageError
from modelyard.plan.conceal import concealed
from modelyard.plan.model import DELIVERED
from modelyard.render import tree
from modelyard.render.base import Base, blob_id, contents
from modelyard.render.compare import MANIFESTS
from modelyard.render.layout import DELIVERY, SHARED
from modelyard.values.at import mapping

Manifest = dict[str, Any]
Identity = tuple[str, str, str, str]
Place = tuple[str, str]
"""Environment and workload."""
NAMESPACE = ("", "Namespace")
ARGO_CD = "Argo CD"


@attrs.frozen
class Doc:
    """
    A manifest, and where it lies.

    Args:
        path: Below ``dist/``.

        data: The manifest, credentials hidden.
    """

    path: str
    data: Manifest

    @property
    def identity(self) -> Identity:
        """Group, kind, namespace and name: what a cluster knows it by."""
        metadata = mapping(self.data, "metadata")
        group = str(self.data.get("apiVersion")).rpartition("/")[0]
        return group, str(self.data.get("kind")), str(metadata.get("namespace") or ""), str(metadata.get("name"))

    @property
    def place(self) -> Place:
        """The environment and the workload that it belongs to."""
        return place(self.path)


@attrs.frozen
class Trees:
    """
    The manifests of one environment that can matter to a plan, before and now.

    Args:
        name: The environment.

        old: Those of workloads with files that differ, before.

        new: The same now.

        gone: Whether the environment has no file any more.

        controllers: Who syncs it, as far as is rendered: Argo CD, Flux, or both where nothing tells.
    """

    name: str
    old: list[Doc]
    new: list[Doc]
    gone: bool
    controllers: frozenset[str]

    def pruning(self, one: Doc) -> frozenset[str]:
        """Return the controllers that delete *one* when its manifest goes: Argo CD has no right where it was left."""
        return self.controllers - {ARGO_CD} if one.identity[2] in self._left else self.controllers

    @cached_property
    def _left(self) -> frozenset[str]:
        was, now = (
            frozenset(doc.identity[-1] for doc in docs if doc.identity[:2] == NAMESPACE)
            for docs in (self.old, self.new)
        )
        return was if now and was.isdisjoint(now) else frozenset()


CONTROLLERS = {"application.argoproj.io-": ARGO_CD, "kustomization.kustomize.toolkit.fluxcd.io-": "Flux"}


def place(path: str) -> Place:
    """Return the environment and the workload that the file at *path* belongs to."""
    parts = path.split("/")
    if parts[0] == DELIVERY:
        return parts[1], DELIVERED
    return parts[0], "" if parts[1] == SHARED else parts[1]


def trees(root: Path, base: Base, only: Iterable[str] = ()) -> list[Trees]:
    """
    Return the environments below ``dist/`` of the project at *root* that differ from *base*.

    Raises:
        UsageError: A file that differs is no YAML, or one of *only* is in neither.
    """
    dist = root / "dist"
    now = {path: data for path in _manifests(tree.files(dist)) if (data := tree.content(dist / path)) is not None}
    then = {path: base.blobs[path] for path in _manifests(base.blobs)}
    after, before = _grouped(now), _grouped(then)
    chosen = _chosen(sorted({*after, *before}), set(only))
    like = next(iter(then.values()), "")
    differing = {path for path in [*now, *then] if blob_id(now.get(path, b""), like) != then.get(path)}
    differing |= now.keys() ^ then.keys()
    touched = {place(path) for path in differing}
    changed = [name for name in chosen if name in {environment for environment, _ in touched}]
    blobs = contents(root, [then[path] for name in changed for path in before.get(name, ()) if path in differing])
    return [
        _trees(
            name,
            {path: now[path] for path in after.get(name, ())},
            {path: blobs.get(then[path]) for path in before.get(name, ())},
            touched,
        )
        for name in changed
    ]


def _grouped(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        found.setdefault(place(path)[0], []).append(path)
    return found


def _trees(name: str, after: Mapping[str, bytes], before: Mapping[str, bytes | None], touched: set[Place]) -> Trees:
    """Return the environment *name*; what was *before* is None where it is the same now."""
    new = {path: _docs(path, data, "") for path, data in after.items() if place(path) in touched}
    old = {
        path: new[path] if data is None else _docs(path, data, " before")
        for path, data in before.items()
        if place(path) in touched
    }
    files = {path.rpartition("/")[2] for path in [*before, *after] if path.startswith(f"{DELIVERY}/")}
    known = {who for start, who in CONTROLLERS.items() if any(file.startswith(start) for file in files)}
    return Trees(name, _all(old), _all(new), not after, frozenset(known or CONTROLLERS.values()))


def _manifests(paths: Iterable[str]) -> list[str]:
    """Return those of *paths* that a controller reads."""
    found = []
    for path in sorted(paths):
        parts = path.split("/")
        environment = parts[1] if parts[0] == DELIVERY and len(parts) > 2 else parts[0]  # noqa: PLR2004 # and a file
        if len(parts) > 1 and not environment.startswith(("_", ".")) and path.endswith(MANIFESTS):
            found.append(path)
    return found


def _chosen(names: list[str], only: set[str]) -> list[str]:
    for name in sorted(only - set(names)):
        message = (
            f"there is no environment {name!r} in dist/, neither before nor now; it has {', '.join(names) or 'none'}"
        )
        raise UsageError(message)
    return [name for name in names if not only or name in only]


def _docs(path: str, data: bytes, when: str) -> list[Doc]:
    try:
        found = list(yaml.load_all(data, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        message = f"dist/{path}{line}{when} is no YAML; render it anew with modelyard synth"
        raise UsageError(message) from None
    return [Doc(path, concealed(one)) for one in found if isinstance(one, dict) and isinstance(one.get("kind"), str)]


def _all(docs: Mapping[str, list[Doc]]) -> list[Doc]:
    return [one for found in docs.values() for one in found]
