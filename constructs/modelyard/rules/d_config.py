"""D: ConfigMaps that pods wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.names import LOGICAL_NAME

D11 = Rule(
    "D11",
    ("Every ConfigMap that a pod mounts or reads is rendered beside it, with the keys that it reads."),
    why=("A pod whose ConfigMap or key does not exist never starts (FailedMount, CreateContainerConfigError)."),
    fix="render the ConfigMap, or accept D11 where something else makes it",
    see="https://kubernetes.io/docs/concepts/configuration/configmap/#using-configmaps",
    acceptable=True,
)

OF_EVERY_NAMESPACE = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})


@attrs.frozen
class Reference:
    """
    A place in a pod that needs a ConfigMap.

    Args:
        field: Its path.

        name: Of the ConfigMap.

        keys: The keys that are read, with their paths.
    """

    field: str
    name: str
    keys: Sequence[tuple[str, str]] = ()


@D11.pods
def configured(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look for the ConfigMaps of a pod, and their keys."""
    if pod.object.namespace != scope.site.namespace:
        return
    for reference in _references(pod):
        if reference.name in OF_EVERY_NAMESPACE:
            continue
        found = scope.find("ConfigMap", pod.object.namespace, reference.name)
        if found is None:
            if scope.complete:
                because = "no ConfigMap of this name is rendered here"
                yield D11.breach(reference.field, reference.name, because, _hashed(reference.name, scope))
            continue
        known = {**(found.data.get("data") or {}), **(found.data.get("binaryData") or {})}
        for field, key in reference.keys:
            if key not in known:
                because = f"ConfigMap {found.name} has no such key"
                yield D11.breach(field, key, because, f"its keys are {', '.join(sorted(known)) or 'none'}")


def _references(pod: Pod) -> Iterator[Reference]:
    for index, volume in enumerate(pod.volumes):
        at = f"{pod.at('spec')}.volumes[{index}]"
        if source := volume.get("configMap"):
            yield from _volume(f"{at}.configMap", source)
        for inner, projected in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source := projected.get("configMap"):
                yield from _volume(f"{at}.projected.sources[{inner}].configMap", source)
    for container in pod.containers:
        for index, variable in enumerate(container.data.get("env") or ()):
            source = (variable.get("valueFrom") or {}).get("configMapKeyRef")
            if source and source.get("name") and not source.get("optional"):
                at = container.at(f"env[{index}].valueFrom.configMapKeyRef")
                yield Reference(f"{at}.name", source["name"], [(f"{at}.key", source["key"])])
        for index, origin in enumerate(container.data.get("envFrom") or ()):
            source = origin.get("configMapRef")
            if source and source.get("name") and not source.get("optional"):
                yield Reference(container.at(f"envFrom[{index}].configMapRef.name"), source["name"])


def _volume(at: str, source: dict[str, Any]) -> Iterator[Reference]:
    if source.get("name") and not source.get("optional"):
        items = source.get("items") or ()
        yield Reference(
            f"{at}.name",
            source["name"],
            [(f"{at}.items[{index}].key", item["key"]) for index, item in enumerate(items)],
        )


def _hashed(name: str, scope: Scope) -> str | None:
    """Return the advice for a name that is rendered with a hash of the content behind it."""
    if "hashed" not in scope.memo:
        scope.memo["hashed"] = {
            one.metadata["annotations"][LOGICAL_NAME]: one.name
            for one in scope.of_kind("ConfigMap")
            if LOGICAL_NAME in (one.metadata.get("annotations") or {})
        }
    full = scope.memo["hashed"].get(name)
    return f"its name ends with a hash of its content: write {full}" if full else None
