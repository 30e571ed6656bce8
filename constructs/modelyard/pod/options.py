"""The value types that options of pods are made of."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from modelyard.values import quantity
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.fields import pod_field
from modelyard.values.names import config_key, dns_label, env_name, port_name, subdomain
from modelyard.values.value import option, required, value

AccessMode = Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]


def absolute(path: str) -> str | None:
    """Return why *path* is no place to mount something, or None."""
    if not path.startswith("/") or path == "/" or ":" in path or "/../" in f"{path}/":
        return 'a mount path is absolute, is not "/" and holds no ":" and no ".."'
    return None


def port_number(number: int) -> str | None:
    """Return why *number* is no port that a process without privileges listens on, or None."""
    if not 1 <= number <= HIGHEST_PORT:
        return f"a port is a number from 1 to {HIGHEST_PORT}"
    return None


def amount(text: str | int | None) -> str | None:
    """Return why *text* is no Kubernetes quantity above zero, or None."""
    if text is None:
        return None
    parsed = quantity.parse(str(text))
    if parsed is None:
        return "a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none"
    if parsed > quantity.LARGEST:
        return "a quantity is less than 8Ei, and Kubernetes would cap this one"
    return None if parsed > 0 else "a quantity must be above 0 here"


def _one_at_least(count: int) -> str | None:
    return None if count >= 1 else "it is a whole number of at least 1; leave gpu= away for none"


@value
class Gpu:
    """
    Whole accelerators for one pod, by the name of their class in the cluster.

    Args:
        accelerator: The ``name`` of one of the cluster's ``Accelerator`` classes.

        count: At least 1. Default: 1.

    See Also:
        https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/
    """

    accelerator: str
    count: int = option(default=1, check=_one_at_least)


@value
class SecretKey:
    """
    The value of one key of a Secret that exists in the namespace: a reference, never the value.

    Args:
        name: The Secret.

        key: The key in it.

    See Also:
        https://kubernetes.io/docs/concepts/configuration/secret/
    """

    name: str = required(check=subdomain)
    key: str = required(check=config_key)


def _cidr(cidr: str | None) -> str | None:
    if cidr is None:
        return None
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return "it is a range of addresses such as 10.20.0.0/16"
    return None if "/" in cidr else "it ends with the length of its prefix, such as /32 for one address"


def _ports(ports: Sequence[int]) -> str | None:
    return next((broken for port in ports if (broken := port_number(port))), None)


@value
class FieldRef:
    """
    A field of the pod itself as the value of an environment variable (the downward API).

    Args:
        path: For example ``metadata.name`` or ``status.podIP``.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
    """

    path: str = required(check=pod_field)


@value
class ConfigFiles:
    """
    Text files in a folder of the container; a change of any rolls the pods.

    Args:
        mount: The folder, an absolute path.

        files: File name to content; together at most 1 MiB.

    See Also:
        https://kubernetes.io/docs/concepts/configuration/configmap/
    """

    mount: str = required(check=absolute)
    files: Mapping[str, str]


@value
class EmptyDir:
    """
    A folder that lives as long as its pod.

    Args:
        mount: An absolute path.

        size_limit: At most so much, as a quantity. Default: no limit.

        memory: Whether it is kept in memory, where it counts against the memory limit. Default: on disk.

    See Also:
        https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
    """

    mount: str = required(check=absolute)
    size_limit: str | None = option(default=None, check=amount)
    memory: bool = False


@value
class Claim:
    """
    A persistent volume claim: one that exists, or with *size*, one that this workload brings along.

    Args:
        name: Of the PersistentVolumeClaim in the namespace.

        mount: An absolute path.

        read_only: Whether this workload only reads. Default: it writes.

        size: Makes the claim, so large. Default: the claim exists.

        storage_class: With *size*: the class of storage. Default: the cluster's default class.

        access_mode: Of the claim. Default: ``ReadWriteOnce`` with *size*, else not known.

    See Also:
        https://kubernetes.io/docs/concepts/storage/persistent-volumes/
    """

    name: str = required(check=subdomain)
    mount: str = required(check=absolute)
    read_only: bool = attrs.field(default=False, kw_only=True)
    size: str | None = option(default=None, check=amount, kw_only=True)
    storage_class: str | None = attrs.field(default=None, kw_only=True)
    access_mode: AccessMode | None = attrs.field(default=None, kw_only=True)

    @property
    def mode(self) -> str | None:
        """The access mode, as far as it is known."""
        if self.access_mode is None and self.size is not None:
            return "ReadWriteOnce"
        return self.access_mode


@value
class SecretFiles:
    """
    The keys of a Secret that exists in the namespace, as files.

    Args:
        name: The Secret.

        mount: The folder, an absolute path.

    See Also:
        https://kubernetes.io/docs/concepts/configuration/secret/
    """

    name: str = required(check=subdomain)
    mount: str = required(check=absolute)


@value
class Port:
    """
    A port that the container listens on.

    Args:
        name: At most 15 characters, for example ``http`` or ``grpc``.

        number: Of the container, 1 to 65535.

        service: The port of the Service for it. Default: the same number.

    See Also:
        https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
    """

    name: str = required(check=port_name)
    number: int = required(check=port_number)
    service: int | None = option(default=None, check=lambda number: port_number(number) if number is not None else None)


@value
class Peer:
    """
    Somebody at the other end of a connection.

    Args:
        namespace: Pods of this namespace. Default: of the workload's own.

        pods: Only pods with these labels. Default: all.

        cidr: Addresses instead of pods, for example ``10.20.0.0/16``.

        ports: Only these ports, TCP. Default: the workload's own ports for clients, all for egress.

    See Also:
        https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """

    namespace: str | None = option(default=None, check=lambda name: dns_label(name) if name is not None else None)
    pods: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    cidr: str | None = option(default=None, check=_cidr, kw_only=True)
    ports: Sequence[int] = option(default=(), check=_ports, kw_only=True)


@value
class Network:
    """
    Whom a workload's pods talk with; everything else is closed.

    Args:
        clients: Who may call, besides the namespace itself and the cluster's ``client_namespaces``.

        egress: Whom the pods may call, besides DNS, the namespace itself and HTTPS anywhere.

        https: Whether HTTPS to anywhere (model hubs, object stores, identity) is open. Default: it is.

    See Also:
        https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """

    clients: Sequence[Peer] = ()
    egress: Sequence[Peer] = ()
    https: bool = True


Volume = EmptyDir | Claim | SecretFiles
EnvValue = str | SecretKey | FieldRef

__all__ = [
    "AccessMode", "Claim", "ConfigFiles", "EmptyDir", "EnvValue", "FieldRef", "Gpu", "Network", "Peer", "Port",
    "SecretFiles", "SecretKey", "Volume", "absolute", "amount", "dns_label", "env_name", "port_number",
]  # fmt: skip
