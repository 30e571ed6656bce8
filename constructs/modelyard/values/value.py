"""What the value types of the public API have in common: frozen, compared by value, aware of their line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

import attrs

from modelyard import trace

if TYPE_CHECKING:
    from modelyard.findings import Source

T = TypeVar("T")
Check = Callable[[Any], str | None]
"""Answers with the rule that a value breaks, or None."""


def required(*, check: Check | None = None, kw_only: bool | None = None) -> Any:  # as attrs.field
    """Declare a field without default, and a *check* of its value."""
    return attrs.field(kw_only=kw_only, metadata={"check": check})


def option(*, default: Any, check: Check | None = None, kw_only: bool | None = None) -> Any:  # as attrs.field
    """Declare a field with a *default*, and a *check* of its value."""
    return attrs.field(default=default, kw_only=kw_only, metadata={"check": check})


def _remember(self: Any) -> None:  # any value type
    object.__setattr__(self, "__source__", trace.here())


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field, option, required))
def value(cls: type[T]) -> type[T]:
    """Make *cls* a frozen attrs class whose objects remember the line that wrote them."""
    cls.__attrs_post_init__ = _remember  # type: ignore[attr-defined]
    return attrs.frozen(slots=False)(cls)


def source_of(thing: object) -> Source | None:
    """Return the line that wrote the value *thing*, where it is one that remembers."""
    return getattr(thing, "__source__", None)
