"""Watches which rules the tests of this folder break, and which they speak of without breaking them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from modelyard.findings import Breach, Finding
from modelyard.rules import RULES

BROKEN: dict[str, set[str]] = {}
KEPT: dict[str, set[str]] = {}
LAST, OF_ALL = "test_every_rule", "test_every_rule_is_shown"
HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def witness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Note the rules that one test breaks, and those that it keeps.

    A test breaks a rule where a breach or finding of it is made while it runs. It keeps a rule of which it speaks
    (in its name, its parameters or its code) where none is, or where a call of ``found_by`` finds none.
    """
    broken: set[str] = set()
    kept: set[str] = set()
    ask: Any = getattr(request.module, "found_by", None)

    def watch(cls: type) -> None:
        make: Any = vars(cls)["__init__"]

        def making(self: Any, *args: Any, **kwargs: Any) -> None:
            make(self, *args, **kwargs)
            broken.add(self.rule)

        monkeypatch.setattr(cls, "__init__", making)

    def asking(scope: Any, rule: str) -> Any:
        if not (found := ask(scope, rule)):
            kept.add(rule)
        return found

    watch(Breach)
    watch(Finding)
    if ask is not None:
        monkeypatch.setattr(request.module, "found_by", asking)
    yield
    for rule in broken:
        BROKEN.setdefault(rule, set()).add(request.node.nodeid)
    for rule in kept | (set(_spoken_of(request.node)) - broken):
        KEPT.setdefault(rule, set()).add(request.node.nodeid)


def _spoken_of(item: Any) -> Iterator[str]:
    words: list[object] = [word.upper() for word in re.split(r"[^a-z0-9]", item.originalname)]
    if hasattr(item, "callspec"):
        words += item.callspec.params.values()
    words += _constants(item.function.__code__)
    for word in words:
        if isinstance(word, str) and word in RULES:
            yield word


def _constants(code: CodeType) -> Iterator[object]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _constants(constant)
        elif isinstance(constant, tuple | frozenset):
            yield from constant
        else:
            yield constant


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the test of all rules come last, when all others have told what they break, or not at all where some do not."""
    items.sort(key=lambda item: LAST in item.nodeid)
    if not whole(config, items):
        left = [item for item in items if getattr(item, "originalname", "") == OF_ALL]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)


def whole(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """Return whether all tests of this folder are run, in this process."""
    chosen = [config.getoption(name, None) for name in ("keyword", "markexpr", "lf", "numprocesses", "deselect")]
    return not any(chosen) and {item.path for item in items} >= set(HERE.glob("test_*.py"))
