"""R: resources, each rule with what breaks it, in its exact words, and what is nearly wrong."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelyard import Accelerator, Cluster, CpuScale, Crd, Gpu, Queue, Schedule, Sweep
from modelyard.values import quantity
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, autoscaler, deployment, job, pods
from tests.support import CLUSTER, environment, found, found_by, having, raw, training
from tests.support import service as own_service

CASES: list[Any] = []
MAIN = "Deployment web spec.template.spec.containers[0].resources"
GRAMMAR = "a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none"
UNITS = 'write a number with a unit such as "500m" for CPU or "2Gi" for memory'
SIZE = 'write a size such as "50Gi"'
SHORT = "containers have only cpu, memory, ephemeral-storage and huge pages under a short name"
EQUAL = "and of what cannot be overcommitted both are the same; write it under limits only; the request follows"
GPU = {"nvidia.com/gpu": "1"}
TAINT = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
TWO_SIZES = Cluster(
    "gke",
    kubernetes="1.34",
    accelerators=[
        Accelerator("l4", per_node=4, nodes=2, node_cpu="4", node_memory="16Gi"),
        Accelerator("l4-large", per_node=4, nodes=1, node_cpu="8", node_memory="32Gi"),
    ],
)


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    cluster = more.get("cluster", CLUSTER)
    CASES.append(pytest.param(rule, manifests, cluster, expected, id=f"{rule}-{name}"))


def asks(requests: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return the Deployment web, whose container has these resources, and whose pods have *spec*."""
    return deployment(template=pods({"resources": {"requests": requests or {}, "limits": limits or {}}}, **spec))


