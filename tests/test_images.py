"""Lock files: what they may say, pinning, promotion."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard import Image, UsageError
from modelyard.images import Lock, LockError, change, lock_path, pinned, promoted, read, write
from modelyard.images.lock import parse
from tests import project as projects
from tests.support import environment, found_by

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
MODEL = Image("ghcr.io/acme/model", "1.0", DIGEST)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Names come sorted, and a tag that looks like a number stays a string."""
    path = lock_path(tmp_path, "prod")
    write(path, Lock({"model": MODEL, "app": Image("ghcr.io/acme/app", "1.10", OTHER)}))

    assert read(path) == Lock({"app": Image("ghcr.io/acme/app", "1.10", OTHER), "model": MODEL})
    assert path.read_text() == (
        "# The images of this environment. Written by `modelyard images`; a bot may change tag and digest.\n"
        "images:\n"
        '  app:\n    repository: ghcr.io/acme/app\n    tag: "1.10"\n'
        f"    digest: {OTHER}\n"
        '  model:\n    repository: ghcr.io/acme/model\n    tag: "1.0"\n'
        f"    digest: {DIGEST}\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "because"),
    [
        ("images:\n  a: {repository: x\n", 3, "did not find expected ',' or '}'"),
        ("images:\n  a:\n    repository: x\n  a:\n    repository: y\n", 4, "'a' stands here a second time"),
        ("image:\n  a: 1\n", 2, "'image' is not a part of a lock file; its parts are images and generations"),
        ("images:\n  a:\n    repo: x\n", 3, "image 'a' has no field 'repo'; its fields are repository, tag, digest"),
        ("images:\n  a:\n    tag: x\n", 3, "image 'a' has no repository"),
        ("images: 3\n", 1, "'images' must be a mapping"),
        (
            "images:\n  a:\n    repository: x\n    digest: sha256:12\n", 3,
            "image 'a' is 'x@sha256:12', but a digest is sha256: and 64 hexadecimal digits in lower case",
        ),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, text: str, line: int, because: str) -> None:
    """The error tells the line and the rule."""
    path = tmp_path / "prod.lock.yaml"
    path.write_text(text)

    with pytest.raises(LockError) as raised:
        read(path)

    assert (raised.value.line, raised.value.because) == (line, because)


def test_an_image_on_one_line_stays_on_one_line(tmp_path: Path) -> None:
    """A pin changes the reference where it stands, and no form of the other images."""
    path = lock_path(tmp_path, "prod")
    path.parent.mkdir()
    path.write_text(f"images:\n  one: registry.example/one:1@{DIGEST}\n  two:\n    repository: registry.example/two\n")

    lock = pinned(read(path), "prod", "one", f":2@{DIGEST}")
    write(path, lock)

    assert lock.images == {"one": Image("registry.example/one", "2", DIGEST), "two": Image("registry.example/two")}
    assert path.read_text().partition("images:\n")[2] == (
        f"  one: registry.example/one:2@{DIGEST}\n  two:\n    repository: registry.example/two\n"
    )
    assert read(path) == lock


def test_an_image_comes_from_the_lock_of_its_environment(tmp_path: Path) -> None:
    """The reference holds tag and digest: the tag for people, the digest for the kubelet."""
    write(lock_path(tmp_path, "test"), Lock({"model": MODEL}))

    assert environment(tmp_path).image("model").reference == f"ghcr.io/acme/model:1.0@{DIGEST}"


def test_a_missing_entry_is_a_finding_with_the_command_to_run(tmp_path: Path) -> None:
    """A near miss gets the name that was meant."""
    write(lock_path(tmp_path, "test"), Lock({"model": MODEL}))
    scope = environment(tmp_path)
    scope.image("modle")
    scope.image("sentiment")

    assert found_by(scope, "X13") == [
        "test: image='modle' but environments/test.lock.yaml has no such image; did you mean model?",
        (
            "test: image='sentiment' but environments/test.lock.yaml has no such image; "
            "pin it: modelyard images pin test sentiment <repository>:<tag>@sha256:<digest>"
        ),
    ]


def test_pinning_keeps_the_repository_and_takes_tag_and_digest() -> None:
    """A bare :tag@digest is enough where the image is known."""
    after = pinned(Lock({"model": MODEL}), "prod", "model", f":1.1@{OTHER}")

    assert after.images == {"model": Image("ghcr.io/acme/model", "1.1", OTHER)}


@pytest.mark.parametrize(
    ("name", "reference", "message"),
    [
        (
            "model",
            "ghcr.io/acme/model:1.1",
            "'ghcr.io/acme/model:1.1' has no digest: a tag can be moved, so give repository:tag@sha256:digest",
        ),
        (
            "new",
            f":1.1@{OTHER}",
            "new is not in the lock file of prod yet: give its repository too, as repository:tag@sha256:digest",
        ),
        (
            "model",
            "ghcr.io/acme/model:1.1@sha256:12",
            "is no image reference: a digest is sha256: and 64 hexadecimal digits in lower case",
        ),
    ],
)
def test_a_pin_that_pins_nothing_is_refused(name: str, reference: str, message: str) -> None:
    """A tag alone is no pin."""
    with pytest.raises(UsageError) as raised:
        pinned(Lock({"model": MODEL}), "prod", name, reference)

    assert message in str(raised.value)


def test_promotion_takes_what_both_have_and_is_idempotent(tmp_path: Path) -> None:
    """The second time there is nothing to change, and the file is not written."""
    origin = Lock({"model": Image("ghcr.io/acme/model", "2.0", OTHER), "extra": MODEL})
    write(lock_path(tmp_path, "prod"), Lock({"model": MODEL, "other": MODEL}))

    first = change(tmp_path, "prod", lambda lock: promoted(origin, lock, "staging", "prod"))
    second = change(tmp_path, "prod", lambda lock: promoted(origin, lock, "staging", "prod"))

    assert [(one.name, one.before, one.after) for one in first] == [("model", MODEL, origin.images["model"])]
    assert second == []
    assert read(lock_path(tmp_path, "prod")).images["other"] == MODEL


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["modle"], "staging has no image 'modle'; did you mean model?"),
        (
            ["loose"],
            "loose of staging has no digest; pin it first: modelyard images pin staging loose :1@sha256:DIGEST",
        ),
    ],
)
def test_promotion_refuses_what_staging_does_not_have_pinned(names: list[str], message: str) -> None:
    """Nothing reaches prod that was not decided on before."""
    origin = Lock({"model": MODEL, "loose": Image("ghcr.io/acme/loose", "1")})
    with pytest.raises(UsageError) as raised:
        promoted(origin, Lock(), "staging", "prod", names)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("origin", "lock", "target", "message"),
    [
        (Lock({"a": MODEL}), Lock(), "staging",
         "--from and --to are both staging; promotion is from one environment to another"),
        (Lock({"a": MODEL}), Lock({"b": MODEL}), "prod",
         "staging and prod have no image name in common; name some of those that staging has: a"),
        (Lock(), Lock({"b": MODEL}), "prod",
         "staging and prod have no image name in common; name some of those that staging has: none"),
    ],
)  # fmt: skip
def test_promotion_refuses_what_moves_nothing(origin: Lock, lock: Lock, target: str, message: str) -> None:
    """Neither to itself, nor without anything in common."""
    with pytest.raises(UsageError) as raised:
        promoted(origin, lock, "staging", target)

    assert str(raised.value) == message


