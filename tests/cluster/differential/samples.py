"""Sample manifests of well-known projects, as they were published: what is in them, and what modelyard says of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import attrs
import yaml

from modelyard import Accelerator, Cluster, Crd, Environment, Fleet
from modelyard.fleet import Site
from modelyard.schemas import catalog
from modelyard.schemas.installed import constant, projects
from tests.cluster.differential.explained import EXPLAINED, OF_KINDS, TOGETHER
from tests.cluster.differential.ours import Found, Judge

Manifest = dict[str, Any]
Used = tuple[str, str]


class _Loader(yaml.CSafeLoader):
    """Takes a plain ``=``, as in a matcher of Prometheus, for the string it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


@attrs.frozen(eq=False)
class Sample:
    """
    One object of a file.

    Args:
        file: Module and path, without the version.

        manifest: The object.
    """

    file: str
    manifest: Manifest

    @property
    def kind(self) -> str:
        """Version and kind."""
        return f"{self.manifest['apiVersion']} {self.manifest['kind']}"


@attrs.frozen
class Read:
    """
    What is in the files of a module.

    Args:
        files: How many there are.

        samples: The objects in them.

        unread: The files that are no YAML, such as templates.
    """

    files: int
    samples: Sequence[Sample]
    unread: Sequence[str]


def read(folder: Path, module: str) -> Read:
    """Read the samples of *module* in *folder*."""
    files, samples, unread = sorted(folder.rglob("*.yaml")), [], []
    for path in files:
        file = f"{module}/{path.relative_to(folder)}"
        try:
            documents = list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader))
        except yaml.YAMLError:
            unread.append(file)
        else:
            samples += [Sample(file, one) for document in documents for one in _objects(document)]
    return Read(len(files), samples, unread)


def _objects(document: Any) -> Iterator[Manifest]:
    if isinstance(document, dict) and "kind" in document and "apiVersion" in document:
        listed = document["kind"] == "List" and isinstance(document.get("items"), list)
        yield from document["items"] if listed else [document]


def site(root: Path, version: str) -> Site:
    """Return an environment of a cluster that has all that is bundled, and accelerators without end."""
    devices = [("nvidia.com/gpu", 8), ("amd.com/gpu", 8), ("google.com/tpu", 4), ("google.com/tpu", 8)]
    cluster = Cluster(
        "public",
        kubernetes=version,
        installed=[getattr(Crd, constant(project)) for project in projects()],
        accelerators=[
            Accelerator(f"{resource.replace('.com/', '-')}-{count}", resource=resource, per_node=count, nodes=10_000)
            for resource, count in devices
        ],
    )
    return Environment(Fleet(root=root), "test", cluster=cluster, namespace="public", pod_security="privileged").site


def known(samples: Sequence[Sample], where: Site, version: str) -> list[Sample]:
    """Return those whose kind a cluster of *where* has."""
    kinds = catalog(version, where.cluster.crd_schemas)
    return [one for one in samples if kinds.kind(one.manifest["apiVersion"], one.manifest["kind"]) is not None]


def errors(samples: Sequence[Sample], where: Site, version: str) -> Iterator[tuple[Sample, Found]]:
    """Yield every error in *samples*, each file looked at by itself, or with those that it is applied together with."""
    for _, group in itertools.groupby(samples, key=lambda one: _together(one.file)):
        every = list(group)
        judge = Judge(where, [one.manifest for one in every], version)
        for one, found in zip(every, judge.found, strict=True):
            yield from ((one, breach) for breach in found if breach.error)


def _together(file: str) -> str:
    folder = file.rpartition("/")[0]
    return folder if any(fnmatchcase(folder, pattern) for pattern in TOGETHER) else file


def explained(one: Sample, found: Found) -> Used | None:
    """Return which entry has the reason for what is *found* in *one*, or None."""
    if found.rule in OF_KINDS.get(one.manifest["kind"], {}):
        return one.manifest["kind"], found.rule
    return next(
        (
            (pattern, found.rule)
            for pattern, rules in EXPLAINED.items()
            if found.rule in rules and fnmatchcase(one.file, pattern)
        ),
        None,
    )


def entries() -> set[Used]:
    """Return every entry that has to be needed."""
    tables: tuple[Mapping[str, Mapping[str, str]], ...] = (OF_KINDS, EXPLAINED)
    return {(key, rule) for table in tables for key, rules in table.items() for rule in rules}
