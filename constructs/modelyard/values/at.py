"""Parts of manifests that nobody has checked, without tripping over what is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def at(manifest: object, *path: str) -> Any:
    """Return the part of *manifest* at *path*, or None."""
    found: Any = manifest
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def mapping(manifest: object, *path: str) -> Mapping[str, Any]:
    """Return the mapping at *path*, empty where there is none."""
    found = at(manifest, *path)
    return found if isinstance(found, Mapping) else {}


def items(manifest: object, *path: str) -> list[Any]:
    """Return the list at *path*, empty where there is none."""
    found = at(manifest, *path)
    return found if isinstance(found, list) else []


def whole(manifest: object, *path: str, default: int) -> int:
    """Return the whole number at *path*, *default* where there is none."""
    found = at(manifest, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default
