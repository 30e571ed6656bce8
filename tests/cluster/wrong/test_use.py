"""What a cluster does with autoscalers that break rules: they scale nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.cluster.api import condition, is_true
from tests.cluster.objects import steady
from tests.cluster.wrong.stage import Breaking, states

Observed = Callable[[str], None]
MEASURED = 120.0
FULL = 95
"""Percent. Pods that use all of their CPU may be measured a moment apart from when their use was counted."""


def test_a_container_that_does_not_exist_is_never_measured(breaking: Breaking, observed: Observed) -> None:
    """Not when those that exist are, either."""
    api, objects = breaking.api, breaking.objects("A06")
    right = objects["HorizontalPodAutoscaler/right"]
    api.until_one(lambda one: is_true(one, "ScalingActive"), right, what="a measured container", seconds=MEASURED)
    found = api.until_one(
        lambda one: "did not receive metrics for targeted pods" in condition(one, "ScalingActive").get("message", ""),
        objects["HorizontalPodAutoscaler/web"], what="an autoscaler that has looked",
    )  # fmt: skip
    scaling = condition(found, "ScalingActive")
    observed(f"A06: {scaling['reason']}: {scaling['message']}")
    assert (scaling["status"], scaling["reason"]) == ("False", "FailedGetContainerResourceMetric")


def test_two_autoscalers_of_the_same_pods_both_stand_still(breaking: Breaking, observed: Observed) -> None:
    """Each says why."""
    said = []
    for name in ("web", "second"):
        found = breaking.api.until_one(
            lambda one: condition(one, "ScalingActive").get("reason") == "AmbiguousSelector",
            breaking.objects("A11")[f"HorizontalPodAutoscaler/{name}"], what="an autoscaler that stands still",
        )  # fmt: skip
        said.append(condition(found, "ScalingActive"))
    observed(f"A11: {said[0]['reason']}: {said[0]['message']}")
    assert [one["status"] for one in said] == ["False", "False"]


def test_an_autoscaler_without_a_target_scales_nothing(breaking: Breaking, observed: Observed) -> None:
    """It says that there is none."""
    scaler = breaking.objects("A20")["HorizontalPodAutoscaler/web"]
    found = breaking.api.until_one(lambda one: condition(one, "AbleToScale"), scaler, what="an autoscaler that looked")
    able = condition(found, "AbleToScale")
    observed(f"A20: {able['reason']}: {able['message']}")
    assert (able["status"], able["reason"]) == ("False", "FailedGetScale")
    assert 'deployments.apps "wbe" not found' in able["message"]


def test_an_aim_above_the_limit_is_never_exceeded(breaking: Breaking, observed: Observed) -> None:
    """Pods that use all they may do not make it scale, and the same pods under another aim do."""
    api, objects = breaking.api, breaking.objects("A08")
    api.until_one(
        lambda one: one["spec"].get("replicas") == 4, objects["Deployment/right"], what="4 replicas", seconds=MEASURED
    )
    seen = api.until_one(
        lambda one: _utilization(one) >= FULL, objects["HorizontalPodAutoscaler/web"],
        what="an autoscaler that has measured all pods", seconds=MEASURED,
    )  # fmt: skip
    right = api.current(objects["Deployment/right"])
    observed(
        f"A08: {_utilization(seen)} percent used, {seen['status']['desiredReplicas']} replicas wanted at an aim of 100,"
        f" {right['spec']['replicas']} at one of 60"
    )
    assert is_true(seen, "ScalingActive")
    assert seen["status"]["desiredReplicas"] == 2


def test_replicas_in_git_undo_what_an_autoscaler_did(breaking: Breaking, observed: Observed) -> None:
    """At the next sync, which takes the field back; the autoscaler starts over."""
    api, web = breaking.api, breaking.objects("A12")["Deployment/web"]
    api.until_one(lambda one: steady(one, 2), web, what="2 replicas")
    seen = states(
        api,
        web,
        lambda: api.apply(web, force=True).body,
        lambda one: one["spec"]["replicas"] == 2,
        what="2 replicas again",
    )
    numbers = [one["spec"]["replicas"] for one in seen]
    observed(f"A12: replicas after a sync: {' '.join(map(str, numbers))}")
    assert numbers[0] == 1


def _utilization(scaler: Mapping[str, Any]) -> int:
    """Return the use that an autoscaler has measured, in percent."""
    metrics = scaler.get("status", {}).get("currentMetrics") or [{}]
    return int(metrics[0].get("resource", {}).get("current", {}).get("averageUtilization", 0))
