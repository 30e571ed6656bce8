"""A: the sources and targets of an autoscaler's metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.a import API
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values import quantity
from modelyard.values.similar import did_you_mean

A09 = Rule(
    "A09",
    "Every metric of an autoscaler has the target that its source takes, above zero.",
    why=("The API server refuses the autoscaler, or its controller cannot compute a number of replicas."),
    fix="give the source one target",
    see=API,
)
A10 = Rule(
    "A10",
    "Every metric of an autoscaler has one source, the one that its type names.",
    why="The API server refuses the autoscaler, and the sync fails.",
    fix="write the one source that the type names",
    see=API,
)

SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
TARGETS = {
    "ContainerResource": ("averageUtilization", "averageValue"),
    "External": ("value", "averageValue"),
    "Object": ("value", "averageValue"),
    "Pods": ("averageValue",),
    "Resource": ("averageUtilization", "averageValue"),
}
TARGET_TYPES = {
    "Utilization": "averageUtilization",
    "Value": "value",
    "AverageValue": "averageValue",
}
ONE_OF = frozenset({"ContainerResource", "External", "Resource"})


@A09.objects("HorizontalPodAutoscaler")
def aimed_at(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the target of every metric."""
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        key = SOURCES.get(metric["type"])
        if key is not None and metric.get(key):
            at = f"spec.metrics[{index}].{key}.target"
            yield from _targets(at, metric["type"], metric[key].get("target") or {})


def _targets(at: str, source: str, given: dict[str, Any]) -> Iterator[Breach]:
    takes = TARGETS[source]
    present = [field for field in takes if given.get(field) is not None]
    either = " or ".join(takes)
    if not present:
        yield A09.breach(at, None, f"a metric of type {source} needs {either}", f"add {takes[0]}")
    elif len(present) > 1 and source in ONE_OF:
        because = f"{present[0]} is given too, and a metric of type {source} has one of {either}"
        yield A09.breach(f"{at}.{present[1]}", given[present[1]], because, "remove one of the two")
    for field in ("value", "averageValue"):
        amount = quantity.number(given.get(field))
        if amount is None and given.get(field) is not None:
            yield A09.breach(f"{at}.{field}", given[field], quantity.RULE, quantity.suggestion(str(given[field])))
        elif amount is not None and amount <= 0:
            yield A09.breach(
                f"{at}.{field}",
                given[field],
                "a target is above 0",
                "write what one replica can bear",
            )
    kind = given.get("type")
    if kind not in TARGET_TYPES:
        yield A09.breach(
            f"{at}.type",
            kind,
            "it is Utilization, Value or AverageValue",
            f"write the one that goes with {either}",
        )
    elif source == "Object" and present and TARGET_TYPES[kind] not in present:
        because = f"{present[0]} is given, and the controller of a metric of type Object goes by the type"
        yield A09.breach(f"{at}.type", kind, because, f"write type: {present[0][0].upper()}{present[0][1:]}")


@A10.objects("HorizontalPodAutoscaler")
def one_source(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check that type and source of every metric fit."""
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        at = f"spec.metrics[{index}]"
        key = SOURCES.get(metric["type"])
        if key is None:
            because = "the types of metrics are " + ", ".join(SOURCES)
            do = did_you_mean(metric["type"], SOURCES) or "write one of them"
            yield A10.breach(f"{at}.type", metric["type"], because, do)
            continue
        if metric.get(key) is None:
            yield A10.breach(
                f"{at}.type",
                metric["type"],
                f"{key} is missing, which such a metric is made of",
                f"add {key}",
            )
        for other in SOURCES.values():
            if other != key and metric.get(other) is not None:
                because = f"the type is {metric['type']}, and a metric has the one source that its type names"
                yield A10.breach(
                    f"{at}.{other}",
                    None,
                    because,
                    f"remove {other}, or make it a metric of its own",
                )
