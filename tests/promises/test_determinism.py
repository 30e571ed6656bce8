"""What is rendered depends on the code and the lock files, and on nothing else."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.project import MAIN_PY, MODELYARD, MODELYARD_SYNTH, Project, Snapshot, stamps

ZONES = ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu")
LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "POSIX")
UMASKS = ("000", "022", "077", "027")
JOBS = ("1", "1", "1", "2", "3")
RUNS = 20
CHECKERS = {"jsonschema_rs", "modelyard.exact_yaml", "modelyard.rules.families"}
"""Modules that tell whether objects are right, and write them."""

HOSTILE = """\
import datetime
import random
import socket
import sys
import time

REAL = time.time


def refuse(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.sendto")):
        print("network:", event, arguments, file=sys.stderr)
        raise OSError("no network here")


sys.addaudithook(refuse)
time.time = lambda: REAL() + 10**9
random.seed(REAL())
"""
"""A sitecustomize in whose Python the network fails and the year is another one."""


def rendered(golden: Project, folder: Path, run: int) -> Snapshot:
    """Return what the *run*-th way to render *golden* gives, in a new *folder* of any name."""
    project = golden.copy(folder / f"run {run} é" / "-".join("p" * (1 + run % 3)))
    shutil.rmtree(project.dist)
    shutil.rmtree(project.root / ".modelyard")
    env = {
        "PYTHONHASHSEED": str(run),
        "TZ": ZONES[run % len(ZONES)],
        "LC_ALL": LOCALES[run % len(LOCALES)],
        "LANGUAGE": "tr",
        "USER": f"user-{run}",
        "HOME": str(folder),
        "COLUMNS": str(20 + run),
        "UNRELATED": str(run),
    }
    app = ("--app", project.root / "main.py") if run % 2 else ()
    command: tuple[str | Path, ...] = (MODELYARD, "synth", "--jobs", JOBS[run % len(JOBS)], *app)
    script = f'umask {UMASKS[run % len(UMASKS)]}; exec "$@"'
    cwd = folder if run % 2 else project.root / "environments"
    done = project.run("sh", "-c", script, "sh", *command, env=env, cwd=cwd)
    assert (done.code, done.err) == (0, "")
    return project.snapshot()


def test_twenty_runs_under_different_conditions_give_identical_bytes_and_modes(golden: Project, tmp_path: Path) -> None:
    expected = golden.snapshot()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda run: rendered(golden, tmp_path, run), range(RUNS)))
    assert [run for run in range(RUNS) if found[run] != expected] == []
    files = {oct(mode) for mode, _ in expected.values() if stat.S_ISREG(mode)}
    folders = {oct(mode) for mode, _ in expected.values() if stat.S_ISDIR(mode)}
    assert (files, folders) == ({"0o100644"}, {"0o40755"})


def test_conditions_differ_enough_to_show(golden: Project) -> None:
    """Different hash seeds, umasks and locales do reach the program: it is modelyard that does not care."""
    program = "import os, sys, time; print(hash('a'), time.tzname[0], oct(os.umask(0)))"
    said = {
        golden.run(
            "sh",
            "-c",
            f'umask {umask}; exec "$@"',
            "sh",
            MAIN_PY[0],
            "-c",
            program,
            env={"PYTHONHASHSEED": seed, "TZ": zone},
        ).out
        for umask, seed, zone in itertools.product(UMASKS[:2], ("1", "2"), ZONES[:2])
    }
    assert len(said) == 8


@pytest.mark.parametrize("command", [MODELYARD_SYNTH, MAIN_PY], ids=["modelyard", "main.py"])
def test_neither_the_network_nor_the_clock_is_asked(
    project: Project, tmp_path: Path, command: tuple[str | Path, ...]
) -> None:
    expected = project.snapshot()
    shutil.rmtree(project.dist)
    (tmp_path / "hostile").mkdir()
    (tmp_path / "hostile" / "sitecustomize.py").write_text(HOSTILE)
    path = os.pathsep.join([str(tmp_path / "hostile"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    env = {"PYTHONPATH": path.rstrip(os.pathsep)}
    probe = project.run(MAIN_PY[0], "-c", "import socket; socket.create_connection(('localhost', 9))", env=env)
    assert "no network here" in probe.err
    done = project.run(*command, env=env)
    assert (done.code, done.err) == (0, "")
    assert project.snapshot() == expected


def test_a_second_synthesis_writes_nothing(project: Project) -> None:
    before = stamps(project.dist), stamps(project.root / ".modelyard")
    assert project.synth().out == "2 environments, 18 objects: dist/ is up to date\n"
    assert (stamps(project.dist), stamps(project.root / ".modelyard")) == before


def test_what_only_checks_need_is_not_even_imported_where_nothing_has_changed(project: Project) -> None:
    """Importing it takes longer than all the rest of a small environment."""

    def imported() -> set[str]:
        verbose = project.run(*MODELYARD_SYNTH, env={"PYTHONPROFILEIMPORTTIME": "1"}).err
        return {line.rpartition("|")[2].strip() for line in verbose.splitlines()} & CHECKERS

    assert imported() == set()
    project.edit("environments/prod.py", "retries=3", "retries=4")
    assert imported() == CHECKERS


def test_a_small_change_leaves_the_other_files_alone(project: Project) -> None:
    before = stamps(project.dist)
    project.edit("environments/prod.py", "retries=3", "retries=4")
    assert project.synth().out == "2 environments, 18 objects: 2 files written\n"
    after = stamps(project.dist)
    files = {path for path in before if Path(path).is_file() and before[path] != after[path]}
    assert files == {str(project.dist / "prod/tune/job.yaml"), str(project.dist / "_inventory/prod.json")}


def test_a_check_writes_nothing_even_where_everything_is_stale(project: Project) -> None:
    project.edit("environments/prod.py", "retries=3", "retries=4")
    before = stamps(project.root)
    done = project.run(MODELYARD, "check", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.code == 3
    assert done.out == (
        "dist/_inventory/prod.json is not what the code renders\n"
        "dist/prod/tune/job.yaml is not what the code renders\n"
        "dist/ is stale: run modelyard synth and commit what it writes\n"
    )
    assert stamps(project.root) == before


@pytest.mark.parametrize("compiled_by", ["modelyard", "compileall"])
def test_an_edit_within_the_same_second_and_of_the_same_length_is_seen(project: Project, compiled_by: str) -> None:
    """Python takes its compiled copy for fresh when size and second of the source are the same: ours must not be."""
    source = project.root / "environments" / "prod.py"
    os.utime(source, (10**9, 10**9))
    if compiled_by == "modelyard":
        project.synth()
    else:
        assert project.run(sys.executable, "-m", "compileall", "-q", "environments").code == 0
    assert list(project.root.glob("environments/__pycache__/prod.*.pyc"))
    project.edit("environments/prod.py", "retries=3", "retries=4")
    os.utime(source, (10**9, 10**9))
    assert project.synth().out == "2 environments, 18 objects: 2 files written\n"
