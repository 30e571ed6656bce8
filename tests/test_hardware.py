"""Every kind of accelerator, by what a pod on it looks like, and what a cluster cannot mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Accelerator, Cluster, Fabric, Finding, Gpu, Toleration, TrainingJob
from tests.manifests import MISSING, at
from tests.support import environment, found, objects, service, training

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
TPU_LABEL = "cloud.google.com/gke-tpu-accelerator"
SLICE = Accelerator(
    "v5e-16", "google.com/tpu", per_node=4, nodes=8, topology="4x4", node_selector={TPU_LABEL: "tpu-v5-lite-podslice"}
)
EFA = Fabric(
    {"vpc.amazonaws.com/efa": 32},
    huge_pages="5120Mi",
    env={"FI_PROVIDER": "efa", "NCCL_DEBUG": "WARN"},
    annotations={"networks.example/first": "rdma-0"},
)
H100 = Accelerator(
    "h100", per_node=8, nodes=4, node_selector={"gpu": "h100"}, fabric=EFA, node_cpu="190", node_memory="2000Gi"
)
L4 = Accelerator("l4", per_node=4, nodes=8, node_selector={"gpu": "l4"}, node_cpu="47", node_memory="180Gi")
CLAIMED = Accelerator(
    "b200",
    per_node=8,
    nodes=2,
    device_class="gpu.nvidia.com",
    device_selectors=['device.attributes["gpu.nvidia.com"].productName == "NVIDIA B200"'],
)


def cluster(*accelerators: Accelerator, kubernetes: str = "1.34") -> Cluster:
    """Return a cluster with these classes of accelerators."""
    return Cluster("lab", kubernetes=kubernetes, accelerators=accelerators)


def job(root: Path, *accelerators: Accelerator, **options: Any) -> dict[str, Any]:
    """Return the Job of a training on a cluster with these classes."""
    scope = environment(root, cluster=cluster(*accelerators), pod_security="privileged")
    training(scope, **options)
    return objects(scope)["Job/train"]


def texts(findings: list[Finding]) -> list[str]:
    """Return *findings* without the line that each is at."""
    return [f"{one.rule} {one.text}" for one in findings]


def misdeclared(root: Path, *accelerators: Accelerator, kubernetes: str = "1.34") -> list[str]:
    """Return what is found in an environment on such a cluster."""
    return texts(found(environment(root, cluster=cluster(*accelerators, kubernetes=kubernetes))))


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        ("nvidia.com/gpu", 8),
        ("nvidia.com/mig-1g.10gb", 1),
        ("nvidia.com/mig-1g.10gb.me", 1),
        ("nvidia.com/gpu.shared", 2),
        ("amd.com/gpu", 8),
        ("gpu.intel.com/xe", 2),
        ("habana.ai/gaudi", 8),
        ("aws.amazon.com/neuron", 8),
        ("aws.amazon.com/neuroncore", 2),
    ],
)
def test_every_vendor_is_asked_for_by_its_resource(tmp_path: Path, resource: str, count: int) -> None:
    """Request and limit are the same, and its taint is tolerated."""
    made = job(tmp_path, Accelerator("one", resource, per_node=8), gpu=Gpu("one", count))

    assert at(made, f"{CONTAINER}.resources.limits.{resource.replace('.', '|')}") == str(count)
    assert at(made, f"{CONTAINER}.resources.requests.{resource.replace('.', '|')}") == str(count)
    assert at(made, f"{POD}.tolerations") == [{"key": resource, "operator": "Exists", "effect": "NoSchedule"}]


def test_a_user_id_without_a_name_is_given_one(tmp_path: Path) -> None:
    """PyTorch's compiler asks for it as it is imported, and no image knows the user id of pods."""
    assert {"name": "USER", "value": "train"} in at(job(tmp_path, L4), f"{CONTAINER}.env")
    own = at(job(tmp_path, L4, env={"USER": "ada"}), f"{CONTAINER}.env")
    assert [one["value"] for one in own if one["name"] == "USER"] == ["ada"]


def test_only_nvidias_containers_are_kept_from_seeing_gpus(tmp_path: Path) -> None:
    """Images for CUDA show all GPUs of a node to a container that asked for none; others show none."""
    amd = job(tmp_path, Accelerator("mi300x", "amd.com/gpu", per_node=8), gpu=None)
    nvidia = job(tmp_path, L4, gpu=None)

    assert at(amd, f"{CONTAINER}.env") == [{"name": "HOME", "value": "/tmp"}, {"name": "USER", "value": "train"}]
    assert at(nvidia, f"{CONTAINER}.env[2]") == {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}


