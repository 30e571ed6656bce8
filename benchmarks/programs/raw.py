#!/usr/bin/env python3
"""
The fleet as a plain cdk8s program: the generated classes of the Kubernetes API, one construct an object.

Called with the file of the fleet, the output folder and a member of ``cdk8s.YamlOutputType``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from cdk8s import App, Chart, YamlOutputType
from cdk8s_plus_34 import k8s


def probe(path: str, period: int, timeout: int, failures: int) -> k8s.Probe:
    """Return a probe by HTTP."""
    return k8s.Probe(
        http_get=k8s.HttpGetAction(path=path, port=k8s.IntOrString.from_string("http")),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def container(row: dict[str, Any]) -> k8s.Container:
    """Return the container of a model."""
    memory = k8s.Quantity.from_string(row["memory"])
    token = k8s.SecretKeySelector(name="registry", key="token")
    return k8s.Container(
        name="model",
        image=row["reference"],
        image_pull_policy="IfNotPresent",
        env=[
            k8s.EnvVar(name="HOME", value="/tmp"),  # noqa: S108 # a path in the container
            k8s.EnvVar(name="USER", value=row["name"]),
            k8s.EnvVar(name="MODEL_NAME", value=row["name"]),
            k8s.EnvVar(name="LOCALE", value=row["locale"]),
            k8s.EnvVar(name="TOKEN", value_from=k8s.EnvVarSource(secret_key_ref=token)),
        ],
        ports=[k8s.ContainerPort(name="http", container_port=row["port"], protocol="TCP")],
        startup_probe=probe("/health/live", 5, 5, 12),
        readiness_probe=probe("/health/ready", 5, 5, 3),
        liveness_probe=probe("/health/live", 10, 10, 6),
        lifecycle=k8s.Lifecycle(pre_stop=k8s.LifecycleHandler(sleep=k8s.SleepAction(seconds=15))),
        resources=k8s.ResourceRequirements(
            requests={"cpu": k8s.Quantity.from_string(row["cpu"]), "memory": memory}, limits={"memory": memory}
        ),
        termination_message_policy="FallbackToLogsOnError",
        security_context=k8s.SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.Capabilities(drop=["ALL"]),
        ),
        volume_mounts=[k8s.VolumeMount(name="tmp", mount_path="/tmp")],  # noqa: S108
    )


def pod(row: dict[str, Any], selector: k8s.LabelSelector) -> k8s.PodSpec:
    """Return the pods of a model."""
    return k8s.PodSpec(
        service_account_name=row["name"],
        automount_service_account_token=False,
        enable_service_links=False,
        restart_policy="Always",
        termination_grace_period_seconds=65,
        security_context=k8s.PodSecurityContext(
            run_as_non_root=True,
            run_as_user=10001,
            run_as_group=10001,
            fs_group=10001,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=k8s.SeccompProfile(type="RuntimeDefault"),
        ),
        topology_spread_constraints=[
            k8s.TopologySpreadConstraint(
                max_skew=1,
                topology_key=key,
                when_unsatisfiable="ScheduleAnyway",
                label_selector=selector,
                match_label_keys=["pod-template-hash"],
            )
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        containers=[container(row)],
        volumes=[k8s.Volume(name="tmp", empty_dir=k8s.EmptyDirVolumeSource())],
    )


def deployment(row: dict[str, Any], labels: dict[str, str], selector: k8s.LabelSelector) -> k8s.DeploymentSpec:
    """Return the Deployment of a model."""
    update = k8s.RollingUpdateDeployment(
        max_surge=k8s.IntOrString.from_number(1), max_unavailable=k8s.IntOrString.from_number(0)
    )
    return k8s.DeploymentSpec(
        selector=selector,
        strategy=k8s.DeploymentStrategy(type="RollingUpdate", rolling_update=update),
        progress_deadline_seconds=660,
        revision_history_limit=5,
        template=k8s.PodTemplateSpec(metadata=k8s.ObjectMeta(labels=labels), spec=pod(row, selector)),
    )


def rules(window: int, *policies: tuple[str, int, int]) -> k8s.HpaScalingRulesV2:
    """Return how replicas are added, or taken away."""
    return k8s.HpaScalingRulesV2(
        stabilization_window_seconds=window,
        select_policy="Max",
        policies=[
            k8s.HpaScalingPolicyV2(type=kind, value=value, period_seconds=period) for kind, value, period in policies
        ],
    )


def autoscaler(row: dict[str, Any]) -> k8s.HorizontalPodAutoscalerSpecV2:
    """Return the autoscaler of a model."""
    target = k8s.MetricTargetV2(type="Utilization", average_utilization=row["target"])
    source = k8s.ContainerResourceMetricSourceV2(name="cpu", container="model", target=target)
    return k8s.HorizontalPodAutoscalerSpecV2(
        scale_target_ref=k8s.CrossVersionObjectReferenceV2(api_version="apps/v1", kind="Deployment", name=row["name"]),
        min_replicas=row["low"],
        max_replicas=row["high"],
        metrics=[k8s.MetricSpecV2(type="ContainerResource", container_resource=source)],
        behavior=k8s.HorizontalPodAutoscalerBehaviorV2(
            scale_up=rules(0, ("Percent", 100, 15), ("Pods", 2, 15)), scale_down=rules(300, ("Percent", 50, 60))
        ),
    )


def ports(protocol_and_port: list[tuple[str, int]]) -> list[k8s.NetworkPolicyPort]:
    """Return the ports of a network policy."""
    return [
        k8s.NetworkPolicyPort(protocol=protocol, port=k8s.IntOrString.from_number(port))
        for protocol, port in protocol_and_port
    ]


def policy(row: dict[str, Any], selector: k8s.LabelSelector) -> k8s.NetworkPolicySpec:
    """Return the network policy of a model."""
    neighbours = k8s.NetworkPolicyPeer(pod_selector=k8s.LabelSelector())
    clients = [
        k8s.NetworkPolicyPeer(namespace_selector=k8s.LabelSelector(match_labels={"kubernetes.io/metadata.name": name}))
        for name in ("gateways", "monitoring")
    ]
    anywhere = [k8s.NetworkPolicyPeer(ip_block=k8s.IpBlock(cidr=cidr)) for cidr in ("0.0.0.0/0", "::/0")]
    return k8s.NetworkPolicySpec(
        pod_selector=selector,
        policy_types=["Ingress", "Egress"],
        ingress=[k8s.NetworkPolicyIngressRule(from_=[neighbours, *clients], ports=ports([("TCP", row["port"])]))],
        egress=[
            k8s.NetworkPolicyEgressRule(ports=ports([("UDP", 53), ("TCP", 53)])),
            k8s.NetworkPolicyEgressRule(to=[neighbours]),
            k8s.NetworkPolicyEgressRule(to=anywhere, ports=ports([("TCP", 443)])),
        ],
    )


def service(app: str) -> k8s.ServiceSpec:
    """Return the Service of a model."""
    port = k8s.ServicePort(name="http", port=80, target_port=k8s.IntOrString.from_string("http"), protocol="TCP")
    return k8s.ServiceSpec(type="ClusterIP", selector={"app": app}, ports=[port])


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
    metadata = k8s.ObjectMeta(name=name, namespace=place["namespace"], labels=labels)
    selector = k8s.LabelSelector(match_labels={"app": name})
    k8s.KubeDeployment(chart, f"{name}-deployment", metadata=metadata, spec=deployment(row, labels, selector))
    k8s.KubeService(chart, f"{name}-service", metadata=metadata, spec=service(name))
    k8s.KubeHorizontalPodAutoscalerV2(chart, f"{name}-autoscaler", metadata=metadata, spec=autoscaler(row))
    k8s.KubePodDisruptionBudget(
        chart,
        f"{name}-budget",
        metadata=metadata,
        spec=k8s.PodDisruptionBudgetSpec(
            max_unavailable=k8s.IntOrString.from_number(1),
            unhealthy_pod_eviction_policy="AlwaysAllow",
            selector=selector,
        ),
    )
    k8s.KubeServiceAccount(chart, f"{name}-account", metadata=metadata, automount_service_account_token=False)
    k8s.KubeNetworkPolicy(chart, f"{name}-policy", metadata=metadata, spec=policy(row, selector))


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
