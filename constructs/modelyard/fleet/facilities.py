"""What a cluster offers beside nodes: a cloud's identities, a store of secrets, monitoring, a gateway."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

import attrs

from modelyard.values.names import dns_label, subdomain
from modelyard.values.names import labels as broken_labels
from modelyard.values.value import option, required, value


class Cloud(enum.StrEnum):
    """
    Whose identities the pods of a cluster can have.

    See Also:
        https://kubernetes.io/docs/concepts/security/service-accounts/
    """

    EKS = "eks"
    GKE = "gke"
    AKS = "aks"

    __words__ = "Cloud.EKS, Cloud.GKE or Cloud.AKS"


@value
class SecretStore:
    """
    A store of the External Secrets operator, from which Secrets are made.

    Args:
        name: As in the cluster.

        kind: ``ClusterSecretStore``, or ``SecretStore`` for one in the environment's namespace.
            Default: ``ClusterSecretStore``.

    See Also:
        https://external-secrets.io/latest/api/clustersecretstore/
    """

    name: str = required(check=subdomain)
    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"


def _address(address: str | None) -> str | None:
    if address is None or address.startswith(("http://", "https://")):
        return None
    return 'it is an address such as "http://prometheus-operated.monitoring:9090"'


def _sidecar() -> Mapping[str, str]:
    return {"grafana_dashboard": "1"}


@value
class Monitoring:
    """
    The Prometheus that the Prometheus operator runs in a cluster, and the Grafana beside it.

    Args:
        namespace: Where Prometheus runs; its pods may then reach the metrics of workloads.

        labels: By which Prometheus chooses monitors and rules, for example ``{"release": "kube-prometheus-stack"}``.
            Default: it chooses all.

        address: Of its API inside the cluster, which autoscalers ask. Default: not known.

        dashboards: By which labels Grafana's sidecar finds ConfigMaps with dashboards; an empty dict for no
            dashboards. Default: ``{"grafana_dashboard": "1"}``.

    See Also:
        https://prometheus-operator.dev/docs/getting-started/design/
    """

    namespace: str = required(check=dns_label)
    labels: Mapping[str, str] = option(default=attrs.Factory(dict), check=broken_labels, kw_only=True)
    address: str | None = option(default=None, check=_address, kw_only=True)
    dashboards: Mapping[str, str] = option(default=attrs.Factory(_sidecar), check=broken_labels, kw_only=True)


def _subdomain(name: str | None) -> str | None:
    return None if name is None else subdomain(name)


def _namespace(name: str | None) -> str | None:
    return None if name is None else dns_label(name)


Implementation = Literal["envoy", "istio", "kgateway", "gke", "nginx", "other"]
WITH_POOLS = ("gke", "istio", "kgateway", "nginx")
"""Those whose routes can lead to an InferencePool. Envoy Gateway's cannot without another controller beside it."""


@value
class Gateway:
    """
    A Gateway that brings requests from outside to services.

    Args:
        name: Of the Gateway.

        namespace: That it stands in.

        implementation: What makes it work: ``envoy`` (Envoy Gateway), ``istio``, ``kgateway``, ``gke``, ``nginx``
            (NGINX Gateway Fabric) or ``other``; it decides what can be said of timeouts.

        section: The name of the listener that routes are for. Default: every one that takes them.

        proxies: The namespace in which its proxies run. Default: ``envoy-gateway-system`` for ``envoy``, else that of
            the Gateway; those of ``gke`` are outside of the cluster.

    See Also:
        https://gateway-api.sigs.k8s.io/api-types/gateway/
    """

    name: str = required(check=subdomain)
    namespace: str = required(check=dns_label)
    implementation: Implementation = attrs.field(kw_only=True)
    section: str | None = option(default=None, check=_subdomain, kw_only=True)
    proxies: str | None = option(default=None, check=_namespace, kw_only=True)

    @property
    def callers(self) -> tuple[str, ...]:
        """The namespaces from which requests come."""
        if self.implementation == "gke":
            return () if self.proxies is None else (self.proxies,)
        usual = "envoy-gateway-system" if self.implementation == "envoy" else self.namespace
        return (self.proxies or usual,)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses from which requests come, where no pods of the cluster send them."""
        return ("130.211.0.0/22", "35.191.0.0/16") if self.implementation == "gke" else ()


@value
class IngressClass:
    """
    An Ingress controller, in a cluster that has no Gateway.

    Args:
        name: Of the class.

        namespace: In which the controller runs.

        implementation: ``nginx`` (ingress-nginx) or ``other``; it decides what can be said of timeouts.
            Default: ``other``.

    See Also:
        https://kubernetes.io/docs/concepts/services-networking/ingress/
    """

    name: str = required(check=subdomain)
    namespace: str = required(check=dns_label)
    implementation: Literal["nginx", "other"] = attrs.field(default="other", kw_only=True)

    @property
    def callers(self) -> tuple[str, ...]:
        """The namespaces from which requests come."""
        return (self.namespace,)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses from which requests come, where no pods of the cluster send them."""
        return ()
