"""G: delivery: changes that the API server refuses, or that cost more than they say."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.g_fixed import Manifest, fixed
from modelyard.rules.kinds import OTHERS, VOLCANO
from modelyard.rules.rule import Rule
from modelyard.values.at import at

G13 = Rule(
    "G13",
    "The number of replicas has another owner before it leaves git.",
    why=(
        "A field that its only owner gives up goes back to its default, and that of replicas is 1: the pods but one, of"
        " a LeaderWorkerSet the groups but one, are ended, and come back when the autoscaler has looked. It happens"
        " once, at the sync of this change."
    ),
    fix="give the field another owner first",
    see="https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership",
    severity=Severity.WARNING,
    acceptable=True,
)
REPLICAS = frozenset({"Deployment", "LeaderWorkerSet", "ReplicaSet", "Rollout", "StatefulSet"})
"""Kinds that an autoscaler scales by their ``spec.replicas``, which is 1 where nobody gives it."""


def changes(old: Manifest, new: Manifest) -> Iterator[Breach]:
    """Yield what would go wrong in the cluster when the object *old* becomes *new*."""
    if _identity(old) != _identity(new):
        return
    kind = str(new.get("kind"))
    if str(new.get("apiVersion")).startswith(VOLCANO):
        kind = OTHERS.get(kind, kind)
    if kind in REPLICAS:
        yield from _replicas(old, new)
    yield from fixed(kind, old, new)


def _identity(manifest: Manifest) -> tuple[object, ...]:
    metadata = manifest.get("metadata") or {}
    return manifest.get("kind"), metadata.get("namespace"), metadata.get("name")


def _replicas(old: Manifest, new: Manifest) -> Iterator[Breach]:
    before, now = at(old, "spec", "replicas"), at(new, "spec", "replicas")
    if not isinstance(before, int) or before <= 1 or now is not None:
        return
    kind, name, namespace = new["kind"], new["metadata"]["name"], new["metadata"].get("namespace")
    head = f'"apiVersion":"{new["apiVersion"]}","kind":"{kind}","metadata":{{"name":"{name}"}}'
    partial = f'{{{head},"spec":{{"replicas":{before}}}}}'
    do = (
        f"run before the merge: echo '{partial}' | kubectl -n {namespace} apply --server-side"
        " --field-manager=handover -f -"
    )
    because = f"git held {before}, and the number falls to 1 until the autoscaler has looked"
    yield G13.breach("spec.replicas", None, because, do)
