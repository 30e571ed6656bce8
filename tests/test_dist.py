"""``dist/`` is the golden file of this repository: exactly what ``environments/`` renders."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.project import MODELYARD_SYNTH, ROOT, Project, Snapshot, snapshot


def differences(expected: Snapshot, found: Snapshot) -> list[str]:
    """Return every path that only one of two trees has, or that they have with another content."""
    return sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))


def contents(folder: Path) -> Snapshot:
    """Return the files of *folder*, modes left aside: git knows only one bit of them."""
    return {path: (mode & 0o170100, content) for path, (mode, content) in snapshot(folder).items()}


def test_dist_is_byte_for_byte_what_the_environments_render(tmp_path: Path) -> None:
    """If this fails, run make synth and look at git diff dist/."""
    for name in ("main.py", "cdk8s.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "environments", tmp_path / "environments", ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(tmp_path)
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.err) == (0, ""), done.err
    assert differences(contents(ROOT / "dist"), contents(project.dist)) == []
    # The README shows what the second run says.
    assert project.run(*MODELYARD_SYNTH).out in (ROOT / "README.md").read_text()


def test_one_character_more_or_a_file_less_is_a_difference(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "dist", tmp_path / "dist")
    job = tmp_path / "dist" / "walkthrough" / "ml-train" / "job.yaml"
    job.write_text(job.read_text() + "#")
    (tmp_path / "dist" / "walkthrough" / "ml-model" / "service.yaml").unlink()
    (tmp_path / "dist" / "more.txt").touch()
    assert differences(contents(ROOT / "dist"), contents(tmp_path / "dist")) == [
        "more.txt",
        "walkthrough/ml-model/service.yaml",
        "walkthrough/ml-train/job.yaml",
    ]
