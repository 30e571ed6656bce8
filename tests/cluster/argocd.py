"""Argo CD: its application controller and repo server, with Redis, and a git repository that they read."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import socket
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

from tests.cluster.api import Manifest, NotSeen
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install
from tests.cluster.processes import free_port
from tests.cluster.programs import built

API = "argoproj.io/v1alpha1"
NAMESPACE = "argocd"
PART_OF = {"app.kubernetes.io/part-of": "argocd"}
REFRESH = "argocd.argoproj.io/refresh"
ASKED = "tests/asked"
VERIFY = '#!/bin/sh\ngit verify-commit "$1" 2>&1\nexit 0\n'
"""The program in Argo CD's image that tells how a commit is signed: in these tests, not at all."""
WITHOUT_GPG = {"ARGOCD_GPG_ENABLED": "false"}
PATIENCE = 120.0
"""Seconds after which a sync is taken for stuck; on an idle machine it takes two or three."""
FORGOTTEN = 10.0
"""Seconds after which a request to compare is made again."""


class ArgoCD:
    """
    Argo CD as its installation makes it, as far as it acts on Applications by itself.

    Args:
        cluster: Where it runs, and what it syncs into.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.api = cluster.api
        self._requests = itertools.count(1)
        install(cluster.api, [application("any")])
        for one in _installation():
            cluster.api.apply(one, manager="platform-team")
        redis, repo_server = free_port(), free_port()
        self.cache = redis
        self._redis(cluster, redis)
        self._repo_server(cluster, redis, repo_server)
        self._controller(cluster, redis, repo_server)

    @staticmethod
    def _redis(cluster: Cluster, port: int) -> None:
        server = cluster.start(
            "redis", built("redis")["redis-server"], "--bind", "127.0.0.1", "--port", str(port), "--save", "",
            "--appendonly", "no", "--daemonize", "no",
        )  # fmt: skip
        server.wait_until(lambda: _listens(port))

    @staticmethod
    def _repo_server(cluster: Cluster, redis: int, port: int) -> None:
        scratch = cluster.file("argocd")
        scratch.mkdir()
        verify = scratch / "git-verify-wrapper.sh"
        verify.write_text(VERIFY)
        verify.chmod(0o755)
        server = cluster.start(
            "argocd-repo-server",
            built("argocd")["argocd"],
            "repo-server",
            "--address=127.0.0.1",
            f"--port={port}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={free_port()}",
            f"--redis=127.0.0.1:{redis}",
            "--disable-tls",
            "--client-ca-path=",
            "--logformat=text",
            env={
                **WITHOUT_GPG,
                "TMPDIR": str(scratch),
                "PATH": f"{scratch}:{os.environ['PATH']}",
                # Which is in /tmp otherwise, and stays there.
                "ARGOCD_ASK_PASS_SOCK": str(scratch / "ask-pass.sock"),
            },
        )
        server.wait_until(lambda: _listens(port))

    @staticmethod
    def _controller(cluster: Cluster, redis: int, repo_server: int) -> None:
        config = cluster.kubeconfig("admin")
        metrics = free_port()
        controller = cluster.start(
            "argocd-application-controller",
            built("argocd")["argocd"],
            "application-controller",
            f"--kubeconfig={config}",
            f"--namespace={NAMESPACE}",
            f"--redis=127.0.0.1:{redis}",
            f"--repo-server=127.0.0.1:{repo_server}",
            "--repo-server-plaintext",
            f"--metrics-port={metrics}",
            "--logformat=text",
            # The cluster that it runs in, although it runs beside it.
            env={**WITHOUT_GPG, "ARGOCD_FAKE_IN_CLUSTER": "true", "KUBECONFIG": str(config)},
        )
        controller.wait_until(lambda: _listens(metrics))

    # What tests use

    def refresh(self, name: str) -> None:
        """Have the Application *name* compared anew, as a webhook of the git server does."""
        until = time.monotonic() + PATIENCE
        while True:
            # Its controller forgets a request that comes while it writes a status, until something else changes.
            asked = {REFRESH: "normal", ASKED: f"{next(self._requests)}"}
            self.api.patch(application(name), {"metadata": {"annotations": asked}})
            try:
                self.api.until_one(
                    lambda one: REFRESH not in one["metadata"].get("annotations", {}),
                    application(name),
                    what=f"{name} is compared",
                    seconds=FORGOTTEN,
                )
            except NotSeen:
                if time.monotonic() > until:
                    raise
            else:
                return

    def until(self, name: str, revision: str, *, health: Sequence[str] = ("Healthy",)) -> Manifest:
        """Return the Application *name* when it is Synced to *revision*, its operation done, with one of *health*."""

        def seen(one: Manifest) -> bool:
            status = one.get("status", {})
            return (
                status.get("sync", {}).get("status") == "Synced"
                and status["sync"].get("revision") == revision
                and status.get("operationState", {}).get("phase") == "Succeeded"
                and status.get("health", {}).get("status") in health
            )

        what = f"{name} is Synced to {revision[:8]} and {' or '.join(health)}"
        return self.api.until_one(seen, application(name), what=what, seconds=PATIENCE)

    def tree(self, name: str) -> set[str]:
        """Return the kinds in the tree of the Application *name*, as Argo CD's interface shows it: from its cache."""
        with socket.create_connection(("127.0.0.1", self.cache), timeout=PATIENCE) as connection:
            answers = connection.makefile("rb")
            connection.sendall(f"KEYS app|resources-tree|{name}|*\r\n".encode())
            assert answers.readline() == b"*1\r\n"
            key = _bulk(answers)
            connection.sendall(b"GET " + key + b"\r\n")
            found = json.loads(gzip.decompress(_bulk(answers)))
        return {one["kind"] for one in found["nodes"]}


def _bulk(answers: BinaryIO) -> bytes:
    """Return a string as Redis sends it: its length, and then so many bytes."""
    length = int(answers.readline()[1:])
    return answers.read(length + 2)[:length]


def application(name: str) -> Manifest:
    """Return what identifies the Application *name*."""
    return {"apiVersion": API, "kind": "Application", "metadata": {"name": name, "namespace": NAMESPACE}}


def _installation() -> list[Manifest]:
    """Return what Argo CD expects to find in its namespace."""

    def named(kind: str, name: str) -> Manifest:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE, "labels": PART_OF}}

    everything = {"group": "*", "kind": "*"}
    default: Manifest = {
        "apiVersion": API,
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
    }
    default["spec"] = {
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [everything],
    }
    namespace: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    return [namespace, named("ConfigMap", "argocd-cm"), named("Secret", "argocd-secret"), default]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
