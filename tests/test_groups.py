"""Replicas on several nodes by LeaderWorkerSet, and what services take of a cluster's accelerators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Accelerator,
    Bucket,
    Claim,
    Cluster,
    CpuScale,
    Crd,
    Fabric,
    Gpu,
    MLServer,
    ScalableModelService,
    SGLang,
)
from tests.manifests import MISSING, at
from tests.support import DIGEST, environment, found, objects

IMAGE = f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}"
LEADER = "spec.leaderWorkerTemplate.leaderTemplate"
WORKER = "spec.leaderWorkerTemplate.workerTemplate"
ROLLING = "spec.rolloutStrategy.rollingUpdateConfiguration"
IN_PLACE = {"maxUnavailable": 1, "maxSurge": 0}


def cluster(**options: Any) -> Cluster:
    """Return a cluster with H200s and LeaderWorkerSet."""
    accelerator = Accelerator("h200", per_node=8, nodes=8, **options)
    return Cluster("main", kubernetes="1.36", installed=[Crd.LWS], accelerators=[accelerator])


def slices(per_node: int = 4) -> Cluster:
    """Return a cluster with slices of eight TPUs, and LeaderWorkerSet."""
    accelerator = Accelerator("v5e", "google.com/tpu", per_node=per_node, nodes=4, topology="2x4")
    return Cluster("main", kubernetes="1.36", installed=[Crd.LWS], accelerators=[accelerator])


def grouped(root: Path, where: Cluster | None = None, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of a service on two nodes."""
    scope = environment(root, cluster=where or cluster())
    stock: dict[str, Any] = {
        "image": IMAGE, "runtime": VLLM(), "model": Bucket("gs://models/r1"), "gpu": Gpu("h200", 8), "nodes": 2,
    }  # fmt: skip
    ScalableModelService(scope, "r1", **{**stock, **options})
    return objects(scope)


def wrong(root: Path, where: Cluster, **options: Any) -> list[str]:
    """Return the findings on a service on two nodes."""
    scope = environment(root, cluster=where)
    stock: dict[str, Any] = {"image": IMAGE, "runtime": VLLM(), "model": "/m", "gpu": Gpu("h200", 8), "nodes": 2}
    ScalableModelService(scope, "r1", **{**stock, **options})
    return [f"{one.rule} {one.text}" for one in found(scope)]


