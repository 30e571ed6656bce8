"""What a change of a LeaderWorkerSet does, in the words of a plan; and that plan and list count its devices alike."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from modelyard import VLLM, BlueGreen, Bucket, Canary, CpuScale, Crd, Gpu, KServe, ScalableModelService, minutes
from modelyard.plan.devices import asked
from modelyard.serving.estimate import accelerators
from tests.plan.trees import deployment, edited, one, planned, told
from tests.support import DIGEST, environment, objects
from tests.test_groups import cluster

LEADER = ("spec", "leaderWorkerTemplate", "leaderTemplate", "spec", "containers", 0, "image")
WORKER = ("spec", "leaderWorkerTemplate", "workerTemplate", "spec", "containers", 0, "image")
SURGE, IN_PLACE = {"maxUnavailable": 0, "maxSurge": 1}, {"maxUnavailable": 1, "maxSurge": 0}
TOGETHER = "leaderworkerset.sigs.k8s.io/exclusive-topology"


def grouped(rolling: Mapping[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a LeaderWorkerSet of groups of two pods with eight GPUs each."""
    pods = deployment(gpus=8)["spec"]["template"]
    template = {"size": 2, "leaderTemplate": pods, "workerTemplate": copy.deepcopy(pods)}
    strategy = {} if rolling is None else {"rolloutStrategy": {"rollingUpdateConfiguration": rolling}}
    version = "leaderworkerset.x-k8s.io/v1"
    return one("LeaderWorkerSet", "api", {"leaderWorkerTemplate": template, **strategy, **spec}, version=version)


def updated(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return *manifest* with another image for all pods."""
    return edited(edited(manifest, "acme/api:2.0", *LEADER), "acme/api:2.0", *WORKER)


IMAGE = "containers[name=model].image 1.0 -> 2.0"
LAST = "caution rolling-update: rolling update by groups, the last first, "
AWAY = "so it is away meanwhile"
FIXED, SCALED = grouped(SURGE, replicas=3), grouped(SURGE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (FIXED, updated(FIXED), [f"{LAST}1 extra ready before old ones end: {IMAGE}"]),
        (grouped(replicas=3), updated(grouped(replicas=3)), [f"{LAST}up to 1 of them away at a time: {IMAGE}"]),
        (grouped(IN_PLACE), updated(grouped(IN_PLACE)), [f"{LAST}up to 1 of them away at a time: {IMAGE}"]),
        (grouped(IN_PLACE, replicas=1), updated(grouped(IN_PLACE, replicas=1)), [
            f"danger rolling-update: its one group ends before the new one is ready, {AWAY}: {IMAGE}",
        ]),
        (grouped({"maxUnavailable": "100%"}), updated(grouped({"maxUnavailable": "100%"})), [
            f"danger recreate: all groups may end before new ones are ready, {AWAY}: {IMAGE}",
        ]),
        (grouped(replicas=0), updated(grouped(replicas=0)), [
            f"note rolling-update: new groups differ, and there are none now: {IMAGE}",
        ]),
        (FIXED, edited(FIXED, "acme/api:2.0", *WORKER), [
            (f"{LAST}1 extra ready before old ones end:"
             " leaderWorkerTemplate.workerTemplate.spec.containers[name=model].image"),
        ]),
        (edited(FIXED, {"a": "b"}, "metadata", "annotations"),
         edited(edited(FIXED, {"a": "b"}, "metadata", "annotations"), "rack", "metadata", "annotations", TOGETHER), [
            f"{LAST}1 extra ready before old ones end: annotations['{TOGETHER}']",
        ]),
        (FIXED, edited(FIXED, {"a": "b"}, "metadata", "annotations"), [
            "note settings: no pod restarts for metadata.annotations",
        ]),
        (FIXED, edited(FIXED, "LeaderReady", "spec", "startupPolicy"), [
            "note settings: no pod restarts for spec.startupPolicy",
        ]),
        (FIXED, edited(FIXED, 5, "spec", "replicas"), [
            "caution replicas: replicas 3 -> 5",
            "caution devices: nvidia.com/gpu 48 (64 in a rollout) -> 80 (96 in a rollout)",
        ]),
        (SCALED, edited(SCALED, 3, "spec", "replicas"), [
            "caution replicas: git owns the replicas from now on: 3",
            "caution devices: nvidia.com/gpu 16 (32 in a rollout) -> 48 (64 in a rollout)",
        ]),
        (FIXED, SCALED, [
            ("danger replicas-handed-over: git held 3, and the number falls to 1 until the autoscaler has looked;"
             """ run before the merge: echo '{"apiVersion":"leaderworkerset.x-k8s.io/v1","kind":"LeaderWorkerSet","""
             """"metadata":{"name":"api"},"spec":{"replicas":3}}' | kubectl -n ml apply --server-side"""
             " --field-manager=handover -f -"),
            "note devices: nvidia.com/gpu 48 (64 in a rollout) -> 16 (32 in a rollout)",
        ]),
    ],
)  # fmt: skip
def test_a_set_changes(old: Any, new: Any, expected: list[str]) -> None:
    """Groups are replaced one after another by what is in their template, and by nothing else."""
    assert told(old, new) == expected


