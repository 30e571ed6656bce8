"""H: routes from outside: where they lead, how long a request may take, and who lets the gateway in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from modelyard.findings import Breach, Severity
from modelyard.fleet.facilities import Gateway
from modelyard.rules import kserve
from modelyard.rules.admission import closed_by
from modelyard.rules.kinds import RAY
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import called, exposed
from modelyard.values.at import at as part_at
from modelyard.values.similar import did_you_mean

HTTP_ROUTE = "https://gateway-api.sigs.k8s.io/api-types/httproute/"
TIMEOUTS = "https://gateway-api.sigs.k8s.io/guides/http-timeouts/"
GKE = "https://cloud.google.com/kubernetes-engine/docs/how-to/gatewayclass-capabilities"

H01 = Rule(
    "H01",
    "A route leads to Services that are rendered beside it, and to ports that they have.",
    why="The gateway answers every such request with an error 500, and says so only in the route's status.",
    fix="correct name and port, or accept H01 where the Service is made elsewhere",
    see=HTTP_ROUTE,
    acceptable=True,
)
H02 = Rule(
    "H02",
    "Of the Services that a route leads to, one at least gets requests.",
    why="Where all weights are 0 the gateway answers every request with an error 500.",
    fix="give one of them a weight above 0",
    see=HTTP_ROUTE,
    acceptable=True,
)
H04 = Rule(
    "H04",
    "Requests by a gateway of GKE may take longer than 30 seconds only by a policy.",
    why="Google's load balancer cuts each request, and each stream, after 30 seconds.",
    fix="add a GCPBackendPolicy with timeoutSec for the Service, or accept H04 where no request takes so long",
    see=GKE,
    severity=Severity.WARNING,
    acceptable=True,
)
H05 = Rule(
    "H05",
    "A route has timeouts only where its gateway knows them.",
    why="GKE refuses the whole route then (UnsupportedValue), and others pass the timeouts over.",
    fix="leave timeouts away, and set them by the gateway's own policy",
    see=TIMEOUTS,
)
H06 = Rule(
    "H06",
    "A NetworkPolicy lets the gateway in to what a route leads to.",
    why="Every request by the gateway runs into a timeout.",
    fix="let the gateway's namespace in, or accept H06 where its proxies run elsewhere",
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    acceptable=True,
)
H07 = Rule(
    "H07",
    "A route by Envoy says how long a request may take.",
    why="Envoy cuts each request, and each stream of a language model, after 15 seconds if nobody says otherwise.",
    fix='write timeouts.request: "0s" for no limit, or accept H07 where no request takes so long',
    see=TIMEOUTS,
    severity=Severity.WARNING,
    acceptable=True,
)
H11 = Rule(
    "H11",
    "A route of gRPC leads to ports that say they speak it.",
    why="A gateway speaks HTTP/1.1 with a port that says nothing, and every call fails.",
    fix='name the port of that service so, port=[Port("grpc", ...)], or write appProtocol: kubernetes.io/h2c',
    see="https://gateway-api.sigs.k8s.io/geps/gep-1911/",
    severity=Severity.WARNING,
    acceptable=True,
)

ENVOY = frozenset({"envoy", "kgateway"})
STREAMS = {
    "envoy": (
        "let a BackendTrafficPolicy say timeout.http.requestTimeout for it, which is rendered where the cluster has its"
        " definition by Crd.from_file(...)"
    ),
    "kgateway": "let a TrafficPolicy say timeouts.request for it, where the version of kgateway lets it",
}
STREAM = ", or accept H07 where no stream takes so long"
TELLS = {"BackendTrafficPolicy": ("timeout", "http", "requestTimeout"), "TrafficPolicy": ("timeouts", "request")}
"""By which field policies of Envoy's gateways say how long a request may take."""
WITHOUT_TIMEOUTS = frozenset({"gke", "nginx"})
KNOWS_GRPC = frozenset({"envoy"})
"""Gateways that speak gRPC with whatever a GRPCRoute leads to: as read in Envoy Gateway 1.5."""
BY_ANNOTATION = "use-annotation"
"""The port in an Ingress where an annotation says what the AWS Load Balancer Controller does with requests."""
GRPC = frozenset({"kubernetes.io/h2c", "grpc", "http2", "h2c", "HTTP2"})


