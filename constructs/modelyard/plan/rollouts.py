"""What a change does to pods: rollouts, replicas, runs, schedules, and the bounds of autoscalers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.plan import kserve
from modelyard.plan.conceal import Hidden
from modelyard.plan.fields import FieldChange, pathed
from modelyard.plan.model import Effect, Risk
from modelyard.plan.pairs import Pair, manifest
from modelyard.plan.trees import Manifest
from modelyard.rules.kinds import POD_PATHS
from modelyard.values.at import at, items, mapping, whole
from modelyard.values.names import ARGO_HOOK, SKIPPED, hook_phase

MOST_NAMED = 3
CONFIG = ("configMap", "configMapRef", "configMapKeyRef")
SCALED = {
    "HorizontalPodAutoscaler": ("minReplicas", "maxReplicas"),
    "ScaledObject": ("minReplicaCount", "maxReplicaCount"),
}
QUIET = frozenset((key,) for key in (*kserve.SCALING, kserve.STRATEGY))
"""Fields of a predictor, as ends of paths, that change no pod."""
RUNS = frozenset({"Job", "JobSet", "MPIJob", "PyTorchJob", "RayJob", "TFJob", "TrainJob", "Workflow"})
"""Kinds that run once, and are never started again."""


def named(fields: Sequence[FieldChange], below: int = 0) -> str:
    """Return where *fields* are, without their first *below* steps: the first few, and how many more."""
    texts = list(dict.fromkeys(pathed(one.path[below:]) or one.text for one in fields))
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def below(fields: Sequence[FieldChange], *path: str) -> list[FieldChange]:
    """Return those of *fields* that lie at *path* or below it, or above it."""
    return [one for one in fields if one.path[: len(path)] == path[: len(one.path)]]


def workload(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a Deployment, StatefulSet or DaemonSet does."""
    new = manifest(pair.new)
    rolled = below(pair.fields, "spec", "template")
    if rolled:
        yield _rollout(new, cause(rolled))
    scaled = below(pair.fields, "spec", "replicas")
    yield from replicas(manifest(pair.old), new, scaled)
    rest = [one for one in pair.fields if one not in rolled and one not in scaled]
    rest = [one for one in rest if one.path[:2] != ("spec", "selector") and not (rolled and one.path[0] == "metadata")]
    if rest:
        yield Effect("settings", Risk.NOTE, f"no pod restarts for {named(rest)}")


