"""InferencePools and their pickers, by the field that an option becomes, and what a cluster must have for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    NIM,
    VLLM,
    Cluster,
    Crd,
    Drain,
    Environment,
    Gateway,
    Gpu,
    Host,
    InferencePool,
    IngressClass,
    Monitoring,
    Network,
    Peer,
    Port,
    ScalableModelService,
    SGLang,
    Triton,
    seconds,
)
from modelyard.findings import shown
from modelyard.schemas import CrdSchema
from tests.manifests import MISSING, at
from tests.support import CLUSTER, DIGEST, but, environment, found, found_by, objects

PICKER = f"ghcr.io/acme/epp:v1.5.0@{DIGEST}"
POOL = InferencePool(PICKER, failure_mode="FailOpen")
CHAT = Host("chat.acme.dev", pool=POOL)
POLICIES = tuple(
    CrdSchema("networking.gke.io/v1", kind, namespaced=True, text='{"type": "object", "properties": {}}')
    for kind in ("GCPBackendPolicy", "HealthCheckPolicy")
)
GIE = "inference.networking.k8s.io"


def _cluster(implementation: Any = "kgateway", *more: Crd, **options: Any) -> Cluster:
    gateway = Gateway("public", "gateways", implementation=implementation)
    installed = [Crd.GATEWAY_API, Crd.INFERENCE_EXTENSION, *more]
    cluster: Cluster = but(CLUSTER, **{"gateway": gateway, "installed": installed, **options})
    return cluster


def _served(root: Path, cluster: Cluster | None = None, **options: Any) -> Environment:
    scope = environment(root, cluster=cluster or _cluster())
    stock = {
        "image": f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}", "runtime": VLLM(), "model": "/models/chat", "gpu": Gpu("l4"),
        "replicas": 2, "cpu": 4, "memory": "16Gi", "route": CHAT,
    }  # fmt: skip
    made = ScalableModelService(scope, "chat", **{**stock, **options})
    assert made.id == "chat"
    return scope


def _config(rendered: Any) -> dict[str, Any]:
    (config,) = (one for name, one in rendered.items() if name.startswith("ConfigMap/chat-epp-config"))
    read: dict[str, Any] = json.loads(config["data"]["picker.yaml"])
    return read


def _extractor(rendered: Any) -> Any:
    return next(one for one in _config(rendered)["plugins"] if one["type"] == "core-metrics-extractor")


def test_a_route_leads_to_the_pool(tmp_path: Path) -> None:
    """Without a port, which a pool has itself; the Service is there for the cluster's own clients."""
    rendered = objects(_served(tmp_path))

    assert at(rendered["HTTPRoute/chat"], "spec.rules[0].backendRefs") == [
        {"group": GIE, "kind": "InferencePool", "name": "chat", "weight": 1}
    ]
    assert rendered["Service/chat"]["spec"]["selector"] == {"app": "chat"}
    assert rendered["InferencePool/chat"]["spec"] == {
        "selector": {"matchLabels": {"app": "chat"}},
        "targetPorts": [{"number": 8000}],
        "appProtocol": "http",
        "endpointPickerRef": {
            "group": "",
            "kind": "Service",
            "name": "chat-epp",
            "port": {"number": 9002},
            "failureMode": "FailOpen",
        },
    }


@pytest.mark.parametrize(
    ("pool", "name", "path", "expected"),
    [
        (
            but(POOL, failure_mode="FailClose"),
            "InferencePool/chat",
            "spec.endpointPickerRef.failureMode",
            "FailClose",
        ),
        (
            but(POOL, image=f"ghcr.io/acme/epp:v1.6.0@{DIGEST}"),
            "Deployment/chat-epp",
            "spec.template.spec.containers[0].image",
            f"ghcr.io/acme/epp:v1.6.0@{DIGEST}",
        ),
        (
            but(POOL, cpu=4),
            "Deployment/chat-epp",
            "spec.template.spec.containers[0].resources.requests.cpu",
            "4",
        ),
        (
            but(POOL, memory="8Gi"),
            "Deployment/chat-epp",
            "spec.template.spec.containers[0].resources",
            {"requests": {"cpu": "1", "memory": "8Gi"}, "limits": {"memory": "8Gi"}},
        ),
        (
            but(POOL, objectives={"batch": -1}),
            "InferenceObjective/chat-batch",
            "spec",
            {"priority": -1, "poolRef": {"group": GIE, "name": "chat"}},
        ),
    ],
)
def test_an_option_of_a_pool_becomes_its_field(
    tmp_path: Path, pool: InferencePool, name: str, path: str, expected: Any
) -> None:
    """The option sets this very field, which a plain pool has otherwise, or not."""
    plain = objects(_served(tmp_path))
    changed = objects(_served(tmp_path, route=but(CHAT, pool=pool)))

    assert at(changed[name], path) == expected
    assert at(plain.get(name, {}), path) != expected


