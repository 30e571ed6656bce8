"""A whole cluster: control plane, controllers, scheduler, nodes that KWOK plays, and metrics of their pods."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import modelyard
from tests.cluster.api import Manifest, is_true, wait_until
from tests.cluster.control_plane import ControlPlane
from tests.cluster.nodes import CPU_NODES, nodes
from tests.cluster.objects import takes_pods
from tests.cluster.processes import Programs, free_port
from tests.cluster.programs import NEWEST, built

STAGES = Path(__file__).with_name("kubelet.yaml")
AUTOSCALER_PERIOD = 2
"""Every how many seconds the HorizontalPodAutoscaler looks; 15 in a cluster that has other things to do."""
METRICS_PERIOD = "10s"
"""How often metrics-server looks: the least it accepts."""
THREADS = 8
"""How many namespaces are cleared at a time: each waits for the kubelets."""

RUNNING = (
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("v1", "Pod"),
)
"""The kinds to delete so that nothing runs, those that make others first."""


class Cluster(ControlPlane):
    """
    A cluster that does with objects what a cluster does.

    Args:
        programs: What it is started with, and ended by.

        version: The minor version of Kubernetes. Default: the newest.
    """

    def __init__(self, programs: Programs, version: str = NEWEST) -> None:
        super().__init__(programs, version)
        kubernetes = built(f"kubernetes-{version}")
        self._controllers(kubernetes["kube-controller-manager"])
        self._scheduler(kubernetes["kube-scheduler"])
        kubelets = free_port()
        self._kubelets(kubelets)
        self._metrics()

    def _controllers(self, program: Path) -> None:
        config = self.kubeconfig("system:kube-controller-manager")
        self.start(
            "kube-controller-manager",
            program,
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--secure-port=0",
            # Each controller is the service account that Kubernetes gives the rights it needs, and no more.
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.file('service-accounts.key')}",
            f"--root-ca-file={self.file('ca.crt')}",
            f"--horizontal-pod-autoscaler-sync-period={AUTOSCALER_PERIOD}s",
            # On a busy machine KWOK may be late, and a node is not lost by that.
            "--node-monitor-grace-period=10m",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        )

    def _scheduler(self, program: Path) -> None:
        config = self.kubeconfig("system:kube-scheduler")
        self.start(
            "kube-scheduler",
            program,
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--leader-elect=false",
            "--secure-port=0",
        )

    def _kubelets(self, port: int) -> None:
        kwok = self.start(
            "kwok",
            built("kwok")["kwok"],
            f"--kubeconfig={self.kubeconfig('kwok')}",
            f"--config={STAGES}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=300",
            "--node-ip=127.0.0.1",
            f"--node-port={port}",
            f"--server-address=127.0.0.1:{port}",
            f"--tls-cert-file={self.file('server.crt')}",
            f"--tls-private-key-file={self.file('server.key')}",
            "--cidr=10.244.0.0/16",
        )
        kwok.wait_until(lambda: "Starting" in kwok.log.read_text(errors="replace"))

    def _metrics(self) -> None:
        port = free_port()
        for manifest in _metrics_objects(port, self.file("ca.crt")):
            self.api.apply(manifest, manager="tests")
        user = str(METRICS_USER["name"])
        for asked in ({"verb": "list", "resource": "pods"}, READS_AUTHENTICATION, REVIEWS):
            wait_until(partial(self.api.may, user, **asked), what=f"{user} may {asked}")
        config = self.kubeconfig("system:metrics-server")
        server = self.start(
            "metrics-server",
            built("metrics-server")["metrics-server"],
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self.file('server.crt')}",
            f"--tls-private-key-file={self.file('server.key')}",
            f"--kubelet-certificate-authority={self.file('ca.crt')}",
            "--kubelet-use-node-status-port",
            "--kubelet-preferred-address-types=InternalIP",
            f"--metric-resolution={METRICS_PERIOD}",
            "--kubelet-request-timeout=5s",
        )
        server.wait_until(self._metrics_answer)

    # What tests use

    @contextlib.contextmanager
    def nodes(
        self,
        claimed: modelyard.Cluster,
        *,
        cpu_nodes: int = CPU_NODES,
        labels: Mapping[str, str] | None = None,
        taints: Mapping[str, Manifest] | None = None,
    ) -> Iterator[list[Manifest]]:
        """Have the nodes that *claimed* says it has, and *cpu_nodes* more, as long as the block runs."""
        made = list(nodes(claimed, cpu_nodes=cpu_nodes, labels=labels or {}, taints=taints or {}))
        names = {one["metadata"]["name"] for one in made}
        try:
            for one in made:
                self.api.create(one)
            self.api.until(
                lambda found: names <= {one["metadata"]["name"] for one in found if takes_pods(one)},
                "v1",
                "Node",
                what=f"{len(made)} nodes of {claimed.name} are ready",
            )
            yield made
        finally:
            for one in made:
                self.api.delete(one)

    @contextlib.contextmanager
    def cleared(self, *namespaces: str) -> Iterator[None]:
        """Clear *namespaces* when the block is over; to be entered after the nodes that their pods are on."""
        try:
            yield
        finally:
            self.clear(*namespaces)

    @contextlib.contextmanager
    def without(self, *manifests: Manifest) -> Iterator[None]:
        """Delete the objects of *manifests* when the block is over."""
        try:
            yield
        finally:
            for one in manifests:
                self.api.delete(one)

    def clear(self, *namespaces: str) -> None:
        """Delete *namespaces* and what runs in them, side by side, and wait until their pods have left their nodes."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._clear, namespaces))

    def gone(self, *namespaces: str) -> None:
        """Wait until *namespaces* that were cleared are gone, for whoever makes them anew."""
        self.api.until(
            lambda found: not {one["metadata"]["name"] for one in found} & {*namespaces},
            "v1", "Namespace", what=f"{' and '.join(namespaces)} are gone",
        )  # fmt: skip

    def _clear(self, namespace: str) -> None:
        for api_version, kind in RUNNING:
            path = self.api.kind(api_version, kind).at(namespace)
            # Nobody looks at how they end.
            self.api.request("DELETE", path, {"propagationPolicy": "Background", "gracePeriodSeconds": 0})
        self.api.until(lambda pods: pods == [], "v1", "Pod", namespace, what=f"all pods of {namespace} are gone")
        self.api.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    def exits(self, pod: Manifest, code: int) -> None:
        """Let the containers of *pod* end with *code*, and report it as its kubelet does."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        reason = "Error" if code else "Completed"
        ended = {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}
        statuses = [
            {**status, "ready": False, "started": False, "state": {"terminated": ended}}
            for status in pod["status"]["containerStatuses"]
        ]
        change = {"status": {"phase": "Failed" if code else "Succeeded", "containerStatuses": statuses}}
        self.api.patch({"apiVersion": "v1", "kind": "Pod", **pod}, change, subresource="status")

    def _metrics_answer(self) -> bool:
        """Tell whether the API server forwards to metrics-server; it does not wait for the first measurement."""
        service = self.api.get("apiregistration.k8s.io/v1", "APIService", METRICS_API)
        return is_true(service, "Available")


READS_AUTHENTICATION = {
    "verb": "get", "resource": "configmaps", "namespace": "kube-system", "name": "extension-apiserver-authentication",
}  # fmt: skip
REVIEWS = {"verb": "create", "group": "authorization.k8s.io", "resource": "subjectaccessreviews"}
METRICS_API = "v1beta1.metrics.k8s.io"
METRICS_USER = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:metrics-server"}


def _metrics_objects(port: int, ca: Path) -> list[Manifest]:
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    rules = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
    ]

    def binding(kind: str, name: str, role: str, role_kind: str = "ClusterRole", **metadata: str) -> Manifest:
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
        head: dict[str, Any] = {**rbac, "kind": kind, "metadata": {"name": name, **metadata}}
        return {**head, "roleRef": reference, "subjects": [METRICS_USER]}

    return [
        {**rbac, "kind": "ClusterRole", "metadata": {"name": "system:metrics-server"}, "rules": rules},
        binding("ClusterRoleBinding", "system:metrics-server", "system:metrics-server"),
        binding("ClusterRoleBinding", "metrics-server:system:auth-delegator", "system:auth-delegator"),
        binding(
            "RoleBinding",
            "metrics-server-auth-reader",
            "extension-apiserver-authentication-reader",
            "Role",
            namespace="kube-system",
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics-server", "namespace": "kube-system"},
            # It runs beside the API server, and an endpoint on loopback is none to Kubernetes.
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": METRICS_API},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": base64.b64encode(ca.read_bytes()).decode(),
                "service": {"name": "metrics-server", "namespace": "kube-system", "port": port},
            },
        },
    ]