def test_a_slice_of_tpus_has_a_pod_on_every_host(tmp_path: Path) -> None:
    """Sixteen chips are four hosts of four, and the shape is a node label."""
    made = job(tmp_path, SLICE, gpu=Gpu("v5e-16", 4), nodes=4)

    assert SLICE.hosts == 4
    assert at(made, f"{POD}.nodeSelector") == {
        TPU_LABEL: "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "4x4",
    }
    assert at(made, f"{CONTAINER}.resources.limits.google|com/tpu") == "4"
    assert at(made, "spec.completions") == 4


def test_a_run_has_a_slice_to_itself(tmp_path: Path) -> None:
    """On GKE a slice is a node pool: all pods of a run in one, and none of another run's, in whatever namespace."""
    made = job(tmp_path, SLICE, gpu=Gpu("v5e-16", 4), nodes=4)
    run, pool = "batch.kubernetes.io/job-name", "cloud.google.com/gke-nodepool"

    assert at(made, f"{POD}.affinity") == {
        "podAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "train"}}, "matchLabelKeys": [run], "topologyKey": pool}
            ]
        },
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {
                    "labelSelector": {"matchExpressions": [{"key": run, "operator": "Exists"}]},
                    "mismatchLabelKeys": [run],
                    "namespaceSelector": {},
                    "topologyKey": pool,
                }
            ]
        },
    }


def test_a_fabric_is_there_for_trainings_on_several_nodes_only(tmp_path: Path) -> None:
    """One pod has nobody to talk with, and network devices are few."""
    alone, together = (job(tmp_path, H100, gpu=Gpu("h100", 8), nodes=nodes) for nodes in (1, 2))

    assert at(alone, f"{CONTAINER}.resources.limits.vpc|amazonaws|com/efa") == MISSING
    for kind in ("requests", "limits"):
        asked = at(together, f"{CONTAINER}.resources.{kind}")
        assert asked["nvidia.com/gpu"] == "8"
        assert asked["vpc.amazonaws.com/efa"] == "32"
        assert asked["hugepages-2Mi"] == "5120Mi"
    assert at(together, f"{CONTAINER}.env[2]") == {"name": "FI_PROVIDER", "value": "efa"}
    assert at(together, "spec.template.metadata.annotations.networks|example/first") == "rdma-0"
    assert at(together, f"{CONTAINER}.securityContext.capabilities") == {"drop": ["ALL"]}


def test_a_part_of_a_node_gets_its_part_of_the_fabric(tmp_path: Path) -> None:
    """Two of eight accelerators are given a quarter of the network devices, and at least one."""
    made = job(tmp_path, H100, gpu=Gpu("h100", 2), nodes=2)
    few = job(tmp_path, Accelerator("x", per_node=8, nodes=2, fabric=Fabric({"rdma/ib": 1})), gpu=Gpu("x"), nodes=2)

    assert at(made, f"{CONTAINER}.resources.limits.vpc|amazonaws|com/efa") == "8"
    assert at(few, f"{CONTAINER}.resources.limits.rdma/ib") == "1"


def test_the_users_settings_win_over_those_of_the_fabric(tmp_path: Path) -> None:
    """A training that is debugged says more."""
    made = job(tmp_path, H100, gpu=Gpu("h100", 8), nodes=2, env={"NCCL_DEBUG": "INFO"})

    assert [one["value"] for one in at(made, f"{CONTAINER}.env") if one["name"] == "NCCL_DEBUG"] == ["INFO"]


def test_locked_memory_needs_a_namespace_that_allows_it(tmp_path: Path) -> None:
    """The capability is added where the class says so, and rule P16 tells who refuses it."""
    locked = Accelerator("h100", per_node=8, nodes=4, fabric=Fabric({"rdma/ib": 8}, lock_memory=True))
    made = job(tmp_path, locked, gpu=Gpu("h100", 8), nodes=2)
    restricted = environment(tmp_path, cluster=cluster(locked))
    training(restricted, gpu=Gpu("h100", 8), nodes=2, accept={"J18": "a test"})
    name = next(iter(found(restricted))).text.split()[2]

    assert at(made, f"{CONTAINER}.securityContext.capabilities") == {"add": ["IPC_LOCK"], "drop": ["ALL"]}
    assert texts(found(restricted)) == [
        (
            f"P16 test/train: Job {name} spec.template.spec.containers[0].securityContext.capabilities.add=['IPC_LOCK'] but"
            " ml-test enforces the Pod Security Standard restricted, which allows only NET_BIND_SERVICE; leave out"
            ' IPC_LOCK, or set Environment(pod_security="privileged")'
        )
    ]


