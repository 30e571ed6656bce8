"""Flux: its source-controller and its kustomize-controller."""

from __future__ import annotations

import itertools
import socket

from tests.cluster.api import Manifest, is_true
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install
from tests.cluster.processes import Program, free_port
from tests.cluster.programs import built

NAMESPACE = "flux-system"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"
SOURCE = "source.toolkit.fluxcd.io/v1"
REQUEST = "reconcile.fluxcd.io/requestedAt"


class Flux:
    """
    Flux as its installation makes it, as far as it brings manifests into a cluster.

    Args:
        cluster: Where it runs, and what it applies to.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.api = cluster.api
        install(cluster.api, [kustomization("any"), git_repository("any")])
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        cluster.api.apply(namespace, manager="platform-team")
        self._requests = itertools.count(1)
        storage = f"127.0.0.1:{free_port()}"
        folder = cluster.file("flux")
        folder.mkdir()
        self.programs = [
            self._controller(
                cluster,
                "source-controller",
                f"--storage-path={folder}",
                f"--storage-addr={storage}",
                f"--storage-adv-addr={storage}",
            ),
            # What depends on another Kustomization is looked at again after this time.
            self._controller(cluster, "kustomize-controller", "--requeue-dependency=2s"),
        ]

    @staticmethod
    def _controller(cluster: Cluster, name: str, *options: str) -> Program:
        health, scratch = free_port(), cluster.file(f"{name}-scratch")
        scratch.mkdir()
        controller = cluster.start(
            name,
            built("flux")[name],
            f"--health-addr=127.0.0.1:{health}",
            "--metrics-addr=0",
            "--log-encoding=console",
            *options,
            env={
                "KUBECONFIG": str(cluster.kubeconfig("admin")),
                "RUNTIME_NAMESPACE": NAMESPACE,
                # It removes what looks like its own there.
                "TMPDIR": str(scratch),
            },
        )
        controller.wait_until(lambda: _listens(health))
        return controller

    # What tests use

    def request(self, manifest: Manifest) -> Manifest:
        """Have the object that *manifest* is about looked at now, as ``flux reconcile`` does; return it afterwards."""
        token = f"tests-{next(self._requests)}"
        self.api.patch(manifest, {"metadata": {"annotations": {REQUEST: token}}})
        return self.api.until_one(
            lambda one: one.get("status", {}).get("lastHandledReconcileAt") == token,
            manifest,
            what=f"the request of {manifest['metadata']['name']} is handled",
        )

    def until(self, name: str, revision: str) -> Manifest:
        """Return the Kustomization *name* when it is Ready with *revision*."""
        return self.api.until_one(
            lambda one: (
                is_true(one, "Ready")
                and _settled(one)
                and one["status"].get("lastAppliedRevision", "").endswith(revision)
            ),
            kustomization(name),
            what=f"{name} is Ready with {revision[:8]}",
        )


def kustomization(name: str) -> Manifest:
    """Return what identifies the Kustomization *name*."""
    return {"apiVersion": KUSTOMIZE, "kind": "Kustomization", "metadata": {"name": name, "namespace": NAMESPACE}}


def git_repository(name: str) -> Manifest:
    """Return what identifies the GitRepository *name*."""
    return {"apiVersion": SOURCE, "kind": "GitRepository", "metadata": {"name": name, "namespace": NAMESPACE}}


def oci_repository(name: str) -> Manifest:
    """Return what identifies the OCIRepository *name*."""
    return {**git_repository(name), "kind": "OCIRepository"}


def _settled(manifest: Manifest) -> bool:
    """Tell whether the status is about the newest spec, and nothing is under way."""
    fresh = manifest["status"].get("observedGeneration") == manifest["metadata"]["generation"]
    return fresh and not is_true(manifest, "Reconciling")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
