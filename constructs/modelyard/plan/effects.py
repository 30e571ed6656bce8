"""What the change of one object does, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from modelyard.plan import fates, groups, kserve, network, others, rollouts
from modelyard.plan.model import DELIVERED, Effect, Risk, worst_first
from modelyard.plan.pairs import Pair
from modelyard.plan.trees import Manifest
from modelyard.rules import changes
from modelyard.values.names import HOOK, PROVENANCE

LOOKS: Mapping[str, Callable[[Pair], Iterator[Effect]]] = {
    "ClusterRole": others.permissions,
    "ClusterRoleBinding": others.permissions,
    "ConfigMap": others.config,
    "CronJob": rollouts.schedule,
    "DaemonSet": rollouts.workload,
    "Deployment": rollouts.workload,
    "HTTPRoute": others.route,
    "HorizontalPodAutoscaler": rollouts.autoscaler,
    "InferencePool": others.route,
    "InferenceService": rollouts.inference,
    "Ingress": others.route,
    "LeaderWorkerSet": groups.groups,
    "LimitRange": others.limits,
    "Namespace": others.namespace,
    "NetworkPolicy": network.policy,
    "PersistentVolumeClaim": others.claim,
    "ResourceQuota": others.limits,
    "Role": others.permissions,
    "RoleBinding": others.permissions,
    "Rollout": rollouts.workload,
    "ScaledObject": rollouts.autoscaler,
    "Secret": others.config,
    "Service": others.service,
    "StatefulSet": rollouts.workload,
    **dict.fromkeys(rollouts.RUNS, rollouts.run),
}
"""Kind to what tells the effects of its changes."""
LABELS, SILENT = ("metadata", "labels"), {("metadata", "annotations", key) for key in (HOOK, PROVENANCE)}
PODS = ("template", "podTemplate", "containers")


def effects(
    pair: Pair, controllers: frozenset[str], *, with_workload: bool, now: Sequence[Manifest] = ()
) -> list[Effect]:
    """
    Return what the change of *pair* does, the worst first.

    *with_workload* says whether all of its workload is new, or the pods that it is for; *now* are the manifests
    beside it.
    """
    if pair.old is not None and pair.place[1] == DELIVERED and (pair.new is None or pair.replaces):
        made = [] if pair.new is None else fates.made(Pair(new=pair.new), with_workload=False)
        return worst_first([fates.stays(pair.old.data), *made])
    if pair.new is None:
        return [fates.goes(pair.doc.data, controllers, now)]
    if pair.replaces:
        return worst_first(list(fates.replaced(pair, controllers)))
    if pair.old is None:
        return list(fates.made(pair, with_workload=with_workload))
    copied = kserve.standard(pair.new.data)
    if not copied and all(one.path[:2] == LABELS or one.path in SILENT for one in pair.fields):
        note = Effect("labels", Risk.NOTE, f"only {rollouts.named(pair.fields)}")
        return list(_refused(pair)) or [note]
    seen = network.eased(_look(pair), pair.new.data, now)
    return worst_first([*_refused(pair), *seen] or list(others.in_place(pair)))


def _refused(pair: Pair) -> Iterator[Effect]:
    """Yield what the API server refuses, and what costs pods once: rules know both."""
    if pair.old is None or pair.new is None:
        return
    try:
        found = list(changes(pair.old.data, pair.new.data))
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # rules look at what has passed its schema, and what an older commit holds may not have
    for breach in found:
        if breach.rule == "G13":
            yield Effect("replicas-handed-over", Risk.DANGER, f"{breach.because}; {breach.do}")
        else:
            text = f"refused by the API server: {breach.field}: {breach.because}; {breach.do}"
            yield Effect("refused", Risk.DANGER, text)


def _look(pair: Pair) -> Iterator[Effect]:
    if pair.place[1] == DELIVERED:
        yield from others.delivery(pair)
    elif (look := LOOKS.get(pair.doc.data["kind"])) is not None:
        yield from look(pair)
    elif pods := [one for one in pair.fields if any(step in PODS for step in one.path)]:
        yield Effect("pods", Risk.CAUTION, f"its pods may be replaced: {rollouts.named(pods)}")
    else:
        yield from others.in_place(pair)
