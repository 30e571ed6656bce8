"""N: names of other objects that a pod, a StatefulSet or an autoscaler refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.n_pods import N19
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.values.fields import pod_field
from modelyard.values.names import config_key, dns_label, path_segment, subdomain

DO = "correct the name"
FIELDS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("hostname", dns_label),
    ("hostnameOverride", subdomain),
    ("nodeName", subdomain),
    ("runtimeClassName", subdomain),
    ("serviceAccount", subdomain),
    ("subdomain", dns_label),
)
SOURCES = ("configMapKeyRef", "secretKeyRef")
OLD_NODE_NAME = "spec.host"
"""What spec.nodeName was called once, which the API server still takes."""
ORIGINS = ("configMapRef", "secretRef")


@N19.pods
def of_pod(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check what a pod is called in DNS, and the objects that it names."""
    for field, grammar in FIELDS:
        if (given := pod.spec.get(field)) and (broken := grammar(given)):
            yield N19.breach(pod.at(f"spec.{field}"), given, broken, DO)


@N19.containers
def of_container(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the ConfigMaps and Secrets that variables come from; of volumes the API server takes any name."""
    for index, variable in enumerate(container.data.get("env") or ()):
        if value := variable.get("valueFrom"):
            yield from _value(value, container.at(f"env[{index}].valueFrom"))
    for index, origin in enumerate(container.data.get("envFrom") or ()):
        for kind in ORIGINS:
            if (source := origin.get(kind)) and (broken := subdomain(source["name"])):
                yield N19.breach(container.at(f"envFrom[{index}].{kind}.name"), source["name"], broken, DO)


def _value(value: Mapping[str, Any], path: str) -> Iterator[Breach]:
    for kind in SOURCES:
        if source := value.get(kind):
            if broken := subdomain(source["name"]):
                yield N19.breach(f"{path}.{kind}.name", source["name"], broken, DO)
            if broken := config_key(source["key"]):
                yield N19.breach(f"{path}.{kind}.key", source["key"], broken, "correct the key")
    field = (value.get("fieldRef") or {}).get("fieldPath", OLD_NODE_NAME)
    if field != OLD_NODE_NAME and (broken := pod_field(field)):
        yield N19.breach(f"{path}.fieldRef.fieldPath", field, broken, DO)


@N19.objects("StatefulSet")
def of_stateful_set(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the name of the Service that names the pods, and of the claims that they get."""
    if (given := one.spec.get("serviceName")) and (broken := dns_label(given)):
        yield N19.breach("spec.serviceName", given, broken, DO)
    for index, claim in enumerate(one.spec.get("volumeClaimTemplates") or ()):
        name = (claim.get("metadata") or {}).get("name") or ""
        if broken := dns_label(name):
            yield N19.breach(f"spec.volumeClaimTemplates[{index}].metadata.name", name or None, broken)


@N19.objects("HorizontalPodAutoscaler")
def of_autoscaler(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check what is asked for by name: what is scaled, what is described, and what is measured."""
    target = one.spec.get("scaleTargetRef") or {}
    yield from _asked_for("spec.scaleTargetRef", target)
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        for source in ("object", "pods", "external"):
            if found := metric.get(source):
                at = f"spec.metrics[{index}].{source}"
                yield from _asked_for(f"{at}.metric", found["metric"])
                yield from _asked_for(f"{at}.describedObject", found.get("describedObject") or {})


def _asked_for(at: str, given: Mapping[str, Any]) -> Iterator[Breach]:
    for field in ("kind", "name"):
        if (name := given.get(field)) and (broken := path_segment(name)):
            yield N19.breach(f"{at}.{field}", name, broken, DO)
