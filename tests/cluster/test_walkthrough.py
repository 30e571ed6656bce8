"""The textbook flow of a model, step by step: deployed, placed, run, served, scaled, updated; and its training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from environments.clusters import KIND
from tests.cluster.api import condition, is_true
from tests.cluster.cluster import AUTOSCALER_PERIOD, Cluster
from tests.cluster.following import Following, Recording, State
from tests.cluster.load import FOR_THREE, Load
from tests.cluster.manifests import apply
from tests.cluster.objects import ended, endpoints, image, name, ready, runs, steady, table
from tests.cluster.repository import Repository

NAMESPACE = "walkthrough-steps"
SERVICE = "kubernetes.io/service-name=ml-model"
SERVING = "app=ml-model"
TRAINING = "app=ml-train"
MEASURED = 120.0
"""A pod is measured twice before its use is known, and each measurement is of the last ten seconds."""
RETRIED = 180.0
"""The Job controller waits 10, 20 and 40 seconds before a retry."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return the example repository, with a window for scaling down that a test can wait for."""
    copy = Repository.at(tmp_path / "repository")
    file = "environments/walkthrough.py"
    copy.edit(file, "CpuScale(min=2, max=5)", "CpuScale(min=2, max=5, scale_down_after=seconds(15))")
    copy.edit(file, "TrainingJob, hours", "TrainingJob, hours, seconds")
    copy.edit(file, 'namespace="walkthrough"', f'namespace="{NAMESPACE}"')
    return copy


@pytest.fixture
def walk(cluster: Cluster, repository: Repository) -> Iterator[Walk]:
    """Have a namespace for one walk, and nodes from the step on that needs them."""
    with contextlib.ExitStack() as stack, cluster.cleared(NAMESPACE):
        yield Walk(cluster, repository, stack)


class Walk:
    """The steps, and what is seen of each."""

    def __init__(self, cluster: Cluster, repository: Repository, stack: contextlib.ExitStack) -> None:
        self.stack = stack
        self.cluster, self.api, self.repository = cluster, cluster.api, repository
        self._began = time.monotonic()
        self.steps: list[tuple[object, ...]] = [("step", "action", "component", "observed", "second")]
        self.values: list[tuple[str, int, int, str]] = [("start", 0, 0, "none")]
        self.objects = self.render()

    def render(self) -> dict[str, dict[str, Any]]:
        """Return what is in git now, by kind and workload."""
        return {
            f"{one['kind']}/{one['metadata'].get('annotations', {}).get('modelyard.dev/name', name(one))}": one
            for one in self.repository.render("walkthrough")
        }

    def step(self, *cells: object) -> None:
        """Note what was seen in a step."""
        self.steps.append((len(self.steps), *cells, round(time.monotonic() - self._began)))

    def look(self, when: str) -> None:
        """Note the values of the second table."""
        deployment = self.api.current(self.objects["Deployment/ml-model"])
        pods = [one for one in self.pods() if runs(one)]
        self.values.append((when, deployment["spec"]["replicas"], len(pods), image(deployment)))

    def pods(self) -> list[dict[str, Any]]:
        """Return the pods of the model."""
        return self.api.all("v1", "Pod", NAMESPACE, labels=SERVING)

    def until_pods(self, seen: Callable[[list[dict[str, Any]]], bool], what: str) -> list[dict[str, Any]]:
        """Wait for pods of the model."""
        return self.api.until(seen, "v1", "Pod", NAMESPACE, labels=SERVING, what=what)

    def until_endpoints(self, count: int) -> list[dict[str, Any]]:
        """Wait until the Service leads to *count* pods; that is a moment after they are ready."""
        return self.api.until(
            lambda found: len(endpoints(found)) == count,
            "discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, labels=SERVICE, what=f"{count} endpoints",
        )  # fmt: skip

    def until_trainer(
        self, seen: Callable[[list[dict[str, Any]]], bool], what: str, labels: str = TRAINING
    ) -> list[dict[str, Any]]:
        """Wait for pods of the training."""
        return self.api.until(seen, "v1", "Pod", NAMESPACE, labels=labels, what=what)

    def why_not_on(self, node: dict[str, Any], *, gpus: int) -> str:
        """Return why the scheduler finds no room for another pod with *gpus* on *node*."""
        container = {"name": "probe", "image": "probe", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}
        probe = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe", "namespace": "default"},
            "spec": {
                "nodeSelector": {"kubernetes.io/hostname": name(node)},
                "tolerations": [{"operator": "Exists"}],
                "serviceAccountName": "default",
                "containers": [container],
            },
        }
        self.api.create(probe)
        seen = self.api.until_one(lambda one: bool(condition(one, "PodScheduled")), probe, what="a decision")
        self.api.delete(probe)
        return condition(seen, "PodScheduled").get("message", "")

    def until_replicas(self, count: int, seconds: float = MEASURED) -> dict[str, Any]:
        """Wait until the autoscaler wants *count* replicas, and they serve."""
        deployment = self.objects["Deployment/ml-model"]
        return self.api.until_one(lambda one: steady(one, count), deployment, what=f"{count} replicas", seconds=seconds)


