"""Whoever shares this machine, or its network, does not reach what the tests start."""

from __future__ import annotations

import os
import socket

from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux
from tests.cluster.listeners import elsewhere, is_loopback, listeners
from tests.cluster.registry import Registry


def test_all_programs_listen_on_loopback_only(cluster: Cluster, argocd: ArgoCD, flux: Flux, registry: Registry) -> None:
    """Each program of the cluster, of Argo CD and of Flux, and the registry that these pull from."""
    assert argocd.api is flux.api is cluster.api
    assert registry.kubeconfig == cluster.kubeconfig("admin")
    found = {program.name for program in cluster.started if listeners(program.process.pid)}
    assert found >= {
        "argocd-application-controller", "argocd-repo-server", "etcd", "kube-apiserver", "kustomize-controller", "kwok",
        "metrics-server", "redis", "registry", "source-controller",
    }  # fmt: skip
    assert elsewhere(cluster.started) == {}


def test_a_listener_elsewhere_would_be_found() -> None:
    """What the test above looks at is what a process listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert f"127.0.0.1:{server.getsockname()[1]}" in listeners(os.getpid())
    others = ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"]
    assert list(map(is_loopback, others)) == [False] * 4
    assert list(map(is_loopback, ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"])) == [True] * 3
