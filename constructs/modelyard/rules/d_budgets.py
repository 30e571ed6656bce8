"""D: PodDisruptionBudgets, which decide whether a node can be drained."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import (
    broken_share,
    called,
    fewest,
    literal,
    percent,
    pods,
    selected,
    share,
)

PDB = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"

D04 = Rule(
    "D04",
    "No pod belongs to two PodDisruptionBudgets.",
    why=("The API server answers every eviction of such a pod with an error, so its node can never be drained."),
    fix="keep one of the two, or give them selectors that share no pod",
    see=PDB,
)
D05 = Rule(
    "D05",
    "A PodDisruptionBudget has one of minAvailable and maxUnavailable.",
    why=("The API server refuses both; with neither, no pod may ever be evicted, and nodes cannot be drained."),
    fix="write maxUnavailable: 1",
    see=PDB,
)
D06 = Rule(
    "D06",
    "A PodDisruptionBudget leaves room for one pod to go.",
    why="No pod may be evicted, so upgrades and repairs of nodes wait until somebody intervenes.",
    fix="write maxUnavailable: 1, or accept D06 where nodes are drained by hand",
    see=PDB + "#think-about-how-your-application-reacts-to-disruptions",
    severity=Severity.WARNING,
    acceptable=True,
)
D07 = Rule(
    "D07",
    ("A PodDisruptionBudget selects the pods of its workload, and neither all pods nor those of Jobs."),
    why=(
        "An empty selector selects every pod of the namespace. For pods of Jobs the controller"
        " cannot tell how many"
        " there should be, and blocks the eviction of all that are selected."
    ),
    fix="select the labels of one Deployment or StatefulSet",
    see=PDB + "#arbitrary-controllers-and-selectors",
    acceptable=True,
)

BATCH = frozenset({"Job", "CronJob"})


@D04.objects("PodDisruptionBudget")
def shared(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for pods that an earlier budget has already."""
    first = _first_budgets(scope)
    seen: set[int] = set()
    for pod in _selected(one, scope):
        other = first[id(pod)]
        if other is not one and id(other) not in seen:
            seen.add(id(other))
            because = f"the pods of {called(pod.object)} belong to {called(other)} too, and then none can be evicted"
            yield D04.breach("spec.selector", None, because)


def _first_budgets(scope: Scope) -> dict[int, Object]:
    if "budgets" not in scope.memo:
        first: dict[int, Object] = {}
        for budget in scope.of_kind("PodDisruptionBudget"):
            for pod in _selected(budget, scope):
                first.setdefault(id(pod), budget)
        scope.memo["budgets"] = first
    found: dict[int, Object] = scope.memo["budgets"]
    return found


@D05.objects("PodDisruptionBudget")
def one_bound(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the fields of a budget."""
    least, most = one.spec.get("minAvailable"), one.spec.get("maxUnavailable")
    if least is not None and most is not None:
        because = f"maxUnavailable={most} is given too, and a budget has one of the two"
        yield D05.breach("spec.minAvailable", least, because, "remove minAvailable")
    elif least is None and most is None:
        because = "it has neither minAvailable nor maxUnavailable, and allows no eviction then"
        yield D05.breach("spec", None, because)
    for field, given in (("minAvailable", least), ("maxUnavailable", most)):
        if given is not None and (broken := broken_share(given, at_most_all=True)):
            yield D05.breach(f"spec.{field}", given, broken, "correct the number")


@D06.objects("PodDisruptionBudget")
def leaves_room(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare a budget with the fewest replicas of what it selects."""
    least, most = one.spec.get("minAvailable"), one.spec.get("maxUnavailable")
    if most is not None:
        if literal(most) == 0:
            yield D06.breach("spec.maxUnavailable", most, "then no pod may be evicted")
        return
    owners = {id(pod.object): pod.object for pod in _selected(one, scope)}
    if least is None or not owners or any(owner.kind in BATCH for owner in owners.values()):
        return
    replicas = sum(fewest(scope, owner) for owner in owners.values())
    if replicas and share(least, replicas, up=True) >= replicas:
        whose = " and ".join(called(owner) for owner in owners.values())
        because = f"{whose} has {replicas} at the fewest, and then no pod may be evicted"
        yield D06.breach("spec.minAvailable", least, because)


@D07.objects("PodDisruptionBudget")
def own_pods(one: Object, scope: Scope) -> Iterator[Breach]:
    """Check whose pods a budget selects."""
    selector = one.spec.get("selector")
    if selector is None:
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield D07.breach("spec.selector", None, "it is empty and selects every pod of the namespace")
        return
    if one.spec.get("maxUnavailable") is None and percent(one.spec.get("minAvailable")) is None:
        return
    for pod in _selected(one, scope):
        if pod.object.kind in BATCH:
            because = f"it selects the pods of {called(pod.object)}, and a Job has no number of replicas to reckon with"
            yield D07.breach("spec.selector", None, because)
            return


def _selected(budget: Object, scope: Scope) -> list[Pod]:
    selector = budget.spec.get("selector")
    if selector is None:
        return []
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        return pods(scope, budget.namespace)
    return selected(scope, selector, budget.namespace) or []
