"""Mistakes whose message once said too little: value, rule and remedy, at the right line."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from modelyard import Environment, Fleet, SpecError, days
from modelyard.fleet.workload import _meant
from modelyard.images import LockError, read
from modelyard.render.environment import build
from modelyard.render.tree import content
from tests import project as projects
from tests.project import MODELYARD_SYNTH
from tests.support import CLUSTER, environment, found, raw, service, training


def test_x16_a_function_without_parameter(tmp_path: Path) -> None:
    def made() -> None:
        pass

    wrong: Any = made
    (one,) = build(Fleet({"test": wrong}, root=tmp_path), "test")[1]
    assert f"{one.rule} {one.text}" == (
        "X16 test: Fleet({'test': ...}) but this function cannot be called with the fleet alone:"
        " test_x16_a_function_without_parameter.<locals>.made() takes 0 positional arguments but 1 was given;"
        " let it take one argument, the fleet"
    )
    assert str(one.source) == f"{__file__}:{made.__code__.co_firstlineno}"


@pytest.mark.parametrize(("scope", "said"), [(None, "None"), ("fleet", "'fleet'")])
def test_x11_an_environment_of_no_fleet(scope: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        Environment(scope, "test", cluster=CLUSTER, namespace="ml-test")
    finding = caught.value.finding
    assert f"{finding.rule} {finding.text}" == (
        f"X11 test: fleet={said} but an environment stands in a Fleet; pass the fleet as the first argument"
    )


def test_x11_an_environment_in_an_environment(tmp_path: Path) -> None:
    outer: Any = environment(tmp_path)
    with pytest.raises(SpecError, match="fleet=<Environment> but an environment stands in a Fleet"):
        Environment(outer, "inner", cluster=CLUSTER, namespace="ml-inner")


@pytest.mark.parametrize(
    ("option", "do"),
    [
        ("backoff_limit", "say it with retries"),
        ("backoffLimit", "say it with retries"),
        ("activeDeadlineSeconds", "say it with deadline"),
        ("active_deadline_seconds", "say it with deadline"),
        ("resources", "say it with cpu, memory and gpu"),
        ("limits", "say it with cpu, memory and gpu"),
        ("requests", "say it with cpu, memory and gpu"),
        ("completions", "say it with nodes"),
        ("parallelism", "say it with nodes"),
        (
            "ttl_seconds_after_finished",
            "there is none on purpose: a Job that deletes itself is run again by the next sync",
        ),
    ],
)
def test_x12_kubernetes_own_names(tmp_path: Path, option: str, do: str) -> None:
    env = environment(tmp_path)
    training(env, **{option: 3})
    assert [f"{one.rule} {one.text}" for one in found(env)] == [
        f"X12 test/train: {option}=3 but TrainingJob has no such option; {do}"
    ]


def test_an_option_that_the_class_lacks_is_not_proposed() -> None:
    assert _meant("backoffLimit", (), ("cpu",)) == "its options are cpu"


def test_a_lock_file_of_two_documents(tmp_path: Path) -> None:
    path = tmp_path / "test.lock.yaml"
    path.write_text("images: {}\n---\nimages: {}\n")
    with pytest.raises(LockError) as caught:
        read(path)
    assert caught.value.because == "expected a single document in the stream but found another document"


def test_x08_a_date_in_a_foreign_patch(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    project.edit("environments/prod.py", '{"hard": {"requests.nvidia.com/gpu": 8}}', "datetime.date(2026, 1, 1)")
    project.edit("environments/prod.py", "import cdk8s\n", "import datetime\n\nimport cdk8s\n")
    done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "environments/prod.py:35: error[X08] prod: cdk8s takes dicts, lists, strings, numbers, booleans and None, and"
        " this is a datetime.date; pass one of them\n"
        "1 error; dist/ is unchanged; modelyard explain X08 tells more\n"
    )


def test_a_finding_on_a_patched_object_is_at_the_patch(tmp_path: Path) -> None:
    env = environment(tmp_path)
    api = service(env)
    api.add_json_patch("Service", {"op": "replace", "path": "/spec/selector/app", "value": "other"})
    line = test_a_finding_on_a_patched_object_is_at_the_patch.__code__.co_firstlineno + 3
    assert {str(one.source) for one in found(env) if " Service " in one.text} == {f"{__file__}:{line}"}


def test_x14_a_patch_without_operations(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env).add_json_patch("Deployment")
    assert [f"{one.rule} {one.text}" for one in found(env)] == [
        (
            "X14 test/api: add_json_patch='Deployment' but it has no operation, so it changes nothing;"
            " add operations, or remove the call"
        )
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"memory": "99999999999999999Ei"}, "memory='99999999999999999Ei' but a quantity is less than 8Ei, and Kube"),
        ({"deadline": days(99999999)}, "deadline=seconds(8.64e+12) but Kubernetes counts it in nanoseconds, and 64 "),
    ],
)
def test_more_than_64_bits(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    env = environment(tmp_path)
    training(env, **options)
    assert [one.text[: len(f"test/train: {said}")] for one in found(env)] == [f"test/train: {said}"]


def test_x06_jsonnet_beside_the_manifests(tmp_path: Path) -> None:
    """Argo CD evaluates it."""
    project = projects.make(tmp_path / "project")
    project.synth()
    (project.dist / "dev" / "more.jsonnet").write_text("{}")
    done = project.run(*MODELYARD_SYNTH)
    assert done.code == 1
    assert done.err.startswith(
        "error[X06] dev: dist/dev/more.jsonnet but modelyard did not write it, and Argo CD and Flux apply every"
        " manifest in this folder; "
    )


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_x06_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    project = projects.make(tmp_path / "project")
    project.synth()
    place = project.dist / "dev" / "sentiment" / "service.yaml"
    place.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "pipe":
            os.mkfifo(place)
        else:
            here = Path.cwd()
            os.chdir(place.parent)  # a socket's path has at most 107 bytes
            server.bind(place.name)
            os.chdir(here)
        assert content(place) is None
        done = project.run(*MODELYARD_SYNTH)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error[X06] dev: dist/dev/sentiment/service.yaml but modelyard would write this file, and what stands in its"
        " place is none; move it away\n"
        "1 error; dist/ is unchanged; modelyard explain X06 tells more\n"
    )


def test_j08_a_container_without_a_name(tmp_path: Path) -> None:
    env = environment(tmp_path)
    spec = {
        "backoffLimit": 1,
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onExitCodes": {"containerName": "a", "operator": "In", "values": [3]}},
            ]
        },
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "", "image": "a:1"}]}},
    }
    raw(env, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": spec})
    (text,) = [one.text for one in found(env) if one.rule == "J08"]
    assert text == (
        "test: Job j spec.podFailurePolicy.rules[0].onExitCodes.containerName='a' but the pod has no such container;"
        " name the container first"
    )