def test_the_model_is_deployed_served_scaled_and_updated(walk: Walk, observed: Callable[[str], None]) -> None:
    """The table of the walkthrough, with what a cluster shows at each step."""
    api = walk.api
    deployment = walk.objects["Deployment/ml-model"]

    # There is no node yet, so that what the controllers do is seen before the scheduler does anything.
    apply(api, list(walk.objects.values()))
    api.until_one(lambda one: one["status"].get("replicas") == 2, deployment, what="2 replicas")
    pods = walk.until_pods(
        lambda found: [condition(one, "PodScheduled").get("reason") for one in found] == ["Unschedulable"] * 2,
        "2 pods without a node",
    )
    walk.step("apply the Deployment", "Deployment and autoscaler", f"replicas=2, {len(pods)} pods, no node has room")
    walk.look("after 1")

    walk.stack.enter_context(walk.cluster.nodes(KIND))
    with _failing_trainer(walk), Load(api, NAMESPACE, "ml-model") as load:
        load.set(200)
        _place_and_start(walk)
        walk.look("after 3")
        _route(walk)
        _scale_up(walk, load)
        walk.look("after 5")
        _update(walk)
        walk.look("final")
        final = api.current(deployment)
        walk.step("end", "", f"{final['status']['availableReplicas']} replicas serve {image(final)}")
        _scale_down(walk, load)
        _retries(walk)
    _next_run(walk)

    observed(f"\nThe walkthrough, step by step:\n\n{table(*walk.steps)}\n")
    columns = list(zip(*walk.values, strict=True))
    heads = ("value", "Deployment replicas", "pods running", "model version")
    observed(f"{table(*((head, *column) for head, column in zip(heads, columns, strict=True)))}\n")
    assert columns == [
        ("start", "after 1", "after 3", "after 5", "final"),
        (0, 2, 2, 3, 3),
        (0, 0, 2, 3, 3),
        ("none", "v1", "v1", "v1", "v2"),
    ]


def _place_and_start(walk: Walk) -> None:
    pods = walk.until_pods(lambda found: all(one["spec"].get("nodeName") for one in found), "2 placed pods")
    places = sorted(one["spec"]["nodeName"] for one in pods)
    walk.step("assign pods to nodes", "kube-scheduler", f"on {places[0]} and {places[1]}")
    assert len(set(places)) == 2

    pods = walk.until_pods(lambda found: len(found) == 2 and all(map(ready, found)), "2 ready pods")
    ports = [port["containerPort"] for one in pods for port in one["spec"]["containers"][0]["ports"]]
    walk.step("start containers", "kubelet (KWOK)", f"{len(pods)} containers run and listen on port {ports[0]}")
    assert ports == [5000, 5000]


def _route(walk: Walk) -> None:
    slices = walk.until_endpoints(2)
    port = slices[0]["ports"][0]["port"]
    walk.step("route traffic", "Service", f"{len(endpoints(slices))} ready endpoints on port {port}")
    assert {one["targetRef"]["name"] for one in endpoints(slices)} == {name(one) for one in walk.pods()}
    assert port == 5000


def _scale_up(walk: Walk, load: Load) -> None:
    autoscaler = walk.objects["HorizontalPodAutoscaler/ml-model"]
    walk.api.until_one(
        lambda one: is_true(one, "ScalingActive"), autoscaler, what="the autoscaler knows the use", seconds=MEASURED
    )
    assert walk.api.current(autoscaler)["status"]["desiredReplicas"] == 2
    with Recording(walk.api, "autoscaling/v2", "HorizontalPodAutoscaler", NAMESPACE) as seen:
        load.set(FOR_THREE)
        walk.until_replicas(3)
    highest = max(_use(one) for one in seen.one())
    wanted = sorted({one["status"].get("desiredReplicas", 0) for one in seen.one()})
    walk.step("watch the load", "HorizontalPodAutoscaler", f"CPU use up to {highest} % of the request: 2 -> 3")
    assert wanted == [2, 3]
    assert 77 < highest <= 105


