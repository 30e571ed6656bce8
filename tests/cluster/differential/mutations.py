"""Single changes of manifests, enumerated field by field from the schemas: the same ones in every run."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from modelyard.schemas import catalog

Manifest = dict[str, Any]
Path = tuple[str | int, ...]
DELETE: Any = object()
LONG = "a" * 300
STRINGS = ("", "other", "Bad Name!", "-x", "a" * 64, LONG, "1GB", "-1", "0", "70000", "a.b", "/x", "150%", "1.5")
NUMBERS = (-1, 0, 1, 70000, 2**31, 2**63)
SKIPPED = frozenset({"status", "managedFields", "apiVersion", "kind", "namespace"})


@attrs.frozen
class Change:
    """
    One change of one field.

    Args:
        path: To the field.

        name: What is done to it.

        value: What stands there then.
    """

    path: Path
    name: str
    value: Any = attrs.field(repr=False, eq=False)

    @property
    def field(self) -> str:
        """The path without the numbers of list items."""
        return "".join("[]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")

    def apply(self, manifest: Manifest) -> Manifest:
        """Return *manifest* with this change."""
        changed = copy.deepcopy(manifest)
        holder: Any = changed
        for step in self.path[:-1]:
            holder = holder[step]
        last = self.path[-1]
        if self.value is DELETE:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(self.value)
        return changed


def changes(manifest: Manifest, version: str) -> Iterator[tuple[tuple[Any, ...], Change]]:
    """Yield every change of *manifest*, each with what makes it another one than those of other manifests."""
    schema = catalog(version).schema(manifest["apiVersion"], manifest["kind"])
    for path, value, here, around in _fields(manifest, schema, schema["$defs"], ()):
        for name, new in _values(value, here, schema["$defs"]):
            change = Change(path, name, new)
            yield (manifest["kind"], change.field, name, around), change


def _fields(
    value: Any, schema: dict[str, Any], definitions: dict[str, Any], path: Path
) -> Iterator[tuple[Path, Any, dict[str, Any], Any]]:
    schema = _resolved(schema, definitions)
    if isinstance(value, dict):
        around = _around(value)
        for key, inner in value.items():
            if key in SKIPPED and len(path) < 2:
                continue
            below = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
            below = below if isinstance(below, dict) else {}
            yield (*path, key), inner, below, around
            yield from _fields(inner, below, definitions, (*path, key))
        for key, below in schema.get("properties", {}).items():
            if key not in value and not (key in SKIPPED and len(path) < 2):
                yield (*path, key), DELETE, below, None
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*path, index), inner, schema.get("items", {}), None
            yield from _fields(inner, schema.get("items", {}), definitions, (*path, index))


def _around(value: dict[str, Any]) -> Any:
    """Return what kind of object a field stands in: which fields there are, and which choices were made."""
    return tuple(sorted((key, inner if isinstance(inner, str) and inner.isalpha() else "") for key, inner in value.items()))


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref")
    return definitions[name.removeprefix("#/$defs/")] if isinstance(name, str) else schema


def _types(schema: dict[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _values(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    schema = _resolved(schema, definitions)
    types = _types(schema)
    if value is DELETE:
        yield from _added(schema, types)
        return
    yield "without it", DELETE
    yield "null", None
    wrong = next(one for kind, one in (("integer", 5), ("string", "text"), ("boolean", True)) if kind not in types)
    yield "another type", wrong
    if isinstance(value, bool):
        yield "the opposite", not value
    elif isinstance(value, int) or (isinstance(value, str) and "integer" in types):
        for number in NUMBERS:
            yield str(number), number
        for text in ("", "0", "150%", "0%", "-1%", "other") if "string" in types else ():
            yield repr(text), text
    elif isinstance(value, str):
        for text in STRINGS:
            yield repr(text[:9]), text
        for text in schema.get("enum", ()):
            if isinstance(text, str) and text:
                yield text, text
        yield "in other case", value.swapcase()
        yield "longer", value + "x"
    elif isinstance(value, list):
        yield "empty", []
        if value:
            yield "the first item twice", [value[0], *value]
            yield "null among the items", [*value, None]
            yield "the last item removed", value[:-1]
    elif isinstance(value, dict):
        yield "empty", {}
        yield "an unknown field", {**value, "bogus": "1"}
        if schema.get("additionalProperties"):
            some = next(iter(value.values()), "x")
            for key in ("Bad Key!", "a/b/c", LONG, "", "/x", "example.com/", "gpu", "kubernetes.io/x"):
                yield f"key {key[:9]!r}", {**value, key: some}


def _added(schema: dict[str, Any], types: Sequence[str]) -> Iterator[tuple[str, Any]]:
    enum = [one for one in schema.get("enum", ()) if isinstance(one, str) and one]
    if enum:
        for one in enum:
            yield f"with {one}", one
    elif "string" in types:
        yield "with a word", "other"
        yield "with an odd word", "Bad Name!"
    if "integer" in types:
        yield "with 1", 1
        yield "with -1", -1
    if "boolean" in types:
        yield "with true", True
    if "object" in types:
        yield "with {}", {}
    if "array" in types:
        yield "with []", []
