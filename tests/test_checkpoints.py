"""Where a training saves, where its pods run, and how long they have to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Checkpoint,
    Claim,
    Cluster,
    Finding,
    Gpu,
    HuggingFace,
    Schedule,
    SpotNodes,
    Sweep,
    Toleration,
    Topology,
    minutes,
    seconds,
)
from tests.manifests import MISSING, at
from tests.support import CLUSTER, cluster_with, environment, found, found_by, objects, training

POD = "spec.template.spec"
STORE = "s3://acme/ckpt"
RWX = Claim("ckpt", "/ckpt", size="2Ti", storage_class="efs", access_mode="ReadWriteMany")
NIGHTLY = Schedule("30 3 * * *")
GRID = Sweep(grid={"lr": [0.1, 0.01]})
RUN_NAME = {
    "name": "JOB_NAME",
    "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}},
}
ALONE = {"J18": "nothing else wants these nodes"}


def pods(root: Path, cluster: Cluster = CLUSTER, **options: Any) -> dict[str, Any]:
    """Return the spec of the pods of a training with *options*."""
    scope = environment(root, cluster=cluster)
    training(scope, **options)
    made = objects(scope)
    found_pods: dict[str, Any] = at(made["Job/train"], POD) if "Job/train" in made else {}
    return found_pods or dict(at(made["CronJob/train"], f"spec.jobTemplate.{POD}"))


def saving(root: Path, **options: Any) -> list[Any]:
    """Return the variables by which a training with *options* is told where and how it saves."""
    names = {"CHECKPOINT_DIR", "CHECKPOINT_EVERY", "RESUME_FROM"}
    return [one for one in at(pods(root, **options), "containers[0].env") if one["name"] in names]


def place(root: Path, **options: Any) -> str:
    """Return where a training with *options* saves to."""
    return str(saving(root, **options)[0]["value"])


def texts(findings: list[Finding]) -> list[str]:
    """Return *findings* without the line that each is at."""
    return [f"{one.rule} {one.text}" for one in findings]


def wrong(root: Path, cluster: Cluster = CLUSTER, **options: Any) -> list[str]:
    """Return what is found of a training with *options*."""
    scope = environment(root, cluster=cluster)
    training(scope, **options)
    return texts(found(scope))


def test_a_program_is_told_where_it_saves_how_often_and_from_what_it_goes_on(tmp_path: Path) -> None:
    """By three variables, which are documented."""
    assert saving(tmp_path, checkpoint=Checkpoint(STORE, every=minutes(15))) == [
        {"name": "CHECKPOINT_DIR", "value": "s3://acme/ckpt/test/train"},
        {"name": "CHECKPOINT_EVERY", "value": "900"},
        {"name": "RESUME_FROM", "value": "latest"},
    ]
    assert saving(tmp_path, checkpoint=Checkpoint(STORE, resume=False)) == [
        {"name": "CHECKPOINT_DIR", "value": "s3://acme/ckpt/test/train"},
    ]


def test_a_changed_training_saves_to_the_same_place(tmp_path: Path) -> None:
    """Its Job has another name, and goes on where the last one was."""
    first, second = (environment(tmp_path) for _ in range(2))
    training(first, checkpoint=Checkpoint(STORE))
    training(second, checkpoint=Checkpoint(STORE), env={"LR": "0.1"})
    jobs = [objects(scope)["Job/train"] for scope in (first, second)]

    assert len({job["metadata"]["name"] for job in jobs}) == 2
    assert place(tmp_path, checkpoint=Checkpoint(STORE)) == place(
        tmp_path, checkpoint=Checkpoint(STORE), env={"LR": "0.1"}
    )


def test_another_run_begins_anew(tmp_path: Path) -> None:
    """It is the only part of the place that the user chooses."""
    assert place(tmp_path, checkpoint=Checkpoint(STORE, run="v2")) == "s3://acme/ckpt/test/train/v2"


def test_a_claim_is_mounted_and_made_as_other_claims(tmp_path: Path) -> None:
    """It outlives the Job and the commit."""
    scope = environment(tmp_path)
    training(scope, checkpoint=Checkpoint(RWX), nodes=2, accept=ALONE)
    made = objects(scope)

    assert at(made["Job/train"], f"{POD}.volumes[2]") == {
        "name": "checkpoint",
        "persistentVolumeClaim": {"claimName": "ckpt"},
    }
    assert at(made["Job/train"], f"{POD}.containers[0].volumeMounts[2]") == {"name": "checkpoint", "mountPath": "/ckpt"}
    assert place(tmp_path, checkpoint=Checkpoint(RWX)) == "/ckpt/test/train"
    assert made["PersistentVolumeClaim/ckpt"]["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == (
        "Prune=false,Delete=false"
    )
    assert texts(found(scope)) == []


def test_a_claim_that_is_mounted_already_is_mounted_once(tmp_path: Path) -> None:
    """A training may read other things from the claim that it saves to."""
    made = pods(tmp_path, checkpoint=Checkpoint(RWX), volumes=[RWX])

    assert [one["name"] for one in made["volumes"]] == ["tmp", "shared-memory", "claim-0"]


def test_every_run_of_a_schedule_begins_anew(tmp_path: Path) -> None:
    """And is kept apart by the name of its Job, which stays when its pod is replaced; unless the run is named."""
    options: dict[str, Any] = {"schedule": NIGHTLY, "deadline": minutes(30)}
    made = pods(tmp_path, checkpoint=Checkpoint(STORE), **options)

    assert at(made, "containers[0].env[3]") == RUN_NAME
    assert at(made, "containers[0].env[4].value") == "s3://acme/ckpt/test/train/$(JOB_NAME)"
    assert place(tmp_path, checkpoint=Checkpoint(STORE, run="warm"), **options) == "s3://acme/ckpt/test/train/warm"


def test_every_trial_saves_to_a_place_of_its_own(tmp_path: Path) -> None:
    """Which belongs to its settings: trial 1 of other settings is another trial."""
    one = place(tmp_path, checkpoint=Checkpoint(STORE), sweep=GRID)
    other = place(tmp_path, checkpoint=Checkpoint(STORE), sweep=Sweep(grid={"lr": [0.1, 0.2]}))

    assert one == "s3://acme/ckpt/test/train/f213125f/$(SWEEP_TRIAL)"
    assert other == "s3://acme/ckpt/test/train/4d745883/$(SWEEP_TRIAL)"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"checkpoint": Checkpoint("/ckpt")},
            (
                "V15 test/train: checkpoint.to='/ckpt' but a place in an object store is s3://bucket/..., gs://bucket/...,"
                " az://account/container/... or abfss://container@account.dfs.core.windows.net/..., without credentials,"
                " and this begins with none of them; correct the value"
            ),
        ),
        (
            {"checkpoint": Checkpoint(STORE, every=minutes(0))},
            "X11 test/train: checkpoint.every=seconds(0) but it is a length of time above zero; correct the value",
        ),
        (
            {"checkpoint": Checkpoint(STORE, run="V 2")},
            (
                "N19 test/train: checkpoint.run='V 2' but a name holds a-z, 0-9 and \"-\" only, and starts and ends with a"
                " letter or digit; correct the value"
            ),
        ),
        (
            {"checkpoint": Checkpoint(Claim("ckpt", "/ckpt", read_only=True))},
            "X11 test/train: checkpoint.to.read_only=True but a training writes its checkpoints; leave it away",
        ),
        (
            {"checkpoint": Checkpoint(Claim("ckpt", "/ckpt", size="1Ti")), "nodes": 2},
            (
                "V01 test/train: checkpoint.to.access_mode='ReadWriteOnce' but 2 pods on different nodes mount ckpt, and this"
                " mode is for one node; use ReadWriteMany or ReadOnlyMany storage, or one node"
            ),
        ),
        (
            {
                "checkpoint": Checkpoint(STORE, run="warm"),
                "schedule": Schedule("30 3 * * *", if_running="start"),
            },
            (
                "V23 test/train: checkpoint.run='warm' but with if_running=\"start\" two runs may save to it at once; leave"
                ' run= away, so that each has a place of its own, or write if_running="skip"'
            ),
        ),
        (
            {"checkpoint": Checkpoint(STORE), "env": {"CHECKPOINT_DIR": "/x"}},
            (
                "N22 test/train: env['CHECKPOINT_DIR'] but with checkpoint= it says where and how this training saves; leave"
                " the variable away"
            ),
        ),
        (
            {"checkpoint": Checkpoint(STORE), "env": {"JOB_NAME": "x"}, "schedule": NIGHTLY},
            (
                "N22 test/train: env['JOB_NAME'] but with schedule= the place of the checkpoint depends on it; leave the"
                " variable away"
            ),
        ),
        (
            {"checkpoint": Checkpoint(RWX), "volumes": [Claim("other", "/ckpt")]},
            "V06 test/train: volumes[0].mount='/ckpt' but checkpoint is mounted there; choose another folder",
        ),
        (
            {"spot": "require", "node_selector": {"karpenter.sh/capacity-type": "on-demand"}},
            (
                "X11 test/train: node_selector['karpenter.sh/capacity-type']='on-demand' but spot='require' wants nodes with"
                " spot; leave one of the two away"
            ),
        ),
        (
            {"topology": Topology("topology.kubernetes.io/zone")},
            (
                "X11 test/train: topology.key='topology.kubernetes.io/zone' but the training has no second pod to be near to;"
                " leave topology= away, or train on several nodes"
            ),
        ),
        (
            {"topology": Topology("kubernetes.io/hostname", required=True), "nodes": 3},
            (
                "R09 test/train: topology.key='kubernetes.io/hostname' but 3 pods ask for 6 of l4 on one node, which has 4; name"
                " what several nodes share, such as topology.kubernetes.io/zone, or run fewer, larger pods"
            ),
        ),
        (
            {"topology": Topology("a zone"), "nodes": 2},
            (
                'N19 test/train: topology.key=\'a zone\' but a key holds letters, digits, "-", "_", "." and starts and ends'
                " with a letter or digit; correct the value"
            ),
        ),
    ],
)
def test_what_cannot_be_saved_or_placed(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    """Each option against those that it contradicts."""
    assert wrong(tmp_path, **options) == [text]


SELECTED = {"matchLabels": {"app": "train"}}
ZONE = "topology.kubernetes.io/zone"
TERM = {"labelSelector": SELECTED, "matchLabelKeys": ["batch.kubernetes.io/job-name"], "topologyKey": ZONE}


def test_nodes_are_near_to_each_other(tmp_path: Path) -> None:
    """Those of one run, whatever another run of the same training does; preferred, or else the pods wait."""
    preferred = pods(tmp_path, nodes=2, topology=Topology(ZONE))
    required = pods(tmp_path, nodes=2, topology=Topology(ZONE, required=True))

    assert preferred["affinity"] == {
        "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": TERM}]}
    }
    assert required["affinity"] == {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}}


def test_as_many_pods_share_a_node_as_fit(tmp_path: Path) -> None:
    """Two of two accelerators are the four of a node; and where it is preferred, the others go elsewhere."""
    one = pods(tmp_path, nodes=2, topology=Topology("kubernetes.io/hostname", required=True))
    assert "requiredDuringSchedulingIgnoredDuringExecution" in one["affinity"]["podAffinity"]
    near = pods(tmp_path, nodes=3, topology=Topology("kubernetes.io/hostname"))
    assert "preferredDuringSchedulingIgnoredDuringExecution" in near["affinity"]["podAffinity"]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"cpu": "90"}, "180 CPUs on one node, which has 96"),
        ({"memory": "300Gi"}, "600Gi of memory on one node, which has 512Gi"),
    ],
)
def test_cpu_and_memory_have_to_fit_there_too(tmp_path: Path, options: dict[str, Any], what: str) -> None:
    """Where the cluster says how large its nodes are."""
    large = Accelerator("l4", per_node=8, nodes=8, node_cpu="96", node_memory="512Gi")
    scope = environment(tmp_path, cluster=cluster_with(accelerators=[large]))
    topology = Topology("kubernetes.io/hostname", required=True)
    training(scope, nodes=2, topology=topology, accept={"J18": "a test"}, **options)
    assert found_by(scope, "R09") == [
        (
            f"test/train: topology.key='kubernetes.io/hostname' but 2 pods ask for {what}; name what several nodes share, "
            "such as topology.kubernetes.io/zone, or run fewer, larger pods"
        )
    ]


CLOUDS = [
    (SpotNodes.GKE, "cloud.google.com/gke-spot", "true", True, 15),
    (SpotNodes.EKS, "eks.amazonaws.com/capacityType", "SPOT", False, 120),
    (SpotNodes.KARPENTER, "karpenter.sh/capacity-type", "spot", False, 120),
    (SpotNodes.AKS, "kubernetes.azure.com/scalesetpriority", "spot", True, 30),
]


@pytest.mark.parametrize(("nodes", "key", "value", "tainted", "notice"), CLOUDS, ids=["gke", "eks", "karpenter", "aks"])
def test_spot_nodes_are_those_of_the_cloud(  # a row of a table
    tmp_path: Path, nodes: SpotNodes, key: str, value: str, *, tainted: bool, notice: int
) -> None:
    """Required by label, or preferred by affinity with the others to fall back on; and the time to end is the notice."""
    cluster = cluster_with(spot=nodes)
    required, preferred = (
        pods(tmp_path, cluster, spot=how, gpu=None, checkpoint=Checkpoint(STORE)) for how in ("require", "prefer")
    )
    toleration = {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}

    assert required["nodeSelector"] == {key: value}
    assert at(required, "affinity") == MISSING
    assert at(preferred, "nodeSelector") == MISSING
    assert preferred["affinity"] == {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 100,
                    "preference": {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]},
                }
            ]
        }
    }
    for made in (required, preferred):
        assert at(made, "tolerations") == ([toleration] if tainted else MISSING)
        assert made["terminationGracePeriodSeconds"] == notice


def test_spot_nodes_keep_the_taint_of_the_accelerators(tmp_path: Path) -> None:
    """A spot node with accelerators has both."""
    cluster = cluster_with(spot=SpotNodes({"spot": "yes"}, tolerations=[Toleration("spot")]))
    made = pods(tmp_path, cluster, spot="require", gpu=Gpu("l4"), checkpoint=Checkpoint(STORE))

    assert made["nodeSelector"] == {"accelerator": "l4", "spot": "yes"}
    assert [one["key"] for one in made["tolerations"]] == ["nvidia.com/gpu", "spot"]


def test_a_training_that_is_not_asked_stays_as_it_was(tmp_path: Path) -> None:
    """Two minutes to end, and no word of spot nodes."""
    made = pods(tmp_path)

    assert made["terminationGracePeriodSeconds"] == 120
    assert at(made, "affinity") == MISSING


def test_the_time_to_end_is_the_users_where_she_says_it(tmp_path: Path) -> None:
    """Rule P14 tells that it is longer than the notice."""
    cluster = cluster_with(spot=SpotNodes.GKE)
    options: dict[str, Any] = {"spot": "require", "grace": seconds(60), "checkpoint": Checkpoint(STORE)}

    assert pods(tmp_path, cluster, **options)["terminationGracePeriodSeconds"] == 60
    (text,) = wrong(tmp_path, cluster, **options)
    assert text.startswith("P14 test/train: Job train-")


def test_spot_nodes_are_those_that_the_cluster_has(tmp_path: Path) -> None:
    """No label is guessed."""
    assert wrong(tmp_path, cluster_with(spot=None), spot="prefer") == [
        (
            "X04 test/train: spot='prefer' but the cluster eks-test does not say which of its nodes the cloud may take back;"
            " declare them, such as Cluster(spot=SpotNodes.KARPENTER), or leave spot= away"
        )
    ]


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (
            SpotNodes({}),
            "N16 test: cluster.spot.node_selector={0 keys} but nodes are told from others by a label; correct the value",
        ),
        (
            SpotNodes({"spot": "a b"}),
            (
                'N16 test: cluster.spot.node_selector={1 keys} but a label value holds letters, digits, "-", "_", "." and'
                " starts and ends with a letter or digit; correct the value"
            ),
        ),
        (
            SpotNodes({"spot": "yes"}, notice=seconds(0)),
            "X11 test: cluster.spot.notice=seconds(0) but it is a length of time above zero; correct the value",
        ),
    ],
)
def test_spot_nodes_that_cannot_be(tmp_path: Path, nodes: SpotNodes, text: str) -> None:
    """A cluster that is misdeclared is told so."""
    assert texts(found(environment(tmp_path, cluster=cluster_with(spot=nodes)))) == [text]


def test_two_things_are_not_mounted_in_one_folder(tmp_path: Path) -> None:
    """Neither a download and a checkpoint, nor two downloads."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = {
        name: HuggingFace(f"org/{name}", revision=commit, cache=Claim(name, "/models", access_mode="ReadWriteMany"))
        for name in ("a", "b")
    }

    assert wrong(tmp_path, data={"a": kept["a"]}, checkpoint=Checkpoint(Claim("ckpt", "/models/"))) == [
        "V06 test/train: checkpoint.to.mount='/models/' but cache-a is mounted there; choose another folder"
    ]
    assert wrong(tmp_path, checkpoint=Checkpoint(Claim("ckpt", "/tmp"))) == [
        "V06 test/train: checkpoint.to.mount='/tmp' but temporary files are written there; choose another folder"
    ]
    assert wrong(tmp_path, data=kept) == [
        "V06 test/train: data='/models' but cache-a is mounted there; choose another folder"
    ]
