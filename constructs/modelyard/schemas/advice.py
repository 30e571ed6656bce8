"""What was probably meant by a field that the schema does not know."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from modelyard.schemas.bundle import SUPPORTED, at, below, bundle, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelyard.schemas.bundle import Schema
    from modelyard.schemas.model import Path

LONGEST_NAME = 60
MOST_NAMES = 8
DEEPEST = 3
NEAR = 0.75


class Advice:
    """
    What to say about the unknown fields of one kind.

    Args:
        key: "apiVersion kind".

        schema: The schema of its manifests.

        definitions: What the schema refers to.

        version: The minor the schema is of.
    """

    def __init__(self, key: str, schema: Schema, definitions: dict[str, Schema], version: str) -> None:
        self.key = key
        self.schema = schema
        self.definitions = definitions
        self.version = version

    def schema_at(self, path: Path) -> Schema:
        """Return the schema of the part of a manifest at *path*."""
        return at(self.schema, path, self.definitions)

    def unknown_field(self, path: Path, name: str) -> str:
        """Return the message about a field that the schema does not know, with a way out."""
        fields = sorted(self.schema_at(path).get("properties", ()))
        said = f"has no field {quoted(name)}"
        if minor := self.other_minor(path, name):
            return f"{said} in Kubernetes {self.version}; {minor}"
        if meant := closest(name, fields) or self.deeper(path, name):
            return f"{said}; did you mean {quoted(meant)}?"
        if around := self.higher(path, name):
            return f"{said}; it belongs {around}"
        if not fields:
            return f"{said}; it has no fields"
        return f"{said}; its fields are {', '.join(fields)}" if len(fields) <= MOST_NAMES else said

    def other_minor(self, path: Path, name: str) -> str | None:
        """Return which other minor of Kubernetes knows the field *name* at *path*."""
        position = SUPPORTED.index(self.version)
        for minor in SUPPORTED[position + 1 :]:
            if name in fields_of(self.key, path, minor):
                return f"it came with {minor}"
        for minor in reversed(SUPPORTED[:position]):
            if name in fields_of(self.key, path, minor):
                return f"{minor} was the last to have it"
        return None

    def deeper(self, path: Path, name: str) -> str | None:
        """Return the one place below *path* that has the field *name*, as "a.b.name"."""
        level: dict[tuple[str, ...], Schema] = {(): self.schema_at(path)}
        for _ in range(DEEPEST):
            level = {
                (*steps, field): below(schema, field, self.definitions)
                for steps, schema in level.items()
                for field in resolved(schema, self.definitions).get("properties", ())
                if field not in {"metadata", "status"}
            }
            places = [steps for steps in level if steps[-1] == name]
            if places:
                return ".".join(places[0]) if len(places) == 1 else None
        return None

    def higher(self, path: Path, name: str) -> str | None:
        """Return the nearest place around *path* that has the field *name*, in words."""
        for length in range(len(path) - 1, -1, -1):
            if name in self.schema_at(path[:length]).get("properties", ()):
                above = [step for step in path[:length] if isinstance(step, str)]
                return f"into {quoted('.'.join(above))}" if above else "to the top level"
        return None


def fields_of(key: str, path: Path, version: str) -> set[str]:
    """Return the fields that another minor has at *path* in the manifests of a kind."""
    other = bundle(version)
    return set(at(other["kinds"].get(key, {}), path, other["definitions"]).get("properties", ()))


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of *known* that *name* was meant to be."""
    folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=NEAR)
    return folded[found[0]] if found else None


def missing(name: str) -> str:
    """Return the message about a required field that is absent or null."""
    return f"misses the required field {quoted(name)}"


def quoted(text: str) -> str:
    """Return *text* between single quotes, shortened."""
    return repr(text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 3]}...")


def listed(words: Sequence[str]) -> str:
    """Return "a, b or c"."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