def scaler(most: int) -> dict[str, Any]:
    """Return what scales the set."""
    target = {"kind": "LeaderWorkerSet", "name": "api"}
    return one("ScaledObject", "api", {"minReplicaCount": 2, "maxReplicaCount": most, "scaleTargetRef": target})


def test_devices_follow_the_autoscaler() -> None:
    """By groups, of which a rollout has one more."""
    before = {"prod/api/a.yaml": SCALED, "prod/api/b.yaml": scaler(4)}
    (plan,) = planned(before, {**before, "prod/api/b.yaml": scaler(3)})

    assert [f"{each.risk} {each.text}" for each in plan.effects if each.code == "devices"] == [
        "note nvidia.com/gpu 32-64 (80 in a rollout) -> 32-48 (64 in a rollout)"
    ]


def test_no_rollout_has_more_extra_pods_than_pods() -> None:
    """Whatever the surge says: the new ones are as many as the old ones."""
    strategy = {"rollingUpdate": {"maxSurge": 3}}
    for manifest in (deployment(gpus=1, replicas=1, strategy=strategy), grouped({"maxSurge": 3}, replicas=1)):
        (ranged,) = asked([manifest]).values()
        assert ranged.rollout == 2 * ranged.most


GROUP = {"model": Bucket("gs://models/r1"), "gpu": Gpu("h200", 8), "nodes": 2}
SINGLE = {"model": Bucket("gs://models/r1"), "gpu": Gpu("h200", 2)}


@pytest.mark.parametrize(
    ("options", "spare", "expected"),
    [
        ({**GROUP, "replicas": 3}, 48, (48, 48, 64)),
        ({**GROUP, "replicas": 3}, 0, (48, 48, 48)),
        ({**GROUP, "scale": CpuScale(min=2, max=4), "cpu": 1}, 48, (32, 64, 80)),
        ({**SINGLE, "replicas": 3}, 48, (6, 6, 8)),
        ({**SINGLE, "replicas": 3}, 0, (6, 6, 6)),
        ({**SINGLE, "scale": CpuScale(min=2, max=4), "cpu": 1}, 48, (4, 8, 10)),
        ({**SINGLE, "scale": CpuScale(min=2, max=4), "cpu": 1, "rollout": BlueGreen()}, 48, (4, 8, 16)),
        ({**SINGLE, "replicas": 4, "rollout": Canary({25: minutes(5), 50: minutes(5)})}, 48, (8, 8, 10)),
        ({**SINGLE, "replicas": 4, "rollout": Canary({25: minutes(5), 50: minutes(5)})}, 0, (8, 8, 8)),
        ({**SINGLE, "backend": KServe(), "cpu": 1, "cpu_limit": 2, "replicas": 3}, 48, (6, 6, 8)),
        ({**SINGLE, "backend": KServe(), "cpu": 1, "cpu_limit": 2, "scale": CpuScale(min=2, max=4)}, 48, (4, 8, 10)),
    ],
)
def test_plan_and_list_count_alike(tmp_path: Path, options: Any, spare: int, expected: tuple[int, int, int]) -> None:
    """One reads what was written, and the other what is rendered."""
    where: Any = cluster(spare=spare)
    known = [Crd.LWS, Crd.ARGO_ROLLOUTS, Crd.KSERVE]
    scope = environment(tmp_path, cluster=attrs.evolve(where, installed=known))
    image = f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}"
    service = ScalableModelService(scope, "r1", image=image, runtime=VLLM(), **options)
    listed = accelerators(service.spec, scope.site)
    (planned_,) = asked(objects(scope).values()).values()

    assert (planned_.least, planned_.most, planned_.rollout) == expected
    assert (listed.least, listed.most, listed.rollout) == expected
