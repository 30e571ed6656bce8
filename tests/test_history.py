"""What a synthesis compares with: ``dist/`` as it lies there, and git, where that is gone or was never merged."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard import ArgoCD, Claim, ConfigFiles, Crd, Environment, Fleet, SynthesisError, UsageError
from modelyard.images import lock_path, read
from modelyard.render.engine import Report, Request, synthesize
from tests.plan.repository import Repository, make
from tests.plan.repository import run as git
from tests.support import CLUSTER, having, raw, service, training

Build = Callable[[Environment], object]
SHRINKS = (
    "test/train: PersistentVolumeClaim checkpoints spec.resources.requests.storage='5Gi' but it was 9Gi, and a claim can"
    " grow, not shrink; give the claim a new name, and move the data"
)


def synth(root: Path, build: Build, **options: Any) -> Report:
    """Render an environment ``test``, which *build* fills, as a new process would."""

    def test(fleet: Fleet) -> None:
        build(Environment(fleet, "test", **{"cluster": CLUSTER, "namespace": "ml-test", **options}))

    return synthesize(Request(main=root / "main.py", fleet=Fleet({"test": test}, root=root)))


def refused(root: Path, build: Build, **options: Any) -> list[str]:
    """Return the errors that a synthesis ends with."""
    with pytest.raises(SynthesisError) as caught:
        synth(root, build, **options)
    return [one.text for one in caught.value.findings if one.severity == "error"]


def claim(size: str) -> Build:
    """Return what makes a training with a claim of *size*."""
    return lambda env: training(env, volumes=[Claim("checkpoints", "/checkpoints", size=size)])


def run(epochs: int) -> Build:
    """Return what makes a training that is another run for each number of *epochs*."""
    return lambda env: training(
        env, env={"EPOCHS": str(epochs)}, keep_runs=2, config=ConfigFiles("/etc/train", {"a.yaml": f"a: {epochs}\n"})
    )


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Repository:
    repository = make(tmp_path / "top", "project")
    (repository.top / ".gitignore").write_text(".modelyard/\n")
    return repository


def test_what_was_never_committed_can_change(repository: Repository) -> None:
    """No cluster has seen it: neither before the first commit, nor beside what is merged."""
    root = repository.root
    synth(root, claim("9Gi"))
    assert synth(root, claim("5Gi")).findings == []

    synth(root, lambda _: None)
    repository.commit()
    synth(root, claim("9Gi"))
    assert synth(root, claim("5Gi")).findings == []


def test_what_is_committed_on_a_branch_alone_can_change(repository: Repository) -> None:
    """And cannot any more once it is merged."""
    root = repository.root
    synth(root, lambda _: None)
    repository.commit()
    repository.git("switch", "--quiet", "--create", "change")
    synth(root, claim("9Gi"))
    repository.commit()
    synth(root, claim("5Gi"))
    synth(root, claim("9Gi"))
    repository.commit()
    repository.git("branch", "--force", "main", "change")

    assert refused(root, claim("5Gi")) == [SHRINKS]


def test_git_is_compared_with_in_its_own_words(repository: Repository) -> None:
    """A claim that grew on a branch may become smaller again, down to what is merged."""
    root = repository.root
    synth(root, claim("9Gi"))
    repository.commit()
    synth(root, claim("20Gi"))
    assert synth(root, claim("10Gi")).findings == []
    assert refused(root, claim("5Gi")) == [SHRINKS]


def test_a_dist_that_was_deleted_is_read_from_git(repository: Repository) -> None:
    """So what cannot change is still refused, and nothing is written."""
    root = repository.root
    synth(root, claim("9Gi"))
    repository.commit()
    shutil.rmtree(root / "dist")

    assert refused(root, claim("5Gi")) == [SHRINKS]
    assert not (root / "dist").exists()
    assert synth(root, claim("9Gi")).findings == []
    assert repository.git("status", "--porcelain") == ""


def test_a_dist_that_was_deleted_leaves_its_generation(repository: Repository) -> None:
    """The former run and what it mounts are kept, as if it were there."""
    root = repository.root
    synth(root, run(1))
    repository.commit()
    synth(root, run(2))
    kept = read(lock_path(root, "test")).generations
    repository.git("restore", "--", "project/dist")
    lock_path(root, "test").unlink()
    shutil.rmtree(root / "dist")
    synth(root, run(2))

    assert [one.manifest["kind"] for one in kept["train"]] == ["ConfigMap", "Job"]
    assert read(lock_path(root, "test")).generations == kept


def test_without_git_what_is_on_disk_counts(tmp_path: Path) -> None:
    """It is taken for merged; and where that is gone as well, nothing is known."""
    synth(tmp_path, claim("9Gi"))
    assert refused(tmp_path, claim("5Gi")) == [SHRINKS]

    shutil.rmtree(tmp_path / "dist")
    assert synth(tmp_path, claim("5Gi")).findings == []


def test_a_kind_that_was_tried_out_goes(repository: Repository) -> None:
    """Argo CD has nothing of it to delete, until it is merged."""
    root = repository.root
    options = {"cluster": having(Crd.GATEWAY_API), "delivery": ArgoCD("https://git.example/models")}

    def lease(env: Environment) -> None:
        raw(env, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "turn"}})

    synth(root, lambda _: None, **options)
    repository.commit()
    synth(root, lease, **options)
    assert synth(root, lambda _: None, **options).findings == []

    synth(root, lease, **options)
    repository.commit()
    (told,) = refused(root, lambda _: None, **options)
    assert told.startswith("test: delivery.allow='coordination.k8s.io/Lease' but nothing of it is rendered any more")


def test_git_is_seldom_asked(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where nothing has changed, nor for a change that can be made."""
    root = repository.root
    synth(root, service)
    repository.commit()
    asked = tmp_path / "asked"
    (tmp_path / "git").write_text(f"#!/bin/sh\necho $* >> {asked}\nexit 1\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    synth(root, service)
    synth(root, lambda env: service(env, port=8080))
    assert not asked.exists()
    shutil.rmtree(root / "dist")
    synth(root, service)
    assert asked.read_text() == "rev-parse --verify HEAD^{commit}\n"


def test_two_branches_that_change_a_training_and_a_configuration(repository: Repository) -> None:
    """The commands of docs/concepts.md: what is merged becomes the former generation, and the branch's own follows."""
    root, commands = repository.root, merging()
    synth(root, both(1))
    repository.commit()
    repository.git("switch", "--quiet", "--create", "change")
    synth(root, both(3))
    repository.commit()
    repository.git("switch", "--quiet", "main")
    synth(root, both(2))
    repository.commit()
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("switch", "--quiet", "change")
    repository.git("config", "user.name", "someone")
    repository.git("config", "user.email", "someone@example.com")

    assert commands[0] == "git merge origin/main"
    git(repository.top, "merge", "origin/main", code=1)
    with pytest.raises(
        UsageError, match=r"test\.json: git left a conflict here that is not resolved; take what"
    ) as caught:
        synth(root, both(3))
    assert str(caught.value).endswith(f": {commands[1].replace('prod', 'test')}")
    assert commands[2] == "modelyard synth"
    git(root, *commands[1].replace("prod", "test").split()[1:])
    synth(root, both(3))
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "merge")

    jobs = {path.name: yaml.safe_load(path.read_text()) for path in (root / "dist/test/train").glob("job*.yaml")}
    assert sorted(epochs(one) for one in jobs.values()) == ["1", "2", "3"]
    assert epochs(jobs["job.yaml"]) == "3"
    kept = read(lock_path(root, "test")).generations
    assert [epochs(one.manifest) for one in kept["train"] if one.manifest["kind"] == "Job"] == ["2", "1"]
    assert [one.manifest["data"] for one in kept["api"]] == [{"a.yaml": "a: 2\n"}]
    assert not synth(root, both(3)).stale


def merging() -> list[str]:
    """Return the commands that the documentation gives for branches that conflict."""
    text = (Path(__file__).resolve().parent.parent / "docs" / "concepts.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sh\n(git merge .*?)```", text, re.MULTILINE | re.DOTALL)
    commands: list[str] = block.splitlines()
    return commands


def both(number: int) -> Build:
    """Return what makes a training and a service, each with a configuration of *number*."""

    def build(env: Environment) -> None:
        run(number)(env)
        service(env, config=ConfigFiles("/etc/api", {"a.yaml": f"a: {number}\n"}))

    return build


def epochs(job: dict[str, Any]) -> str:
    """Return what tells the runs apart."""
    (value,) = (
        one["value"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"] if one["name"] == "EPOCHS"
    )
    return str(value)
