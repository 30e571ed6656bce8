"""A ServiceSpec at a site, as the manifests that serve it."""

from __future__ import annotations

import math
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import Claim, Pod, companions, manifest, object_labels, selector, template
from modelyard.pod.monitors import monitors
from modelyard.serving import alerts
from modelyard.serving.options import Exec, HealthCheck, HttpGet, TcpSocket
from modelyard.serving.scaling import autoscaler
from modelyard.serving.spec import SINGLE_WRITER, ServiceSpec, health_check
from modelyard.values.durations import whole_seconds

COMPONENT = "serving"
CONTAINER = "model"
SHORT_BUDGET = 300
KUBELET_MARGIN = 5
"""Seconds that the kubelet is given beyond the pod's own, before it kills."""
LEAST_PROGRESS = 600
"""Kubernetes' own default for the progress of a rollout, in seconds."""


def drafts(name: str, spec: ServiceSpec, site: Site) -> list[Draft]:
    """Return the manifests of the service *name*."""
    labels = object_labels(name, COMPONENT, spec, site)
    found = [
        Draft(_deployment(name, spec, site, labels)),
        Draft(_service(name, spec, site, labels)),
    ]
    if spec.scale is not None:
        found.append(Draft(autoscaler(name, spec, site, labels)))
    if spec.least > 1:
        found.append(Draft(_budget(name, site, labels)))
    ports = tuple(port.number for port in spec.ports)
    told, drawn = alerts.alerts(name, CONTAINER, spec, site), alerts.panels(name, CONTAINER, spec, site)
    watching = monitors(name, labels, spec, site, alerts=told, panels=drawn)
    return [*found, *companions(name, COMPONENT, spec, site, ports), *watching]


def _deployment(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    delay, finish = whole_seconds(spec.drain.delay), whole_seconds(spec.drain.finish)
    fields: dict[str, Any] = {
        "ports": [{"name": port.name, "containerPort": port.number, "protocol": "TCP"} for port in spec.ports],
        **_probes(spec),
    }
    if delay:
        fields["lifecycle"] = {"preStop": {"sleep": {"seconds": delay}}}
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=CONTAINER,
        restart_policy="Always",
        grace=delay + finish + KUBELET_MARGIN,
        container_fields=fields,
        pod_fields={"topologySpreadConstraints": _spread(name)} if spec.most > 1 else {},
    )
    deployment = manifest("apps/v1", "Deployment", name, labels, site)
    body: dict[str, Any] = {}
    if spec.scale is None:
        body["replicas"] = spec.least
    body["selector"] = {"matchLabels": selector(name)}
    body["strategy"] = _strategy(spec, site)
    body["progressDeadlineSeconds"] = max(LEAST_PROGRESS, whole_seconds(spec.start_within) + LEAST_PROGRESS)
    body["revisionHistoryLimit"] = 5
    body["template"] = template(pod, spec, site)
    deployment["spec"] = body
    return deployment


def _strategy(spec: ServiceSpec, site: Site) -> dict[str, Any]:
    """Return how pods are replaced, so that a rollout neither stalls on scarce accelerators nor on a volume."""
    rollout: str = spec.rollout
    if rollout == "auto":
        rollout = _fitting(spec, site)
    if rollout == "recreate":
        return {"type": "Recreate"}
    surge = rollout == "surge"
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": int(surge), "maxUnavailable": int(not surge)},
    }


def _fitting(spec: ServiceSpec, site: Site) -> str:
    if any(isinstance(volume, Claim) and volume.mode in SINGLE_WRITER for volume in spec.volumes):
        return "recreate"
    accelerator = site.cluster.accelerator(spec.gpu.accelerator) if spec.gpu else None
    if spec.gpu is None or accelerator is None or accelerator.spare >= spec.gpu.count:
        return "surge"
    return "in-place" if spec.least > 1 else "recreate"


def _probes(spec: ServiceSpec) -> dict[str, Any]:
    first = spec.ports[0].name
    alive = health_check(spec.health, TcpSocket())
    ready = health_check(spec.ready, alive)
    budget = whole_seconds(spec.start_within)
    period = 5 if budget <= SHORT_BUDGET else 10
    probes = {
        "startupProbe": {
            **_handler(alive, first),
            "periodSeconds": period,
            "timeoutSeconds": 5,
            "failureThreshold": math.ceil(budget / period),
        },
        "readinessProbe": {
            **_handler(ready, first),
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }
    if spec.health is not None:
        probes["livenessProbe"] = {
            **_handler(alive, first),
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        }
    return probes


def _handler(check: HealthCheck, first: str) -> dict[str, Any]:
    if isinstance(check, Exec):
        return {"exec": {"command": list(check.command)}}
    if isinstance(check, HttpGet):
        return {"httpGet": {"path": check.path, "port": check.port or first}}
    return {"tcpSocket": {"port": check.port or first}}


def _spread(name: str) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(name)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _service(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    service = manifest("v1", "Service", name, labels, site)
    service["spec"] = {
        "type": "ClusterIP",
        "selector": selector(name),
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


def _budget(name: str, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    budget = manifest("policy/v1", "PodDisruptionBudget", name, labels, site)
    budget["spec"] = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": selector(name)},
    }
    return budget