def test_the_picker_may_do_no_more_than_it_must(tmp_path: Path) -> None:
    """It reads pods, pools and objectives of its own namespace, by a Role, and has the token for it."""
    rendered = objects(_served(tmp_path))

    reading = ["get", "list", "watch"]
    assert rendered["Role/chat-epp"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": reading},
        {"apiGroups": [GIE], "resources": ["inferencepools"], "verbs": reading},
        {
            "apiGroups": ["inference.networking.x-k8s.io"],
            "resources": ["inferenceobjectives", "inferencemodelrewrites"],
            "verbs": reading,
        },
    ]
    assert rendered["RoleBinding/chat-epp"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "chat-epp", "namespace": "ml-test"}
    ]
    assert at(rendered["Deployment/chat-epp"], "spec.template.spec.automountServiceAccountToken") is True
    assert at(rendered["Deployment/chat"], "spec.template.spec.automountServiceAccountToken") is False
    assert [name for name in rendered if name.startswith("Cluster")] == []


def test_the_picker_runs_once_and_leaves_last(tmp_path: Path) -> None:
    """Of several one leads, and the others are never ready; a new one is ready before the old one goes."""
    rendered = objects(_served(tmp_path))
    spec = rendered["Deployment/chat-epp"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]

    assert (spec["replicas"], spec["strategy"]) == (
        1,
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    )
    assert "PodDisruptionBudget/chat-epp" not in rendered
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 65
    assert container["args"] == [
        "--pool-name=chat",
        "--pool-namespace=ml-test",
        "--pool-group=inference.networking.k8s.io",
        "--config-file=/config/picker.yaml",
        "--secure-serving=true",
        "--metrics-endpoint-auth=false",
        "--tracing=false",
        "--enable-pprof=false",
        "--zap-encoder=json",
    ]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 15}}}
    assert container["readinessProbe"]["grpc"] == {"port": 9003, "service": "inference-extension"}
    assert spec["template"]["spec"]["securityContext"]["runAsUser"] == 65532


def test_istio_speaks_to_it_in_the_clear(tmp_path: Path) -> None:
    """By TLS only with a DestinationRule; where there is a mesh, that encrypts it."""
    rendered = objects(_served(tmp_path, _cluster("istio")))

    assert "--secure-serving=false" in at(rendered["Deployment/chat-epp"], "spec.template.spec.containers[0].args")
    assert rendered["Service/chat-epp"]["spec"]["ports"] == [
        {"name": "grpc-ext-proc", "port": 9002, "targetPort": "grpc", "protocol": "TCP"}
    ]


