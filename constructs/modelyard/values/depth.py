"""How deeply values may be nested."""

from __future__ import annotations

DEEPEST = 100
TOO_DEEP = f"it is nested more than {DEEPEST} levels deep, and the checks of Kubernetes' schemas end there"


def too_deep(value: object) -> bool:
    """Return whether *value*, made of dicts and lists, is nested more deeply than any object needs."""
    level: dict[int, object] = {id(value): value}
    for _ in range(DEEPEST):
        inner: dict[int, object] = {}
        for one in level.values():
            if isinstance(one, dict):
                inner.update((id(each), each) for each in one.values() if isinstance(each, dict | list | tuple))
            elif isinstance(one, list | tuple):
                inner.update((id(each), each) for each in one if isinstance(each, dict | list | tuple))
        if not inner:
            return False
        level = inner
    return True
