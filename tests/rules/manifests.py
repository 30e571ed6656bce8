"""Plain manifests, as users bring them in beside modelyard's own; each breaks no rule as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]


def deployment(name: str = "web", **spec: Any) -> Manifest:
    """Return a Deployment of one container ``main``, with *spec* instead of its own fields."""
    labels = {"app": name}
    container = {
        "name": "main",
        "image": "ghcr.io/acme/web:1",
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
    }
    stock = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return _manifest("apps/v1", "Deployment", name, {**stock, **spec})


def pods(*containers: Mapping[str, Any], app: str = "web", **spec: Any) -> Manifest:
    """Return a template of pods that are labelled ``app: web``; every container has name and image."""
    filled = [{"name": "main", "image": "ghcr.io/acme/web:1", **one} for one in containers]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": filled, **spec}}


def job(name: str = "train", **labels: str) -> Manifest:
    """Return a Job whose pods carry *labels*."""
    container = {"name": "main", "image": "ghcr.io/acme/train:1"}
    spec = {"restartPolicy": "Never", "containers": [container]}
    return _manifest("batch/v1", "Job", name, {"template": {"metadata": {"labels": labels}, "spec": spec}})


def service(name: str = "web", *ports: Mapping[str, Any], **spec: Any) -> Manifest:
    """Return a Service for the pods of the Deployment *name*."""
    listed = [dict(port) for port in ports] or [{"port": 80, "targetPort": "http"}]
    return _manifest("v1", "Service", name, {"selector": {"app": name}, "ports": listed, **spec})


def autoscaler(name: str = "web", *metrics: Mapping[str, Any], **spec: Any) -> Manifest:
    """Return a HorizontalPodAutoscaler of the Deployment ``web``."""
    stock = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [dict(metric) for metric in metrics] or [utilization(70)],
    }
    return _manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, {**stock, **spec})


def utilization(percent: int, resource: str = "cpu", container: str | None = None) -> Manifest:
    """Return a metric that follows the use of a resource in percent."""
    target = {"type": "Utilization", "averageUtilization": percent}
    if container is None:
        return {"type": "Resource", "resource": {"name": resource, "target": target}}
    source = {"name": resource, "container": container, "target": target}
    return {"type": "ContainerResource", "containerResource": source}


def metric(source: str, **target: Any) -> Manifest:
    """Return a metric of the type *source* with *target*."""
    key = source[0].lower() + source[1:]
    named: Manifest = {"metric": {"name": "queue"}}
    if source == "Object":
        named["describedObject"] = {"apiVersion": "v1", "kind": "Service", "name": "web"}
    if source in {"Resource", "ContainerResource"}:
        named = {"name": "cpu", **({"container": "main"} if source == "ContainerResource" else {})}
    return {"type": source, key: {**named, "target": target}}


def budget(name: str = "web", **spec: Any) -> Manifest:
    """Return a PodDisruptionBudget for the pods of the Deployment *name*."""
    stock = {"selector": {"matchLabels": {"app": name}}}
    if not {"minAvailable", "maxUnavailable"} & spec.keys():
        stock["maxUnavailable"] = 1  # type: ignore[assignment]
    return _manifest("policy/v1", "PodDisruptionBudget", name, {**stock, **spec})


def config_map(name: str = "settings", **data: str) -> Manifest:
    """Return a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def network_policy(name: str = "web", **labels: str) -> Manifest:
    """Return a NetworkPolicy for the pods that carry *labels*."""
    selector = {"matchLabels": labels} if labels else {}
    spec = {"podSelector": selector, "policyTypes": ["Ingress"]}
    return _manifest("networking.k8s.io/v1", "NetworkPolicy", name, spec)


def _manifest(api_version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value is not ...},
    }
