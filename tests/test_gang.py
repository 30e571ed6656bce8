"""A TrainingJob on several nodes: what its pods are called, how they find each other, and what is refused."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard import Claim, ConfigFiles, Gpu, TrainingJob, hours
from modelyard.training.gang import WAIT
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found, found_by, objects, trained, training

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
GANG = {"nodes": 4, "command": ["torchrun", "train.py"], "accept": {"J18": "the cluster is for this training"}}
SUBJECT = "test/train: "


def rendered(root: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training on 4 nodes, with *options* instead of its own."""
    return trained(root, **{**GANG, **options})


def variables(job: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return name and value of the variables of the training's container, in their order."""
    return [
        (one["name"], one.get("value") or at(one, "valueFrom.fieldRef.fieldPath"))
        for one in at(job, f"{CONTAINER}.env")
    ]


def test_torchrun_finds_its_flags(tmp_path: Path) -> None:
    """The name of the Job comes first, since Kubernetes expands only what stands before."""
    assert variables(rendered(tmp_path)["Job/train"]) == [
        ("HOME", "/tmp"),
        ("USER", "train"),
        ("JOB_NAME", "metadata.labels['batch.kubernetes.io/job-name']"),
        ("PET_NNODES", "4"),
        ("PET_NPROC_PER_NODE", "2"),
        ("PET_NODE_RANK", "metadata.annotations['batch.kubernetes.io/job-completion-index']"),
        ("PET_MASTER_ADDR", "$(JOB_NAME)-0.train.ml-test.svc"),
        ("PET_MASTER_PORT", "29500"),
    ]


def test_a_user_says_how_many_processes_a_node_has(tmp_path: Path) -> None:
    """The number of GPUs is a guess that a user may know better; on CPU it is one."""
    mine = rendered(tmp_path, env={"PET_NPROC_PER_NODE": "1", "RANK_FILE": "$(PET_NODE_RANK).txt"})
    plain = rendered(tmp_path, gpu=None)

    assert ("PET_NPROC_PER_NODE", "1") in variables(mine["Job/train"])
    assert variables(mine["Job/train"])[-1] == ("RANK_FILE", "$(PET_NODE_RANK).txt")
    assert ("PET_NPROC_PER_NODE", "1") in variables(plain["Job/train"])


def test_the_service_gives_every_pod_a_name_before_it_is_ready(tmp_path: Path) -> None:
    """It selects by labels that never change, so runs of other content keep it, and it outlives its manifest."""
    service = rendered(tmp_path)["Service/train"]

    assert service["spec"] == {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"app": "train"},
        "ports": [{"name": "rendezvous", "port": 29500, "targetPort": 29500, "protocol": "TCP"}],
    }
    assert at(service, "metadata.annotations.argocd|argoproj|io/sync-options") == "Prune=false,Delete=false"
    assert at(service, "metadata.annotations.kustomize|toolkit|fluxcd|io/prune") == "disabled"


def test_one_node_has_nothing_of_it(tmp_path: Path) -> None:
    """One node needs no names, no waiting and no open ports."""
    scope = environment(tmp_path)
    training(scope)
    one = objects(scope)

    assert "Service/train" not in one
    assert at(one["Job/train"], "spec.completionMode") == MISSING
    assert at(one["Job/train"], f"{POD}.subdomain") == MISSING
    assert at(one["Job/train"], f"{POD}.initContainers") == MISSING
    assert at(one["NetworkPolicy/train"], "spec.ingress") == MISSING


def test_every_port_is_open_between_the_pods(tmp_path: Path) -> None:
    """NCCL listens on ports that nobody knows before."""
    policy = rendered(tmp_path)["NetworkPolicy/train"]

    assert at(policy, "spec.ingress") == [{"from": [{"podSelector": {"matchLabels": {"app": "train"}}}]}]
    assert {"to": [{"podSelector": {}}]} in at(policy, "spec.egress")


@pytest.mark.parametrize(("retries", "limit"), [(0, 0), (1, 8), (3, 16), (5, 24)])
def test_retries_are_restarts_of_all(tmp_path: Path, retries: int, limit: int) -> None:
    """A restart of all costs a failure a node, and one share is to spare; no retries end with the first failure."""
    job = rendered(tmp_path, retries=retries)["Job/train"]

    assert at(job, "spec.backoffLimit") == limit
    assert at(job, "spec.podReplacementPolicy") == "Failed"
    assert at(job, "spec.backoffLimitPerIndex") == MISSING


