"""The pods of a training are found by their names, also by those that Kubernetes cuts, and nobody else's are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from modelyard import (
    ArgoCD,
    ArgoHook,
    Checkpoint,
    Crd,
    Environment,
    Fleet,
    JobSet,
    Metrics,
    Monitoring,
    RayJob,
    Schedule,
    Sweep,
    TrainingJob,
    TrainJob,
    VolcanoJob,
    Watch,
    hours,
    minutes,
)
from modelyard.render.objects import Gathered, gather
from tests.support import IMAGE, cluster_with

CLUSTER = cluster_with(
    installed=[Crd.JOBSET, Crd.KUBEFLOW_TRAINER, Crd.KUBERAY, Crd.VOLCANO, Crd.PROMETHEUS_OPERATOR],
    monitoring=Monitoring("monitoring", dashboards={"grafana_dashboard": "1"}),
)
Options = dict[str, Any]
RANDOM, LONGEST = "x2v8k", 63
MINUTES = "29841210"
PODS = re.compile(r'(?<!_)pod=~\\*"([^"\\]*)')
SHAPES: dict[str, Options] = {
    "one pod": {},
    "one pod that saves": {
        "checkpoint": Checkpoint("gs://acme", metric="saved", every=minutes(5)),
        "watch": Watch(metrics=Metrics(9400)),
    },
    "a schedule": {"schedule": Schedule("30 3 * * *")},
    "a hook": {"hook": ArgoHook()},
    "a JobSet": {"backend": JobSet(), "nodes": 12},
    "a TrainJob": {"backend": TrainJob(), "nodes": 12},
    "a RayJob": {"backend": RayJob(), "nodes": 2},
    "a VolcanoJob": {"backend": VolcanoJob(), "nodes": 12},
    "nodes": {"nodes": 12},
    "nodes by schedule": {"nodes": 12, "schedule": Schedule("30 3 * * *")},
    "nodes by hook": {"nodes": 12, "hook": ArgoHook()},
    "a sweep": {"sweep": Sweep(rows=[{"seed": seed} for seed in range(120)], parallel=2)},
}


def gathered(name: str, options: Options) -> Gathered:
    """Return what a training called *name* comes to."""
    delivery = ArgoCD("https://git.example/acme/models")
    cluster = cluster_with(installed=CLUSTER.installed, monitoring=CLUSTER.monitoring)
    if "nodes" in options and "backend" not in options:
        cluster = cluster_with(installed=[Crd.PROMETHEUS_OPERATOR], monitoring=CLUSTER.monitoring)
    env = Environment(Fleet(root=Path("/nowhere")), "test", cluster=cluster, namespace="ml-test", delivery=delivery)
    TrainingJob(env, name, image=IMAGE, command=["train"], deadline=hours(6), **options)
    return gather(env)


def generated(base: str) -> str:
    """Return what the API server makes of ``generateName``, as ``SimpleNameGenerator`` in k8s.io/apiserver does."""
    return base[: LONGEST - len(RANDOM)] + RANDOM


def of_job(job: str, indexes: int | None) -> Iterator[str]:
    """Yield the names of the pods of a *job*, as ``podGenerateNameWithIndex`` of its controller makes them."""
    if indexes is None:
        yield generated(f"{job}-")
        return
    for index in (0, indexes // 2, indexes - 1):
        end = f"-{index}-"
        yield generated(job[: LONGEST - len(RANDOM) - len(end)] + end)


def pods(found: Gathered) -> Iterator[str]:
    """Yield names of pods of the training, as its controllers make them."""
    for one in found.objects:
        spec = one.data.get("spec") or {}
        if one.kind == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        indexes = spec.get("completions") if spec.get("completionMode") == "Indexed" else None
        if one.data["apiVersion"].startswith("batch.volcano.sh"):
            yield from (f"{one.name}-node-{index}" for index in (0, 11))
        elif one.kind == "Job":
            yield from of_job(one.name, indexes)
        elif one.kind == "CronJob":
            yield from of_job(f"{one.name}-{MINUTES}", indexes)
        elif one.kind in {"JobSet", "TrainJob"}:
            yield from of_job(f"{one.name}-node-0", 12)
        elif one.kind == "RayJob":
            cluster = f"{one.name}-bc4d2"
            yield f"{cluster[:50]}-head"
            yield generated(f"{f'{cluster}-node'[:50]}-worker-")
            yield from of_job(one.name, None)


def patterns(found: Gathered) -> set[str]:
    """Return what alerts and dashboard look for."""
    told = [str(one.data) for one in found.objects if one.kind in {"PrometheusRule", "ConfigMap"}]
    return {pattern for text in told for pattern in PODS.findall(text)}


shapes = st.sampled_from(sorted(SHAPES))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(length=st.integers(1, 63), shape=shapes)
def test_every_pod_is_found_by_its_name(length: int, shape: str) -> None:
    """Whatever id is accepted, to the longest."""
    found = gathered("t" * length, SHAPES[shape])
    if found.failed:
        assert length > 38  # a JobSet's pods are called after the most
        return
    names, looked_for = [*pods(found)], patterns(found)

    assert names
    assert looked_for
    assert [(name, one) for one in looked_for for name in names if not re.fullmatch(one, name)] == []


@pytest.mark.parametrize(
    ("shape", "length", "pattern"),
    [
        ("one pod", 48, "{name}-[0-9a-f]{{8}}-{end}"),
        ("one pod", 49, "{name}-[0-9a-f]{{8}}{end}"),
        ("one pod", 54, "{name}-[0-9a-f]{{3}}{end}"),
        ("a schedule", 48, "{name}-[0-9]{{8,}}-{end}"),
        ("a schedule", 52, "{name}-[0-9]{{5}}{end}"),
        ("a hook", 57, "{name}-{end}"),
        ("a hook", 63, "{cut}{end}"),
        ("nodes", 45, "{name}-[0-9a-f]{{8}}-[0-9]+-{end}"),
        ("nodes", 46, "({name}-[0-9a-f]{{8}}-[0-9]{{1}}|{name}-[0-9a-f]{{7}}-[0-9]{{2}})-{end}"),
        ("nodes", 51, "({name}-[0-9a-f]{{3}}-[0-9]{{1}}|{name}-[0-9a-f]{{2}}-[0-9]{{2}})-{end}"),
    ],
)
def test_a_name_that_is_cut_is_looked_for_as_it_is_left(shape: str, length: int, pattern: str) -> None:
    """Kubernetes cuts what stands before the random end, and spares the index."""
    name, end = "t" * length, "[bcdfghjklmnpqrstvwxz2456789]{5}"
    found = gathered(name, SHAPES[shape])

    assert not found.failed
    assert patterns(found) == {pattern.format(name=name, end=end, cut=name[:58])}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    length=st.integers(1, 56),
    ending=st.sampled_from(["-1", "-0", "-api", "-eval", "-v2026-01", "-x", "t", "-node", "s"]),
    shape=shapes,
    other=shapes,
)
@example(length=54, ending="-api", shape="one pod", other="a hook")
def test_no_pod_of_a_neighbour_is(length: int, ending: str, shape: str, other: str) -> None:
    """Neither of a training whose name goes on, nor of a service, whose pods a ReplicaSet makes."""
    name = "t" * length
    own, neighbour = gathered(name, SHAPES[shape]), gathered(name + ending, SHAPES[other])
    assume(not own.failed and not neighbour.failed)
    others = [generated(f"{name}{ending}-6d4cf56db6-"), *pods(neighbour)]

    assert [pod for one in patterns(own) for pod in others if re.fullmatch(one, pod)] == []
