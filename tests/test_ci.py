"""The pipelines to copy: what they call exists, what they publish is right, and one comment stays one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
import typer.main
import yaml

from modelyard.cli import app as cli
from tests.pipelines import CI, script_of, scripts
from tests.plan.repository import SETTINGS, Repository, make, run
from tests.project import ROOT

PIPELINES = sorted(CI.glob("*.yaml"))
SHA = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
CALL = re.compile(r"modelyard ((?:images )?[a-z]+)((?: (?:\"[^\"]*\"|[^\s;|>\"]+))*)")
ORAS = re.compile(r"\boras[ _](\d+\.\d+\.\d+)")
MARK = "<!-- modelyard plan -->"
EVERY_PIPELINE = pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.stem)


@EVERY_PIPELINE
def test_every_call_of_modelyard_can_be_made(pipeline: Path) -> None:
    """Command and options exist, and take what they are given."""
    program = typer.main.get_command(cli.app)
    text = "\n".join(scripts(yaml.safe_load(pipeline.read_text(encoding="utf-8"))))
    calls = CALL.findall(text)

    assert calls != []
    for names, rest in calls:
        command: Any = program
        for name in names.split():
            command = command.commands[name]
        words = [word.strip('"') for word in rest.split()]
        command.make_context(names, words, resilient_parsing=False)


@EVERY_PIPELINE
def test_actions_are_pinned(pipeline: Path) -> None:
    """By commit, never by a tag or a branch."""
    lines = pipeline.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if "uses: " in line and not SHA.search(line)] == []


def test_the_oras_that_is_named_is_the_one_that_is_tested() -> None:
    """A real one of this version publishes to a real registry in the cluster tests."""
    needed = (ROOT / "tools" / "cluster" / "oci" / "go.mod").read_text(encoding="utf-8")
    named = {path.name: ORAS.findall(path.read_text(encoding="utf-8")) for path in CI.iterdir() if path.is_file()}

    (tested,) = re.findall(r"oras\.land/oras v(\S+)", needed)
    assert {name: set(versions) for name, versions in named.items() if versions} == {
        "README.md": {tested},
        "github.yaml": {tested},
        "gitlab.yaml": {tested},
    }


@EVERY_PIPELINE
def test_pipelines_end(pipeline: Path) -> None:
    """Every job has a bound in time, and on GitHub no more rights than it says."""
    read = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    if "jobs" not in read:
        assert read["default"]["timeout"] == "15 minutes"
        return
    assert read["permissions"] == {"contents": "read"}
    assert [name for name, job in read["jobs"].items() if not 1 <= job["timeout-minutes"] <= 15] == []


def test_no_word_of_a_user_is_run_as_shell() -> None:
    """What others name, such as a branch, comes through the environment and not through the text of a script."""
    found = [script for path in CI.glob("github*.yaml") for script in scripts(yaml.safe_load(path.read_text()))]

    assert [script for script in found if "${{" in script] == []


@pytest.mark.parametrize("pipeline", ["github.yaml", "gitlab.yaml"])
def test_dist_is_published_to_a_branch(pipeline: str, tmp_path: Path) -> None:
    """As it is and nothing else, once, never by force, and never by a run that is late."""
    run(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "origin")
    repository = make(tmp_path / "work")
    repository.git("remote", "add", "origin", str(tmp_path / "origin"))
    script = script_of(pipeline, "publish-branch")

    def publish(folder: Path) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 # as the forges run it
            cwd=folder,
            env={**os.environ, **SETTINGS, "SOURCE": "main", "BRANCH": "rendered"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(value: str) -> str:
        commit = repository.commit({"prod/api/a.yaml": value})
        repository.git("push", "--quiet", "origin", "main")
        return commit

    first = push("a: 1\n")
    assert publish(repository.root) == ""
    assert publish(repository.root) == "rendered is up to date\n"
    second = push("a: 2\n")
    late = Repository(tmp_path / "late", tmp_path / "late")
    run(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}/origin", "late")
    late.git("checkout", "--quiet", "--detach")
    push("a: 3\n")
    assert publish(late.root) == "main has moved on, and its own run publishes it\n"
    assert publish(repository.root) == ""

    published = ["-C", str(tmp_path / "origin"), "log", "--format=%s", "rendered"]
    assert run(tmp_path, *published).splitlines() == [
        f"dist/ of {repository.git('rev-parse', 'HEAD')}",
        f"dist/ of {first}",
    ]
    assert second not in run(tmp_path, *published)
    files = run(tmp_path, "-C", str(tmp_path / "origin"), "ls-tree", "-r", "--name-only", "rendered")
    assert files == "dist/prod/api/a.yaml"


@pytest.mark.parametrize("pipeline", ["github.yaml", "gitlab.yaml"])
def test_dist_is_published_as_an_artifact(pipeline: str, tmp_path: Path) -> None:
    """Of the type that both controllers read, the same for the same dist/, and never by a run that is late."""
    run(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "origin")
    repository = make(tmp_path / "work")
    repository.git("remote", "add", "origin", str(tmp_path / "origin"))
    script = script_of(pipeline, "publish-oci")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "oras").write_text('#!/bin/sh\ncat >/dev/null\necho "$*"\n[ "$1" != push ] || sha256sum <dist.tar.gz\n')
    (tools / "oras").chmod(0o755)
    names = {"ARTIFACT": "registry.example/dist", "CI_REGISTRY": "registry.example", "CI_REGISTRY_USER": "bot"}
    names |= {"GITHUB_ACTOR": "bot", "GITHUB_REF_NAME": "main", "CI_COMMIT_REF_SLUG": "main", "SOURCE": "main"}
    secret = {"TOKEN": "hunter2", "CI_REGISTRY_PASSWORD": "hunter2"}

    def publish(commit: str) -> list[str]:
        repository.git("push", "--quiet", "origin", "main")
        folder = tmp_path / commit
        run(tmp_path, "clone", "--quiet", f"file://{tmp_path}/origin", commit)
        run(folder, "checkout", "--quiet", "--detach", commit)
        shas = {"GITHUB_SHA": commit, "CI_COMMIT_SHA": commit}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 # as the forges run it
            cwd=folder,
            env={**os.environ, **SETTINGS, **names, **secret, **shas, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first = repository.commit({"prod/api/a.yaml": "a: 1\n"})
    login, pushed, content, tag = publish(first)
    (repository.root / "other").write_text("x")
    second = repository.commit({"prod/api/a.yaml": "a: 1\n"})
    assert publish(second)[2] == content
    third = repository.commit({"prod/api/a.yaml": "a: 2\n"})
    assert publish(third)[2] != content
    (tmp_path / second).rename(tmp_path / "earlier")
    assert publish(second) == ["main has moved on, and its own run publishes it"]

    assert login == "login registry.example --username bot --password-stdin"
    assert pushed == (
        f"push --annotation org.opencontainers.image.created=1970-01-01T00:00:00Z registry.example/dist:{first}"
        " dist.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip"
    )
    assert tag == f"tag registry.example/dist:{first} main"


def listed(pipeline: str, folder: Path) -> None:
    """Run what lists the environments in a pipeline, for a fleet with two and a dist/ with one more."""
    (script,) = [one for one in scripts(yaml.safe_load((CI / pipeline).read_text())) if "END" in one]
    (folder / "dist" / "_inventory").mkdir(parents=True)
    (folder / "dist" / "_inventory" / "old.json").write_text("{}")
    (folder / "told.json").write_text('["prod", "dev"]')
    (folder / "environments.json").write_text((folder / "told.json").read_text())
    (folder / "modelyard").write_text("#!/bin/sh\nexec cat told.json\n")
    (folder / "modelyard").chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["bash", "-ec", script],  # noqa: S607 # as the forges run it
        cwd=folder,
        env={**os.environ, "PATH": path, "GITHUB_OUTPUT": "output"},
        check=True,
        timeout=60,
    )


def test_an_environment_that_is_gone_has_a_job_too(tmp_path: Path) -> None:
    """What dist/ still has is checked by the sharded pipelines, and fails."""
    (tmp_path / "github").mkdir()
    (tmp_path / "gitlab").mkdir()
    listed("github-sharded.yaml", tmp_path / "github")
    listed("gitlab-sharded.yaml", tmp_path / "gitlab")

    assert (tmp_path / "github" / "output").read_text() == 'names=["dev", "old", "prod"]\n'
    install = "pip install --require-hashes -r requirements.txt"
    assert yaml.safe_load((tmp_path / "gitlab" / "check.yaml").read_text()) == {
        f"check {name}": {"image": "python:3.12", "script": [install, f"modelyard check {name}"]}
        for name in ("dev", "old", "prod")
    }


@attrs.define
class Forge:
    """
    The part of a forge's API that holds comments.

    Args:
        comments: Their texts by id.

        asked: Method and path of every request, and what it proved to be.
    """

    comments: dict[int, str]
    asked: list[tuple[str, str, str]] = attrs.field(factory=list)
    address: str = ""


@pytest.fixture(name="forge")
def _forge() -> Iterator[Forge]:
    """Start a forge on this machine that has comments of others, more than a page of them."""
    forge = Forge({number: f"comment {number}" for number in range(1, 131)})

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            proof = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
            forge.asked.append((self.command, self.path, proof))
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length))["body"] if length else ""
            found: Any = {}
            if self.command == "GET":
                page = int(self.path.rpartition("=")[2])
                found = [{"id": key, "body": text} for key, text in forge.comments.items()][
                    (page - 1) * 100 : page * 100
                ]
            elif self.command == "POST":
                forge.comments[max(forge.comments) + 1] = body
            else:
                forge.comments[int(self.path.rpartition("/")[2])] = body
            data = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 # as http.server asks for them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name is http.server's
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        forge.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield forge
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("settings", "comments", "edited"),
    [
        (
            {"GITHUB_REPOSITORY": "acme/models", "GITHUB_TOKEN": "t", "PULL_REQUEST": "7"},
            "/repos/acme/models/issues/7/comments",
            "PATCH /repos/acme/models/issues/comments/131",
        ),
        (
            {"CI_PROJECT_ID": "12", "CI_MERGE_REQUEST_IID": "7", "MODELYARD_TOKEN": "t"},
            "/projects/12/merge_requests/7/notes",
            "PUT /projects/12/merge_requests/7/notes/131",
        ),
    ],
    ids=["github", "gitlab"],
)
def test_one_comment_stays_one(
    forge: Forge, settings: dict[str, str], comments: str, edited: str, tmp_path: Path
) -> None:
    """It is made once, edited where the plan is another, and left alone where it is the same."""
    addresses = dict.fromkeys(("GITHUB_API_URL", "CI_API_V4_URL"), forge.address)

    def post(text: str) -> list[str]:
        forge.asked.clear()
        (tmp_path / "plan.md").write_text(f"{MARK}\n{text}\n")
        done = subprocess.run(
            [sys.executable, CI / "post_plan.py", tmp_path / "plan.md"],
            env={"PATH": os.environ["PATH"], **settings, **addresses, "no_proxy": "127.0.0.1"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert {proof for _, _, proof in forge.asked} == {"Bearer t" if "GITHUB_TOKEN" in settings else "t"}
        return [f"{method} {path}" for method, path, _ in forge.asked if method != "GET"]

    assert post("**Plan: nothing changes** since x.") == []
    assert post("one") == [f"POST {comments}"]
    assert post("one") == []
    assert post("two") == [edited]
    assert post("**Plan: nothing changes** since x.") == [edited]
    assert [text for text in forge.comments.values() if text.startswith(MARK)] == [
        f"{MARK}\n**Plan: nothing changes** since x.\n"
    ]
    assert len(forge.comments) == 131