def test_a_pod_waits_for_the_others_in_the_image_of_the_training(tmp_path: Path) -> None:
    """It asks for next to nothing, sees no GPU, and is told of by the names that the rendezvous uses."""
    job = rendered(tmp_path)["Job/train"]
    (wait,) = at(job, f"{POD}.initContainers")

    assert wait["name"] == "wait-for-nodes"
    assert wait["image"] == IMAGE
    assert wait["command"] == ["python3", "-c", WAIT, "$(JOB_NAME)", "train.ml-test.svc", "4", "1800"]
    assert wait["env"] == [
        {
            "name": "JOB_NAME",
            "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}},
        },
        {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"},
    ]
    assert wait["resources"] == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}
    assert wait["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert wait["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


class Names:
    """
    A DNS that learns one name after the other, and a clock that goes on while somebody sleeps.

    Args:
        learned: When each name is known, in seconds.
    """

    def __init__(self, learned: dict[str, int]) -> None:
        self.learned = learned
        self.now = 0.0
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: None) -> list[object]:
        """Answer like DNS, which knows no ports."""
        assert port is None
        self.asked.append(host)
        if self.now < self.learned.get(host, sys.maxsize):
            message = "Name or service not known"
            raise socket.gaierror(message)
        return [host]

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture(name="waits")
def _waits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(names: Names, *arguments: str) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
        monkeypatch.setattr(time, "monotonic", names.monotonic)
        monkeypatch.setattr(time, "sleep", names.sleep)
        monkeypatch.setattr(sys, "argv", ["-c", *arguments])
        try:
            exec(compile(WAIT, "wait", "exec"), {})  # noqa: S102 # what the container runs
        finally:
            monkeypatch.undo()

    return run


def test_the_wait_ends_when_the_last_name_is_known(waits: Callable[..., None]) -> None:
    """It asks for one name at a time, by the host names that the Job controller gives."""
    names = Names({"run-1f-0.train.ml.svc": 0, "run-1f-1.train.ml.svc": 60, "run-1f-2.train.ml.svc": 20})

    waits(names, "run-1f", "train.ml.svc", "3", "1800")

    assert names.now == 60
    assert list(dict.fromkeys(names.asked)) == [f"run-1f-{rank}.train.ml.svc" for rank in range(3)]


def test_the_wait_gives_up_in_the_end(waits: Callable[..., None]) -> None:
    """The last words are the container's termination message, which kubectl describe shows."""
    names = Names({"run-1f-0.train.ml.svc": 0})

    with pytest.raises(SystemExit) as ended:
        waits(names, "run-1f", "train.ml.svc", "2", "1800")

    said = "run-1f-1.train.ml.svc has no address after 1800 seconds: Name or service not known"
    assert ended.value.code == said
    assert names.now == 1802


def test_two_runs_of_one_training_share_the_service_and_no_name(tmp_path: Path) -> None:
    """A changed training is another Job, whose pods have other host names below the same domain."""
    first, second = rendered(tmp_path), rendered(tmp_path, command=["torchrun", "other.py"])
    names = [str(each["Job/train"]["metadata"]["name"]) for each in (first, second)]

    assert first["Service/train"] == second["Service/train"]
    assert len(set(names)) == 2
    assert [at(each["Job/train"], f"{POD}.subdomain") for each in (first, second)] == ["train", "train"]


REFUSED = [
    (
        {"nodes": 0},
        "X11",
        "nodes=0 but a training runs on 1 node or more; correct the value",
    ),
    (
        {"env": {"PET_NNODES": "2"}},
        "N22",
        (
            "env['PET_NNODES'] but with nodes= it is set for each pod, and another value would keep them from finding "
            "each other; leave the variable away"
        ),
    ),
    (
        {"volumes": [Claim("ckpt", "/ckpt", access_mode="ReadWriteOnce")]},
        "V01",
        (
            "volumes[0].access_mode='ReadWriteOnce' but 4 pods on different nodes mount ckpt, and this mode is for one "
            "node; use ReadWriteMany or ReadOnlyMany storage, or one node"
        ),
    ),
    (
        {"volumes": [Claim("ckpt", "/ckpt", size="1Ti", storage_class="ebs")]},
        "V01",
        (
            "volumes[0].access_mode='ReadWriteOnce' but 4 pods on different nodes mount ckpt, and this mode is for one "
            "node; use ReadWriteMany or ReadOnlyMany storage, or one node"
        ),
    ),
    (
        {"gpu": Gpu("l4", 8)},
        "R09",
        "gpu.count=8 but a node of eks-test has 4 of l4; ask for 1 to 4",
    ),
]


