"""What happens to a training that is preempted, changed, spread over nodes and scheduled, which no schema shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import Accelerator, Gpu, Schedule, TrainingJob, hours
from modelyard import Cluster as Claimed
from tests.cluster.api import condition, is_true
from tests.cluster.cluster import Cluster
from tests.cluster.manifests import apply
from tests.cluster.objects import ended, image, name, runs
from tests.cluster.programs import NEWEST
from tests.cluster.rendezvous import published, variables, waits
from tests.support import environment, objects

Observed = Callable[[str], None]
Objects = dict[str, dict[str, Any]]
POOL = Claimed(
    "runs",
    kubernetes=NEWEST,
    accelerators=[Accelerator("a10", per_node=2, nodes=3, node_selector={"accelerator": "a10"})],
)
ONE_NODE = Claimed(
    "preempted",
    kubernetes=NEWEST,
    accelerators=[Accelerator("l40s", per_node=2, nodes=1, node_selector={"accelerator": "l40s"})],
)
IMPORTANT = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "important", "namespace": "default"},
    "spec": {
        "priorityClassName": "important",
        "nodeSelector": {"accelerator": "l40s"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "x", "image": "x", "resources": {"limits": {"nvidia.com/gpu": "2"}}}],
    },
}
"""Asks for the accelerators that the training has, with a higher priority."""
NEXT_MINUTE = 150.0
"""A CronJob fires at the full minute, and not in the one that is going on when it is made."""


def training(root: Path, namespace: str, cluster: Claimed, **options: Any) -> Objects:
    """Return a training of its own environment."""
    env = environment(root, cluster=cluster, namespace=namespace)
    stock = {"image": tagged("v1"), "command": ["python", "train.py"], "deadline": hours(1)}
    TrainingJob(env, "train", **{**stock, **options})
    return objects(env)


def tagged(tag: str) -> str:
    """Return an image of version *tag*."""
    return f"ghcr.io/acme/train:{tag}@sha256:{'0123456789abcdef' * 4}"


@pytest.fixture(scope="module")
def pool(cluster: Cluster) -> Iterator[None]:
    """Have nodes for the trainings of this module."""
    with cluster.nodes(POOL):
        yield


@pytest.fixture(scope="module")
def scheduled(cluster: Cluster, pool: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:  # noqa: ARG001 # where it runs
    """Have a training on a schedule while the other tests run: it takes up to a minute to begin."""
    root = tmp_path_factory.mktemp("scheduled")
    manifests = training(root, "scheduled", POOL, nodes=2, schedule=Schedule("* * * * *"))
    with cluster.cleared("scheduled"):
        apply(cluster.api, list(manifests.values()))
        yield manifests


@pytest.mark.usefixtures("scheduled")
def test_a_preemption_is_no_failure_of_a_training(cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """A training without any retry begins anew after the scheduler ended its pod; a failure of its own ends it."""
    api = cluster.api
    manifests = training(tmp_path, "preempted", ONE_NODE, gpu=Gpu("l40s", 2), retries=0)
    job = manifests["Job/train"]
    priority = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}}
    api.apply({**priority, "value": 1000}, manager="platform-team")
    with cluster.nodes(ONE_NODE, cpu_nodes=0), cluster.cleared("preempted"):
        apply(api, list(manifests.values()))
        trainer = _trainers(cluster, job, 1)[0]
        more = api.create(IMPORTANT)
        try:
            gone = api.until_one(
                lambda one: is_true(one, "DisruptionTarget"), {"apiVersion": "v1", "kind": "Pod", **trainer},
                what="a preempted trainer",
            )  # fmt: skip
            api.until_one(runs, more, what="the more important pod")
        finally:
            api.delete(more)
        again = _trainers(cluster, job, 1)[0]
        preempted = api.current(job)
        cluster.exits(again, 1)
        done = api.until_one(ended, job, what="the end of the training")
    reason = condition(gone, "DisruptionTarget")["reason"]
    failures = (preempted["status"].get("failed", 0), done["status"]["failed"])
    observed(
        f"retries=0: after {reason} failed={failures[0]} and a new pod;"
        f" after a failure of its own failed={failures[1]} and {ended(done)}"
    )
    assert reason == "PreemptionByScheduler"
    assert name(again) != name(trainer)
    assert failures == (0, 1)
    assert condition(done, "Failed")["reason"] == "BackoffLimitExceeded"


@pytest.mark.usefixtures("scheduled")
def test_every_node_of_a_training_finds_the_first_one(cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """The rendezvous address that each pod is given is one that DNS serves, and leads to the pod of rank 0."""
    manifests = training(tmp_path, "gang", POOL, nodes=3, gpu=Gpu("a10", 2))
    with cluster.cleared("gang"):
        apply(cluster.api, list(manifests.values()))
        job = cluster.api.current(manifests["Job/train"])
        address = _meets(cluster, job, 3)
        places = {one["spec"]["nodeName"] for one in _trainers(cluster, job, 3)}
    observed(f"3 nodes: every pod asks for {address}, which is the pod of rank 0; they run on {len(places)} nodes")
    assert address == f"{name(job)}-0.train.gang.svc"
    assert places == {"runs-a10-0", "runs-a10-1", "runs-a10-2"}


@pytest.mark.usefixtures("scheduled")
def test_a_new_image_is_a_new_run_and_the_running_one_lives_on(
    cluster: Cluster, tmp_path: Path, observed: Observed
) -> None:
    """Two Jobs, each with its own image, and the first pod is the one it was."""
    api = cluster.api
    first = training(tmp_path, "changed", POOL, gpu=Gpu("a10"))
    second = training(tmp_path, "changed", POOL, gpu=Gpu("a10"), image=tagged("v2"))
    with cluster.cleared("changed"):
        apply(api, list(first.values()))
        before = _trainers(cluster, first["Job/train"], 1)[0]
        apply(api, list(second.values()))
        new = _trainers(cluster, second["Job/train"], 1)[0]
        after = api.current({"apiVersion": "v1", "kind": "Pod", **before})
        active = api.until(
            lambda found: [one.get("status", {}).get("active") for one in found] == [1, 1],
            "batch/v1", "Job", "changed", what="two Jobs that count their pod",
        )  # fmt: skip
        jobs = {name(one): image(one) for one in active}
    observed(f"a new image: {' and '.join(f'{job} runs {tag}' for job, tag in sorted(jobs.items()))}")
    assert jobs == {name(first["Job/train"]): "v1", name(second["Job/train"]): "v2"}
    assert runs(after)
    assert after["metadata"]["uid"] == before["metadata"]["uid"] != new["metadata"]["uid"]


def test_a_schedule_fires_and_its_run_is_valid(cluster: Cluster, scheduled: Objects, observed: Observed) -> None:
    """The run has a name of its own, in which its pods find each other all the same."""
    api = cluster.api
    cron = scheduled["CronJob/train"]
    jobs = api.until(bool, "batch/v1", "Job", "scheduled", what="a run", seconds=NEXT_MINUTE)
    job = min(jobs, key=lambda one: str(one["metadata"]["creationTimestamp"]))
    address = _meets(cluster, job, 2)
    for pod in _trainers(cluster, job, 2):
        cluster.exits(pod, 0)
    done = api.until_one(ended, job, what="the end of the run")
    fired = api.until_one(
        lambda one: "lastSuccessfulTime" in one.get("status", {}), cron, what="a schedule that knows of its run"
    )
    observed(f"schedule {cron['spec']['schedule']}: {name(job)} ran, {ended(done)}; its pods met at {address}")
    assert [owner["kind"] for owner in job["metadata"]["ownerReferences"]] == ["CronJob"]
    assert address == f"{name(job)}-0.train.scheduled.svc"
    assert name(job) != name(cron)
    assert ended(done) == "Complete"
    assert "lastScheduleTime" in fired["status"]


def _trainers(cluster: Cluster, job: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Wait for *count* running pods of *job*."""
    found = cluster.api.until(
        lambda pods: sum(map(runs, pods)) == count,
        "v1", "Pod", job["metadata"]["namespace"], labels=f"batch.kubernetes.io/job-name={name(job)}",
        what=f"{count} running pods of {name(job)}",
    )  # fmt: skip
    return [one for one in found if runs(one)]


