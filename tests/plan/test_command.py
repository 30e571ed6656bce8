"""The command ``modelyard plan``: a real fleet, a real change, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import project as projects
from tests.plan.repository import Repository, make
from tests.plan.repository import run as git
from tests.plan.trees import one
from tests.project import MODELYARD, Project, Ran


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Project:
    """Return a project that is rendered and committed."""
    project = projects.make(tmp_path / "project")
    project.synth()
    git(project.root, "init", "--quiet", "--initial-branch", "main")
    Repository(project.root, project.root).commit()
    return project


def plan(project: Project, *words: str, code: int = 0) -> Ran:
    """Run ``modelyard plan``."""
    done = project.run(MODELYARD, "plan", *words)
    assert done.code == code, done.out + done.err
    return done


def test_nothing_changes(project: Project) -> None:
    """Also with --exit-code, and from any folder of the project."""
    commit = git(project.root, "rev-parse", "HEAD")
    said = f"nothing changes since {commit[:12]} (main)\n"

    assert plan(project).out == said
    assert plan(project, "--exit-code").out == said
    assert project.run(MODELYARD, "plan", cwd=project.root / "environments").out == said


def test_an_image_and_an_environment_that_is_chosen(project: Project) -> None:
    """The exit code is 0 unless it is asked for."""
    digest = "sha256:" + "4" * 64
    for environment in ("dev", "prod"):
        assert project.run(MODELYARD, "images", "pin", environment, "sentiment", f":1.3.0@{digest}").code == 0
    project.synth()
    commit = git(project.root, "rev-parse", "HEAD")

    assert plan(project, "prod").out == (
        "prod/sentiment\n"
        "  caution  rolling update, new pods ready before old ones end: containers[name=model].image 1.1.0 -> 1.3.0\n"
        "    changed Deployment sentiment\n"
        "      spec.template.spec.containers[name=model].image:\n"
        f"        - ghcr.io/acme/sentiment:1.1.0@sha256:{'2' * 64}\n"
        f"        + ghcr.io/acme/sentiment:1.3.0@{digest}\n"
        "\n"
        f"1 workload in 1 environment changes (1 caution) since {commit[:12]} (main)\n"
    )
    told = json.loads(plan(project, "--exit-code", "--format", "json", code=1).out)
    assert [(one["environment"], one["workload"]) for one in told["workloads"]] == [
        ("dev", "sentiment"),
        ("prod", "sentiment"),
    ]
    assert plan(project, "--format", "markdown").out.startswith(
        "<!-- modelyard plan -->\n**Plan: 2 workloads in 2 environments change (2 caution)** since "
    )


def test_a_training_that_changes_is_a_new_run(project: Project) -> None:
    """As it is rendered: the former Job is kept by its annotations."""
    project.edit("environments/prod.py", '"EPOCHS": "4"', '"EPOCHS": "5"')
    project.synth()

    (one,) = json.loads(plan(project, "--format", "json").out)["workloads"]
    (effect,) = one["effects"]
    (job,) = one["objects"]
    assert effect == {
        "effect": "new-run",
        "risk": "caution",
        "text": (
            f"a new run {job['name']} starts (containers[name=trainer].env[name=EPOCHS].value);"
            f" {job['was']} stays, and goes on if it runs (2 more nvidia.com/gpu meanwhile)"
        ),
    }
    assert job["fields"] == [
        {
            "path": "spec.template.spec.containers[name=trainer].env[name=EPOCHS].value",
            "before": "4",
            "after": "5",
        }
    ]


def test_misuse_ends_with_2(project: Project) -> None:
    """One sentence, on standard error."""
    done = plan(project, "--base", "nowhere", code=2)

    assert (done.out, done.err) == (
        "",
        ("error: --base nowhere: git knows no such commit here; fetch it with git fetch origin, or correct the name\n"),
    )


def test_what_is_refused_fails_if_that_is_asked_for(tmp_path: Path) -> None:
    """After the plan is told; a danger is the wider one of the two, and a caution is neither."""
    repository = make(tmp_path / "top")
    root = Project(repository.root)

    def committed(old: dict[str, object], new: dict[str, object] | None) -> None:
        repository.commit({"prod/api/it.yaml": old})
        repository.write({"prod/api/it.yaml": new, "prod/api/other.yaml": one("Lease", "api", {})})

    def claim(size: str) -> dict[str, object]:
        return one("PersistentVolumeClaim", "data", {"resources": {"requests": {"storage": size}}})

    committed(claim("9Gi"), claim("5Gi"))
    for what in ("refused", "danger"):
        assert "refused by the API server" in plan(root, "--fail-on", what, code=1).out
    committed(one("Service", "api", {}), None)
    assert "Service api is deleted" in plan(root, "--fail-on", "refused").out
    plan(root, "--fail-on", "danger", code=1)
    committed(claim("5Gi"), claim("9Gi"))
    assert "the claim grows" in plan(root, "--fail-on", "refused").out
    plan(root, "--fail-on", "danger")
    plan(root, "--fail-on", "anything", code=2)
