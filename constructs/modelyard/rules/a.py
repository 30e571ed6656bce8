"""A: autoscalers: their bounds, their behaviour, and what they scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.rules.workloads import called, running, selected
from modelyard.values import quantity

HPA = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
API = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/"

A01 = Rule(
    "A01",
    "An autoscaler's fewest replicas are at least 1 and at most its most.",
    why="The API server refuses the autoscaler, and the sync fails.",
    fix="lower the minimum, or raise the maximum",
    see=API,
)
A02 = Rule(
    "A02",
    "An autoscaler goes down to 0 only where the cluster can, by a metric that outlives the pods.",
    why=(
        "Before 1.37 the API server refuses minReplicas: 0, unless somebody switched"
        " HPAScaleToZero on; and without"
        "an Object or External metric nothing would ever wake the workload, so it refuses that"
        " everywhere."
    ),
    fix="write minReplicas: 1",
    see=HPA,
    acceptable=True,
)
A11 = Rule(
    "A11",
    "No pod has two autoscalers.",
    why=(
        "HorizontalPodAutoscalers that share pods all stand still (AmbiguousSelector), and others"
        " undo"
        " each other's work."
    ),
    fix="keep one of them",
    see=HPA,
)
A12 = Rule(
    "A12",
    "What an autoscaler scales has no replicas of its own in git.",
    why=("Every sync sets the number back to the one in git, and pods that the load needs are ended."),
    fix="leave spec.replicas away",
    see=HPA + "#migrating-deployments-and-statefulsets-to-horizontal-autoscaling",
)
A13 = Rule(
    "A13",
    "An autoscaler's behaviour stays within the ranges of the API.",
    why="The API server refuses the autoscaler, and the sync fails.",
    fix="correct the number",
    see=API,
)
A18 = Rule(
    "A18",
    "An autoscaler waits at least as long before it ends pods as a pod may take to start.",
    why=("A pod that is ended in a short lull is missed for its whole start-up when the load returns."),
    fix="raise stabilizationWindowSeconds",
    see=HPA + "#stabilization-window",
    severity=Severity.WARNING,
    acceptable=True,
)
A20 = Rule(
    "A20",
    "What an autoscaler scales is rendered beside it, and can be scaled.",
    why="The autoscaler finds no target (FailedGetScale), and nothing is ever scaled.",
    fix="correct scaleTargetRef, or accept A20 where something else makes the target",
    see=HPA,
    acceptable=True,
)

SCALE_TO_ZERO = 37
"""The first minor that has HPAScaleToZero on."""
WITHOUT_PODS = frozenset({"Object", "External"})
LONGEST_WINDOW = 3600
LONGEST_PERIOD = 1800
USUAL_WINDOW = 300
SELECT_POLICIES = frozenset({"Max", "Min", "Disabled"})
POLICY_TYPES = frozenset({"Pods", "Percent"})
UNSCALABLE = frozenset({"CronJob", "DaemonSet", "Job", "Pod", "Service"})
GROUPS = {
    "Deployment": "apps",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io",
    "StatefulSet": "apps",
    "ReplicaSet": "apps",
    "ReplicationController": "",
    "Rollout": "argoproj.io",
}


@A01.objects("HorizontalPodAutoscaler")
def bounds(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare the fewest replicas with the most."""
    least, most = one.spec.get("minReplicas"), one.spec.get("maxReplicas")
    if not isinstance(most, int):
        return
    if most < 1:
        yield A01.breach("spec.maxReplicas", most, "the most replicas are at least 1", "write 1 or more")
    elif isinstance(least, int) and least > most:
        because = f"spec.maxReplicas is {most}, and the fewest replicas are at most the most"
        yield A01.breach(
            "spec.minReplicas",
            least,
            because,
            f"lower minReplicas, or raise maxReplicas to at least {least}",
        )
    if isinstance(least, int) and least < 0:
        yield A01.breach("spec.minReplicas", least, "the fewest replicas are at least 1", "write 1 or more")


@A02.objects("HorizontalPodAutoscaler")
def to_zero(one: Object, scope: Scope) -> Iterator[Breach]:
    """Check that the cluster and the metrics allow to scale to zero."""
    if one.spec.get("minReplicas") != 0:
        return
    version = scope.site.cluster.kubernetes
    if int(version.partition(".")[2]) < SCALE_TO_ZERO:
        because = (
            f"Kubernetes {version} refuses it unless HPAScaleToZero is switched on, as it is from 1.{SCALE_TO_ZERO}"
        )
        yield A02.breach(
            "spec.minReplicas",
            0,
            because,
            "write minReplicas: 1, or accept A02 where somebody switched it on",
        )
    if not any(metric["type"] in WITHOUT_PODS for metric in one.spec.get("metrics") or ()):
        because = "no metric is of the types Object or External, which live on without pods"
        yield A02.breach("spec.minReplicas", 0, because, "add such a metric, or write minReplicas: 1")


