"""Fields named by their place: whether objects of a kind can have one there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from modelyard.schemas.advice import closest, quoted
from modelyard.schemas.bundle import below, resolved
from modelyard.schemas.wording import TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelyard.schemas.advice import Advice
    from modelyard.schemas.bundle import Schema
    from modelyard.schemas.embedded import Way
    from modelyard.schemas.model import Path

POSITION = re.compile(r"0|[1-9][0-9]*")
"""How a pointer writes the place of an entry in a list."""
MEANT = re.compile(r"did you mean '(.+)'\?")
"""How the advice about an unknown field names another one, as "a.b" where that lies deeper."""


def pointer(steps: Sequence[str | int]) -> str:
    """Return the JSON pointer that leads through *steps*."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def astray(advice: Advice, manifest: Any, steps: Sequence[str]) -> tuple[str, str | None] | None:
    """
    Return why nothing is ever found at *steps* in objects like *manifest*, and what to write instead.

    Args:
        advice: What knows the schema of *manifest*.

        manifest: An object of the kind, or a part that is looked at as one.

        steps: The keys and positions of a JSON pointer.
    """
    schema: Schema = advice.schema
    path: Path = ()
    for place, step in enumerate(steps):
        here = resolved(schema, advice.definitions)
        if _is_list(here) or isinstance(manifest, list):
            if not POSITION.fullmatch(step):
                return _no_position(manifest, steps, place)
            if isinstance(manifest, list) and place + 1 < len(steps) and int(step) >= len(manifest) > 0:
                return _no_entry(len(manifest), steps, place)
            taken: str | int = int(step)
        elif scalar := _scalar(here):
            return _below_scalar(scalar, _is_free(advice, path), steps, place)
        elif here.get("additionalProperties") is False and step not in here.get("properties", {}):
            said, _, do = advice.unknown_field(path, step).partition("; ")
            if meant := MEANT.fullmatch(do):
                do = f'did you mean "{pointer([*path, *meant[1].split("."), *steps[place + 1 :]])}"?'
            return said, do or None
        else:
            taken = step
        schema, path = below(here, taken, advice.definitions), (*path, taken)
        manifest = _part(manifest, taken)
    return None


def inside(ways: Sequence[Way], steps: Sequence[str]) -> tuple[str, int] | None:
    """Return what *steps* lead into, as "apiVersion kind", and after how many steps; None where it is nothing."""
    for what, fields in ways:
        left = list(fields)
        for place, step in enumerate(steps):
            if not left:
                return what, place
            if step == left[0]:
                left.pop(0)
            elif not POSITION.fullmatch(step):
                break
    return None


def _part(manifest: Any, step: str | int) -> Any:  # any part of a manifest
    if isinstance(step, int):
        return manifest[step] if isinstance(manifest, list) and step < len(manifest) else None
    return manifest.get(step) if isinstance(manifest, dict) else None


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [one for one in ([types] if isinstance(types, str) else types) if one != "null"]


def _is_list(schema: Schema) -> bool:
    return _types(schema) == ["array"]


def _scalar(schema: Schema) -> str | None:
    """Return what *schema* takes, in words, if that has no parts."""
    types = _types(schema)
    if not types and isinstance(schema.get("const"), str):
        types = ["string"]
    return " or ".join(TYPES[one] for one in types) if types and not {"object", "array"} & {*types} else None


def _is_free(advice: Advice, path: Path) -> bool:
    """Return whether the last step of *path* is a key that the user chose."""
    around = advice.schema_at(path[:-1])
    return bool(path) and path[-1] not in around.get("properties", ()) and "additionalProperties" in around


def _no_position(entries: Any, steps: Sequence[str], place: int) -> tuple[str, str | None]:
    """Return what to say of a step into a list that is no position, with that of the entry that it may name."""
    name, listed = steps[place], entries if isinstance(entries, list) else []
    meant = name.rpartition("=")[2].strip("[]'\"")
    found = [one for one, entry in enumerate(listed) if isinstance(entry, dict) and meant in entry.values()]
    position = meant if POSITION.fullmatch(meant) else str(found[0] if found else 0)
    return (
        f"has a list there, whose entries are known by their position, not by {quoted(name)}",
        f'write "{pointer([*steps[:place], position, *steps[place + 1 :]])}"',
    )


def _no_entry(count: int, steps: Sequence[str], place: int) -> tuple[str, str | None]:
    said = f"has {count} {'entry' if count == 1 else 'entries'} there, counted from 0"
    return said, f'write "{pointer([*steps[:place], str(count - 1), *steps[place + 1 :]])}", or which you mean'


def _below_scalar(scalar: str, free: bool, steps: Sequence[str], place: int) -> tuple[str, str | None]:  # noqa: FBT001
    whole = pointer(steps[:place])
    if free:
        joined = pointer([*steps[: place - 1], "/".join(steps[place - 1 :])])
        return f'has {scalar} at "{whole}", which has no parts', f'write "/" within a key as "~1": "{joined}"'
    return f'has {scalar} at "{whole}", which has no parts', f'write "{whole}"'


def nearest(kind: str, kinds: Sequence[str]) -> str | None:
    """Return the one of *kinds* ("apiVersion kind") that *kind* may be meant to name, or None."""
    names = sorted({one.partition(" ")[2] for one in kinds})
    last = re.split(r"[/ ]", kind)[-1]
    return last if last in names else closest(last.partition(".")[0], names)
