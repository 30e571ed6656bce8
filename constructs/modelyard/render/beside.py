"""What pods of a former run need besides what carries a hash: objects of plain names, and what reached them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from modelyard.fleet import Manifest
from modelyard.pod import named_by_content
from modelyard.values.names import LOGICAL_NAME

POLICY = "NetworkPolicy"
BY_FIELD = {
    "serviceAccountName": "ServiceAccount",
    "subdomain": "Service",
    "claimName": "PersistentVolumeClaim",
    "secretName": "ExternalSecret",
}
"""Fields of a pod that name an object, and the kind of that."""
BY_REFERENCE = {"secretKeyRef": "ExternalSecret", "secretRef": "ExternalSecret"}
NAMED = frozenset({*BY_FIELD.values(), *BY_REFERENCE.values()})
"""Kinds whose objects keep their plain names, since pods ask for them by these."""
KINDS = NAMED | {POLICY}
PODS = {
    ("batch", "Job"): "batch.kubernetes.io/job-name",
    ("batch.volcano.sh", "Job"): "volcano.sh/job-name",
    ("jobset.x-k8s.io", "JobSet"): "jobset.sigs.k8s.io/jobset-name",
    ("trainer.kubeflow.org", "TrainJob"): "jobset.sigs.k8s.io/jobset-name",
}
"""By the kind of a run, the label of its pods that holds its name."""
RAY_PODS = {"key": "ray.io/cluster", "operator": "Exists"}
"""What the pods of RayJobs are chosen by: none carries its name, but that of the cluster which KubeRay makes for it."""

Present = Callable[[Manifest, str], Manifest | None]
"""Answers, given an object and a name, with what is rendered now of its kind and that name."""


def known_as(manifest: Manifest) -> str:
    """Return the name under which *manifest*, a former object, is rendered."""
    metadata = manifest["metadata"]
    return str(metadata["annotations"][LOGICAL_NAME] if manifest["kind"] in NAMED else metadata["name"])


def plain(manifest: Manifest) -> Manifest:
    """Return *manifest*, which the lock file holds under a name of its content, under the name that pods ask for."""
    metadata = {**manifest["metadata"], "name": known_as(manifest)}
    annotations = {key: text for key, text in metadata.pop("annotations").items() if key != LOGICAL_NAME}
    return {**manifest, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


def needed(
    runs: Sequence[Manifest],
    kept: Sequence[Manifest],
    *,
    locked: Sequence[Manifest],
    before: Sequence[Manifest],
    present: Present,
    new: Collection[str],
) -> Iterator[Manifest]:
    """
    Yield what stays rendered for the pods of *runs*, by names that carry content.

    Args:
        runs: Former ones that are kept, newest first.

        kept: These and what is kept of what they refer to, in which there may be pods, too.

        locked: What the lock file has of such objects.

        before: What was rendered last of them, under plain names.

        present: What is rendered now, which needs not be kept.

        new: The names of those *runs* that were not former ones before.
    """
    wanted = {reference for one in kept for reference in _references(one.get("spec"))}
    taken: dict[tuple[str, str], Manifest] = {}
    for one in (*locked, *map(named_by_content, before)):
        key = one["kind"], known_as(one)
        if key in wanted and present(one, key[1]) is None:
            taken.setdefault(key, one)
    yield from taken.values()
    yield from _policies(runs, locked, before, present, new)


def _policies(
    runs: Sequence[Manifest],
    locked: Sequence[Manifest],
    before: Sequence[Manifest],
    present: Present,
    new: Collection[str],
) -> Iterator[Manifest]:
    """Yield what let traffic through to each of *runs*, for its pods alone, where that is closed now."""
    taken: dict[str, Manifest] = {}
    for run in runs:
        own = [one for one in locked if one["kind"] == POLICY and _for(one, run)["spec"] == one["spec"]]
        if not own or run["metadata"]["name"] in new:
            own = [*(named_by_content(_for(one, run)) for one in before if one["kind"] == POLICY), *own]
        for one in own:
            now = present(one, one["metadata"]["annotations"][LOGICAL_NAME])
            if now is None or not all(rule in _rules(now) for rule in _rules(one)):
                taken.setdefault(one["metadata"]["name"], one)
    yield from taken.values()


def _rules(policy: Manifest) -> list[tuple[str, object]]:
    """Return what *policy* lets through, each rule with its direction."""
    spec = policy.get("spec")
    found = [(each, spec.get(each)) for each in ("ingress", "egress")] if isinstance(spec, dict) else []
    return [(direction, rule) for direction, rules in found if isinstance(rules, list) for rule in rules]


def _for(policy: Manifest, run: Manifest) -> Manifest:
    """Return *policy* for the pods of *run* only."""
    chosen = policy["spec"]["podSelector"]
    label = PODS.get((run["apiVersion"].rpartition("/")[0], run["kind"]))
    if label is None:
        others = [one for one in chosen.get("matchExpressions", ()) if one != RAY_PODS]
        chosen = {**chosen, "matchExpressions": [*others, RAY_PODS]}
    else:
        chosen = {**chosen, "matchLabels": {**chosen.get("matchLabels", {}), label: run["metadata"]["name"]}}
    return {**policy, "spec": {**policy["spec"], "podSelector": chosen}}


def _references(value: Any) -> Iterator[tuple[str, str]]:  # any part of a manifest
    """Yield kind and name of the objects that pods in *value* ask for by plain names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in BY_FIELD and isinstance(inner, str):
                yield BY_FIELD[key], inner
            elif key in BY_REFERENCE and isinstance(inner, dict):
                yield BY_REFERENCE[key], str(inner.get("name"))
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