def _meets(cluster: Cluster, job: dict[str, Any], count: int) -> str:
    """Check that all pods of *job* find each other, and return the address of the first."""
    namespace = job["metadata"]["namespace"]
    pods = _trainers(cluster, job, count)
    slices = cluster.api.until(
        lambda found: len(published("train", namespace, found)) == count,
        "discovery.k8s.io/v1", "EndpointSlice", namespace, what=f"names of {count} pods",
    )  # fmt: skip
    names = published("train", namespace, slices)
    given = {name(one): variables(one, one["spec"]["containers"][0]) for one in pods}
    addresses = {one["PET_MASTER_ADDR"] for one in given.values()}
    assert sorted(one["spec"]["hostname"] for one in pods) == [f"{name(job)}-{rank}" for rank in range(count)]
    assert sorted(one["PET_NODE_RANK"] for one in given.values()) == [str(rank) for rank in range(count)]
    assert {one["PET_NNODES"] for one in given.values()} == {str(count)}
    assert len(addresses) == 1
    address = addresses.pop()
    assert given[names[address]]["PET_NODE_RANK"] == "0"
    assert {port["port"] for one in slices for port in one["ports"]} == {int(given[names[address]]["PET_MASTER_PORT"])}
    assert [waits(one, names).returncode for one in pods] == [0] * count
    return address
