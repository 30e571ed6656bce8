"""What rules ask of workloads: whom a selector finds, how many replicas run, what a share is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.rules import kserve
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod

PERCENT = re.compile(r"([0-9]+)%")
PER_POD = frozenset(
    {
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "controller-revision-hash",
        "controller-uid",
        "jobset.sigs.k8s.io/job-global-index",
        "jobset.sigs.k8s.io/job-index",
        "jobset.sigs.k8s.io/job-key",
        "jobset.sigs.k8s.io/restart-attempt",
        "leaderworkerset.sigs.k8s.io/group-index",
        "leaderworkerset.sigs.k8s.io/group-key",
        "leaderworkerset.sigs.k8s.io/subgroup-index",
        "leaderworkerset.sigs.k8s.io/subgroup-key",
        "leaderworkerset.sigs.k8s.io/template-revision-hash",
        "leaderworkerset.sigs.k8s.io/worker-index",
        "pod-template-hash",
        "rollouts-pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "volcano.sh/task-index",
    }
)
"""Labels that controllers put on single pods, so that no template shows them."""

Selector = Mapping[str, Any]


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector of the API matches *labels*; an empty one matches all."""
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key: str = expression["key"]
    operator: str = expression["operator"]
    values: list[str] = expression.get("values") or []
    if operator in {"In", "NotIn"}:
        return (labels.get(key) in values) == (operator == "In")
    return (key in labels) == (operator == "Exists")


def selected(scope: Scope, selector: Selector, namespace: str | None) -> list[Pod] | None:
    """Return the rendered pods that *selector* matches; None where no template can tell."""
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    if not PER_POD.isdisjoint(labels) or any(one["key"] in PER_POD for one in expressions):
        # One of the pods that the other labels are of, if there are any.
        rest = {key: value for key, value in labels.items() if key not in PER_POD}
        return [] if rest and not scope.pods_matching(rest, namespace) else None
    if labels:
        found: Iterable[Pod] = scope.pods_matching(labels, namespace)
    else:
        found = pods(scope, namespace)
    if not expressions:
        return list(found)
    return [pod for pod in found if matches(selector, pod.selectable)]


def pods(scope: Scope, namespace: str | None) -> list[Pod]:
    """Return all pods and pod templates of *namespace*."""
    if "pods" not in scope.memo:
        grouped: dict[str | None, list[Pod]] = {}
        for one in scope.objects:
            if one.pods:
                grouped.setdefault(one.namespace, []).extend(one.pods)
        scope.memo["pods"] = grouped
    found: list[Pod] = scope.memo["pods"].get(namespace, [])
    return found


def exposed(service: Object, scope: Scope) -> list[Pod] | None:
    """Return the pods behind *service*; None without selector, or where no template can tell."""
    labels = service.spec.get("selector")
    if not labels or service.spec.get("type") == "ExternalName":
        return None
    return selected(scope, {"matchLabels": labels}, service.namespace)


def services_of(pod: Pod, scope: Scope) -> list[Object]:
    """Return the Services that lead to *pod*."""
    if "services" not in scope.memo:
        found: dict[int, list[Object]] = {}
        for service in (*scope.of_kind("Service"), *scope.made):
            for behind in exposed(service, scope) or ():
                found.setdefault(id(behind), []).append(service)
        scope.memo["services"] = found
    services: list[Object] = scope.memo["services"].get(id(pod), [])
    return services


def fewest(scope: Scope, one: Object) -> int:
    """Return the fewest replicas of *one*: its autoscaler's minimum, or its own number, or 1."""
    scalers = scope.scalers_of(one)
    if scalers:
        return max(1, min(_minimum(scaler) for scaler in scalers))
    if one.kind == kserve.KIND:
        return kserve.bounds(one)[0]
    replicas = one.spec.get("replicas")
    return replicas if isinstance(replicas, int) else 1


def _minimum(scaler: Object) -> int:
    least = scaler.spec.get("minReplicas", scaler.spec.get("minReplicaCount"))
    return least if isinstance(least, int) else 1


def percent(value: object) -> int | None:
    """Return the number before the percent sign, or None where *value* is no percentage."""
    match = PERCENT.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else None


def literal(value: object) -> object:
    """Return the number of a percentage, and anything else as it is."""
    part = percent(value)
    return value if part is None else part


def share(value: object, total: int, *, up: bool) -> int:
    """Return what a number or percentage is of *total*, rounded *up* or down; 0 for nonsense."""
    part = percent(value)
    if part is not None:
        return math.ceil(part * total / 100) if up else part * total // 100
    return value if isinstance(value, int) else 0


def broken_share(value: object, *, at_most_all: bool) -> str | None:
    """Return how *value* breaks the grammar of numbers and percentages, or None."""
    if isinstance(value, int):
        return None if value >= 0 else "it is a number of at least 0"
    part = percent(value)
    if part is None:
        return 'it is a whole number, or a percentage such as "25%"'
    if at_most_all and part > 100:  # noqa: PLR2004 # percent
        return "of all pods there are at most 100%"
    return None


def running(pod: Pod) -> list[Container]:
    """Return the containers that run side by side: all but the init containers that end."""
    return [one for one in pod.containers if not one.init or one.data.get("restartPolicy") == "Always"]


def called(one: Object) -> str:
    """Return kind and name, as messages show them."""
    return f"{one.kind} {one.name}"


def written(labels: Mapping[str, str]) -> str:
    """Return *labels* as kubectl writes them."""
    return ",".join(f"{key}={value}" for key, value in labels.items())
