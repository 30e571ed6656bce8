"""What a cluster has, as far as it decides what is rendered for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import ClassVar

import attrs

from modelyard.fleet.facilities import Cloud, Monitoring, SecretStore
from modelyard.schemas import CrdSchema, bundled, constant, crd_schemas, projects, read_definitions
from modelyard.values import quantity
from modelyard.values.names import dns_label, qualified_name
from modelyard.values.value import option, required, value

AT_LEAST_ONE = "this is a count of at least 1"


def _quantity(text: str | None) -> str | None:
    if text is not None and quantity.parse(text) is None:
        return "this is no Kubernetes quantity"
    return None


def _positive(count: int) -> str | None:
    return None if count >= 1 else AT_LEAST_ONE


def _not_negative(count: int) -> str | None:
    return None if count >= 0 else "this is a count of at least 0"


@value
class Toleration:
    """
    Permission for a pod to run on nodes that carry a taint.

    Args:
        key: The taint's key.

        value: The taint's value. Default: any.

        effect: ``NoSchedule``, ``PreferNoSchedule`` or ``NoExecute``. Default: any.

    See Also:
        https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """

    key: str = required(check=qualified_name)
    value: str | None = None
    effect: str | None = None


@value
class Accelerator:
    """
    A class of accelerators that a cluster has, under the name that workloads ask for it by.

    Args:
        name: What ``Gpu(...)`` refers to, for example ``l4``.

        resource: The extended resource of its device plugin. Default: ``nvidia.com/gpu``.

        per_node: Accelerators on one node, at least 1.

        nodes: Nodes that the cluster can have of this class, at least 1.

        node_selector: Labels of these nodes. Default: none.

        tolerations: What a pod needs to run there. Default: the taint ``<resource>:NoSchedule``.

        spare: Accelerators kept free for rolling updates. Default: 0, so an update replaces pods in place.

        node_cpu: CPU that pods can have on one node. Default: not checked.

        node_memory: Memory that pods can have on one node. Default: not checked.

    See Also:
        https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """

    name: str = required(check=dns_label)
    resource: str = option(default="nvidia.com/gpu", check=qualified_name)
    per_node: int = option(default=1, check=_positive)
    nodes: int = option(default=1, check=_positive)
    node_selector: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    tolerations: Sequence[Toleration] | None = attrs.field(default=None, kw_only=True)
    spare: int = option(default=0, check=_not_negative, kw_only=True)
    node_cpu: str | None = option(default=None, check=_quantity, kw_only=True)
    node_memory: str | None = option(default=None, check=_quantity, kw_only=True)

    @property
    def tolerated(self) -> Sequence[Toleration]:
        """The tolerations of a pod that uses this class."""
        if self.tolerations is not None:
            return self.tolerations
        return (Toleration(self.resource, effect="NoSchedule"),)


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
    # Sorted, since what was checked before is known again by this text.
    modes: AbstractSet[str] = attrs.field(repr=lambda modes: str(sorted(modes, key=str)))


@attrs.frozen
class Crd:
    """
    Custom resource definitions that a cluster has installed, with the schemas to check their objects by.

    Those of some projects are bundled: ``Crd.KEDA`` is what KEDA installs.

    Args:
        schemas: One a kind and served version.
    """

    ARGO_CD: ClassVar[Crd]
    EXTERNAL_SECRETS: ClassVar[Crd]
    FLUX: ClassVar[Crd]
    GATEWAY_API: ClassVar[Crd]
    JOBSET: ClassVar[Crd]
    KEDA: ClassVar[Crd]
    KUEUE: ClassVar[Crd]
    LWS: ClassVar[Crd]
    PROMETHEUS_OPERATOR: ClassVar[Crd]

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

        storage: The storage classes that claims can name. Default: not checked.

        client_namespaces:
            Namespaces whose pods may call services: gateways, ingress controllers, monitoring.
            Default: none beside the service's own.

        cloud: Whose identities pods can have. Default: no identities.

        secret_store: Where ``ExternalSecret`` values lie that name no store of their own. Default: none.

        monitoring: The Prometheus that workloads are watched by. Default: they are not watched.
    """

    name: str = required(check=dns_label)
    kubernetes: str = attrs.field(kw_only=True)
    installed: Sequence[Crd] = attrs.field(default=(), kw_only=True)
    accelerators: Sequence[Accelerator] = attrs.field(default=(), kw_only=True)
    storage: Sequence[StorageClass] | None = attrs.field(default=None, kw_only=True)
    client_namespaces: Sequence[str] = attrs.field(default=(), kw_only=True)
    cloud: Cloud | None = attrs.field(default=None, kw_only=True)
    secret_store: SecretStore | None = attrs.field(default=None, kw_only=True)
    monitoring: Monitoring | None = attrs.field(default=None, kw_only=True)

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