def test_the_gateway_and_the_scraper_reach_the_picker_and_it_reaches_the_api_server(tmp_path: Path) -> None:
    """And the pods of the model, which are of its namespace."""
    cluster = _cluster("kgateway", Crd.PROMETHEUS_OPERATOR, monitoring=Monitoring("monitoring"))
    network = Network(clients=[Peer("batch", ports=[8000])])
    rendered = objects(_served(tmp_path, cluster, network=network))
    policy = rendered["NetworkPolicy/chat-epp"]["spec"]

    def space(name: str) -> dict[str, Any]:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}

    assert policy["ingress"] == [
        {"from": [{"podSelector": {}}, space("gateways")], "ports": [{"protocol": "TCP", "port": 9002}]},
        {"from": [space("monitoring")], "ports": [{"protocol": "TCP", "port": 9090}]},
        {"from": [space("batch")], "ports": [{"protocol": "TCP", "port": 9002}]},
    ]
    api_server = [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]
    assert policy["egress"][1:] == [
        {"to": [{"podSelector": {}}]},
        {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": api_server},
        {"to": [{"ipBlock": {"cidr": "::/0"}}], "ports": api_server},
    ]
    assert at(rendered["NetworkPolicy/chat"], "spec.ingress[0].from[0]") == {"podSelector": {}}
    assert rendered["PodMonitor/chat-epp"]["spec"]["podMetricsEndpoints"] == [
        {"port": "metrics", "path": "/metrics", "interval": "30s"}
    ]


@pytest.mark.parametrize(
    ("runtime", "tag", "extractor", "path"),
    [
        (VLLM(), "v0.18.0", {}, "/metrics"),
        (
            VLLM(),
            "v0.10.2",
            {
                "defaultEngine": "vllm",
                "engineConfigs": [
                    {
                        "name": "vllm",
                        "queuedRequestsSpec": "vllm:num_requests_waiting",
                        "runningRequestsSpec": "vllm:num_requests_running",
                        "kvUsageSpec": "vllm:gpu_cache_usage_perc",
                        "loraSpec": "vllm:lora_requests_info",
                        "cacheInfoSpec": "vllm:cache_config_info",
                    }
                ],
            },
            "/metrics",
        ),
        (SGLang(), "v0.5.2", {"defaultEngine": "sglang"}, "/metrics"),
        (
            NIM(),
            "1.10.0",
            {
                "defaultEngine": "nim",
                "engineConfigs": [
                    {
                        "name": "nim",
                        "queuedRequestsSpec": "num_requests_waiting",
                        "runningRequestsSpec": "num_requests_running",
                        "kvUsageSpec": "gpu_cache_usage_perc",
                    }
                ],
            },
            "/v1/metrics",
        ),
    ],
)
def test_the_picker_reads_what_the_server_tells(
    tmp_path: Path, runtime: Any, tag: str, extractor: dict[str, Any], path: str
) -> None:
    """By the names of its version; flags for them are refused by the picker."""
    model = None if isinstance(runtime, NIM) else "/models/chat"
    image = f"ghcr.io/acme/server:{tag}@{DIGEST}"
    rendered = objects(_served(tmp_path, runtime=runtime, image=image, model=model))

    assert _extractor(rendered).get("parameters", {}) == extractor
    assert _config(rendered)["plugins"][3] == {
        "type": "metrics-data-source",
        "parameters": {"scheme": "http", "path": path},
    }
    assert _config(rendered)["schedulingProfiles"][0]["plugins"] == [
        {"pluginRef": "queue-scorer", "weight": 2},
        {"pluginRef": "kv-cache-utilization-scorer", "weight": 2},
        {"pluginRef": "prefix-cache-scorer", "weight": 3},
    ]


def test_of_several_nodes_the_leaders_are_the_pool(tmp_path: Path) -> None:
    """The other pods of a replica take no requests."""
    rendered = objects(_served(tmp_path, _cluster("kgateway", Crd.LWS), nodes=2))

    assert rendered["InferencePool/chat"]["spec"]["selector"] == {
        "matchLabels": {"app": "chat", "modelyard.dev/role": "leader"}
    }


def test_a_share_for_another_service_stands_beside_the_pool(tmp_path: Path) -> None:
    """A canary is reached by its Service."""
    scope = _served(tmp_path, route=but(CHAT, split={"next": 10}))
    other = ScalableModelService(scope, "next", image=PICKER, port=8000, health="/", replicas=1, rollout="surge")

    assert other.id == "next"
    assert at(objects(scope)["HTTPRoute/chat"], "spec.rules[0].backendRefs") == [
        {"group": GIE, "kind": "InferencePool", "name": "chat", "weight": 90},
        {"group": "", "kind": "Service", "name": "next", "port": 80, "weight": 10},
    ]


def test_gke_is_told_of_health_and_timeouts_of_the_pool(tmp_path: Path) -> None:
    """Its load balancer asks each server itself, by default for a path that a model server does not have."""
    rendered = objects(_served(tmp_path, _cluster("gke", Crd(POLICIES))))
    target = {"group": GIE, "kind": "InferencePool", "name": "chat"}

    assert rendered["GCPBackendPolicy/chat"]["spec"]["targetRef"] == target
    assert rendered["HealthCheckPolicy/chat"]["spec"] == {
        "default": {"config": {"type": "HTTP", "httpHealthCheck": {"requestPath": "/health", "port": 8000}}},
        "targetRef": target,
    }


def test_another_picker_touches_no_server(tmp_path: Path) -> None:
    """And the route stays as it is."""
    before = objects(_served(tmp_path))
    after = objects(_served(tmp_path, route=but(CHAT, pool=but(POOL, image=f"ghcr.io/acme/epp:v1.6.0@{DIGEST}"))))

    assert [name for name in before if before[name] != after[name]] == ["Deployment/chat-epp"]


@pytest.mark.parametrize(
    ("cluster", "options", "text"),
    [
        (
            _cluster("envoy"),
            {},
            (
                "H09 test/chat: HTTPRoute chat spec.rules[0].backendRefs[0].name='chat' but the gateway public is one of envoy,"
                " which leads to Services only; lead to the Service, use a gateway of gke, istio, kgateway, nginx, or accept H09"
                " where a controller beside it does that"
            ),
        ),
        (
            but(_cluster(), installed=[Crd.GATEWAY_API]),
            {"route": but(CHAT, pool=but(POOL, objectives={"batch": -1}))},
            (
                "X04 test/chat: route.pool but the cluster eks-test has no inference.networking.k8s.io/v1 InferencePool; write"
                " Cluster(installed=[Crd.INFERENCE_EXTENSION]), or leave pool= away\n"
                "X04 test/chat: route.pool but the cluster eks-test has no inference.networking.x-k8s.io/v1alpha2"
                " InferenceObjective; write Cluster(installed=[Crd.INFERENCE_EXTENSION]), or leave pool= away"
            ),
        ),
        (
            _cluster("gke", Crd(POLICIES[:1])),
            {},
            (
                "X04 test/chat: route.pool but the cluster eks-test has no networking.gke.io/v1 HealthCheckPolicy; write"
                ' Cluster(installed=[Crd.from_file("...")]), or leave pool= away'
            ),
        ),
        (
            _cluster(gateway=IngressClass("web", "ingress-nginx", implementation="nginx")),
            {},
            (
                "X11 test/chat: route.pool but an Ingress leads to Services only; use a cluster with a Gateway, or leave"
                " pool= away"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, grpc=True)},
            "X11 test/chat: route.pool but the picker reads requests that are HTTP; leave grpc= away, or pool=",
        ),
        (
            _cluster(),
            {"runtime": Triton("25.08")},
            (
                "X11 test/chat: route.pool but nothing is known of the queue and the cache of Triton, which the picker chooses"
                " by; serve with VLLM() or SGLang(), or leave pool= away"
            ),
        ),
        (
            _cluster(),
            {"runtime": None, "model": None, "port": 8000},
            (
                "X11 test/chat: route.pool but nothing is known of the queue and the cache of a program of your own, which the"
                " picker chooses by; serve with VLLM() or SGLang(), or leave pool= away"
            ),
        ),
        (
            _cluster(),
            {
                "port": [Port("http", 8000, 80), Port("admin", 9000)],
                "args": ["--admin-port=9000"],
                "route": but(CHAT, port="admin"),
            },
            (
                "X11 test/chat: route.port='admin' but the picker reads metrics where it sends requests, and vLLM tells them"
                ' at another port; write port="http"'
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, pool=but(POOL, objectives={"Batch!": 1}))},
            (
                "N19 test/chat: route.pool.objectives={1 keys} but of 'Batch!': a name holds a-z, 0-9 and \"-\" only, and"
                " starts and ends with a letter or digit; correct the value"
            ),
        ),
        (
            _cluster(),
            {"route": but(CHAT, pool=but(POOL, image="Epp:1"))},
            (
                "P02 test/chat: route.pool.image='Epp:1' but a repository is lower case and holds letters, digits and single"
                ' . _ - / between them; write a reference such as "ghcr.io/acme/model:1.4.2", or take it from env.image("model")'
            ),
        ),
    ],
)
def test_what_cannot_be_a_pool_is_told(tmp_path: Path, cluster: Cluster, options: Any, text: str) -> None:
    """Value, reason and remedy."""
    scope = _served(tmp_path, cluster, **options)

    assert "\n".join(f"{one.rule} {one.text}" for one in found(scope)) == text