def test_leader_and_workers_find_each_other_and_divide_the_model(tmp_path: Path) -> None:
    """A server over all accelerators; only its leader takes requests."""
    made = grouped(tmp_path)
    group = made["LeaderWorkerSet/r1"]
    args = [
        "gs://models/r1",
        "--port=8000",
        "--served-model-name=r1",
        "--tensor-parallel-size=8",
        "--pipeline-parallel-size=2",
        "--load-format=runai_streamer",
        "--nnodes=2",
        "--node-rank=$(LWS_WORKER_INDEX)",
        "--master-addr=$(LWS_LEADER_ADDRESS)",
    ]

    assert "Deployment/r1" not in made
    assert at(group, "spec.replicas") == 1
    assert at(group, "spec.leaderWorkerTemplate.size") == 2
    assert at(group, "spec.leaderWorkerTemplate.restartPolicy") == "RecreateGroupOnPodRestart"
    assert at(group, "spec.startupPolicy") == "LeaderCreated"
    assert at(group, f"{LEADER}.spec.containers[0].args") == [*args, "--shutdown-timeout=45"]
    assert at(group, f"{WORKER}.spec.containers[0].args") == [*args, "--headless", "--shutdown-timeout=45"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe", "ports"):
        assert at(group, f"{LEADER}.spec.containers[0].{name}") != MISSING
        assert at(group, f"{WORKER}.spec.containers[0].{name}") == MISSING


def test_requests_reach_the_leader_and_the_pods_each_other(tmp_path: Path) -> None:
    """The Service keeps the service's name, so the set takes other names for its pods."""
    made = grouped(tmp_path)
    group = made["LeaderWorkerSet/r1"]

    assert at(made["Service/r1"], "spec.selector") == {"app": "r1", "modelyard.dev/role": "leader"}
    assert at(group, f"{LEADER}.metadata.labels.modelyard|dev/role") == "leader"
    assert at(group, f"{WORKER}.metadata.labels.modelyard|dev/role") == "worker"
    assert at(group, "spec.networkConfig") == {"subdomainPolicy": "UniquePerReplica"}
    assert at(made["NetworkPolicy/r1"], "spec.ingress[1]") == {
        "from": [{"podSelector": {"matchLabels": {"app": "r1"}}}]
    }


def test_workers_outlive_the_requests_of_their_leader(tmp_path: Path) -> None:
    """They are told to end at the same time, and wait for as long as it may take."""
    group = grouped(tmp_path)["LeaderWorkerSet/r1"]
    hook = "spec.containers[0].lifecycle.preStop.sleep.seconds"

    assert (at(group, f"{LEADER}.{hook}"), at(group, f"{WORKER}.{hook}")) == (15, 60)
    assert at(group, f"{LEADER}.spec.terminationGracePeriodSeconds") == 65
    assert at(group, f"{WORKER}.spec.terminationGracePeriodSeconds") == 65


def test_sglang_runs_on_several_nodes_too(tmp_path: Path) -> None:
    """In its own words, the same on each."""
    runtime = SGLang("0.5.3", tensor_parallel=16)
    group = grouped(tmp_path, runtime=runtime, model="/opt/model")["LeaderWorkerSet/r1"]
    args = at(group, f"{LEADER}.spec.containers[0].args")

    assert args[5:] == [
        "--tp-size=16",
        "--nnodes=2",
        "--node-rank=$(LWS_WORKER_INDEX)",
        "--dist-init-addr=$(LWS_LEADER_ADDRESS):20000",
    ]
    assert at(group, f"{WORKER}.spec.containers[0].args") == args


def test_a_program_of_ones_own_runs_on_several_nodes(tmp_path: Path) -> None:
    """It reads what the set tells every pod."""
    group = grouped(tmp_path, runtime=None, model=None, port=8000, command=["serve"])["LeaderWorkerSet/r1"]
    assert at(group, f"{WORKER}.spec.containers[0].command") == ["serve"]


def test_the_fabric_between_the_nodes_is_asked_for(tmp_path: Path) -> None:
    """As trainings on several nodes do."""
    fabric = Fabric({"rdma/hca": 8})
    group = grouped(tmp_path, cluster(fabric=fabric))["LeaderWorkerSet/r1"]
    for pods in (LEADER, WORKER):
        assert at(group, f"{pods}.spec.containers[0].resources.limits.rdma/hca") == "8"


def test_a_replica_has_a_slice_of_tpus_to_itself(tmp_path: Path) -> None:
    """
    Its pods in one, as LeaderWorkerSet does by the label; and no other replica or run, in whatever namespace.

    LeaderWorkerSet adds its terms unless the pod has an affinity and an anti-affinity for the label already.
    """
    pool, label = "cloud.google.com/gke-nodepool", "leaderworkerset.sigs.k8s.io/group-key"
    made = grouped(tmp_path, slices(), gpu=Gpu("v5e", 4), replicas=2)
    group = made["LeaderWorkerSet/r1"]

    def others(key: str, **more: Any) -> dict[str, Any]:
        selector = {"matchExpressions": [{"key": key, "operator": "Exists"}]}
        return {"labelSelector": selector, **more, "namespaceSelector": {}, "topologyKey": pool}

    assert at(group, "metadata.annotations") == {"leaderworkerset.sigs.k8s.io/exclusive-topology": pool}
    assert at(group, f"{LEADER}.spec.affinity") == {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                others(label, mismatchLabelKeys=[label]),
                others("batch.kubernetes.io/job-name"),
                others("volcano.sh/job-name"),
            ]
        }
    }
    assert at(group, f"{WORKER}.spec.affinity") == MISSING
    for pods in (LEADER, WORKER):
        assert at(group, f"{pods}.spec.nodeSelector") == {"cloud.google.com/gke-tpu-topology": "2x4"}
        assert at(group, f"{pods}.spec.containers[0].resources.limits.google|com/tpu") == "4"


@pytest.mark.parametrize("options", [{}, {"per_node": 8}], ids=["gpus", "a slice of one host"])
def test_other_replicas_go_where_there_is_room(tmp_path: Path, options: dict[str, Any]) -> None:
    """Nothing but a slice of several hosts has to be taken as a whole."""
    where = slices(**options) if options else cluster()
    gpu = Gpu("v5e", 8) if options else Gpu("h200", 8)
    group = grouped(tmp_path, where, gpu=gpu)["LeaderWorkerSet/r1"]

    assert at(group, "metadata.annotations") == MISSING
    assert at(group, f"{LEADER}.spec.affinity") == MISSING


