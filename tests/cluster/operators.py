"""Operators of custom resources: their controllers, and the webhooks that refuse what no definition can."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

import attrs

from tests.cluster.api import Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install
from tests.cluster.processes import free_port
from tests.cluster.programs import built


@attrs.frozen
class Operator:
    """
    An operator as its installation makes it, but for its address.

    Args:
        part: What it is built from.

        config: The group of its configuration.

        group: The group of its kind.

        version: The version of its kind.

        kind: What it is the operator of.

        label: What its pods carry.

        gates: Features that are off otherwise.
    """

    part: str
    config: str
    group: str
    version: str
    kind: str
    label: str
    gates: tuple[str, ...] = ()

    def start(self, cluster: Cluster) -> None:
        """Start it in *cluster*, with which it ends."""
        folder = cluster.file(self.part)
        folder.mkdir()
        for name in ("crt", "key"):
            (folder / f"tls.{name}").symlink_to(cluster.file(f"server.{name}"))
        port, health = free_port(), free_port()
        webhook = {"host": "127.0.0.1", "port": port, "certDir": str(folder)}
        config = {
            "apiVersion": f"config.{self.config}/v1alpha1",
            "kind": "Configuration",
            "leaderElection": {"leaderElect": False},
            # A cluster has cert-manager for that.
            "internalCertManagement": {"enable": False},
            "webhook": webhook,
            "health": {"healthProbeBindAddress": f"127.0.0.1:{health}"},
            "metrics": {"bindAddress": "0"},
            **({"featureGates": dict.fromkeys(self.gates, True)} if self.gates else {}),
        }
        (folder / "config.yaml").write_text(json.dumps(config))
        install(cluster.api, [{"apiVersion": f"{self.group}/{self.version}", "kind": self.kind}])
        program = cluster.start(
            self.part,
            built(self.part)[self.part],
            f"--config={folder / 'config.yaml'}",
            env={"KUBECONFIG": str(cluster.kubeconfig("admin"))},
        )
        program.wait_until(lambda: _ready(health))
        authority = base64.b64encode(cluster.file("ca.crt").read_bytes()).decode()
        for manifest in self._webhooks(port, authority):
            cluster.api.apply(manifest, manager="platform-team")

    def _webhooks(self, port: int, authority: str) -> list[Manifest]:
        own = f"{self.group.replace('.', '-')}-{self.version}-{self.kind.lower()}"
        made = []
        for kind, verb, operations in (
            ("Mutating", "mutate", ["CREATE"]),
            ("Validating", "validate", ["CREATE", "UPDATE"]),
        ):
            hooks = [
                {
                    "name": f"{verb}.{resource}.{self.group}",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "clientConfig": {"url": f"https://127.0.0.1:{port}/{verb}-{path}", "caBundle": authority},
                    "rules": [
                        {"apiGroups": [group], "apiVersions": [version], "operations": on, "resources": [resource]}
                    ],
                    **selector,
                }
                for path, group, version, resource, on, selector in (
                    (own, self.group, self.version, f"{self.kind.lower()}s", operations, {}),
                    ("-v1-pod", "", "v1", "pods", ["CREATE"], {"objectSelector": self._pods()}),
                )
            ]
            made.append(
                {
                    "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": f"{kind}WebhookConfiguration",
                    "metadata": {"name": self.part},
                    "webhooks": hooks,
                }
            )
        return made

    def _pods(self) -> Manifest:
        return {"matchExpressions": [{"key": self.label, "operator": "Exists"}]}


JOB_SET = Operator(
    "jobset",
    "jobset.x-k8s.io",
    "jobset.x-k8s.io",
    "v1alpha2",
    "JobSet",
    "jobset.sigs.k8s.io/jobset-name",
    ("InPlaceRestart",),
)
GROUPS = Operator(
    "lws", "lws.x-k8s.io", "leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkerset.sigs.k8s.io/name"
)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)  # OK
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
