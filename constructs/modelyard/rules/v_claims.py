"""V: claims: how many nodes may mount them, and the storage that they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules import kserve
from modelyard.rules.demand import listed, most
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called, share
from modelyard.values.similar import did_you_mean

MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"

V01 = Rule(
    "V01",
    "A claim that one node can mount is mounted by one pod.",
    why="The second pod lands on another node and waits there for ever (Multi-Attach error).",
    fix="use storage that many nodes can mount (ReadWriteMany or ReadOnlyMany), or one pod",
    see=MODES,
    acceptable=True,
)
V02 = Rule(
    "V02",
    "A rollout does not need two pods on a claim that one node can mount.",
    why="The new pod waits for the volume and the old pod for the new one: the rollout stands still for ever.",
    fix="write strategy: {type: Recreate}",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#recreate-deployment",
    acceptable=True,
)
V03 = Rule(
    "V03",
    "A claim asks for a storage class that the cluster has, and for access modes that the class offers.",
    why="The claim stays Pending, and with it every pod that mounts it.",
    fix="choose another class or mode, or declare it in Cluster(storage=[...])",
    see=MODES,
    acceptable=True,
)

ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
LASTING = frozenset(
    {"DaemonSet", "Deployment", "InferenceService", "LeaderWorkerSet", "ReplicaSet", "Rollout", "StatefulSet"}
)
"""Kinds whose pods hold a claim as long as the object is there."""
USUAL_SURGE = "25%"

Claims = Mapping[tuple[str | None, str], list[Pod]]


@V01.pods
def shared(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look at the claims that a pod mounts, and who else mounts them."""
    for index, volume in enumerate(pod.volumes):
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if not name:
            continue
        claim = scope.find("PersistentVolumeClaim", pod.object.namespace, name)
        if claim is None or not (modes := claim.spec.get("accessModes")) or not ONE_NODE.issuperset(modes):
            continue
        at = pod.at(f"spec.volumes[{index}].persistentVolumeClaim.claimName")
        yield from _single(at, name, pod, claim, scope)


def _single(at: str, name: str, pod: Pod, claim: Object, scope: Scope) -> Iterator[Breach]:
    one, modes = pod.object, listed(claim.spec["accessModes"])
    limit = f"{modes} is for one {'pod' if 'ReadWriteOncePod' in modes else 'node'}"
    count, scaler = most(scope, one, pod)
    if count > 1:
        pods = "a pod on every node mounts" if one.kind == "DaemonSet" else f"up to {count} pods mount"
        who = f" ({called(scaler)})" if scaler else ""
        yield V01.breach(at, name, f"{pods} it{who}, and {limit}")
        return
    users = _mounting(scope)[one.namespace, name]
    earlier = users[: users.index(pod)]
    other = next((user.object for user in earlier if _collide(user.object, one)), None)
    if other is not None:
        because = f"{called(other)} mounts it too, and {limit}"
        yield V01.breach(at, name, because, "use storage that many nodes can mount, or a claim for each")
    if one.kind in {"Deployment", kserve.KIND} and _surge(one):
        yield V02.breach(at, name, f"a rollout starts a new pod before it ends the old one, and {limit}")


def _collide(first: Object, second: Object) -> bool:
    """Return whether the two run at the same time for sure: two Jobs may well come one after the other."""
    return first.kind in LASTING or second.kind in LASTING


def _surge(one: Object) -> int:
    strategy = (one.spec.get("strategy") or kserve.part(one).get("deploymentStrategy")) or {}
    if strategy.get("type") == "Recreate":
        return 0
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge")
    return share(USUAL_SURGE if surge is None else surge, 1, up=True)


def _mounting(scope: Scope) -> Claims:
    """Return who mounts each claim, in the order of the objects."""
    if "claims" not in scope.memo:
        found: dict[tuple[str | None, str], list[Pod]] = {}
        for one in scope.objects:
            for pod in one.pods:
                for volume in pod.volumes:
                    if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                        users = found.setdefault((one.namespace, name), [])
                        if pod not in users:
                            users.append(pod)
        scope.memo["claims"] = found
    claims: Claims = scope.memo["claims"]
    return claims


@V03.objects("PersistentVolumeClaim")
def offered(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare a claim with the cluster's storage classes."""
    yield from _offered(one.spec, "spec", scope)


@V03.objects("StatefulSet")
def offered_to_each(one: Object, scope: Scope) -> Iterator[Breach]:
    """Compare the claims that a StatefulSet makes with the cluster's storage classes."""
    for index, claim in enumerate(one.spec.get("volumeClaimTemplates") or ()):
        yield from _offered(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}].spec", scope)


@V03.pods
def offered_to_pods(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare the claims that pods make for themselves with the cluster's storage classes."""
    for index, volume in enumerate(pod.volumes):
        if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
            at = pod.at(f"spec.volumes[{index}].ephemeral.volumeClaimTemplate.spec")
            yield from _offered(claim.get("spec") or {}, at, scope)


def _offered(spec: Mapping[str, Any], path: str, scope: Scope) -> Iterator[Breach]:
    cluster = scope.site.cluster
    name = spec.get("storageClassName")
    # A claim with volumeName waits for that volume, whatever its class; one without a class gets the default one.
    if cluster.storage is None or not name or spec.get("volumeName"):
        return
    found = next((one for one in cluster.storage if one.name == name), None)
    if found is None:
        known = sorted(one.name for one in cluster.storage)
        because = f"the cluster {cluster.name} has no such storage class"
        do = did_you_mean(name, known) or f"it has {listed(known)}"
        yield V03.breach(f"{path}.storageClassName", name, because, do)
        return
    for index, mode in enumerate(spec.get("accessModes") or ()):
        if mode not in found.modes:
            because = f"the storage class {name} of {cluster.name} offers {listed(sorted(found.modes))}"
            yield V03.breach(f"{path}.accessModes[{index}]", mode, because, "choose one of these, or another class")