def test_a_device_class_hands_out_devices_by_claim(tmp_path: Path) -> None:
    """The claim's template has a name by content, since its spec cannot change, and outlives a commit as the Job does."""
    scope = environment(tmp_path, cluster=cluster(CLAIMED))
    training(scope, gpu=Gpu("b200", 4))
    made = objects(scope)
    template = made["ResourceClaimTemplate/train-b200-4"]

    assert template["apiVersion"] == "resource.k8s.io/v1"
    assert template["metadata"]["name"] == "train-b200-4-5a5b1587"
    assert template["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    assert at(template, "spec.spec.devices.requests") == [
        {
            "name": "accelerator",
            "exactly": {
                "deviceClassName": "gpu.nvidia.com",
                "allocationMode": "ExactCount",
                "count": 4,
                "selectors": [
                    {"cel": {"expression": 'device.attributes["gpu.nvidia.com"].productName == "NVIDIA B200"'}}
                ],
            },
        }
    ]
    job_made = made["Job/train"]
    assert at(job_made, f"{POD}.resourceClaims") == [
        {"name": "accelerator", "resourceClaimTemplateName": "train-b200-4-5a5b1587"}
    ]
    assert at(job_made, f"{CONTAINER}.resources") == {
        "requests": {"cpu": "1", "memory": "2Gi"},
        "limits": {"memory": "2Gi"},
        "claims": [{"name": "accelerator"}],
    }
    assert texts(found(scope)) == []