def test_promotion_touches_the_lock_file_alone_and_shows_what_is_different(tmp_path: Path) -> None:
    """Old and new of each image; the second time there is nothing, and dist/ waits for a synthesis."""
    project = projects.make(tmp_path / "project")
    project.synth()
    before = project.snapshot()
    words = (projects.MODELYARD, "images", "promote", "--from", "dev", "--to", "prod")
    old, new = (f"ghcr.io/acme/sentiment:1.{minor}.0@sha256:{digit * 64}" for minor, digit in ((1, "2"), (2, "1")))

    first, second = project.run(*words), project.run(*words)

    assert first.out == f"prod/sentiment: {old} -> {new}\nrun modelyard synth to render it\n"
    assert (second.out, second.code) == ("nothing to change\n", 0)
    assert project.snapshot() == before
    assert "--from" in project.run(projects.MODELYARD, "images", "promote").err


def test_a_workload_stands_for_the_image_that_it_runs(tmp_path: Path) -> None:
    """Whatever the lock file calls that image; a name that is neither is told as before."""
    project = projects.make(tmp_path / "project")
    project.edit("environments/workloads.py", 'env.image("sentiment")', 'env.image("server")')
    for lock in ("dev", "prod"):
        project.edit(f"environments/{lock}.lock.yaml", "  sentiment:", "  server:")
    words = (projects.MODELYARD, "images", "promote", "--from", "dev", "--to", "prod")
    old, new = (f"ghcr.io/acme/sentiment:1.{minor}.0@sha256:{digit * 64}" for minor, digit in ((1, "2"), (2, "1")))

    done, unknown = project.run(*words, "sentiment"), project.run(*words, "sentimnt")

    assert done.out == f"prod/server: {old} -> {new}\nrun modelyard synth to render it\n"
    assert (unknown.code, unknown.err) == (2, "error: dev has no image 'sentimnt'; it has server\n")


