"""N: labels, selectors, annotations, and how much an object may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.fields import each
from modelyard.rules.kinds import SETS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.values.image import parse
from modelyard.values.names import config_key, label, label_value, qualified_name

LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"

N16 = Rule(
    "N16",
    "Labels, selectors and the keys of annotations fit their grammar.",
    why="The API server refuses the object, or the pods that a controller makes from it.",
    fix="shorten it, or move it into an annotation",
    see=f"{LABELS}#syntax-and-character-set",
)
N18 = Rule(
    "N18",
    "Annotations, and the data of a ConfigMap or Secret, stay below the limits of the API server.",
    why="The API server refuses the object: it takes 256 KiB of annotations and 1 MiB of data, under possible keys.",
    fix="move what is large to a volume or an object store",
    see="https://kubernetes.io/docs/concepts/configuration/configmap/#motivation",
)
N27 = Rule(
    "N27",
    "A workload's selector holds nothing that changes with a release.",
    why="A selector cannot be changed: the sync of the next release fails until somebody deletes the workload.",
    fix="select by a label that stays the same, such as app, and keep this one on the pods only",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates",
    acceptable=True,
)

KIBI = 1024
MOST_ANNOTATIONS = 256 * KIBI
MOST_DATA = 1024 * KIBI
LONGEST_CHARACTER = 4
"""Bytes of one character in UTF-8, at most."""
WITH_VALUES = frozenset({"In", "NotIn"})
OPERATORS = WITH_VALUES | {"Exists", "DoesNotExist"}
TERMS = (
    ("podAffinity", "requiredDuringSchedulingIgnoredDuringExecution", ""),
    ("podAffinity", "preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm"),
    ("podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution", ""),
    ("podAntiAffinity", "preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm"),
)
LASTING = frozenset({"app", "app.kubernetes.io/component", "app.kubernetes.io/instance", "app.kubernetes.io/name"})
CHANGING = frozenset(
    {
        "app.kubernetes.io/version", "build", "build-id", "build-number", "chart", "commit", "git-commit", "git-sha",
        "helm.sh/chart", "image-tag", "sha",
    }
)  # fmt: skip
COMMIT = re.compile(r"[0-9a-f]{40}")
DIGIT = re.compile(r"[0-9]")


@N16.objects("*")
def metadata(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check an object's own labels, annotations and selectors."""
    yield from _metadata(one.metadata, "metadata")
    spec = one.spec
    if not spec:
        return
    if (selector := spec.get("selector")) and isinstance(selector, dict):
        if one.kind in {"Service", "ReplicationController"}:
            yield from _labels(selector, "spec.selector")
        elif "matchLabels" in selector or "matchExpressions" in selector:
            yield from _selector(selector, "spec.selector")
    if one.kind == "NetworkPolicy":
        yield from _policy(spec)
    elif one.kind == "CronJob":
        yield from _metadata((spec.get("jobTemplate") or {}).get("metadata") or {}, "spec.jobTemplate.metadata")
    elif one.kind in SETS:
        for path, found in each(one.data, (*SETS[one.kind][:-1], "metadata")):
            yield from _metadata(found, path)


def _policy(spec: Mapping[str, Any]) -> Iterator[Breach]:
    yield from _selector(spec.get("podSelector") or {}, "spec.podSelector")
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            for inner, peer in enumerate(rule.get(end) or ()):
                for key in ("podSelector", "namespaceSelector"):
                    if selector := peer.get(key):
                        yield from _selector(selector, f"spec.{direction}[{index}].{end}[{inner}].{key}")


