"""What happens to a service when it is updated, drained and scaled, which no schema shows."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import Accelerator, CpuScale, Gpu, ScalableModelService, seconds
from modelyard import Cluster as Claimed
from tests.cluster.api import condition
from tests.cluster.cluster import Cluster
from tests.cluster.following import Recording
from tests.cluster.load import Load
from tests.cluster.manifests import apply
from tests.cluster.objects import image, name, ready, steady
from tests.cluster.programs import NEWEST, built
from tests.support import environment, found_by, objects

Observed = Callable[[str], None]
Objects = dict[str, dict[str, Any]]
MEASURED = 120.0
POOL = Claimed(
    "full-pool",
    kubernetes=NEWEST,
    accelerators=[Accelerator("a10", per_node=2, nodes=1, node_selector={"accelerator": "a10"})],
)
PLAIN = Claimed("plain", kubernetes=NEWEST)
LEAVING = Claimed("leaving", kubernetes=NEWEST)
STAYING = Claimed("staying", kubernetes=NEWEST)
WITHOUT_REQUEST = {"op": "remove", "path": "/spec/template/spec/containers/0/resources/requests/cpu"}
SOON = {"op": "replace", "path": "/spec/progressDeadlineSeconds", "value": 10}


def tagged(tag: str) -> str:
    """Return an image of version *tag*."""
    return f"ghcr.io/acme/model:{tag}@sha256:{'0123456789abcdef' * 4}"


@pytest.fixture(scope="module")
def busy(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Objects, list[str]]]:
    """Have a service without CPU request under load while the other tests run: it takes a while to be measured."""
    env = environment(tmp_path_factory.mktemp("busy"), cluster=PLAIN, namespace="busy")
    options: dict[str, Any] = {"image": tagged("v1"), "port": 8000, "scale": CpuScale(min=2, max=5)}
    ScalableModelService(env, "api", **options).add_json_patch("Deployment", WITHOUT_REQUEST)
    refusals = found_by(env, "A05")
    env = environment(tmp_path_factory.mktemp("busy"), cluster=PLAIN, namespace="busy")
    accepted = ScalableModelService(env, "api", **options, accept={"A05": "to see what happens"})
    accepted.add_json_patch("Deployment", WITHOUT_REQUEST)
    manifests = objects(env)
    with cluster.nodes(PLAIN), cluster.cleared("busy"):
        apply(cluster.api, list(manifests.values()))
        with Load(cluster.api, "busy", "api") as load:
            load.set(4000)
            yield manifests, refusals


def chat(root: Path, tag: str, **options: Any) -> Objects:
    """Return a service that needs every accelerator of the pool."""
    env = environment(root, cluster=POOL, namespace="full-pool")
    service = ScalableModelService(
        env, "chat", image=tagged(tag), port=8000, gpu=Gpu("a10"), replicas=2, start_within=seconds(5), **options
    )
    service.add_json_patch("Deployment", SOON)
    return objects(env)


@pytest.mark.usefixtures("busy")
def test_a_rollout_on_a_full_pool_ends_only_where_it_ends_a_pod_first(
    cluster: Cluster, tmp_path: Path, observed: Observed
) -> None:
    """With a surge the new pod waits for an accelerator that the old ones hold; by default it gets one."""
    api = cluster.api
    surge: dict[str, Any] = {"rollout": "surge", "accept": {"D03": "to see it"}}
    with cluster.nodes(POOL, cpu_nodes=0), cluster.cleared("full-pool"):
        deployment = chat(tmp_path, "v1", **surge)["Deployment/chat"]
        apply(api, list(chat(tmp_path, "v1", **surge).values()))
        api.until_one(lambda one: steady(one, 2), deployment, what="2 replicas of v1")

        api.apply(chat(tmp_path, "v2", **surge)["Deployment/chat"])
        stuck = api.until_one(
            lambda one: condition(one, "Progressing").get("reason") == "ProgressDeadlineExceeded",
            deployment, what="a rollout that does not end",
        )  # fmt: skip
        pods = api.all("v1", "Pod", "full-pool")
        waiting = [one for one in pods if "nodeName" not in one["spec"]]
        why = condition(waiting[0], "PodScheduled")["message"]
        observed(f"full pool, rollout with surge 1: {condition(stuck, 'Progressing')['reason']}; the new pod: {why}")
        assert [image(one) for one in waiting] == ["v2"]
        assert sorted(image(one) for one in pods if ready(one)) == ["v1", "v1"]
        assert "1 Insufficient nvidia.com/gpu" in why

        with Recording(api, "apps/v1", "Deployment", "full-pool") as seen:
            api.apply(chat(tmp_path, "v2")["Deployment/chat"])
            api.until_one(lambda one: steady(one, 2) and image(one) == "v2", deployment, what="2 replicas of v2")
        fewest = min(one["status"].get("availableReplicas", 0) for one in seen.one())
        pods = api.until(lambda found: len(found) == 2, "v1", "Pod", "full-pool", what="2 pods")
        observed(f"full pool, rollout by default: ends with 2 of v2, never fewer than {fewest} available")
        assert [image(one) for one in pods] == ["v2", "v2"]
        assert fewest >= 1


def test_the_rollout_that_waits_forever_is_refused(tmp_path: Path) -> None:
    """Before it is in git."""
    env = environment(tmp_path, cluster=POOL, namespace="full-pool")
    ScalableModelService(env, "chat", image=tagged("v1"), port=8000, gpu=Gpu("a10"), replicas=2, rollout="surge")

    assert len(found_by(env, "D03")) == 1


@pytest.mark.usefixtures("busy")
def test_a_drain_ends_and_takes_one_replica_at_a_time(cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """The budget lets every pod go, and none before the one before it is replaced."""
    env = environment(tmp_path, cluster=LEAVING, namespace="drained")
    # There are the nodes of the service above, too.
    here = {"drain": "test"}
    ScalableModelService(env, "api", image=tagged("v1"), port=8000, replicas=3, health="/", node_selector=here)
    manifests = objects(env)
    deployment = manifests["Deployment/api"]
    api = cluster.api
    with (
        cluster.nodes(LEAVING, cpu_nodes=1, labels=here),
        contextlib.ExitStack() as later,
        cluster.cleared("drained"),
    ):
        apply(api, list(manifests.values()))
        api.until_one(lambda one: steady(one, 3), deployment, what="3 replicas")
        later.enter_context(cluster.nodes(STAYING, cpu_nodes=1, labels=here))
        with Recording(api, "apps/v1", "Deployment", "drained") as seen:
            began = time.monotonic()
            done = _drain(cluster, "leaving-cpu-0")
            took = time.monotonic() - began
            api.until_one(lambda one: steady(one, 3), deployment, what="3 replicas")
        pods = api.all("v1", "Pod", "drained")
    fewest = min(one["status"].get("availableReplicas", 0) for one in seen.one())
    refused = len(re.findall(r"would violate the pod's disruption budget", done.stderr))
    observed(
        f"drain of a node with 3 of 3 replicas: over after {took:.0f} s, never fewer than {fewest} available,"
        f" {refused} evictions put off by the budget"
    )
    assert done.returncode == 0, done.stderr
    assert {one["spec"]["nodeName"] for one in pods} == {"staying-cpu-0"}
    assert fewest >= 2
    assert refused > 0


def test_an_autoscaler_without_request_never_scales(
    cluster: Cluster, busy: tuple[Objects, list[str]], observed: Observed
) -> None:
    """However busy the pods are: there is nothing to compare their use with. So modelyard refuses it."""
    manifests, refusals = busy
    found = cluster.api.until_one(
        lambda one: "missing request for cpu" in condition(one, "ScalingActive").get("message", ""),
        manifests["HorizontalPodAutoscaler/api"],
        what="an autoscaler that has measured the use",
        seconds=MEASURED,
    )
    deployment = cluster.api.current(manifests["Deployment/api"])
    use = cluster.api.request("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/busy/pods").body["items"]
    pods = ", ".join(f"{name(one)[-5:]} {one['containers'][0]['usage']['cpu']}" for one in use)
    scaling = condition(found, "ScalingActive")
    observed(
        f"no CPU request, pods use {pods}: replicas={deployment['spec']['replicas']},"
        f" {scaling['reason']}: {scaling['message']}"
    )
    assert scaling["status"] == "False"
    assert scaling["reason"] == "FailedGetContainerResourceMetric"
    assert deployment["spec"]["replicas"] == 2
    assert len(refusals) == 1


def _drain(cluster: Cluster, node: str) -> subprocess.CompletedProcess[str]:
    kubectl = built(f"kubernetes-{NEWEST}")["kubectl"]
    config = f"--kubeconfig={cluster.kubeconfig('admin')}"
    return subprocess.run(
        [kubectl, config, "drain", node, "--delete-emptydir-data", "--timeout=120s"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