@A11.objects("HorizontalPodAutoscaler", "ScaledObject")
def alone(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for a second autoscaler of the same target, or of pods that its selector matches."""
    kind, name = target(one)
    scalers = scope.scalers(kind, one.namespace, name)
    if scalers and scalers[0] is not one:
        because = f"{called(scalers[0])} scales {kind} {name} already, and autoscalers that share pods stand still"
        yield A11.breach("spec.scaleTargetRef.name", name, because)
        return
    found = scope.find(kind, one.namespace, name)
    for pod in _reached(found, scope) if found is not None else ():
        for other in scope.scalers_of(pod.object):
            because = (
                f"the selector of {kind} {name} matches the pods of {called(pod.object)} too, which"
                f" {called(other)} scales, and autoscalers that share pods stand still"
            )
            yield A11.breach(
                "spec.scaleTargetRef.name",
                name,
                because,
                "give the two workloads selectors of their own",
            )


def _reached(found: Object, scope: Scope) -> Iterator[Pod]:
    selector = found.spec.get("selector")
    if isinstance(selector, dict) and selector.get("matchLabels"):
        for pod in selected(scope, selector, found.namespace) or ():
            if pod.object is not found:
                yield pod


@A12.objects("*")
def unowned(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for replicas beside an autoscaler."""
    replicas = one.spec.get("replicas")
    if replicas is None:
        return
    for scaler in scope.scalers_of(one)[:1]:
        because = f"{called(scaler)} owns the number of replicas, and every sync would set it back"
        yield A12.breach("spec.replicas", replicas, because)


@A13.objects("HorizontalPodAutoscaler")
def behaviour(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the numbers of both directions."""
    for direction, rules in (one.spec.get("behavior") or {}).items():
        if rules:
            yield from _direction(f"spec.behavior.{direction}", rules)


def _direction(path: str, rules: dict[str, Any]) -> Iterator[Breach]:
    window, policy, policies = (rules.get(key) for key in ("stabilizationWindowSeconds", "selectPolicy", "policies"))
    if window is not None and not 0 <= window <= LONGEST_WINDOW:
        because = f"a stabilization window is from 0 to {LONGEST_WINDOW} seconds"
        yield A13.breach(f"{path}.stabilizationWindowSeconds", window, because)
    if policy is not None and policy not in SELECT_POLICIES:
        yield A13.breach(f"{path}.selectPolicy", policy, "it is Max, Min or Disabled", "write one of them")
    if (tolerance := rules.get("tolerance")) is not None:
        amount = quantity.number(tolerance)
        if amount is None or amount < 0:
            because = "a tolerance is a number of at least 0"
            yield A13.breach(f"{path}.tolerance", tolerance, because, 'write a part of 1, such as "0.1"')
    if policies == []:
        because = "where policies are listed there is at least one"
        yield A13.breach(f"{path}.policies", policies, because, "leave policies away for the default ones")
    for index, one in enumerate(policies or ()):
        at = f"{path}.policies[{index}]"
        if one["type"] not in POLICY_TYPES:
            yield A13.breach(f"{at}.type", one["type"], "it is Pods or Percent", "write one of them")
        if one["value"] <= 0:
            yield A13.breach(f"{at}.value", one["value"], "a policy changes at least 1", "write 1 or more")
        if not 1 <= one["periodSeconds"] <= LONGEST_PERIOD:
            because = f"a policy's period is from 1 to {LONGEST_PERIOD} seconds"
            yield A13.breach(f"{at}.periodSeconds", one["periodSeconds"], because)


@A18.objects("HorizontalPodAutoscaler", "ScaledObject")
def patient(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare the stabilization window with the longest start of the pods."""
    kind, name = target(one)
    found = scope.find(kind, one.namespace, name)
    if found is None or found.pod is None:
        return
    at, behaviour_of = "spec.behavior", one.spec.get("behavior")
    if one.kind == "ScaledObject":
        at = "spec.advanced.horizontalPodAutoscalerConfig.behavior"
        advanced = one.spec.get("advanced") or {}
        behaviour_of = (advanced.get("horizontalPodAutoscalerConfig") or {}).get("behavior")
    down = (behaviour_of or {}).get("scaleDown") or {}
    given = down.get("stabilizationWindowSeconds")
    window = USUAL_WINDOW if given is None else given
    start = min(max(map(start_of, running(found.pod)), default=0), LONGEST_WINDOW)
    if window < start and down.get("selectPolicy") != "Disabled":
        usual = "" if given is not None else f"it is {window} seconds if not given, and "
        yield A18.breach(
            f"{at}.scaleDown.stabilizationWindowSeconds", given,
            f"{usual}a start of {kind} {name} may take {start} seconds, in which the pod is missed",
            f"raise it to {start}",
        )  # fmt: skip


def start_of(container: Container) -> int:
    """Return the seconds that a start of *container* may take."""
    probe = container.data.get("startupProbe")
    if not probe:
        return 0
    tries, period = probe.get("failureThreshold") or 3, probe.get("periodSeconds") or 10
    return int((probe.get("initialDelaySeconds") or 0) + tries * period)


@A20.objects("HorizontalPodAutoscaler", "ScaledObject")
def aimed(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the target."""
    reference = one.spec.get("scaleTargetRef") or {}
    kind, name = target(one)
    if kind in UNSCALABLE:
        because = "objects of this kind have no number of replicas"
        yield A20.breach("spec.scaleTargetRef.kind", kind, because, "name a Deployment or StatefulSet")
    elif scope.find(kind, one.namespace, name) is None and scope.complete and one.namespace == scope.site.namespace:
        yield A20.breach("spec.scaleTargetRef.name", name, f"no {kind} of this name is rendered here")
    elif one.kind == "HorizontalPodAutoscaler" and kind in GROUPS:
        version = reference.get("apiVersion") or ""
        if version.rpartition("/")[0] != GROUPS[kind]:
            right = f"{GROUPS[kind]}/{'v1alpha1' if kind == 'Rollout' else 'v1'}".removeprefix("/")
            because = f"{kind} is a kind of {right}, and a target is looked up by group and kind"
            yield A20.breach(
                "spec.scaleTargetRef.apiVersion",
                version or None,
                because,
                f"write apiVersion: {right}",
            )


def target(one: Object) -> tuple[str, str]:
    """Return kind and name of what an autoscaler scales."""
    reference = one.spec.get("scaleTargetRef") or {}
    return str(reference.get("kind") or "Deployment"), str(reference.get("name"))
