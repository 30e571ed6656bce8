"""Every option of a ScalableModelService, by the field of the manifest that it becomes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    NIM,
    Accelerator,
    Claim,
    Cluster,
    ConfigFiles,
    CpuScale,
    Drain,
    EmptyDir,
    Exec,
    Gpu,
    Grpc,
    HttpGet,
    Network,
    Peer,
    Port,
    ScalableModelService,
    SecretKey,
    TcpSocket,
    minutes,
    seconds,
)
from tests.manifests import MISSING, at
from tests.support import environment, objects, service

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
IN_PLACE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
RECREATE = {"type": "Recreate"}
TWO_PORTS = [Port("http", 8000, service=80), Port("grpc", 9000)]

OPTIONS: list[tuple[str, Any, str, str, Any]] = [
    (
        "image",
        "ghcr.io/acme/other:2@sha256:" + "a" * 64,
        "Deployment/api",
        f"{CONTAINER}.image",
        "ghcr.io/acme/other:2@sha256:" + "a" * 64,
    ),
    (
        "port",
        5000,
        "Deployment/api",
        f"{CONTAINER}.ports",
        [{"name": "http", "containerPort": 5000, "protocol": "TCP"}],
    ),
    (
        "port",
        TWO_PORTS,
        "Service/api",
        "spec.ports[1]",
        {"name": "grpc", "port": 9000, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
    ),
    ("port", TWO_PORTS, "NetworkPolicy/api", "spec.ingress[0].ports[1].port", 9000),
    ("scale", CpuScale(min=3, max=9, target=55), "HorizontalPodAutoscaler/api", "spec.minReplicas", 3),
    ("scale", CpuScale(min=3, max=9, target=55), "HorizontalPodAutoscaler/api", "spec.maxReplicas", 9),
    (
        "scale",
        CpuScale(min=3, max=9, target=55),
        "HorizontalPodAutoscaler/api",
        "spec.metrics[0].containerResource",
        {
            "name": "cpu",
            "container": "model",
            "target": {"type": "Utilization", "averageUtilization": 55},
        },
    ),
    (
        "scale",
        CpuScale(min=2, max=4, scale_down_after=seconds(30)),
        "HorizontalPodAutoscaler/api",
        "spec.behavior.scaleDown.stabilizationWindowSeconds",
        30,
    ),
    (
        "health",
        HttpGet("/live", port="http"),
        "Deployment/api",
        f"{CONTAINER}.livenessProbe.httpGet",
        {"path": "/live", "port": "http"},
    ),
    ("health", TcpSocket(), "Deployment/api", f"{CONTAINER}.livenessProbe.tcpSocket", {"port": "http"}),
    ("health", Grpc(), "Deployment/api", f"{CONTAINER}.livenessProbe.grpc", {"port": 8000, "service": ""}),
    ("health", Grpc(service="model"), "Deployment/api", f"{CONTAINER}.startupProbe.grpc.service", "model"),
    ("ready", Grpc(), "Service/api", "spec.ports[0].appProtocol", "kubernetes.io/h2c"),
    ("health", Exec(["/bin/check"]), "Deployment/api", f"{CONTAINER}.startupProbe.exec", {"command": ["/bin/check"]}),
    ("health", None, "Deployment/api", f"{CONTAINER}.livenessProbe", MISSING),
    (
        "runtime",
        NIM("1.8.4"),
        "Deployment/api",
        f"{CONTAINER}.env[3]",
        {"name": "NIM_SERVER_PORT", "value": "8000"},
    ),
    ("model", "/opt/model", "Deployment/api", f"{CONTAINER}.env[3]", {"name": "MODEL_PATH", "value": "/opt/model"}),
    ("ready", "/ready", "Deployment/api", f"{CONTAINER}.readinessProbe.httpGet.path", "/ready"),
    ("start_within", minutes(20), "Deployment/api", f"{CONTAINER}.startupProbe.failureThreshold", 120),
    ("start_within", minutes(20), "Deployment/api", "spec.progressDeadlineSeconds", 1800),
    (
        "drain",
        Drain(delay=seconds(5), finish=seconds(100)),
        "Deployment/api",
        f"{CONTAINER}.lifecycle.preStop.sleep.seconds",
        5,
    ),
    (
        "drain",
        Drain(delay=seconds(5), finish=seconds(100)),
        "Deployment/api",
        f"{POD}.terminationGracePeriodSeconds",
        110,
    ),
    ("drain", Drain(delay=seconds(0)), "Deployment/api", f"{CONTAINER}.lifecycle", MISSING),
    ("rollout", "recreate", "Deployment/api", "spec.strategy", RECREATE),
    ("rollout", "in-place", "Deployment/api", "spec.strategy", IN_PLACE),
    ("command", ["serve"], "Deployment/api", f"{CONTAINER}.command", ["serve"]),
    ("args", ["--x"], "Deployment/api", f"{CONTAINER}.args", ["--x"]),
    (
        "env",
        {"KEY": SecretKey("s", "k")},
        "Deployment/api",
        f"{CONTAINER}.env[3].valueFrom.secretKeyRef",
        {"name": "s", "key": "k"},
    ),
    ("config", ConfigFiles("/etc/api", {"a.yaml": "x: 1\n"}), "ConfigMap/api-config", "immutable", True),
    ("cpu", "250m", "Deployment/api", f"{CONTAINER}.resources.requests.cpu", "250m"),
    ("memory", "3Gi", "Deployment/api", f"{CONTAINER}.resources.limits.memory", "3Gi"),
    ("cpu_limit", 3, "Deployment/api", f"{CONTAINER}.resources.limits.cpu", "3"),
    ("memory_limit", "4Gi", "Deployment/api", f"{CONTAINER}.resources.limits.memory", "4Gi"),
    ("ephemeral_storage", "1Gi", "Deployment/api", f"{CONTAINER}.resources.requests.ephemeral-storage", "1Gi"),
    ("gpu", Gpu("l4"), "Deployment/api", f"{CONTAINER}.resources.limits.nvidia|com/gpu", "1"),
    ("gpu", Gpu("l4"), "Deployment/api", f"{POD}.nodeSelector", {"accelerator": "l4"}),
    (
        "gpu",
        Gpu("l4"),
        "Deployment/api",
        f"{POD}.tolerations",
        [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    ),
    (
        "shared_memory",
        "1Gi",
        "Deployment/api",
        f"{POD}.volumes[1]",
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
    ),
    (
        "volumes",
        [EmptyDir("/cache")],
        "Deployment/api",
        f"{CONTAINER}.volumeMounts[1]",
        {"name": "scratch-0", "mountPath": "/cache"},
    ),
    ("user", 20000, "Deployment/api", f"{POD}.securityContext.runAsGroup", 20000),
    ("read_only_root", False, "Deployment/api", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False),
    ("service_account", "shared", "Deployment/api", f"{POD}.serviceAccountName", "shared"),
    ("service_account_annotations", {"a": "b"}, "ServiceAccount/api", "metadata.annotations", {"a": "b"}),
    ("image_pull_secrets", ["registry"], "Deployment/api", f"{POD}.imagePullSecrets", [{"name": "registry"}]),
    ("labels", {"project": "x"}, "Service/api", "metadata.labels.project", "x"),
    ("annotations", {"note": "y"}, "Deployment/api", "spec.template.metadata.annotations", {"note": "y"}),
    ("node_selector", {"zone": "a"}, "Deployment/api", f"{POD}.nodeSelector", {"zone": "a"}),
    ("priority_class", "high", "Deployment/api", f"{POD}.priorityClassName", "high"),
    (
        "network",
        Network(clients=[Peer("gateways")]),
        "NetworkPolicy/api",
        "spec.ingress[1]",
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}],
            "ports": [{"protocol": "TCP", "port": 8000}],
        },
    ),
]

ELSEWHERE = {"backend", "identity", "loader", "nodes", "route", "secrets", "watch"}
"""Options that need more than the stock service has: the tests of KServe, identity, models, groups, traffic and watching."""


@pytest.mark.parametrize(("option", "value", "name", "path", "expected"), OPTIONS)
def test_an_option_becomes_its_field(
    tmp_path: Path, option: str, value: Any, name: str, path: str, expected: Any
) -> None:
    """The option sets this very field, which the stock service has otherwise."""
    plain, changed = environment(tmp_path), environment(tmp_path)
    service(plain)
    service(changed, **{option: value})

    before = objects(plain).get(name)

    assert at(objects(changed)[name], path) == expected
    assert before is None or at(before, path) != expected


def test_fixed_replicas_are_written_and_nothing_scales_them(tmp_path: Path) -> None:
    """With replicas= there is no autoscaler."""
    scope = environment(tmp_path)
    service(scope, scale=None, replicas=3)
    found = objects(scope)

    assert at(found["Deployment/api"], "spec.replicas") == 3
    assert "HorizontalPodAutoscaler/api" not in found


def test_every_option_is_in_the_table() -> None:
    """No option of the public signature is without a row; accept changes findings, the others have tests of their own."""
    parameters = inspect.signature(ScalableModelService.__init__).parameters.values()
    options = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}

    assert options - {"accept", "replicas"} - ELSEWHERE == {option for option, *_ in OPTIONS}


def test_the_autoscaler_owns_the_replicas(tmp_path: Path) -> None:
    """What the autoscaler sets is not in git, so no sync resets it."""
    scope = environment(tmp_path)
    service(scope)
    found = objects(scope)

    assert at(found["Deployment/api"], "spec.replicas") == MISSING
    assert at(found["HorizontalPodAutoscaler/api"], "spec.scaleTargetRef") == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "api",
    }
    assert at(found["Deployment/api"], f"{CONTAINER}.resources.requests.cpu") == "1"


def test_service_budget_and_spread_select_the_pods_by_the_one_frozen_label(tmp_path: Path) -> None:
    """A selector never holds more than the workload's id."""
    scope = environment(tmp_path, labels={"team": "x"})
    service(scope, labels={"release": "2026-11"})
    found = objects(scope)

    for name, path in (
        ("Deployment/api", "spec.selector.matchLabels"),
        ("Service/api", "spec.selector"),
        ("PodDisruptionBudget/api", "spec.selector.matchLabels"),
        ("NetworkPolicy/api", "spec.podSelector.matchLabels"),
        ("Deployment/api", f"{POD}.topologySpreadConstraints[0].labelSelector.matchLabels"),
    ):
        assert at(found[name], path) == {"app": "api"}
    assert at(found["Deployment/api"], "spec.template.metadata.labels.app") == "api"


