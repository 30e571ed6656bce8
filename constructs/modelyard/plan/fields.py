"""The fields in which two manifests differ, items of lists known by their merge key."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.exact_yaml import dotted


class Missing(enum.Enum):
    """Stands for a field that is not there."""

    MISSING = "missing"


MISSING = Missing.MISSING


@attrs.frozen
class Item:
    """
    A step to an item of a list.

    Args:
        key: The fields that tell it from the others, with their values.
    """

    key: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return "[" + ",".join(f"{name}={_plain(value)}" for name, value in self.key) + "]"


def _plain(value: object) -> str:
    text = str(value)
    return text if NO_SPACE.fullmatch(text) else repr(text)


Step = str | int | Item
NO_SPACE = re.compile(r"[A-Za-z0-9_./:-]+")

KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "conditions": (("type",),),
    "hostAliases": (("ip",),),
    "ownerReferences": (("uid",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "volumeDevices": (("devicePath",),),
    "volumeMounts": (("mountPath",),),
}
"""Lists of Kubernetes that are merged by another key than the name of an item."""
BY_NAME = (("name",),)
DEFAULTS = {"protocol": "TCP"}


@attrs.frozen
class FieldChange:
    """
    One field that is different.

    Args:
        path: The steps that lead to it.

        before: Its value; ``MISSING`` where it is new.

        after: Its value; ``MISSING`` where it is gone.

        order: Whether only the order of a list's items is meant; the values are the items then.
    """

    path: tuple[Step, ...]
    before: Any
    after: Any
    order: bool = False

    @property
    def text(self) -> str:
        """The path as people write it: ``spec.template.spec.containers[name=model].image``."""
        return pathed(self.path) + (" (order)" if self.order else "")


def pathed(path: Sequence[Step]) -> str:
    """Return *path* as people write it."""
    text = ""
    plain: list[str | int] = []
    for step in path:
        if isinstance(step, Item):
            text += _joined(text, plain) + str(step)
            plain = []
        else:
            plain.append(step)
    return text + _joined(text, plain)


def _joined(text: str, steps: list[str | int]) -> str:
    told = dotted(tuple(steps))
    return f".{told}" if text and told and not told.startswith("[") else told


def differences(old: Any, new: Any, path: tuple[Step, ...] = ()) -> Iterator[FieldChange]:
    """Yield where *old* and *new* differ, each place once."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            before, after = old.get(key, MISSING), new.get(key, MISSING)
            yield from differences(before, after, (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list):
        field = next((step for step in reversed(path) if isinstance(step, str)), "")
        if (keys := _keys(field, old, new)) is not None:
            yield from _keyed(_by(keys, old), _by(keys, new), path)
        else:
            yield from _counted(old, new, path)
    elif not same(old, new):
        yield FieldChange(path, old, new)


def same(old: Any, new: Any) -> bool:
    """Return whether two values that are not both mappings or lists are the same; 1, 1.0 and true are three."""
    return type(old) is type(new) and bool(old == new)


def _keys(field: str, old: list[Any], new: list[Any]) -> tuple[str, ...] | None:
    """Return the fields by which the items of both lists are known, if there are such."""
    for keys in KEYS.get(field, BY_NAME):
        if all(_unique(keys, items) for items in (old, new)):
            return keys
    return None


def _unique(keys: tuple[str, ...], items: list[Any]) -> bool:
    found = set()
    for item in items:
        if not isinstance(item, dict):
            return False
        key = _key(keys, item)
        if not all(isinstance(value, str | int) for _, value in key):
            return False
        found.add(tuple(str(value) for _, value in key))
    return len(found) == len(items)


def _key(keys: tuple[str, ...], item: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, item.get(name, DEFAULTS.get(name))) for name in keys)


def _by(keys: tuple[str, ...], items: list[Any]) -> dict[Item, Any]:
    return {Item(_key(keys, item)): item for item in items}


def _keyed(old: dict[Item, Any], new: dict[Item, Any], path: tuple[Step, ...]) -> Iterator[FieldChange]:
    before, after = [key for key in old if key in new], [key for key in new if key in old]
    if before != after:
        yield FieldChange(path, [str(key) for key in before], [str(key) for key in after], order=True)
    for key in [*old, *(key for key in new if key not in old)]:
        yield from differences(old.get(key, MISSING), new.get(key, MISSING), (*path, key))


def _counted(old: list[Any], new: list[Any], path: tuple[Step, ...]) -> Iterator[FieldChange]:
    """Yield what differs by position, what is the same at both ends left aside."""
    start, shorter = 0, min(len(old), len(new))
    while start < shorter and not any(differences(old[start], new[start])):
        start += 1
    end = 0
    while end < shorter - start and not any(differences(old[-1 - end], new[-1 - end])):
        end += 1
    old, new = old[: len(old) - end], new[: len(new) - end]
    for index in range(start, max(len(old), len(new))):
        before = old[index] if index < len(old) else MISSING
        after = new[index] if index < len(new) else MISSING
        yield from differences(before, after, (*path, index))
