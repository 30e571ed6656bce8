"""What is rendered no more goes, and nothing else goes with it."""

from __future__ import annotations

import pytest

from tests.forks import Forked
from tests.project import MODELYARD_SYNTH, Project
from tests.promises.hands import DEPLOYMENT, EDITED, STRANGER, change, misused, refused


@pytest.fixture
def project(forked: Forked) -> Forked:
    """Return a rendered project whose commands are run fast."""
    return forked


def test_the_files_of_a_removed_workload_go_and_what_is_beside_them_stays(project: Project) -> None:
    before = project.snapshot()
    (project.dist / "prod" / "tune" / "notes.txt").write_text("mine")
    source = (project.root / "environments" / "prod.py").read_text()
    workload = source[source.index("    TrainingJob(") : source.index("    cdk8s.ApiObject(")]
    project.edit("environments/prod.py", workload, "")
    assert project.synth().out == "2 environments, 15 objects: 1 file written, 3 removed\n"
    after = project.snapshot()
    gone = {f"prod/tune/{file}.yaml" for file in ("job", "networkpolicy", "serviceaccount")}
    assert before.keys() - after.keys() == gone
    assert after.keys() - before.keys() == {"prod/tune/notes.txt"}
    (project.dist / "prod" / "tune" / "notes.txt").unlink()
    project.edit("environments/dev.py", "most=3", "most=4")
    project.synth()
    project.edit("environments/prod.py", "    cdk8s.ApiObject(", workload + "    cdk8s.ApiObject(")
    project.edit("environments/dev.py", "most=4", "most=3")
    project.synth()
    assert project.snapshot() == before


def test_a_workload_that_goes_takes_its_folder_with_it(project: Project) -> None:
    source = (project.root / "environments" / "prod.py").read_text()
    project.edit(
        "environments/prod.py", source[source.index("    TrainingJob(") : source.index("    cdk8s.ApiObject(")], ""
    )
    project.synth()
    assert not (project.dist / "prod" / "tune").exists()


def test_an_edited_file_of_a_removed_workload_is_refused(project: Project) -> None:
    path = project.dist / "prod" / "tune" / "job.yaml"
    path.write_text(path.read_text() + "# mine\n")
    source = (project.root / "environments" / "prod.py").read_text()
    project.edit(
        "environments/prod.py", source[source.index("    TrainingJob(") : source.index("    cdk8s.ApiObject(")], ""
    )
    refused(project, f"prod: dist/prod/tune/job.yaml {EDITED}", rule="X07")
    project.synth("--force")
    assert not path.exists()


def drop_prod(project: Project) -> None:
    """Take the environment prod out of the fleet."""
    project.edit("environments/__init__.py", '{"dev": dev, "prod": prod}', '{"dev": dev}')
    project.edit("environments/__init__.py", "from environments.prod import prod\n", "")


def test_the_files_of_a_removed_environment_go(project: Project) -> None:
    before = project.snapshot()
    (project.dist / "prod" / "README.md").write_text("mine")
    drop_prod(project)
    assert project.synth().out == "1 environment, 7 objects: 12 removed\n"
    after = project.snapshot()
    assert {path for path in after if path.startswith("prod")} == {"prod", "prod/README.md"}
    assert {path: after[path] for path in after if not path.startswith(("prod", "_inventory"))} == {
        path: before[path] for path in before if not path.startswith(("prod", "_inventory"))
    }
    assert not (project.dist / "_inventory" / "prod.json").exists()


def test_what_somebody_put_or_edited_in_a_removed_environment_is_refused(project: Project) -> None:
    drop_prod(project)
    (project.dist / "prod" / "extra.yaml").write_text("mine: true\n")
    path = project.dist / "prod" / "tune" / "job.yaml"
    path.write_text(path.read_text() + "# mine\n")
    before = project.snapshot()
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (1, "")
    assert sorted(done.err.splitlines()) == sorted(
        [
            f"error[X06] prod: dist/prod/extra.yaml {STRANGER}",
            f"error[X07] prod: dist/prod/tune/job.yaml {EDITED}",
            "2 errors; dist/ is unchanged; modelyard explain RULE tells more of X06, X07",
        ]
    )
    assert project.snapshot() == before


def test_one_environment_asked_for_is_the_only_one_touched(project: Project) -> None:
    path = project.dist / "prod" / "tune" / "job.yaml"
    path.write_text(path.read_text() + "# mine\n")
    change(project)
    before = project.snapshot()
    assert project.synth("dev").out == "1 environment, 7 objects: 2 files written\n"
    after = project.snapshot()
    assert {path for path in after if before.get(path) != after[path]} == {DEPLOYMENT, "_inventory/dev.json"}
    assert after.keys() == before.keys()


def test_a_mistake_in_an_environment_that_is_not_asked_for_is_not_in_the_way(project: Project) -> None:
    project.edit("environments/prod.py", "retries=3", "retrys=3")
    project.edit("environments/dev.py", "most=3", "most=4")
    assert project.synth("dev").out == "1 environment, 7 objects: 2 files written\n"


def test_an_environment_that_does_not_exist_is_refused_with_the_ones_that_do(project: Project) -> None:
    misused(project, "there is no environment 'prd'; did you mean prod?", "prd")
    misused(project, "there is no environment 'qa'; the fleet has dev, prod", "dev", "qa")
