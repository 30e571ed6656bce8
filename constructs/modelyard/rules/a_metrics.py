"""A: autoscalers that follow the use of a resource in percent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

import attrs

from modelyard.findings import Breach
from modelyard.rules.a import API, HPA, target
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.rules.workloads import called, running
from modelyard.values import quantity
from modelyard.values.similar import did_you_mean

A05 = Rule(
    "A05",
    ("Where an autoscaler follows the use of a resource in percent, every container it counts requests that resource."),
    why=("The use is a percentage of the request; without one the autoscaler reports an error and never scales."),
    fix="add the request, or accept A05 where a LimitRange of the namespace adds one",
    see=HPA + "#support-for-resource-metrics",
    acceptable=True,
)
A06 = Rule(
    "A06",
    "The container that an autoscaler measures exists.",
    why="There is no metric for a container that does not exist, and the autoscaler never scales.",
    fix="write the container's name, or accept A06 where a webhook adds the container",
    see=HPA + "#container-resource-metrics",
    acceptable=True,
)
A07 = Rule(
    "A07",
    "An autoscaler aims at a use of at least 1 percent.",
    why="The API server refuses the autoscaler, and the sync fails.",
    fix="write a percentage of the request, such as 70",
    see=API,
)
A08 = Rule(
    "A08",
    "The use that an autoscaler aims at can be exceeded.",
    why=("Pods that can use no more than their limit never look busy enough, and no replica is ever added."),
    fix="lower the target, or raise the limit",
    see=HPA + "#algorithm-details",
    acceptable=True,
)

IN_PERCENT = {"ContainerResource": "containerResource", "Resource": "resource"}
TOLERANCE = Decimal("0.1")
OWN_TOLERANCE = 35
"""The first minor that has a tolerance per autoscaler on."""
USUAL_PERCENT = 80


@attrs.frozen
class Use:
    """
    A percentage of a request that an autoscaler follows.

    Args:
        field: Where the percentage stands.

        resource: Which resource is used.

        container: Only of this container, or None for the whole pod.

        percent: What is aimed at, None for Kubernetes' own 80.
    """

    field: str
    resource: str
    container: str | None
    percent: int | None


def uses(one: Object) -> Iterator[Use]:
    """Yield what the autoscaler *one* follows in percent of a request."""
    if one.api_version == "autoscaling/v1":
        field = "spec.targetCPUUtilizationPercentage"
        yield Use(field, "cpu", None, one.spec.get("targetCPUUtilizationPercentage"))
    elif not one.spec.get("metrics"):
        yield Use("spec.metrics", "cpu", None, None)
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        key = IN_PERCENT.get(metric["type"], "")
        source = metric.get(key)
        if source:
            percent = (source.get("target") or {}).get("averageUtilization")
            if percent is not None:
                field = f"spec.metrics[{index}].{key}.target.averageUtilization"
                yield Use(field, source["name"], source.get("container"), percent)


@A05.objects("HorizontalPodAutoscaler")
def requested(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the requests that a use in percent refers to."""
    pod = _pod(one, scope)
    if pod is None:
        return
    for use in uses(one):
        for container in _counted(pod, use):
            if use.resource not in container.requests:
                because = (
                    f"container {container.name} of {called(pod.object)} requests no"
                    f" {use.resource},"
                    " and the autoscaler follows the use in percent of the request"
                )
                do = (
                    f"add resources.requests.{use.resource} there, or accept A05 where a LimitRange"
                    " of the namespace does"
                )
                yield A05.breach(use.field, use.percent, because, do)


@A06.objects("HorizontalPodAutoscaler")
def present(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the containers that are measured on their own."""
    pod = _pod(one, scope)
    if pod is None:
        return
    names = [container.name for container in running(pod)]
    for index, metric in enumerate(one.spec.get("metrics") or ()):
        name = (metric.get("containerResource") or {}).get("container")
        if metric["type"] == "ContainerResource" and name and name not in names:
            because = f"{called(pod.object)} has no such container"
            do = (
                did_you_mean(name, names) or f"it has {', '.join(names)}; accept A06 where a webhook adds the container"
            )
            yield A06.breach(f"spec.metrics[{index}].containerResource.container", name, because, do)


@A07.objects("HorizontalPodAutoscaler")
def positive(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the percentages."""
    for use in uses(one):
        if use.percent is not None and use.percent < 1:
            yield A07.breach(
                use.field,
                use.percent,
                "a use that is aimed at is at least 1 percent of the request",
            )


@A08.objects("HorizontalPodAutoscaler")
def reachable(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare the percentages with what the limits leave."""
    pod = _pod(one, scope)
    if pod is None:
        return
    for use in uses(one):
        percent = USUAL_PERCENT if use.percent is None else use.percent
        most = _most(_counted(pod, use), use.resource)
        if most is None or percent < 1:
            continue
        tolerance = _tolerance(one, scope)
        if most > percent * (1 + tolerance):
            continue
        highest = math.ceil(most / (1 + tolerance)) - 1
        because = (
            f"the limits of {called(pod.object)} let the use reach {float(most):.4g} percent of the"
            f" requests at most, and replicas are added above {float(percent * (1 + tolerance)):.4g}"
        )
        do = f"lower it to {highest} or less, or raise the limit for {use.resource}"
        yield A08.breach(use.field, use.percent, because, do)


def _pod(one: Object, scope: Scope) -> Pod | None:
    kind, name = target(one)
    found = scope.find(kind, one.namespace, name)
    return found.pod if found is not None else None


def _counted(pod: Pod, use: Use) -> list[Container]:
    """Return the containers that *use* counts; none where the pod as a whole has requests."""
    if use.container is not None:
        return [container for container in running(pod) if container.name == use.container]
    whole = pod.spec.get("resources") or {}
    return [] if whole.get("requests") or whole.get("limits") else running(pod)


def _most(counted: list[Container], resource: str) -> Decimal | None:
    """Return how many percent of the requests can be used, None where nothing limits it."""
    limits = [quantity.number(container.limits.get(resource)) for container in counted]
    if not limits or None in limits:
        return None
    requests = [quantity.number(container.requests.get(resource)) for container in counted]
    asked = sum(amount for amount in requests if amount is not None)
    allowed = sum(amount for amount in limits if amount is not None)
    return Decimal(100) * allowed / asked if asked > 0 else None


def _tolerance(one: Object, scope: Scope) -> Decimal:
    up = (one.spec.get("behavior") or {}).get("scaleUp") or {}
    own = quantity.number(up.get("tolerance"))
    has_own = int(scope.site.cluster.kubernetes.partition(".")[2]) >= OWN_TOLERANCE
    return own if own is not None and has_own else TOLERANCE
