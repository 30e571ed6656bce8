"""Whatever happens at whichever touch of the disk, ``dist/`` is the old tree or the new one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.project import MAIN_PY, ROOT, Project

CASES = {
    "SIGKILL": ("kill -9", {-9}, {"old", "new"}),
    "SIGTERM": ("kill", {-15}, {"old", "new"}),
    "SIGINT": ("Ctrl-C", {130}, {"old", "new"}),
    "EIO": ("one broken block", {0, 2}, {"old", "new"}),
    "full": ("a disk that is full from there on", {0, 2}, {"old", "new"}),
    "EROFS": ("a disk that has become read-only", {0, 2}, {"old", "new"}),
}
STEPS = {"SIGKILL": 1, "EIO": 2, "full": 3, "SIGINT": 5, "SIGTERM": 9, "EROFS": 9}
"""Every touch for the first; the others take the same ways out."""
Lines = dict[str, Future[list[dict[str, Any]]]]
LEFT = [".modelyard/.gitignore", ".modelyard/lock", ".modelyard/verified.json"]


@pytest.fixture(scope="module")
def lines(small_generations: tuple[Project, Project], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Start the program for every case, two at a time; each answers with its lines."""
    first, second = small_generations

    def answer(what: str) -> list[dict[str, Any]]:
        project = first.copy(tmp_path_factory.mktemp(what) / "project")
        env = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
        program = (MAIN_PY[0], "-m", "tests.promises.touches", what, str(STEPS[what]), first.dist, second.dist)
        done = project.run(*program, env=env)
        assert (done.code, done.err) == (0, "")
        return [json.loads(line) for line in done.out.splitlines()]

    with ThreadPoolExecutor(2) as pool:
        yield {what: pool.submit(answer, what) for what in CASES}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("what", CASES)
def test_at_every_touch_of_the_disk(lines: Lines, what: str) -> None:
    _, codes, trees = CASES[what]
    found = lines[what].result()
    assert len(found) * STEPS[what] > 70, "a synthesis touches the disk more often"
    for line in found:
        assert line["code"] in codes, line
        assert line["after"] in trees, line
        assert (line["again"], line["finally"], line["left"]) == ([0], "new", LEFT), line
        if line["code"] == 2:
            assert line["after"] == "old", line
            assert "Traceback" not in line["said"], line
            assert "\n" not in line["said"], line
    assert {line["after"] for line in found} == trees
