"""D: rollouts of Deployments and their like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelyard.findings import Breach, Severity
from modelyard.rules import kserve
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import (
    broken_share,
    called,
    fewest,
    literal,
    matches,
    running,
    services_of,
    share,
    written,
)
from modelyard.values import quantity

if TYPE_CHECKING:
    from modelyard.fleet.hardware import Accelerator

DEPLOYMENT = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"

PAUSE = ", or accept D10 where a pause is fine"
ROLL = "write type: RollingUpdate" + PAUSE
WAITS = "wait-for-model"
"""The init container that holds a server back until its model is loaded."""

D01 = Rule(
    "D01",
    "A rollout may add a pod or end one.",
    why="The API server refuses a rollout that may do neither, and the sync fails.",
    fix="set maxSurge or maxUnavailable to 1",
    see=DEPLOYMENT + "#max-unavailable",
)
D02 = Rule(
    "D02",
    "What a rollout may add and end is a number or a percentage, and only a rolling update has it.",
    why="The API server refuses the workload, and the sync fails.",
    fix="correct the strategy",
    see=DEPLOYMENT + "#strategy",
)
D03 = Rule(
    "D03",
    "A rollout that starts a new pod before it ends an old one finds free accelerators for it.",
    why=(
        "The new pod stays Pending, the old one is not ended before the new one is ready, and the rollout never ends."
    ),
    fix=("let the rollout end a pod first, or declare the accelerators that are kept free: Accelerator(spare=...)"),
    see="https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/",
    acceptable=True,
)
D10 = Rule(
    "D10",
    "A rollout of what a Service leads to leaves a pod that serves.",
    why=("Requests fail from the end of the last old pod until the first new one is ready, model loading included."),
    fix="run 2 replicas or more and roll them one by one" + PAUSE,
    see=DEPLOYMENT + "#strategy",
    severity=Severity.WARNING,
    acceptable=True,
)
D14 = Rule(
    "D14",
    "A workload's selector matches its own pods, and is not empty.",
    why="The API server refuses the workload, and the sync fails.",
    fix="give the pods the labels of the selector",
    see=DEPLOYMENT + "#selector",
)

USUAL_SHARE = "25%"


@D01.objects("Deployment", "DaemonSet", kserve.KIND)
def moves(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check that not both numbers are 0."""
    field, rolling = _rolling(one)
    if rolling is None:
        return
    surge, unavailable = _limits(one, rolling)
    adds, ends = literal(surge), literal(unavailable)
    if adds == ends == 0:
        because = f"maxSurge is {surge}, so that a rollout could neither add a pod nor end one"
        yield D01.breach(f"{field}.maxUnavailable", unavailable, because)
    elif one.kind == "DaemonSet" and adds and ends:
        because = f"maxUnavailable is {unavailable}, and of the two a DaemonSet has one"
        yield D01.breach(f"{field}.maxSurge", surge, because, "set one of the two to 0")


