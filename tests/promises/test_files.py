"""What people and git leave in ``dist/``: kept, or refused with a clear message, never lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.forks import Forked
from tests.project import MODELYARD_SYNTH, Project
from tests.promises.hands import DEPLOYMENT, EDITED, NO_FILE, STRANGER, TAKEN, change, misused, refused


@pytest.fixture
def project(forked: Forked) -> Forked:
    """Return a rendered project whose commands are run fast."""
    return forked


def test_what_people_put_into_dist_survives_a_change_of_everything_else(project: Project) -> None:
    dist = project.dist
    (dist / "README.md").write_text("# What lies here\n")
    (dist / ".gitattributes").write_text("* linguist-generated\n")
    (dist / "prod" / "OWNERS").write_text("ml-platform\n")
    (dist / "prod" / "tune" / "notes.txt").write_text("why four GPUs\n")
    (dist / "prod" / "tune" / "run.sh").write_text("#!/bin/sh\n")
    (dist / "prod" / "tune" / "run.sh").chmod(0o755)
    (dist / "latest").symlink_to("prod/tune")
    (dist / "dangling").symlink_to("nowhere")
    (dist / "empty" / "below").mkdir(parents=True)
    (dist / "other" / "kustomization.yaml").parent.mkdir()
    (dist / "other" / "kustomization.yaml").write_text("resources: []\n")
    (dist / "late.yaml").write_bytes(b"\xff\xfe not even text")
    before = project.snapshot()
    change(project)
    assert project.synth().out == "2 environments, 18 objects: 5 files written\n"
    after = project.snapshot()
    changed = {path for path in before if before[path] != after.get(path)}
    assert changed == {
        "dev/sentiment/deployment.yaml",
        "prod/sentiment/deployment.yaml",
        "prod/tune/job.yaml",
        "_inventory/dev.json",
        "_inventory/prod.json",
    }
    assert after.keys() == before.keys()


def test_a_manifest_in_the_folder_of_an_environment_is_refused(project: Project) -> None:
    names = (".hidden.yaml", "extra.json", "extra.yaml", "extra.yml", "sentiment/deployment (copy).yaml")
    for name in names:
        (project.dist / "dev" / name).write_text("kind: Secret\n")
    findings = [f"dev: dist/dev/{name} {STRANGER}" for name in names]
    refused(project, *findings, rule="X06")
    refused(project, *findings, rule="X06", force=True)
    for name in names:
        (project.dist / "dev" / name).unlink()
    project.synth()


def test_a_link_to_a_manifest_is_a_manifest(project: Project) -> None:
    (project.dist / "dev" / "again.yaml").symlink_to("sentiment/deployment.yaml")
    refused(project, f"dev: dist/dev/again.yaml {STRANGER}", rule="X06")


def test_an_edit_of_a_generated_file_is_refused_and_force_drops_it(project: Project) -> None:
    expected = project.snapshot()
    path = project.dist / DEPLOYMENT
    path.write_text(path.read_text().replace("replicas", "replicaz") + "# mine\n")
    refused(project, f"dev: dist/{DEPLOYMENT} {EDITED}", rule="X07")
    assert project.synth("--force").out == "2 environments, 18 objects: 1 file written\n"
    assert project.snapshot() == expected


def test_an_edit_that_says_what_the_code_says_by_now_is_none(project: Project) -> None:
    """A person who edits YAML and Python alike, or merges a branch, is not held up."""
    other = project.copy(project.root.parent / "other")
    change(other)
    other.synth()
    change(project)
    shutil.copy(other.dist / DEPLOYMENT, project.dist / DEPLOYMENT)
    project.synth()
    assert project.snapshot() == other.snapshot()


def test_conflict_markers_of_a_merge_are_refused(project: Project) -> None:
    path = project.dist / DEPLOYMENT
    path.write_text(f"<<<<<<< HEAD\n{path.read_text()}=======\n{path.read_text()}>>>>>>> feature\n")
    refused(project, f"dev: dist/{DEPLOYMENT} {EDITED}", rule="X07")


def test_a_deleted_generated_file_is_written_again(project: Project) -> None:
    expected = project.snapshot()
    shutil.rmtree(project.dist / "dev")
    (project.dist / "_inventory" / "prod.json").unlink()
    assert project.synth().out == "2 environments, 18 objects: 8 files written\n"
    assert project.snapshot() == expected


def test_a_file_where_a_new_one_would_go_is_refused_and_force_replaces_it(project: Project) -> None:
    new = project.dist / "dev" / "extra" / "deployment.yaml"
    new.parent.mkdir()
    new.write_text("mine: true\n")
    old = "    sentiment(env, most=3)\n"
    project.edit("environments/dev.py", old, old + '    sentiment(env, most=3, name="extra")\n')
    project.edit("environments/workloads.py", "*, most: int", '*, most: int, name: str = "sentiment"')
    project.edit("environments/workloads.py", '"sentiment",\n        image', "name,\n        image")
    refused(project, f"dev: dist/dev/extra/deployment.yaml {TAKEN}", rule="X06")
    project.synth("--force")
    assert new.read_text().startswith("apiVersion: apps/v1\n")


@pytest.mark.parametrize("thing", ["a folder", "a broken link"])
def test_what_is_no_file_where_one_would_go_is_refused(project: Project, thing: str) -> None:
    place = project.dist / DEPLOYMENT
    place.unlink()
    if thing == "a folder":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        place.symlink_to("nowhere")
    refused(project, f"dev: dist/{DEPLOYMENT} {NO_FILE}", rule="X06")
    refused(project, f"dev: dist/{DEPLOYMENT} {NO_FILE}", rule="X06", force=True)


@pytest.mark.parametrize("thing", ["a file", "a link"])
def test_what_is_no_folder_where_one_would_go_is_refused(project: Project, thing: str) -> None:
    place, elsewhere = project.dist / "dev", project.root / "elsewhere"
    shutil.move(place, elsewhere)
    change(project)
    if thing == "a file":
        place.write_text("mine")
    else:
        place.symlink_to("../elsewhere")
    message = f"{place} is a file or a link, and modelyard needs a folder there; move it away"
    misused(project, message)
    misused(project, message, "--force")
    assert (elsewhere / "sentiment" / "deployment.yaml").is_file()


@pytest.mark.parametrize("thing", ["a file", "a link"])
def test_a_dist_that_is_no_folder_is_refused(project: Project, thing: str) -> None:
    shutil.move(project.dist, project.root / "elsewhere")
    change(project)
    if thing == "a file":
        project.dist.write_text("mine")
        misused(project, f"{project.dist} is a file, and modelyard needs a folder there; move it away")
        assert project.dist.read_text() == "mine"
    else:
        project.dist.symlink_to("elsewhere")
        why = "is a symbolic link, and only a folder can be replaced in one step; make it a folder"
        misused(project, f"{project.dist} {why}")
        assert project.dist.readlink() == Path("elsewhere")


DAMAGES = {
    "merge markers": "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> feature\n",
    "nothing": "",
    "another JSON": "[]",
    "half of it": '{"format": 1, "environment": "dev", "cluster": "eks", "files": [\n  {"path": "dev/se',
    "an entry without hash": '{"format": 1, "environment": "dev", "cluster": "eks", "files": [{"path": "dev/a.yaml"}]}',
    "no text": "\udcff",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_inventory_is_refused(project: Project, damage: str) -> None:
    """It alone tells which files are generated, so nothing is taken for generated without it."""
    path = project.dist / "_inventory" / "dev.json"
    path.write_bytes(DAMAGES[damage].encode("utf-8", "surrogateescape"))
    message = (
        f"dev.json in {path.parent} is not the inventory that modelyard wrote for dev; it tells which "
        "files are generated: restore it with git, delete it if it is a copy, "
        "or delete it together with the files of dev and run modelyard synth"
    )
    if damage == "merge markers":
        message = (
            f"{path}: git left a conflict here that is not resolved; take what the main branch has, pin images of yours"
            " again, and run modelyard synth: git restore --source=origin/main --staged --worktree dist"
            " environments/dev.lock.yaml"
        )
    misused(project, message, *(() if damage == "merge markers" else ("--force",)))


def test_a_folder_in_place_of_an_inventory_is_refused(project: Project) -> None:
    path = project.dist / "_inventory" / "dev.json"
    path.unlink()
    path.mkdir()
    (path / "mine.txt").write_text("mine")
    done = project.run(*MODELYARD_SYNTH)
    assert done.code == 2
    assert done.err.startswith(f"error: dev.json in {path.parent} is not the inventory that modelyard wrote for dev; ")
    assert (path / "mine.txt").read_text() == "mine"


def test_an_inventory_cannot_make_modelyard_touch_a_file_elsewhere(project: Project) -> None:
    outside = project.root / "outside.txt"
    outside.write_text("mine")
    before = project.snapshot()
    path = project.dist / "_inventory" / "dev.json"
    sha256 = "eb76e05c3ee8bb9ec16d52e3cdb2d5d4d1a1d1e9e8fcbc4e5ddc5e9f7c8a2f4c"
    entry = json.dumps({"path": "../outside.txt", "sha256": sha256, "object": "v1 ConfigMap a/b", "workload": ""})
    path.write_text(path.read_text().replace('"files": [', f'"files": [{entry},', 1))
    assert project.run(*MODELYARD_SYNTH, "--force").code == 2
    assert outside.read_text() == "mine"
    path.write_text(path.read_text().replace(f"{entry},", "", 1))
    assert project.snapshot() == before
