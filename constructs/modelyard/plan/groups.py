"""What a change of a LeaderWorkerSet does, which replaces its pods by groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from modelyard.fleet.hardware import GROUP_TOGETHER
from modelyard.plan.fields import FieldChange
from modelyard.plan.model import Effect, Risk
from modelyard.plan.pairs import Pair, manifest
from modelyard.plan.rollouts import below, cause, named, replicas
from modelyard.plan.trees import Manifest
from modelyard.rules.workloads import share
from modelyard.values.at import at, mapping

TEMPLATE = ("spec", "leaderWorkerTemplate")
POD = ("spec", "template")
REVISED = (TEMPLATE, ("spec", "networkConfig"), ("metadata", "annotations", GROUP_TOGETHER))
"""What its controller makes new groups for."""
ALL = "100%"


def groups(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a LeaderWorkerSet does."""
    old, new = manifest(pair.old), manifest(pair.new)
    rolled = [one for path in REVISED if at(old, *path) != at(new, *path) for one in below(pair.fields, *path)]
    if rolled:
        yield _rollout(new, cause(_both(rolled, new)))
    scaled = below(pair.fields, "spec", "replicas")
    yield from replicas(old, new, scaled)
    if rest := [one for one in pair.fields if one not in rolled and one not in scaled]:
        yield Effect("settings", Risk.NOTE, f"no pod restarts for {named(rest)}")


def _rollout(new: Manifest, why: str) -> Effect:
    rolling = mapping(new, "spec", "rolloutStrategy", "rollingUpdateConfiguration")
    away, surge, count = rolling.get("maxUnavailable", 1), rolling.get("maxSurge", 0), at(new, "spec", "replicas")
    if count == 0:
        return Effect("rolling-update", Risk.NOTE, f"new groups differ, and there are none now: {why}")
    if away in {0, "0%"}:
        text = f"rolling update by groups, the last first, {surge} extra ready before old ones end: {why}"
        return Effect("rolling-update", Risk.CAUTION, text)
    all_away = away == ALL or (isinstance(count, int) and share(away, count, up=False) >= count)
    if all_away and count == 1:
        text = f"its one group ends before the new one is ready, so it is away meanwhile: {why}"
        return Effect("rolling-update", Risk.DANGER, text)
    if all_away:
        text = f"all groups may end before new ones are ready, so it is away meanwhile: {why}"
        return Effect("recreate", Risk.DANGER, text)
    text = f"rolling update by groups, the last first, up to {away} of them away at a time: {why}"
    return Effect("rolling-update", Risk.CAUTION, text)


def _both(fields: Sequence[FieldChange], new: Manifest) -> list[FieldChange]:
    """Return *fields* with those once that change alike in leaders and workers, as if of one template."""
    parts = ["workerTemplate", *(["leaderTemplate"] if at(new, *TEMPLATE, "leaderTemplate") is not None else [])]
    found: list[FieldChange] = []
    for one in fields:
        alike = [attrs.evolve(one, path=(*TEMPLATE, part, *one.path[3:])) for part in parts]
        if one.path[:2] == TEMPLATE and one in alike and all(each in fields for each in alike):
            one = attrs.evolve(one, path=(*POD, *one.path[3:]))  # noqa: PLW2901 # the same, told once
        if one not in found:
            found.append(one)
    return found
