"""Under which names, and in which shares, services are reached from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach, Source
from modelyard.fleet.facilities import Gateway, IngressClass
from modelyard.fleet.site import Site
from modelyard.pod.options import amount
from modelyard.serving import pools
from modelyard.serving.pools import InferencePool
from modelyard.values import quantity
from modelyard.values.addresses import is_address
from modelyard.values.names import subdomain
from modelyard.values.similar import did_you_mean
from modelyard.values.value import option, required, source_of, value

if TYPE_CHECKING:
    from modelyard.pod.options import Port
    from modelyard.serving.spec import ServiceSpec

ROUTES = "gateway.networking.k8s.io/v1"
POLICIES = "networking.gke.io/v1"
WITH_TIMEOUTS = frozenset({"envoy", "istio", "kgateway"})
"""Implementations that know the timeouts of an HTTPRoute; GKE's refuses a route that has some."""
ALL = 100
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


def _host(name: str) -> str | None:
    if is_address(name):
        return "a host has a name, and no address"
    broken = subdomain(name.removeprefix("*."))
    return f"of a host: {broken}" if broken else None


def _path(path: str) -> str | None:
    if not PATH.fullmatch(path) or "//" in path or {".", ".."} & set(path.split("/")):
        return 'a path starts with "/", and has neither "//" nor "." nor ".." in it'
    return None


def _above_zero(duration: timedelta | None) -> str | None:
    return None if duration is None or duration > timedelta(0) else "it is a length of time above zero"


def _size(text: str | None) -> str | None:
    if text is None:
        return None
    if (wrong := amount(text)) is not None:
        return wrong
    # In nginx's own words m is a million bytes.
    whole = float(quantity.number(text) or 0).is_integer()
    return None if whole else f"{text} is less than whole bytes, since m is a thousandth; write Mi for millions"


@value
class Host:
    """
    A name under which a service is reached from outside, by the cluster's gateway.

    Args:
        name: For example ``chat.acme.dev``, or ``*.acme.dev``.

        path: Requests whose path begins with it. Default: all.

        port: The name of one of the service's ports. Default: the first.

        grpc: Whether gRPC is spoken, by a GRPCRoute. Default: HTTP.

        timeout: The longest that a request may take. Default: no limit, so that no stream is cut, where the gateway
            can be told so.

        split: Other services of the environment, and how many percent of the requests each gets, 0 to 100; the rest
            is for this one. Default: all of it.

        pool: `InferencePool`, whose endpoint picker chooses the replica for each request. Default: any takes it.

        body: The largest body of a request, as a quantity, for an Ingress of nginx. Default: no limit, as gateways have
            none.

        tls: The Secret with the certificate, for an Ingress; a Gateway has its own. Default: none.

    See Also:
        https://gateway-api.sigs.k8s.io/api-types/httproute/
    """

    name: str = required(check=_host)
    path: str = option(default="/", check=_path, kw_only=True)
    port: str | None = attrs.field(default=None, kw_only=True)
    grpc: bool = attrs.field(default=False, kw_only=True)
    timeout: timedelta | None = option(default=None, check=_above_zero, kw_only=True)
    split: Mapping[str, int] = attrs.field(factory=dict, kw_only=True)
    pool: InferencePool | None = attrs.field(default=None, kw_only=True)
    body: str | None = option(default=None, check=_size, kw_only=True)
    tls: str | None = option(default=None, check=lambda name: subdomain(name) if name else None, kw_only=True)


def hosts(spec: ServiceSpec) -> tuple[Host, ...]:
    """Return the names of a service, whether it has one or several."""
    return (spec.route,) if isinstance(spec.route, Host) else tuple(spec.route)


def port_of(host: Host, spec: ServiceSpec) -> Port:
    """Return the port that *host* leads to: for gRPC the one called so, if there is one."""
    called = "grpc" if host.port is None and host.grpc else host.port
    return next((one for one in spec.ports if one.name == called), spec.ports[0])