@pytest.mark.parametrize(
    ("spare", "options", "expected"),
    [
        (0, {}, {"maxUnavailable": "100%", "maxSurge": 0}),
        (0, {"replicas": 2}, IN_PLACE),
        (8, {"replicas": 2}, IN_PLACE),
        (16, {"replicas": 2}, {"maxUnavailable": 0, "maxSurge": 1}),
        (16, {"replicas": 2, "rollout": "in-place"}, IN_PLACE),
    ],
)
def test_a_rollout_replaces_whole_replicas(
    tmp_path: Path, spare: int, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """It adds one only where the cluster keeps the accelerators of all its nodes free."""
    made = grouped(tmp_path, cluster(spare=spare), **options)
    assert at(made["LeaderWorkerSet/r1"], ROLLING) == expected


def test_an_autoscaler_scales_the_set(tmp_path: Path) -> None:
    """Its replicas are replicas of the service, and the autoscaler owns them."""
    made = grouped(tmp_path, scale=CpuScale(min=1, max=2))
    assert at(made["HorizontalPodAutoscaler/r1"], "spec.scaleTargetRef") == {
        "apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "name": "r1",
    }  # fmt: skip
    assert at(made["LeaderWorkerSet/r1"], "spec.replicas") == MISSING


WRONG: list[tuple[Cluster, dict[str, Any], list[str]]] = [
    (
        slices(),
        {"gpu": Gpu("v5e", 4), "nodes": 4, "accept": {"D10": "a pause is fine"}},
        [
            "R27 test/r1: LeaderWorkerSet r1 spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].resources.limits['google.com/tpu']='4' but a slice 2x4 has 2 hosts of 4 chips, and there are 4 pods; run 2 pods together"
        ],
    ),
    (
        Cluster("bare", kubernetes="1.36", accelerators=[Accelerator("h200", per_node=8, nodes=8)]),
        {},
        [
            "X04 test/r1: nodes=2 but the cluster bare has no LeaderWorkerSet; install it, and say so with Cluster(installed=[Crd.LWS]), or serve from one node"
        ],
    ),
    (
        cluster(),
        {"nodes": 0},
        ["X11 test/r1: nodes=0 but a replica runs on at least 1 node; correct the value"],
    ),
    (
        cluster(),
        {"runtime": MLServer()},
        ["X11 test/r1: nodes=2 but MLServer serves from one node; leave nodes= away, or use VLLM()"],
    ),
    (
        cluster(),
        {"rollout": "surge"},
        [
            "D03 test/r1: rollout='surge' but a replica takes 16 h200, and main keeps 0 free; write rollout=\"in-place\", or declare Accelerator('h200', spare=16)"
        ],
    ),
    (
        cluster(),
        {"volumes": [Claim("w", "/w", access_mode="ReadWriteOnce")]},
        [
            "V01 test/r1: volumes[0].access_mode='ReadWriteOnce' but up to 2 pods on different nodes mount w, and this mode is for one node; use ReadWriteMany or ReadOnlyMany storage, or one replica"
        ],
    ),
    (
        cluster(),
        {"replicas": 5},
        [
            "R26 test/r1: LeaderWorkerSet r1 spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].resources.requests['nvidia.com/gpu']='8' but there are up to 10 pods, and main has room for 8 (8 nodes with 8 of h200); lower the number of pods, or correct nodes= of the Accelerator"
        ],
    ),
]


@pytest.mark.parametrize(("where", "options", "expected"), WRONG)
def test_what_several_nodes_cannot_do_is_refused(
    tmp_path: Path, where: Cluster, options: dict[str, Any], expected: list[str]
) -> None:
    """In the user's words."""
    assert wrong(tmp_path, where, **options) == expected


@pytest.mark.parametrize(
    ("options", "spare", "text", "expected"),
    [
        ({"nodes": 1, "replicas": 2}, 0, "16 x h200", (16, 16, 16)),
        ({"nodes": 1, "replicas": 2}, 8, "16 x h200 (24 in a rollout)", (16, 16, 24)),
        ({"nodes": 1, "scale": CpuScale(min=2, max=6)}, 0, "16-48 x h200", (16, 48, 48)),
        ({"nodes": 1, "scale": CpuScale(min=1, max=3)}, 8, "8-24 x h200 (32 in a rollout)", (8, 24, 32)),
        ({"nodes": 2, "scale": CpuScale(min=1, max=2)}, 16, "16-32 x h200 (48 in a rollout)", (16, 32, 48)),
    ],
)
def test_it_is_told_what_a_service_takes(
    tmp_path: Path, options: dict[str, Any], spare: int, text: str, expected: tuple[int, int, int]
) -> None:
    """At the fewest replicas, at the most, and while all of them are replaced."""
    scope = environment(tmp_path, cluster=cluster(spare=spare))
    stock: dict[str, Any] = {"image": IMAGE, "runtime": VLLM(), "model": "/m", "gpu": Gpu("h200", 8)}
    told = ScalableModelService(scope, "r1", **{**stock, **options}).summary()
    least, most, rollout = expected

    assert told["gpus"] == text
    assert told["accelerators"] == {"name": "h200", "least": least, "most": most, "rollout": rollout}


def test_nothing_is_told_of_a_service_without_accelerators(tmp_path: Path) -> None:
    """An empty cell, and null."""
    told = ScalableModelService(environment(tmp_path), "api", image=IMAGE, port=80).summary()
    assert (told["gpus"], told["accelerators"]) == ("", None)
