"""Checks of values against the types their class declares: the one check Python leaves to others."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

import attrs

from modelyard.findings import Source
from modelyard.values.value import source_of


class Mismatch(NamedTuple):
    """One place that does not hold what its class declares."""

    path: str
    found: object
    must: str
    source: Source | None = None
    """The line of the innermost value that the place is in, where there is one that remembers its line."""


class Checker(NamedTuple):
    """How a value is held against one type."""

    fits: Callable[[object], bool]
    """Whether there is nothing to say, which is asked first, since there mostly is nothing."""
    told: Callable[[object, str], Iterator[Mismatch]]
    """What there is to say of a value, at its path."""


WORDS = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    timedelta: "a duration such as hours(6)",
    type(None): "None",
}


def mismatches(value: object) -> Iterator[Mismatch]:
    """Yield every place inside the attrs object *value* that does not hold what its class declares."""
    cls: Any = type(value)
    for name, checker, default in _fields(cls):
        given = getattr(value, name)
        if given is not default and not checker.fits(given):
            yield from checker.told(given, name)


def _fitting(value: object) -> bool:
    cls: Any = type(value)
    for name, checker, default in _fields(cls):
        given = getattr(value, name)
        if given is not default and not checker.fits(given):
            return False
    return True


@cache
def _fields(cls: Any) -> tuple[tuple[str, Checker, object], ...]:
    """Return the fields of *cls*, with the default that each has where it need not be looked at."""
    attrs.resolve_types(cls)
    return tuple((field.name, checker_of(field.type), field.default) for field in attrs.fields(cls) if field.init)


@cache
def describe(hint: object) -> str:  # noqa: PLR0911 # a case a kind of type
    """Return the type *hint* in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        words = [describe(argument) for argument in arguments]
        return f"{', '.join(words[:-1])} or {words[-1]}"
    if origin is typing.Literal:
        return " or ".join(repr(argument) for argument in arguments)
    if origin is Sequence:
        return f"a list whose items are each {describe(arguments[0])}"
    if origin is AbstractSet:
        return f"a set whose items are each {describe(arguments[0])}"
    if origin is Mapping:
        return f"a dict from {describe(arguments[0])} to {describe(arguments[1])}"
    if isinstance(hint, type):
        if named := WORDS.get(hint) or getattr(hint, "__words__", None):
            return str(named)
        article = "an" if hint.__name__[0] in "AEIOU" else "a"
        return f"{article} {hint.__name__}"
    return str(hint)


@cache
def checker_of(hint: Any) -> Checker:  # a type hint has no common type
    """Return how values are held against the type *hint*."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in {Any, object}:
        return Checker(lambda _value: True, lambda _value, _path: iter(()))
    if origin in {typing.Union, types.UnionType}:
        return _union(hint, arguments)
    if origin is typing.Literal:
        return _literal(hint, arguments)
    if origin in {Sequence, AbstractSet}:
        return _collection(hint, origin, arguments[0])
    if origin is Mapping:
        return _mapping(hint, *arguments)
    return _plain(origin or hint)


def _plain(hint: type) -> Checker:
    has_fields = attrs.has(hint)

    def fits(value: object) -> bool:
        return (type(value) is hint or _is(value, hint)) and (not has_fields or _fitting(value))

    def told(value: object, path: str) -> Iterator[Mismatch]:
        if not _is(value, hint):
            yield Mismatch(path, value, describe(hint))
        elif has_fields:
            for inner in mismatches(value):
                yield inner._replace(path=f"{path}.{inner.path}", source=inner.source or source_of(value))

    return Checker(fits, told)


def _is(value: object, hint: type) -> bool:
    if isinstance(value, bool) and hint in {int, float}:
        return False
    if hint is float and isinstance(value, int):
        return True
    if hint is str and isinstance(value, enum.Enum):
        return isinstance(value, enum.StrEnum)
    return isinstance(value, hint)


def _union(hint: object, arguments: tuple[Any, ...]) -> Checker:
    checkers = [checker_of(argument) for argument in arguments]
    simple = {argument for argument in arguments if argument in WORDS}

    def fits(value: object) -> bool:
        return type(value) in simple or any(checker.fits(value) for checker in checkers)

    def told(value: object, path: str) -> Iterator[Mismatch]:
        attempts = [list(checker.told(value, path)) for checker in checkers]
        inner = [problems for problems in attempts if all(problem.path != path for problem in problems)]
        yield from inner[0] if inner else [Mismatch(path, value, describe(hint))]

    return Checker(fits, told)


def _literal(hint: object, arguments: tuple[Any, ...]) -> Checker:
    def fits(value: object) -> bool:
        return any(value == argument and type(value) is type(argument) for argument in arguments)

    return Checker(fits, lambda value, path: iter([Mismatch(path, value, describe(hint))]))


def _collection(hint: object, kind: type, item: object) -> Checker:
    checker = checker_of(item)

    def fits(value: object) -> bool:
        items: Any = value
        return isinstance(value, kind) and not isinstance(value, str | bytes) and all(map(checker.fits, items))

    def told(value: object, path: str) -> Iterator[Mismatch]:
        if isinstance(value, str | bytes) or not isinstance(value, kind):
            yield Mismatch(path, value, describe(hint))
            return
        items: Any = value
        for index, inner in enumerate(items):
            if not checker.fits(inner):
                yield from checker.told(inner, f"{path}[{index}]")

    return Checker(fits, told)


def _mapping(hint: object, key: object, item: object) -> Checker:
    keys, items = checker_of(key), checker_of(item)

    def fits(value: object) -> bool:
        return isinstance(value, Mapping) and all(keys.fits(one) and items.fits(value[one]) for one in value)

    def told(value: object, path: str) -> Iterator[Mismatch]:
        if not isinstance(value, Mapping):
            yield Mismatch(path, value, describe(hint))
            return
        for name, inner in value.items():
            if not keys.fits(name):
                yield from keys.told(name, f"{path} key {name!r}")
            if not items.fits(inner):
                yield from items.told(inner, f"{path}[{name!r}]")

    return Checker(fits, told)