def breaches(name: str, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield why the service *name* cannot be reached as it asks for."""
    found, gateway, cluster = hosts(spec), site.cluster.gateway, site.cluster
    if not found:
        return
    if gateway is None:
        because = f"the cluster {cluster.name} has no gateway"
        do = 'write Cluster(..., gateway=Gateway("public", "gateways", implementation="envoy"))'
        yield Breach("X11", "route", found[0].name, because, do, source_of(found[0]))
        return
    seen: set[bool] = set()
    for index, host in enumerate(found):
        at, source = "route" if isinstance(spec.route, Host) else f"route[{index}]", source_of(host)
        kind = "GRPCRoute" if host.grpc else "HTTPRoute"
        if isinstance(gateway, Gateway) and not cluster.has(ROUTES, kind):
            because = f"the cluster {cluster.name} has no {ROUTES} {kind}"
            yield Breach("X04", at, host.name, because, "write Cluster(installed=[Crd.GATEWAY_API])", source)
        if host.grpc in seen or (seen and isinstance(gateway, IngressClass)):
            because = "the service has a route for it already, which is called like the service"
            do = "keep one for HTTP and one for gRPC" if isinstance(gateway, Gateway) else "keep one"
            yield Breach("X02", f"{at}.name", host.name, because, do, source)
        seen.add(host.grpc)
        names = [port.name for port in spec.ports]
        if host.port is not None and host.port not in names:
            do = did_you_mean(host.port, names) or f"its ports are {', '.join(names)}"
            yield Breach("P03", f"{at}.port", host.port, "the service has no port of this name", do, source)
        yield from _beside(at, host, found[:index], spec, site)
        if host.grpc and host.path != "/":
            because = "gRPC is routed by service and method, not by path"
            yield Breach("X11", f"{at}.path", host.path, because, "leave path= away", source)
        yield from _timeout(at, host, site, source)
        yield from _body(at, host, site, source)
        yield from _split(at, name, host, site, source)
        yield from pools.breaches(at, host, port_of(host, spec).name, spec, site)
        if host.tls is not None and isinstance(gateway, Gateway):
            because = "the listener of the Gateway has the certificate"
            yield Breach("X11", f"{at}.tls", host.tls, because, "leave tls= away", source)


def _beside(at: str, host: Host, earlier: Sequence[Host], spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield what *host* shares with one that speaks another protocol, and cannot."""
    other = next((one for one in earlier if one.grpc != host.grpc), None)
    if other is None or not isinstance(site.cluster.gateway, Gateway):
        return
    source, port = source_of(host), port_of(host, spec)
    if other.name == host.name:
        because = "a gateway takes one kind of route for a name, and there is an HTTPRoute and a GRPCRoute"
        yield Breach("X11", f"{at}.name", host.name, because, "give gRPC a name of its own", source)
    if port_of(other, spec) == port:
        because = "another host speaks HTTP with this port, or gRPC, and a Service says one thing of a port"
        do = 'listen on another port for gRPC, and write Host(..., grpc=True, port="grpc")'
        yield Breach("X11", f"{at}.port", port.name, because, do, source)


def _timeout(at: str, host: Host, site: Site, source: Source | None) -> Iterator[Breach]:
    gateway = site.cluster.gateway
    if host.timeout is None or gateway is None:
        return
    field, given = f"{at}.timeout", host.timeout
    if host.grpc and isinstance(gateway, Gateway):
        because = "a GRPCRoute has no timeout"
        yield Breach("X11", field, given, because, "leave timeout= away, and let clients set a deadline", source)
    elif isinstance(gateway, IngressClass) and gateway.implementation != "nginx":
        because = f"how the Ingress class {gateway.name} is told of a timeout is not known"
        yield Breach("X11", field, given, because, "leave timeout= away, and add its annotation by a patch", source)
    elif isinstance(gateway, Gateway) and gateway.implementation not in WITH_TIMEOUTS:
        if gateway.implementation == "gke" and site.cluster.has(POLICIES, "GCPBackendPolicy"):
            return
        because = f"a gateway of {gateway.implementation} cannot be told of a timeout by a route"
        do = "leave timeout= away, and set it by the gateway's own policy"
        if gateway.implementation == "gke":
            do = "install the definition of GCPBackendPolicy, with Crd.from_file(...), or leave timeout= away"
        yield Breach("H05", field, given, because, do, source)


def _body(at: str, host: Host, site: Site, source: Source | None) -> Iterator[Breach]:
    gateway = site.cluster.gateway
    if host.body is None or (isinstance(gateway, IngressClass) and gateway.implementation == "nginx"):
        return
    if isinstance(gateway, IngressClass):
        because = f"how the Ingress class {gateway.name} is told of a largest body is not known"
        do = "leave body= away, and add its annotation by a patch"
    else:
        because = "no route tells a gateway of a largest body"
        do = "leave body= away, and set it by the gateway's own policy"
    yield Breach("X11", f"{at}.body", host.body, because, do, source)


def _split(at: str, name: str, host: Host, site: Site, source: Source | None) -> Iterator[Breach]:
    for other, percent in host.split.items():
        field = f"{at}.split[{other!r}]"
        if other == name:
            yield Breach("X11", field, percent, "it gets the rest", "name other services only", source)
        elif not 0 <= percent <= ALL:
            yield Breach("X11", field, percent, "a share is from 0 to 100 percent", "correct the share", source)
    total = sum(host.split.values())
    if total > ALL:
        because = "all shares together are at most 100 percent"
        yield Breach("X11", f"{at}.split", total, because, "lower one", source)
    if host.split and isinstance(site.cluster.gateway, IngressClass):
        because = "an Ingress has no shares"
        yield Breach("X11", f"{at}.split", total, because, "use a cluster with a Gateway, or leave split= away", source)
