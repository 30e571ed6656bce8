"""What a cluster offers beside nodes: a cloud's identities, a store of secrets, monitoring, a gateway."""

from __future__ import annotations

import enum
from typing import Literal

from modelyard.values.names import subdomain
from modelyard.values.value import required, value


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
