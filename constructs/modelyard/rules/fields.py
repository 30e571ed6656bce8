"""What stands in fields of manifests, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def given(of: Mapping[str, Any], field: str, default: Any) -> Any:
    """Return what *of* has in *field*; null is taken for nothing where the schema has a default."""
    value = of.get(field)
    return default if value is None else value


def each(data: Any, way: tuple[str, ...], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what *way* leads to in *data*, through every item of the lists on it, with its path."""
    for place, key in enumerate(way):
        data = (data or {}).get(key)
        path = f"{path}.{key}" if path else key
        if isinstance(data, list):
            for index, item in enumerate(data):
                yield from each(item, way[place + 1 :], f"{path}[{index}]")
            return
    yield path, data or {}
