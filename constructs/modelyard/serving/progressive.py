"""A service whose pods an Argo Rollout replaces: the Rollout, the Service of its new version, its analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod import manifest, selector
from modelyard.serving.hosts import hosts
from modelyard.serving.pods import pods, progress, rollout
from modelyard.serving.spec import ServiceSpec
from modelyard.serving.tracks import API, KIND, Analysis, BlueGreen, Canary, routed, second, track
from modelyard.values.durations import whole_seconds
from modelyard.values.quantity import plain

HASH = "rollouts-pod-template-hash"
PLUGIN = "argoproj-labs/gatewayAPI"


def drafts(name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str]) -> Iterator[Draft]:
    """Yield the Rollout of the service *name*, and its analysis."""
    given = track(spec)
    made = manifest(API, KIND, name, labels, site)
    made["spec"] = {
        **({"replicas": spec.least} if spec.scale is None else {}),
        "selector": {"matchLabels": selector(name)},
        "strategy": _canary(name, spec, site) if isinstance(given, Canary) else _blue_green(name, spec, site),
        "progressDeadlineSeconds": progress(spec),
        # A new version that never gets ready gives back what it took.
        "progressDeadlineAbort": True,
        "revisionHistoryLimit": 5,
        "template": pods(name, spec, site),
    }
    yield Draft(made)
    if given is not None and given.analysis is not None:
        template = manifest(API, "AnalysisTemplate", name, labels, site)
        template["spec"] = _metric(given.analysis, given.keep_old if isinstance(given, BlueGreen) else None, site)
        yield Draft(template)


def _canary(name: str, spec: ServiceSpec, site: Site) -> dict[str, Any]:
    canary = spec.rollout
    if not isinstance(canary, Canary):
        return {}
    steps: list[dict[str, Any]] = []
    for percent, wait in canary.steps.items():
        pause = {} if wait is None else {"duration": f"{whole_seconds(wait)}s"}
        steps += [{"setWeight": percent}, {"pause": pause}]
    if routed(spec, site):
        routes = {"grpcRoute" if host.grpc else "httpRoute": name for host in hosts(spec)}
        moving: dict[str, Any] = {
            "stableService": name,
            "canaryService": second(name, spec, site),
            "trafficRouting": {"plugins": {PLUGIN: {**routes, "namespace": site.namespace}}},
            **({"dynamicStableScale": True} if canary.dynamic_stable_scale else {}),
        }
    else:
        surge = rollout(spec, site) == "surge"
        moving = {"maxSurge": int(surge), "maxUnavailable": int(not surge)}
    # From the first share on: before there is nothing to ask about.
    analysis = {"analysis": {"startingStep": 1, **_asked(name)}} if canary.analysis is not None else {}
    return {"canary": {**moving, "steps": steps, **analysis}}


def _blue_green(name: str, spec: ServiceSpec, site: Site) -> dict[str, Any]:
    given = spec.rollout
    if not isinstance(given, BlueGreen):
        return {}
    waits = {} if given.promote_after is None else {"autoPromotionSeconds": whole_seconds(given.promote_after)}
    return {
        "blueGreen": {
            "activeService": name,
            "previewService": second(name, spec, site),
            "autoPromotionEnabled": given.promote_after is not None,
            **waits,
            "scaleDownDelaySeconds": whole_seconds(given.keep_old),
            **({"postPromotionAnalysis": _asked(name)} if given.analysis is not None else {}),
        }
    }


def _asked(name: str) -> dict[str, Any]:
    latest = {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}
    return {"templates": [{"templateName": name}], "args": [latest]}


def _metric(analysis: Analysis, lasts: timedelta | None, site: Site) -> dict[str, Any]:
    every, monitoring = whole_seconds(analysis.every), site.cluster.monitoring
    bound = f"<= {plain(analysis.at_most)}" if analysis.at_most is not None else f">= {plain(analysis.at_least or 0)}"
    # Without one a share of a canary is asked about as long as it is kept.
    times = {} if lasts is None else {"count": max(1, whole_seconds(lasts) // every)}
    metric = {
        "name": "query",
        "interval": f"{every}s",
        **times,
        "failureLimit": analysis.failures,
        "successCondition": f"len(result) == 0 || isNaN(result[0]) || result[0] {bound}",
        "provider": {
            "prometheus": {"address": (monitoring.address or "") if monitoring else "", "query": analysis.query}
        },
    }
    return {"args": [{"name": "hash"}], "metrics": [metric]}
