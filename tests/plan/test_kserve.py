"""What a change of an InferenceService does, in the words of a plan."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plan.trees import deployment, edited, one, planned, told

MODE, SCALER = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"
CONTAINER = {"name": "kserve-container", "image": "acme/chat:1.0", "resources": {"limits": {"nvidia.com/gpu": 2}}}
IMAGE = ("spec", "predictor", "containers", 0, "image")
LEAST, MOST = ("spec", "predictor", "minReplicas"), ("spec", "predictor", "maxReplicas")
CLASS = ("metadata", "annotations", SCALER)
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def inference(scaler: str, **predictor: Any) -> Any:
    """Return an InferenceService."""
    spec = {"predictor": {"deploymentStrategy": SURGE, **predictor, "containers": [CONTAINER]}}
    version, given = "serving.kserve.io/v1beta1", {MODE: "Standard", SCALER: scaler}
    return one("InferenceService", "chat", spec, version=version, annotations=given)


HPA = inference("hpa", minReplicas=2, maxReplicas=4, scaleTarget=70)
FIXED = inference("none", minReplicas=2)
EXTERNAL = inference("external")
KEDA = one(
    "ScaledObject", "chat",
    {"minReplicaCount": 1, "maxReplicaCount": 3, "scaleTargetRef": {"name": "chat-predictor"}},
)  # fmt: skip
ROLLS = "caution rolling-update: rolling update, new pods ready before old ones end: "


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (HPA, edited(HPA, "acme/chat:2.0", *IMAGE), [f"{ROLLS}containers[name=kserve-container].image 1.0 -> 2.0"]),
        (HPA, edited(HPA, 6, *MOST), ["note bounds: autoscaler bounds 2-4 -> 2-6, no pod restarts"]),
        (HPA, edited(HPA, 3, *MOST), ["caution bounds: autoscaler bounds 2-4 -> 2-3, pods above 3 end"]),
        (HPA, edited(HPA, 50, "spec", "predictor", "scaleTarget"), [
            "note scaling: how it scales, no pod restarts: spec.predictor.scaleTarget",
        ]),
        (HPA, edited(HPA, {"type": "Recreate"}, "spec", "predictor", "deploymentStrategy"), [
            ("note settings: no pod restarts for spec.predictor.deploymentStrategy.type,"
            " spec.predictor.deploymentStrategy.rollingUpdate"),
        ]),
        (HPA, edited(HPA, {"team": "search"}, "metadata", "labels"), [f"{ROLLS}metadata.labels"]),
        (FIXED, edited(FIXED, 5, *LEAST), ["caution replicas: replicas 2 -> 5"]),
        (FIXED, edited(edited(FIXED, "hpa", *CLASS), 4, *MOST), [
            f"{ROLLS}metadata.annotations['{SCALER}']",
            "caution scaling: something else scales it: spec.predictor.maxReplicas",
        ]),
        (HPA, edited(HPA, "Knative", "metadata", "annotations", MODE), [
            (f"danger refused: refused by the API server: metadata.annotations['{MODE}']: it was Standard, and KServe's webhook"
            " lets nobody change it; give the InferenceService a new name"),
            f"caution pods: its pods may be replaced: metadata.annotations['{MODE}']",
        ]),
    ],
)  # fmt: skip
def test_a_change_is_told(old: Any, new: Any, expected: list[str]) -> None:
    """Pods are replaced by what is theirs, and by the labels and annotations that KServe copies to them."""
    assert [line for line in told(old, new) if " devices: " not in line] == expected


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        ([HPA], "4-8 (10 in a rollout)"),
        ([FIXED], "4 (6 in a rollout)"),
        ([EXTERNAL, KEDA], "2-6 (8 in a rollout)"),
        ([inference("none", minReplicas=1, deploymentStrategy={"type": "Recreate"})], "2"),
    ],
)
def test_its_devices_are_counted(manifests: list[Any], expected: str) -> None:
    """As those of the Deployment that KServe makes, and by whatever scales it."""
    kept = {"prod/chat/stays.yaml": one("Lease", "stays")}
    (plan,) = planned(kept, {**kept, **{f"prod/chat/{place}.yaml": each for place, each in enumerate(manifests)}})

    assert [each.text for each in plan.effects if each.code == "devices"] == [f"nvidia.com/gpu 0 -> {expected}"]


def test_it_is_gone() -> None:
    """With its pods and its Service."""
    kept = {"prod/chat/stays.yaml": one("Lease", "stays")}
    (plan,) = planned({**kept, "prod/chat/a.yaml": HPA}, kept)

    assert [f"{each.risk} {each.text}" for each in plan.effects if each.code != "devices"] == [
        "danger InferenceService chat is deleted: its pods end, and the name of its Service leads nowhere"
    ]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [(HPA, "note KServe makes one for InferenceService chat"), (FIXED, "caution nobody scales any more")],
)
def test_it_brings_an_autoscaler(manifest: Any, expected: str) -> None:
    """In place of that of the Deployment."""
    former = one("HorizontalPodAutoscaler", "chat", {"maxReplicas": 4, "scaleTargetRef": {"name": "chat"}})
    before = {"prod/chat/a.yaml": deployment("chat"), "prod/chat/b.yaml": former}
    (plan,) = planned(before, {"prod/chat/c.yaml": manifest})
    risk, _, words = expected.partition(" ")

    assert f"{risk} HorizontalPodAutoscaler chat is deleted: {words}" in [
        f"{each.risk} {each.text}" for each in plan.effects
    ]
