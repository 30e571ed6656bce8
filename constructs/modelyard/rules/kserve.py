"""What KServe makes of an InferenceService: the pods of its parts, and Deployment and Service of its predictor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs

from modelyard.rules.subjects import Object, Pod

KIND = "InferenceService"
MODE, SCALER = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"
STANDARD = frozenset({"Standard", "RawDeployment"})
"""The mode of plain Deployments, and what it was called before."""
PARTS = ("predictor", "transformer", "explainer")
HTTP_PORT, USUAL_PORT = 80, 8080
SPEAK_GRPC = ("grpc", "h2c")
"""What is in the name of a port that KServe says gRPC of."""
WITH_SCALER = frozenset({"hpa", "keda"})


@attrs.define(eq=False)
class Inline(Pod):
    """The pods of a part of an InferenceService, whose fields and those of a pod stand side by side."""

    def at(self, field: str) -> str:
        """Return the path of *field* inside the pod, as messages show it."""
        rest = field.partition(".")[2]
        return f"{self.path}.{rest}" if rest else self.path

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the pods have."""
        return labels(self.object, self.path.rpartition(".")[2])

    @cached_property
    def selectable(self) -> dict[str, str]:
        """The labels that selectors see."""
        return self.labels


def annotation(one: Object, key: str) -> str | None:
    """Return an annotation of *one*, or None."""
    found = (one.metadata.get("annotations") or {}).get(key)
    return None if found is None else str(found)


def standard(one: Object) -> bool:
    """Return whether KServe makes a Deployment of *one*, and it is known to."""
    return one.kind == KIND and annotation(one, MODE) in STANDARD


def part(one: Object, name: str = PARTS[0]) -> dict[str, Any]:
    """Return a part of an InferenceService, empty where it has none."""
    return one.spec.get(name) or {}


def labels(one: Object, name: str) -> dict[str, str]:
    """Return the labels of the pods of a part: those of *one*, of the part, and KServe's own."""
    given = {**(one.metadata.get("labels") or {}), **(part(one, name).get("labels") or {})}
    own = {"serving.kserve.io/inferenceservice": one.name, "component": name}
    return {**given, **own, **({"app": f"isvc.{one.name}-{name}"} if standard(one) else {})}


def pods(one: Object) -> Iterator[Pod]:
    """Yield the pods of the parts that say what runs in them; a runtime of the cluster says so for the others."""
    for name in PARTS:
        found = part(one, name)
        if found.get("containers"):
            metadata = {key: found[key] for key in ("labels", "annotations") if key in found}
            yield Inline(one, f"spec.{name}", {"metadata": metadata, "spec": found})


def deployed(one: Object) -> str | None:
    """Return what Deployment and Service of *one* are called, or None where KServe makes neither."""
    return f"{one.name}-predictor" if standard(one) else None


def bounds(one: Object) -> tuple[int, int]:
    """Return the fewest and the most replicas that *one* says, which are the same where it does not scale itself."""
    least, most = part(one).get("minReplicas"), part(one).get("maxReplicas") or 0
    least = 1 if least is None else least
    if (annotation(one, SCALER) or "hpa") not in WITH_SCALER:
        return least, least
    return max(1, least), max(1, least, most)


def service(one: Object) -> Object:
    """Return the Service that KServe makes of *one*, as far as its own containers tell."""
    containers = part(one).get("containers") or [{}]
    first = next((given for given in containers if given.get("name") == "transformer-container"), containers[0])
    ports = [_port(index, port) for index, port in enumerate(first.get("ports") or [{"containerPort": USUAL_PORT}])]
    name = f"{one.name}-predictor"
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": one.namespace},
        "spec": {"selector": {"app": f"isvc.{name}"}, "ports": ports},
    }
    return Object(manifest, one.owner, one.source)


def _port(index: int, port: Mapping[str, Any]) -> dict[str, Any]:
    number, spoken = port["containerPort"], any(word in str(port.get("name") or "") for word in SPEAK_GRPC)
    return {
        **({"appProtocol": "kubernetes.io/h2c"} if spoken else {}),
        "name": port.get("name"),
        "port": number if index else HTTP_PORT,
        "targetPort": number,
        "protocol": port.get("protocol") or "TCP",
    }
