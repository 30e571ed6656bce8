"""D: Argo Rollouts, the two tracks of each, and what they take while both run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.d import D03, D10, PAUSE, USUAL_SHARE, accelerators
from modelyard.rules.demand import most
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.tracks import beside
from modelyard.rules.workloads import called, fewest, literal, matches, services_of, share, written
from modelyard.values.similar import did_you_mean

SPEC = "https://argo-rollouts.readthedocs.io/en/stable/features/specification/"

D18 = Rule(
    "D18",
    "An Argo Rollout has one strategy, and that is one which its controller takes.",
    why="The Rollout is InvalidSpec: its controller leaves everything as it is, and a new version never runs.",
    fix="correct the strategy",
    see=SPEC,
)
D19 = Rule(
    "D19",
    "The Services, routes and analyses that an Argo Rollout names are rendered beside it, and find its pods.",
    why="The Rollout is InvalidSpec while one is missing, and a new version never runs.",
    fix="correct the name, or accept D19 where it is made elsewhere",
    see=SPEC,
    acceptable=True,
)

ALL = 100
GROUP = "argoproj.io/"
"""Others have a kind of this name, too."""
STEPS = frozenset(
    {"analysis", "experiment", "pause", "plugin", "setCanaryScale", "setHeaderRoute", "setMirrorRoute", "setWeight"}
)
ROUTERS_OF_SERVICES = frozenset({"ambassador", "apisix", "appMesh", "nginx", "smi", "traefik"})
GATEWAYS = "argoproj-labs/gatewayAPI"
PAIRS = (("stableService", "canaryService"), ("activeService", "previewService"))


def _strategies(one: Object) -> dict[str, Mapping[str, Any]]:
    """Return the strategies of *one* by name."""
    strategy = one.spec.get("strategy") or {}
    return {name: strategy[name] or {} for name in ("canary", "blueGreen") if strategy.get(name) is not None}


@D18.objects("Rollout")
def well_formed(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check what the controller checks before it does anything."""
    if not one.api_version.startswith(GROUP):
        return
    found = _strategies(one)
    if len(found) != 1:
        because = "there is neither canary nor blueGreen" if not found else "canary and blueGreen exclude each other"
        yield D18.breach("spec.strategy", None, because, "write one of the two")
    if one.spec.get("workloadRef") and one.spec.get("template"):
        because = "workloadRef has the pods elsewhere, and here is a template too"
        yield D18.breach("spec.template", None, because, "leave one of the two away")
    for name, strategy in found.items():
        at = f"spec.strategy.{name}"
        for first, second in PAIRS:
            if strategy.get(first) and strategy.get(first) == strategy.get(second):
                because = f"{second} is the same, and each version has a Service of its own"
                yield D18.breach(f"{at}.{first}", strategy[first], because, "name two Services")
        if name == "canary":
            yield from _canary(at, strategy)


def _canary(at: str, canary: Mapping[str, Any]) -> Iterator[Breach]:
    surge, unavailable = canary.get("maxSurge"), canary.get("maxUnavailable")
    if surge is not None and unavailable is not None and literal(surge) == literal(unavailable) == 0:
        because = f"maxSurge is {surge}, so that a rollout could neither add a pod nor end one"
        yield D18.breach(f"{at}.maxUnavailable", unavailable, because, "raise one of the two")
    routing: Mapping[str, Any] | None = canary.get("trafficRouting")
    if routing is None:
        for field in ("dynamicStableScale", "scaleDownDelaySeconds"):
            if canary.get(field):
                because = "without trafficRouting pods end as others start"
                yield D18.breach(f"{at}.{field}", canary[field], because, "add trafficRouting, or leave it away")
    elif canary.get("dynamicStableScale") and canary.get("scaleDownDelaySeconds") is not None:
        because = "dynamicStableScale ends old pods at once"
        given = canary["scaleDownDelaySeconds"]
        yield D18.breach(f"{at}.scaleDownDelaySeconds", given, because, "leave one of the two away")
    if routing is not None and not ROUTERS_OF_SERVICES.isdisjoint(routing):
        for field in ("stableService", "canaryService"):
            if not canary.get(field):
                because = f"{min(ROUTERS_OF_SERVICES & routing.keys())} gives shares to two Services"
                yield D18.breach(f"{at}.{field}", None, because, "name both")
    highest = (routing or {}).get("maxTrafficWeight") or ALL
    for index, step in enumerate(canary.get("steps") or ()):
        yield from _step(f"{at}.steps[{index}]", step, highest, routed=routing is not None)


