"""What a cluster has, as far as it decides what is rendered for it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import ClassVar

import attrs

from modelyard.fleet.facilities import Cloud, Gateway, IngressClass, Monitoring, SecretStore
from modelyard.fleet.hardware import Accelerator, SpotNodes
from modelyard.schemas import CrdSchema, bundled, constant, crd_schemas, projects, read_definitions
from modelyard.values.names import dns_label
from modelyard.values.value import required, value

GATES = frozenset({"ImageVolume", "WorkloadWithJob"})
"""The gates of Kubernetes that decide what is rendered, or whether it is refused."""


def _in_order(words: AbstractSet[str]) -> str:
    """Return a set as text that is always the same, since what was checked before is known again by it."""
    return str(sorted(words, key=str))


@value
class StorageClass:
    """
    A storage class that claims may name.

    Args:
        name: As in the cluster.

        modes: The access modes its volumes can have, for example ``{"ReadWriteOnce"}``.

    See Also:
        https://kubernetes.io/docs/concepts/storage/storage-classes/
    """

    name: str
    modes: AbstractSet[str] = attrs.field(repr=_in_order)


@attrs.frozen
class Crd:
    """
    Custom resource definitions that a cluster has installed, with the schemas to check their objects by.

    Those of some projects are bundled: ``Crd.KEDA`` is what KEDA installs.

    Args:
        schemas: One a kind and served version.
    """

    ARGO_CD: ClassVar[Crd]
    ARGO_ROLLOUTS: ClassVar[Crd]
    EXTERNAL_SECRETS: ClassVar[Crd]
    FLUX: ClassVar[Crd]
    GATEWAY_API: ClassVar[Crd]
    INFERENCE_EXTENSION: ClassVar[Crd]
    JOBSET: ClassVar[Crd]
    KEDA: ClassVar[Crd]
    KSERVE: ClassVar[Crd]
    KUBEFLOW_TRAINER: ClassVar[Crd]
    KUBERAY: ClassVar[Crd]
    KUEUE: ClassVar[Crd]
    LWS: ClassVar[Crd]
    PROMETHEUS_OPERATOR: ClassVar[Crd]
    VOLCANO: ClassVar[Crd]

    schemas: tuple[CrdSchema, ...]

    @classmethod
    def from_file(cls, path: str | Path) -> Crd:
        """
        Read the definitions in a YAML file, such as the one a project publishes with its releases.

        Args:
            path: The file; other kinds in it are passed over.

        Raises:
            ValueError: The file has no CustomResourceDefinition.
        """
        found = [schema for one in read_definitions(Path(path)) for schema in crd_schemas(one)]
        if not found:
            message = f"{path} has no CustomResourceDefinition"
            raise ValueError(message)
        return cls(tuple(found))


for _project in projects():
    setattr(Crd, constant(_project), Crd(bundled(_project)))


@value
class Cluster:
    """
    A cluster as modelyard needs to know it; every object is a pure function of the spec and this.

    Args:
        name: Unique among the fleet's clusters.

        kubernetes: The minor version of its API server, for example ``1.34``.

        installed: Custom resource definitions that are there. Default: none.

        accelerators: The classes that workloads can ask for. Default: none.

        spot: The nodes that the cloud may take back, for trainings that bear it. Default: none.

        storage: The storage classes that claims can name. Default: not checked.

        client_namespaces:
            Namespaces whose pods may call services: gateways, ingress controllers, monitoring.
            Default: none beside the service's own.

        csi_drivers: Drivers of storage that pods may mount by name, for example ``gcsfuse.csi.storage.gke.io``.
            Default: none.

        feature_gates: Gates of Kubernetes that are off unless its owners turn them on, and that they did:
            ``ImageVolume`` before 1.35, or ``WorkloadWithJob``. Default: none.

        cloud: Whose identities pods can have. Default: no identities.

        secret_store: Where ``ExternalSecret`` values lie that name no store of their own. Default: none.

        monitoring: The Prometheus that workloads are watched by. Default: they are not watched.

        gateway: Through which requests from outside come; it may call every service. Default: none do.
    """

    name: str = required(check=dns_label)
    kubernetes: str = attrs.field(kw_only=True)
    installed: Sequence[Crd] = attrs.field(default=(), kw_only=True)
    accelerators: Sequence[Accelerator] = attrs.field(default=(), kw_only=True)
    spot: SpotNodes | None = attrs.field(default=None, kw_only=True)
    storage: Sequence[StorageClass] | None = attrs.field(default=None, kw_only=True)
    client_namespaces: Sequence[str] = attrs.field(default=(), kw_only=True)
    csi_drivers: AbstractSet[str] = attrs.field(default=frozenset(), repr=_in_order, kw_only=True)
    feature_gates: AbstractSet[str] = attrs.field(default=frozenset(), repr=_in_order, kw_only=True)
    cloud: Cloud | None = attrs.field(default=None, kw_only=True)
    secret_store: SecretStore | None = attrs.field(default=None, kw_only=True)
    monitoring: Monitoring | None = attrs.field(default=None, kw_only=True)
    gateway: Gateway | IngressClass | None = attrs.field(default=None, kw_only=True)

    def accelerator(self, name: str) -> Accelerator | None:
        """Return the accelerator class called *name*, or None."""
        return next((found for found in self.accelerators if found.name == name), None)

    def has(self, api_version: str, kind: str) -> bool:
        """Return whether a custom resource definition is installed."""
        return any((one.api_version, one.kind) == (api_version, kind) for one in self.crd_schemas)

    @property
    def crd_schemas(self) -> tuple[CrdSchema, ...]:
        """The schemas of everything that is installed."""
        return tuple(schema for crd in self.installed for schema in crd.schemas)
