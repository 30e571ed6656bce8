"""CustomResourceDefinitions: read from YAML, or bundled under the name of the project they come from."""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import yaml

from modelyard.schemas.bundle import Schema
from modelyard.schemas.crds import CrdSchema, crd_schemas

Definition = dict[str, Any]

BUNDLED = Path(__file__).parent / "data" / "crds"


class _Loader(yaml.CSafeLoader):
    """Takes a plain ``=``, which published definitions have among their enums, for the string it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def read_definitions(path: Path) -> list[Definition]:
    """Return the CustomResourceDefinitions in the YAML file at *path*; other kinds are passed over."""
    with path.open(encoding="utf-8") as stream:
        documents = list(yaml.load_all(stream, Loader=_Loader))
    return [
        document
        for document in documents
        if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition"
    ]


@attrs.frozen
class BundledSchema(CrdSchema):
    """
    A kind of a bundled project, whose schema is made when it is first asked for.

    Args:
        project: A key of :func:`projects`.
    """

    project: str

    def schema(self) -> Schema:
        """Return the strict JSON schema of its manifests."""
        return _strict(self.project)[f"{self.api_version} {self.kind}"]


@cache
def projects() -> dict[str, dict[str, Any]]:
    """Return what is bundled by the name of its project: modules, versions, checksums, licence and kinds."""
    read: dict[str, dict[str, Any]] = json.loads((BUNDLED / "projects.json").read_bytes())
    return read


def constant(project: str) -> str:
    """Return what *project* is called in Python: ``ARGO_CD`` for "argo-cd"."""
    return project.upper().replace("-", "_")


def constant_of(key: str) -> str | None:
    """Return the constant of the project that defines the kind *key*, "apiVersion kind", or None."""
    return next((constant(name) for name, one in projects().items() if key in one["kinds"]), None)


def bundled(project: str) -> tuple[BundledSchema, ...]:
    """Return the kinds of *project*, a key of :func:`projects`; nothing but the index is read."""
    known = projects()[project]
    origin = ", ".join(f"{one['module']} {one['sum']}" for one in known["modules"])
    return tuple(
        BundledSchema(api_version, kind, known["kinds"][key], origin, project)  # the origin stands for the text
        for key in known["kinds"]
        for api_version, _, kind in [key.partition(" ")]
    )


def definitions(project: str) -> list[Definition]:
    """Return the CustomResourceDefinitions of *project*, less descriptions, as a cluster can be given them."""
    read: list[Definition] = json.loads(zlib.decompress((BUNDLED / f"{project}.json.z").read_bytes()))
    return read


@cache
def _strict(project: str) -> dict[str, Schema]:
    made = [schema for definition in definitions(project) for schema in crd_schemas(definition)]
    return {f"{one.api_version} {one.kind}": one.schema() for one in made}