def inference(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of an InferenceService does, whose labels and annotations KServe copies to the pods."""
    old, new = manifest(pair.old), manifest(pair.new)
    bounds = [one for one in pair.fields if one.path in {(*kserve.PREDICTOR, key) for key in kserve.BOUNDS}]
    quiet = [one for one in pair.fields if one.path[:2] == kserve.PREDICTOR and one.path[2:3] in QUIET]
    if rolled := [one for one in pair.fields if one not in bounds and one not in quiet]:
        why = cause(rolled, kserve.PREDICTOR)
        if kserve.standard(new):
            yield _deployment(kserve.deployment(new), why)
        else:
            yield Effect("pods", Risk.CAUTION, f"its pods may be replaced: {why}")
    if bounds:
        yield from _between(old, new, bounds)
    scaling = [one for one in quiet if one.path[2] in kserve.SCALING]
    if scaling:
        yield Effect("scaling", Risk.NOTE, f"how it scales, no pod restarts: {named(scaling)}")
    if rest := [one for one in quiet if one not in scaling]:
        yield Effect("settings", Risk.NOTE, f"no pod restarts for {named(rest)}")


def _between(old: Manifest, new: Manifest, fields: Sequence[FieldChange]) -> Iterator[Effect]:
    before, now = kserve.bounds(old), kserve.bounds(new)
    if before is not None and now is not None:
        lower = now[1] < before[1]
        only = f"pods above {now[1]} end" if lower else "no pod restarts"
        text = f"autoscaler bounds {before[0]}-{before[1]} -> {now[0]}-{now[1]}, {only}"
        yield Effect("bounds", Risk.CAUTION if lower else Risk.NOTE, text)
    elif before is now is None:
        yield from replicas(kserve.deployment(old), kserve.deployment(new), fields)
    else:
        yield Effect("scaling", Risk.CAUTION, f"something else scales it: {named(fields)}")


def cause(rolled: Sequence[FieldChange], pods: tuple[str, ...] = ("spec", "template", "spec")) -> str:
    """Return what replaces pods: the configuration alone, or the fields, those of the pod without what leads to it."""
    if all(any(step in CONFIG for step in one.path) for one in rolled):
        names = sorted({str(one.after) for one in rolled if isinstance(one.after, str)})
        return f"config only ({', '.join(names) or named(rolled, len(pods))})"
    pod = [one for one in rolled if one.path[: len(pods)] == pods]
    rest = [one for one in rolled if one not in pod]
    return ", ".join([*([_short(pod, len(pods))] if pod else []), *([named(rest, len(pods) - 2)] if rest else [])])


def _short(fields: Sequence[FieldChange], below: int) -> str:
    if len(fields) == 1 and fields[0].path[-1] == "image":
        (one,) = fields
        return f"{named(fields, below)} {_tag(one.before)} -> {_tag(one.after)}"
    return named(fields, below)


def _tag(image: object) -> str:
    """Return the tag of an image, or what else tells it from another."""
    if not isinstance(image, str):
        return str(image) if isinstance(image, Hidden) else "none"
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or digest[:19] or "latest"


def _rollout(new: Manifest, cause: str) -> Effect:
    if new["kind"] == "Deployment":
        return _deployment(new, cause)
    if new["kind"] == "Rollout":
        return _tracks(new, cause)
    if at(new, "spec", "updateStrategy", "type") == "OnDelete":
        return Effect("on-delete", Risk.CAUTION, f"pods change when somebody deletes them (OnDelete): {cause}")
    where = "one after another" if new["kind"] == "StatefulSet" else "node by node"
    return Effect("rolling-update", Risk.CAUTION, f"pods restart {where}: {cause}")


def _deployment(new: Manifest, cause: str) -> Effect:
    if at(new, "spec", "strategy", "type") == "Recreate":
        text = f"all pods end before new ones start (Recreate), so it is away meanwhile: {cause}"
        return Effect("recreate", Risk.DANGER, text)
    rolling = mapping(new, "spec", "strategy", "rollingUpdate")
    unavailable = rolling.get("maxUnavailable", "25%")
    if at(new, "spec", "replicas") == 0:
        return Effect("rolling-update", Risk.NOTE, f"new pods differ, and there are none now: {cause}")
    if unavailable in {0, "0%"} or (isinstance(unavailable, str) and whole(new, "spec", "replicas", default=1) == 1):
        return Effect("rolling-update", Risk.CAUTION, f"rolling update, new pods ready before old ones end: {cause}")
    if at(new, "spec", "replicas") == 1:
        text = f"its one pod ends before the new one is ready, so it is away meanwhile: {cause}"
        return Effect("rolling-update", Risk.DANGER, text)
    return Effect(
        "rolling-update", Risk.CAUTION, f"rolling update, up to {unavailable} of its pods away at a time: {cause}"
    )


def _tracks(new: Manifest, cause: str) -> Effect:
    if green := mapping(new, "spec", "strategy", "blueGreen"):
        when = "when somebody promotes them"
        if green.get("autoPromotionEnabled", True):
            after = green.get("autoPromotionSeconds")
            when = f"{after} seconds after they are ready" if after else "as soon as they are ready"
        text = f"new pods beside all old ones (blue-green), which get the requests {when}: {cause}"
        return Effect("blue-green", Risk.CAUTION, text)
    steps = items(mapping(new, "spec", "strategy", "canary"), "steps")
    shares = ", ".join(f"{step['setWeight']}" for step in steps if "setWeight" in step)
    text = f"canary of {shares} percent, then all" if shares else "rolling update by Argo Rollouts"
    if any("pause" in step and not at(step, "pause", "duration") for step in steps):
        text += ", and it waits for somebody to promote it"
    return Effect("canary", Risk.CAUTION, f"{text}: {cause}")


def replicas(old: Manifest, new: Manifest, scaled: Sequence[FieldChange]) -> Iterator[Effect]:
    """Yield what the change of a number of replicas does, if *scaled* has one."""
    if not scaled:
        return
    before, now = at(old, "spec", "replicas"), at(new, "spec", "replicas")
    if now is None:
        # From more than one pod this costs pods, and G13 tells of it.
        if not isinstance(before, int) or before <= 1:
            yield Effect("replicas-handed-over", Risk.NOTE, "an autoscaler owns the replicas from now on")
    elif now == 0:
        yield Effect("replicas", Risk.DANGER, f"replicas {_was(before)} -> 0: no pod is left")
    elif before is None:
        yield Effect("replicas", Risk.CAUTION, f"git owns the replicas from now on: {now}")
    else:
        yield Effect("replicas", Risk.CAUTION, f"replicas {before} -> {now}")


def _was(value: object) -> str:
    return "an autoscaler's" if value is None else str(value)


def hooked(one: Manifest) -> str | None:
    """Return the phase of Argo CD's syncs that *one* is a hook of, or None where it is none."""
    return hook_phase(mapping(one, "metadata", "annotations"))


def former(one: Mapping[str, Any]) -> bool:
    """Return whether *one* is rendered as a former run, which controllers neither change nor start."""
    return mapping(one, "metadata", "annotations").get(ARGO_HOOK) == SKIPPED


def run(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a Job, or of another object that runs once, does."""
    old, new = manifest(pair.old), manifest(pair.new)
    if former(old) and not former(new):
        kind, name = new["kind"], at(new, "metadata", "name")
        there = f"if {kind} {name} is still in the cluster, nothing starts, else it runs again"
        yield Effect("new-run", Risk.CAUTION, f"the former run {name} is the one of now again: {there}")
        return
    if former(new) and not former(old):
        yield Effect("settings", Risk.NOTE, "it is a former run now, and goes on if it runs")
        return
    if (phase := hooked(manifest(pair.new))) is not None:
        yield Effect("hook", Risk.CAUTION, f"the next sync runs it so ({phase}), and waits: {named(pair.fields)}")
        return
    suspended = below(pair.fields, "spec", "suspend")
    if suspended and at(manifest(pair.new), "spec", "suspend") is True:
        yield Effect("suspended", Risk.DANGER, "the run is suspended: its pods end")
    elif suspended:
        yield Effect("resumed", Risk.CAUTION, "the run starts, or goes on")
    template = (*POD_PATHS["Job"], "") if pair.doc.data["kind"] == "Job" else ()
    rest = [one for one in pair.fields if one not in suspended and one.path[:2] != template[:2]]
    if rest:
        yield Effect("settings", Risk.NOTE, f"changed in place, the run goes on: {named(rest)}")


def schedule(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a CronJob does."""
    old, new = manifest(pair.old), manifest(pair.new)
    timed = [*below(pair.fields, "spec", "schedule"), *below(pair.fields, "spec", "timeZone")]
    if timed:
        text = f"schedule {_schedule(old)} -> {_schedule(new)}"
        yield Effect("schedule", Risk.CAUTION, text)
    suspended = below(pair.fields, "spec", "suspend")
    if suspended:
        stopped = at(new, "spec", "suspend") is True
        text = "no run starts any more (suspended)" if stopped else "runs start again"
        yield Effect("suspended" if stopped else "resumed", Risk.CAUTION, text)
    rest = [one for one in pair.fields if one not in timed and one not in suspended]
    if rest:
        text = f"from the next run on, one that is going on is left alone: {named(rest)}"
        yield Effect("next-run", Risk.NOTE, text)


def _schedule(cron: Manifest) -> str:
    zone = at(cron, "spec", "timeZone")
    return f"{at(cron, 'spec', 'schedule')}" + (f" {zone}" if zone else "")


def autoscaler(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a HorizontalPodAutoscaler or a ScaledObject does."""
    old, new = manifest(pair.old), manifest(pair.new)
    least, most = SCALED[str(new["kind"])]
    bounds = [*below(pair.fields, "spec", least), *below(pair.fields, "spec", most)]
    if bounds:
        only = "no pod restarts"
        lower = whole(new, "spec", most, default=1) < whole(old, "spec", most, default=1)
        if lower:
            only = f"pods above {at(new, 'spec', most)} end"
        elif whole(new, "spec", least, default=1) == 0 and whole(old, "spec", least, default=1) > 0:
            only, lower = "it may scale to no pod at all", True
        text = f"autoscaler bounds {_bounds(old, least, most)} -> {_bounds(new, least, most)}, {only}"
        yield Effect("bounds", Risk.CAUTION if lower else Risk.NOTE, text)
    rest = [one for one in pair.fields if one not in bounds]
    if target := below(rest, "spec", "scaleTargetRef"):
        yield Effect("scale-target", Risk.DANGER, f"it scales something else: {named(target)}")
    if rest := [one for one in rest if one not in target]:
        yield Effect("scaling", Risk.NOTE, f"how it scales, no pod restarts: {named(rest)}")


def _bounds(scaler: Manifest, least: str, most: str) -> str:
    return f"{at(scaler, 'spec', least)}-{at(scaler, 'spec', most)}".replace("None", "default")
