"""Routes from outside, by the field that an option becomes, for each kind of gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Cluster,
    Crd,
    Environment,
    Gateway,
    Host,
    IngressClass,
    Port,
    ScalableModelService,
    hours,
    minutes,
    seconds,
)
from modelyard.schemas import CrdSchema
from tests.manifests import MISSING, at
from tests.support import CLUSTER, IMAGE, but, environment, found, found_by, objects, service

PUBLIC = Gateway("public", "gateways", implementation="istio")
NGINX = IngressClass("web", "ingress-nginx", implementation="nginx")
CHAT = Host("chat.acme.dev")
PORTS = [Port("http", 8000, service=80), Port("grpc", 9000)]
CUT = "H04"
GCP = CrdSchema(
    "networking.gke.io/v1", "GCPBackendPolicy", namespaced=True, text='{"type": "object", "properties": {}}'
)


def _cluster(gateway: Any = PUBLIC, *more: Crd) -> Cluster:
    cluster: Cluster = but(CLUSTER, installed=[Crd.GATEWAY_API, *more], gateway=gateway)
    return cluster


def _served(root: Path, gateway: Any = PUBLIC, *crds: Crd, **options: Any) -> Environment:
    scope = environment(root, cluster=_cluster(gateway, *crds))
    service(scope, **{"route": CHAT, **options})
    return scope


def _by(implementation: Any, **more: Any) -> Gateway:
    return Gateway("public", "gateways", implementation=implementation, **more)


def test_a_host_becomes_a_route(tmp_path: Path) -> None:
    """Every field, those that the API server would fill in included."""
    rendered = objects(_served(tmp_path))

    assert rendered["HTTPRoute/api"]["spec"] == {
        "parentRefs": [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "gateways", "name": "public"}
        ],
        "hostnames": ["chat.acme.dev"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"group": "", "kind": "Service", "name": "api", "port": 80, "weight": 1}],
                "timeouts": {"request": "0s", "backendRequest": "0s"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        (Host("*.acme.dev"), "hostnames", ["*.acme.dev"]),
        (but(CHAT, path="/v2"), "rules[0].matches[0].path.value", "/v2"),
        (but(CHAT, port="grpc"), "rules[0].backendRefs[0].port", 9000),
        (but(CHAT, timeout=seconds(90)), "rules[0].timeouts", {"request": "1m30s", "backendRequest": "1m30s"}),
        (but(CHAT, timeout=hours(48)), "rules[0].timeouts.request", "48h0m0s"),
    ],
)
def test_an_option_of_a_host_becomes_its_field(tmp_path: Path, host: Host, path: str, expected: Any) -> None:
    """The option sets this very field, which a plain host has otherwise."""
    plain = objects(_served(tmp_path, port=PORTS))["HTTPRoute/api"]
    changed = objects(_served(tmp_path, port=PORTS, route=host))["HTTPRoute/api"]

    assert at(changed, f"spec.{path}") == expected
    assert at(plain, f"spec.{path}") != expected


def test_a_route_can_be_for_one_listener(tmp_path: Path) -> None:
    """By its name."""
    rendered = objects(_served(tmp_path, _by("istio", section="https")))

    assert at(rendered["HTTPRoute/api"], "spec.parentRefs[0].sectionName") == "https"


@pytest.mark.parametrize(
    ("implementation", "timeouts"),
    [
        ("envoy", {"request": "0s", "backendRequest": "0s"}),
        ("istio", {"request": "0s", "backendRequest": "0s"}),
        ("kgateway", {"request": "0s", "backendRequest": "0s"}),
        ("gke", MISSING),
        ("nginx", MISSING),
        ("other", MISSING),
    ],
)
def test_timeouts_are_said_where_they_are_known(tmp_path: Path, implementation: str, timeouts: Any) -> None:
    """Envoy would cut a stream after 15 seconds, and GKE refuses a route that says anything of it."""
    accept = {CUT: "a test"} if implementation == "gke" else {}
    rendered = objects(_served(tmp_path, _by(implementation), accept=accept))

    assert at(rendered["HTTPRoute/api"], "spec.rules[0].timeouts") == timeouts


def test_gke_is_told_of_timeouts_by_its_own_policy(tmp_path: Path) -> None:
    """Where its definition is installed; without it a finding says what becomes of long requests."""
    told = objects(_served(tmp_path, _by("gke"), Crd((GCP,)), route=but(CHAT, timeout=minutes(10))))
    endless = objects(_served(tmp_path, _by("gke"), Crd((GCP,))))

    assert told["GCPBackendPolicy/api"]["spec"] == {
        "default": {"timeoutSec": 600},
        "targetRef": {"group": "", "kind": "Service", "name": "api"},
    }
    assert endless["GCPBackendPolicy/api"]["spec"]["default"] == {"timeoutSec": 86400}
    assert [one.rule for one in found(_served(tmp_path, _by("gke")))] == [CUT]


ENVOY_GATEWAY = CrdSchema(
    "gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy", namespaced=True,
    text='{"type": "object", "properties": {}}',
)  # fmt: skip
SPOKEN = Host("grpc.acme.dev", grpc=True)


def test_streams_of_grpc_are_not_cut_where_the_gateway_can_be_told_so(tmp_path: Path) -> None:
    """A GRPCRoute has no timeouts, and what Envoy and Google's load balancer do without one is told."""
    options: dict[str, Any] = {"port": PORTS, "route": SPOKEN}
    envoy = objects(_served(tmp_path, _by("envoy"), Crd((ENVOY_GATEWAY,)), **options))
    gke = objects(_served(tmp_path, _by("gke"), Crd((GCP,)), **options))

    assert envoy["BackendTrafficPolicy/api"]["spec"] == {
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "GRPCRoute", "name": "api"}],
        "timeout": {"http": {"requestTimeout": "0s"}},
    }
    assert gke["GCPBackendPolicy/api"]["spec"] == {
        "default": {"timeoutSec": 86400},
        "targetRef": {"group": "", "kind": "Service", "name": "api"},
    }
    for implementation, told in (("envoy", ["H07"]), ("kgateway", ["H07"]), ("gke", ["H04"]), ("istio", [])):
        assert [one.rule for one in found(_served(tmp_path, _by(implementation), **options))] == told
    assert found(_served(tmp_path, _by("envoy"), Crd((ENVOY_GATEWAY,)), **options)) == []
    assert found(_served(tmp_path, _by("gke"), Crd((GCP,)), **options)) == []


