"""Projects to break promises with, each test with one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import project as projects
from tests.forks import Forked, Forks
from tests.project import Project

GENERATION = '''\
"""What the team runs, and where; every object carries a label that a file decides about."""

import time
from pathlib import Path

from modelyard import Environment

from environments.dev import dev
from environments.prod import prod

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = {"dev": dev, "prod": prod}


def generation() -> str:
    """Return what distinguishes one rendering from the other, waiting for it where it is to come."""
    (ROOT / "started").touch()
    for _ in range(6000):
        if (ROOT / "generation").exists():
            return (ROOT / "generation").read_text()
        time.sleep(0.01)
    raise TimeoutError


def labelled(plain):
    """Return *plain* with the label."""

    def init(self, fleet, name, **options):
        fleet.node  # so that Node runs while the others wait
        plain(self, fleet, name, labels={"generation": generation()}, **options)

    return init


Environment.__init__ = labelled(Environment.__init__)
'''


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that has been rendered; tests work on copies."""
    made = projects.make(tmp_path_factory.mktemp("golden") / "project")
    made.synth()
    return made


@pytest.fixture
def project(golden: Project, tmp_path: Path) -> Project:
    """Return a rendered project."""
    return golden.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def two_generations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """Return a project of which every file changes with the file ``generation``, rendered as a and as b."""
    return _generations(tmp_path_factory.mktemp("generations"), GENERATION)


@pytest.fixture(scope="session")
def small_generations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    """Return the same with one environment only."""
    return _generations(tmp_path_factory.mktemp("small"), GENERATION.replace(', "prod": prod', ""))


def _generations(folder: Path, program: str) -> tuple[Project, Project]:
    first = projects.make(folder / "a")
    (first.root / "environments" / "__init__.py").write_text(program)
    (first.root / "generation").write_text("a")
    first.synth()
    second = first.copy(first.root.parent / "b")
    (second.root / "generation").write_text("b")
    second.synth()
    return first, second


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Return what runs projects fast."""
    with Forks() as running:
        yield running


@pytest.fixture
def forked(golden: Project, forks: Forks, tmp_path: Path) -> Forked:
    """Return a rendered project whose commands run in forks of one process."""
    return Forked(golden.copy(tmp_path / "project").root, forks)