def test_a_service_claims_devices_too(tmp_path: Path) -> None:
    """Its template stays until no pod of the last rollout refers to it."""
    scope = environment(tmp_path, cluster=cluster(CLAIMED))
    service(scope, gpu=Gpu("b200"), scale=None, replicas=2)
    made = objects(scope)

    assert made["ResourceClaimTemplate/api-b200-1"]["metadata"]["annotations"] == {
        "modelyard.dev/name": "api-b200-1",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    assert at(made["Deployment/api"], f"{CONTAINER}.resources.claims") == [{"name": "accelerator"}]


def test_another_device_class_is_another_run(tmp_path: Path) -> None:
    """What the claim asks for is part of what a Job's name stands for."""
    names = {job(tmp_path, CLAIMED, gpu=Gpu("b200", count))["metadata"]["name"] for count in (1, 2, 2)}

    assert len(names) == 2


@pytest.mark.parametrize(
    ("accelerator", "kubernetes", "text"),
    [
        (
            Accelerator("x", "gpu"),
            "1.34",
            (
                "R02 test: cluster.accelerators[0].resource='gpu' but a device's resource begins with the domain of its"
                " vendor, such as nvidia.com/gpu or amd.com/gpu; correct the value"
            ),
        ),
        (
            Accelerator("x", "nvidia.com/mig-10gb"),
            "1.34",
            (
                "R02 test: cluster.accelerators[0].resource='nvidia.com/mig-10gb' but a MIG resource ends with its profile,"
                " such as nvidia.com/mig-1g.10gb; correct the value"
            ),
        ),
        (
            Accelerator("x", "google.com/tpu", topology="16"),
            "1.34",
            (
                "R27 test: cluster.accelerators[0].topology='16' but the shape of a slice is two or three numbers of chips,"
                " such as 4x4 or 2x2x4; correct the value"
            ),
        ),
        (
            Accelerator("x", "google.com/tpu", per_node=3, topology="4x4"),
            "1.34",
            (
                "R27 test: cluster.accelerators[0].topology='4x4' but that are 16 chips, and hosts of 3 cannot make them up;"
                " correct the topology or per_node="
            ),
        ),
        (
            Accelerator("x", "google.com/tpu", per_node=4, nodes=6, topology="4x4"),
            "1.34",
            (
                "R27 test: cluster.accelerators[0].nodes=6 but a slice 4x4 has 4 nodes, and only whole slices are there;"
                " write a multiple of 4"
            ),
        ),
        (
            Accelerator("x", topology="4x4"),
            "1.34",
            (
                "R27 test: cluster.accelerators[0].topology='4x4' but only google.com/tpu comes in slices, and this is"
                " nvidia.com/gpu; leave topology= away"
            ),
        ),
        (
            Accelerator(
                "x", "google.com/tpu", topology="1x1", node_selector={"cloud.google.com/gke-tpu-topology": "2x2"}
            ),
            "1.34",
            (
                "R27 test: cluster.accelerators[0].node_selector['cloud.google.com/gke-tpu-topology']='2x2' but"
                " topology='1x1' sets this label; leave the label away"
            ),
        ),
        (
            Accelerator("x", device_class="gpu.nvidia.com"),
            "1.33",
            (
                "X04 test: cluster.accelerators[0].device_class='gpu.nvidia.com' but resource.k8s.io/v1 is served since"
                " Kubernetes 1.34, and lab is 1.33; use the device plugin: leave device_class= away"
            ),
        ),
        (
            Accelerator("x", device_selectors=["true"]),
            "1.34",
            (
                "X11 test: cluster.accelerators[0].device_selectors but they choose among the devices of a DeviceClass, and"
                " none is named; add device_class="
            ),
        ),
        (
            Accelerator("x", fabric=Fabric({"efa": 1})),
            "1.34",
            (
                "R02 test: cluster.accelerators[0].fabric.devices={1 keys} but a device's resource begins with the domain of"
                " its vendor, such as nvidia.com/gpu or amd.com/gpu; correct the value"
            ),
        ),
        (
            Accelerator("x", fabric=Fabric({"rdma/ib": 0})),
            "1.34",
            (
                "R02 test: cluster.accelerators[0].fabric.devices={1 keys} but of rdma/ib a node has 1 or more; correct the"
                " value"
            ),
        ),
        (
            Accelerator("x", fabric=Fabric(env={"A-B": "1"})),
            "1.34",
            (
                "N21 test: cluster.accelerators[0].fabric.env['A-B'] but an environment variable's name holds letters,"
                " digits and _ and starts with no digit; rename the variable"
            ),
        ),
        *(
            (
                Accelerator("x", memory=memory),
                "1.34",
                (
                    f"R01 test: cluster.accelerators[0].memory={memory!r} but an accelerator has 1Gi or more; correct the"
                    " value"
                ),
            )
            for memory in ("0", "-24Gi", "24")
        ),
    ],
)
def test_what_a_class_cannot_mean(tmp_path: Path, accelerator: Accelerator, kubernetes: str, text: str) -> None:
    """A cluster that is misdeclared is told so, before anything is rendered for it."""
    assert misdeclared(tmp_path, accelerator, kubernetes=kubernetes) == [text]


def test_two_classes_have_two_names(tmp_path: Path) -> None:
    """A workload asks by the name."""
    assert misdeclared(tmp_path, L4, L4) == [
        (
            "X11 test: cluster.accelerators[1].name='l4' but another class of this cluster is called so, and workloads ask"
            " by the name; give each class a name of its own"
        )
    ]


def test_a_request_that_fits_no_node_is_told_what_would_fit(tmp_path: Path) -> None:
    """Fewer of the same, or another class."""
    scope = environment(tmp_path, cluster=cluster(L4, H100, CLAIMED))
    training(scope, gpu=Gpu("l4", 8))

    assert texts(found(scope)) == [
        (
            "R09 test/train: gpu.count=8 but a node of lab has 4 of l4; ask for 1 to 4, or choose h100 (8 a node) or b200 (8"
            " a node)"
        )
    ]


def test_a_node_that_is_too_small_is_told_what_would_fit(tmp_path: Path) -> None:
    """CPU and memory lie beside the accelerators of one node."""
    scope = environment(tmp_path, cluster=cluster(L4, H100))
    training(scope, gpu=Gpu("l4", 4), cpu=96, memory="4Ti")
    name = found(scope)[0].text.split()[2]
    asked = f"test/train: Job {name} spec.template.spec.containers[0].resources.requests"

    assert texts(found(scope)) == [
        (
            f"R10 {asked}.cpu='96' but a node with l4 has 47 CPU for pods; ask for less, choose h100 (190), or correct"
            " node_cpu= of the Accelerator"
        ),
        (
            f"R10 {asked}.memory='4Ti' but a node with l4 has 180Gi of memory for pods; ask for less, or correct"
            " node_memory= of the Accelerator"
        ),
    ]


def test_a_taint_is_tolerated_once(tmp_path: Path) -> None:
    """Also where the class names it itself, and in the order in which it does."""
    own = [Toleration("dedicated", "training", "NoSchedule"), Toleration("dedicated", "training", "NoSchedule")]
    made = job(tmp_path, Accelerator("x", tolerations=own), gpu=Gpu("x"))

    assert at(made, f"{POD}.tolerations") == [
        {"key": "dedicated", "operator": "Equal", "value": "training", "effect": "NoSchedule"}
    ]


def test_a_training_may_still_be_called_by_its_class(tmp_path: Path) -> None:
    """What lists and explanations show is the class, whatever hands the devices out."""
    scope = environment(tmp_path, cluster=cluster(CLAIMED))
    made: TrainingJob = training(scope, gpu=Gpu("b200", 4))

    assert made.summary()["gpus"] == "4 x b200"
