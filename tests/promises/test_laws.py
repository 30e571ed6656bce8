"""What holds for any fleet: one path an object, the same again, nothing of a neighbour's, and a cost in proportion."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import (
    Claim,
    ConfigFiles,
    CpuScale,
    Environment,
    Fleet,
    Gpu,
    ScalableModelService,
    SecretKey,
    TrainingJob,
    hours,
)
from modelyard.render.engine import Report, Request, synthesize
from modelyard.render.objects import gather
from tests.project import stamps
from tests.support import CLUSTER, IMAGE

Options = dict[str, Any]

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
env_values = st.one_of(texts, st.builds(SecretKey, st.just("secret"), st.just("key")))
shared: dict[str, st.SearchStrategy[Any]] = {
    "env": st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z"), env_values, max_size=3),
    "args": st.lists(texts, min_size=1, max_size=3),
    "cpu": st.sampled_from(["250m", 1, "1500m"]),
    "memory": st.sampled_from(["512Mi", "2Gi"]),
    "labels": st.dictionaries(
        st.sampled_from(["team", "acme.dev/owner"]), st.sampled_from(["a", "1e3", "on", "x.y"]), max_size=2
    ),
    "config": st.one_of(
        st.none(),
        st.builds(
            ConfigFiles, st.just("/etc/app"), st.dictionaries(st.sampled_from(["a.yaml", "B"]), texts, min_size=1)
        ),
    ),
    "volumes": st.one_of(st.just(()), st.just((Claim("data", "/data", read_only=True, access_mode="ReadOnlyMany"),))),
}
services = st.fixed_dictionaries(
    {
        **shared,
        "port": st.integers(1024, 65535),
        "scale": st.sampled_from([None, CpuScale(min=2, max=4)]),
        "health": st.just("/"),
    }
)
trainings = st.fixed_dictionaries(
    {
        **shared,
        "retries": st.integers(0, 9),
        "gpu": st.sampled_from([None, Gpu("l4", 2)]),
        "deadline": st.sampled_from([hours(1), hours(2)]),
    }
)
names = st.from_regex(r"\A[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?\Z")
fleets = st.dictionaries(
    names,
    st.one_of(services.map(lambda options: (True, options)), trainings.map(lambda options: (False, options))),
    min_size=1,
    max_size=5,
)


def made(root: Path, workloads: dict[str, tuple[bool, Options]]) -> Environment:
    """Return a new environment with *workloads*."""
    env = Environment(Fleet(root=root), "test", cluster=CLUSTER, namespace="ml-test")
    for name, (serves, options) in workloads.items():
        (ScalableModelService if serves else TrainingJob)(env, name, image=IMAGE, **options)
    return env


def files(env: Environment) -> dict[str, str]:
    """Return path and text of every object of *env*."""
    gathered = gather(env)
    assert not gathered.failed, [str(finding) for finding in gathered.findings]
    found = {one.path: one.text for one in gathered.objects}
    assert len(found) == len(gathered.objects)
    return found


ROOT = Path("/nowhere")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(workloads=fleets)
def test_the_same_workloads_give_the_same_files(workloads: dict[str, tuple[bool, Options]]) -> None:
    assert files(made(ROOT, workloads)) == files(made(ROOT, workloads))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(workloads=fleets)
def test_objects_and_paths_are_one_to_one_and_every_file_says_what_the_object_is(
    workloads: dict[str, tuple[bool, Options]],
) -> None:
    gathered = gather(made(ROOT, workloads))
    assert not gathered.failed
    paths = [one.path.lower() for one in gathered.objects]
    identities = [(one.api_version, one.kind, one.namespace, one.name) for one in gathered.objects]
    assert len(set(paths)) == len(set(identities)) == len(gathered.objects)
    for one in gathered.objects:
        assert yaml.load(one.text, Loader=yaml.CSafeLoader) == one.data
        assert one.path.startswith(f"test/{one.owner or '_environment'}/")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    workloads=fleets,
    name=names,
    other=st.one_of(services.map(lambda options: (True, options)), trainings.map(lambda options: (False, options))),
)
def test_one_workload_more_leaves_the_files_of_the_others_alone(
    workloads: dict[str, tuple[bool, Options]], name: str, other: tuple[bool, Options]
) -> None:
    without = {one: options for one, options in workloads.items() if one != name}
    before, after = files(made(ROOT, without)), files(made(ROOT, {**without, name: other}))
    assert before.items() <= after.items()
    assert all(path.startswith(f"test/{name}/") for path in after.keys() - before.keys())


def synthesized(root: Path, workloads: dict[str, tuple[bool, Options]]) -> Report:
    """Synthesize *workloads* into ``dist/`` below *root*."""
    return synthesize(Request(main=root / "main.py", fleet=made(root, workloads).fleet))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(workloads=fleets, others=fleets)
def test_what_is_on_disk_is_what_was_rendered_last_and_a_repetition_writes_nothing(
    workloads: dict[str, tuple[bool, Options]], others: dict[str, tuple[bool, Options]]
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for each in (workloads, others):
            report = synthesized(root, each)
            on_disk = {
                str(path.relative_to(root / "dist")): path.read_text() for path in (root / "dist").rglob("*.yaml")
            }
            assert on_disk == files(made(root, each))
            assert len(on_disk) == report.objects
            before = stamps(root)
            again = synthesized(root, each)
            assert (again.changed, again.removed) == ([], [])
            assert stamps(root) == before


def cost(count: int) -> Counter[str]:
    """Return how often what is called while *count* services and as many trainings are made, checked and written."""
    calls: Counter[str] = Counter()

    def called(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            code = frame.f_code
            calls["all"] += 1
            if code.co_name == "send" and "jsii" in code.co_filename:
                calls["jsii"] += 1
            elif code.co_filename.endswith("/rules/check.py") and code.co_name == "finding":
                calls["findings"] += 1
            elif "/modelyard/rules/" in code.co_filename:
                calls["rules"] += 1

    workloads: dict[str, tuple[bool, Options]] = {}
    for number in range(count):
        workloads[f"api-{number}"] = (
            True,
            {"port": 8000, "health": "/", "scale": CpuScale(min=2, max=4), "env": {"N": str(number)}},
        )
        workloads[f"train-{number}"] = (False, {"command": ["train"], "gpu": Gpu("l4"), "deadline": hours(1)})
    with TemporaryDirectory() as folder:
        profiled(called, lambda: synthesized(Path(folder), workloads))
    return calls


def profiled(called: Callable[[FrameType, str, object], None], work: Callable[[], object]) -> None:
    """Do *work* while every call is told to *called*."""
    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)


def test_the_cost_is_in_proportion_to_the_workloads() -> None:
    """Counted in calls, which no other program on the machine changes."""
    cost(1)
    few, more, many = cost(5), cost(20), cost(80)
    for what in ("all", "rules"):
        first, second = (more[what] - few[what]) / 15, (many[what] - more[what]) / 60
        assert 0 < second <= 1.02 * first, f"{what}: {first} calls a pair of workloads at first, {second} later"
    assert many["jsii"] == 0, "nobody has asked cdk8s, so nothing crosses into Node"
    assert many["findings"] == 0
