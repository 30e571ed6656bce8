"""S: the claims that a JobSet makes for its pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.names import LABEL_LENGTH, subdomain

S06 = Rule(
    "S06",
    "A claim that a JobSet makes has a name of its own, and a container that mounts it.",
    why=(
        "The webhook of JobSet refuses the JobSet. A claim is made once, as <claim>-<JobSet>, for all pods of the set:"
        " one that is there already has to be the same, and has to stay when the set is deleted."
    ),
    fix="rename the claim",
    see="https://github.com/kubernetes-sigs/jobset/blob/main/keps/572-stateful-jobset/README.md",
)

Part = Mapping[str, Any]


@S06.objects("JobSet")
def claims(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at the templates of claims."""
    if not one.api_version.startswith("jobset.x-k8s.io/"):
        return
    seen: set[str] = set()
    for index, policy in enumerate(one.spec.get("volumeClaimPolicies") or ()):
        for place, template in enumerate(policy.get("templates") or ()):
            at = f"spec.volumeClaimPolicies[{index}]"
            metadata: Part = template.get("metadata") or {}
            name, field = str(metadata.get("name") or ""), f"{at}.templates[{place}].metadata"
            made = f"{name}-{one.name}"
            if name in seen:
                yield S06.breach(f"{field}.name", name, "another claim of the set has this name")
                continue
            seen.add(name)
            if broken := subdomain(name):
                yield S06.breach(f"{field}.name", name, broken)
            elif len(made) > LABEL_LENGTH:
                because = (
                    f"the claim would be called {made}, of {len(made)} characters, and {LABEL_LENGTH} are possible"
                )
                yield S06.breach(f"{field}.name", name, because, f"shorten it by {len(made) - LABEL_LENGTH}")
            if metadata.get("namespace"):
                because = "the claim is made in the namespace of the set"
                yield S06.breach(f"{field}.namespace", metadata["namespace"], because, "remove it")
            yield from _mounted(one, name, field)
            there = scope.find("PersistentVolumeClaim", one.namespace, made)
            if there is not None:
                yield from _kept(policy, template, there, at, place)


def _mounted(one: Object, name: str, field: str) -> Iterator[Breach]:
    """Yield why no pod of the set gets the claim *name*, or two volumes of this name."""
    mounts = {mount["name"] for pod in one.pods for each in pod.containers for mount in _mounts(each.data)}
    if name not in mounts:
        because = "no container of the set mounts it"
        yield S06.breach(f"{field}.name", name, because, "add it to the volumeMounts of a container")
    for pod in one.pods:
        for index, volume in enumerate(pod.volumes):
            if volume.get("name") == name:
                because = "JobSet adds the claim as a volume of this name"
                at = pod.at(f"spec.volumes[{index}].name")
                yield S06.breach(at, name, because, "remove the volume, or rename one of the two")


def _mounts(container: Part) -> Sequence[Part]:
    return container.get("volumeMounts") or ()


def _kept(policy: Part, template: Part, there: Object, at: str, place: int) -> Iterator[Breach]:
    """Yield how the claim that is *there* keeps the set from being taken."""
    if (template.get("spec") or {}) != there.spec:
        because = f"the PersistentVolumeClaim {there.name} is rendered too, and differs"
        yield S06.breach(f"{at}.templates[{place}].spec", None, because, "write the same, or rename the claim")
    deleted = (policy.get("retentionPolicy") or {}).get("whenDeleted")
    if deleted != "Retain":
        because = f"the PersistentVolumeClaim {there.name} is rendered too, and the set would delete it"
        yield S06.breach(f"{at}.retentionPolicy.whenDeleted", deleted, because, "write Retain")
