"""InferenceServices of KServe, as the Deployments that KServe makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.plan.trees import Manifest
from modelyard.rules.kserve import KIND, MODE, SCALER, STANDARD, WITH_SCALER
from modelyard.values.at import at, mapping, whole

PREDICTOR = ("spec", "predictor")
BOUNDS = ("minReplicas", "maxReplicas")
SCALING = frozenset({"autoScaling", "scaleMetric", "scaleMetricType", "scaleTarget"})
STRATEGY = "deploymentStrategy"


def scaler(one: Mapping[str, Any]) -> str:
    """Return what scales *one*, as KServe takes it."""
    return str(mapping(one, "metadata", "annotations").get(SCALER, "hpa"))


def standard(one: Mapping[str, Any]) -> bool:
    """Return whether KServe makes a Deployment of *one*."""
    return one.get("kind") == KIND and mapping(one, "metadata", "annotations").get(MODE) in STANDARD


def deployment(one: Mapping[str, Any]) -> Manifest:
    """Return what KServe makes of *one*, as far as it tells of pods; without replicas where something scales them."""
    predictor = mapping(one, *PREDICTOR)
    spec: dict[str, Any] = {"strategy": mapping(predictor, STRATEGY), "template": {"spec": predictor}}
    if scaler(one) == "none":
        spec["replicas"] = whole(predictor, BOUNDS[0], default=1)
    return {"kind": "Deployment", "metadata": {"name": f"{at(one, 'metadata', 'name')}-predictor"}, "spec": spec}


def bounds(one: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return between which numbers of pods KServe scales *one*, or None where it does not."""
    if scaler(one) not in WITH_SCALER:
        return None
    predictor = mapping(one, *PREDICTOR)
    least = max(1, whole(predictor, BOUNDS[0], default=1))
    return least, max(least, whole(predictor, BOUNDS[1], default=0))
