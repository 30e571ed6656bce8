"""D: Services, their ports and the pods behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.d_budgets import BATCH
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called, exposed, running, written
from modelyard.values import names
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.similar import did_you_mean

SERVICE = "https://kubernetes.io/docs/concepts/services-networking/service/"

D08 = Rule(
    "D08",
    "A Service's ports are complete and unique, and lead to ports that its pods have.",
    why=("The API server refuses the Service, or it has no endpoint for the port and every connection fails."),
    fix="correct the port",
    see=SERVICE + "#multi-port-services",
)
D09 = Rule(
    "D09",
    "A Service leads to the pods of one workload.",
    why="Requests reach pods that do not serve this model: a training, a canary, another service.",
    fix=("select a label that only one of them has, or accept D09 where requests may reach all of them"),
    see=SERVICE + "#services-in-kubernetes",
    acceptable=True,
)
D15 = Rule(
    "D15",
    "A Service leads to port numbers that its pods declare.",
    why="Where nothing listens on the port, every connection is refused.",
    fix="write the container's port as targetPort, or declare it in the container's ports",
    see=SERVICE + "#field-spec-ports",
    severity=Severity.WARNING,
    acceptable=True,
)


@D08.objects("Service")
def complete(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check a Service's list of ports."""
    ports = one.spec.get("ports") or []
    kind = one.spec.get("type") or "ClusterIP"
    if not ports and kind != "ExternalName" and one.spec.get("clusterIP") != "None":
        yield D08.breach("spec.ports", None, "only a headless Service can be without ports", "add a port")
    taken: dict[str, int] = {}
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        yield from _port(at, port, named=len(ports) > 1)
        if (name := port.get("name")) and taken.setdefault(name, index) != index:
            because = f"spec.ports[{taken[name]}] has it already"
            yield D08.breach(f"{at}.name", name, because, "give each port its own")
        if port.get("nodePort") and kind == "ClusterIP":
            because = "the type of the Service is ClusterIP"
            yield D08.breach(
                f"{at}.nodePort",
                port["nodePort"],
                because,
                "remove nodePort, or write type: NodePort",
            )


def _port(at: str, port: dict[str, Any], *, named: bool) -> Iterator[Breach]:
    name, target = port.get("name"), port.get("targetPort")
    if name and (broken := names.dns_label(name)):
        yield D08.breach(f"{at}.name", name, broken, "rename the port")
    elif named and not name:
        yield D08.breach(
            f"{at}.name",
            None,
            "of several ports each has a name",
            "name it, for example http or grpc",
        )
    if (protocol := port.get("appProtocol")) is not None and (broken := names.qualified_name(protocol)):
        yield D08.breach(f"{at}.appProtocol", protocol, broken, "write a protocol such as http or kubernetes.io/h2c")
    for field, number in (("port", port["port"]), ("targetPort", target)):
        # To the API server a targetPort of 0 is one that is not given.
        if isinstance(number, int) and not 1 <= number <= HIGHEST_PORT and (field, number) != ("targetPort", 0):
            yield D08.breach(f"{at}.{field}", number, f"a port is a number from 1 to {HIGHEST_PORT}")
    if isinstance(target, str) and target and (broken := names.port_name(target)):
        yield D08.breach(
            f"{at}.targetPort",
            target,
            broken,
            "write a number without quotes, or the name of a container's port",
        )


@D08.objects("Service")
def named_ports(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the ports that a Service refers to by name, in any of its pods."""
    wanted = [
        (index, port["targetPort"], port.get("protocol") or "TCP")
        for index, port in enumerate(one.spec.get("ports") or ())
        if isinstance(port.get("targetPort"), str) and not names.port_name(port["targetPort"])
    ]
    found = _spread_over(one, scope) if wanted else ()
    if not found:
        return
    known = [declared for pod in found for declared in _declared(pod)]
    for index, name, protocol in wanted:
        if not any((port.get("name"), own) == (name, protocol) for port, own in known):
            named = list(dict.fromkeys(str(port["name"]) for port, _ in known if port.get("name")))
            because = f"the pods of {called(found[0].object)} have no {protocol} port of this name"
            do = did_you_mean(name, named) or (
                f"they have {', '.join(named)}" if named else "name the port in the container's ports"
            )
            yield D08.breach(f"spec.ports[{index}].targetPort", name, because, do)


@D15.objects("Service")
def numbered_ports(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the ports that a Service refers to by number, in pods that tell their ports."""
    wanted = []
    for index, port in enumerate(one.spec.get("ports") or ()):
        field = "targetPort" if port.get("targetPort") else "port"
        if isinstance(port[field], int):
            wanted.append((index, field, port[field], port.get("protocol") or "TCP"))
    found = _spread_over(one, scope) if wanted else ()
    if not found or not all(map(_declared, found)):
        return
    known = [(port["containerPort"], protocol) for pod in found for port, protocol in _declared(pod)]
    for index, field, number, protocol in wanted:
        if (number, protocol) not in known:
            listed = ", ".join(dict.fromkeys(str(own) for own, _ in known))
            because = f"the pods of {called(found[0].object)} declare {listed}"
            if field == "port":
                because += ", and without targetPort a Service leads to its own number"
            do = f"write targetPort: {known[0][0]}, or declare {number} in the container's ports"
            yield D15.breach(f"spec.ports[{index}].{field}", number, because, do)


def _spread_over(service: Object, scope: Scope) -> list[Pod]:
    """Return the pods that *service* spreads requests over; a headless one only names them."""
    return [] if service.spec.get("clusterIP") == "None" else exposed(service, scope) or []


def _declared(pod: Pod) -> list[tuple[dict[str, Any], str]]:
    """Return the ports of the containers that run side by side, each with its protocol."""
    return [(port, port.get("protocol") or "TCP") for container in running(pod) for port in container.ports]


@D09.objects("Service")
def one_workload(one: Object, scope: Scope) -> Iterator[Breach]:
    """Count the workloads behind a Service."""
    owners = {id(pod.object): pod.object for pod in _spread_over(one, scope) if pod.object.kind != "Pod"}
    if len(owners) < 2:  # noqa: PLR2004 # one is as it should be
        return
    found = sorted(owners.values(), key=lambda owner: owner.kind in BATCH)
    because = f"it spreads requests over the pods of {_listed([called(owner) for owner in found])}"
    yield D09.breach("spec.selector", written(one.spec["selector"]), because)


def _listed(words: list[str]) -> str:
    if len(words) > 3:  # noqa: PLR2004 # as many as one reads in a message
        words = [*words[:2], f"{len(words) - 2} more"]
    return f"{', '.join(words[:-1])} and {words[-1]}"
