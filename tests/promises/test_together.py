"""Two at once, a full disk, a disk that cannot be written: the tree is one of the two, and somebody says why."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipes import pipe
from tests.project import MAIN_PY, MODELYARD, MODELYARD_SYNTH, PATIENCE, ROOT, Project
from tests.promises.test_killed import until

WAITING = "another synthesis runs in this project; waiting for it to end\n"


@pytest.mark.parametrize("first", [MODELYARD_SYNTH, MAIN_PY], ids=["modelyard", "main.py"])
def test_of_two_at_once_one_waits_for_the_other(
    two_generations: tuple[Project, Project], tmp_path: Path, first: tuple[str, ...]
) -> None:
    """The first renders a, slowly; the second, started meanwhile, renders b, and b is what stays."""
    one, other = two_generations
    project = one.copy(tmp_path / "project")
    (project.root / "started").unlink()
    (project.root / "generation").unlink()
    project.edit(
        "environments/__init__.py",
        'exists():\n            return (ROOT / "generation").read_text()',
        'exists():\n            return os.environ["GENERATION"]',
    )
    project.edit("environments/__init__.py", "import time\n", "import os\nimport time\n")
    shutil.rmtree(project.dist)
    leading = project.start(*first, env={"GENERATION": "a"})
    until((project.root / "started").exists, "the first did not begin")
    following = project.start(*MODELYARD_SYNTH, env={"GENERATION": "b"})
    assert pipe(following.stderr).readline() == WAITING
    assert following.poll() is None
    (project.root / "generation").write_text("now")
    out, err = leading.communicate(timeout=PATIENCE)
    assert (leading.returncode, out, err) == (0, "2 environments, 18 objects: 20 files written\n", "")
    out, err = following.communicate(timeout=PATIENCE)
    assert (following.returncode, out, err) == (0, "2 environments, 18 objects: 19 files written\n", "")
    assert project.snapshot() == other.snapshot()


def test_four_at_once_leave_one_whole_tree(two_generations: tuple[Project, Project], tmp_path: Path) -> None:
    project = two_generations[0].copy(tmp_path / "project")
    project.edit(
        "environments/__init__.py", 'return (ROOT / "generation").read_text()', 'return os.environ["GENERATION"]'
    )
    project.edit("environments/__init__.py", "import time\n", "import os\nimport time\n")
    started = [project.start(*MODELYARD_SYNTH, env={"GENERATION": "ab"[number % 2]}) for number in range(4)]
    ends = [process.communicate(timeout=PATIENCE) for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert {err for _, err in ends} <= {"", WAITING}
    assert project.snapshot() in [one.snapshot() for one in two_generations]


def test_a_check_needs_nothing_but_to_read(project: Project) -> None:
    shutil.rmtree(project.root / ".modelyard")
    done = project.run(MODELYARD, "check", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.code, done.out, done.err) == (0, "2 environments, 18 objects: dist/ is up to date\n", "")
    assert not (project.root / ".modelyard").exists()


def in_private_mounts(script: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs *script* where nobody else sees what it mounts, or none where that is not allowed."""
    probe = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        allowed = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return ["unshare", "--mount", "sh", "-euc", script, "sh", *arguments] if allowed else []


def grown(project: Project) -> None:
    """Let the next rendering of *project* need two megabytes more."""
    lines = [
        "    from modelyard import ConfigFiles, ScalableModelService",
        "    for number in range(4):",
        '        ScalableModelService(env, f"large-{number}", image=env.image("sentiment"), port=80, health="/",',
        '                             replicas=2, config=ConfigFiles("/etc/x", {"x": "x" * 500_000}))',
    ]
    old = "    sentiment(env, most=3)\n"
    project.edit("environments/dev.py", old, old + "\n".join(lines) + "\n")


FULL = """\
project=$1; small=$2; shift 2
mount -t tmpfs -o size=1m none "$small"
cp -a "$project/." "$small/"
cd "$small"
status=0; "$@" || status=$?
rm -rf "$project/dist"; cp -a dist "$project/dist"; ls -A .modelyard > "$project/left"
exit $status
"""


LIMIT = """\
    import resource

    # Python asks for no signal when a file would become too large, but for an error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""


def test_a_full_disk_leaves_everything_as_it_was(project: Project, tmp_path: Path) -> None:
    """Where mounting is not allowed, a limit on the size of files has to do."""
    grown(project)
    small = tmp_path / "small"
    small.mkdir()
    command = in_private_mounts(FULL, project.root, small, *MODELYARD_SYNTH)
    if not command:
        assert_limited(project)
        return
    before = project.snapshot()
    done = project.run(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {small}/dist: No space left on device; dist/ is as it was\n"
    assert project.snapshot() == before
    assert (project.root / "left").read_text().split() == [".gitignore", "lock", "verified.json"]


def test_a_limit_on_the_size_of_files_leaves_everything_as_it_was(project: Project) -> None:
    grown(project)
    assert_limited(project)


def assert_limited(project: Project) -> None:
    """Assert what a limit on the size of files comes to."""
    project.edit("environments/dev.py", '    """Render ``dev``."""\n', LIMIT)
    before = project.snapshot()
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {project.dist}: File too large; dist/ is as it was\n"
    assert project.snapshot() == before


READ_ONLY = """\
mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"
shift; exec "$@"
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder that everybody can read, as the temporary ones of pytest cannot be."""
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("what", ["", "dist"], ids=["the project", "dist"])
def test_what_cannot_be_written_stays_as_it_was(golden: Project, shared: Path, what: str) -> None:
    project = golden.copy(shared / "project")
    project.edit("environments/prod.py", "retries=3", "retries=4")
    before = project.snapshot()
    place = project.root / what
    command = in_private_mounts(READ_ONLY, place, *MODELYARD_SYNTH)
    if not command:
        assert os.getuid() != 0, "root writes everywhere where it cannot mount"
        place.chmod(0o555)
        (project.root / ".modelyard" / "lock").chmod(0o444 if not what else 0o644)
        command = list(MODELYARD_SYNTH)
    done = project.run(*command)
    place.chmod(0o755)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert str(project.root) in done.err
    assert project.snapshot() == before


def test_every_word_of_a_disk_that_cannot_be_written(project: Project) -> None:
    """The same, on every machine: the scratch folder cannot be made."""
    project.edit("environments/prod.py", "retries=3", "retries=4")
    before = project.snapshot()
    shutil.rmtree(project.root / ".modelyard")
    (project.root / ".modelyard").write_text("mine")
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {project.root}/.modelyard cannot be made: File exists; "
        "modelyard needs it to replace dist/ in one step\n"
    )
    assert project.snapshot() == before
    assert str(ROOT) not in done.err
