"""What becomes of an environment whose namespace changes, by whoever syncs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from environments.clusters import EKS
from modelyard import ArgoCD as ByArgoCD
from modelyard import Fleet
from tests.cluster.api import Manifest
from tests.cluster.argocd import PATIENCE, ArgoCD, application
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux, git_repository, kustomization
from tests.cluster.git import GitServer
from tests.cluster.team import Build, Team, missing, service
from tests.cluster.test_argocd import ArgoTeam
from tests.cluster.test_flux import FluxTeam

Observed = Callable[[str], None]
OTHER = "ml-elsewhere"


class Named(ArgoTeam):
    """A team whose Application has a name of its own, and is the same after the move."""

    @property
    def delivery(self) -> ByArgoCD:
        """An Application whose name is that of the environment."""
        return ByArgoCD(self.repository.url, name=self.name)


def build(own: Team) -> Build:
    """Return what makes a service in the namespace that *own* has at that time."""

    def made(fleet: Fleet) -> None:
        service(own.environment(fleet))

    return made


def test_by_argocd_everything_stays(argocd: ArgoCD, cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """The former Application has no right in the new namespace, and fails; it prunes nothing."""
    own = ArgoTeam(argocd, tmp_path / "moved", "moved")
    former, deployment = own.namespace, own.about("apps/v1", "Deployment", "api")
    names = [f"{former}-delivery", former]
    with cluster.nodes(EKS), cluster.cleared(former):
        first = own.merge(build(own))
        own.bootstrap()
        own.synced(first)
        own.namespace = OTHER
        try:
            second = own.merge(build(own))
            argocd.refresh(names[0])
            argocd.until(OTHER, second)
            argocd.refresh(former)
            refused = own.api.until_one(
                lambda one: f"is not permitted in project '{former}'" in _message(one), application(former),
                what="the former Application fails", seconds=PATIENCE,
            )  # fmt: skip
            kept = own.api.current(deployment)["status"]["availableReplicas"]
            for name in names:
                own.api.delete(application(name))
            own.api.delete({**application(former), "kind": "AppProject"})
            own.synced(second)
            left = own.api.current(deployment)["status"]["availableReplicas"]
        finally:
            own.leave(cluster)
    observed(
        f"G17: an environment moved by Argo CD: {kept} replicas stay where it was, {left} when the former Application is "
        f"deleted, which had failed: {_message(refused)[:160]}"
    )
    assert (kept, left) == (2, 2)


def test_by_an_application_of_the_same_name_too(
    argocd: ArgoCD, cluster: Cluster, tmp_path: Path, observed: Observed
) -> None:
    """Its project has no right in the former namespace any more."""
    own = Named(argocd, tmp_path / "named", "named")
    former, deployment = own.namespace, own.about("apps/v1", "Deployment", "api")
    with cluster.nodes(EKS), cluster.cleared(former):
        first = own.merge(build(own))
        own.by_hand()
        argocd.until("named", first)
        own.namespace = OTHER
        try:
            second = own.merge(build(own))
            argocd.refresh("named-delivery")
            argocd.until("named-delivery", second)
            argocd.refresh("named")
            argocd.until("named", second)
            kept = own.api.current(deployment)["status"]["availableReplicas"]
        finally:
            own.namespace = "named"
            own.leave(cluster)
            cluster.clear(OTHER)
    observed(f"G17: by an Application that keeps its name: {kept} replicas stay where it was")
    assert kept == 2


def test_by_flux_all_is_deleted_that_is_not_kept(
    flux: Flux, cluster: Cluster, tmp_path: Path, observed: Observed
) -> None:
    """The former Kustomization reads the same folder, and prunes what it made; not where it is suspended."""
    with GitServer(tmp_path) as server, cluster.nodes(EKS):
        own = FluxTeam(flux, tmp_path / "left", "left", f"{server.url}/left")
        former, deployment = own.namespace, own.about("apps/v1", "Deployment", "api")
        with cluster.cleared(former):
            first = own.merge(build(own))
            own.bootstrap()
            own.synced(first)
            own.api.patch(kustomization(former), {"spec": {"suspend": True}})
            own.namespace = OTHER
            try:
                second = own.merge(build(own))
                flux.request(git_repository(former))
                flux.until(f"{former}-delivery", second)
                flux.until(OTHER, second)
                suspended = own.api.current(deployment)["status"]["availableReplicas"]
                own.api.patch(kustomization(former), {"spec": {"suspend": False}})
                own.api.until(
                    lambda found: found == [],
                    "apps/v1",
                    "Deployment",
                    former,
                    name="api",
                    what="the Deployment is pruned",
                )
                space: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": former}}
                kept = not missing(own.api, space)
                for name in (f"{former}-delivery", former):
                    own.api.delete(kustomization(name))
                own.api.delete(git_repository(former))
                own.synced(second)
            finally:
                own.leave(cluster)
    observed(
        f"G17: an environment moved by Flux: {suspended} replicas stay where it was while the former Kustomization is "
        "suspended, and none when it goes on; the namespace stays"
    )
    assert (suspended, kept) == (2, True)


def _message(one: Manifest) -> str:
    return str(one.get("status", {}).get("operationState", {}).get("message", ""))
