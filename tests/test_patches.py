"""What a user patches or raises is a finding at her line, whatever it is: never a traceback."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests import project as projects
from tests.project import MAIN_PY, MODELYARD, MODELYARD_SYNTH
from tests.support import environment, found, raw, service, training

SHAPE = 'a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit'
TOO_DEEP = "it is nested more than 100 levels deep, and the checks of Kubernetes' schemas end there"
WHOLE = "X14 test/train: patch of Job but it leaves the object without apiVersion; change fields of it, one by one"


def nested(levels: int) -> object:
    """Return a value of so many dicts in one another."""
    value: dict[str, object] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def cyclic() -> object:
    """Return a value that holds itself."""
    value: dict[str, object] = {}
    value["a"] = value["b"] = value
    return value


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "remove", "path": "/apiVersion"}, WHOLE),
        ({"op": "replace", "path": "", "value": {}}, WHOLE),
        *[
            (
                {"op": "add", "path": "/metadata/annotations", "value": value},
                f"X08 test/train: patch of Job at /metadata/annotations but {TOO_DEEP}; write a flatter value",
            )
            for value in (nested(300), nested(5000), cyclic())
        ],
        (
            {"op": "replace", "path": "/metadata/annotations", "value": "x"},
            (
                "X05 test/train: Job train-acc0efb1 metadata.annotations but it must be an object, not the string 'x';"
                " correct the field"
            ),
        ),
        (
            {"op": "add", "path": "/spec/suspend", "value": dt.date(2026, 1, 1)},
            (
                "X08 test/train: Job train-d94964ab spec.suspend but a manifest holds dicts, lists, strings, numbers,"
                " booleans and None, not date; write a value that JSON can hold"
            ),
        ),
    ],
    ids=["no version", "nothing", "300 levels", "5000 levels", "a circle", "annotations", "a date"],
)
def test_a_patch_that_leaves_no_object(tmp_path: Path, operation: dict[str, object], expected: str) -> None:
    env = environment(tmp_path)
    training(env).add_json_patch("Job", operation)
    (one,) = found(env)
    assert f"{one.rule} {one.text}" == expected
    assert str(one.source).startswith(f"{__file__}:")


def test_a_value_that_was_nested_by_several_operations(tmp_path: Path) -> None:
    env = environment(tmp_path)
    down = "/metadata/annotations" + "/a" * 80
    training(env).add_json_patch(
        "Job",
        {"op": "add", "path": "/metadata/annotations", "value": nested(80)},
        {"op": "add", "path": down, "value": nested(80)},
    )
    assert [f"{one.rule} {one.text}" for one in found(env)] == [
        f"X08 test/train: patch of Job but {TOO_DEEP}; write flatter values"
    ]


def test_a_foreign_object_that_is_nested_too_deeply(tmp_path: Path) -> None:
    env = environment(tmp_path)
    raw(env, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": nested(120)})
    assert [f"{one.rule} {one.text}" for one in found(env)] == [
        f"X08 test: ConfigMap a but {TOO_DEEP}; write flatter values"
    ]


@pytest.mark.parametrize("name", ["../../x", "Foo_Bar", "a\nb", "a" * 64])
def test_n19_the_namespace_of_an_object(tmp_path: Path, name: str) -> None:
    """Of a patched one and of a foreign one; the line of the patch is told."""
    env = environment(tmp_path)
    service(env).add_json_patch("Service", {"op": "replace", "path": "/metadata/namespace", "value": name})
    raw(env, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "links", "namespace": name}})
    broken = SHAPE if len(name) < 64 else "a name has at most 63 characters here and this one has 64"
    value = repr(name) if len(name) < 64 else "'" + "a" * 55 + "...'"
    findings = [one for one in found(env) if one.rule == "N19"]
    assert [one.text for one in findings] == [
        f"{who} metadata.namespace={value} but {broken}; correct the name, or leave it out"
        for who in ("test/api: Service api", "test: ConfigMap links")
    ]
    assert str(findings[0].source).startswith(f"{__file__}:")


def test_a_patch_is_blamed_for_what_it_breaks_and_for_nothing_else(tmp_path: Path) -> None:
    """What is wrong without it is told with the line of the workload, though the object is patched."""
    env = environment(tmp_path)
    workload = service(env, image="ghcr.io/acme/model:latest")
    workload.add_json_patch("Deployment", {"op": "add", "path": "/spec/replicas", "value": 3})
    told = {one.rule: str(one.source).partition(":")[0] for one in found(env)}

    # The workload itself is made in tests/support.py.
    assert {rule: Path(file).name for rule, file in told.items()} == {"A12": "test_patches.py", "P01": "support.py"}


CLASSES = """
class Mute(Exception):
    def __str__(self):
        raise ValueError("no")


