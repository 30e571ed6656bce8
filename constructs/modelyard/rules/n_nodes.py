"""N: the labels of nodes that a pod's affinity and spreading look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.n_labels import N16, OPERATORS, TERMS, WITH_VALUES
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.names import label_value, qualified_name

COMPARED = frozenset({"Gt", "Lt"})
KEY = "write the key of a label of nodes"


@N16.pods
def looked_at(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the keys and values that nodes are chosen by."""
    for index, constraint in enumerate(pod.spec.get("topologySpreadConstraints") or ()):
        # Of its topologyKey the API server takes any text.
        at = pod.at(f"spec.topologySpreadConstraints[{index}].matchLabelKeys")
        for inner, key in enumerate(constraint.get("matchLabelKeys") or ()):
            yield from _key(f"{at}[{inner}]", key, "write the key of a label of pods")
    if affinity := pod.spec.get("affinity"):
        at = pod.at("spec.affinity")
        yield from _near_pods(affinity, at)
        yield from _nodes(affinity.get("nodeAffinity") or {}, f"{at}.nodeAffinity")


def _near_pods(affinity: Mapping[str, Any], path: str) -> Iterator[Breach]:
    for kind, how, inner in TERMS:
        for index, one in enumerate((affinity.get(kind) or {}).get(how) or ()):
            at, term = f"{path}.{kind}.{how}[{index}]", one
            if inner:
                at, term = f"{at}.{inner}", one.get(inner) or {}
            yield from _key(f"{at}.topologyKey", term.get("topologyKey", ""))
            yield from _told_apart(term, at)


def _told_apart(term: Mapping[str, Any], at: str) -> Iterator[Breach]:
    """Look at the labels by whose values other pods are chosen, or left out."""
    for field in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = term.get(field) or ()
        for index, key in enumerate(keys):
            yield from _key(f"{at}.{field}[{index}]", key, "write the key of a label of pods")
        if keys and term.get("labelSelector") is None:
            because = "it narrows what labelSelector chooses, and there is none"
            yield N16.breach(f"{at}.{field}", keys, because, "add a labelSelector")


def _nodes(affinity: Mapping[str, Any], path: str) -> Iterator[Breach]:
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    terms = [
        (f"requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]", term)
        for index, term in enumerate(required.get("nodeSelectorTerms") or ())
    ]
    terms += [
        (f"preferredDuringSchedulingIgnoredDuringExecution[{index}].preference", one.get("preference") or {})
        for index, one in enumerate(preferred)
    ]
    for at, term in terms:
        for index, one in enumerate(term.get("matchExpressions") or ()):
            yield from _expression(one, f"{path}.{at}.matchExpressions[{index}]")


def _expression(one: Mapping[str, Any], path: str) -> Iterator[Breach]:
    operator, values = one["operator"], one.get("values") or ()
    yield from _key(f"{path}.key", one["key"])
    if operator in COMPARED:
        if len(values) != 1:
            because = f"operator {operator} compares with one number"
            yield N16.breach(f"{path}.values", values or None, because, "list one whole number")
    elif operator in WITH_VALUES:
        if not values:
            yield N16.breach(f"{path}.values", None, f"operator {operator} compares with values", "list at least one")
    elif operator not in OPERATORS:
        because = "it is In, NotIn, Exists, DoesNotExist, Gt or Lt"
        yield N16.breach(f"{path}.operator", operator, because, "write one of them")
    elif values:
        because = f"operator {operator} looks at the key only"
        yield N16.breach(f"{path}.values", values, because, "leave values away, or write In")
    for index, value in enumerate(values):
        if broken := label_value(value):
            yield N16.breach(f"{path}.values[{index}]", value, broken, "write the value of a label")


def _key(path: str, key: str, do: str = KEY) -> Iterator[Breach]:
    if broken := qualified_name(key):
        yield N16.breach(path, key, broken, do)
