"""What a plan compares with: a commit that git finds without network, or one clear sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from modelyard.findings import UsageError
from modelyard.plan import Plan, plan
from tests.plan.repository import Repository, make, run
from tests.plan.trees import KEPT, one

PATH = "prod/api/lease.yaml"
SHALLOW = (
    "this clone is shallow, so fetch more of it: git fetch --unshallow, fetch-depth: 0 for actions/checkout,"
    ' GIT_DEPTH: "0" in GitLab'
)


def lease(value: int) -> dict[str, object]:
    """Return a manifest that holds *value*."""
    return one("Lease", "api", {"value": value})


def values(found: Plan) -> list[tuple[object, object]]:
    """Return what the plan tells of the one value."""
    return [(field.before, field.after) for each in found.workloads for thing in each.objects for field in thing.fields]


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "top")


def refused(root: Path, ref: str | None = None) -> str:
    """Return why there is no plan."""
    with pytest.raises(UsageError) as caught:
        plan(root, ref)
    return str(caught.value)


def test_a_branch_is_compared_with_where_it_left_the_main_branch(repository: Repository) -> None:
    """What the main branch did since then is none of this change."""
    first = repository.commit({PATH: lease(1)})
    repository.git("switch", "--quiet", "--create", "change")
    repository.commit({PATH: lease(2)})
    repository.git("switch", "--quiet", "main")
    repository.commit({PATH: lease(3), "prod/other/lease.yaml": one("Lease", "other")})
    repository.git("switch", "--quiet", "change")

    found = plan(repository.root)

    assert values(found) == [(1, 2)]
    assert (found.commit, found.base) == (first, f"{first[:12]} (where HEAD and main parted)")


def test_what_is_not_committed_yet_counts(repository: Repository) -> None:
    """The tree on disk is what a commit would hold."""
    commit = repository.commit({PATH: lease(1)})
    repository.write({PATH: lease(2), "prod/other/lease.yaml": one("Lease", "other")})

    found = plan(repository.root)

    assert (values(found), found.base) == ([(1, 2)], f"{commit[:12]} (main)")
    assert [(each.name, each.change) for each in found.workloads] == [("api", "changed"), ("other", "created")]


@pytest.mark.parametrize("ref", ["HEAD~1", "v1", None])
def test_a_base_can_be_named(repository: Repository, ref: str | None) -> None:
    """Any commit, tag or branch; without one, on the main branch, it is HEAD."""
    repository.commit({PATH: lease(1)})
    repository.git("tag", "v1")
    repository.commit({PATH: lease(2)})

    assert values(plan(repository.root, ref)) == ([] if ref is None else [(1, 2)])


def test_the_main_branch_of_the_origin_comes_first(repository: Repository, tmp_path: Path) -> None:
    """Whatever it is called there, and however far the own one lags behind."""
    repository.git("branch", "--move", "trunk")
    repository.commit({PATH: lease(1)})
    run(tmp_path, "clone", "--quiet", str(repository.top), "clone")
    clone = Repository(tmp_path / "clone", tmp_path / "clone")
    clone.git("switch", "--quiet", "--create", "change")
    commit = clone.git("rev-parse", "HEAD")
    clone.commit({PATH: lease(2)})

    found = plan(clone.root)

    assert (values(found), found.base) == ([(1, 2)], f"{commit[:12]} (origin/trunk)")


def test_a_project_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    """Only its own dist/ counts."""
    repository = make(tmp_path / "top", "ml/models")
    (repository.top / "dist" / "prod" / "api").mkdir(parents=True)
    (repository.top / "dist" / PATH).write_text("kind: Lease\n")
    repository.commit({PATH: lease(1)})
    (repository.top / "dist" / PATH).write_text("kind: Other\n")
    repository.write({PATH: lease(2)})

    assert values(plan(repository.root)) == [(1, 2)]


def test_ids_of_64_digits(tmp_path: Path) -> None:
    """A repository of SHA-256 has nothing to tell either, where nothing changed."""
    repository = make(tmp_path / "top", "", "--object-format=sha256")
    repository.commit({PATH: lease(1)})
    assert plan(repository.root).workloads == []
    repository.write({PATH: lease(2)})
    assert values(plan(repository.root)) == [(1, 2)]


def test_no_commit_yet(repository: Repository) -> None:
    """All is new."""
    repository.write({PATH: lease(1)})

    found = plan(repository.root)

    assert (found.commit, found.base) == ("", "nothing: there is no commit yet")
    assert [(each.name, each.change) for each in found.workloads] == [("api", "created")]


def test_no_dist_at_the_base_and_none_now(repository: Repository) -> None:
    """The first change makes it, and a tree that is gone is told as such."""
    repository.commit()
    assert plan(repository.root).workloads == []
    repository.commit({PATH: lease(1)})
    assert [each.change for each in plan(repository.root, "HEAD~1").workloads] == ["created"]
    shutil.rmtree(repository.root / "dist")
    assert [each.change for each in plan(repository.root).workloads] == ["removed"]


def test_only_what_a_controller_reads_counts(repository: Repository) -> None:
    """The inventory, a README, a link, and dist/ of other tools are no manifests of an environment."""
    repository.commit({PATH: lease(1)})
    repository.write({"_inventory/prod.json": "{}", "prod/README.md": "x", "loose.yaml": "kind: X\n", "prod/.x": ""})
    (repository.root / "dist" / "prod" / "api" / "link.yaml").symlink_to("lease.yaml")

    assert plan(repository.root).workloads == []


def test_an_unknown_base(repository: Repository) -> None:
    """The sentence says what to do."""
    repository.commit()

    do = "git knows no such commit here; fetch it with git fetch origin, or correct the name"
    assert refused(repository.root, "origin/main") == f"--base origin/main: {do}"
    assert refused(repository.root, "--help") == f"--base --help: {do}"


def test_a_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    """As CI makes it, unless it is told to fetch more."""
    repository.commit({PATH: lease(1)})
    repository.git("switch", "--quiet", "--create", "change")
    repository.commit({PATH: lease(2)})
    run(tmp_path, "clone", "--quiet", "--depth=1", "--branch=change", f"file://{repository.top}", "clone")
    root = tmp_path / "clone"

    assert refused(root, "origin/main") == f"--base origin/main: git knows no such commit here; {SHALLOW}"
    run(root, "checkout", "--quiet", "--detach")
    run(root, "branch", "--quiet", "--delete", "--force", "change")
    run(root, "remote", "remove", "origin")
    assert refused(root, None) == f"there is no main branch to compare with, and {SHALLOW}"
    run(root, "remote", "add", "origin", f"file://{repository.top}")
    run(root, "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    repository.git("switch", "--quiet", "main")
    assert refused(root, "origin/main") == (f"HEAD and 'origin/main' have no commit that both come from; {SHALLOW}")
    run(root, "fetch", "--quiet", "--unshallow")
    assert values(plan(root, "origin/main")) == [(1, 2)]


def test_histories_without_a_common_commit(repository: Repository) -> None:
    """Then another base is needed."""
    repository.commit({PATH: lease(1)})
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.commit()

    assert refused(repository.root) == (
        "HEAD and 'main' have no commit that both come from; name another one with --base REF"
    )


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own reason, and what to do."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert refused(tmp_path) == (
        "git: not a git repository (or any of the parent directories): .git;"
        " run modelyard plan in a git repository, where dist/ is committed"
    )


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of CI may lack it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert refused(tmp_path) == "modelyard plan asks git what dist/ was before, and there is no git here; install it"


def test_a_git_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("modelyard.render.base.PATIENCE", 0.2)

    assert refused(tmp_path) == "git rev-parse took more than 0.2 seconds"


def test_a_file_that_is_no_yaml(repository: Repository) -> None:
    """As a merge leaves it; the line is named, and whether it is of now or of before."""
    repository.commit({PATH: lease(1)})
    repository.write({PATH: "<<<<<<< HEAD\nkind: Lease\n=======\nkind: [\n>>>>>>> other\n"})
    assert refused(repository.root) == f"dist/{PATH}:2 is no YAML; render it anew with modelyard synth"
    repository.commit()
    repository.write({PATH: lease(1)})
    assert refused(repository.root) == f"dist/{PATH}:2 before is no YAML; render it anew with modelyard synth"


def test_an_environment_that_dist_does_not_have(repository: Repository) -> None:
    """Neither before nor now."""
    repository.commit({PATH: lease(1)})

    with pytest.raises(UsageError) as caught:
        plan(repository.root, None, ["staging"])
    assert str(caught.value) == "there is no environment 'staging' in dist/, neither before nor now; it has prod"


def test_the_blobs_that_a_partial_clone_lacks(repository: Repository, tmp_path: Path) -> None:
    """They are not fetched: a plan needs no network."""
    repository.commit({PATH: lease(1)})
    repository.commit({PATH: lease(2)})
    repository.git("config", "uploadpack.allowFilter", "true")
    run(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository.top}", "clone")

    assert refused(tmp_path / "clone", "HEAD~1") == (
        "git lacks the content of files in dist/ as they were, as in a partial clone; clone without --filter"
    )


JOB = "prod/tune/job.yaml"


def tune(number: int, **more: str) -> dict[str, object]:
    """Return a run of its own for each *number*, which is kept in the cluster."""
    return one("Job", f"tune-{number:08d}", {"number": number}, annotations={**KEPT, **more}, version="batch/v1")


def runs(root: Path) -> list[str]:
    """Return what the plan says of runs."""
    return [
        effect.text
        for each in plan(root).workloads
        for effect in each.effects
        if effect.code in {"run", "new-run", "created"}
    ]


def test_a_run_that_git_had_before_may_still_be_in_the_cluster(repository: Repository) -> None:
    """Its Job is kept there when it leaves git, so the way back to its content starts nothing."""
    repository.commit({JOB: tune(1), "prod/other/job.yaml": one("Job", "tune-00000003", {}, annotations=KEPT)})
    second = repository.commit({JOB: tune(2)})
    repository.write({JOB: tune(1)})
    back = (
        f"the former run tune-00000001 is back (number), in git until {second[:12]}: if Job tune-00000001 is still in"
        " the cluster, nothing starts, else it runs again; tune-00000002 stays, and goes on if it runs"
    )

    assert runs(repository.root) == [back]

    repository.write({JOB: tune(3)})
    assert runs(repository.root) == [
        "a new run tune-00000003 starts (number); tune-00000002 stays, and goes on if it runs"
    ]


def test_a_run_that_was_a_schedule_meanwhile_is_known_too(repository: Repository) -> None:
    """Also on a branch, with what git had before it."""
    stays = {"prod/tune/lease.yaml": one("Lease", "tune")}
    repository.commit({JOB: tune(1), **stays})
    cron = one("CronJob", "tune", {"schedule": "0 3 * * *"}, version="batch/v1")
    second = repository.commit({JOB: None, "prod/tune/cronjob.yaml": cron})
    repository.git("switch", "--quiet", "--create", "change")
    repository.commit({JOB: tune(1), "prod/tune/cronjob.yaml": None})

    assert runs(repository.root) == [
        (
            f"the former run tune-00000001 is back, in git until {second[:12]}: if Job tune-00000001 is still in the"
            " cluster, nothing starts, else it runs again"
        )
    ]


def test_a_run_that_is_pruned_starts_again(repository: Repository) -> None:
    """Nobody kept the one of before."""
    job = {**tune(1), "metadata": {"name": "tune-00000001", "namespace": "ml"}}
    repository.commit({JOB: job, "prod/tune/lease.yaml": one("Lease", "tune")})
    repository.commit({JOB: None})
    repository.write({JOB: job})

    assert runs(repository.root) == ["a run tune-00000001 starts"]


def test_a_shallow_clone_cannot_tell_what_ran(repository: Repository, tmp_path: Path) -> None:
    """And says so."""
    repository.commit({JOB: tune(1)})
    repository.commit({JOB: tune(2)})
    run(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository.top}", "clone")
    clone = Repository(tmp_path / "clone", tmp_path / "clone")
    clone.write({JOB: tune(1)})

    assert runs(clone.root) == [
        (
            "a new run tune-00000001 starts (number), unless the cluster has it from before, which git cannot tell here;"
            " tune-00000002 stays, and goes on if it runs"
        )
    ]
