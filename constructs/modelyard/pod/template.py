"""The pod template that both nouns share, as plain dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from modelyard.fleet.draft import Manifest
from modelyard.fleet.site import Site
from modelyard.pod import cloud, hardware, watching
from modelyard.pod.options import EnvValue, FieldRef, SecretKey
from modelyard.pod.sources import DOWNLOAD, DOWNLOAD_MEMORY, Download
from modelyard.pod.spec import PodSpec
from modelyard.pod.volumes import Mount, mounted


@attrs.frozen(kw_only=True)
class Pod:
    """
    What a workload's kind adds to the pod template that all share.

    Args:
        name: The workload's id.

        component: ``serving`` or ``training``.

        container: The name of the main container.

        restart_policy: ``Always`` or ``Never``.

        grace: ``terminationGracePeriodSeconds``.

        container_fields: Ports, probes and lifecycle of the container.

        pod_fields: Further fields of the pod's spec.

        annotations: Of the pod.

        variables: Environment variables that stand before the user's, who may give them another value.

        starters: Init containers, with the mounts that they need besides ``/tmp``.

        mounts: Volumes that the kind of workload needs.

        where: What the kind of workload adds to the choice of nodes.
    """

    name: str
    component: str
    container: str
    restart_policy: str
    grace: int
    container_fields: Mapping[str, Any] = attrs.field(factory=dict)
    pod_fields: Mapping[str, Any] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    variables: Mapping[str, EnvValue] = attrs.field(factory=dict)
    starters: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mount] = ()
    where: hardware.Where = attrs.field(factory=hardware.Where)


def object_labels(name: str, component: str, spec: PodSpec, site: Site) -> dict[str, str]:
    """Return the labels of every object of the workload *name*."""
    return {
        "app": name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": site.environment,
        "app.kubernetes.io/managed-by": "modelyard",
        **site.labels,
        **spec.labels,
    }


def selector(name: str) -> dict[str, str]:
    """Return the labels that select the pods of *name*: its id and nothing that could ever change."""
    return {"app": name}


def manifest(api_version: str, kind: str, name: str, labels: Mapping[str, str], site: Site) -> Manifest:
    """Return the head of a manifest, to which its content is added."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": site.namespace, "labels": dict(labels)},
    }


def service_account_name(name: str, spec: PodSpec) -> str:
    """Return the ServiceAccount that the pods of *name* run as."""
    return spec.service_account or name


def template(pod: Pod, spec: PodSpec, site: Site) -> dict[str, Any]:
    """Return the pod template of *pod*."""
    volumes, mounts = mounted(pod.name, pod.mounts, spec)
    fabric = hardware.fabric_of(spec, site)
    annotations = {**pod.annotations, **(fabric.annotations if fabric else {}), **spec.annotations}
    labels = {**object_labels(pod.name, pod.component, spec, site), **cloud.pod_labels(spec.identity, site)}
    metadata: dict[str, Any] = {"labels": labels}
    if annotations:
        metadata["annotations"] = annotations
    body: dict[str, Any] = {
        "serviceAccountName": service_account_name(pod.name, spec),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": pod.restart_policy,
        "terminationGracePeriodSeconds": pod.grace,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": spec.user,
            "runAsGroup": spec.user,
            "fsGroup": spec.user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **hardware.placement(spec, site, pod.where),
        **pod.pod_fields,
    }
    if spec.priority_class is not None:
        body["priorityClassName"] = spec.priority_class
    if spec.image_pull_secrets:
        body["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if pod.starters:
        scratch = [mount for mount in mounts if mount["mountPath"].rstrip("/") == "/tmp"]  # noqa: S108
        body["initContainers"] = [
            {**starter, "volumeMounts": [*scratch, *starter.get("volumeMounts", ())]} for starter in pod.starters
        ]
    body["containers"] = [_container(pod, spec, site, mounts)]
    body.update(hardware.claims(pod.name, spec, site))
    body["volumes"] = volumes
    return {"metadata": metadata, "spec": body}


def _container(pod: Pod, spec: PodSpec, site: Site, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    read_only = spec.read_only_root if spec.read_only_root is not None else spec.gpu is None
    container: dict[str, Any] = {"name": pod.container, **_image(spec)}
    if spec.command:
        container["command"] = list(spec.command)
    if spec.args:
        container["args"] = list(spec.args)
    if environment := _environment(pod, spec, site):
        container["env"] = environment
    fields = dict(pod.container_fields)
    if own := watching.own_ports(spec, site):
        fields["ports"] = [*fields.get("ports", ()), *own]
    return {
        **container,
        **fields,
        "resources": hardware.resources(spec, site),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {**_security(read_only=read_only), "capabilities": hardware.capabilities(spec, site)},
        "volumeMounts": mounts,
    }


def starter(
    name: str, command: Sequence[str], variables: Mapping[str, EnvValue], spec: PodSpec, site: Site
) -> dict[str, Any]:
    """Return an init container of the workload's own image that runs *command* and needs next to nothing."""
    known = dict(variables)
    if hardware.has_nvidia(site):
        known["NVIDIA_VISIBLE_DEVICES"] = "void"
    return {
        "name": name,
        **_image(spec),
        "command": list(command),
        "env": _entries(known),
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _security(read_only=True),
    }


def downloader(download: Download, spec: PodSpec, site: Site) -> dict[str, Any]:
    """Return the init container that does *download*; what it asks for is free again when the training starts."""
    container = starter(download.name, ["python3", "-c", DOWNLOAD], download.env, spec, site)
    requests, limits = {"cpu": "1", "memory": DOWNLOAD_MEMORY}, {"memory": DOWNLOAD_MEMORY}
    if download.disk is not None:
        requests["ephemeral-storage"] = download.disk
    return {
        **container,
        "resources": {"requests": requests, "limits": limits},
        "volumeMounts": [dict(download.mount)],
    }


def _image(spec: PodSpec) -> dict[str, str]:
    image = str(spec.image)
    return {"image": image, "imagePullPolicy": "IfNotPresent" if "@" in image else "Always"}


def _security(*, read_only: bool) -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": read_only,
        "capabilities": {"drop": ["ALL"]},
    }


def _environment(pod: Pod, spec: PodSpec, site: Site) -> list[dict[str, Any]]:
    variables: dict[str, EnvValue] = {}
    if "HOME" not in spec.env:
        variables["HOME"] = "/tmp"  # noqa: S108 # the writable folder of a user id without a home
    if "USER" not in spec.env:
        # getpass.getuser() fails for a user id without a name, and PyTorch asks it for the folder of its compiler.
        variables["USER"] = pod.name
    if spec.gpu is None and "NVIDIA_VISIBLE_DEVICES" not in spec.env and hardware.has_nvidia(site):
        # CUDA images show every GPU of the node to a container that asked for none.
        variables["NVIDIA_VISIBLE_DEVICES"] = "void"
    if (fabric := hardware.fabric_of(spec, site)) is not None:
        variables.update(fabric.env)
    variables.update(pod.variables)
    variables.update(spec.env)
    return _entries(variables)


def _entries(variables: Mapping[str, EnvValue]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for name, value in variables.items():
        if isinstance(value, SecretKey):
            entries.append(
                {
                    "name": name,
                    "valueFrom": {"secretKeyRef": {"name": value.name, "key": value.key}},
                }
            )
        elif isinstance(value, FieldRef):
            entries.append({"name": name, "valueFrom": {"fieldRef": {"fieldPath": value.path}}})
        else:
            entries.append({"name": name, "value": value})
    return entries