@attrs.frozen
class Backend:
    """
    A Service, or an InferencePool, that a route leads to.

    Args:
        field: Where it stands.

        name: Of the Service.

        port: Its port, as a number or a name.

        kind: Default: a Service.
    """

    field: str
    name: str
    port: str | int | None
    kind: str = "Service"


def rules(one: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rules of a route, with their fields."""
    for index, rule in enumerate(one.spec.get("rules") or ()):
        yield f"spec.rules[{index}]", rule


def _backends(one: Object) -> Iterator[Backend]:
    for at, rule in rules(one):
        if one.kind == "Ingress":
            for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
                if service := (path.get("backend") or {}).get("service"):
                    port = service.get("port") or {}
                    if port.get("name") == BY_ANNOTATION:
                        continue
                    field = f"{at}.http.paths[{index}].backend.service"
                    yield Backend(field, service["name"], port.get("number", port.get("name")))
    yield from backends(one, "Service")


def backends(one: Object, kind: str) -> Iterator[Backend]:
    """Yield what the rules of the route *one* lead to, of its own namespace and of this *kind*."""
    for at, rule in rules(one):
        for index, reference in enumerate(rule.get("backendRefs") or ()):
            if reference.get("kind", "Service") == kind and reference.get("namespace") in {None, one.namespace}:
                yield Backend(f"{at}.backendRefs[{index}]", reference["name"], reference.get("port"), kind)


@H01.objects("HTTPRoute", "GRPCRoute", "Ingress")
def leading(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the Services and their ports, and for policies that keep the gateway out."""
    services = {service.name for service in scope.of_kind("Service") if service.namespace == one.namespace}
    for backend in _backends(one):
        service = scope.find("Service", one.namespace, backend.name)
        if service is None:
            if scope.complete and backend.name not in _of_ray(one.namespace, scope):
                do = _predictor(backend, one, scope) or did_you_mean(backend.name, services)
                yield H01.breach(f"{backend.field}.name", backend.name, "no Service of this name is rendered here", do)
            continue
        port = _port(service, backend.port)
        if port is None:
            known = ", ".join(str(port["port"]) for port in service.spec.get("ports") or ())
            because = f"{called(service)} has no such port"
            yield H01.breach(f"{backend.field}.port", backend.port, because, f"it has {known or 'none'}")
        else:
            yield from _entry(backend, service, port, scope)
            if one.kind == "GRPCRoute":
                yield from _spoken(backend, service, port, scope)


def _of_ray(namespace: str | None, scope: Scope) -> frozenset[str]:
    """Return what the Services are called that KubeRay makes of the objects of Ray in *namespace*."""
    if "Services of Ray" not in scope.memo:
        found: dict[str | None, set[str]] = {}
        for one in scope.objects:
            if one.kind in RAY:
                names = found.setdefault(one.namespace, set())
                names.add(f"{one.name}-head-svc")
                if one.kind == "RayService":
                    names.add(f"{one.name}-serve-svc")
        scope.memo["Services of Ray"] = {space: frozenset(names) for space, names in found.items()}
    services: frozenset[str] = scope.memo["Services of Ray"].get(namespace, frozenset())
    return services


def _predictor(backend: Backend, one: Object, scope: Scope) -> str | None:
    """Return what the Service is called that KServe makes of the InferenceService of this name."""
    inference = scope.find(kserve.KIND, one.namespace, backend.name)
    made = None if inference is None else kserve.deployed(inference)
    return None if made is None else f"the Service that KServe makes for it is {made}"


def _spoken(backend: Backend, service: Object, port: Mapping[str, Any], scope: Scope) -> Iterator[Breach]:
    gateway = scope.site.cluster.gateway
    if isinstance(gateway, Gateway) and gateway.implementation in KNOWS_GRPC:
        return
    if port.get("appProtocol") not in GRPC:
        because = f"the port {port['port']} of {called(service)} does not say that it speaks gRPC"
        yield H11.breach(f"{backend.field}.port", backend.port, because)


def _port(service: Object, wanted: str | int | None) -> dict[str, Any] | None:
    ports: list[dict[str, Any]] = service.spec.get("ports") or []
    return next((port for port in ports if wanted in {port["port"], port.get("name")}), None)


def _entry(backend: Backend, service: Object, port: Mapping[str, Any], scope: Scope) -> Iterator[Breach]:
    gateway = scope.site.cluster.gateway
    for namespace in gateway.callers if gateway is not None else ():
        for pod in exposed(service, scope) or ():
            target = port.get("targetPort") or port["port"]
            if policy := closed_by(pod, target, namespace, scope):
                because = (
                    f"{called(policy)} lets nobody of the namespace {namespace} in to the pods of {called(service)}"
                )
                yield H06.breach(f"{backend.field}.name", backend.name, because)
                return


@H02.objects("HTTPRoute", "GRPCRoute")
def shared(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Add the weights."""
    for at, rule in rules(one):
        references = rule.get("backendRefs") or ()
        if references and not any(reference.get("weight", 1) for reference in references):
            yield H02.breach(f"{at}.backendRefs", None, "every weight is 0, so nobody gets requests")


@H05.objects("HTTPRoute", "GRPCRoute")
def timed(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare timeouts with what the gateway knows of them."""
    gateway = scope.site.cluster.gateway
    if not isinstance(gateway, Gateway) or not by(one, gateway):
        return
    for at, rule in rules(one):
        timeouts = rule.get("timeouts")
        if timeouts and gateway.implementation in WITHOUT_TIMEOUTS:
            because = f"the gateway {gateway.name} is one of {gateway.implementation}, which does not know them"
            yield H05.breach(f"{at}.timeouts", None, because)
        elif one.kind == "GRPCRoute":
            continue
        elif gateway.implementation in ENVOY and not (timeouts or {}).get("request"):
            yield H07.breach(f"{at}.timeouts", None, "without a request timeout each request is cut after 15 seconds")
    if one.kind == "GRPCRoute" and gateway.implementation in ENVOY and not _told(one, scope):
        because = "a GRPCRoute has no timeout, and each stream is cut 15 seconds after its request"
        yield H07.breach("spec.rules", None, because, STREAMS[gateway.implementation] + STREAM)
    if gateway.implementation == "gke":
        told = {
            ((policy.spec.get("targetRef") or {}).get("kind"), (policy.spec.get("targetRef") or {}).get("name"))
            for policy in scope.of_kind("GCPBackendPolicy")
            if (policy.spec.get("default") or {}).get("timeoutSec")
        }
        for backend in (*_backends(one), *backends(one, "InferencePool")):
            if (backend.kind, backend.name) not in told:
                yield H04.breach(f"{backend.field}.name", backend.name, "each request is cut after 30 seconds")


def _told(one: Object, scope: Scope) -> bool:
    """Return whether a policy of Envoy's gateways says how long requests by the route *one* may take."""
    for kind, path in TELLS.items():
        for policy in scope.of_kind(kind):
            single = policy.spec.get("targetRef")
            targets = [*(policy.spec.get("targetRefs") or ()), *([single] if single else ())]
            here = part_at(policy.spec, *path) and policy.namespace == one.namespace
            if here and any((target.get("kind"), target.get("name")) == (one.kind, one.name) for target in targets):
                return True
    return False


def by(one: Object, gateway: Gateway) -> bool:
    """Return whether the route *one* is one of *gateway*."""
    return any(
        (parent.get("name"), parent.get("namespace", one.namespace)) == (gateway.name, gateway.namespace)
        for parent in one.spec.get("parentRefs") or ()
    )
