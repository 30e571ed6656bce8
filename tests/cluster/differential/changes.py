"""Single changes of manifests, enumerated field by field from the schemas: the same ones in every run."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import attrs

from modelyard.rules.subjects import POD_PATHS
from modelyard.schemas import catalog

Json = dict[str, Any]
Path = tuple[str | int, ...]
DELETE: Any = object()
LONG = "a" * 300
STRINGS = ("", "other", "Bad Name!", "-x", "a" * 64, LONG, "1GB", "-1", "0", "a.b", "/x", "150%")
NUMBERS = (-1, 0, 1, 70000, 2**31, 2**63)
NUMBERS_AS_TEXT = ("", "0", "150%", "0%", "-1%", "other")
KEYS = ("Bad Key!", "a/b/c", LONG, "", "/x", "example.com/", "gpu", "kubernetes.io/x")
# What says which object it is, and what the API server writes.
SKIPPED = frozenset({"apiVersion", "kind", "namespace", "status"})


@attrs.frozen
class Change:
    """
    One change of one field.

    Args:
        path: To the field.

        field: That path without the numbers of list items; of a pod it begins with ``pod``, whatever makes the pod.

        name: What is done to it.

        value: What stands there then.
    """

    path: Path
    field: str
    name: str
    value: Any = attrs.field(repr=False, eq=False)

    def apply(self, manifest: Json) -> Json:
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


def changes(manifest: Json, version: str) -> Iterator[Change]:
    """Yield every change of *manifest*."""
    schema = catalog(version).schema(manifest["apiVersion"], manifest["kind"])
    pod = POD_PATHS.get(manifest["kind"], ("no pod",))
    for path, value, here in _fields(manifest, schema, schema["$defs"], ()):
        inside = path[len(pod) :] if path[: len(pod)] == pod else None
        named = path if inside is None else ("pod", *inside)
        field = "".join("[]" if isinstance(step, int) else f".{step}" for step in named).removeprefix(".")
        for name, new in _values(value, here):
            yield Change(path, field if inside is not None else f"{manifest['kind']} {field}", name, new)


def _fields(value: Any, schema: Json, definitions: Json, path: Path) -> Iterator[tuple[Path, Any, Json]]:
    """Yield every field below *value* with its schema."""
    known = _resolved(schema, definitions)
    below: Any
    if isinstance(value, dict):
        for key, inner in value.items():
            if path or key not in SKIPPED:
                below = known.get("properties", {}).get(key, known.get("additionalProperties"))
                below = _resolved(below if isinstance(below, dict) else {}, definitions)
                if (*path, key) != ("metadata", "namespace"):
                    yield (*path, key), inner, below
                    yield from _fields(inner, below, definitions, (*path, key))
    elif isinstance(value, list):
        below = _resolved(known.get("items", {}), definitions)
        for index, inner in enumerate(value):
            yield (*path, index), inner, below
            yield from _fields(inner, below, definitions, (*path, index))


def _resolved(schema: Json, definitions: Json) -> Json:
    name = schema.get("$ref")
    return definitions[name.removeprefix("#/$defs/")] if isinstance(name, str) else schema


def _values(value: Any, schema: Json) -> Iterator[tuple[str, Any]]:
    types = schema.get("type", ())
    yield "without it", DELETE
    yield "null", None
    yield "of another type", next(one for kind, one in OF_TYPES if kind not in types)
    if isinstance(value, bool):
        yield "the opposite", not value
    elif isinstance(value, int) or (isinstance(value, str) and "integer" in types):
        for number in NUMBERS:
            yield f"the number {number}", number
        for text in NUMBERS_AS_TEXT if "string" in types else ():
            yield f"the text {text!r}", text
    elif isinstance(value, str):
        for text in STRINGS:
            yield f"the text {_short(text)!r}", text
        for text in filter(None, schema.get("enum", ())):
            yield f"the word {text}", text
        yield "in the other case", value.swapcase()
        yield "one letter longer", f"{value}x"
    elif isinstance(value, list):
        yield "an empty list", []
        yield "a list with null in it", [*value, None]
        if value:
            yield "a list with its first item twice", [value[0], *value]
            yield "a list without its last item", value[:-1]
    elif isinstance(value, dict):
        yield "an empty object", {}
        yield "an object with a field more", {**value, "bogus": "1"}
        if schema.get("additionalProperties"):
            some = next(iter(value.values()), "x")
            for key in KEYS:
                yield f"an object with the key {_short(key)!r}", {**value, key: some}


OF_TYPES = (("integer", 5), ("string", "text"), ("boolean", True))


def _short(text: str) -> str:
    return text if len(text) < 10 else f"{len(text)} times {text[0]}"
