"""The objects that stand beside a workload's pods: account, configuration, claims, network policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import cloud, hardware, secrets, watching
from modelyard.pod.options import Peer
from modelyard.pod.spec import PodSpec
from modelyard.pod.template import manifest, object_labels, selector
from modelyard.pod.volumes import config_name

KEPT = {
    "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
"""Argo CD and Flux leave such an object alone when it disappears from git, and Argo CD stays Synced."""

LEFT_BEHIND = {**KEPT, "argocd.argoproj.io/sync-options": "Prune=false"}
"""Pods of the last rollout may still mount such an object, so it goes with its Application, and not before."""

DNS_PORT = 53
HTTPS_PORT = 443


def companions(
    name: str,
    component: str,
    spec: PodSpec,
    site: Site,
    ports: tuple[int, ...],
    *,
    together: bool = False,
    outlived: bool = False,
    pods: Mapping[str, str] | None = None,
) -> Iterator[Draft]:
    """
    Yield the companions of the workload *name*, whose pods listen on *ports* and may work *together*.

    The labels *pods* select its pods, by default those of :func:`selector`.
    Where they may be *outlived* by what runs, account and policy stay with it: a Job makes pods until it ends.
    """
    labels = object_labels(name, component, spec, site)
    stays = KEPT if outlived else {}
    if spec.service_account is None:
        account = manifest("v1", "ServiceAccount", name, labels, site)
        own = cloud.account_annotations(spec.identity, site)
        if annotations := {**stays, **own, **spec.service_account_annotations}:
            account["metadata"]["annotations"] = annotations
        account["automountServiceAccountToken"] = False
        yield Draft(account)
    if spec.config is not None:
        config = manifest("v1", "ConfigMap", config_name(name), labels, site)
        config["metadata"]["annotations"] = dict(LEFT_BEHIND if ports else KEPT)
        config["immutable"] = True
        config["data"] = dict(spec.config.files)
        yield Draft(config, sealed=True)
    for devices in hardware.claim_templates(name, spec, site, labels):
        devices["metadata"]["annotations"] = dict(LEFT_BEHIND if ports else KEPT)
        yield Draft(devices, sealed=True)
    made = [(one.name, one.mode, one.size, one.storage_class) for one in spec.claims if one.size is not None]
    for claim, mode, size, storage_class in dict.fromkeys(made):
        volume = manifest("v1", "PersistentVolumeClaim", claim, labels, site)
        volume["metadata"]["annotations"] = dict(KEPT)
        body: dict[str, Any] = {
            "accessModes": [mode],
            "resources": {"requests": {"storage": size}},
        }
        if storage_class is not None:
            body["storageClassName"] = storage_class
        volume["spec"] = body
        yield Draft(volume)
    for secret, wanted in secrets.external_secrets(spec.secrets, site):
        external = {**manifest(secrets.API, "ExternalSecret", secret, labels, site), "spec": wanted}
        if stays:
            external["metadata"]["annotations"] = dict(stays)
        yield Draft(external)
    policy = manifest("networking.k8s.io/v1", "NetworkPolicy", name, labels, site)
    if stays:
        policy["metadata"]["annotations"] = dict(stays)
    policy["spec"] = _policy(selector(name) if pods is None else pods, spec, site, ports, together=together)
    yield Draft(policy)


def _policy(
    chosen: Mapping[str, str], spec: PodSpec, site: Site, ports: tuple[int, ...], *, together: bool
) -> dict[str, Any]:
    network = spec.network
    ingress: list[dict[str, Any]] = []
    if ports:
        gateway = site.cluster.gateway
        callers = [*site.cluster.client_namespaces, *(gateway.callers if gateway else ())]
        sources = [
            {"podSelector": {}},
            *(_namespace(client) for client in dict.fromkeys(callers)),
            *({"ipBlock": {"cidr": address}} for address in (gateway.addresses if gateway else ())),
        ]
        ingress.append({"from": sources, "ports": _tcp(ports)})
    if together:
        # Every port: NCCL and Gloo listen on whatever the kernel gives them.
        ingress.append({"from": [{"podSelector": {"matchLabels": dict(chosen)}}]})
    if (found := watching.scraped(spec, site)) is not None and site.cluster.monitoring is not None:
        ingress.append({"from": [_namespace(site.cluster.monitoring.namespace)], "ports": _tcp((found[1],))})
    ingress.extend({"from": [_peer(peer)], "ports": _tcp(peer.ports or ports)} for peer in network.clients)
    # DNS to anywhere: a node-local cache answers on a link-local address that no pod selector matches.
    dns = {"ports": [{"protocol": "UDP", "port": DNS_PORT}, {"protocol": "TCP", "port": DNS_PORT}]}
    egress: list[dict[str, Any]] = [dns, {"to": [{"podSelector": {}}]}]
    if network.https:
        egress.append(
            {
                "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}],
                "ports": _tcp((HTTPS_PORT,)),
            }
        )
    egress.extend(cloud.egress(spec.identity, site, spec.service_account_annotations))
    egress.extend(
        {"to": [_peer(peer)], **({"ports": _tcp(tuple(peer.ports))} if peer.ports else {})} for peer in network.egress
    )
    return {
        "podSelector": {"matchLabels": dict(chosen)},
        "policyTypes": ["Ingress", "Egress"],
        # The API server drops an empty list and takes it for new each time: every sync would be a change.
        **({"ingress": ingress} if ingress else {}),
        "egress": egress,
    }


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _peer(peer: Peer) -> dict[str, Any]:
    if peer.cidr is not None:
        return {"ipBlock": {"cidr": peer.cidr}}
    labels = {"matchLabels": dict(peer.pods)} if peer.pods else {}
    if peer.namespace is None:
        return {"podSelector": labels}
    return {**_namespace(peer.namespace), **({"podSelector": labels} if labels else {})}


def _tcp(ports: tuple[int, ...] | Any) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]
