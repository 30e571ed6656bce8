"""D: selectors that find nothing."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules import kserve
from modelyard.rules.added import further
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import PER_POD, exposed, pods, selected, written
from modelyard.values.similar import did_you_mean

D12 = Rule(
    "D12",
    "A Service and a PodDisruptionBudget select pods that are rendered beside them.",
    why="A Service without pods answers no request, and a budget without pods protects nothing.",
    fix="select the labels of the pods, or accept D12 where something else makes them",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    acceptable=True,
)
D13 = Rule(
    "D13",
    "A NetworkPolicy selects pods that are rendered beside it.",
    why="It protects nothing, and the pods that it was meant for stay open.",
    fix="select the labels of the pods, or accept D13 where something else makes them",
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    severity=Severity.WARNING,
    acceptable=True,
)

NOTHING = "it matches no pod that is rendered here"
MOST_SUGGESTIONS = 300


@D12.objects("Service")
def leads_somewhere(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the pods of a Service."""
    if exposed(one, scope) == [] and (labels := _missing(one.spec["selector"], one, scope)):
        yield D12.breach("spec.selector", labels, NOTHING, _meant(one.spec["selector"], one, scope))


@D12.objects("PodDisruptionBudget")
def protects_something(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the pods of a PodDisruptionBudget."""
    if one.spec.get("selector") is None:
        because = "it is missing, and then no pod is selected"
        yield D12.breach("spec.selector", None, because, "select the labels of the pods")
    else:
        yield from _found(D12, "selector", one, scope)


@D13.objects("NetworkPolicy")
def closes_something(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the pods of a NetworkPolicy."""
    yield from _found(D13, "podSelector", one, scope)


def _found(rule: Rule, field: str, one: Object, scope: Scope) -> Iterator[Breach]:
    selector = one.spec.get(field) or {}
    if not any(selector.values()) or selected(scope, selector, one.namespace) != []:
        return
    labels = selector.get("matchLabels") or {}
    if (shown := _missing(labels, one, scope)) is not None:
        yield rule.breach(f"spec.{field}", shown or None, NOTHING, _meant(labels, one, scope))


def _missing(labels: dict[str, str], one: Object, scope: Scope) -> str | None:
    """Return *labels* for a message; None where pods that are not rendered may have them."""
    if not scope.complete or one.namespace != scope.site.namespace:
        return None
    shared = {key: value for key, value in labels.items() if key not in PER_POD}.items()
    if any(shared <= other.items() for other in _custom(scope, one.namespace)):
        return None
    return written(labels)


def _custom(scope: Scope, namespace: str | None) -> list[dict[str, str]]:
    """Return the labels of pods that custom resources make, where :attr:`Pod.selectable` has not all of them."""
    if "custom pods" not in scope.memo:
        found: dict[str | None, list[dict[str, str]]] = {}
        for one in scope.objects:
            template = one.spec.get("template") if not one.pods else None
            if others := list(further(one)):
                found.setdefault(one.namespace, []).extend(others)
            if one.kind == kserve.KIND:
                parts = [part for part in kserve.PARTS if part in one.spec]
                found.setdefault(one.namespace, []).extend(kserve.labels(one, part) for part in parts)
            if isinstance(template, dict) and (labels := (template.get("metadata") or {}).get("labels")):
                found.setdefault(one.namespace, []).append(labels)
        scope.memo["custom pods"] = found
    custom: list[dict[str, str]] = scope.memo["custom pods"].get(namespace, [])
    return custom


def _meant(labels: dict[str, str], one: Object, scope: Scope) -> str | None:
    """Return the label that was probably meant by one that no pod has."""
    for key, value in labels.items():
        if scope.pods_matching({key: value}, one.namespace):
            continue
        known = _values(scope).get((one.namespace, key), {})
        if len(known) <= MOST_SUGGESTIONS and (do := did_you_mean(value, known)):
            return do.replace("did you mean ", f"did you mean {key}=")
    return None


def _values(scope: Scope) -> dict[tuple[str | None, str], dict[str, None]]:
    if "label values" not in scope.memo:
        values: dict[tuple[str | None, str], dict[str, None]] = {}
        for namespace in {one.namespace for one in scope.objects if one.pods}:
            for pod in pods(scope, namespace):
                for key, value in pod.selectable.items():
                    values.setdefault((namespace, key), {})[value] = None
        scope.memo["label values"] = values
    found: dict[tuple[str | None, str], dict[str, None]] = scope.memo["label values"]
    return found
