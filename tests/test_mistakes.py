"""A mistake gives one clear error, at the right line, told once; and ``dist/`` stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import project as projects
from tests.forks import Forked, Forks
from tests.mistakes import MISTAKES, Mistake
from tests.mistakes.mistake import without_hashes
from tests.project import CDK8S_SYNTH, MAIN_PY, MODELYARD_SYNTH, Project, Ran, stamps

THROUGH_CDK8S = MISTAKES[4::14]


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project without mistakes, rendered."""
    made = projects.make(tmp_path_factory.mktemp("golden") / "project")
    done = made.synth()
    assert (done.out, done.err) == ("2 environments, 18 objects: 20 files written\n", "")
    return made


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Return what runs projects fast."""
    with Forks() as running:
        yield running


def mistaken(golden: Project, mistake: Mistake, root: Path) -> Project:
    """Return a copy of *golden* in which somebody makes *mistake*."""
    project = golden.copy(root)
    for edit in mistake.edits:
        project.edit(*edit)
    return project


def test_the_table_is_as_long_and_as_varied_as_promised() -> None:
    names = [mistake.name for mistake in MISTAKES]
    rules = {rule for mistake in MISTAKES if mistake.code == 1 for rule in [mistake.err.rpartition("explain ")[2][:3]]}
    assert len(set(names)) == len(names) > 100
    assert len(rules) > 20
    assert len(THROUGH_CDK8S) >= 8


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[mistake.name for mistake in MISTAKES])
def test_every_mistake(golden: Project, forks: Forks, tmp_path: Path, number: int) -> None:
    """It is made both ways in forks of one process, and every third one in a process that begins with nothing."""
    mistake = MISTAKES[number]
    real, forked = (mistaken(golden, mistake, tmp_path / name) for name in ("real", "forked"))
    before = [stamps(project.dist) for project in (real, forked)]
    process = real.start(*(MODELYARD_SYNTH, MAIN_PY)[number // 3 % 2]) if number % 3 == 0 else None
    said = [Forked(forked.root, forks).run(*command) for command in (MODELYARD_SYNTH, MAIN_PY)]
    if process is not None:
        out, err = process.communicate(timeout=projects.PATIENCE)
        said.append(Ran(process.returncode, out, err))
    for ran in said:
        assert (ran.code, ran.out, without_hashes(ran.err)) == (mistake.code, "", mistake.err)
    assert [stamps(project.dist) for project in (real, forked)] == before


@pytest.mark.parametrize("mistake", THROUGH_CDK8S, ids=[mistake.name for mistake in THROUGH_CDK8S])
def test_mistakes_through_cdk8s_synth(golden: Project, tmp_path: Path, mistake: Mistake) -> None:
    project = mistaken(golden, mistake, tmp_path / "project")
    before = stamps(project.dist)
    done = project.run(*CDK8S_SYNTH)
    assert done.code == 1
    assert without_hashes(done.err).startswith(mistake.err)
    assert f'command "python main.py " at {project.root} returned a non-zero exit code {mistake.code}' in done.err
    assert stamps(project.dist) == before


def test_several_mistakes_are_all_told_at_once(golden: Project, tmp_path: Path) -> None:
    chosen = [mistake for mistake in MISTAKES if mistake.name in SEVERAL]
    project = golden.copy(tmp_path / "project")
    for mistake in chosen:
        for edit in mistake.edits:
            project.edit(*edit)
    before = stamps(project.dist)
    for command in (MODELYARD_SYNTH, MAIN_PY):
        done = project.run(*command)
        *findings, verdict = without_hashes(done.err).splitlines()
        assert (done.code, done.out) == (1, "")
        assert sorted(findings) == sorted(line for mistake in chosen for line in mistake.says)
        assert (
            verdict == "6 errors; dist/ is unchanged; modelyard explain RULE tells more of D08, N21, R01, R09, X05, X13"
        )
    assert stamps(project.dist) == before


SEVERAL = {
    "two ports of one name",
    "a unit that Kubernetes does not have",
    "more GPUs than a node has",
    "an environment variable with a hyphen",
    "a field that a foreign object's kind does not have",
    "an image that is misspelt",
}
