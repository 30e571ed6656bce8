"""From an object in ``dist/`` to the line of Python, and back."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml

from modelyard import ArgoCD, ConfigFiles, Environment
from modelyard.values.names import PROVENANCE
from tests.project import MODELYARD, ROOT, Project, make
from tests.support import delivered, environment, objects, raw, service, training

PROVENANT = ('namespace="ml-prod", strict=True)', 'namespace="ml-prod", strict=True, provenance=True)')


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose environment ``prod`` says where its objects come from, rendered."""
    made = make(tmp_path / "project")
    made.edit("environments/prod.py", *PROVENANT)
    made.synth()
    return made


def everything(scope: Environment) -> Environment:
    """Fill *scope* with a service, a training and a foreign object."""
    service(scope, config=ConfigFiles("/etc/api", {"a.yaml": "b: 1\n"}))
    training(scope)
    raw(scope, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"a": "b"}})
    return scope


def sources(project: Project, folder: str) -> dict[str, str | None]:
    """Return by file what the objects in a folder of ``dist/`` say of where they come from."""
    return {
        path.relative_to(project.dist).as_posix(): yaml.safe_load(path.read_text())["metadata"]
        .get("annotations", {})
        .get(PROVENANCE)
        for path in sorted((project.dist / folder).rglob("*.yaml"))
    }


def test_every_object_says_which_line_it_comes_from(project: Project) -> None:
    """Relative to the project's root: the call itself, also in a function that several environments share."""
    found = sources(project, "prod")

    assert found == {
        "prod/_environment/namespace.yaml": "environments/prod.py:12",
        "prod/_environment/resourcequota-gpus.yaml": "environments/prod.py:32",
        **{path: "environments/workloads.py:8" for path in found if path.startswith("prod/sentiment/")},
        **{path: "environments/prod.py:14" for path in found if path.startswith("prod/tune/")},
    }
    assert len(found) == 11
    assert set(sources(project, "dev").values()) == {None}


def test_a_line_that_moves_starts_no_pod_and_no_run(project: Project) -> None:
    """Only that annotation changes, and it is on no pod and in no name."""
    before = {path: (project.dist / path).read_text() for path in sources(project, "prod")}
    project.edit("environments/prod.py", '"""What customers use."""', '"""What\n\n\ncustomers use."""')
    project.synth()

    moved = {path: (project.dist / path).read_text() for path in before}
    assert sources(project, "prod").keys() == before.keys()
    assert moved != before
    for old, new in ((12, 15), (14, 17), (32, 35)):
        moved = {
            path: text.replace(f"environments/prod.py:{new}\n", f"environments/prod.py:{old}\n")
            for path, text in moved.items()
        }
    assert moved == before


def test_it_is_written_on_the_object_and_on_nothing_that_it_makes() -> None:
    """What is rendered with and without it differs by that one annotation."""
    delivery = ArgoCD("https://git.example/acme/models")
    scopes = [everything(environment(ROOT, provenance=told, delivery=delivery)) for told in (False, True)]
    plain, told = (copy.deepcopy([*objects(scope).values(), *delivered(scope).values()]) for scope in scopes)
    found = {manifest["metadata"]["annotations"].pop(PROVENANCE).partition(":")[0] for manifest in told}
    for manifest in (*plain, *told):
        manifest["metadata"].setdefault("annotations", {})

    assert found == {"tests/support.py", "tests/test_provenance.py"}
    assert told == plain


def test_a_line_outside_the_project_is_not_told(tmp_path: Path) -> None:
    """Its path would be that of one machine; the innermost line inside is told, or none."""
    scope = environment(tmp_path, provenance=True)
    service(scope)

    assert PROVENANCE not in objects(scope)["Deployment/api"]["metadata"].get("annotations", {})


# The command


def where(project: Project, what: str) -> list[tuple[str, str]]:
    """Return file and line of what ``modelyard where`` finds."""
    done = project.run(MODELYARD, "where", what, "--format=json")
    assert done.code == 0, done.err
    return [(one["path"], f"{one['source']['file']}:{one['source']['line']}") for one in json.loads(done.out)]


@pytest.mark.parametrize(
    ("what", "count", "line"),
    [
        ("dist/prod/tune/job.yaml", 1, "environments/prod.py:14"),
        ("dist/prod/tune", 3, "environments/prod.py:14"),
        ("prod/tune", 3, "environments/prod.py:14"),
        ("dist/prod/_environment/resourcequota-gpus.yaml", 1, "environments/prod.py:32"),
        ("environments/prod.py:14", 3, "environments/prod.py:14"),
        ("environments/prod.py:20", 3, "environments/prod.py:14"),
        ("environments/workloads.py:10", 12, "environments/workloads.py:8"),
        ("environments/dev.py:11", 6, "environments/workloads.py:8"),
    ],
)
def test_an_object_leads_to_its_line_and_a_line_to_its_objects(
    project: Project, what: str, count: int, line: str
) -> None:
    """A line may be any of a call; a call of a shared function leads to what that made."""
    found = where(project, what)

    assert (len(found), {one for _, one in found}) == (count, {line})
    assert all((project.root / path).is_file() for path, _ in found)


def test_people_are_told_who_called(project: Project) -> None:
    """The shared function first, then the environment's."""
    done = project.run(MODELYARD, "where", "dist/prod/sentiment/service.yaml")

    assert done.out == (
        "FILE                              OBJECT             LINE\n"
        "dist/prod/sentiment/service.yaml  Service sentiment  environments/workloads.py:8, "
        "called from environments/prod.py:13\n"
    )


@pytest.mark.parametrize("what", ["dist/prod/other", "environments/prod.py:1", "environments/prod.py:x", "other"])
def test_what_is_not_there_is_said_with_what_could_be(project: Project, what: str) -> None:
    """And the command is misused."""
    done = project.run(MODELYARD, "where", what)

    example = "dist/prod/api/service.yaml, prod/api or environments/prod.py:12"
    do = f"say a file of dist/, a workload or a line, as in {example}"
    assert (done.code, done.err) == (2, f"error: nothing is rendered by that name: {what}; {do}\n")
