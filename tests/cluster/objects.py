"""Questions about objects that controllers have made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from tests.cluster.api import Manifest, is_true


def name(manifest: Mapping[str, Any]) -> str:
    """Return its name."""
    found: str = manifest["metadata"]["name"]
    return found


def runs(pod: Mapping[str, Any]) -> bool:
    """Tell whether the containers of *pod* run."""
    return pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether *pod* serves."""
    return runs(pod) and is_true(pod, "Ready")


def takes_pods(node: Mapping[str, Any]) -> bool:
    """Tell whether *node* is ready, and the controller has seen it: until then no pod is placed there."""
    taints = {one["key"] for one in node["spec"].get("taints") or []}
    return is_true(node, "Ready") and "node.kubernetes.io/not-ready" not in taints


def image(manifest: Mapping[str, Any]) -> str:
    """Return the tag of the image of a pod's first container."""
    spec = manifest["spec"].get("template", manifest)["spec"]
    reference: str = spec["containers"][0]["image"]
    return reference.partition("@")[0].rpartition(":")[2]


def endpoints(slices: Iterable[Mapping[str, Any]]) -> list[Manifest]:
    """Return the endpoints that a Service sends requests to."""
    found = [one for part in slices for one in part.get("endpoints") or [] if one["conditions"].get("ready")]
    return sorted(found, key=lambda one: str(one["targetRef"]["name"]))


def steady(deployment: Mapping[str, Any], replicas: int | None = None) -> bool:
    """Tell whether a rollout is over: as many pods as wanted (and as *replicas*), all of them new and available."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    if status.get("observedGeneration") != deployment["metadata"]["generation"]:
        return False
    counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return counts == {wanted if replicas is None else replicas}


def ended(job: Mapping[str, Any]) -> str:
    """Return ``Complete`` or ``Failed``, or nothing for a Job that goes on."""
    return next((kind for kind in ("Complete", "Failed") if is_true(job, kind)), "")


def moment(text: str) -> dt.datetime:
    """Return the time that *text* in a manifest stands for."""
    return dt.datetime.fromisoformat(text)


def table(*rows: tuple[object, ...]) -> str:
    """Return *rows*, the first of which is the head, as a table of Markdown."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in texts]
    lines.insert(1, "-|-".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" if index != 1 else f"|-{line}-|" for index, line in enumerate(lines))
