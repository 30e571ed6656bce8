"""What a cluster does with pods that break rules: they wait for ever, share what they must not, or crowd on one node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from modelyard import Accelerator, StorageClass
from modelyard import Cluster as Claimed
from tests.cluster.api import Manifest, condition
from tests.cluster.breaking import Breaking, namespace, unscheduled
from tests.cluster.cluster import Cluster
from tests.cluster.objects import image, name, ready, steady
from tests.cluster.programs import NEWEST
from tests.rules.manifests import autoscaler, deployment, pods, service

Observed = Callable[[str], None]


def pool(called: str, **options: Any) -> Accelerator:
    """Return a class of accelerators on one node with two of them."""
    return Accelerator(called, per_node=2, nodes=1, node_selector={"accelerator": called}, **options)


NODES = Claimed(
    "breaking",
    kubernetes=NEWEST,
    accelerators=[pool("l4", node_cpu="16"), pool("peak"), pool("mi300", resource="amd.com/gpu")],
    storage=[StorageClass("disk", {"ReadWriteOnce", "ReadWriteOncePod"})],
)
GPU = "nvidia.com/gpu"
HOSTNAME = "kubernetes.io/hostname"
TOLERATED = [{"key": GPU, "operator": "Exists"}, {"key": "amd.com/gpu", "operator": "Exists"}]
DRIVER = "disk.example.com"
ATTACHED = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
OWN = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": HOSTNAME}
APART = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [OWN]}}


def asks(requests: Mapping[str, str], accelerator: str | None = None, **spec: Any) -> Manifest:
    """Return pods that ask for *requests*, on the nodes of a class of accelerators."""
    devices = {key: value for key, value in requests.items() if "/" in key}
    there = {} if accelerator is None else {"nodeSelector": {"accelerator": accelerator}, "tolerations": TOLERATED}
    return pods({"resources": {"requests": dict(requests), "limits": devices}}, **{**there, **spec})


def mounts(claim: str | None, *, mounted: bool = True, **spec: Any) -> Manifest:
    """Return pods with a volume, of which the container knows or not."""
    container = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]} if mounted else {}
    return pods(container, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim}}], **spec)


def claim(mode: str, storage_class: str = "disk") -> Manifest:
    """Return a claim called data."""
    asked = {"accessModes": [mode], "storageClassName": storage_class, "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": asked}


def affinity(value: str) -> Manifest:
    """Return the requirement that a node has *value* as its architecture."""
    term = {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": [value]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def crowding(app: str, counted: str) -> Manifest:
    """Return pods that would rather be on one node, and a constraint that keeps pods of *counted* apart."""
    wished = {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": ["breaking-cpu-0"]}]}
    near = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": wished}]}}
    spread = {"maxSkew": 1, "topologyKey": HOSTNAME, "whenUnsatisfiable": "DoNotSchedule", "nodeTaintsPolicy": "Honor"}
    spread["labelSelector"] = {"matchLabels": {"app": counted}}
    return pods({}, app=app, affinity=near, topologySpreadConstraints=[spread])


WAITING: Mapping[str, tuple[str, Sequence[Manifest]]] = {
    "P21": (
        "didn't match Pod's node affinity/selector",
        [deployment(template=pods({}, nodeSelector={"kubernetes.io/arch": "amd64"}, affinity=affinity("arm64")))],
    ),
    "P23": (
        "didn't match pod anti-affinity rules",
        [deployment(replicas=2, template=asks({GPU: "1"}, "l4", affinity=APART))],
    ),
    "R03": ("Insufficient cpu", [deployment(template=asks({"cpu": "4Gi"}))]),
    "R09": (f"Insufficient {GPU}", [deployment(template=asks({GPU: "4"}, "l4"))]),
    "R10": ("Insufficient cpu", [deployment(template=asks({GPU: "1", "cpu": "20"}, "l4"))]),
    "R11": (f"Insufficient {GPU}", [deployment(template=asks({GPU: "1", "amd.com/gpu": "1"}, tolerations=TOLERATED))]),
    "R23": ("had untolerated taint", [deployment(template=asks({GPU: "1"}))]),
    "R26": (
        f"Insufficient {GPU}",
        [
            deployment(template=asks({GPU: "1"}, "peak")),
            autoscaler("web", minReplicas=3),
        ],
    ),
    "V03": (
        "unbound immediate PersistentVolumeClaims",
        [claim("ReadWriteOnce", "misspelt"), deployment(template=mounts("data"), strategy={"type": "Recreate"})],
    ),
    "V20": ('persistentvolumeclaim "data" not found', [deployment(template=mounts("data", mounted=False))]),
}
"""What the scheduler says of a pod, and the objects that it is from, by the rule that they break."""
CASES: Mapping[str, Sequence[Manifest]] = {
    **{rule: manifests for rule, (_, manifests) in WAITING.items()},
    "P24": [
        deployment(replicas=2, template=pods({}, hostname="web", subdomain="web")),
        service("web", clusterIP="None", ports=[{"port": 80}]),
    ],
    "P25": [deployment(template=pods({}, automountServiceAccountToken=True))],
    "P29": [
        deployment(replicas=4, template=crowding("web", "other")),
        deployment("right", replicas=4, template=crowding("right", "right")),
    ],
    "V01": [
        claim("ReadWriteOnce"),
        deployment(replicas=2, template=mounts("data", affinity=APART), strategy={"type": "Recreate"}),
    ],
    "V02": [claim("ReadWriteOncePod"), deployment(template=mounts("data"), progressDeadlineSeconds=3)],
}


@pytest.fixture(scope="module")
def breaking(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breaking]:
    """Have all of it begin at once."""
    api = cluster.api
    root = tmp_path_factory.mktemp("breaking")
    disks = [_driver(), *(_disk(rule, CASES[rule][0]) for rule in ("V01", "V02"))]
    with cluster.nodes(NODES, cpu_nodes=2) as nodes, cluster.without(*disks):
        for one in nodes:
            api.patch(one, {"metadata": {"annotations": ATTACHED}})
        for one in disks:
            api.apply(one, manager="platform-team")
        with Breaking(cluster, NODES, root, CASES) as every:
            yield every


@pytest.mark.parametrize("rule", CASES)
def test_modelyard_says_so_first(breaking: Breaking, rule: str) -> None:
    """Of the very objects that the others are about."""
    assert rule in breaking.found(rule)


@pytest.mark.parametrize("rule", WAITING)
def test_a_pod_waits_for_ever(breaking: Breaking, rule: str, observed: Observed) -> None:
    """The scheduler finds no node for it, and says why."""
    words, _ = WAITING[rule]
    said = breaking.waits(rule, words)
    observed(f"{rule}: {said}")


def test_a_claim_of_a_class_that_is_not_there_waits(breaking: Breaking, observed: Observed) -> None:
    """What the pod of V03 waits for."""
    said = breaking.event("V03", "ProvisioningFailed")
    observed(f"V03: {said}")
    assert said == 'storageclass.storage.k8s.io "misspelt" not found'


def test_replicas_of_one_hostname_share_one_name_in_dns(breaking: Breaking, observed: Observed) -> None:
    """Both are published under it."""
    slices = breaking.api.until(
        lambda found: len(_hostnames(found)) == 2,
        "discovery.k8s.io/v1", "EndpointSlice", namespace("P24"), what="two endpoints with a hostname",
    )  # fmt: skip
    observed(f"P24: the endpoints of two pods have the hostnames {' and '.join(_hostnames(slices))}")
    assert _hostnames(slices) == ["web", "web"]


def test_a_pod_gets_a_token_that_it_has_no_use_for(breaking: Breaking, observed: Observed) -> None:
    """Admission mounts it into the container."""
    (pod,) = breaking.pods("P25", 1)
    (container,) = pod["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    observed(f"P25: the container got {mount['mountPath']}")
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    (volume,) = pod["spec"]["volumes"]
    assert [next(iter(one)) for one in volume["projected"]["sources"]] == ["serviceAccountToken", "configMap", "downwardAPI"]


def test_a_constraint_on_other_pods_spreads_none(breaking: Breaking, observed: Observed) -> None:
    """All replicas are on the node that they like better; those beside them, which count themselves, on both."""
    every = breaking.pods("P29", 8)
    crowded, spread = (
        Counter(one["spec"]["nodeName"] for one in every if one["metadata"]["labels"]["app"] == app)
        for app in ("web", "right")
    )
    observed(f"P29: {dict(crowded)} with the labels of others, {dict(spread)} with their own")
    assert crowded == {"breaking-cpu-0": 4}
    assert spread == {"breaking-cpu-0": 2, "breaking-cpu-1": 2}


def test_a_claim_of_one_node_is_attached_to_no_other(breaking: Breaking, observed: Observed) -> None:
    """The controller that attaches volumes leaves the second pod without, when the driver has attached it to a node."""
    _attach(breaking)
    said = breaking.event("V01", "FailedAttachVolume", "is already used by pod(s)")
    observed(f"V01: {said}")
    assert 'volume "breaks-v01"' in said


def test_a_rollout_waits_for_a_claim_that_the_old_pod_holds(breaking: Breaking, observed: Observed) -> None:
    """And the old pod is not ended before the new one is ready."""
    api = breaking.api
    web = breaking.objects("V02")["Deployment/web"]
    api.until_one(lambda one: steady(one, 1), web, what="one replica")
    web["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/acme/web:2"
    api.apply(web)
    said = breaking.waits("V02", "ReadWriteOncePod")
    stuck = api.until_one(
        lambda one: condition(one, "Progressing").get("reason") == "ProgressDeadlineExceeded",
        web, what="a rollout that does not end",
    )  # fmt: skip
    found = {image(one): (ready(one), bool(unscheduled(one))) for one in api.all("v1", "Pod", namespace("V02"))}
    observed(f"V02: {condition(stuck, 'Progressing')['reason']}; the new pod: {said}")
    assert found == {"1": (True, False), "2": (False, True)}


def _hostnames(slices: Sequence[Manifest]) -> list[str]:
    return [one["hostname"] for part in slices for one in part.get("endpoints") or [] if "hostname" in one]


def _attach(breaking: Breaking) -> None:
    """Attach the disk to the node that is asked for, as its driver would."""
    (asked,) = breaking.api.until(bool, "storage.k8s.io/v1", "VolumeAttachment", what="a disk is to be attached")
    breaking.api.patch(asked, {"status": {"attached": True}}, subresource="status")


def _driver() -> Manifest:
    spec = {"attachRequired": True}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": spec}


def _disk(rule: str, asked: Manifest) -> Manifest:
    """Return the disk that a provisioner would have made for the claim of *rule*."""
    where = {"name": name(asked), "namespace": namespace(rule)}
    spec = {
        "capacity": asked["spec"]["resources"]["requests"],
        "accessModes": asked["spec"]["accessModes"],
        "storageClassName": asked["spec"]["storageClassName"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": where,
        # The scheduler looks at what else uses a claim; the one of the other rule is looked at when it is attached.
        **({"csi": {"driver": DRIVER, "volumeHandle": rule}} if rule == "V01" else {"hostPath": {"path": "/data"}}),
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace(rule)}, "spec": spec}