def test_the_policy_of_google_is_for_the_service_and_so_for_both_of_its_routes(tmp_path: Path) -> None:
    """There is one for each Service, with the time that the host for HTTP gives."""
    route = [SPOKEN, but(CHAT, timeout=minutes(10))]
    scope = _served(tmp_path, _by("gke"), Crd((GCP,)), port=PORTS, route=route)

    assert found(scope) == []
    assert objects(scope)["GCPBackendPolicy/api"]["spec"]["default"] == {"timeoutSec": 600}


def test_grpc_has_a_route_of_its_own_kind(tmp_path: Path) -> None:
    """Both lead to one service, and the gateway is told that the port speaks HTTP/2."""
    route = [CHAT, Host("grpc.acme.dev", grpc=True)]
    rendered = objects(_served(tmp_path, port=PORTS, route=route))

    assert rendered["GRPCRoute/api"]["spec"]["hostnames"] == ["grpc.acme.dev"]
    assert rendered["GRPCRoute/api"]["spec"]["rules"] == [
        {"backendRefs": [{"group": "", "kind": "Service", "name": "api", "port": 9000, "weight": 1}]}
    ]
    assert at(rendered["HTTPRoute/api"], "spec.rules[0].backendRefs[0].port") == 80
    assert at(rendered["Service/api"], "spec.ports[0].appProtocol") == MISSING
    assert at(rendered["Service/api"], "spec.ports[1].appProtocol") == "kubernetes.io/h2c"


