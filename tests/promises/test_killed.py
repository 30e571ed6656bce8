"""A synthesis that is killed or interrupted leaves a whole tree and nobody behind, and the next one mends the rest."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.forks import Forked, Forks
from tests.project import CDK8S_SYNTH, MAIN_PY, MODELYARD_SYNTH, Project, Snapshot

MOMENTS = 20
PATIENCE = 60.0
COMMANDS = {
    "modelyard synth": MODELYARD_SYNTH,
    "modelyard synth --jobs 2": (*MODELYARD_SYNTH, "--jobs", "2"),
    "python main.py": MAIN_PY,
    "cdk8s synth": CDK8S_SYNTH,
}
MARK = "MODELYARD_TEST"


def until(reached: Callable[[], bool], what: str) -> None:
    """Wait until *reached*, a minute at most."""
    for _ in range(int(PATIENCE / 0.01)):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError(what)


def begin(project: Project, name: str) -> subprocess.Popen[str]:
    """Start a synthesis of *project*; every process that comes of it carries a mark."""
    return project.start(*COMMANDS[name], env={MARK: str(project.root)})


def alive(root: Path) -> dict[int, str]:
    """Return the processes with the mark of the project at *root*, whatever session they are in."""
    mark = os.fsencode(f"{MARK}={root}\0")
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text()
    return found


@pytest.fixture(autouse=True)
def nobody_outlives_a_failure(tmp_path: Path) -> Iterator[None]:
    """End what a test that fails has left behind."""
    yield
    for root in tmp_path.iterdir():
        for process in alive(root):
            os.kill(process, signal.SIGKILL)


def finish(project: Project, process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how *process* ended, as a shell would say it, and what it said of its troubles."""
    _, err = process.communicate(timeout=PATIENCE)
    until(lambda: not alive(project.root), "a process is left behind")
    return process.returncode if process.returncode >= 0 else 128 - process.returncode, err


@pytest.mark.parametrize("name", ["modelyard synth", "cdk8s synth"])
def test_kill_9_at_twenty_moments(two_generations: tuple[Project, Project], tmp_path: Path, name: str) -> None:
    """The next synthesis gives the new tree, which is the old one of the next round."""
    trees = {"a": two_generations[0].snapshot(), "b": two_generations[1].snapshot()}

    def rounds(half: int) -> list[str]:
        project = two_generations[0].copy(tmp_path / str(half))
        with Forks() as forks:
            return killings(project, half, forks)

    def killings(project: Project, half: int, forks: Forks) -> list[str]:
        moments = random.Random(half)  # noqa: S311 # no secret
        began = time.monotonic()
        project.run(*COMMANDS[name])
        whole = time.monotonic() - began
        return [
            killed(project, name, trees, number, whole * moments.random(), Forked(project.root, forks))
            for number in range(half, MOMENTS, 2)
        ]

    with ThreadPoolExecutor(2) as pool:
        assert set().union(*pool.map(rounds, (0, 1))) <= {"old", "new"}


def killed(project: Project, name: str, trees: dict[str, Snapshot], number: int, moment: float, mender: Forked) -> str:
    """Kill a synthesis so many seconds after its beginning, and have the next one mend it."""
    generation = "ba"[number // 2 % 2]
    before = project.snapshot()
    (project.root / "generation").write_text(generation)
    process = begin(project, "modelyard synth --jobs 2" if name == "modelyard synth" and number % 4 == 3 else name)
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    finish(project, process)
    after = project.snapshot()
    assert after in (before, trees[generation]), f"round {number} left another tree"
    mender.synth()
    assert project.snapshot() == trees[generation]
    scratch = sorted(path.name for path in (project.root / ".modelyard").iterdir() if path.name != "cdk8s")
    assert scratch == [".gitignore", "lock", "verified.json"]
    return "old" if after == before else "new"


def waiting(project: Project, name: str) -> subprocess.Popen[str]:
    """Start a synthesis that changes everything, and return it while it waits inside the team's Python."""
    (project.root / "started").unlink(missing_ok=True)
    (project.root / "generation").unlink()
    process = begin(project, name)
    until((project.root / "started").exists, "the synthesis did not begin")
    assert not Path("/proc/self/environ").exists() or any("node" in words for words in alive(project.root).values())
    return process


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_an_interrupted_synthesis_is_quiet_and_leaves_nobody_behind(
    two_generations: tuple[Project, Project], tmp_path: Path, name: str, number: signal.Signals
) -> None:
    project = two_generations[0].copy(tmp_path / "project")
    before = project.snapshot()
    process = waiting(project, name)
    os.killpg(process.pid, number)
    code, err = finish(project, process)
    assert code == 128 + number
    assert err in (["interrupted\n"] if number == signal.SIGINT else [""])
    assert project.snapshot() == before
    (project.root / "generation").write_text("b")
    project.synth()
    assert project.snapshot() == two_generations[1].snapshot()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
def test_the_processes_of_a_leading_one_that_dies_alone_end_too(
    two_generations: tuple[Project, Project], tmp_path: Path, number: signal.Signals
) -> None:
    """As when a machine runs out of memory: nobody may hold the lock, or a Node, for ever."""
    project = two_generations[0].copy(tmp_path / "project")
    before = project.snapshot()
    process = waiting(project, "modelyard synth --jobs 2")
    process.send_signal(number)
    process.wait(timeout=PATIENCE)
    (project.root / "generation").write_text("b")
    assert finish(project, process)[1] == ""
    assert project.snapshot() == before
    assert project.run(*MODELYARD_SYNTH).err == ""
    assert project.snapshot() == two_generations[1].snapshot()


def test_a_process_that_dies_is_reported_and_changes_nothing(
    two_generations: tuple[Project, Project], tmp_path: Path
) -> None:
    project = two_generations[0].copy(tmp_path / "project")
    before = project.snapshot()
    project.edit(
        "environments/dev.py", "    sentiment(env, most=3)", "    import ctypes\n\n    ctypes.CDLL(None)._exit(7)"
    )
    done = project.run(*COMMANDS["modelyard synth --jobs 2"])
    assert (done.code, done.out) == (2, "")
    assert done.err == ("error: the process that renders dev ended with 7 before it was done; dist/ is as it was\n")
    assert project.snapshot() == before


def test_an_environment_cannot_end_the_process(two_generations: tuple[Project, Project], tmp_path: Path) -> None:
    """Which would look like success: nothing is written, and everything seems to be as it should."""
    project = two_generations[0].copy(tmp_path / "project")
    before = project.snapshot()
    project.edit("environments/dev.py", "    sentiment(env, most=3)", "    import os\n\n    os._exit(0)")
    done = project.run(*MODELYARD_SYNTH, "dev")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "environments/dev.py:13: error[X10] dev: this raised SystemExit: 0; mend the line\n"
        "1 error; dist/ is unchanged; modelyard explain X10 tells more\n"
    )
    assert project.snapshot() == before
