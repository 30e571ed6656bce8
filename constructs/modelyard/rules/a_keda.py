"""A: KEDA's autoscalers: what they follow, and what becomes of the last replica."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.a import target
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import called, services_of
from modelyard.values.names import LABEL_LENGTH

SCALED_OBJECT = "https://keda.sh/docs/latest/reference/scaledobject-spec/"
PROMETHEUS = "https://keda.sh/docs/latest/scalers/prometheus/"

A03 = Rule(
    "A03",
    "What goes down to 0 replicas is woken by a signal that outlives the pods.",
    why="A metric that only the pods tell is gone with the last of them, and nothing ever wakes the workload.",
    fix="write minReplicaCount: 1, or follow a queue that lives elsewhere",
    see="https://keda.sh/docs/latest/concepts/scaling-deployments/",
)
A04 = Rule(
    "A04",
    "What goes down to 0 replicas has something that keeps requests until there is one.",
    why="A Service keeps nothing: without a pod behind it every request fails at once.",
    fix="write minReplicaCount: 1, or say what keeps requests in the annotation modelyard.dev/buffer",
    see="https://keda.sh/docs/latest/concepts/scaling-deployments/",
    acceptable=True,
)
A14 = Rule(
    "A14",
    "KEDA's numbers fit: idle below the minimum, the minimum at most the maximum, and a fallback that has a meaning.",
    why="KEDA refuses the object, and nothing is scaled.",
    fix="correct the number",
    see=SCALED_OBJECT,
)
A15 = Rule(
    "A15",
    "A query that KEDA goes by answers with one number.",
    why="KEDA fails on an answer of several series, and goes on with its fallback or stands still.",
    fix="sum it: sum(...)",
    see=PROMETHEUS,
    acceptable=True,
)
A19 = Rule(
    "A19",
    "A model server is not scaled by the use of its GPU.",
    why=(
        "A GPU is shown as busy at one request as at fifty, so replicas are added up to the maximum, and stay as long"
        " as there is any load."
    ),
    fix="follow the requests that wait, with QueueScale, or accept A19 where the use does follow the load",
    see="https://docs.nvidia.com/datacenter/dcgm/latest/gpu-telemetry/dcgm-exporter.html",
    severity=Severity.WARNING,
    acceptable=True,
)
N11 = Rule(
    "N11",
    "The name of a ScaledObject leaves room for what KEDA puts before it.",
    why="KEDA makes a HorizontalPodAutoscaler called keda-hpa-<name>, and a label of that name has 63 characters.",
    fix="choose a name of at most 54 characters",
    see=SCALED_OBJECT,
)

BUFFER = "modelyard.dev/buffer"
PREFIX = "keda-hpa-"
OF_PODS = frozenset({"cpu", "memory", "kubernetes-workload"})
"""Triggers that nothing but pods can pull."""
USUAL_MOST = 100
PODS_TELL = re.compile(r"\b(?:vllm|sglang):|\bnv_inference_|\bDCGM_FI_|\bcontainer_(?:cpu|memory)_|\bup\{")
"""Metrics that the scaled pods tell themselves, or that are told of them."""
GPU_USE = re.compile(r"\bDCGM_FI_(?:DEV_GPU_UTIL|PROF_GR_ENGINE_ACTIVE)\b|\bnv_gpu_utilization\b")
ONE_NUMBER = re.compile(
    r"\b(?:sum|avg|min|max|count|group|stddev|stdvar|quantile|scalar|vector|absent|absent_over_time)\s*\(|\btopk\s*\(\s*1\s*,"
)


def _triggers(one: Object) -> list[dict[str, Any]]:
    return one.spec.get("triggers") or []


def _queries(one: Object) -> Iterator[tuple[str, str]]:
    for index, trigger in enumerate(_triggers(one)):
        if trigger.get("type") == "prometheus":
            query = str((trigger.get("metadata") or {}).get("query") or "")
            yield f"spec.triggers[{index}].metadata.query", query


def _to_zero(one: Object) -> str | None:
    """Return the field by which the workload can have no replicas at all; KEDA's own minimum is 0."""
    if one.spec.get("idleReplicaCount") == 0:
        return "spec.idleReplicaCount"
    return None if one.spec.get("minReplicaCount") else "spec.minReplicaCount"


@A03.objects("ScaledObject")
def woken(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for a signal that outlives the pods, and for something that keeps requests."""
    field = _to_zero(one)
    if field is None:
        return
    usual = "" if one.spec.get(field.removeprefix("spec.")) is not None else "KEDA goes down to 0 if not told, and "
    value = one.spec.get(field.removeprefix("spec."))
    kind, name = target(one)
    if _triggers(one) and all(_dies(trigger, name) for trigger in _triggers(one)):
        because = f"{usual}all its triggers go by what the pods of {kind} {name} tell"
        yield A03.breach(field, value, because)
        return
    found = scope.find(kind, one.namespace, name)
    services = services_of(found.pod, scope) if found is not None and found.pod is not None else []
    if services and not (one.metadata.get("annotations") or {}).get(BUFFER):
        because = f"{usual}{called(services[0])} keeps no requests while there is no pod"
        yield A04.breach(field, value, because)


def _dies(trigger: dict[str, Any], name: str) -> bool:
    if trigger.get("type") != "prometheus":
        return trigger.get("type") in OF_PODS
    query = str((trigger.get("metadata") or {}).get("query") or "")
    return bool(PODS_TELL.search(query)) or re.search(rf"pod=~?\"{re.escape(name)}-", query) is not None


@A14.objects("ScaledObject")
def fitting(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare the numbers, and look at what the fallback is for."""
    spec = one.spec
    least, most = spec.get("minReplicaCount") or 0, spec.get("maxReplicaCount", USUAL_MOST)
    idle = spec.get("idleReplicaCount")
    if least > most:
        because = f"spec.maxReplicaCount is {most}, and the fewest replicas are at most the most"
        yield A14.breach("spec.minReplicaCount", least, because)
    if idle is not None and idle >= least:
        because = f"spec.minReplicaCount is {least}, and an idle workload has fewer"
        yield A14.breach("spec.idleReplicaCount", idle, because)
    if not _triggers(one):
        yield A14.breach("spec.triggers", [], "nothing would ever scale it", "add a trigger")
    elif spec.get("fallback") and not any(
        trigger.get("type") not in {"cpu", "memory"} and trigger.get("metricType", "AverageValue") == "AverageValue"
        for trigger in _triggers(one)
    ):
        because = (
            "KEDA can only fall back from a trigger of metricType AverageValue on something else than cpu or memory"
        )
        yield A14.breach("spec.fallback", None, because, "remove it, or add such a trigger")


@A15.objects("ScaledObject")
def one_number(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for what makes one number of many series, and at what is no measure of load."""
    for field, query in _queries(one):
        if not ONE_NUMBER.search(query):
            yield A15.breach(field, query, "it answers with one series for each pod")
        if found := GPU_USE.search(query):
            yield A19.breach(field, found[0], "a GPU is as busy with one request as with fifty")


@N11.objects("ScaledObject")
def named(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the length of the name."""
    if len(PREFIX + one.name) > LABEL_LENGTH:
        because = f"KEDA calls its autoscaler {PREFIX}<name>, and this has {len(PREFIX + one.name)} characters of 63"
        yield N11.breach("metadata.name", one.name, because)
