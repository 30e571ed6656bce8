"""The routes of a service: HTTPRoute and GRPCRoute, or an Ingress where that is what the cluster has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.facilities import Gateway, IngressClass
from modelyard.fleet.site import Site
from modelyard.pod import manifest
from modelyard.serving.backends import runs_as
from modelyard.serving.hosts import ALL, POLICIES, ROUTES, WITH_TIMEOUTS, Host, hosts, port_of
from modelyard.serving.options import Grpc
from modelyard.serving.pools import API as POOLS
from modelyard.serving.spec import ServiceSpec
from modelyard.serving.tracks import Canary, second
from modelyard.values import quantity
from modelyard.values.durations import go_duration, whole_seconds

DAY = 86400
"""Seconds for a stream, where no limit cannot be said."""
HOUR = 3600
ENVOY_POLICIES = "gateway.envoyproxy.io/v1alpha1"
NGINX = "nginx.ingress.kubernetes.io"
H2C = "kubernetes.io/h2c"
GRPC = "grpc"
"""How ports are called that speak it, as in Istio, so that another service can send its share of the requests here."""


def routes(name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str]) -> Iterator[Draft]:
    """Yield the routes of the service *name*."""
    gateway, service = site.cluster.gateway, runs_as(name, spec)
    for host in hosts(spec):
        if isinstance(gateway, Gateway):
            route = manifest(ROUTES, "GRPCRoute" if host.grpc else "HTTPRoute", name, labels, site)
            yield Draft({**route, "spec": _route(service, host, spec, site, gateway)})
            yield from _policies(name, host, spec, site, labels)
        elif isinstance(gateway, IngressClass):
            ingress = manifest("networking.k8s.io/v1", "Ingress", name, labels, site)
            if annotations := _annotations(host, gateway):
                ingress["metadata"]["annotations"] = annotations
            yield Draft({**ingress, "spec": _ingress(service, host, spec, gateway)})


def _policies(name: str, host: Host, spec: ServiceSpec, site: Site, labels: Mapping[str, str]) -> Iterator[Draft]:
    """Yield what tells the gateway how long a request may take, where a route cannot."""
    gateway = site.cluster.gateway
    implementation = gateway.implementation if isinstance(gateway, Gateway) else ""
    if implementation == "gke" and site.cluster.has(POLICIES, "GCPBackendPolicy"):
        if host.grpc and any(not other.grpc for other in hosts(spec)):
            return  # the policy is the Service's, and there is one already
        for one in (runs_as(name, spec), *split_of(name, host, spec, site)):
            pooled = one == name and host.pool is not None
            yield Draft(_policy(one, host, site, labels, pooled=pooled))
    elif implementation == "envoy" and host.grpc and site.cluster.has(ENVOY_POLICIES, "BackendTrafficPolicy"):
        policy = manifest(ENVOY_POLICIES, "BackendTrafficPolicy", name, labels, site)
        target = {"group": ROUTES.partition("/")[0], "kind": "GRPCRoute", "name": name}
        policy["spec"] = {"targetRefs": [target], "timeout": {"http": {"requestTimeout": "0s"}}}
        yield Draft(policy)


def protocols(spec: ServiceSpec) -> dict[str, str]:
    """Return what the ports of the Service speak, where that is not plain HTTP: by a route, a probe, or the name."""
    called = [port.name for port in spec.ports if port.name == GRPC or port.name.startswith(f"{GRPC}-")]
    first = spec.ports[0].name
    probed = [check.port or first for check in (spec.health, spec.ready) if isinstance(check, Grpc)]
    return dict.fromkeys([*called, *probed, *(port_of(host, spec).name for host in hosts(spec) if host.grpc)], H2C)


def split_of(name: str, host: Host, spec: ServiceSpec, site: Site) -> Mapping[str, int]:
    """Return how many percent of the requests other Services get: at first, where Argo Rollouts moves the shares."""
    canary = second(name, spec, site) if isinstance(spec.rollout, Canary) else None
    return host.split if canary is None else {canary: 0}


def _route(name: str, host: Host, spec: ServiceSpec, site: Site, gateway: Gateway) -> dict[str, Any]:
    # What the API server would fill in is written out, so that Argo CD finds no difference.
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    split = split_of(name, host, spec, site)
    shares = {name: ALL - sum(split.values()), **split}
    port = port_of(host, spec)
    number = port.service or port.number
    rule: dict[str, Any] = {}
    if not host.grpc:
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": host.path}}]
    rule["backendRefs"] = [
        {**_backend(service, number, pooled=service == name and host.pool is not None), "weight": share}
        for service, share in (shares if split else {name: 1}).items()
    ]
    if not host.grpc and gateway.implementation in WITH_TIMEOUTS:
        longest = go_duration(host.timeout or timedelta(0))
        rule["timeouts"] = {"request": longest, "backendRequest": longest}
    return {
        "parentRefs": [
            {
                **parent,
                "namespace": gateway.namespace,
                "name": gateway.name,
                **({} if gateway.section is None else {"sectionName": gateway.section}),
            }
        ],
        "hostnames": [host.name],
        "rules": [rule],
    }


def _backend(name: str, port: int, *, pooled: bool) -> dict[str, Any]:
    if pooled:
        return {"group": POOLS.partition("/")[0], "kind": "InferencePool", "name": name}
    return {"group": "", "kind": "Service", "name": name, "port": port}


def _policy(name: str, host: Host, site: Site, labels: Mapping[str, str], *, pooled: bool) -> dict[str, Any]:
    policy = manifest(POLICIES, "GCPBackendPolicy", name, labels, site)
    target = _backend(name, 0, pooled=pooled)
    policy["spec"] = {
        "default": {"timeoutSec": DAY if host.timeout is None else whole_seconds(host.timeout)},
        "targetRef": {key: value for key, value in target.items() if key in {"group", "kind", "name"}},
    }
    return policy


def _annotations(host: Host, controller: IngressClass) -> dict[str, str]:
    if controller.implementation != "nginx":
        return {}
    between = str(HOUR if host.timeout is None else whole_seconds(host.timeout))
    return {
        **({f"{NGINX}/backend-protocol": "GRPC"} if host.grpc else {f"{NGINX}/proxy-buffering": "off"}),
        f"{NGINX}/proxy-body-size": str(math.ceil(quantity.number(host.body) or 0)) if host.body else "0",
        f"{NGINX}/proxy-read-timeout": between,
        f"{NGINX}/proxy-send-timeout": between,
    }


def _ingress(name: str, host: Host, spec: ServiceSpec, controller: IngressClass) -> dict[str, Any]:
    port = port_of(host, spec)
    backend = {"service": {"name": name, "port": {"number": port.service or port.number}}}
    paths = [{"path": host.path, "pathType": "Prefix", "backend": backend}]
    return {
        "ingressClassName": controller.name,
        **({} if host.tls is None else {"tls": [{"hosts": [host.name], "secretName": host.tls}]}),
        "rules": [{"host": host.name, "http": {"paths": paths}}],
    }
