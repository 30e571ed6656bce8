"""A ServiceSpec at a site, as the manifests that serve it."""

from __future__ import annotations

from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import companions, manifest, object_labels, selector
from modelyard.pod.monitors import monitors
from modelyard.serving import alerts, loading
from modelyard.serving.groups import API_VERSION, KIND, group
from modelyard.serving.options import CpuScale
from modelyard.serving.pods import COMPONENT, CONTAINER, ROLE, pods, progress, rollout
from modelyard.serving.spec import ServiceSpec
from modelyard.values.durations import whole_seconds


def drafts(name: str, spec: ServiceSpec, site: Site) -> list[Draft]:
    """Return the manifests of the service *name*."""
    labels = object_labels(name, COMPONENT, spec, site)
    found = [
        Draft(group(name, spec, site, labels) if spec.nodes > 1 else _deployment(name, spec, site, labels)),
        Draft(_service(name, spec, site, labels)),
    ]
    if spec.scale is not None:
        autoscaler = _autoscaler(name, spec.scale, site, labels)
        if spec.nodes > 1:
            autoscaler["spec"]["scaleTargetRef"] = {"apiVersion": API_VERSION, "kind": KIND, "name": name}
        found.append(Draft(autoscaler))
    if spec.least > 1:
        found.append(Draft(_budget(name, site, labels)))
    ports = tuple(port.number for port in spec.ports)
    found.extend(companions(name, COMPONENT, spec, site, ports, together=spec.nodes > 1))
    told, drawn = alerts.alerts(name, CONTAINER, spec, site), alerts.panels(name, CONTAINER, spec, site)
    watching = monitors(name, labels, spec, site, alerts=told, panels=drawn)
    return [*found, *loading.drafts(name, spec, site), *watching]


def _deployment(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    deployment = manifest("apps/v1", "Deployment", name, labels, site)
    body: dict[str, Any] = {}
    if spec.scale is None:
        body["replicas"] = spec.least
    body["selector"] = {"matchLabels": selector(name)}
    body["strategy"] = _strategy(spec, site)
    body["progressDeadlineSeconds"] = progress(spec)
    body["revisionHistoryLimit"] = 5
    body["template"] = pods(name, spec, site)
    deployment["spec"] = body
    return deployment


def _strategy(spec: ServiceSpec, site: Site) -> dict[str, Any]:
    kind = rollout(spec, site)
    if kind == "recreate":
        return {"type": "Recreate"}
    surge = kind == "surge"
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": int(surge), "maxUnavailable": int(not surge)},
    }


def _service(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    service = manifest("v1", "Service", name, labels, site)
    service["spec"] = {
        "type": "ClusterIP",
        "selector": {**selector(name), **({ROLE: "leader"} if spec.nodes > 1 else {})},
        "ports": [
            {
                "name": port.name,
                "port": port.service or port.number,
                "targetPort": port.name,
                "protocol": "TCP",
            }
            for port in spec.ports
        ],
    }
    return service


def _autoscaler(name: str, scale: CpuScale, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    autoscaler = manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, labels, site)
    target = {"type": "Utilization", "averageUtilization": scale.target}
    autoscaler["spec"] = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": scale.min,
        "maxReplicas": scale.max,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": CONTAINER, "target": target},
            }
        ],
        "behavior": {
            "scaleUp": {
                "stabilizationWindowSeconds": 0,
                "selectPolicy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                    {"type": "Pods", "value": 2, "periodSeconds": 15},
                ],
            },
            "scaleDown": {
                "stabilizationWindowSeconds": whole_seconds(scale.scale_down_after),
                "selectPolicy": "Max",
                "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
            },
        },
    }
    return autoscaler


def _budget(name: str, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    budget = manifest("policy/v1", "PodDisruptionBudget", name, labels, site)
    budget["spec"] = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(name)},
    }
    return budget
