#!/usr/bin/env python3
"""
The fleet as a plain cdk8s-plus program: its classes where it has them, patches for what they cannot say.

Called with the file of the fleet, the output folder and a member of ``cdk8s.YamlOutputType``.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cdk8s_plus_34 as kplus
from cdk8s import ApiObject, ApiObjectMetadata, App, Chart, Duration, JsonPatch, Size, YamlOutputType
from cdk8s_plus_34 import k8s

CPU = {"250m": 250, "500m": 500, "1": 1000, "2": 2000}


def probe(path: str, port: int, period: int, timeout: int, failures: int) -> kplus.Probe:
    """Return a probe by HTTP."""
    return kplus.Probe.from_http_get(
        path,
        port=port,
        period_seconds=Duration.seconds(period),
        timeout_seconds=Duration.seconds(timeout),
        failure_threshold=failures,
    )


def size(memory: str) -> Size:
    """Return a quantity of memory."""
    return Size.mebibytes(int(memory[:-2])) if memory.endswith("Mi") else Size.gibibytes(int(memory[:-2]))


def deployment(
    chart: Chart, row: dict[str, Any], metadata: ApiObjectMetadata, account: kplus.ServiceAccount
) -> kplus.Deployment:
    """Return the Deployment of a model, with what cdk8s-plus has no words for patched in."""
    name = row["name"]
    tmp = kplus.Volume.from_empty_dir(chart, f"{name}-tmp", "tmp")
    secret = kplus.Secret.from_secret_name(chart, f"{name}-registry", "registry")
    made = kplus.Deployment(
        chart,
        f"{name}-deployment",
        metadata=metadata,
        pod_metadata=metadata,
        select=False,
        service_account=account,
        automount_service_account_token=False,
        enable_service_links=False,
        termination_grace_period=Duration.seconds(65),
        progress_deadline=Duration.seconds(660),
        revision_history_limit=5,
        security_context=kplus.PodSecurityContextProps(
            ensure_non_root=True,
            user=10001,
            group=10001,
            fs_group=10001,
            fs_group_change_policy=kplus.FsGroupChangePolicy.ON_ROOT_MISMATCH,
        ),
        strategy=kplus.DeploymentStrategy.rolling_update(
            max_surge=kplus.PercentOrAbsolute.absolute(1), max_unavailable=kplus.PercentOrAbsolute.absolute(0)
        ),
        containers=[
            kplus.ContainerProps(
                name="model",
                image=row["reference"],
                image_pull_policy=kplus.ImagePullPolicy.IF_NOT_PRESENT,
                ports=[kplus.ContainerPort(number=row["port"], name="http", protocol=kplus.Protocol.TCP)],
                env_variables={
                    "HOME": kplus.EnvValue.from_value("/tmp"),  # noqa: S108 # a path in the container
                    "USER": kplus.EnvValue.from_value(name),
                    "MODEL_NAME": kplus.EnvValue.from_value(name),
                    "LOCALE": kplus.EnvValue.from_value(row["locale"]),
                    "TOKEN": kplus.EnvValue.from_secret_value(kplus.SecretValue(key="token", secret=secret)),
                },
                startup=probe("/health/live", row["port"], 5, 5, 12),
                readiness=probe("/health/ready", row["port"], 5, 5, 3),
                liveness=probe("/health/live", row["port"], 10, 10, 6),
                resources=kplus.ContainerResources(
                    cpu=kplus.CpuResources(request=kplus.Cpu.millis(CPU[row["cpu"]])),
                    memory=kplus.MemoryResources(request=size(row["memory"]), limit=size(row["memory"])),
                ),
                security_context=kplus.ContainerSecurityContextProps(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    user=10001,
                    group=10001,
                    capabilities=kplus.ContainerSecutiryContextCapabilities(drop=[kplus.Capability.ALL]),
                ),
                volume_mounts=[kplus.VolumeMount(path="/tmp", volume=tmp)],  # noqa: S108
            )
        ],
    )
    made.select(kplus.LabelSelector.of(labels={"app": name}))
    spread = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": name}},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    pod, model = "/spec/template/spec", "/spec/template/spec/containers/0"
    ApiObject.of(made).add_json_patch(
        JsonPatch.add(f"{pod}/topologySpreadConstraints", spread),
        JsonPatch.add(f"{pod}/securityContext/seccompProfile", {"type": "RuntimeDefault"}),
        JsonPatch.add(f"{model}/lifecycle", {"preStop": {"sleep": {"seconds": 15}}}),
        JsonPatch.add(f"{model}/terminationMessagePolicy", "FallbackToLogsOnError"),
    )
    return made


def autoscaler(chart: Chart, row: dict[str, Any], metadata: ApiObjectMetadata, target: kplus.Deployment) -> None:
    """Put the autoscaler of a model into *chart*."""
    kplus.HorizontalPodAutoscaler(
        chart,
        f"{row['name']}-autoscaler",
        metadata=metadata,
        target=target,
        min_replicas=row["low"],
        max_replicas=row["high"],
        metrics=[
            kplus.Metric.container_cpu(
                container=target.containers[0], target=kplus.MetricTarget.average_utilization(row["target"])
            )
        ],
        scale_up=kplus.ScalingRules(
            stabilization_window=Duration.seconds(0),
            strategy=kplus.ScalingStrategy.MAX_CHANGE,
            policies=[
                kplus.ScalingPolicy(replicas=kplus.Replicas.percent(100), duration=Duration.seconds(15)),
                kplus.ScalingPolicy(replicas=kplus.Replicas.absolute(2), duration=Duration.seconds(15)),
            ],
        ),
        scale_down=kplus.ScalingRules(
            stabilization_window=Duration.seconds(300),
            strategy=kplus.ScalingStrategy.MAX_CHANGE,
            policies=[kplus.ScalingPolicy(replicas=kplus.Replicas.percent(50), duration=Duration.seconds(60))],
        ),
    )


def policy(chart: Chart, row: dict[str, Any], metadata: ApiObjectMetadata, target: kplus.Deployment) -> None:
    """Put the network policy of a model into *chart*."""
    name, port = row["name"], [kplus.NetworkPolicyPort.tcp(row["port"])]
    neighbours = kplus.Pods.all(chart, f"{name}-neighbours")
    clients = [
        kplus.Namespaces.select(chart, f"{name}-{client}", names=[client]) for client in ("gateways", "monitoring")
    ]
    anywhere = [
        kplus.NetworkPolicyIpBlock.any_ipv4(chart, f"{name}-ipv4"),
        kplus.NetworkPolicyIpBlock.any_ipv6(chart, f"{name}-ipv6"),
    ]
    https = [kplus.NetworkPolicyPort.tcp(443)]
    made = kplus.NetworkPolicy(chart, f"{name}-policy", metadata=metadata, selector=target)
    peers: list[kplus.INetworkPolicyPeer] = [neighbours, *clients]
    for peer in peers:
        made.add_ingress_rule(peer, port)
    for block in anywhere:
        made.add_egress_rule(block, https)
    made.add_egress_rule(neighbours)
    # A patched value passes through the generated classes, which look for the number inside an IntOrString.
    dns = {"ports": [{"protocol": protocol, "port": {"value": 53}} for protocol in ("UDP", "TCP")]}
    ApiObject.of(made).add_json_patch(JsonPatch.add("/spec/egress/-", dns))


def model(chart: Chart, place: dict[str, Any], row: dict[str, Any]) -> None:
    """Put the six objects of a model into *chart*."""
    name = row["name"]
    labels = {
        "app": name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": "serving",
        "app.kubernetes.io/part-of": place["name"],
        "app.kubernetes.io/managed-by": "modelyard",
    }
    metadata = ApiObjectMetadata(name=name, namespace=place["namespace"], labels=labels)
    account = kplus.ServiceAccount(chart, f"{name}-account", metadata=metadata, automount_token=False)
    target = deployment(chart, row, metadata, account)
    service = kplus.Service(chart, f"{name}-service", metadata=metadata, type=kplus.ServiceType.CLUSTER_IP)
    service.bind(80, name="http", target_port=row["port"], protocol=kplus.Protocol.TCP)
    service.select_label("app", name)
    autoscaler(chart, row, metadata, target)
    k8s.KubePodDisruptionBudget(
        chart,
        f"{name}-budget",
        metadata=k8s.ObjectMeta(name=name, namespace=place["namespace"], labels=labels),
        spec=k8s.PodDisruptionBudgetSpec(
            max_unavailable=k8s.IntOrString.from_number(1),
            unhealthy_pod_eviction_policy="AlwaysAllow",
            selector=k8s.LabelSelector(match_labels={"app": name}),
        ),
    )
    policy(chart, row, metadata, target)


def main(fleet: Path, outdir: str, output: str) -> None:
    """Render the fleet."""
    app = App(outdir=outdir, yaml_output_type=YamlOutputType[output])
    for place in json.loads(fleet.read_bytes())["places"]:
        chart = Chart(app, place["name"])
        for row in place["rows"]:
            model(chart, place, row)
    app.synth()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
