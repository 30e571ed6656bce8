"""Rules on InferencePools: what they choose from, who chooses, and which gateways know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster, Gateway
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, network_policy, service

GROUP = "inference.networking.k8s.io"
MESH = Cluster("mesh", kubernetes="1.34", gateway=Gateway("public", "gateways", implementation="istio"))
ENVOY = Cluster("envoy", kubernetes="1.34", gateway=Gateway("public", "gateways", implementation="envoy"))
GKE = Cluster("gke", kubernetes="1.34", gateway=Gateway("public", "gateways", implementation="gke"))
SERVER = (deployment(), deployment("epp"), service("epp", {"port": 9002, "targetPort": "http"}))
ELSEWHERE = "correct it, or accept H10 where the other object is made elsewhere"
IN = "let the gateway's namespace in, or accept H06 where its proxies run elsewhere"


def pool(name: str = "web", app: str = "web", port: int = 8080, picker: str = "epp", picked: int = 9002) -> Manifest:
    """Return an InferencePool."""
    reference = {"name": picker, "port": {"number": picked}}
    spec = {
        "selector": {"matchLabels": {"app": app}},
        "targetPorts": [{"number": port}],
        "endpointPickerRef": reference,
    }
    return {"apiVersion": f"{GROUP}/v1", "kind": "InferencePool", "metadata": {"name": name}, "spec": spec}


def route(to: str = "web") -> Manifest:
    """Return a route to the pool *to*."""
    reference = {"group": GROUP, "kind": "InferencePool", "name": to}
    spec = {
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "hostnames": ["a.example"],
        "rules": [{"backendRefs": [reference], "timeouts": {"request": "0s"}}],
    }
    meta = {"name": "web"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta, "spec": spec}


def closing(app: str) -> Manifest:
    """Return a NetworkPolicy that lets nobody in."""
    return network_policy(app, app=app)


ROUTED = "HTTPRoute web spec.rules[0].backendRefs[0].name"
WEB = "InferencePool web spec."
CASES: list[tuple[str, Cluster, tuple[Mapping[str, Any], ...], str | None]] = []


def case(rule: str, cluster: Cluster, *manifests: Mapping[str, Any], text: str | None = None) -> None:
    """Keep one case: what *manifests*, beside server and picker, are to *rule*, with the one finding or none."""
    CASES.append((rule, cluster, (*manifests, *SERVER), text))


case("H09", MESH, route(), pool())
case("H09", Cluster("none", kubernetes="1.34"), route(), pool())
case(
    "H09", ENVOY, route(), pool(),
    text=f"{ROUTED}='web' but the gateway public is one of envoy, which leads to Services only; lead to the Service, use a"
    " gateway of gke, istio, kgateway, nginx, or accept H09 where a controller beside it does that",
)  # fmt: skip
case("H10", MESH, route(), pool())
case(
    "H10", MESH, route("wep"), pool(),
    text=f"{ROUTED}='wep' but no InferencePool of this name is rendered here; did you mean web?",
)  # fmt: skip
case(
    "H10", MESH, route("chat"), pool(),
    text=f"{ROUTED}='chat' but no InferencePool of this name is rendered here; {ELSEWHERE}",
)  # fmt: skip
case(
    "H10", MESH, pool(app="chat"),
    text=f"{WEB}selector.matchLabels='app=chat' but no pod that is rendered here has these labels; {ELSEWHERE}",
)  # fmt: skip
case(
    "H10", MESH, pool(port=8000),
    text=f"{WEB}targetPorts[0].number=8000 but the pods of Deployment web listen on 8080; {ELSEWHERE}",
)  # fmt: skip
case(
    "H10", MESH, pool(picker="picker"),
    text=f"{WEB}endpointPickerRef.name='picker' but no Service of this name is rendered here; {ELSEWHERE}",
)  # fmt: skip
case(
    "H10", MESH, pool(picked=9003),
    text=f"{WEB}endpointPickerRef.port.number=9003 but Service epp has no such port; {ELSEWHERE}",
)  # fmt: skip
case("H06", MESH, pool())
case(
    "H06", MESH, pool(), closing("web"),
    text=f"{WEB}targetPorts[0].number=8080 but NetworkPolicy web lets nobody of the namespace gateways in to the pods of"
    f" InferencePool web; {IN}",
)  # fmt: skip
case(
    "H06", MESH, pool(), closing("epp"),
    text=f"{WEB}endpointPickerRef.name='epp' but NetworkPolicy epp lets nobody of the namespace gateways in to the picker;"
    f" {IN}",
)  # fmt: skip
case(
    "H04", GKE, route(), pool(),
    text=f"{ROUTED}='web' but each request is cut after 30 seconds; add a GCPBackendPolicy with timeoutSec for the Service,"
    " or accept H04 where no request takes so long",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "cluster", "manifests", "text"), CASES)
def test_a_pool_is_judged(
    rule: str, cluster: Cluster, manifests: tuple[Mapping[str, Any], ...], text: str | None
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    expected = [] if text is None else [f"test: {text}"]
    assert [said for broken, said in judged(rule[0], *manifests, cluster=cluster) if broken == rule] == expected