def accelerated(limits: Mapping[str, Any], requests: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return the same with the toleration of accelerators."""
    return asks(requests, limits, **{"tolerations": TAINT, **spec})


IN_MEMORY = [
    {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
    {"name": "ram", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
    {"name": "disk", "emptyDir": {"sizeLimit": "9Gi"}},
]


def in_memory(limit: str, *mounted: str) -> Manifest:
    """Return the Deployment web, whose container has so much memory and mounts these volumes."""
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in mounted]
    container = {"resources": {"limits": {"memory": limit}}, "volumeMounts": mounts}
    return deployment(template=pods(container, volumes=IN_MEMORY))


ALL_OF_IT = "but the volumes in memory that it mounts take it all:"
LESS = "raise the memory limit, or make the volume smaller"
case("R16", "below", in_memory("1025Mi", "shm", "disk"))
case("R16", "not-mounted", in_memory("1Gi", "disk"))
case("R16", "equal", in_memory("1Gi", "shm"), text=f"{MAIN}.limits.memory='1Gi' {ALL_OF_IT} shm (1Gi); {LESS}")
case(
    "R16", "together", in_memory("1.5Gi", "shm", "ram"),
    text=f"{MAIN}.limits.memory='1.5Gi' {ALL_OF_IT} ram (1Gi) and shm (1Gi); {LESS}",
)  # fmt: skip


def claim(size: str | None, **spec: Any) -> Manifest:
    """Return a PersistentVolumeClaim."""
    requests = {} if size is None else {"storage": size}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": requests}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "w"}, "spec": spec}


def replicated(manifest: Manifest, replicas: int) -> Manifest:
    """Return *manifest* with a number of replicas."""
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}


for written, meant in (
    ("16GB", 'write "16Gi" (or "16G")'),
    ("16gb", 'write "16Gi" (or "16G")'),
    ("16Gb", 'write "16Gi" (or "16G")'),
    ("16 Gi", 'write "16Gi" (or "16G")'),
    ("512mb", 'write "512Mi" (or "512M")'),
    ("2 cores", UNITS),
    ("", UNITS),
    ("1,5Gi", UNITS),
):
    case("R01", written, asks({"memory": written}), text=f"{MAIN}.requests.memory='{written}' but {GRAMMAR}; {meant}")
for right in ("1e9", "1.5Gi", "128974848000m", "1G", ".5Gi", "1E9", "+1Gi", "5000000k"):
    case("R01", right, asks({}, {"memory": right}))
case("R01", "plain numbers", asks({"cpu": 0.5, "memory": 1073741824}))
case(
    "R01",
    "less than nothing",
    asks({"cpu": -1}),
    text=f"{MAIN}.requests.cpu=-1 but a quantity is not negative here; write what is needed",
)
case(
    "R01",
    "a pod as a whole",
    deployment(template=pods({}, resources={"limits": {"memory": "1GB"}})),
    text=f'Deployment web spec.template.spec.resources.limits.memory=\'1GB\' but {GRAMMAR}; write "1Gi" (or "1G")',
)
case(
    "R01",
    "a folder",
    deployment(template=pods({}, volumes=[{"name": "a", "emptyDir": {"sizeLimit": "1GB"}}])),
    text="Deployment web spec.template.spec.volumes[0].emptyDir.sizeLimit='1GB' but "
    f'{GRAMMAR}; write "1Gi" (or "1G")',
)
case(
    "R01",
    "a folder of less than nothing",
    deployment(template=pods({}, volumes=[{"name": "a", "emptyDir": {"sizeLimit": "-1"}}])),
    text="Deployment web spec.template.spec.volumes[0].emptyDir.sizeLimit='-1' but a quantity is not negative"
    " here; write"
    " what is needed",
)
case(
    "R01",
    "folders",
    deployment(
        template=pods(
            {},
            volumes=[
                {"name": "a", "emptyDir": {}},
                {"name": "b", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            ],
        )
    ),
)
ephemeral = {"volumeClaimTemplate": {"spec": claim("0")["spec"]}}
case(
    "R01",
    "a claim of the pod",
    deployment(template=pods({}, volumes=[{"name": "a", "ephemeral": ephemeral}])),
    text="Deployment web spec.template.spec.volumes[0].ephemeral.volumeClaimTemplate.spec"
    ".resources.requests.storage='0'"
    f" but a claim is larger than 0; {SIZE}",
)
case(
    "R01",
    "a claim",
    claim("50GB"),
    text=f'PersistentVolumeClaim w spec.resources.requests.storage=\'50GB\' but {GRAMMAR}; write "50Gi" (or "50G")',
)
case(
    "R01",
    "a claim of nothing",
    claim(None),
    text=f"PersistentVolumeClaim w spec.resources.requests.storage but a claim says how much it needs, and this"
    " one does"
    f" not; {SIZE}",
)
case("R01", "a claim with a fraction", claim("1.5Ti"))
web = deployment()
templates = [{"metadata": {"name": "data"}, "spec": claim("1TB")["spec"]}]
case(
    "R01",
    "the claims of a StatefulSet",
    {**web, "kind": "StatefulSet", "spec": {**web["spec"], "serviceName": "web", "volumeClaimTemplates": templates}},
    text="StatefulSet web spec.volumeClaimTemplates[0].spec.resources.requests.storage='1TB' but "
    f'{GRAMMAR}; write "1Ti" (or "1T")',
)

case("R02", "gpu", asks({}, {"gpu": 1}), text=f"{MAIN}.limits.gpu=1 but {SHORT}; write nvidia.com/gpu")
case(
    "R02",
    "gpu without accelerators",
    asks({}, {"gpu": 1}),
    cluster=Cluster("bare", kubernetes="1.34"),
    text=f"{MAIN}.limits.gpu=1 but {SHORT}; write the resource's full name, such as nvidia.com/gpu",
)
case(
    "R02",
    "a quota's name",
    asks({}, {"requests.nvidia.com/gpu": 1}),
    text=f"{MAIN}.limits['requests.nvidia.com/gpu']=1 but {SHORT}; write the resource's full name, such as"
    " nvidia.com/gpu",
)
case(
    "R02",
    "spaces",
    asks({}, {"nvidia.com/g p u": 1}),
    text=f'{MAIN}.limits[\'nvidia.com/g p u\']=1 but a key holds letters, digits, "-", "_", "." and starts and ends'
    " with a letter or digit; write the name that the device plugin gives it",
)
case(
    "R02",
    "huge pages without a size",
    asks({}, {"hugepages-large": "2Mi"}),
    text=f"{MAIN}.limits['hugepages-large']='2Mi' but huge pages are called by their size; write hugepages-2Mi or"
    " hugepages-1Gi",
)
case(
    "R02",
    "all there is",
    asks(
        {},
        {
            "cpu": 1,
            "memory": "1Gi",
            "ephemeral-storage": "1Gi",
            "hugepages-2Mi": "4Mi",
            "example.com/nic": 1,
            "kubernetes.io/batch-cpu": "0.5",
        },
    ),
)

case(
    "R03",
    "bytes",
    asks({"memory": "512"}),
    text=f"{MAIN}.requests.memory='512' but that is 512 bytes, and no program runs in so little; write \"512Mi\"",
)
case(
    "R03",
    "a number",
    asks({}, {"memory": 512}),
    text=f'{MAIN}.limits.memory=512 but that is 512 bytes, and no program runs in so little; write "512Mi"',
)
case(
    "R03",
    "a thousandth",
    asks({}, {"memory": "512m"}),
    text=f"{MAIN}.limits.memory='512m' but that is 0.512 bytes, and no program runs in so little; write \"512Mi\"",
)
case(
    "R03",
    "a byte",
    asks({}, {"memory": "1"}),
    text=f"{MAIN}.limits.memory='1' but that is 1 byte, and no program runs in so little; write \"1Mi\"",
)
case(
    "R03",
    "almost 4Mi",
    asks({}, {"memory": "4194303"}),
    text=f"{MAIN}.limits.memory='4194303' but that is 4194303 bytes, and no program runs in so little; write the"
    " unit, such"
    ' as memory: "512Mi" and cpu: "500m"',
)
case("R03", "4Mi, and none", asks({"memory": "4Mi"}, {"memory": "4Mi", "cpu": "0"}))
case(
    "R03",
    "CPUs with a unit of memory",
    asks({"cpu": "4Gi"}),
    text=f"{MAIN}.requests.cpu='4Gi' but that is 4294967296 CPUs, which no node has; write CPUs, such as \"4\""
    ' or "500m"',
)
case(
    "R03",
    "once for request and limit",
    asks({"memory": "512"}, {"memory": "512"}),
    text=f"{MAIN}.limits.memory='512' but that is 512 bytes, and no program runs in so little; write \"512Mi\"",
)

case(
    "R05",
    "half a GPU",
    accelerated({"nvidia.com/gpu": "0.5"}),
    text=f"{MAIN}.limits['nvidia.com/gpu']='0.5' but devices are counted in whole numbers; write a whole number",
)
case(
    "R05",
    "500 thousandths",
    accelerated({"nvidia.com/gpu": "500m"}),
    text=f"{MAIN}.limits['nvidia.com/gpu']='500m' but devices are counted in whole numbers; write a whole number",
)
case("R05", "a whole one in other words", accelerated({"nvidia.com/gpu": "1000m"}))
case(
    "R05",
    "half a page",
    asks({}, {"hugepages-2Mi": "3Mi"}),
    text=f"{MAIN}.limits['hugepages-2Mi']='3Mi' but huge pages of this size come in multiples of 2Mi; round it up",
)

case(
    "R06",
    "requests only",
    accelerated({}, GPU),
    text=f"{MAIN}.requests['nvidia.com/gpu']='1' but it has no limit, and what cannot be overcommitted has one;"
    " write it"
    " under limits only; the request follows",
)
case(
    "R06",
    "fewer than the limit",
    accelerated({"nvidia.com/gpu": 2}, GPU),
    text=f"{MAIN}.requests['nvidia.com/gpu']='1' but its limit is 2, {EQUAL}",
)
case(
    "R06",
    "huge pages",
    asks({"hugepages-2Mi": "4Mi"}, {"memory": "1Gi"}),
    text=f"{MAIN}.requests['hugepages-2Mi']='4Mi' but it has no limit, and what cannot be overcommitted has one;"
    " write it"
    " under limits only; the request follows",
)
case("R06", "limits only", accelerated(GPU))
case("R06", "both, in other words", accelerated({"nvidia.com/gpu": 1}, GPU))
PAGES = {"hugepages-2Mi": "64Mi"}
case("R06", "pages and memory", asks({"memory": "1Gi"}, PAGES))
case(
    "R06",
    "pages alone",
    asks({}, PAGES),
    text=f"{MAIN}.limits['hugepages-2Mi']='64Mi' but the container asks for neither cpu nor memory, and huge pages come with one"
    ' of them; write memory beside it, such as "1Gi"',
)
case("R06", "both, and the limit unreadable", accelerated({"nvidia.com/gpu": "one"}, GPU))

for resource, more, less, end in (
    ("memory", "2Gi", "1Gi", ".memory"),
    ("cpu", "2", "1500m", ".cpu"),
    ("ephemeral-storage", "2Gi", "2G", "['ephemeral-storage']"),
):
    case(
        "R08",
        resource,
        asks({resource: more}, {resource: less}),
        text=f"{MAIN}.requests{end}='{more}' but its limit is '{less}', and a request is at most its limit;"
        " raise the limit,"
        " or lower the request",
    )
case("R08", "the same in other words", asks({"cpu": "1", "memory": "1Gi"}, {"cpu": "1000m", "memory": "1024Mi"}))
case("R08", "no limit", asks({"cpu": "64"}))

case(
    "R09",
    "more than a node has",
    accelerated({"nvidia.com/gpu": 5}),
    text=f"{MAIN}.limits['nvidia.com/gpu']=5 but a node of eks-test has 4 of l4; ask for 1 to 4",
)
case("R09", "all of a node", accelerated({"nvidia.com/gpu": 4}))
both = pods(
    {"resources": {"limits": GPU}}, {"name": "side", "resources": {"limits": {"nvidia.com/gpu": 4}}}, tolerations=TAINT
)
case(
    "R09",
    "two containers",
    deployment(template=both),
    text=f"{MAIN}.limits['nvidia.com/gpu']='1' but all containers ask for 5 together, and a node of eks-test has"
    " 4 of l4;"
    " ask for 1 to 4",
)
first = {"name": "load", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": 4}}}
case("R09", "one container after the other", accelerated({"nvidia.com/gpu": 4}, initContainers=[first]))
case(
    "R09",
    "one container beside the other",
    accelerated({"nvidia.com/gpu": 4}, initContainers=[{**first, "restartPolicy": "Always"}]),
    text="Deployment web spec.template.spec.initContainers[0].resources.limits['nvidia.com/gpu']=4 but all"
    " containers ask"
    " for 8 together, and a node of eks-test has 4 of l4; ask for 1 to 4",
)
case(
    "R09",
    "another vendor",
    asks({}, {"amd.com/gpu": 1}),
    text=f"{MAIN}.limits['amd.com/gpu']=1 but the cluster eks-test declares no accelerator with this resource; ask for"
    " nvidia.com/gpu, or declare it in Cluster(accelerators=[...])",
)
case(
    "R09",
    "no accelerators",
    asks({}, GPU),
    cluster=Cluster("bare", kubernetes="1.34"),
    text=f"{MAIN}.limits['nvidia.com/gpu']='1' but the cluster bare declares no accelerator with this resource;"
    " declare it"
    " in Cluster(accelerators=[...])",
)
case("R09", "a network card", asks({}, {"vpc.amazonaws.com/efa": 1}))
case("R09", "none, in writing", asks({}, {"amd.com/gpu": 0}))
case(
    "R09",
    "other nodes",
    accelerated(GPU, nodeSelector={"accelerator": "h100"}),
    text="Deployment web spec.template.spec.nodeSelector['accelerator']='h100' but the nodes of eks-test with"
    " nvidia.com/gpu have l4 (l4); select such nodes",
)
case("R09", "some of the nodes", accelerated(GPU, nodeSelector={"accelerator": "l4", "zone": "a"}))

case(
    "R10",
    "too many CPUs",
    accelerated(GPU, {"cpu": "8100m"}),
    cluster=TWO_SIZES,
    text=f"{MAIN}.requests.cpu='8100m' but a node with l4-large has 8 CPU for pods; ask for less, or correct"
    " node_cpu= of"
    " the Accelerator",
)
case(
    "R10",
    "too much memory, as a limit",
    accelerated({**GPU, "memory": "33Gi"}),
    cluster=TWO_SIZES,
    text=f"{MAIN}.limits.memory='33Gi' but a node with l4-large has 32Gi of memory for pods; ask for less, or correct"
    " node_memory= of the Accelerator",
)
pair = pods(
    {"resources": {"limits": GPU, "requests": {"cpu": "5"}}},
    {"name": "side", "resources": {"requests": {"cpu": "4"}}},
    tolerations=TAINT,
)
case(
    "R10",
    "two containers",
    deployment(template=pair),
    cluster=TWO_SIZES,
    text=f"{MAIN}.requests.cpu='5' but all containers ask for 9 together, and a node with l4-large has 8 CPU for"
    " pods; ask"
    " for less, or correct node_cpu= of the Accelerator",
)
pair = pods(
    {"resources": {"limits": {**GPU, "memory": "32Gi"}}},
    {"name": "side", "resources": {"limits": {"memory": "512Mi"}}},
    tolerations=TAINT,
)
case(
    "R10",
    "the memory of two containers",
    deployment(template=pair),
    cluster=TWO_SIZES,
    text=f"{MAIN}.limits.memory='32Gi' but all containers ask for 33280Mi together, and a node with l4-large has 32Gi"
    " of memory for pods; ask for less, or correct node_memory= of the Accelerator",
)
case("R10", "all of the largest node", accelerated(GPU, {"cpu": "8", "memory": "32Gi"}), cluster=TWO_SIZES)
case("R10", "nodes of unknown size", accelerated(GPU, {"cpu": "800"}))
case("R10", "no accelerator", asks({"cpu": "800"}), cluster=TWO_SIZES)

case(
    "R11",
    "a GPU and a part of one",
    accelerated({**GPU, "nvidia.com/mig-1g.10gb": 1}),
    text=f"{MAIN}.limits['nvidia.com/mig-1g.10gb']=1 but the pod asks for nvidia.com/gpu too, and a node rarely"
    " has both;"
    " keep the one that the program uses",
)
case("R11", "a GPU and a network card", accelerated({**GPU, "vpc.amazonaws.com/efa": 1}))

tolerations = "Deployment web spec.template.spec.tolerations"
case(
    "R23",
    "no toleration",
    asks({}, GPU),
    text=f"{tolerations} but the nodes with nvidia.com/gpu have the taint nvidia.com/gpu, and the pod does not"
    " tolerate it;"
    " add the toleration",
)
case(
    "R23",
    "a toleration of something else",
    asks({}, GPU, tolerations=[{"key": "dedicated", "operator": "Exists"}]),
    text=f"{tolerations} but the nodes with nvidia.com/gpu have the taint nvidia.com/gpu, and the pod does not"
    " tolerate it;"
    " add the toleration",
)
case("R23", "a toleration of all", asks({}, GPU, tolerations=[{"operator": "Exists"}]))
case("R23", "a toleration with a value", asks({}, GPU, tolerations=[{"key": "nvidia.com/gpu", "value": "present"}]))
case(
    "R23",
    "a toleration without need",
    asks({"cpu": 1}, tolerations=TAINT),
    text=f"{tolerations}[0].key='nvidia.com/gpu' but the pod asks for no such accelerator; remove the toleration",
)
case("R23", "a DaemonSet is on every node", {**asks({"cpu": 1}, tolerations=TAINT), "kind": "DaemonSet"})

room = "and gke has room for 12 (2 nodes with 4 of l4 and 1 node with 4 of l4-large)"
case(
    "R26",
    "replicas",
    replicated(accelerated(GPU), 13),
    cluster=TWO_SIZES,
    text=f"{MAIN}.limits['nvidia.com/gpu']='1' but there are up to 13 pods, {room}; lower the number of pods, or"
    " correct"
    " nodes= of the Accelerator",
)
case("R26", "as many as there are", replicated(accelerated(GPU), 12), cluster=TWO_SIZES)
room = "and gke has room for 3 (2 nodes with 4 of l4 and 1 node with 4 of l4-large)"
case(
    "R26",
    "an autoscaler",
    accelerated({"nvidia.com/gpu": 3}),
    autoscaler(maxReplicas=4),
    cluster=TWO_SIZES,
    text=f"{MAIN}.limits['nvidia.com/gpu']=3 but HorizontalPodAutoscaler web goes up to 4 pods, {room}; lower"
    " maxReplicas,"
    " or correct nodes= of the Accelerator",
)
case(
    "R26",
    "an autoscaler that ends in time",
    accelerated({"nvidia.com/gpu": 3}),
    autoscaler(maxReplicas=3),
    cluster=TWO_SIZES,
)
case(
    "R26",
    "a DaemonSet",
    {**accelerated({"nvidia.com/gpu": 4}), "kind": "DaemonSet"},
    cluster=Cluster("one", kubernetes="1.34", accelerators=[Accelerator("l4", per_node=4)]),
)
trained = copy.deepcopy(job())
trained["spec"].update(parallelism=5, completions=4)
trained["spec"]["template"]["spec"]["tolerations"] = TAINT
trained["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": 3}}
case(
    "R26",
    "a Job",
    trained,
    cluster=TWO_SIZES,
    text="Job train spec.template.spec.containers[0].resources.limits['nvidia.com/gpu']=3 but there are up to 4 pods, "
    f"{room}; lower the number of pods, or correct nodes= of the Accelerator",
)
apart = copy.deepcopy(trained)
apart["spec"].update(backoffLimitPerIndex=1, completionMode="Indexed")
case(
    "R26",
    "a Job of pods that do not wait for each other",
    apart,
    cluster=TWO_SIZES,
    text="Job train spec.template.spec.containers[0].resources.limits['nvidia.com/gpu']=3 but there are up to 4 pods, "
    f"{room}; lower parallelism to 3, or correct nodes= of the Accelerator",
)


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_resources_are_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged("R", *manifests, cluster=cluster) if broken == rule] == expected


def test_a_patch_is_judged(tmp_path: Path) -> None:
    """What a patch made is checked like everything else."""
    scope = environment(tmp_path)
    path = "/spec/template/spec/containers/0/resources/limits/memory"
    own_service(scope).add_json_patch("Deployment", {"op": "replace", "path": path, "value": "1Gi"})
    assert found_by(scope, "R08") == [
        (
            "test/api: Deployment api spec.template.spec.containers[0].resources.requests.memory='2Gi' but its limit"
            " is '1Gi',"
            " and a request is at most its limit; raise the limit, or lower the request"
        )
    ]


def test_a_foreign_object_is_judged(tmp_path: Path) -> None:
    """Also one that plain cdk8s makes."""
    scope = environment(tmp_path)
    raw(scope, accelerated({"nvidia.com/gpu": 5}))
    assert found_by(scope, "R09") == [
        f"test: {MAIN}.limits['nvidia.com/gpu']=5 but a node of eks-test has 4 of l4; ask for 1 to 4"
    ]


def test_the_peak_of_a_service_is_compared_with_the_cluster(tmp_path: Path) -> None:
    """As its scale says, and not where only a rollout would need more."""
    scope = environment(tmp_path)
    own_service(scope, gpu=Gpu("l4", 4), scale=CpuScale(min=2, max=9))
    assert found_by(scope, "R26") == [
        (
            "test/api: Deployment api spec.template.spec.containers[0].resources.requests['nvidia.com/gpu']='4' but"
            " HorizontalPodAutoscaler api goes up to 9 pods, and eks-test has room for 8 (8 nodes with 4 of l4); lower"
            " maxReplicas, or correct nodes= of the Accelerator"
        )
    ]


TRIALS = Sweep(grid={"seed": list(range(20))})
TOO_MANY = (
    "test/train: Job train spec.template.spec.containers[0].resources.requests['nvidia.com/gpu']='4' but there are up to"
    " 20 pods, and eks-test has room for 8 (8 nodes with 4 of l4); write sweep.parallel=8, or correct nodes= of the"
    " Accelerator"
)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({}, [TOO_MANY]),
        ({"queue": Queue("q")}, [TOO_MANY]),
        ({"queue": Queue("q", min_parallelism=4)}, []),
        ({"queue": Queue("q", min_parallelism=4), "schedule": Schedule("30 3 * * *")}, []),
        ({"queue": Queue("q", min_parallelism=9)}, [TOO_MANY.replace("up to 20 pods", "up to 9 pods")]),
    ],
)
def test_trials_run_one_after_the_other(tmp_path: Path, options: dict[str, Any], texts: list[str]) -> None:
    """A sweep is no gang: so many at once as there is room for, which Kueue can see to by itself."""
    scope = environment(tmp_path, cluster=having(Crd.KUEUE))
    training(scope, gpu=Gpu("l4", 4), sweep=TRIALS, **options)
    assert [re.sub("train-[0-9a-f]{8}", "train", text) for text in found_by(scope, "R26")] == texts


def test_modelyards_own_objects_break_no_rule_of_the_family(tmp_path: Path) -> None:
    """Neither with nor without accelerators."""
    for options in ({}, {"gpu": Gpu("l4"), "cpu_limit": "2", "ephemeral_storage": "1Gi"}):
        scope = environment(tmp_path)
        own_service(scope, **options)
        training(scope)
        assert [finding.text for finding in found(scope) if finding.rule.startswith("R")] == []


def reference(text: str) -> Decimal | None:
    """Return what ParseQuantity of k8s.io/apimachinery reads, step by step as it does, before it rounds."""
    rest = text[1:] if text[:1] in {"+", "-"} else text
    number = ""
    while rest[:1].isdigit():
        number, rest = number + rest[0], rest[1:]
    fraction = ""
    if rest[:1] == ".":
        rest = rest[1:]
        while rest[:1].isdigit():
            fraction, rest = fraction + rest[0], rest[1:]
    if not number and not fraction:
        # Go reads "+", "." and "Gi" as 0: nobody means that.
        return None
    powers: dict[str, int | str] = {
        "": 1,
        "n": "1e-9",
        "u": "1e-6",
        "m": "1e-3",
        "k": 10**3,
        "M": 10**6,
        "G": 10**9,
        "T": 10**12,
    }
    powers |= {"P": 10**15, "E": 10**18, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
    if rest in powers:
        factor = Decimal(powers[rest])
    elif re.fullmatch("[eE][+-]?[0-9]+", rest):
        factor = Decimal(10) ** int(rest[1:])
    else:
        return None
    value = Decimal(f"{number or 0}.{fraction or 0}") * factor
    return -value if text[0] == "-" else value


@given(st.text(alphabet="0123456789.+-eEinumkKMGTPB ", max_size=7))
@example("1Gi")
@example("1.Ki")
@example("-.5E")
@example("1e-3")
@example("1E+3")
@example("1Ee3")
@example("1e")
def test_quantities_are_those_of_the_api_server(text: str) -> None:
    """Neither more is read than the API server reads, nor anything else."""
    exponent = text.lower().partition("e")[2].lstrip("+-0")
    if not (exponent.isdigit() and len(exponent) > 3):
        assert quantity.parse(text) == reference(text)
