"""What becomes of objects that are new, or whose manifest goes: made, pruned, or kept by an annotation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelyard.plan import kserve, others
from modelyard.plan.devices import asked
from modelyard.plan.model import DELIVERED, ORDER, Effect, Risk
from modelyard.plan.pairs import Pair
from modelyard.plan.rollouts import RUNS, cause, former, hooked
from modelyard.plan.trees import Manifest
from modelyard.render.base import SHORT
from modelyard.rules.v_models import COMPONENT, LOADER
from modelyard.values.at import at, mapping
from modelyard.values.kueue import QUEUE
from modelyard.values.names import LOGICAL_NAME, never_pruned

PRUNED: Mapping[str, tuple[Risk, str]] = {
    "ConfigMap": (Risk.CAUTION, "pods that mount it cannot start again"),
    "CronJob": (Risk.DANGER, "no run starts any more, and one that is going on ends with it"),
    "CustomResourceDefinition": (Risk.DANGER, "every object of its kind goes with it"),
    "DaemonSet": (Risk.DANGER, "its pods end"),
    "Deployment": (Risk.DANGER, "its pods end"),
    "HTTPRoute": (Risk.DANGER, "traffic from outside finds it no more"),
    "HorizontalPodAutoscaler": (Risk.CAUTION, "nobody scales any more"),
    "InferencePool": (Risk.DANGER, "routes to it lead nowhere"),
    "InferenceService": (Risk.DANGER, "its pods end, and the name of its Service leads nowhere"),
    "Ingress": (Risk.DANGER, "traffic from outside finds it no more"),
    "LeaderWorkerSet": (Risk.DANGER, "its pods end"),
    "Namespace": (Risk.DANGER, "everything in it goes with it"),
    "NetworkPolicy": (Risk.CAUTION, "it restricts traffic no more"),
    "PersistentVolumeClaim": (Risk.DANGER, "its data goes with it, unless its class retains volumes"),
    "PodDisruptionBudget": (Risk.CAUTION, "a drain of nodes may end all pods at once"),
    "Rollout": (Risk.DANGER, "its pods end"),
    "ScaledObject": (Risk.CAUTION, "nobody scales any more"),
    "Secret": (Risk.CAUTION, "pods that use it cannot start again"),
    "Service": (Risk.DANGER, "its name leads nowhere"),
    "ServiceAccount": (Risk.CAUTION, "pods that run as it cannot start again"),
    "StatefulSet": (Risk.DANGER, "its pods end"),
}
"""Kind to what it costs when it is deleted."""
SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})
LOADED = (Risk.CAUTION, "no file goes with it, and if it still loads, that ends")
"""What it costs when a Job that loads a model onto a claim is deleted, most of which are done."""
SHOWN = (Risk.NOTE, "Grafana shows it no more")
LEFT: Mapping[str, str] = {
    "PersistentVolumeClaim": "with its data",
    **dict.fromkeys(RUNS, "and goes on if it runs"),
}


def keepers(one: Manifest) -> frozenset[str]:
    """Return the controllers that leave *one* in the cluster when its manifest goes."""
    annotations = mapping(one, "metadata", "annotations")
    kept = {"Argo CD"} if never_pruned(annotations) or hooked(one) is not None else set()
    if str(annotations.get("kustomize.toolkit.fluxcd.io/prune", "")).lower() == "disabled":
        kept.add("Flux")
    return frozenset(kept)


def goes(one: Manifest, controllers: frozenset[str], now: Sequence[Manifest] = ()) -> Effect:
    """Return what happens to the object *one* when its manifest goes, and *now* are beside it."""
    kind, name = str(one["kind"]), at(one, "metadata", "name")
    risk, cost = LOADED if _loads(one) else SHOWN if others.dashboard(one) else _cost(kind)
    if kind in SCALERS and (heir := next(_scaling(one, now), None)) is not None:
        risk, cost = Risk.NOTE, heir
    kept = keepers(one) & controllers
    if kept == controllers:
        left = f"{kind} {name} stays {LEFT.get(kind, '')}".rstrip()
        return Effect("kept", Risk.CAUTION, f"{left}: delete it by hand when it is not needed")
    text = f"{kind} {name} is deleted" + (f": {cost}" if cost else "")
    if kept:
        text += f" (by {' and '.join(sorted(controllers - kept))}; {' and '.join(sorted(kept))} keeps it)"
    return Effect("pruned", risk, text)


def _scaling(one: Manifest, now: Sequence[Manifest]) -> Iterator[str]:
    """Yield what scales in place of the autoscaler *one*."""
    for other in now:
        kind, name = other.get("kind"), at(other, "metadata", "name")
        if kserve.standard(other) and kserve.bounds(other) is not None:
            yield f"KServe makes one for {kind} {name}"
        elif kind in SCALERS and at(other, "spec", "scaleTargetRef") == at(one, "spec", "scaleTargetRef"):
            yield f"{kind} {name} scales from now on"


def _loads(one: Manifest) -> bool:
    return one["kind"] == "Job" and mapping(one, "metadata", "labels").get(COMPONENT) == LOADER


def stays(one: Manifest) -> Effect:
    """Return what happens to *one*, which a controller itself reads, when its manifest goes: nobody prunes it."""
    kind, name, namespace = str(one["kind"]), at(one, "metadata", "name"), at(one, "metadata", "namespace")
    if kind == "Application":
        command = f"argocd app delete {name} --cascade=false"
    elif kind == "Kustomization":
        command = f"kubectl -n {namespace} delete kustomizations.kustomize.toolkit.fluxcd.io {name}"
    else:
        return Effect("kept", Risk.CAUTION, f"{kind} {name} stays: delete it by hand when nothing uses it any more")
    text = f"{kind} {name} stays and goes on, beside what follows it: delete it by hand first, {command}"
    return Effect("kept", Risk.DANGER, text)


def _cost(kind: str) -> tuple[Risk, str]:
    return (Risk.DANGER, "its pods end, if it still runs") if kind in RUNS else PRUNED.get(kind, (Risk.CAUTION, ""))


def all_go(manifests: Sequence[Manifest], controllers: frozenset[str]) -> Iterator[Effect]:
    """Yield what happens to all objects of a workload when their manifests go."""
    ends = [(one, goes(one, controllers)) for one in manifests]
    kept = [one for one, end in ends if end.code == "kept"]
    runs = any(one["kind"] in RUNS for one in kept)
    deleted = [(one, end.risk) for one, end in ends if end.code == "pruned"]
    if deleted:
        # What ends with its pods costs nothing more, unless a run stays.
        costs = [
            _with(one, _cost(one["kind"])[1] if risk is Risk.DANGER or runs else "") for one, risk in worst(deleted)
        ]
        yield Effect("pruned", worst(deleted)[0][1], f"deleted: {', '.join(costs)}")
    if kept:
        left = [_with(one, LEFT.get(one["kind"], "").removeprefix("and ")) for one in kept]
        yield Effect("kept", Risk.CAUTION, f"stays until somebody deletes it: {', '.join(left)}")


def worst(deleted: Sequence[tuple[Manifest, Risk]]) -> list[tuple[Manifest, Risk]]:
    """Return *deleted* by risk."""
    return sorted(deleted, key=lambda each: ORDER[each[1]])


def _with(one: Manifest, words: str) -> str:
    return f"{one['kind']} {at(one, 'metadata', 'name')}" + (f" ({words})" if words else "")


def made(pair: Pair, *, with_workload: bool) -> Iterator[Effect]:
    """Yield what a new object does; *with_workload* where all of its workload is new."""
    one = pair.doc.data
    kind, name = str(one["kind"]), at(one, "metadata", "name")
    if (phase := hooked(one)) is not None:
        text = f"{kind} {name} runs with every sync ({phase}), which waits until it ends"
        yield Effect("hook", Risk.CAUTION, text)
    elif kind in RUNS:
        yield from _run(pair)
    elif pair.former is not None:
        before = at(pair.former.data, "metadata", "name")
        yield Effect("new-name", Risk.NOTE, f"{kind} {name} is new; {before} stays for pods that still use it")
    elif kind == "CronJob":
        zone = at(one, "spec", "timeZone")
        when = f"{at(one, 'spec', 'schedule')}" + (f" {zone}" if zone else "")
        yield Effect("made", Risk.NOTE, f"CronJob {name} is new: schedule {when}")
    elif kind == "NetworkPolicy" and mapping(one, "metadata", "annotations").get(LOGICAL_NAME, name) != name:
        text = (
            f"NetworkPolicy {name} is new: traffic of the pods of a former run, and of no others, stays open as it was"
        )
        yield Effect("made", Risk.NOTE, text)
    elif kind == "NetworkPolicy" and not with_workload:
        yield Effect(
            "network-closes", Risk.DANGER, f"NetworkPolicy {name} is new: only what it allows reaches its pods"
        )
    elif pair.place[1] == DELIVERED:
        yield Effect("sync", Risk.CAUTION, f"{kind} {name} is new: what is synced, and how")
    else:
        yield Effect("made", Risk.NOTE, f"{kind} {name} is new")


def _run(pair: Pair) -> Iterator[Effect]:
    """Yield what a new object does that runs once."""
    one = pair.doc.data
    kind, name = str(one["kind"]), at(one, "metadata", "name")
    if former(one):
        yield Effect("made", Risk.NOTE, f"{kind} {name} is new as a former run, which nothing starts")
    elif pair.former is not None:
        before = at(pair.former.data, "metadata", "name")
        yield Effect("new-run", Risk.CAUTION, f"{_starts(pair, 'a new run')}; {_beside(before, one)}")
    elif at(one, "spec", "suspend") is True and not mapping(one, "metadata", "labels").get(QUEUE):
        yield Effect("made", Risk.NOTE, f"{kind} {name} is new, and suspended")
    else:
        yield Effect("run", Risk.CAUTION, _starts(pair, "a run"))


def _starts(pair: Pair, run: str, why: str = "") -> str:
    """Say that the new object of *pair* is *run*, unless it is one of before, which the cluster may still have."""
    kind, name = str(pair.doc.data["kind"]), at(pair.doc.data, "metadata", "name")
    if pair.past is None:
        return f"{run} {name} starts{why}"
    if not pair.past:
        return f"{run} {name} starts{why}, unless the cluster has it from before, which git cannot tell here"
    there = f"if {kind} {name} is still in the cluster, nothing starts"
    return f"the former run {name} is back{why}, in git until {pair.past[:SHORT]}: {there}, else it runs again"


def _beside(before: object, new: Manifest) -> str:
    devices = ", ".join(f"{ranged.most} more {resource}" for resource, ranged in asked([new]).items())
    return f"{before} stays, and goes on if it runs" + (f" ({devices} meanwhile)" if devices else "")


def replaced(pair: Pair, controllers: frozenset[str]) -> Iterator[Effect]:
    """Yield what happens where an object of another name takes the place of one."""
    if pair.old is None or pair.new is None:
        return
    old, new = pair.old.data, pair.new.data
    kind, name, before = str(new["kind"]), at(new, "metadata", "name"), at(old, "metadata", "name")
    spaces = at(old, "metadata", "namespace"), at(new, "metadata", "namespace")
    end = goes(old, controllers)
    if spaces[0] != spaces[1]:
        text = f"{kind} {name} is made anew in namespace {spaces[1]}"
        if end.code == "kept":
            left = f"in {spaces[0]} {'it' if name == before else before} stays {LEFT.get(kind, '')}".rstrip()
            yield Effect("namespace", Risk.DANGER, f"{text}; {left}")
        else:
            yield Effect("namespace", Risk.DANGER, f"{text}, from {spaces[0]}")
            yield end
    elif kind in RUNS and former(new):
        yield Effect("made", Risk.NOTE, f"{kind} {name} is new as a former run, which nothing starts")
        yield end
    elif kind in RUNS:
        why = f" ({cause(pair.fields)})" if pair.fields else ""
        if end.code == "kept":
            yield Effect("new-run", Risk.CAUTION, f"{_starts(pair, 'a new run', why)}; {_beside(before, new)}")
        else:
            yield Effect("new-run", Risk.CAUTION, _starts(pair, "a new run", why))
            yield end
    elif end.code == "kept":
        yield Effect("new-name", Risk.NOTE, f"{kind} {name} is new; {before} stays for pods that still use it")
    else:
        yield Effect("new-name", Risk.NOTE, f"{kind} {name} is new, in place of {before}")
        yield end