@D02.objects("Deployment", "DaemonSet", kserve.KIND)
def well_formed(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the numbers, and that they go with the strategy."""
    name, strategy = _strategy(one)
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        because = "the type is Recreate, which ends all pods first"
        yield D02.breach(
            f"{name}.rollingUpdate",
            None,
            because,
            "remove rollingUpdate, or write type: RollingUpdate",
        )
        return
    for field in ("maxSurge", "maxUnavailable"):
        given = (rolling or {}).get(field)
        at_most_all = field == "maxUnavailable" or one.kind == "DaemonSet"
        if given is not None and (broken := broken_share(given, at_most_all=at_most_all)):
            yield D02.breach(f"{name}.rollingUpdate.{field}", given, broken, "correct the number")


@D03.objects("Deployment", kserve.KIND)
def scarce(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare the accelerators of one pod with those that the cluster keeps free."""
    field, rolling = _rolling(one)
    if rolling is None or one.pod is None or _elsewhere(one) or not scope.site.cluster.accelerators:
        return
    replicas = fewest(scope, one)
    surge, unavailable = _limits(one, rolling)
    # A pod that may end first frees its own: reconcileOldReplicaSets in pkg/controller/deployment.
    if replicas < 1 or share(unavailable, replicas, up=False) or not share(surge, replicas, up=True):
        return
    for accelerator, count in accelerators(one.pod, scope):
        if accelerator.spare < count:
            because = (
                f"a pod takes {count} {accelerator.name}, {scope.site.cluster.name} keeps"
                f" {accelerator.spare} free,"
                f" and maxUnavailable={unavailable} lets no old pod of {replicas} end first"
            )
            do = (
                "set maxSurge: 0 and maxUnavailable: 1, or declare"
                f" Accelerator({accelerator.name!r}, spare={count}) where so many are kept free"
            )
            yield D03.breach(f"{field}.maxSurge", surge, because, do)


def accelerators(pod: Pod, scope: Scope) -> Iterator[tuple[Accelerator, int]]:
    """Yield the classes of accelerators that a pod takes, as far as clear, and how many."""
    classes = scope.site.cluster.accelerators
    nodes = (pod.spec.get("nodeSelector") or {}).items()
    for resource in dict.fromkeys(one.resource for one in classes):
        asked = [quantity.number(container.requests.get(resource)) for container in running(pod)]
        count = int(sum(amount for amount in asked if amount is not None))
        if not count:
            continue
        known = [one for one in classes if one.resource == resource]
        fitting = [one for one in known if one.node_selector.items() <= nodes and one.node_selector] or known
        if len(fitting) == 1:
            yield fitting[0], count


@D10.objects("Deployment", kserve.KIND)
def serves_on(one: Object, scope: Scope) -> Iterator[Breach]:
    """Count the pods that a rollout leaves."""
    replicas = fewest(scope, one)
    field, rolling = _rolling(one)
    surge, unavailable = _limits(one, rolling or {})
    ended = share(unavailable, replicas, up=False)
    if ended == share(surge, replicas, up=True) == 0:
        ended = 1  # ResolveFenceposts in pkg/controller/deployment/util does so
    if one.pod is None or replicas < 1 or _elsewhere(one) or (rolling is not None and ended < replicas):
        return
    for service in services_of(one.pod, scope)[:1]:
        nowhere = _nowhere(one.pod, service)
        if rolling is None:
            count = "its pod" if replicas == 1 else f"all {replicas} pods"
            because = f"a rollout ends {count} before a new one starts, {nowhere}"
            kind = field.replace(".rollingUpdate", ".type")
            yield D10.breach(kind, "Recreate", because, ROLL if replicas > 1 else None)
        else:
            count = "the one pod" if replicas == 1 else f"all {replicas} pods"
            because = f"a rollout may end {count} before a new one is ready, {nowhere}"
            do = "lower maxUnavailable" + PAUSE if replicas > 1 else None
            yield D10.breach(f"{field}.maxUnavailable", unavailable, because, do)


@D10.objects("LeaderWorkerSet")
def groups_serve_on(one: Object, scope: Scope) -> Iterator[Breach]:
    """Count the groups that a rollout leaves."""
    replicas = fewest(scope, one)
    rolling = (one.spec.get("rolloutStrategy") or {}).get("rollingUpdateConfiguration") or {}
    unavailable = rolling.get("maxUnavailable", 1)
    if one.pod is None or replicas < 1 or share(unavailable, replicas, up=True) < replicas:
        return
    for service in services_of(one.pod, scope)[:1]:
        count = "the one replica" if replicas == 1 else f"all {replicas} replicas"
        nowhere = _nowhere(one.pod, service)
        because = f"a rollout may end {count} before a new one is ready, {nowhere}"
        do = "lower maxUnavailable" + PAUSE if replicas > 1 else None
        yield D10.breach("spec.rolloutStrategy.rollingUpdateConfiguration.maxUnavailable", unavailable, because, do)


def _nowhere(pod: Pod, service: Object) -> str:
    nowhere = f"and {called(service)} leads nowhere meanwhile"
    if any(one["name"] == WAITS for one in pod.spec.get("initContainers") or ()):
        return f"{nowhere}, with a new model until it is loaded, unless Loader(also=[...]) has loaded it before"
    return nowhere


@D14.objects("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout")
def own_pods(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare a workload's selector with the labels of its template."""
    selector = one.spec.get("selector")
    if selector is None or one.pod is None:
        return
    labels = selector.get("matchLabels") or {}
    if not labels and not selector.get("matchExpressions"):
        yield D14.breach(
            "spec.selector",
            None,
            "it is empty",
            "select one label that the pods have and that never changes",
        )
    elif not matches(selector, one.pod.labels):
        shown = written(labels) or f"{len(selector['matchExpressions'])} expressions"
        because = f"the pods are labelled {written(one.pod.labels) or 'with nothing'}"
        yield D14.breach("spec.selector", shown, because)


def _strategy(one: Object) -> tuple[str, dict[str, Any]]:
    """Return where *one* says how its pods are replaced, and what it says."""
    if one.kind == kserve.KIND:
        return "spec.predictor.deploymentStrategy", kserve.part(one).get("deploymentStrategy") or {}
    name = "strategy" if one.kind == "Deployment" else "updateStrategy"
    return f"spec.{name}", one.spec.get(name) or {}


def _elsewhere(one: Object) -> bool:
    """Return whether *one* is an InferenceService whose rollouts are Knative's."""
    return one.kind == kserve.KIND and not kserve.standard(one)


def _rolling(one: Object) -> tuple[str, dict[str, Any] | None]:
    """Return where a rolling update says its numbers, and them; None for another strategy."""
    name, strategy = _strategy(one)
    field = f"{name}.rollingUpdate"
    if (strategy.get("type") or "RollingUpdate") != "RollingUpdate":
        return field, None
    return field, strategy.get("rollingUpdate") or {}


def _limits(one: Object, rolling: dict[str, Any]) -> tuple[Any, Any]:
    """Return maxSurge and maxUnavailable as the API server fills them in."""
    usual = (0, 1) if one.kind == "DaemonSet" else (USUAL_SHARE, USUAL_SHARE)
    given = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    return (usual[0] if given[0] is None else given[0]), (usual[1] if given[1] is None else given[1])
