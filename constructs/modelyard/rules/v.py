"""V: volumes of pods, and the Secrets that pods read."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod
from modelyard.values.similar import did_you_mean

VOLUMES = "https://kubernetes.io/docs/concepts/storage/volumes/"

V06 = Rule(
    "V06",
    "Every mount names a volume of its pod, and a path of its own.",
    why="The API server refuses the pod, or the object that makes pods of it.",
    fix="correct the name, or add the volume",
    see=VOLUMES,
)
V17 = Rule(
    "V17",
    "The Secrets that a pod reads are not optional.",
    why=(
        "A pod whose Secret is missing waits, and says so. With optional it starts without it, and fails later and"
        " elsewhere: a login without a password, a download without a token."
    ),
    fix="remove optional, so that the pod waits for the Secret",
    see="https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
    severity=Severity.WARNING,
    acceptable=True,
)
V20 = Rule(
    "V20",
    "Every volume of a pod is mounted.",
    why="The pod waits for the volume to be there, and no container sees it: a mount was forgotten or misspelt.",
    fix="mount it, or remove it",
    see=VOLUMES,
    severity=Severity.WARNING,
    acceptable=True,
)


@V06.pods
def mounted(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare mounts with volumes."""
    made = _templates(pod)
    known = {volume["name"] for volume in pod.volumes}.union(made)
    used: set[str] = set()
    for container in pod.containers:
        data = container.data
        for key in ("volumeMounts", "volumeDevices"):
            for index, mount in enumerate(data.get(key) or ()):
                name = mount["name"]
                used.add(name)
                if name not in known:
                    do = did_you_mean(name, known) or "add it to the pod's volumes, or remove the mount"
                    because = "the pod has no volume of this name"
                    yield V06.breach(container.at(f"{key}[{index}].name"), name, because, do)
        yield from _paths(container)
    if len(used) < len(known):
        for index, volume in enumerate(pod.volumes):
            if volume["name"] not in used and not _read_as_variables(pod, volume["name"]):
                because = "no container mounts it"
                yield V20.breach(pod.at(f"spec.volumes[{index}].name"), volume["name"], because)


def _templates(pod: Pod) -> list[str]:
    """Return the names of the claims that a StatefulSet makes for each of its pods, or a JobSet for all."""
    spec = pod.object.spec
    if pod.object.kind == "JobSet":
        policies = spec.get("volumeClaimPolicies") or ()
        templates = [template for policy in policies for template in policy.get("templates") or ()]
    elif pod.object.kind == "StatefulSet":
        templates = spec.get("volumeClaimTemplates") or []
    else:
        return []
    return [(template.get("metadata") or {}).get("name") or "" for template in templates]


def _paths(container: Container) -> Iterator[Breach]:
    devices = {device["devicePath"] for device in container.data.get("volumeDevices") or ()}
    for index, mount in enumerate(container.data.get("volumeMounts") or ()):
        at = f"volumeMounts[{index}]"
        if mount["mountPath"] in devices:
            because = "a device of the container has this path"
            yield V06.breach(container.at(f"{at}.mountPath"), mount["mountPath"], because, "choose another path")
        for key in ("subPath", "subPathExpr"):
            part = mount.get(key)
            if part and (part.startswith("/") or ".." in part.split("/")):
                because = "it is a path inside the volume, without / in front and without .."
                yield V06.breach(container.at(f"{at}.{key}"), part, because, "correct the path")
        if mount.get("subPath") and mount.get("subPathExpr"):
            because = "subPath is given too, and only one of them can be"
            yield V06.breach(container.at(f"{at}.subPathExpr"), mount["subPathExpr"], because, "keep one of the two")


def _read_as_variables(pod: Pod, name: str) -> bool:
    """Return whether a variable comes from a file in the volume *name*."""
    return any(
        ((variable.get("valueFrom") or {}).get("fileKeyRef") or {}).get("volumeName") == name
        for container in pod.containers
        for variable in container.data.get("env") or ()
    )


@V17.pods
def needed(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for Secrets that may be missing."""
    because = "a pod that starts without its Secret fails later and elsewhere"
    for container in pod.containers:
        for index, variable in enumerate(container.data.get("env") or ()):
            source = variable.get("valueFrom")
            if source and (source.get("secretKeyRef") or {}).get("optional"):
                at = container.at(f"env[{index}].valueFrom.secretKeyRef.optional")
                yield V17.breach(at, value=True, because=because)
        for index, origin in enumerate(container.data.get("envFrom") or ()):
            if (origin.get("secretRef") or {}).get("optional"):
                yield V17.breach(container.at(f"envFrom[{index}].secretRef.optional"), value=True, because=because)
    for index, volume in enumerate(pod.volumes):
        if (volume.get("secret") or {}).get("optional"):
            yield V17.breach(pod.at(f"spec.volumes[{index}].secret.optional"), value=True, because=because)
        for inner, projected in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if (projected.get("secret") or {}).get("optional"):
                at = pod.at(f"spec.volumes[{index}].projected.sources[{inner}].secret.optional")
                yield V17.breach(at, value=True, because=because)