def test_a_budget_lets_nodes_drain(tmp_path: Path) -> None:
    """One pod at a time may go, and a pod that is not healthy never blocks."""
    scope = environment(tmp_path)
    service(scope)
    budget = objects(scope)["PodDisruptionBudget/api"]["spec"]

    assert budget == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": {"app": "api"}},
    }


def test_one_replica_has_no_budget_that_would_block_a_drain(tmp_path: Path) -> None:
    """A budget over a single pod protects nothing and stops the drain of its node."""
    scope = environment(tmp_path)
    service(scope, scale=None, replicas=1)

    assert "PodDisruptionBudget/api" not in objects(scope)


def _cluster(spare: int) -> Cluster:
    return Cluster("c", kubernetes="1.34", accelerators=[Accelerator("l4", per_node=4, nodes=2, spare=spare)])


@pytest.mark.parametrize(
    ("spare", "options", "expected"),
    [
        (0, {"scale": CpuScale(min=2, max=4)}, SURGE),
        (0, {"gpu": Gpu("l4"), "scale": None, "replicas": 2}, IN_PLACE),
        (0, {"gpu": Gpu("l4"), "scale": None, "replicas": 1}, RECREATE),
        (0, {"gpu": Gpu("l4"), "scale": CpuScale(min=1, max=4), "accept": {"D10": "a test"}}, IN_PLACE),
        (2, {"gpu": Gpu("l4", 2), "scale": None, "replicas": 1}, SURGE),
        (1, {"gpu": Gpu("l4", 2), "scale": None, "replicas": 2}, IN_PLACE),
        (0, {"volumes": [Claim("w", "/w", size="1Gi")], "scale": None, "replicas": 1}, RECREATE),
    ],
)
def test_a_rollout_never_waits_for_what_the_cluster_does_not_have(
    tmp_path: Path, spare: int, options: Any, expected: Any
) -> None:
    """It surges where accelerators are spare, replaces in place where they are not, and frees a volume first."""
    scope = environment(tmp_path, cluster=_cluster(spare))
    service(scope, **{"accept": {"D10": "a test"}, **options} if expected == RECREATE else options)

    assert at(objects(scope)["Deployment/api"], "spec.strategy") == expected


