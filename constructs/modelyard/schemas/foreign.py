"""Python values that no manifest can hold."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from modelyard.schemas.model import Path, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = (str, int, float, bool, type(None))


def foreign(manifest: dict[str, object]) -> list[SchemaError]:
    """Return every value in *manifest* that is no JSON, with its path."""
    return list(_foreign(manifest, ()))


def _foreign(node: object, path: Path) -> Iterator[SchemaError]:
    if isinstance(node, dict):
        for key, value in node.items():
            if not isinstance(key, str):
                yield SchemaError(path, f"has a key that is a Python {type(key).__name__}, not a string")
            else:
                yield from _foreign(value, (*path, key))
    elif isinstance(node, list | tuple):
        for position, value in enumerate(node):
            yield from _foreign(value, (*path, position))
    elif isinstance(node, str) and (type(node) is str or isinstance(node, enum.Enum)):
        if not _encodable(node):
            yield SchemaError(path, "holds half of a surrogate pair, which no file can hold")
    elif type(node) not in PLAIN:
        yield SchemaError(path, f"is a Python {type(node).__name__}, which no manifest can hold")
    elif isinstance(node, float) and (node != node or abs(node) == float("inf")):  # noqa: PLR0124 # NaN
        yield SchemaError(path, f"is {node!r}, which no manifest can hold")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
