"""A ServiceSpec at a site, as the manifests that serve it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import companions, manifest, object_labels, selector
from modelyard.pod.monitors import monitors
from modelyard.serving import alerts, loading
from modelyard.serving.backends import chosen, container
from modelyard.serving.groups import API_VERSION, KIND, group
from modelyard.serving.hosts import hosts
from modelyard.serving.inference import inference_service
from modelyard.serving.options import CpuScale
from modelyard.serving.pods import COMPONENT, LEADS, ROLE, pods, progress, rollout
from modelyard.serving.routes import protocols, routes
from modelyard.serving.scaling import DEPLOYMENT, autoscaler
from modelyard.serving.spec import ServiceSpec
from modelyard.serving.tracks import ROLLOUT, second, track


def drafts(name: str, spec: ServiceSpec, site: Site) -> list[Draft]:
    """Return the manifests of the service *name*."""
    labels = object_labels(name, COMPONENT, spec, site)
    found = list(_runs(name, spec, site, labels))
    if spec.scale is not None and not (spec.backend and isinstance(spec.scale, CpuScale)):
        target = {"apiVersion": API_VERSION, "kind": KIND} if spec.nodes > 1 else DEPLOYMENT
        target = target if track(spec) is None else ROLLOUT
        found.append(Draft(autoscaler(name, spec, site, labels, target)))
    if spec.least > 1:
        found.append(Draft(_budget(name, spec, site, labels)))
    found.extend(routes(name, spec, site, labels))
    if any(host.pool is not None for host in hosts(spec)):
        from modelyard.serving import picker  # noqa: PLC0415 # few services are behind a pool

        found.extend(picker.drafts(name, spec, site, labels))
    ports = tuple(port.number for port in spec.ports)
    own = chosen(name, spec)
    found.extend(companions(name, COMPONENT, spec, site, ports, together=spec.nodes > 1, pods=own))
    serving = container(spec)
    told, drawn = alerts.alerts(name, serving, spec, site), alerts.panels(name, serving, spec, site)
    watching = monitors(name, labels, spec, site, alerts=told, panels=drawn, pods=own)
    return [*found, *loading.drafts(name, spec, site), *watching]


def _runs(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> Iterator[Draft]:
    """Yield what runs the pods, and the Services that lead to them, which KServe makes itself."""
    if spec.backend is not None:
        yield Draft(inference_service(name, spec, site, labels, _strategy(spec, site)))
        return
    if track(spec) is not None:
        from modelyard.serving import progressive  # noqa: PLC0415 # few services are replaced so

        yield from progressive.drafts(name, spec, site, labels)
    else:
        yield Draft(group(name, spec, site, labels) if spec.nodes > 1 else _deployment(name, spec, site, labels))
    yield from (Draft(_service(one, name, spec, site, labels)) for one in (name, second(name, spec, site)) if one)


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


def _service(called: str, name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    service, spoken = manifest("v1", "Service", called, labels, site), protocols(spec)
    service["spec"] = {
        "type": "ClusterIP",
        "selector": {**selector(name), **({ROLE: LEADS} if spec.nodes > 1 else {})},
        "ports": [
            {
                "name": port.name,
                "port": port.service or port.number,
                "targetPort": port.name,
                "protocol": "TCP",
                **({"appProtocol": spoken[port.name]} if port.name in spoken else {}),
            }
            for port in spec.ports
        ],
    }
    return service


def _budget(name: str, spec: ServiceSpec, site: Site, labels: dict[str, str]) -> dict[str, Any]:
    budget = manifest("policy/v1", "PodDisruptionBudget", name, labels, site)
    budget["spec"] = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": dict(chosen(name, spec))},
    }
    return budget
