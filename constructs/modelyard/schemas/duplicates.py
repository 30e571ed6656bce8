"""Entries of a list that the API server takes for the same one, found by the keys of its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.schemas.bundle import resolved
from modelyard.schemas.model import Path, SchemaError
from modelyard.schemas.wording import shown

if TYPE_CHECKING:
    from collections.abc import Hashable

    from modelyard.schemas.bundle import Schema

Keys = tuple[tuple[str, Any], ...]


class Step:
    """
    Where lists with keys lie below one part of a manifest; compiled once for a kind.

    Args:
        fields: The fields worth a look, and what lies below them.

        each: What lies below every entry of a list or map.

        keys: For a list of objects, the fields that tell its entries apart, with their defaults.

        is_set: Whether it is a list in which no value may occur twice.
    """

    __slots__ = ("each", "fields", "is_set", "keys")

    def __init__(self, fields: tuple[tuple[str, Step], ...], each: Step | None, keys: Keys, *, is_set: bool) -> None:
        self.fields = fields
        self.each = each
        self.keys = keys
        self.is_set = is_set


def compiled(schema: Schema, definitions: dict[str, Schema]) -> Step | None:
    """Return the steps to every list with keys in a kind's manifests; None without any."""
    fields = {field: below for field, below in schema["properties"].items() if field != "status"}
    return _compiled({**schema, "properties": fields}, definitions, {})


def _compiled(schema: Schema, definitions: dict[str, Schema], done: dict[str, Step | None]) -> Step | None:
    name = schema.get("$ref")
    if isinstance(name, str):
        if name not in done:
            # A type inside itself, the JSON schema of a CRD, is followed one round only.
            done[name] = None
            done[name] = _compiled(resolved(schema, definitions), definitions, done)
        return done[name]
    fields = tuple(
        (field, step)
        for field, below in schema.get("properties", {}).items()
        if (step := _compiled(below, definitions, done))
    )
    inner = schema.get("items") or schema.get("additionalProperties")
    each = _compiled(inner, definitions, done) if isinstance(inner, dict) else None
    keys: Keys = ()
    if schema.get("x-kubernetes-list-type") == "map" and isinstance(inner, dict):
        known = resolved(inner, definitions).get("properties", {})
        keys = tuple((key, known.get(key, {}).get("default")) for key in schema["x-kubernetes-list-map-keys"])
    is_set = schema.get("x-kubernetes-list-type") == "set"
    return Step(fields, each, keys, is_set=is_set) if fields or each or keys or is_set else None


def duplicates(step: Step, node: object, path: Path, found: list[SchemaError]) -> None:
    """Append to *found* every entry below *node* that repeats an earlier one of its list."""
    if isinstance(node, dict):
        for field, below in step.fields:
            if value := node.get(field):
                duplicates(below, value, (*path, field), found)
        if step.each is not None:
            for field, value in node.items():
                duplicates(step.each, value, (*path, field), found)
    elif isinstance(node, list):
        if len(node) > 1 and (step.keys or step.is_set):
            _repeated(step, node, path, found)
        if step.each is not None:
            for position, value in enumerate(node):
                duplicates(step.each, value, (*path, position), found)


def _repeated(step: Step, items: list[Any], path: Path, found: list[SchemaError]) -> None:
    seen: dict[Hashable, int] = {}
    for position, item in enumerate(items):
        identity = _identity(step.keys, item)
        if identity is None:
            continue
        first = seen.setdefault(identity, position)
        if first != position:
            if step.keys:
                pairs = zip(step.keys, identity, strict=True)
                same = ", ".join(f"{key} {shown(value)}" for (key, _), value in pairs)
            else:
                same = shown(item)
            found.append(SchemaError((*path, position), f"repeats {same} of entry {first}"))


def _identity(keys: Keys, item: object) -> tuple[Hashable, ...] | None:
    """Return what tells *item* apart, or None where the schema refuses the item anyway."""
    if not keys:
        values = [item]
    elif isinstance(item, dict):
        values = [default if item.get(key) is None else item[key] for key, default in keys]
    else:
        return None
    if any(not isinstance(value, str | int | float) for value in values):
        return None
    return tuple(values)
