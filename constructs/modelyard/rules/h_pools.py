"""H: routes to InferencePools, and the pickers that choose in these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.facilities import WITH_POOLS, Gateway
from modelyard.rules.admission import closed_by
from modelyard.rules.h import H06, backends, by
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called, exposed, running, selected, written
from modelyard.values.similar import did_you_mean

POOL = "https://gateway-api-inference-extension.sigs.k8s.io/api-types/inferencepool/"
IMPLEMENTATIONS = "https://gateway-api-inference-extension.sigs.k8s.io/implementations/gateways/"

H09 = Rule(
    "H09",
    "A route leads to an InferencePool only by a gateway that knows it.",
    why="The gateway answers every request with an error 500, and says why only in the status of the route.",
    fix=(
        f"lead to the Service, use a gateway of {', '.join(WITH_POOLS)}, or accept H09 where a controller beside it"
        " does that"
    ),
    see=IMPLEMENTATIONS,
    acceptable=True,
)
H10 = Rule(
    "H10",
    "An InferencePool is rendered beside the route to it, with pods that listen on its port, and with its picker.",
    why="The gateway answers with an error, or, with failureMode FailOpen, sends requests to pods that nobody chose.",
    fix="correct it, or accept H10 where the other object is made elsewhere",
    see=POOL,
    acceptable=True,
)


@H09.objects("HTTPRoute", "GRPCRoute")
def leading(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the pools, and whether the gateway knows any."""
    gateway = scope.site.cluster.gateway
    for backend in backends(one, "InferencePool"):
        field = f"{backend.field}.name"
        if isinstance(gateway, Gateway) and by(one, gateway) and gateway.implementation not in WITH_POOLS:
            because = f"the gateway {gateway.name} is one of {gateway.implementation}, which leads to Services only"
            yield H09.breach(field, backend.name, because)
        if scope.complete and scope.find("InferencePool", one.namespace, backend.name) is None:
            known = {pool.name for pool in scope.of_kind("InferencePool") if pool.namespace == one.namespace}
            because = "no InferencePool of this name is rendered here"
            yield H10.breach(field, backend.name, because, did_you_mean(backend.name, known))


@H10.objects("InferencePool")
def chosen(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the pods, their ports and the picker, and for policies that keep the gateway out."""
    labels = (one.spec.get("selector") or {}).get("matchLabels") or {}
    pods = selected(scope, {"matchLabels": labels}, one.namespace)
    ports = [port.get("number") for port in one.spec.get("targetPorts") or ()]
    if pods == [] and scope.complete:
        yield H10.breach("spec.selector.matchLabels", written(labels), "no pod that is rendered here has these labels")
    for pod in pods or ():
        listening = {int(port["containerPort"]) for container in running(pod) for port in container.ports}
        for index, port in enumerate(ports):
            if listening and port not in listening:
                because = f"the pods of {called(pod.object)} listen on {', '.join(map(str, sorted(listening)))}"
                yield H10.breach(f"spec.targetPorts[{index}].number", port, because)
    if ports:
        whose = f"the pods of {called(one)}"
        yield from _closed(
            "spec.targetPorts[0].number", ports[0], whose, [(pod, ports[0]) for pod in pods or ()], scope
        )
    yield from _picker(one, scope)


def _picker(one: Object, scope: Scope) -> Iterator[Breach]:
    reference: dict[str, Any] = one.spec.get("endpointPickerRef") or {}
    if reference.get("kind", "Service") != "Service":
        return
    name, number = str(reference.get("name")), (reference.get("port") or {}).get("number")
    service = scope.find("Service", one.namespace, name)
    if service is None:
        if scope.complete:
            because = "no Service of this name is rendered here"
            yield H10.breach("spec.endpointPickerRef.name", name, because)
        return
    port = next((port for port in service.spec.get("ports") or () if port["port"] == number), None)
    if port is None:
        because = f"{called(service)} has no such port"
        yield H10.breach("spec.endpointPickerRef.port.number", number, because)
        return
    target: str | int = port.get("targetPort") or port["port"]
    behind = [(pod, target) for pod in exposed(service, scope) or ()]
    yield from _closed("spec.endpointPickerRef.name", name, "the picker", behind, scope)


def _closed(
    field: str, value: object, whose: str, behind: list[tuple[Pod, str | int]], scope: Scope
) -> Iterator[Breach]:
    gateway = scope.site.cluster.gateway
    for namespace in gateway.callers if gateway is not None else ():
        for pod, port in behind:
            if policy := closed_by(pod, port, namespace, scope):
                because = f"{called(policy)} lets nobody of the namespace {namespace} in to {whose}"
                yield H06.breach(field, value, because)
                return
