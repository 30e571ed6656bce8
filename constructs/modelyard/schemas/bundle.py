"""Reading the schemas that ``tools/schemas.py`` wrote into ``data/``."""

from __future__ import annotations

import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

Schema = dict[str, Any]

DATA = Path(__file__).parent / "data"
SUPPORTED: tuple[str, ...] = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
DEFINITION = "#/$defs/"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class Bundle(TypedDict):
    """The schemas of one minor: of manifests by "apiVersion kind", and what those refer to."""

    kinds: dict[str, Schema]
    definitions: dict[str, Schema]


class Entry(TypedDict):
    """A kind in the index of all minors."""

    namespaced: bool
    minors: list[str]


def supported(version: str) -> str:
    """
    Return *version* where the bundle has it.

    Raises:
        ValueError: It has not; the text tells what to write instead.
    """
    if version in SUPPORTED:
        return version
    known = f"{', '.join(SUPPORTED[:-1])} and {SUPPORTED[-1]}"
    minor = re.match(r"v?(1\.\d+)", version)
    if minor and minor[1] in SUPPORTED:
        msg = f"Kubernetes version {version!r} is not a minor; write {minor[1]!r}"
    else:
        msg = f"Kubernetes version {version!r} is not supported; modelyard has the schemas of {known}"
    raise ValueError(msg)


@cache
def index() -> dict[str, Entry]:
    """Return every kind of every supported minor, by "apiVersion kind"."""
    read: dict[str, Entry] = json.loads((DATA / "kinds.json").read_bytes())
    return read


@cache
def bundle(version: str) -> Bundle:
    """Return the schemas of one supported minor; read once, and never changed."""
    read: Bundle = json.loads(zlib.decompress((DATA / f"{version}.json.z").read_bytes()))
    return read


def closed(root: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return *root* with the definitions it needs, and no others, as one self-contained schema."""
    needed: dict[str, Schema] = {}
    waiting: list[object] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = node.get("$ref")
            # A field may be called "$ref" too: its value is a schema then, not a text.
            if isinstance(name, str):
                name = name.removeprefix(DEFINITION)
                if name not in needed:
                    needed[name] = definitions[name]
                    waiting.append(needed[name])
            else:
                waiting.extend(value for value in node.values() if isinstance(value, dict | list))
        elif isinstance(node, list):
            waiting.extend(value for value in node if isinstance(value, dict))
    return {**root, "$defs": dict(sorted(needed.items()))}


def resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return what *schema* says, or the definition it refers to."""
    name = schema.get("$ref")
    return definitions[name.removeprefix(DEFINITION)] if isinstance(name, str) else schema


def below(schema: Schema, step: str | int, definitions: dict[str, Schema]) -> Schema:
    """Return the schema of one field, entry or item of *schema*; empty if unknown."""
    here = resolved(schema, definitions)
    found: object
    if isinstance(step, int):
        found = here.get("items")
    else:
        found = here.get("properties", {}).get(step, here.get("additionalProperties"))
    return resolved(found, definitions) if isinstance(found, dict) else {}


def at(schema: Schema, path: tuple[str | int, ...], definitions: dict[str, Schema]) -> Schema:
    """Return the schema of the part of a manifest at *path*; empty if unknown."""
    here = schema
    for step in path:
        here = below(here, step, definitions)
    return here
