"""Two tracks of one service, by an Argo Rollout: canary, and blue and green."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach
from modelyard.fleet.facilities import Gateway
from modelyard.fleet.site import Site
from modelyard.pod.options import Claim
from modelyard.serving import queries
from modelyard.serving.hosts import hosts
from modelyard.serving.signals import unexported
from modelyard.values.durations import minutes, seconds, whole_seconds
from modelyard.values.tracks import ALL, beside
from modelyard.values.value import option, required, source_of, value

if TYPE_CHECKING:
    from modelyard.serving.spec import ServiceSpec

API, KIND = "argoproj.io/v1alpha1", "Rollout"
ROLLOUT = {"apiVersion": API, "kind": KIND}


def _steps(steps: Mapping[int, timedelta | None]) -> str | None:
    shares = list(steps)
    if not shares or not all(0 < share <= ALL for share in shares) or shares != sorted(shares):
        return "it maps rising shares, each from 1 to 100 percent, to how long each is kept"
    if any(wait is not None and wait < timedelta(seconds=1) for wait in steps.values()):
        return "a share is kept for at least 1 second, or with None until somebody promotes it"
    return None


def _query(query: str) -> str | None:
    return None if query.strip() else "it is empty"


def _finite(bound: float | None) -> str | None:
    return None if bound is None or math.isfinite(bound) else "nothing can be compared with it"


def _second(duration: timedelta | None) -> str | None:
    return None if duration is None or duration >= timedelta(seconds=1) else "it takes at least 1 second"


def _not_negative(count: int) -> str | None:
    return None if count >= 0 else "it is not negative"


def _kept(duration: timedelta) -> str | None:
    return None if duration >= timedelta(0) else "a length of time is not negative"


@value
class Analysis:
    """
    What tells that a new version is worse, so that it is taken back by itself; give *at_most* or *at_least*.

    Args:
        query: In PromQL, of one number. ``{{args.hash}}`` stands for what is in the names of the new pods:
            ``pod=~"chat-{{args.hash}}-.*"``.

        at_most: The number is good up to this.

        at_least: The number is good from this on.

        every: How often it is asked for. Default: 1 minute.

        failures: So many bad answers are borne; no answer is none. Default: 0.

    See Also:
        https://argo-rollouts.readthedocs.io/en/stable/features/analysis/
    """

    query: str = required(check=_query)
    at_most: float | None = option(default=None, check=_finite, kw_only=True)
    at_least: float | None = option(default=None, check=_finite, kw_only=True)
    every: timedelta = option(default=minutes(1), check=_second, kw_only=True)
    failures: int = option(default=0, check=_not_negative, kw_only=True)


@value
class Canary:
    """
    A new version gets a growing share of the requests, and all of them only at the end, by an Argo Rollout.

    The shares are of requests where the service has a route by a Gateway, else of pods.

    Args:
        steps: Percent to how long the share is kept, rising: ``{5: minutes(10), 50: None}``; None until somebody
            promotes it.

        analysis: `Analysis`, which takes the new version back. Default: none.

        dynamic_stable_scale: Whether old pods end as new ones take their share, instead of waiting until the end for
            a way back: with a route, they take twice the accelerators otherwise. Default: they wait.

    See Also:
        https://argo-rollouts.readthedocs.io/en/stable/features/canary/
    """

    steps: Mapping[int, timedelta | None] = required(check=_steps)
    analysis: Analysis | None = attrs.field(default=None, kw_only=True)
    dynamic_stable_scale: bool = attrs.field(default=False, kw_only=True)


@value
class BlueGreen:
    """
    A new version runs whole beside the old one, and then gets all requests at once, by an Argo Rollout.

    Args:
        promote_after: Once all of it is ready, and so much later. Default: when somebody promotes it.

        keep_old: How long the old pods stay after that, for a way back. Default: 30 seconds.

        analysis: `Analysis` for as long as that, which gives the requests back to the old pods. Default: none.

    See Also:
        https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/
    """

    promote_after: timedelta | None = option(default=None, check=_second)
    keep_old: timedelta = option(default=seconds(30), check=_kept, kw_only=True)
    analysis: Analysis | None = attrs.field(default=None, kw_only=True)


def track(spec: ServiceSpec) -> Canary | BlueGreen | None:
    """Return how an Argo Rollout replaces the pods of a service, if one does."""
    return spec.rollout if isinstance(spec.rollout, Canary | BlueGreen) else None


def second(name: str, spec: ServiceSpec, site: Site) -> str | None:
    """Return the Service of the new version of *name*, where it has one of its own."""
    if isinstance(spec.rollout, BlueGreen):
        return f"{name}-preview"
    return f"{name}-canary" if isinstance(spec.rollout, Canary) and routed(spec, site) else None


def routed(spec: ServiceSpec, site: Site) -> bool:
    """Return whether a route gives shares of requests."""
    return bool(spec.route) and isinstance(site.cluster.gateway, Gateway)


def extra(spec: ServiceSpec, site: Site) -> int:
    """Return how many pods there are at most beside the others while an Argo Rollout replaces them."""
    if isinstance(spec.rollout, Canary) and routed(spec, site):
        return beside(spec.most, list(spec.rollout.steps), shrinking=spec.rollout.dynamic_stable_scale)
    return spec.most if isinstance(spec.rollout, BlueGreen) else 0


def breaches(spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield why no Argo Rollout can replace the pods of a service."""
    given, cluster = track(spec), site.cluster
    if given is None:
        return
    source, title = source_of(given), type(given).__name__
    if not cluster.has(API, KIND):
        because = f"the cluster {cluster.name} has no {API} {KIND}"
        do = 'write Cluster(installed=[Crd.ARGO_ROLLOUTS]), or rollout="surge"'
        yield Breach("X04", "rollout", title, because, do, source)
    if spec.nodes > 1:
        because = "replicas on several nodes are a LeaderWorkerSet, which Argo Rollouts does not replace"
        yield Breach("X11", "rollout", title, because, "leave rollout= away, and use two services and split=", source)
    for index, volume in enumerate(spec.volumes):
        if isinstance(volume, Claim) and volume.mode in {"ReadWriteOnce", "ReadWriteOncePod"}:
            because = f"pods of both versions mount {volume.name}, and this mode is for one node"
            do = 'use storage that many nodes can mount, or rollout="recreate"'
            yield Breach("V01", f"volumes[{index}].access_mode", volume.mode, because, do, source_of(volume))
    if isinstance(given, Canary):
        yield from _canary(given, spec, site)
    if given.analysis is not None:
        yield from _analysis(given.analysis, spec, site)
        yield from _measured(given, given.analysis)


