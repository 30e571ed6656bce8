"""D: the addresses of Services."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.addresses import is_address
from modelyard.values.names import subdomain

D17 = Rule(
    "D17",
    "A Service's address fits its type.",
    why="The API server refuses the Service, and its name leads nowhere.",
    fix="remove it",
    see="https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types",
)

HEADLESS = "None"
REACHED = frozenset({"LoadBalancer", "NodePort"})


@D17.objects("Service")
def addressed(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check a Service's own address, or the name that it stands for."""
    spec = one.spec
    address, name = spec.get("clusterIP"), spec.get("externalName")
    if spec.get("type") == "ExternalName":
        if not name:
            because = "the type is ExternalName, which stands for a name in DNS"
            yield D17.breach("spec.externalName", name, because, "write the name")
        elif broken := subdomain(name.removesuffix(".")):
            yield D17.breach("spec.externalName", name, broken, "write a name in DNS")
        if address:
            yield D17.breach("spec.clusterIP", address, "the type is ExternalName, which has no address")
    elif address == HEADLESS:
        if (kind := spec.get("type")) in REACHED:
            because = f"the type is {kind}, which is reached by an address"
            yield D17.breach("spec.clusterIP", address, because, "remove it, or write type: ClusterIP")
    elif address and not is_address(address):
        yield D17.breach("spec.clusterIP", address, "it is an IP address, or None for a headless Service")