def test_a_workload_whose_image_is_written_out_cannot_be_promoted(tmp_path: Path) -> None:
    """Its image stands in the Python, and not in the lock file."""
    project = projects.make(tmp_path / "project")
    project.edit("environments/workloads.py", 'env.image("sentiment")', f'"ghcr.io/acme/own:1@{DIGEST}"')
    for lock in ("dev", "prod"):
        project.edit(f"environments/{lock}.lock.yaml", "  sentiment:", "  server:")
    done = project.run(projects.MODELYARD, "images", "promote", "--from", "dev", "--to", "prod", "sentiment")

    assert (done.code, done.err) == (
        2,
        f"error: dev/sentiment runs ghcr.io/acme/own:1@{DIGEST}, which is not in the lock file; give the name of an image\n",
    )


def test_lock_files_are_of_environments_that_exist(tmp_path: Path) -> None:
    """One that the fleet names gets its first lock file by a pin; no other name does."""
    project = projects.make(tmp_path / "project")
    there = sorted(path.name for path in (project.root / "environments").glob("*.lock.yaml"))
    reference = f"ghcr.io/acme/a:1@{DIGEST}"
    for words, message in {
        ("pin", "nope", "a", reference): "there is no environment 'nope'; the fleet has dev, prod",
        ("pin", "prodd", "a", reference): "there is no environment 'prodd'; did you mean prod?",
        ("promote", "--from", "dev", "--to", "nope"): "there is no environment 'nope'; the fleet has dev, prod",
        ("promote", "--from", "x", "--to", "dev"): (
            "environment 'x' has no lock file; those that have one are: dev, prod"
        ),
    }.items():
        done = project.run(projects.MODELYARD, "images", *words)
        assert (done.code, done.out, done.err) == (2, "", f"error: {message}\n")
    assert sorted(path.name for path in (project.root / "environments").glob("*.lock.yaml")) == there
    lock_path(project.root, "prod").unlink()
    assert project.run(projects.MODELYARD, "images", "pin", "prod", "a", reference).code == 0
    assert list(read(lock_path(project.root, "prod")).images) == ["a"]


@pytest.mark.parametrize("text", ["null", "1.0", "true", "2026-01-01"])
def test_one_line_that_is_no_text_is_no_image(text: str) -> None:
    """A version alone, or nothing, is not the image of that name."""
    with pytest.raises(LockError) as caught:
        parse(Path("prod.lock.yaml"), f"images:\n  sentiment: {text}\n")
    assert str(caught.value) == (
        f"prod.lock.yaml:2: image 'sentiment' is {text!r}, which YAML reads as no text: write the whole reference"
    )