def _update(walk: Walk) -> None:
    deployment = walk.objects["Deployment/ml-model"]
    old = {name(one) for one in walk.pods()}
    walk.until_endpoints(3)
    walk.repository.pin("walkthrough", "mlmodel", "v2")
    walk.objects = walk.render()
    with (
        Recording(walk.api, "apps/v1", "Deployment", NAMESPACE) as rollout,
        Recording(walk.api, "discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, labels=SERVICE) as routes,
    ):
        changed = walk.api.apply(walk.objects["Deployment/ml-model"]).body
        generation = changed["metadata"]["generation"]
        walk.api.until_one(
            lambda one: one["metadata"]["generation"] >= generation and steady(one), deployment, what="a rollout"
        )
        left = walk.until_pods(lambda found: not old & {name(one) for one in found}, "no old pods")
    states = rollout.one()
    fewest = min(one["status"]["availableReplicas"] for one in states)
    most = max(one["status"]["replicas"] for one in states)
    reachable = min(len(endpoints(state.values())) for _, state in routes.states)
    walk.step(
        "new image", "Deployment controller",
        f"rolling update to v2: never fewer than {fewest} available and {reachable} endpoints, at most {most} pods,"
        f" in {len(states)} states seen",
    )  # fmt: skip
    walk.step("end the old pods", "Deployment controller", f"{len(old)} old pods are gone, {len(left)} new ones serve")
    assert {one["spec"]["replicas"] for one in states} == {3}
    # How many there are for a moment is not promised: the new one may be made before the old one is deleted.
    assert (fewest, reachable) == (3, 3)
    assert [image(one) for one in left] == ["v2", "v2", "v2"]


def _scale_down(walk: Walk, load: Load) -> None:
    with Recording(walk.api, "apps/v1", "Deployment", NAMESPACE) as seen:
        load.set(300)
        fell = time.monotonic()
        walk.until_replicas(2)
        waited = time.monotonic() - fell
    replicas = [one["spec"]["replicas"] for one in seen.one()]
    autoscaler = walk.api.current(walk.objects["HorizontalPodAutoscaler/ml-model"])
    window = autoscaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
    walk.step("load falls", "HorizontalPodAutoscaler", f"3 -> 2 after {waited:.0f} s; the window is {window} s")
    # The window begins with the last look that saw the load, and that may have been a moment before.
    assert waited > window - AUTOSCALER_PERIOD
    assert sorted(replicas, reverse=True) == replicas
    assert set(replicas) == {3, 2}


@contextlib.contextmanager
def _failing_trainer(walk: Walk) -> Iterator[None]:
    """Let each pod of the training fail, once it is known what the first one has taken from its node."""
    job = walk.objects["Job/ml-train"]
    first = walk.until_trainer(lambda found: len(found) == 1 and runs(found[0]), "1 running trainer")[0]
    node = walk.api.get("v1", "Node", first["spec"]["nodeName"])
    asked = first["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"]
    refusal = walk.why_not_on(node, gpus=3)
    walk.step(
        "train", "Job controller, kube-scheduler",
        f"{asked} of {node['status']['allocatable']['nvidia.com/gpu']} GPUs of {name(node)} are taken",
    )  # fmt: skip
    assert node["metadata"]["labels"]["accelerator"] == "nvidia-t4"
    assert asked == "2"
    assert "1 Insufficient nvidia.com/gpu" in refusal
    failed: set[str] = set()

    def fail(pods: State) -> None:
        for pod in pods.values():
            if runs(pod) and name(pod) not in failed:
                failed.add(name(pod))
                walk.cluster.exits(pod, 1)

    labels = f"batch.kubernetes.io/job-name={name(job)}"
    with Following(walk.api, fail, "v1", "Pod", NAMESPACE, labels=labels):
        yield


def _retries(walk: Walk) -> None:
    job = walk.objects["Job/ml-train"]
    ended_job = walk.api.until_one(ended, job, what="the end of the training", seconds=RETRIED)
    pods = walk.api.all("v1", "Pod", NAMESPACE, labels=TRAINING)
    walk.step(
        "the training fails", "Job controller",
        f"{len(pods)} pods, the first and {len(pods) - 1} retries; then {ended(ended_job)}"
        f" ({condition(ended_job, 'Failed')['reason']})",
    )  # fmt: skip
    assert ended_job["status"]["failed"] == len(pods) == 4
    assert condition(ended_job, "Failed")["reason"] == "BackoffLimitExceeded"


def _next_run(walk: Walk) -> None:
    """Mend the image: that is another Job, which runs once."""
    failed = walk.objects["Job/ml-train"]
    walk.repository.pin("walkthrough", "ml-image", "v2")
    job = walk.render()["Job/ml-train"]
    labels = f"batch.kubernetes.io/job-name={name(job)}"
    with Recording(walk.api, "v1", "Pod", NAMESPACE, labels=labels) as seen:
        walk.api.apply(job)
        trainer = walk.until_trainer(lambda found: any(map(runs, found)), "a running trainer", labels)[0]
        walk.cluster.exits(trainer, 0)
        done = walk.api.until_one(ended, job, what="the end of the training")
    walk.step(
        "new training image", "Job controller",
        f"a run of its own, {done['status']['succeeded']} pod, {ended(done)}; the failed one stays as it was",
    )  # fmt: skip
    assert name(job) != name(failed)
    assert ended(done) == "Complete"
    assert {key for _, state in seen.states for key in state} == {f"{NAMESPACE}/{name(trainer)}"}
    assert ended(walk.api.current(failed)) == "Failed"


def _use(autoscaler: dict[str, Any]) -> int:
    metrics = autoscaler.get("status", {}).get("currentMetrics") or []
    return max((one["containerResource"]["current"].get("averageUtilization", 0) for one in metrics), default=0)
