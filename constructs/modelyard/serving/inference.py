"""A service as an InferenceService of KServe, and what cannot be said by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import manifest
from modelyard.serving.backends import OF_COMPONENT, OF_SERVICE
from modelyard.serving.hosts import hosts, port_of
from modelyard.serving.options import CpuScale
from modelyard.serving.pods import pods
from modelyard.serving.spec import SERVICE_PORT, ServiceSpec
from modelyard.serving.tracks import track
from modelyard.values.durations import minutes
from modelyard.values.value import source_of

API_VERSION = "serving.kserve.io/v1beta1"
KIND = "InferenceService"
GROUP = "kserve.io"
MODE, SCALER = "serving.kserve.io/deploymentMode", "serving.kserve.io/autoscalerClass"
VISIBILITY = "networking.kserve.io/visibility"
WINDOW = minutes(5)
"""Kubernetes' own, which nobody can change in the autoscaler that KServe makes."""
LABELS = frozenset({OF_COMPONENT, OF_SERVICE, VISIBILITY})
VARIABLES = {
    "INFERENCE_SERVICE_NAME": ("KServe sets it", "leave it away"),
    "STORAGE_URI": ("KServe would load that model by an image of its own", "leave it away, and use model= and loader="),
}
GRPC = ("grpc", "h2c")
"""What KServe looks for in the name of a port that speaks gRPC."""


def inference_service(
    name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str], strategy: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the InferenceService *name*: our pods, with KServe's words around them."""
    # Without this label KServe makes an Ingress or a route of its own beside ours.
    one = manifest(API_VERSION, KIND, name, {**labels, VISIBILITY: "cluster-local"}, site)
    scale, template = spec.scale, pods(name, spec, site)
    bounds: dict[str, int | str] = {}
    metadata = template["metadata"]
    # KServe copies the labels of the InferenceService to the pods, and sets "app" to a value of its own.
    own = {key: text for key, text in metadata["labels"].items() if labels.get(key) != text}
    if scale is None:
        scaler = "none"
        bounds = {"minReplicas": spec.least}
    elif isinstance(scale, CpuScale):
        scaler = "hpa"
        bounds = {"minReplicas": scale.min, "maxReplicas": scale.max, "scaleMetric": "cpu", "scaleTarget": scale.target}
    else:
        scaler = "external"
    one["metadata"]["annotations"] = {MODE: "Standard", SCALER: scaler}
    one["spec"] = {
        "predictor": {
            **bounds,
            "deploymentStrategy": dict(strategy),
            **({"labels": own} if own else {}),
            **({"annotations": metadata["annotations"]} if "annotations" in metadata else {}),
            **template["spec"],
        }
    }
    return one


def breaches(spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield why an InferenceService cannot say what *spec* asks for."""
    if spec.backend is None:
        return
    if not site.cluster.has(API_VERSION, KIND):
        because = f"the cluster {site.cluster.name} has no {API_VERSION} {KIND}"
        do = "declare it in Cluster(installed=[Crd.KSERVE]) where KServe runs, or leave backend= away for a Deployment"
        yield Breach("X04", "backend", "KServe", because, do, source_of(spec.backend))
    if spec.nodes > 1:
        because = "an InferenceService with pods of its own serves from one node"
        yield Breach("X11", "nodes", spec.nodes, because, "leave backend= away, which makes a LeaderWorkerSet")
    if (given := track(spec)) is not None:
        because = "KServe makes a Deployment, which Argo Rollouts does not replace"
        do = "leave rollout= away, or leave backend= away"
        yield Breach("X11", "rollout", type(given).__name__, because, do, source_of(given))
    if isinstance(spec.scale, CpuScale) and spec.scale.scale_down_after not in {None, WINDOW}:
        because = "the autoscaler that KServe makes waits 5 minutes, and cannot be told otherwise"
        do = "leave scale_down_after= away, or scale by KEDA"
        waited = spec.scale.scale_down_after
        yield Breach("X11", "scale.scale_down_after", waited, because, do, source_of(spec.scale))
    yield from _ports(spec)
    yield from _routes(spec)
    yield from _words(spec)


def _words(spec: ServiceSpec) -> Iterator[Breach]:
    """Yield the variables, labels and annotations that are KServe's."""
    for variable, (because, do) in VARIABLES.items():
        if variable in spec.env:
            yield Breach("X11", f"env[{variable!r}]", None, because, do)
    for key in sorted(spec.labels.keys() & LABELS):
        because = "an InferenceService has this label from KServe, or for it"
        yield Breach("X11", f"labels[{key!r}]", spec.labels[key], because, "choose another key")
    for key, text in spec.annotations.items():
        if key.partition("/")[0].endswith(GROUP):
            because = "it is a setting of KServe, and would stand beside those that the options make"
            do = "leave it away, or add it by add_json_patch"
            yield Breach("X11", f"annotations[{key!r}]", text, because, do)


def _ports(spec: ServiceSpec) -> Iterator[Breach]:
    for index, port in enumerate(spec.ports):
        made = port.number if index else SERVICE_PORT
        if (port.service or port.number) != made:
            first = "its first port as 80" if index == 0 else "every port but the first under its own number"
            because = f"the Service that KServe makes has {first}"
            do = f"write Port({port.name!r}, {port.number}{'' if index else ', 80'})"
            yield Breach("X11", f"port[{index}].service", port.service or port.number, because, do, source_of(port))


def _routes(spec: ServiceSpec) -> Iterator[Breach]:
    for host in hosts(spec):
        port, source = port_of(host, spec), source_of(host)
        if host.split:
            because = "an InferenceService shares its requests with no other service"
            do = "leave split= away, or leave backend= away"
            yield Breach("X11", "route.split", sum(host.split.values()), because, do, source)
        if host.pool is not None:
            because = "an InferenceService is reached by the Service that KServe makes"
            do = "leave pool= away, or leave backend= away"
            yield Breach("X11", "route.pool", None, because, do, source_of(host.pool))
        if host.grpc != any(word in port.name for word in GRPC):
            because = "KServe takes a port for gRPC if its name has grpc or h2c in it, and for HTTP if not"
            do = f"name the port {'grpc' if host.grpc else 'http'}"
            yield Breach("X11", "route.port", port.name, because, do, source)