@pytest.mark.parametrize(
    ("gateway", "peers"),
    [
        (PUBLIC, ["gateways"]),
        (_by("envoy"), ["envoy-gateway-system"]),
        (_by("envoy", proxies="edge"), ["edge"]),
        (_by("gke"), ["130.211.0.0/22", "35.191.0.0/16"]),
        (_by("gke", proxies="edge"), ["edge", "130.211.0.0/22", "35.191.0.0/16"]),
        (NGINX, ["ingress-nginx"]),
    ],
)
def test_the_gateway_gets_in(tmp_path: Path, gateway: Any, peers: list[str]) -> None:
    """From where its proxies run, or from the addresses of Google's load balancers."""
    rendered = objects(_served(tmp_path, gateway, accept={CUT: "a test"} if peers[-1:] == ["35.191.0.0/16"] else {}))
    (rule,) = rendered["NetworkPolicy/api"]["spec"]["ingress"]

    assert list(_names(rule["from"])) == peers


def _names(peers: list[dict[str, Any]]) -> Iterator[str]:
    for peer in peers:
        if "ipBlock" in peer:
            yield peer["ipBlock"]["cidr"]
        elif "namespaceSelector" in peer:
            yield peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]


def _tracks(root: Path, **split: int) -> Environment:
    scope = environment(root, cluster=_cluster())
    service(
        scope, route=Host("vision.acme.dev", split={name.replace("_", "-"): share for name, share in split.items()})
    )
    for name in split:
        track = ScalableModelService(
            scope, name.replace("_", "-"), image=IMAGE, port=8000, replicas=1, rollout="surge", health="/healthz"
        )
        assert track.id
    return scope


@pytest.mark.parametrize(
    ("split", "weights"),
    [
        ({"api_next": 10}, {"api": 90, "api-next": 10}),
        ({"api_next": 100}, {"api": 0, "api-next": 100}),
        ({"api_next": 0}, {"api": 100, "api-next": 0}),
        ({"api_next": 10, "api_last": 20}, {"api": 70, "api-next": 10, "api-last": 20}),
    ],
)
def test_shares_go_to_services_that_share_nothing(tmp_path: Path, split: Any, weights: dict[str, int]) -> None:
    """A canary, and blue and green: each is a workload of its own, so no selector finds pods of another."""
    rendered = objects(_tracks(tmp_path, **split))
    references = at(rendered["HTTPRoute/api"], "spec.rules[0].backendRefs")
    selectors = [rendered[f"Service/{name}"]["spec"]["selector"] for name in weights]

    assert {one["name"]: one["weight"] for one in references} == weights
    assert selectors == [{"app": name} for name in weights]


def test_another_share_changes_nothing_but_the_route(tmp_path: Path) -> None:
    """No pod is touched when a canary is given more."""
    before, after = objects(_tracks(tmp_path, api_next=10)), objects(_tracks(tmp_path, api_next=50))

    assert [name for name in before if before[name] != after[name]] == ["HTTPRoute/api"]


