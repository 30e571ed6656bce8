"""Environments are rendered apart from each other, whatever the number of processes, and nobody is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.project import MAIN_PY, MODELYARD, MODELYARD_SYNTH, PATIENCE, Project
from tests.promises.test_killed import alive, until

COUNTED = "from environments.prod import prod\nimport itertools\n\nNUMBERS = itertools.count(1)\n"
SHARED = '        env={"SHARD": str(next(__import__("environments").NUMBERS))},\n        health="/healthz",\n'


def shards(project: Project) -> dict[str, str]:
    """Return the number that each environment's service has got."""
    found = {}
    for name in ("dev", "prod"):
        lines = (project.dist / name / "sentiment" / "deployment.yaml").read_text().splitlines()
        place = next(index for index, line in enumerate(lines) if line.strip() == "- name: SHARD")
        found[name] = lines[place + 1].strip()
    return found


def test_no_environment_sees_what_another_has_left_behind(project: Project) -> None:
    """A counter of the team's is the same for each, with one process, with several, and alone."""
    project.edit("environments/__init__.py", "from environments.prod import prod\n", COUNTED)
    project.edit("environments/workloads.py", '        health="/healthz",\n', SHARED)
    expected = {"dev": 'value: "1"', "prod": 'value: "1"'}
    for words in (("--jobs", "1"), ("--jobs", "2"), ()):
        assert project.run(*MODELYARD_SYNTH, *words).code == 0
        assert shards(project) == expected
    assert project.run(MODELYARD, "check", "prod").code == 0
    assert project.run(*MAIN_PY).out == "2 environments, 18 objects: dist/ is up to date\n"


@pytest.mark.parametrize(
    "command", [MODELYARD_SYNTH, (*MODELYARD_SYNTH, "--jobs", "2"), MAIN_PY], ids=["one", "two", "main.py"]
)
def test_a_thread_of_the_teams_does_not_stop_it(project: Project, command: tuple[str, ...]) -> None:
    """A fork would take along the lock that the thread holds, and nobody who gives it back."""
    thread = "import threading\n\nLOCK = threading.Lock()\nLOCK.acquire()\n"
    started = "threading.Timer(0.5, LOCK.release).start()\n\n"
    project.edit("environments/__init__.py", "ENVIRONMENTS =", f"{thread}{started}ENVIRONMENTS =")
    waiting = "    import environments\n\n    with environments.LOCK:\n        env ="
    project.edit("environments/prod.py", "    env =", waiting)
    done = project.run(*command)
    assert (done.code, done.out, done.err) == (0, "2 environments, 18 objects: dist/ is up to date\n", "")


def test_an_environment_may_have_processes_of_its_own(project: Project) -> None:
    pool = "    import multiprocessing\n\n    with multiprocessing.get_context('fork').Pool(1) as pool:\n        assert pool.map(abs, [-1]) == [1]\n"
    project.edit("environments/dev.py", "    sentiment(env", f"{pool}    sentiment(env")
    for jobs in ("1", "2"):
        done = project.run(*MODELYARD_SYNTH, "--jobs", jobs)
        assert (done.code, done.out, done.err) == (0, "2 environments, 18 objects: dist/ is up to date\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nobody_goes_on_when_the_leading_process_is_gone(project: Project, number: signal.Signals) -> None:
    """Not even Python that never ends, and the lock is free again."""
    project.edit(
        "environments/dev.py",
        "    sentiment(env",
        '    open("started", "w").close()\n    while True:\n        pass\n    sentiment(env',
    )
    process = project.start(*MODELYARD_SYNTH, "--jobs", "2")
    until((project.root / "started").exists, "dev did not begin")
    os.kill(process.pid, number)
    process.communicate(timeout=PATIENCE)
    until(lambda: not alive(project.root), "a process is left behind")
    project.edit("environments/dev.py", "    while True:\n        pass\n", "")
    assert project.run(*MODELYARD_SYNTH).err == ""


def test_a_synthesis_within_a_synthesis_is_refused(project: Project) -> None:
    project.edit("environments/prod.py", "    sentiment(env", "    fleet.synth()\n    sentiment(env")
    done = project.run(*MODELYARD_SYNTH)
    assert done.code == 1
    assert done.err.splitlines()[0] == (
        "environments/prod.py:13: error[X15] prod: fleet.synth() but the function of an environment only makes it; "
        "call fleet.synth() once, at the end of main.py"
    )


@pytest.mark.parametrize("copy", ["prod_BASE_4711", "dev"])
def test_a_copy_of_an_inventory_removes_nothing(project: Project, copy: str) -> None:
    """As git mergetool leaves one: the files in it are another environment's."""
    inventories = project.dist / "_inventory"
    (inventories / f"{copy}.json").write_bytes((inventories / "prod.json").read_bytes())
    before = project.snapshot()
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {copy}.json in {inventories} is not the inventory that modelyard wrote for {copy}; it tells which "
        "files are generated: restore it with git, delete it if it is a copy, "
        f"or delete it together with the files of {copy} and run modelyard synth\n"
    )
    assert project.snapshot() == before


def test_an_inventory_names_only_files_of_its_environment(project: Project) -> None:
    file = project.dist / "_inventory" / "dev.json"
    file.write_text(file.read_text().replace("dev/sentiment/service.yaml", "dev/../prod/tune/job.yaml"))
    assert project.run(*MODELYARD_SYNTH).code == 2


@pytest.mark.parametrize("target", ["service.yaml", "."])
def test_a_link_in_the_place_of_what_is_generated_is_refused(project: Project, tmp_path: Path, target: str) -> None:
    """The same content is behind it; but a controller refuses it, or follows it."""
    place = project.dist / "dev" / "sentiment" / target
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    done = project.run(MODELYARD, "check")
    assert done.code == 1
    link = (
        "dist/dev/sentiment but it is a symbolic link, which a controller refuses or follows out of this folder; "
        "put a file in its place, or nothing"
    )
    taken = "dist/dev/sentiment/service.yaml but modelyard would write this file, and what stands in its place is none"
    assert (link if target == "." else taken) in done.err


def test_a_pipe_in_the_place_of_what_is_generated_is_refused(project: Project) -> None:
    place = project.dist / "dev" / "sentiment" / "service.yaml"
    place.unlink()
    os.mkfifo(place)
    done = project.run(*MODELYARD_SYNTH)
    assert done.code == 1
    assert (
        "dist/dev/sentiment/service.yaml but modelyard would write this file, and what stands in its place is none"
        in done.err
    )


def test_a_value_that_only_looks_like_the_last_one_is_checked(project: Project) -> None:
    """A subclass of str has the same text, and is refused."""
    project.edit("environments/prod.py", '"EPOCHS": "4"', '"EPOCHS": type("Text", (str,), {})("4")')
    done = project.run(*MODELYARD_SYNTH)
    assert done.code == 1
    assert "error[X08] prod/tune: " in done.err
