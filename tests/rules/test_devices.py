"""R and P: devices that are claimed or sliced, and pods on spot nodes, each rule with what breaks it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Accelerator, Cluster, SpotNodes
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, job, pods
from tests.support import CLUSTER, cluster_with

CASES: list[Any] = []
MAIN = "spec.template.spec.containers[0].resources"
LAB = Cluster(
    "lab",
    kubernetes="1.34",
    accelerators=[
        Accelerator("l4", per_node=4, nodes=2, node_selector={"gpu": "l4"}),
        Accelerator("b200", per_node=8, nodes=2, node_selector={"gpu": "b200"}, device_class="gpu.nvidia.com"),
        Accelerator("mig", "nvidia.com/mig-1g.10gb", per_node=7, nodes=1),
        Accelerator("v5e-16", "google.com/tpu", per_node=4, nodes=8, topology="4x4"),
        Accelerator("v5e-8", "google.com/tpu", per_node=4, nodes=2, topology="2x4"),
    ],
)
SPOT = cluster_with(spot=SpotNodes.GKE)
SPOT_LABEL = "cloud.google.com/gke-spot"


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, more.get("cluster", LAB), expected, id=f"{rule}-{name}"))


def template(*, count: int = 1, device_class: str = "gpu.nvidia.com", **more: Any) -> Manifest:
    """Return the ResourceClaimTemplate devices."""
    exactly = {"deviceClassName": device_class, "count": count, **more}
    requests = [{"name": "gpu", "exactly": exactly}]
    spec = {"spec": {"devices": {"requests": requests}}}
    metadata = {"name": "devices"}
    return {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": metadata, "spec": spec}


def claiming(name: str = "gpu", replicas: int = 1, limits: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
    """Return the Deployment web, whose container takes devices of the claim *name*, and whose pods have claim gpu."""
    container = {"resources": {"claims": [{"name": name}], "limits": dict(limits or {})}}
    claims = [{"name": "gpu", "resourceClaimTemplateName": "devices"}]
    return deployment(template=pods(container, **{"resourceClaims": claims, **spec}), replicas=replicas)


def asking(limits: Mapping[str, str], kind: str = "Deployment", **spec: Any) -> Manifest:
    """Return a workload whose container has these limits."""
    made = pods({"resources": {"limits": dict(limits)}}, **spec)
    if kind == "Deployment":
        return deployment(template=made)
    manifest = copy.deepcopy(job())
    manifest["spec"]["template"] = made
    made["spec"]["restartPolicy"] = "Never"
    return manifest


AT = "Deployment web spec.template.spec.resourceClaims[0].resourceClaimTemplateName='devices'"
case("R13", "known", claiming())
case(
    "R13", "misspelt", claiming("gpus"),
    text=f"Deployment web {MAIN}.claims[0].name='gpus' but the claims of the pod are gpu; correct the name, or add the"
    " claim to the pod's resourceClaims",
)  # fmt: skip
case(
    "R13", "none", claiming(resourceClaims=[]),
    text=f"Deployment web {MAIN}.claims[0].name='gpu' but the pod has no claims; correct the name, or add the claim to"
    " the pod's resourceClaims",
)  # fmt: skip
POD_CLAIM = "Deployment web spec.template.spec.resourceClaims[0]"
OURS = "ResourceClaimTemplate devices spec.spec.devices"
case(
    "R13", "no name", claiming("GPU", resourceClaims=[{"name": "GPU", "resourceClaimName": "a"}]),
    text=f"{POD_CLAIM}.name='GPU' but a name holds a-z, 0-9 and \"-\" only, and starts and ends with a letter or digit; rename it",
)  # fmt: skip
case(
    "R13", "of both", claiming(resourceClaims=[{"name": "gpu", "resourceClaimName": "a", "resourceClaimTemplateName": "b"}]),
    text=f"{POD_CLAIM} but it says resourceClaimName and resourceClaimTemplateName, and one of resourceClaimName and"
    " resourceClaimTemplateName is needed; write one of them",
)  # fmt: skip
case(
    "R13", "of none", claiming(resourceClaims=[{"name": "gpu"}]),
    text=f"{POD_CLAIM} but it says none of the two, and one of resourceClaimName and resourceClaimTemplateName is needed;"
    " write one of them",
)  # fmt: skip
case(
    "R13", "a class", template(device_class="GPU"),
    text=f"{OURS}.requests[0].exactly.deviceClassName='GPU' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends"
    " with a letter or digit; correct the name",
)  # fmt: skip
case(
    "R13", "a selector", template(selectors=[{}]),
    text=f"{OURS}.requests[0].exactly.selectors[0].cel but a selector is an expression; write cel: with an expression",
)  # fmt: skip
case("R12", "claim-only", claiming(), template())
case("R12", "template-elsewhere", claiming(limits={"nvidia.com/gpu": "1"}))
case("R12", "another-class", claiming(limits={"nvidia.com/gpu": "1"}), template(device_class="nic.example"))
case(
    "R12", "both", claiming(limits={"nvidia.com/gpu": "1"}), template(),
    text=f"{AT} but the pod asks for nvidia.com/gpu too, and the claim is for b200; keep the claim, and remove the"
    " resource from requests and limits",
)  # fmt: skip
case("R09", "claims-a-node", claiming(), template(count=8))
case("R09", "claims-all", claiming(), template(count=0, allocationMode="All"))
case(
    "R09", "claims-more-than-a-node", claiming(), template(count=9),
    text=f"{AT} but it claims 9 devices, and a node of lab has 8 of b200; ask for 1 to 8",
)  # fmt: skip
case("R26", "claims-fit", claiming(replicas=2), template(count=8))
case(
    "R26", "claims-do-not-fit", claiming(replicas=5), template(count=4),
    text=f"{AT} but there are up to 5 pods of 4, and lab has room for 4; lower the number of pods, or correct nodes= of"
    " the Accelerator",
)  # fmt: skip
TAINT: dict[str, Any] = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}
case("R23", "tolerated-for-a-claim", claiming(**TAINT), template())
case("R14", "one-slice", asking({"nvidia.com/mig-1g.10gb": "1"}))
case(
    "R14", "two-slices", asking({"nvidia.com/mig-1g.10gb": "2"}),
    text=f"Deployment web {MAIN}.limits['nvidia.com/mig-1g.10gb']='2' but a process works with one of them; ask for one"
    " slice, larger if need be, or for a whole GPU",
)  # fmt: skip


def sliced(pods_at_once: int, chips: int = 4, shape: str | None = "4x4") -> Manifest:
    """Return an Indexed Job of so many pods on a slice of this shape."""
    nodes = {} if shape is None else {"nodeSelector": {"cloud.google.com/gke-tpu-topology": shape}}
    manifest = asking({"google.com/tpu": str(chips)}, "Job", **nodes)
    manifest["spec"] |= {"completionMode": "Indexed", "completions": pods_at_once, "parallelism": pods_at_once}
    return manifest


TPU = f"Job train {MAIN}.limits['google.com/tpu']="
case("R27", "whole", sliced(4))
case("R27", "two-slices", sliced(8))
case("R27", "one-host", sliced(1, shape=None), cluster=CLUSTER)
case("R27", "no-shape", sliced(1, shape="a"), cluster=CLUSTER)
case(
    "R27", "half", sliced(2),
    text=f"{TPU}'4' but a slice 4x4 has 4 hosts of 4 chips, and there are 2 pods; run 4 pods together, or choose v5e-8",
)  # fmt: skip
case(
    "R27", "more-than-a-slice", sliced(3),
    text=f"{TPU}'4' but a slice 4x4 has 4 hosts of 4 chips, and there are 3 pods; run 4 pods together",
)  # fmt: skip
case(
    "R27", "part-of-a-host", sliced(4, chips=2),
    text=f"{TPU}'2' but a host of v5e-16 has 4 chips, and its pod takes all of them; ask for 4",
)  # fmt: skip


ALONE = "a slice 4x4 has 4 hosts, and nothing keeps pods of a"


def several(kind: str, size: int = 4, **more: Any) -> Manifest:
    """Return pods on a slice of four hosts that are not those of a Job."""
    template = asking({"google.com/tpu": "4"}, nodeSelector={"cloud.google.com/gke-tpu-topology": "4x4"})
    pod = template["spec"]["template"]
    metadata = {"name": "web", **more}
    if kind == "LeaderWorkerSet":
        spec: Manifest = {"replicas": 2, "leaderWorkerTemplate": {"size": size, "workerTemplate": pod}}
    else:
        spec = {"rayClusterSpec": {"workerGroupSpecs": [{"groupName": "a", "replicas": size, "template": pod}]}}
    return {"apiVersion": "a/v1", "kind": kind, "metadata": metadata, "spec": spec}


def grouped(size: int, *, by: str = "exclusive-topology", key: str = "gke-nodepool", **more: Any) -> Manifest:
    """Return groups of so many pods, each kept together by a label of nodes."""
    annotations = {f"leaderworkerset.sigs.k8s.io/{by}": f"cloud.google.com/{key}"}
    manifest = several("LeaderWorkerSet", size, annotations=annotations)
    template = manifest["spec"]["leaderWorkerTemplate"]
    return {**manifest, "spec": {"leaderWorkerTemplate": {**template, **more}}}


GROUP = "LeaderWorkerSet web spec.leaderWorkerTemplate.workerTemplate.spec.containers[0].resources.limits"
GROUP = f"{GROUP}['google.com/tpu']='4' but"
TOGETHER = "LeaderWorkerSet on those of one slice; annotate it with"
case(
    "R27", "group", several("LeaderWorkerSet"),
    text=f"{GROUP} {ALONE} {TOGETHER} leaderworkerset.sigs.k8s.io/exclusive-topology: cloud.google.com/gke-nodepool,"
    " which keeps each group on one",
)  # fmt: skip
case("R27", "group-on-a-slice", grouped(4))
case("R27", "group-on-two-slices-of-a-block", grouped(8, key="gke-block"))
case("R27", "group-with-a-leader-beside", grouped(5, leaderTemplate=pods({})))
case("R27", "parts-on-slices", grouped(8, by="subgroup-exclusive-topology", subGroupPolicy={"subGroupSize": 4}))
for size in (2, 8):
    choose = ", or choose v5e-8" if size == 2 else ""
    case(
        "R27", f"group-of-{size}", grouped(size),
        text=f"{GROUP} a slice 4x4 has 4 hosts of 4 chips, and there are {size} pods; run 4 pods together{choose}",
    )  # fmt: skip
case(
    "R27", "parts-of-a-slice", grouped(4, by="subgroup-exclusive-topology", subGroupPolicy={"subGroupSize": 2}),
    text=f"{GROUP} a slice 4x4 has 4 hosts of 4 chips, and there are 2 pods; run 4 pods together, or choose v5e-8",
)  # fmt: skip
both = grouped(2)["spec"]["leaderWorkerTemplate"]["workerTemplate"]
case(
    "R27", "group-whose-leader-speaks", grouped(2, leaderTemplate=both),
    text=f"{GROUP.replace('workerTemplate', 'leaderTemplate')} a slice 4x4 has 4 hosts of 4 chips, and there are 2 pods;"
    " run 4 pods together, or choose v5e-8",
)  # fmt: skip
case(
    "R27", "workers-of-ray", several("RayJob"),
    text="RayJob web spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers[0].resources."
    f"limits['google.com/tpu']='4' but {ALONE} RayJob on those of one slice; run it as a Job or a JobSet, or write "
    "numOfHosts, which GKE's Ray Operator keeps on one, or choose a slice of one host",
)  # fmt: skip


def hosted(hosts: int) -> Manifest:
    """Return workers of Ray, each of so many pods."""
    manifest = several("RayJob", 2)
    manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["numOfHosts"] = hosts
    return manifest


case("R27", "workers-of-ray-on-slices", hosted(4))
case(
    "R27", "workers-of-ray-on-half-a-slice", hosted(2),
    text="RayJob web spec.rayClusterSpec.workerGroupSpecs[0].template.spec.containers[0].resources."
    "limits['google.com/tpu']='4' but a slice 4x4 has 4 hosts of 4 chips, and there are 2 pods; run 4 pods together,"
    " or choose v5e-8",
)  # fmt: skip
case(
    "R27", "deployment", asking({"google.com/tpu": "4"}, nodeSelector={"cloud.google.com/gke-tpu-topology": "4x4"}),
    text=f"Deployment web {MAIN}.limits['google.com/tpu']='4' but {ALONE} Deployment on those of one slice; choose a "
    "slice of one host",
)  # fmt: skip


def connected(pages: str | None, pods_at_once: int = 2, kind: str = "Job") -> Manifest:
    """Return so many pods with EFA devices, and huge pages."""
    limits = {"vpc.amazonaws.com/efa": "4", **({} if pages is None else {"hugepages-2Mi": pages})}
    manifest = asking({"memory": "1Gi", **limits}, kind)
    if kind == "Job":
        manifest["spec"] |= {"completionMode": "Indexed", "completions": pods_at_once, "parallelism": pods_at_once}
    return manifest


EFA = f"{MAIN}.limits['vpc.amazonaws.com/efa']='4' but"
case("R22", "two-with-pages", connected("5120Mi"))
case("R22", "none", sliced(4))
case("R22", "others-elsewhere", connected("5120Mi", kind="Deployment"))
case(
    "R22", "no-pages", connected(None),
    text=f"Job train {EFA} the container has no hugepages-2Mi, and NCCL goes over TCP without them; write hugepages-2Mi:"
    ' "5120Mi" beside it, as Fabric(huge_pages="5120Mi") does',
)  # fmt: skip
case(
    "R22", "alone", connected("5120Mi", 1),
    text=f"Job train {EFA} the pod runs alone, and there is nobody to talk with; ask for no such device",
)  # fmt: skip


def ending(seconds: int | None, *, preferred: bool = False, label: str = SPOT_LABEL, **spec: Any) -> Manifest:
    """Return the Deployment web on spot nodes, whose pods have so long to end."""
    where: dict[str, Any] = {"nodeSelector": {label: "true"}}
    if preferred:
        expression = {"key": label, "operator": "In", "values": ["true"]}
        terms = [{"weight": 1, "preference": {"matchExpressions": [expression]}}]
        where = {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}}
    grace: dict[str, Any] = {} if seconds is None else {"terminationGracePeriodSeconds": seconds}
    return deployment(template=pods({}, **where, **grace, **spec))


GRACE = "Deployment web spec.template.spec.terminationGracePeriodSeconds"
GONE = (
    "but a spot node of eks-test is gone 15 seconds after SIGTERM; save within the notice, and as often as a loss is"
    " borne; correct SpotNodes(notice=...) where it is longer"
)
case("P14", "in-time", ending(15), cluster=SPOT)
case("P14", "elsewhere", ending(600, label="disk"), cluster=SPOT)
case("P14", "no-spot-nodes", ending(600), cluster=cluster_with(spot=None))
case("P14", "too-long", ending(60), cluster=SPOT, text=f"{GRACE}=60 {GONE}")
case("P14", "preferred", ending(60, preferred=True), cluster=SPOT, text=f"{GRACE}=60 {GONE}")
case("P14", "as-usual", ending(None), cluster=SPOT, text=f"{GRACE}=None {GONE}".replace("=None", ""))


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_devices_and_spot_nodes_are_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged(rule[0], *manifests, cluster=cluster) if broken == rule] == expected
