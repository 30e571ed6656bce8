"""Replicas of several pods on several nodes, as a LeaderWorkerSet."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.hardware import GROUP_TOGETHER, SLICE
from modelyard.fleet.site import Site
from modelyard.pod import manifest
from modelyard.pod.hardware import sliced
from modelyard.serving.pods import pods, rollout, workers
from modelyard.serving.spec import ServiceSpec

API_VERSION = "leaderworkerset.x-k8s.io/v1"
KIND = "LeaderWorkerSet"
ROLLOUTS: dict[str, dict[str, int | str]] = {
    "surge": {"maxUnavailable": 0, "maxSurge": 1},
    "in-place": {"maxUnavailable": 1, "maxSurge": 0},
    "recreate": {"maxUnavailable": "100%", "maxSurge": 0},
}


def group(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    """Return the LeaderWorkerSet of the service *name*: a leader that takes requests, and its workers."""
    made = manifest(API_VERSION, KIND, name, labels, site)
    if sliced(spec, site):
        made["metadata"]["annotations"] = {GROUP_TOGETHER: SLICE}
    made["spec"] = {
        **({"replicas": spec.least} if spec.scale is None else {}),
        "leaderWorkerTemplate": {
            "size": spec.nodes,
            # A server that has lost one of its processes cannot take it back.
            "restartPolicy": "RecreateGroupOnPodRestart",
            "leaderTemplate": pods(name, spec, site),
            "workerTemplate": workers(name, spec, site),
        },
        "rolloutStrategy": {
            "type": "RollingUpdate",
            "rollingUpdateConfiguration": dict(ROLLOUTS[rollout(spec, site)]),
        },
        "startupPolicy": "LeaderCreated",
        # With a shared one its controller takes the Service that has the name of the set for the headless one.
        "networkConfig": {"subdomainPolicy": "UniquePerReplica"},
    }
    return made