def test_a_change_of_a_config_file_rolls_the_pods(tmp_path: Path) -> None:
    """The ConfigMap's name carries its content, and the pods mount it by that name."""
    first, second = environment(tmp_path), environment(tmp_path)
    service(first, config=ConfigFiles("/etc/api", {"a.yaml": "x: 1\n"}))
    service(second, config=ConfigFiles("/etc/api", {"a.yaml": "x: 2\n"}))
    names = []
    for scope in (first, second):
        found = objects(scope)
        name = found["ConfigMap/api-config"]["metadata"]["name"]
        assert at(found["Deployment/api"], f"{POD}.volumes[1].configMap.name") == name
        names.append(name)

    assert names[0] != names[1]


def test_pods_are_restricted_and_keep_their_writable_folders(tmp_path: Path) -> None:
    """Pod Security "restricted" in full, with /tmp to write to."""
    scope = environment(tmp_path)
    service(scope)
    deployment = objects(scope)["Deployment/api"]

    assert at(deployment, f"{POD}.securityContext") == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert at(deployment, f"{CONTAINER}.securityContext") == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert at(deployment, f"{CONTAINER}.volumeMounts[0]") == {"name": "tmp", "mountPath": "/tmp"}
    assert at(deployment, f"{POD}.enableServiceLinks") is False
    assert at(deployment, f"{POD}.automountServiceAccountToken") is False


def test_clients_are_the_namespace_and_the_clusters_client_namespaces(tmp_path: Path) -> None:
    """The gateway and the scraper get in, DNS and HTTPS get out, everything else is closed."""
    cluster = Cluster("c", kubernetes="1.34", client_namespaces=["gateways", "monitoring"])
    scope = environment(tmp_path, cluster=cluster)
    service(scope)
    policy = objects(scope)["NetworkPolicy/api"]["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [
        {
            "from": [
                {"podSelector": {}},
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}},
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
            ],
            "ports": [{"protocol": "TCP", "port": 8000}],
        }
    ]
    assert policy["egress"][0] == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
    assert policy["egress"][2]["ports"] == [{"protocol": "TCP", "port": 443}]