class Other(BaseException):
    pass


def dev"""
RAISED = {
    "Mute": "Mute: its message cannot be read either",
    "Other('stop')": "Other: stop",
    "GeneratorExit": "GeneratorExit: no message",
    "asyncio.CancelledError": "CancelledError: no message",
}


@pytest.mark.parametrize("raised", RAISED)
def test_x10_whatever_an_environment_raises(tmp_path: Path, raised: str) -> None:
    project = projects.make(tmp_path / "project")
    project.edit("environments/dev.py", "\ndef dev", f"\nimport asyncio\n{CLASSES}")
    project.edit("environments/dev.py", "most=3)", f"most=3)\n    raise {raised}")
    for command in (MAIN_PY, (*MODELYARD_SYNTH, "--jobs", "1"), (*MODELYARD_SYNTH, "--jobs", "2")):
        done = project.run(*command)
        assert (done.code, done.out) == (1, "")
        assert done.err == (
            f"environments/dev.py:23: error[X10] dev: this raised {RAISED[raised]}; mend the line\n"
            "1 error; dist/ is unchanged; modelyard explain X10 tells more\n"
        )


def test_an_interrupt_that_an_environment_raises(tmp_path: Path) -> None:
    """In main.py it is the same as Ctrl-C; the command line hears Ctrl-C in another way, and in all its processes."""
    project = projects.make(tmp_path / "project")
    project.edit("environments/dev.py", "most=3)", "most=3)\n    raise KeyboardInterrupt")
    for jobs in ("1", "2"):
        done = project.run(*MODELYARD_SYNTH, "--jobs", jobs)
        assert (done.code, done.out) == (1, "")
        assert done.err == (
            "environments/dev.py:12: error[X10] dev: this raised KeyboardInterrupt: no message; mend the line\n"
            "1 error; dist/ is unchanged; modelyard explain X10 tells more\n"
        )
    project.edit("main.py", "fleet.synth()", "raise KeyboardInterrupt")
    done = project.run(*MAIN_PY)
    assert (done.code, done.out, done.err) == (-2, "", "interrupted\n")


def test_x10_main_py_raises_no_exception_of_a_common_class(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    project.edit("main.py", "fleet.synth()", "raise GeneratorExit")
    for command in (MAIN_PY, MODELYARD_SYNTH):
        done = project.run(*command)
        assert (done.code, done.out) == (1, "")
        assert done.err == (
            "main.py:8: error[X10] main.py: this raised GeneratorExit: no message; mend the line\n"
            "1 error; dist/ is unchanged; modelyard explain X10 tells more\n"
        )


def test_nobody_reads_what_is_said(tmp_path: Path) -> None:
    """Standard output is closed, or a pipe whose reader has gone."""
    project = projects.make(tmp_path / "project")
    for command in ("modelyard synth >&-", "python main.py >&-", "modelyard synth 2>&- >&-"):
        done = project.run("sh", "-c", command)
        assert (done.code, done.out, done.err) == (0, "", "")
    assert len(project.snapshot()) > 20
    for command in ("explain all", "synth", "list --format json"):
        done = project.run("bash", "-c", f"modelyard {command} | true; exit ${{PIPESTATUS[0]}}")
        assert done.err == ""


def test_a_lock_file_that_cannot_be_written(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    before = (project.root / "environments" / "dev.lock.yaml").read_bytes()
    pin = f"'{MODELYARD}' images pin dev sentiment :2@sha256:{'4' * 64}"
    done = project.run("sh", "-c", f"ulimit -f 0; {pin}")
    lock = project.root / "environments" / "dev.lock.yaml"
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: {lock}: File too large; the lock file is as it was\n"
    assert lock.read_bytes() == before
    assert [path.name for path in lock.parent.glob(".*")] == []
