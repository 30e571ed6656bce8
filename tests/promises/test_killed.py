"""A synthesis that is killed or interrupted leaves a whole tree, the next one mends the rest, and nobody is left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.project import CDK8S_SYNTH, MAIN_PY, MODELYARD_SYNTH, Project, Snapshot

MOMENTS = 20
PATIENCE = 60.0
COMMANDS = {
    "modelyard synth": MODELYARD_SYNTH,
    "modelyard synth --jobs 2": (*MODELYARD_SYNTH, "--jobs", "2"),
    "python main.py": MAIN_PY,
    "cdk8s synth": CDK8S_SYNTH,
}
TEMPORARY = ("stage", ".tmp", "new~")


def until(reached: Callable[[], bool], what: str) -> None:
    """Wait until *reached*, a minute at most."""
    for _ in range(int(PATIENCE / 0.01)):
        if reached():
            return
        time.sleep(0.01)
    raise AssertionError(what)


def gone(group: int) -> bool:
    """Return whether no process of the *group* runs any more."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return all(state in {"Z", "X"} for state in states(group))


def states(group: int) -> list[str]:
    """Return the states of the processes of *group*, ended ones that nobody has asked for included."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [line.split()[1][0] for line in listed.splitlines() if line.split()[0] == str(group)]


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return how *process* ended, as a shell would say it, and what it said of its troubles."""
    _, err = process.communicate(timeout=PATIENCE)
    until(lambda: gone(process.pid), "a process is left behind")
    return process.returncode if process.returncode >= 0 else 128 - process.returncode, err


@pytest.mark.parametrize("name", ["modelyard synth", "cdk8s synth"])
def test_kill_9_at_twenty_moments(two_generations: tuple[Project, Project], tmp_path: Path, name: str) -> None:
    """The next synthesis gives the new tree, which is the old one of the next round."""
    trees = {"a": two_generations[0].snapshot(), "b": two_generations[1].snapshot()}

    def rounds(half: int) -> list[str]:
        project = two_generations[0].copy(tmp_path / str(half))
        moments = random.Random(half)  # noqa: S311 # no secret
        began = time.monotonic()
        project.run(*COMMANDS[name])
        whole = time.monotonic() - began
        return [killed(project, name, trees, number, whole * moments.random()) for number in range(half, MOMENTS, 2)]

    with ThreadPoolExecutor(2) as pool:
        assert set().union(*pool.map(rounds, (0, 1))) <= {"old", "new"}


def killed(project: Project, name: str, trees: dict[str, Snapshot], number: int, moment: float) -> str:
    """Kill a synthesis so many seconds after its beginning, and have the next one mend it."""
    generation = "ba"[number // 2 % 2]
    before = project.snapshot()
    (project.root / "generation").write_text(generation)
    command = COMMANDS["modelyard synth --jobs 2" if name == "modelyard synth" and number % 4 == 3 else name]
    process = project.start(*command)
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    after = project.snapshot()
    assert after in (before, trees[generation]), f"round {number} left another tree"
    project.synth()
    assert project.snapshot() == trees[generation]
    scratch = sorted(path.name for path in (project.root / ".modelyard").iterdir() if path.name != "cdk8s")
    assert scratch == [".gitignore", "lock", "verified.json"]
    assert sorted(path.name for path in project.root.iterdir() if path.suffix == ".tmp") == []
    return "old" if after == before else "new"


def waiting(project: Project, name: str) -> subprocess.Popen[str]:
    """Start a synthesis that changes everything, and return it while it waits inside the team's Python."""
    (project.root / "started").unlink(missing_ok=True)
    (project.root / "generation").unlink()
    process = project.start(*COMMANDS[name])
    until((project.root / "started").exists, "the synthesis did not begin")
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
    code, err = finish(process)
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
    assert finish(process)[1] == ""
    assert project.snapshot() == before
    assert project.run(*MODELYARD_SYNTH).err == ""
    assert project.snapshot() == two_generations[1].snapshot()


def test_a_process_that_dies_is_reported_and_changes_nothing(
    two_generations: tuple[Project, Project], tmp_path: Path
) -> None:
    project = two_generations[0].copy(tmp_path / "project")
    before = project.snapshot()
    project.edit("environments/dev.py", "    sentiment(env, most=3)", "    import os\n\n    os._exit(7)")
    done = project.run(*COMMANDS["modelyard synth --jobs 2"])
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: a process that renders environments died with exit code 7; run it again with --jobs 1 to see why\n"
    )
    assert project.snapshot() == before