def test_the_picker_stays_as_long_as_a_server_that_leaves(tmp_path: Path) -> None:
    """An answer streams through it to its end."""
    rendered = objects(_served(tmp_path, drain=Drain(delay=seconds(0), finish=seconds(300))))
    pod = at(rendered["Deployment/chat-epp"], "spec.template.spec")

    assert pod["terminationGracePeriodSeconds"] == 305
    assert at(pod, "containers[0].lifecycle") == MISSING


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("registry.k8s.io/gateway-api-inference-extension/epp:v1.3.0", True),
        ("ghcr.io/acme/epp:v0.5.1", True),
        ("ghcr.io/acme/epp:v1.5.0-rc.1", False),
        ("ghcr.io/acme/epp:latest", False),
        ("ghcr.io/acme/picker:v0.5.1", False),
    ],
)
def test_an_old_picker_is_refused(tmp_path: Path, image: str, refused: bool) -> None:  # noqa: FBT001
    """It ends at once, since it does not know the flags; an image with a name of its own may count otherwise."""
    image = f"{image}@{DIGEST}"
    scope = _served(tmp_path, route=but(CHAT, pool=but(POOL, image=image)))
    text = (
        f"test/chat: route.pool.image={shown(image)} but an endpoint picker knows all flags that it is started with since 1.5;"
        " use an image of 1.5 or newer"
    )

    assert found_by(scope, "P12") == ([text] if refused else [])
