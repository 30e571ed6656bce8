"""How many pods an Argo Rollout runs beside the others while it replaces them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.rules.workloads import share
from modelyard.values import tracks

USUAL_SURGE = "25%"


def beside(spec: Mapping[str, Any], pods: int) -> int:
    """Return how many pods there are at most beside the *pods* of the Rollout whose spec this is."""
    strategy: Mapping[str, Any] = spec.get("strategy") or {}
    if strategy.get("blueGreen") is not None:
        return pods
    canary: Mapping[str, Any] = strategy.get("canary") or {}
    if not canary.get("trafficRouting"):
        surge = canary.get("maxSurge")
        return share(USUAL_SURGE if surge is None else surge, pods, up=True)
    weights = [step["setWeight"] for step in canary.get("steps") or () if isinstance(step.get("setWeight"), int)]
    return tracks.beside(pods, weights, shrinking=bool(canary.get("dynamicStableScale")))
