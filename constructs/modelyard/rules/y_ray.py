"""Y: RayJobs and RayClusters of KubeRay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.j import J01
from modelyard.rules.j_indexed import J18
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.kueue import QUEUE
from modelyard.values.names import dns_label_1035

GROUP = "ray.io/"
LONGEST = {"RayCluster": 53, "RayJob": 47, "RayService": 47}
"""Characters of the names, to which the operator adds."""
OF_RAY = ("num-cpus", "num-gpus", "memory", "resources")
GANG = "ray.io/gang-scheduling-enabled"

N09 = Rule(
    "N09",
    "The names of Ray's objects leave room for what KubeRay adds to them.",
    why="KubeRay takes the object, reports it as invalid, and starts nothing.",
    fix="shorten the name, and begin it with a letter",
    see="https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html",
)
K07 = Rule(
    "K07",
    "A RayJob in a queue has a cluster of its own, which goes when it is done.",
    why="Kueue suspends a RayJob by deleting its cluster: KubeRay refuses to suspend one that keeps or shares it.",
    fix="write shutdownAfterJobFinishes: true, and rayClusterSpec instead of clusterSelector",
    see="https://kueue.sigs.k8s.io/docs/tasks/run/rayjobs/",
)
Y01 = Rule(
    "Y01",
    "A RayJob can be submitted, and says once what its nodes have.",
    why="KubeRay takes the RayJob, reports it as invalid, and starts nothing.",
    fix="correct the field",
    see="https://docs.ray.io/en/latest/cluster/kubernetes/getting-started/rayjob-quick-start.html",
)

Part = Mapping[str, Any]


@N09.objects("RayCluster", "RayJob", "RayService")
def ray(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the name of an object of Ray, and at its cluster."""
    if not one.api_version.startswith(GROUP):
        return
    if one.name and (broken := dns_label_1035(one.name, LONGEST[one.kind])):
        yield N09.breach("metadata.name", one.name, broken)
    at = {"RayCluster": "spec", "RayJob": "spec.rayClusterSpec"}.get(one.kind, "spec.rayClusterConfig")
    cluster: Part = one.spec if at == "spec" else one.spec.get(at.removeprefix("spec.")) or {}
    groups = {f"{at}.headGroupSpec": cluster.get("headGroupSpec") or {}}
    for index, group in enumerate(cluster.get("workerGroupSpecs") or ()):
        groups[f"{at}.workerGroupSpecs[{index}]"] = group
    for place, group in groups.items():
        twice = next((name for name in OF_RAY if (group.get("rayStartParams") or {}).get(name)), None)
        if twice is not None and group.get("resources"):
            because = "resources stands there too, and KubeRay takes one of the two"
            yield Y01.breach(f"{place}.rayStartParams[{twice!r}]", None, because, "keep one of the two")
    if one.kind == "RayJob":
        yield from _job(one, cluster)


def _job(one: Object, cluster: Part) -> Iterator[Breach]:
    spec, labels = one.spec, one.metadata.get("labels") or {}
    mode, retries = spec.get("submissionMode"), spec.get("backoffLimit") or 0
    if mode == "InteractiveMode" and retries > 0:
        because = "somebody submits it by hand (submissionMode is InteractiveMode), and nothing can try it again"
        yield Y01.breach("spec.backoffLimit", retries, because, "remove it")
    if spec.get("suspend") and not spec.get("shutdownAfterJobFinishes"):
        because = "only a RayJob with shutdownAfterJobFinishes can be suspended"
        yield Y01.breach("spec.suspend", True, because, "remove it")  # noqa: FBT003 # the value found
    if submitter := spec.get("submitterPodTemplate"):
        policy = (submitter.get("spec") or {}).get("restartPolicy")
        if policy not in {"Never", "OnFailure"}:
            because = "the pod that submits is that of a Job, which restarts Never or OnFailure"
            yield J01.breach("spec.submitterPodTemplate.spec.restartPolicy", policy, because)
    if QUEUE in labels:
        if not spec.get("shutdownAfterJobFinishes"):
            because = f"it waits in the queue {labels[QUEUE]}, and its cluster would stay when it is done"
            yield K07.breach("spec.shutdownAfterJobFinishes", spec.get("shutdownAfterJobFinishes"), because)
        if spec.get("clusterSelector"):
            because = f"it waits in the queue {labels[QUEUE]}, and would run in a cluster that does not"
            yield K07.breach("spec.clusterSelector", None, because)
        return
    workers = sum(group.get("replicas") or 0 for group in cluster.get("workerGroupSpecs") or ())
    if workers > 1 and labels.get(GANG) != "true":
        because = "they are placed one by one, and each of two such RayJobs may hold half of the nodes for ever"
        yield J18.breach("spec.rayClusterSpec.workerGroupSpecs", f"{workers} workers", because)