@N16.pods
def template(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the labels of pods, and those that they select."""
    if pod.path:
        yield from _metadata(pod.metadata, pod.at("metadata"))
    spec = pod.spec
    if nodes := spec.get("nodeSelector"):
        yield from _labels(nodes, pod.at("spec.nodeSelector"))
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if selector := constraint.get("labelSelector"):
            yield from _selector(selector, pod.at(f"spec.topologySpreadConstraints[{index}].labelSelector"))
    if affinity := spec.get("affinity"):
        yield from _affinity(affinity, pod.at("spec.affinity"))


def _affinity(affinity: Mapping[str, Any], path: str) -> Iterator[Breach]:
    for kind, how, inner in TERMS:
        for index, term in enumerate((affinity.get(kind) or {}).get(how) or ()):
            at = f"{path}.{kind}.{how}[{index}]"
            if inner:
                at, term = f"{at}.{inner}", term.get(inner) or {}  # noqa: PLW2901 # the same term, one level down
            for key in ("labelSelector", "namespaceSelector"):
                if selector := term.get(key):
                    yield from _selector(selector, f"{at}.{key}")


def _metadata(found: Mapping[str, Any], path: str) -> list[Breach]:
    labels, annotations = found.get("labels"), found.get("annotations")
    breaches = _labels(labels, f"{path}.labels", N16.fix) if labels else []
    return [*breaches, *_annotations(annotations, path)] if annotations else breaches


def _annotations(annotations: Mapping[str, str], path: str) -> Iterator[Breach]:
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value)
        # As the API server does, which takes upper case in the first part of a key here, and only here.
        if broken := qualified_name(key.lower()):
            yield N16.breach(f"{path}.annotations[{key!r}]", None, broken, "correct the key")
    if size * LONGEST_CHARACTER > MOST_ANNOTATIONS:
        size = sum(_bytes(key) + _bytes(value) for key, value in annotations.items())
        if size > MOST_ANNOTATIONS:
            because = f"annotations have at most 256 KiB together, and these have {_kibi(size)} KiB"
            yield N18.breach(f"{path}.annotations", None, because)


def _labels(labels: Mapping[str, str], path: str, do: str = "correct it") -> list[Breach]:
    """Return what is wrong with *labels*; a list, since this runs on every object and mostly finds nothing."""
    return [
        N16.breach(f"{path}[{key!r}]", value, broken, do)
        for key, value in labels.items()
        if (broken := label(key, value))
    ]


def _selector(selector: Mapping[str, Any], path: str) -> Iterator[Breach]:
    if labels := selector.get("matchLabels"):
        yield from _labels(labels, f"{path}.matchLabels")
    for index, one in enumerate(selector.get("matchExpressions") or ()):
        yield from _expression(one, f"{path}.matchExpressions[{index}]")


def _expression(one: Mapping[str, Any], path: str) -> Iterator[Breach]:
    key, operator, values = one["key"], one["operator"], one.get("values") or ()
    if broken := qualified_name(key):
        yield N16.breach(f"{path}.key", key, broken, "write the key of a label")
    if operator not in OPERATORS:
        yield N16.breach(f"{path}.operator", operator, "it is In, NotIn, Exists or DoesNotExist", "write one of them")
    elif operator in WITH_VALUES and not values:
        yield N16.breach(f"{path}.values", None, f"operator {operator} compares with values", "list at least one")
    elif operator not in WITH_VALUES and values:
        because = f"operator {operator} looks at the key only"
        yield N16.breach(f"{path}.values", values, because, "leave values away, or write In")
    for index, value in enumerate(values):
        if broken := label_value(value):
            yield N16.breach(f"{path}.values[{index}]", value, broken, "write the value of a label")


@N18.objects("ConfigMap", "Secret")
def data(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the keys of a ConfigMap or Secret, and how much it holds."""
    size = 0
    for field in ("data", "stringData", "binaryData"):
        encoded = field == "binaryData" or (field == "data" and one.kind == "Secret")
        for key, value in (one.data.get(field) or {}).items():
            size += _decoded(value) if encoded else _bytes(value)
            if broken := config_key(key):
                yield N18.breach(f"{field}[{key!r}]", None, broken, "rename the key")
    both = (one.data.get("data") or {}).keys() & (one.data.get("binaryData") or {}).keys()
    for key in sorted(both):
        because = "binaryData has a key of this name too"
        yield N18.breach(f"data[{key!r}]", None, because, "rename one of the two")
    if size > MOST_DATA:
        because = f"a {one.kind} holds at most 1024 KiB, and this one has {_kibi(size)} KiB"
        yield N18.breach("data", None, because)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _decoded(text: str) -> int:
    """Return how many bytes *text* is in base64."""
    return len(text) * 3 // 4 - text[-2:].count("=")


def _kibi(size: int) -> int:
    return -(-size // KIBI)


@N27.objects("DaemonSet", "Deployment", "ReplicaSet", "Rollout", "StatefulSet")
def lasting(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for versions in the selector."""
    labels = (one.spec.get("selector") or {}).get("matchLabels") or {}
    for key, value in labels.items():
        if key in LASTING or one.pod is None:
            continue
        field = f"spec.selector.matchLabels[{key!r}]"
        if key in CHANGING or COMMIT.fullmatch(value):
            because = "it changes with every release, and a selector can never be changed"
            yield N27.breach(field, value, because)
        elif (
            DIGIT.search(value)
            and not one.name.endswith(f"-{value}")  # each release is then another object
            and any(parse(str(container.data.get("image"))).tag == value for container in one.pod.containers)
        ):
            because = "it is the tag of the image, which changes with a release, and a selector can never be changed"
            yield N27.breach(field, value, because)