@pytest.mark.parametrize(("options", "rule", "text"), REFUSED)
def test_what_several_nodes_cannot_have(tmp_path: Path, options: dict[str, Any], rule: str, text: str) -> None:
    """It is refused in the user's own words."""
    scope = environment(tmp_path)
    training(scope, **{**GANG, **options})

    assert found_by(scope, rule) == [SUBJECT + text]


def test_the_cluster_has_room_for_all_nodes(tmp_path: Path) -> None:
    """Nine nodes of four GPUs are one more than there are."""
    scope = environment(tmp_path)
    training(scope, **{**GANG, "nodes": 9, "gpu": Gpu("l4", 4)})
    (text,) = found_by(scope, "R26")

    assert text.endswith(
        "spec.template.spec.containers[0].resources.requests['nvidia.com/gpu']='4' but there are up to 9 pods, and "
        "eks-test has room for 8 (8 nodes with 4 of l4); lower the number of pods, or correct nodes= of the Accelerator"
    )


def named(root: Path, name: str, nodes: int) -> list[str]:
    """Return what is found about a training called *name*, but for the gang."""
    scope = environment(root)
    TrainingJob(scope, name, image=IMAGE, command=["x"], nodes=nodes, deadline=hours(1))
    return [one.text for one in found(scope) if one.rule != "J18"]


def test_the_id_leaves_room_for_hash_and_index(tmp_path: Path) -> None:
    """The longest id is the one whose last pod still has a host name."""
    assert named(tmp_path, "a" * 52, 10) == []
    assert named(tmp_path, "a" * 51, 11) == []
    assert named(tmp_path, "a" * 52, 11) == [
        (
            f"test/{'a' * 52}: id='{'a' * 52}' but a name has at most 51 characters here and this one has 52 (a pod's host "
            "name ends with a hash of 9 and its index of 3); choose an id of at most 51 characters, such as churn-train"
        )
    ]


def test_the_id_is_the_name_of_a_service(tmp_path: Path) -> None:
    """A Job may begin with a digit, and a Service may not."""
    assert named(tmp_path, "4nodes", 1) == []
    assert named(tmp_path, "4nodes", 4) == [
        (
            "test/4nodes: id='4nodes' but the Service by which the nodes find each other is called so: a name holds a-z, "
            '0-9 and "-" only, starts with a letter and ends with no "-"; begin it with a letter'
        )
    ]


def test_a_gang_is_told_of(tmp_path: Path) -> None:
    """Without a queue each of two gangs may get a half; who knows better says why."""
    scope = environment(tmp_path)
    training(scope, **{**GANG, "accept": {}})
    (text,) = found_by(scope, "J18")

    assert text.endswith(
        "spec.completions=4 but its pods are placed one by one, and each of two such Jobs may hold half of the nodes "
        "for ever; put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes"
    )


def test_the_list_shows_nodes_and_gpus(tmp_path: Path) -> None:
    """What stands in a column of modelyard list."""
    scope = environment(tmp_path)
    gang = training(scope, **{**GANG, "gpu": Gpu("l4", 4)})

    assert gang.summary() == {
        "kind": "TrainingJob",
        "runs_as": "Job",
        "replicas": "4",
        "gpus": "4 x 4 x l4",
        "image": IMAGE,
    }


def test_files_are_part_of_the_run(tmp_path: Path) -> None:
    """The ConfigMap of a gang is kept, as that of any training."""
    config = rendered(tmp_path, config=ConfigFiles("/etc/train", {"a.yaml": "x: 1\n"}))["ConfigMap/train-config"]

    assert at(config, "metadata.annotations.kustomize|toolkit|fluxcd|io/prune") == "disabled"
