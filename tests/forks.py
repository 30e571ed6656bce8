"""Runs of modelyard in forks of one process, twenty times as fast as processes that begin with nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.pipes import pipe
from tests.project import MODELYARD, ROOT, Project, Ran, environment

PROGRAM = ROOT / "tests" / "runner.py"


class Forks:
    """A process that has everything imported, and a Node that runs; each command is run in a fork of it."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(  # a program of these tests
            [sys.executable, "-c", PROGRAM.read_text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.communicate(timeout=60)

    def run(self, root: Path, *words: str) -> Ran:
        """Run ``modelyard ...`` or ``main.py`` in the project at *root*."""
        asked, answers = pipe(self._process.stdin), pipe(self._process.stdout)
        asked.write(json.dumps([str(root), words]) + "\n")
        asked.flush()
        return Ran(**json.loads(answers.readline()))


@dataclass(frozen=True)
class Forked(Project):
    """A project whose commands run in forks."""

    forks: Forks

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
        """Run *command*, which is ``modelyard ...`` or ``python main.py``."""
        assert env is None
        assert cwd is None
        program, *words = map(str, command)
        return self.forks.run(self.root, *([MODELYARD.name, *words] if program == str(MODELYARD) else words))
