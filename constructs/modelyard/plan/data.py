"""A plan for programs; ``docs/plan.md`` describes it."""

from __future__ import annotations

from typing import Any

import attrs

from modelyard.plan.fields import MISSING, FieldChange
from modelyard.plan.model import ObjectChange, Plan, WorkloadPlan
from modelyard.values.at import at

FORMAT = 1


def data(plan: Plan) -> dict[str, Any]:
    """Return *plan* made of dicts, lists, strings, numbers, booleans and None, and of hidden texts."""
    return {
        "format": FORMAT,
        "base": plan.commit or None,
        "changes": bool(plan.workloads),
        "workloads": [_workload(one) for one in plan.workloads],
    }


def _workload(one: WorkloadPlan) -> dict[str, Any]:
    return {
        "environment": one.environment,
        "workload": one.name,
        "change": one.change,
        "risk": one.risk.value,
        "effects": [_effect(each) for each in one.effects],
        "devices": {
            resource: {"before": attrs.asdict(before), "after": attrs.asdict(now)}
            for resource, (before, now) in one.devices.items()
        },
        "objects": [_object(each) for each in one.objects],
    }


def _effect(one: Any) -> dict[str, str]:
    return {"effect": one.code, "risk": one.risk.value, "text": one.text}


def _object(one: ObjectChange) -> dict[str, Any]:
    return {
        "change": one.change,
        "apiVersion": one.manifest.get("apiVersion"),
        "kind": one.kind,
        "namespace": at(one.manifest, "metadata", "namespace"),
        "name": one.name,
        "was": one.was,
        "path": f"dist/{one.path}",
        "effects": [_effect(each) for each in one.effects],
        "fields": [_field(each) for each in one.fields],
    }


def _field(one: FieldChange) -> dict[str, Any]:
    told: dict[str, Any] = {"path": one.text}
    if one.before is not MISSING:
        told["before"] = one.before
    if one.after is not MISSING:
        told["after"] = one.after
    return told