def _canary(given: Canary, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    source = source_of(given)
    for host in hosts(spec):
        for option_, used in (("split", bool(host.split)), ("pool", host.pool is not None)):
            if used:
                because = "Argo Rollouts writes the shares of the route, and they are of two Services"
                do = f"leave {option_}= away, or rollout="
                yield Breach("X11", f"route.{option_}", None, because, do, source_of(host))
    if routed(spec, site):
        return
    if given.dynamic_stable_scale:
        because = "without a route by a Gateway old pods end anyway as new ones start"
        yield Breach("X11", "rollout.dynamic_stable_scale", True, because, "leave it away", source)  # noqa: FBT003
    first = next(iter(given.steps), ALL)
    if first * spec.least < ALL:
        because = f"without a route by a Gateway it is a share of pods, and one of {spec.least} is more"
        do = f"start with {-(-ALL // spec.least)} or more, or give it a route"
        yield Breach("X11", "rollout.steps", first, because, do, source)


def _analysis(analysis: Analysis, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    source, field = source_of(analysis), "rollout.analysis.query"
    if (place := queries.unknown(analysis.query)) is not None:
        because = "Argo Rollouts knows {{args.hash}} only, and no analysis can start"
        yield Breach("X11", field, place, because, "write {{args.hash}}, or leave it away", source)
    if queries.scalar(analysis.query):
        because = "its answer is no vector but a number alone, which Argo Rollouts hands over otherwise"
        do = "leave scalar() away, or write vector(...) around it"
        yield Breach("X11", field, analysis.query, because, do, source)
    yield from unexported(field, analysis.query, spec, source)
    if (analysis.at_most is None) == (analysis.at_least is None):
        because = "an analysis has one bound, by which a number is good or bad"
        yield Breach("X11", "rollout.analysis", None, because, "give either at_most= or at_least=", source)
    monitoring = site.cluster.monitoring
    if monitoring is None or not monitoring.address:
        because = f"the cluster {site.cluster.name} tells no address of its monitoring, which Argo Rollouts asks"
        do = 'write Monitoring(..., address="http://prometheus-operated.monitoring:9090")'
        yield Breach("X11", "rollout.analysis", None, because, do, source)


def _measured(given: Canary | BlueGreen, analysis: Analysis) -> Iterator[Breach]:
    """Yield that a version is the only one left before its numbers have been asked for twice."""
    if isinstance(given, BlueGreen):
        field, lasts, longer = "rollout.keep_old", given.keep_old, "keep_old="
    else:
        waits = list(given.steps.values())
        if None in waits:
            return
        field, longer = "rollout.steps", "shares that are kept for "
        lasts = sum((wait for wait in waits if wait is not None), timedelta(0))
    if lasts < 2 * analysis.every:
        asked, kept = whole_seconds(analysis.every), whole_seconds(lasts)
        because = f"the analysis asks every {asked} seconds, and the old pods stay {kept}: that is once, or never"
        do = f"write {longer}seconds({2 * asked}) or more, or ask more often: every=seconds({max(1, kept // 2)})"
        yield Breach("X11", field, lasts, because, do, source_of(given))
