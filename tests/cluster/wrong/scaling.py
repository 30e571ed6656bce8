"""Autoscalers that break rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.cluster.api import Manifest
from tests.cluster.load import USAGE
from tests.rules.manifests import autoscaler, deployment, pods, utilization

FULL = {"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "500m"}}}


def busy(app: str) -> Manifest:
    """Return pods that use all the CPU that their limit lets them have."""
    made = pods(FULL, app=app)
    return {**made, "metadata": {**made["metadata"], "annotations": {USAGE: "500m"}}}


def scaled(name: str) -> Manifest:
    """Return a reference to a Deployment."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


CASES: Mapping[str, Sequence[Manifest]] = {
    "A06": [
        deployment(),
        autoscaler("web", utilization(50, container="mian")),
        deployment("right"),
        autoscaler("right", utilization(50, container="main"), scaleTargetRef=scaled("right")),
    ],
    "A08": [
        deployment(template=busy("web")),
        autoscaler("web", utilization(100)),
        # The same use, which is above another aim.
        deployment("right", template=busy("right")),
        autoscaler("right", utilization(60), scaleTargetRef=scaled("right")),
    ],
    "A11": [deployment(), autoscaler(), autoscaler("second")],
    "A12": [deployment(replicas=1), autoscaler()],
    "A20": [deployment(), autoscaler("web", scaleTargetRef=scaled("wbe"))],
}
