"""K: what Kueue admits as one: how many sets of pods, how they are called, and what of them it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.demand import listed
from modelyard.rules.k import ELASTIC, RUN, TRUE
from modelyard.rules.kinds import RAY, SETS
from modelyard.rules.queues import admitted, of_ray, queue_of
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod

MOST = 8
"""Of the sets of pods of a Workload."""

K16 = Rule(
    "K16",
    "A workload in a queue has at most 8 sets of pods.",
    why="Kueue makes a Workload of it, which holds 8 sets of pods. It cannot make this one, and the pods never start.",
    fix="put what runs in one set of pods together, or take it out of the queue",
    see="https://kueue.sigs.k8s.io/docs/concepts/workload/#pod-sets",
)
K17 = Rule(
    "K17",
    "A Ray cluster in a queue keeps its size, and its groups have names of their own.",
    why="The webhook of Kueue refuses the object, or Kueue cannot make a Workload of it, and its pods never start.",
    fix="remove enableInTreeAutoscaling, and call no group head or submitter",
    see=f"{RUN}rayjobs/",
)
K18 = Rule(
    "K18",
    "A workload in a queue asks for its devices as resources, and not by claims.",
    why=(
        "Kueue counts what containers request. Devices by claim take the room of those that are counted. With its gate"
        " DynamicResourceAllocation, which is off, it counts them by class, and what asks for them in other words waits"
        " for ever."
    ),
    fix="ask for the devices as resources (Accelerator without device_class=), or accept K18 where they have no quota",
    see="https://kueue.sigs.k8s.io/docs/concepts/dynamic_resource_allocation/",
    severity=Severity.WARNING,
    acceptable=True,
)


@K16.objects(*SETS, "RayCluster", "RayJob")
def sets(one: Object, scope: Scope) -> Iterator[Breach]:
    """Count the sets of pods of an object in a queue, and look at their names."""
    if (queue := queue_of(one, scope)) is None or one.spec.get("clusterSelector"):
        return
    found = [name for name, _, _ in admitted(one)]
    if one.kind in SETS:
        at = "spec.replicatedJobs" if one.kind == "JobSet" else "spec.template.spec.replicatedJobs"
        what, do = f"{len(found)} Jobs", f"keep {MOST} of them, or take it out of the queue"
        if one.owner:
            do = f"write {MOST - 1} steps at most (before=, after=), or leave queue= away"
    else:
        at = f"{'.'.join(RAY[one.kind])}.workerGroupSpecs"
        yield from _ray(one, at, found)
        groups = len(of_ray(one).get("workerGroupSpecs") or ())
        what, do = f"{groups} groups", f"keep {MOST - len(found) + groups} of them, or take it out of the queue"
    if len(found) > MOST:
        because = f"the queue {queue} takes {MOST} sets of pods, and these are {len(found)}: {listed(found)}"
        yield K16.breach(at, what, because, do)


def _ray(one: Object, at: str, found: Sequence[str]) -> Iterator[Breach]:
    """Look at the size of a Ray cluster that is to have sets of pods called *found*, and at their names."""
    elastic = one.kind == "RayCluster" and (one.metadata.get("annotations") or {}).get(ELASTIC) in TRUE
    if of_ray(one).get("enableInTreeAutoscaling") and not elastic:
        because = "the queue has counted its pods before they start, and takes no more"
        field = f"{at.removesuffix('.workerGroupSpecs')}.enableInTreeAutoscaling"
        yield K17.breach(field, True, because, "remove it")  # noqa: FBT003 # the value found
    names = [name.lower() for name in found]
    for index, group in enumerate(of_ray(one).get("workerGroupSpecs") or ()):
        name = str(group.get("groupName"))
        if names.count(name.lower()) > 1 and names.index(name.lower()) <= index + 1:
            because = f"Kueue knows another set of its pods by the name {name.lower()}"
            yield K17.breach(f"{at}[{index}].groupName", name, because, "choose another")


@K18.pods
def claimed(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look at the claims of a pod that waits in a queue."""
    claims = pod.spec.get("resourceClaims")
    if not claims or (queue := queue_of(pod.object, scope)) is None:
        return
    for index, claim in enumerate(claims):
        key = next((key for key in ("resourceClaimTemplateName", "resourceClaimName") if claim.get(key)), None)
        if key is not None:
            because = f"the queue {queue} does not count them" + _otherwise(claim, key, pod, scope)
            yield K18.breach(pod.at(f"spec.resourceClaims[{index}].{key}"), claim[key], because)


def _otherwise(claim: Mapping[str, Any], key: str, pod: Pod, scope: Scope) -> str:
    """Return what Kueue does with a *claim* where its gate is on, as words that follow."""
    if key == "resourceClaimName":
        return ", and with DynamicResourceAllocation it takes claims of templates only"
    template = scope.find("ResourceClaimTemplate", pod.object.namespace, claim[key])
    wanted = ((template.spec.get("spec") or {}).get("devices") or {}) if template else {}
    unknown = dict.fromkeys(field for field in ("constraints", "config") if wanted.get(field))
    for request in wanted.get("requests") or ():
        exactly = request.get("exactly") or {}
        given = {
            "firstAvailable": request.get("firstAvailable"),
            "selectors": exactly.get("selectors"),
            "adminAccess": exactly.get("adminAccess"),
            "allocationMode All": exactly.get("allocationMode") == "All",
        }
        unknown.update(dict.fromkeys(field for field, value in given.items() if value))
    return f", and with DynamicResourceAllocation it takes no {listed(list(unknown))}" if unknown else ""
