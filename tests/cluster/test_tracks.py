"""What Argo Rollouts writes in Services and routes stays as it is, whoever syncs them from git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from environments.clusters import EKS
from modelyard import Canary, Crd, Fleet, Gateway, Host, minutes, seconds
from modelyard import Cluster as Claimed
from tests.cluster import crds
from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux
from tests.cluster.git import GitServer
from tests.cluster.team import Team, service
from tests.cluster.test_argocd import ArgoTeam
from tests.cluster.test_flux import FluxTeam
from tests.support import IMAGE

Observed = Callable[[str], None]
ROLLOUT = ("argoproj.io/v1alpha1", "Rollout")
ROUTE = ("gateway.networking.k8s.io/v1", "HTTPRoute")
CANARY = {"app": "api", "rollouts-pod-template-hash": "6c4fd7d7b9"}
ANY = ("Healthy", "Missing", "Progressing", "Unknown")
"""Without the controller of Argo Rollouts nobody says how a Rollout fares."""
NEW = f"{IMAGE.partition('@')[0]}@sha256:{'5' * 64}"
STOCK: Any = EKS
GATEWAY = Gateway("public", "gateways", implementation="istio")
ROUTED: Claimed = attrs.evolve(STOCK, installed=[Crd.ARGO_ROLLOUTS, Crd.GATEWAY_API], gateway=GATEWAY)


def canary(own: Team, **options: Any) -> Callable[[Fleet], object]:
    """Return what makes the service api, whose pods a Rollout replaces."""
    stock = {"rollout": Canary({30: minutes(5)}), "route": Host("chat.acme.dev")}
    return lambda fleet: service(own.environment(fleet, cluster=ROUTED), **{**stock, **options})


def seen(own: Team) -> tuple[dict[str, str], list[int], str]:
    """Return which pods the Service selects, the shares of the route, and the image of the Rollout."""
    shares = [one["weight"] for one in own.object(*ROUTE, "api")["spec"]["rules"][0]["backendRefs"]]
    (container,) = own.object(*ROLLOUT, "api")["spec"]["template"]["spec"]["containers"]
    return own.object("v1", "Service", "api")["spec"]["selector"], shares, container["image"]


def shift(own: Team) -> None:
    """Do what Argo Rollouts does in the middle of a canary, as it does it: by patches."""
    own.api.patch(own.about("v1", "Service", "api"), {"spec": {"selector": CANARY}})
    rules = own.object(*ROUTE, "api")["spec"]["rules"]
    for reference, weight in zip(rules[0]["backendRefs"], (70, 30), strict=True):
        reference["weight"] = weight
    own.api.patch(own.about(*ROUTE, "api"), {"spec": {"rules": rules}})


def test_argo_cd_leaves_both_alone(argocd: ArgoCD, cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """With a sync that brings a new image."""
    crds.install(cluster.api, [{"apiVersion": version, "kind": kind} for version, kind in (ROLLOUT, ROUTE)])
    own = ArgoTeam(argocd, tmp_path / "tracks", "tracks")
    with cluster.nodes(EKS):
        try:
            first = own.merge(canary(own))
            own.bootstrap()
            own.synced(first, *ANY)
            assert seen(own) == ({"app": "api"}, [100, 0], IMAGE)
            shift(own)
            own.synced(own.merge(canary(own, image=NEW)), *ANY)
            assert seen(own) == (CANARY, [70, 30], NEW)
            observed("argocd: a sync in the middle of a canary leaves selectors and shares alone")
        finally:
            own.leave(cluster)


def test_flux_leaves_both_alone(flux: Flux, cluster: Cluster, tmp_path: Path, observed: Observed) -> None:
    """With a new image, and with another timeout of the route."""
    crds.install(cluster.api, [{"apiVersion": version, "kind": kind} for version, kind in (ROLLOUT, ROUTE)])
    with GitServer(tmp_path) as server, cluster.nodes(EKS):
        own = FluxTeam(flux, tmp_path / "flux-tracks", "flux-tracks", f"{server.url}/flux-tracks")
        try:
            first = own.merge(canary(own))
            own.bootstrap()
            own.synced(first)
            assert seen(own) == ({"app": "api"}, [100, 0], IMAGE)
            shift(own)
            own.synced(own.merge(canary(own, image=NEW)))
            assert seen(own) == (CANARY, [70, 30], NEW)
            route = Host("chat.acme.dev", timeout=seconds(90))
            own.synced(own.merge(canary(own, image=NEW, route=route)))
            assert own.object(*ROUTE, "api")["spec"]["rules"][0]["timeouts"]["request"] == "1m30s"
            assert seen(own) == (CANARY, [70, 30], NEW)
            observed("flux: a sync in the middle of a canary leaves selectors and shares alone, and brings a timeout")
        finally:
            own.leave(cluster)
