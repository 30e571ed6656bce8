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
