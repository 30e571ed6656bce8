"""The InferencePool of a service, and the endpoint picker that its gateway asks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.facilities import Gateway
from modelyard.fleet.site import Site
from modelyard.pod import (
    ConfigFiles,
    Metrics,
    Network,
    Peer,
    Pod,
    PodSpec,
    Watch,
    companions,
    manifest,
    object_labels,
    selector,
    template,
)
from modelyard.pod.monitors import monitors
from modelyard.serving.hosts import Host, hosts, port_of
from modelyard.serving.pods import KUBELET_MARGIN, LEADS, ROLE
from modelyard.serving.pools import API, HEALTH, MEANINGS, OBJECTIVES, InferencePool
from modelyard.serving.servers import VLLM, SGLang
from modelyard.serving.signals import metrics
from modelyard.serving.spec import ServiceSpec
from modelyard.values.durations import whole_seconds

COMPONENT = "endpoint-picker"
CONTAINER = "epp"
RBAC = "rbac.authorization.k8s.io/v1"
EXT_PROC, HEALTH_PORT, METRICS_PORT = 9002, 9003, 9090
NONROOT = 65532
"""The user of the image, which has no shell."""
API_SERVER = (443, 6443)
"""The ports of API servers, as policies see them: behind the address of the Service."""
FOLDER, FILE = "/config", "picker.yaml"
SERVICE = "inference-extension"
"""What the health check is asked for; with one replica every name is answered alike."""
PROGRESS = 600
WEIGHTS = {"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3}


def pooled(spec: ServiceSpec) -> Iterator[tuple[Host, InferencePool]]:
    """Yield the hosts of a service that lead to a pool."""
    yield from ((host, host.pool) for host in hosts(spec) if host.pool is not None)


def picker_of(name: str) -> str:
    """Return what the picker of the service *name* is called."""
    return f"{name}-epp"


def drafts(name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str]) -> Iterator[Draft]:
    """Yield the pool of the service *name*, and its picker."""
    for host, pool in pooled(spec):
        made = manifest(API, "InferencePool", name, labels, site)
        made["spec"] = _pool(name, host, pool, spec)
        yield Draft(made)
        for objective, priority in pool.objectives.items():
            made = manifest(OBJECTIVES, "InferenceObjective", f"{name}-{objective}", labels, site)
            made["spec"] = {"priority": priority, "poolRef": {"group": API.partition("/")[0], "name": name}}
            yield Draft(made)
        gateway = site.cluster.gateway
        if isinstance(gateway, Gateway) and gateway.implementation == "gke" and spec.facts is not None:
            yield Draft(_checked(name, port_of(host, spec).number, spec.facts.ready, site, labels))
        yield from _picker(name, pool, spec, site)


def _pool(name: str, host: Host, pool: InferencePool, spec: ServiceSpec) -> dict[str, Any]:
    # What the API server would fill in is written out, so that Argo CD finds no difference.
    return {
        "selector": {"matchLabels": {**selector(name), **({ROLE: LEADS} if spec.nodes > 1 else {})}},
        "targetPorts": [{"number": port_of(host, spec).number}],
        "appProtocol": "http",
        "endpointPickerRef": {
            "group": "",
            "kind": "Service",
            "name": picker_of(name),
            "port": {"number": EXT_PROC},
            "failureMode": pool.failure_mode,
        },
    }


def _checked(name: str, port: int, path: str, site: Site, labels: Mapping[str, str]) -> dict[str, Any]:
    made = manifest(HEALTH, "HealthCheckPolicy", name, labels, site)
    made["spec"] = {
        "default": {"config": {"type": "HTTP", "httpHealthCheck": {"requestPath": path, "port": port}}},
        "targetRef": {"group": API.partition("/")[0], "kind": "InferencePool", "name": name},
    }
    return made


def _picker(name: str, pool: InferencePool, spec: ServiceSpec, site: Site) -> Iterator[Draft]:
    own, pods = picker_of(name), _pod_spec(name, pool, spec, site)
    labels = object_labels(own, COMPONENT, pods, site)
    yield Draft(_deployment(own, pods, spec, site, labels))
    service = manifest("v1", "Service", own, labels, site)
    service["spec"] = {
        "type": "ClusterIP",
        "selector": selector(own),
        # Istio takes what a port speaks from the beginning of its name.
        "ports": [{"name": "grpc-ext-proc", "port": EXT_PROC, "targetPort": "grpc", "protocol": "TCP"}],
    }
    yield Draft(service)
    role = manifest(RBAC, "Role", own, labels, site)
    role["rules"] = [
        {"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]}
        for group, resources in (
            ("", ["pods"]),
            (API.partition("/")[0], ["inferencepools"]),
            (OBJECTIVES.partition("/")[0], ["inferenceobjectives", "inferencemodelrewrites"]),
        )
    ]
    yield Draft(role)
    binding = manifest(RBAC, "RoleBinding", own, labels, site)
    binding["roleRef"] = {"apiGroup": RBAC.partition("/")[0], "kind": "Role", "name": own}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": own, "namespace": site.namespace}]
    yield Draft(binding)
    yield from companions(own, COMPONENT, pods, site, (EXT_PROC,))
    yield from monitors(own, labels, pods, site, alerts=(), panels=())


def _deployment(own: str, pods: PodSpec, spec: ServiceSpec, site: Site, labels: Mapping[str, str]) -> dict[str, Any]:
    made, delay = manifest("apps/v1", "Deployment", own, labels, site), whole_seconds(spec.drain.delay)
    probe = {"grpc": {"port": HEALTH_PORT, "service": SERVICE}, "timeoutSeconds": 5}
    pod = Pod(
        name=own,
        component=COMPONENT,
        container=CONTAINER,
        restart_policy="Always",
        # An answer streams through it to the end, so it stays as long as a server that leaves.
        grace=delay + whole_seconds(spec.drain.finish) + KUBELET_MARGIN,
        container_fields={
            "ports": [
                {"name": "grpc", "containerPort": EXT_PROC, "protocol": "TCP"},
                {"name": "grpc-health", "containerPort": HEALTH_PORT, "protocol": "TCP"},
            ],
            "startupProbe": {**probe, "periodSeconds": 5, "failureThreshold": 24},
            "readinessProbe": {**probe, "periodSeconds": 5, "failureThreshold": 3},
            "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
            **({"lifecycle": {"preStop": {"sleep": {"seconds": delay}}}} if delay else {}),
        },
        pod_fields={"automountServiceAccountToken": True},
    )
    made["spec"] = {
        # Of several, one leads and the others are never ready.
        "replicas": 1,
        "selector": {"matchLabels": selector(own)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "progressDeadlineSeconds": PROGRESS,
        "revisionHistoryLimit": 5,
        "template": template(pod, pods, site),
    }
    return made


def _pod_spec(name: str, pool: InferencePool, spec: ServiceSpec, site: Site) -> PodSpec:
    gateway = site.cluster.gateway
    # Istio speaks TLS to it only where a DestinationRule says so, and within a mesh it does by itself.
    plain = isinstance(gateway, Gateway) and gateway.implementation == "istio"
    anywhere = [Peer(cidr=cidr, ports=API_SERVER) for cidr in ("0.0.0.0/0", "::/0")]
    clients = [Peer(one.namespace, pods=one.pods, cidr=one.cidr) for one in spec.network.clients]
    return PodSpec(
        image=pool.image,
        args=[
            f"--pool-name={name}",
            f"--pool-namespace={site.namespace}",
            f"--pool-group={API.partition('/')[0]}",
            f"--config-file={FOLDER}/{FILE}",
            f"--secure-serving={'false' if plain else 'true'}",
            # To ask who reads them takes a ClusterRole.
            "--metrics-endpoint-auth=false",
            "--tracing=false",
            "--enable-pprof=false",
            "--zap-encoder=json",
        ],
        config=ConfigFiles(FOLDER, {FILE: _config(spec)}),
        cpu=pool.cpu,
        memory=pool.memory,
        user=NONROOT,
        image_pull_secrets=spec.image_pull_secrets,
        watch=Watch(metrics=Metrics(METRICS_PORT), alerts=False, dashboard=False) if site.cluster.monitoring else None,
        labels=spec.labels,
        network=Network(clients=clients, egress=anywhere, https=False),
    )


def _config(spec: ServiceSpec) -> str:
    """Return the picker's configuration; JSON is YAML, too."""
    path = spec.facts.scraped[1] if spec.facts is not None else "/metrics"
    engine = _engine(spec)
    plugins: list[dict[str, Any]] = [{"type": scorer} for scorer in WEIGHTS]
    plugins.append({"type": "metrics-data-source", "parameters": {"scheme": "http", "path": path}})
    plugins.append({"type": "core-metrics-extractor", **({"parameters": engine} if engine else {})})
    profile = [{"pluginRef": scorer, "weight": weight} for scorer, weight in WEIGHTS.items()]
    config = {
        "apiVersion": "inference.networking.x-k8s.io/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": plugins,
        "schedulingProfiles": [{"name": "default", "plugins": profile}],
    }
    return json.dumps(config, indent=2) + "\n"


def _engine(spec: ServiceSpec) -> dict[str, Any]:
    """Return how the server calls its metrics, where the picker does not know it or takes it for another."""
    if isinstance(spec.runtime, SGLang):
        return {"defaultEngine": "sglang"}
    told = metrics(spec)
    waiting, running, used = (told.get(meaning, "") for meaning in MEANINGS)
    if isinstance(spec.runtime, VLLM):
        if used == "vllm:kv_cache_usage_perc":
            return {}
        name, more = "vllm", {"loraSpec": "vllm:lora_requests_info", "cacheInfoSpec": "vllm:cache_config_info"}
    else:
        name, more = "nim", {}
    specs = {"queuedRequestsSpec": waiting, "runningRequestsSpec": running, "kvUsageSpec": used, **more}
    return {"defaultEngine": name, "engineConfigs": [{"name": name, **specs}]}