def _step(at: str, step: Mapping[str, Any], highest: int, *, routed: bool) -> Iterator[Breach]:
    kinds = sorted(STEPS & step.keys())
    if len(kinds) != 1:
        because = f"a step does one thing, and this one does {' and '.join(kinds) or 'nothing'}"
        yield D18.breach(at, None, because, "write a step for each")
    weight = step.get("setWeight")
    if isinstance(weight, int) and not 0 <= weight <= highest:
        yield D18.breach(f"{at}.setWeight", weight, f"a share is from 0 to {highest}", "correct the share")
    if "setCanaryScale" in step and not routed:
        because = "without trafficRouting the share decides how many pods there are"
        yield D18.breach(f"{at}.setCanaryScale", None, because, "add trafficRouting, or leave it away")


@D19.objects("Rollout")
def beside_it(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for Services, routes and templates by their names."""
    for name, strategy in _strategies(one).items() if one.api_version.startswith(GROUP) else ():
        at = f"spec.strategy.{name}"
        for field in (field for pair in PAIRS for field in pair if strategy.get(field)):
            yield from _service(f"{at}.{field}", str(strategy[field]), one, scope)
        given = ((strategy.get("trafficRouting") or {}).get("plugins") or {}).get(GATEWAYS)
        # Each plugin has settings of its own, of which the definition says nothing.
        plugin = given if isinstance(given, Mapping) else {}
        for field, kind in (("httpRoute", "HTTPRoute"), ("grpcRoute", "GRPCRoute")):
            if plugin.get(field) and plugin.get("namespace", one.namespace) == one.namespace:
                where = f"{at}.trafficRouting.plugins['{GATEWAYS}'].{field}"
                yield from _missing(where, kind, str(plugin[field]), one, scope)
        asked = [
            (f"{at}.{key}", strategy.get(key)) for key in ("analysis", "prePromotionAnalysis", "postPromotionAnalysis")
        ]
        asked += [
            (f"{at}.steps[{i}].analysis", step.get("analysis")) for i, step in enumerate(strategy.get("steps") or ())
        ]
        for where, analysis in asked:
            for index, template in enumerate((analysis or {}).get("templates") or ()):
                if template.get("templateName") and not template.get("clusterScope"):
                    field = f"{where}.templates[{index}].templateName"
                    yield from _missing(field, "AnalysisTemplate", str(template["templateName"]), one, scope)


def _missing(field: str, kind: str, name: str, one: Object, scope: Scope) -> Iterator[Breach]:
    if scope.complete and scope.find(kind, one.namespace, name) is None:
        known = [other.name for other in scope.of_kind(kind) if other.namespace == one.namespace]
        yield D19.breach(field, name, f"no {kind} of this name is rendered here", did_you_mean(name, known))


def _service(field: str, name: str, one: Object, scope: Scope) -> Iterator[Breach]:
    service = scope.find("Service", one.namespace, name)
    if service is None:
        yield from _missing(field, "Service", name, one, scope)
        return
    labels = service.spec.get("selector") or {}
    if one.pod is not None and one.spec.get("template") and not matches({"matchLabels": labels}, one.pod.labels):
        because = f"{called(service)} selects {written(labels)}, and the pods do not have these labels"
        yield D19.breach(field, name, because, "give the Service the labels of the pods")


@D03.objects("Rollout")
def doubled(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare the accelerators of both tracks with those that the cluster keeps free."""
    if one.pod is None or not one.api_version.startswith(GROUP) or not scope.site.cluster.accelerators:
        return
    pods, _ = most(scope, one, one.pod)
    more = beside(one.spec, pods)
    for accelerator, count in accelerators(one.pod, scope) if more else ():
        needed = more * count
        if accelerator.spare < needed:
            keeps = f"{scope.site.cluster.name} keeps {accelerator.spare} free"
            because = (
                f"beside {pods} pods up to {more} run for a time, which takes {needed} more {accelerator.name},"
                f" and {keeps}"
            )
            do = (
                f"declare Accelerator({accelerator.name!r}, spare={needed}) where so many are kept free, let old pods"
                ' end as new ones take over (dynamicStableScale), or write rollout="in-place"'
            )
            yield D03.breach("spec.strategy", None, because, do)


@D10.objects("Rollout")
def serves_on(one: Object, scope: Scope) -> Iterator[Breach]:
    """Count the pods that a canary of pods leaves."""
    canary, replicas = _strategies(one).get("canary"), fewest(scope, one)
    if canary is None or canary.get("trafficRouting") or not one.api_version.startswith(GROUP):
        return
    surge, unavailable = (canary.get(field, USUAL_SHARE) for field in ("maxSurge", "maxUnavailable"))
    ended = share(unavailable, replicas, up=False)
    if ended == share(surge, replicas, up=True) == 0:
        ended = 1
    if one.pod is None or replicas < 1 or ended < replicas:
        return
    for service in services_of(one.pod, scope)[:1]:
        count = "the one pod" if replicas == 1 else f"all {replicas} pods"
        because = f"a rollout may end {count} before a new one is ready, and {called(service)} leads nowhere meanwhile"
        do = "lower maxUnavailable" + PAUSE if replicas > 1 else None
        yield D10.breach("spec.strategy.canary.maxUnavailable", unavailable, because, do)
