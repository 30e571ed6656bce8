"""A pytest plugin that keeps every environment which a test has checked, and notes what it has used for it."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from modelyard.fleet import Site
from modelyard.render import objects
from modelyard.rules import Scope
from tests.cluster.differential.arguments import Used, watch


class Recorder:
    """
    Keeps what is checked while a test runs.

    Args:
        path: The file that it is written to in the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.test = ""
        self.seen: dict[str, tuple[str, Site, list[dict[str, Any]]]] = {}
        self.used: Used = set()

    def keep(self, site: Site, manifests: list[dict[str, Any]]) -> None:
        """Keep *manifests* of *site*, where these have not been seen yet."""
        self.seen.setdefault(repr((site, manifests)), (self.test, site, copy.deepcopy(manifests)))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note which test runs."""
        self.test = item.nodeid

    def pytest_sessionfinish(self) -> None:
        """Write everything down."""
        self.path.write_bytes(pickle.dumps((list(self.seen.values()), self.used)))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the path to write to."""
    parser.addoption("--record", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    """Look over the shoulder of both ways to have manifests checked, and of all that is rendered from."""
    given: Any = config.getoption("--record")
    recorder = Recorder(given)
    config.pluginmanager.register(recorder)
    watch(recorder.used)
    work: Any = objects._Work  # noqa: SLF001 # what does not pass its schema is seen nowhere else
    checked, scoped = work.checked, Scope.__attrs_post_init__

    def checking(self: Any, *given: Any) -> Any:
        recorder.keep(self.environment.site, [one.data for one in self.objects])
        return checked(self, *given)

    def scoping(self: Scope) -> None:
        recorder.keep(self.site, [one.data for one in self.objects])
        scoped(self)

    work.checked = checking
    Scope.__attrs_post_init__ = scoping  # type: ignore[method-assign]
