"""P: pods on nodes that the cloud may take back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.durations import whole_seconds

USUAL_GRACE = 30

P14 = Rule(
    "P14",
    "A pod on spot nodes asks for no more time to end than the cloud gives it.",
    why="The node is gone before the time is over: what the program still wanted to save is lost.",
    fix="save within the notice, and as often as a loss is borne; correct SpotNodes(notice=...) where it is longer",
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms",
    severity=Severity.WARNING,
    acceptable=True,
)


def on_spot(pod: Pod, scope: Scope) -> bool:
    """Return whether *pod* asks for nodes that the cloud may take back."""
    spot = scope.site.cluster.spot
    if spot is None:
        return False
    labels = spot.node_selector.items()
    if labels <= (pod.spec.get("nodeSelector") or {}).items():
        return True
    affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = [
        *(one.get("preference") or {} for one in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()),
        *(required.get("nodeSelectorTerms") or ()),
    ]
    return any(labels <= _wanted(term) for term in terms)


def _wanted(term: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (one["key"], text)
        for one in term.get("matchExpressions") or ()
        if one.get("operator") == "In"
        for text in one.get("values") or ()
    }


@P14.pods
def ends(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare the time that a pod has to end with the notice of its nodes."""
    spot = scope.site.cluster.spot
    if spot is None or not on_spot(pod, scope):
        return
    given, notice = pod.spec.get("terminationGracePeriodSeconds"), whole_seconds(spot.notice)
    if (USUAL_GRACE if given is None else given) > notice:
        because = f"a spot node of {scope.site.cluster.name} is gone {notice} seconds after SIGTERM"
        yield P14.breach(pod.at("spec.terminationGracePeriodSeconds"), given, because)