@pytest.mark.parametrize(
    ("gateway", "host", "path", "expected"),
    [
        (NGINX, CHAT, "spec.ingressClassName", "web"),
        (
            NGINX,
            CHAT,
            "spec.rules",
            [
                {
                    "host": "chat.acme.dev",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "api", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
        ),
        (
            NGINX,
            CHAT,
            "metadata.annotations",
            {
                "nginx.ingress.kubernetes.io/proxy-buffering": "off",
                "nginx.ingress.kubernetes.io/proxy-body-size": "0",
                "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
                "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
            },
        ),
        (
            NGINX,
            but(CHAT, timeout=minutes(2), grpc=True),
            "metadata.annotations",
            {
                "nginx.ingress.kubernetes.io/backend-protocol": "GRPC",
                "nginx.ingress.kubernetes.io/proxy-body-size": "0",
                "nginx.ingress.kubernetes.io/proxy-read-timeout": "120",
                "nginx.ingress.kubernetes.io/proxy-send-timeout": "120",
            },
        ),
        (
            NGINX,
            but(CHAT, body="50Mi"),
            "metadata.annotations.nginx|ingress|kubernetes|io/proxy-body-size",
            "52428800",
        ),
        (NGINX, CHAT, "spec.tls", MISSING),
        (
            NGINX,
            but(CHAT, tls="chat-tls"),
            "spec.tls",
            [{"hosts": ["chat.acme.dev"], "secretName": "chat-tls"}],
        ),
        (IngressClass("alb", "kube-system"), CHAT, "metadata.annotations", MISSING),
    ],
)
def test_where_there_is_no_gateway_there_is_an_ingress(
    tmp_path: Path, gateway: Any, host: Host, path: str, expected: Any
) -> None:
    """With the annotations of ingress-nginx where it is one."""
    rendered = objects(_served(tmp_path, gateway, route=host))

    assert at(rendered["Ingress/api"], path) == expected
    assert "HTTPRoute/api" not in rendered


@pytest.mark.parametrize(
    ("cluster", "options", "text"),
    [
        (
            CLUSTER,
            {"route": CHAT},
            (
                "X11 test/api: route='chat.acme.dev' but the cluster eks-test has no gateway; write Cluster(...,"
                ' gateway=Gateway("public", "gateways", implementation="envoy"))'
            ),
        ),
        (
            but(CLUSTER, gateway=PUBLIC),
            {"route": CHAT},
            (
                "X04 test/api: route='chat.acme.dev' but the cluster eks-test has no gateway.networking.k8s.io/v1 HTTPRoute;"
                " write Cluster(installed=[Crd.GATEWAY_API])"
            ),
        ),
        (
            _cluster(),
            {"route": [CHAT, Host("b.acme.dev")]},
            (
                "X02 test/api: route[1].name='b.acme.dev' but the service has a route for it already, which is called like"
                " the service; keep one for HTTP and one for gRPC"
            ),
        ),
        (
            _cluster(NGINX),
            {"route": [CHAT, Host("b.acme.dev", grpc=True)]},
            (
                "X02 test/api: route[1].name='b.acme.dev' but the service has a route for it already, which is called like"
                " the service; keep one"
            ),
        ),
        (
            _cluster(),
            {"route": [CHAT, but(CHAT, grpc=True)], "port": [Port("http", 8000, 80), Port("grpc", 9000)]},
            (
                "X11 test/api: route[1].name='chat.acme.dev' but a gateway takes one kind of route for a name, and there is"
                " an HTTPRoute and a GRPCRoute; give gRPC a name of its own"
            ),
        ),
        (
            _cluster(),
            {"route": [CHAT, Host("b.acme.dev", grpc=True)]},
            (
                "X11 test/api: route[1].port='http' but another host speaks HTTP with this port, or gRPC, and a Service says"
                ' one thing of a port; listen on another port for gRPC, and write Host(..., grpc=True, port="grpc")'
            ),
        ),
        (
            _cluster(),
            {"route": "chat.acme.dev"},
            (
                "X11 test/api: route='chat.acme.dev' but it must be a Host or a list whose items are each a Host; pass a Host"
                " or a list whose items are each a Host"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, split={"next": "10"})},
            "X11 test/api: route.split['next']='10' but it must be a whole number; pass a whole number",
        ),
        (
            _cluster(),
            {"route": but(CHAT, port="htp")},
            "P03 test/api: route.port='htp' but the service has no port of this name; did you mean http?",
        ),
        (
            _cluster(),
            {"route": but(CHAT, grpc=True, path="/v2")},
            "X11 test/api: route.path='/v2' but gRPC is routed by service and method, not by path; leave path= away",
        ),
        (
            _cluster(),
            {"route": but(CHAT, grpc=True, timeout=minutes(1))},
            (
                "X11 test/api: route.timeout=seconds(60) but a GRPCRoute has no timeout; leave timeout= away, and let clients"
                " set a deadline"
            ),
        ),
        (
            _cluster(IngressClass("alb", "kube-system")),
            {"route": but(CHAT, timeout=minutes(1))},
            (
                "X11 test/api: route.timeout=seconds(60) but how the Ingress class alb is told of a timeout is not known;"
                " leave timeout= away, and add its annotation by a patch"
            ),
        ),
        (
            _cluster(_by("nginx")),
            {"route": but(CHAT, timeout=minutes(1))},
            (
                "H05 test/api: route.timeout=seconds(60) but a gateway of nginx cannot be told of a timeout by a route; leave"
                " timeout= away, and set it by the gateway's own policy"
            ),
        ),
        (
            _cluster(_by("gke")),
            {"route": but(CHAT, timeout=minutes(1))},
            (
                "H05 test/api: route.timeout=seconds(60) but a gateway of gke cannot be told of a timeout by a route; install"
                " the definition of GCPBackendPolicy, with Crd.from_file(...), or leave timeout= away"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, body="50Mi")},
            (
                "X11 test/api: route.body='50Mi' but no route tells a gateway of a largest body; leave body= away, and set it"
                " by the gateway's own policy"
            ),
        ),
        (
            _cluster(NGINX),
            {"route": but(CHAT, body="10m")},
            (
                "X11 test/api: route.body='10m' but 10m is less than whole bytes, since m is a thousandth; write Mi for millions;"
                " correct the value"
            ),
        ),
        (
            _cluster(IngressClass("alb", "kube-system")),
            {"route": but(CHAT, body="50Mi")},
            (
                "X11 test/api: route.body='50Mi' but how the Ingress class alb is told of a largest body is not known; leave"
                " body= away, and add its annotation by a patch"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, split={"api": 10})},
            "X11 test/api: route.split['api']=10 but it gets the rest; name other services only",
        ),
        (
            _cluster(),
            {"route": but(CHAT, split={"next": 101})},
            (
                "X11 test/api: route.split['next']=101 but a share is from 0 to 100 percent; correct the share\n"
                "X11 test/api: route.split=101 but all shares together are at most 100 percent; lower one"
            ),
        ),
        (
            _cluster(NGINX),
            {"route": but(CHAT, split={"next": 10})},
            (
                "X11 test/api: route.split=10 but an Ingress has no shares; use a cluster with a Gateway, or leave split="
                " away"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, tls="chat-tls")},
            "X11 test/api: route.tls='chat-tls' but the listener of the Gateway has the certificate; leave tls= away",
        ),
        (
            _cluster(),
            {"route": Host("10.0.0.1")},
            "N19 test/api: route.name='10.0.0.1' but a host has a name, and no address; correct the value",
        ),
        (
            _cluster(),
            {"route": Host("a.*.dev")},
            (
                'N19 test/api: route.name=\'a.*.dev\' but of a host: a name holds a-z, 0-9, "-" and "." only, and starts and'
                " ends with a letter or digit; correct the value"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, path="v2")},
            (
                'X11 test/api: route.path=\'v2\' but a path starts with "/", and has neither "//" nor "." nor ".." in it;'
                " correct the value"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, timeout=minutes(0))},
            "X11 test/api: route.timeout=seconds(0) but it is a length of time above zero; correct the value",
        ),
    ],
)
def test_what_cannot_be_reached_is_told(tmp_path: Path, cluster: Cluster, options: Any, text: str) -> None:
    """Value, reason and remedy."""
    scope = environment(tmp_path, cluster=cluster)
    service(scope, **options)

    assert "\n".join(f"{one.rule} {one.text}" for one in found(scope)) == text


def test_a_share_for_nobody_is_told(tmp_path: Path) -> None:
    """The gateway would answer these requests with an error."""
    scope = _served(tmp_path, route=but(CHAT, split={"apo": 10}))

    assert found_by(scope, "H01") == [
        (
            "test/api: HTTPRoute api spec.rules[0].backendRefs[1].name='apo' but no Service of this name is rendered here; did"
            " you mean api?"
        )
    ]
