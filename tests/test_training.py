"""Every option of a TrainingJob, by the field of the manifest that it becomes."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Bucket,
    Checkpoint,
    Claim,
    ConfigFiles,
    Crd,
    EmptyDir,
    FieldRef,
    Gpu,
    Network,
    Peer,
    Queue,
    Schedule,
    SecretFiles,
    SecretKey,
    Step,
    Sweep,
    TrainingJob,
    hours,
    minutes,
)
from modelyard.pod import KEPT
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, having, objects, training

KUEUE = "kueue|x-k8s|io"
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"

OPTIONS: list[tuple[str, Any, str, str, Any]] = [
    (
        "image",
        "ghcr.io/acme/other:2@sha256:" + "a" * 64,
        "Job/train",
        f"{CONTAINER}.image",
        "ghcr.io/acme/other:2@sha256:" + "a" * 64,
    ),
    ("command", ["torchrun", "x.py"], "Job/train", f"{CONTAINER}.command", ["torchrun", "x.py"]),
    ("args", ["--lr", "0.1"], "Job/train", f"{CONTAINER}.args", ["--lr", "0.1"]),
    ("env", {"EPOCHS": "4"}, "Job/train", f"{CONTAINER}.env[3]", {"name": "EPOCHS", "value": "4"}),
    (
        "env",
        {"TOKEN": SecretKey("hf", "token")},
        "Job/train",
        f"{CONTAINER}.env[3].valueFrom",
        {"secretKeyRef": {"name": "hf", "key": "token"}},
    ),
    (
        "env",
        {"POD": FieldRef("metadata.name")},
        "Job/train",
        f"{CONTAINER}.env[3].valueFrom",
        {"fieldRef": {"fieldPath": "metadata.name"}},
    ),
    ("config", ConfigFiles("/etc/train", {"a.yaml": "x: 1\n"}), "ConfigMap/train-config", "data", {"a.yaml": "x: 1\n"}),
    (
        "config",
        ConfigFiles("/etc/train", {"a.yaml": "x: 1\n"}),
        "Job/train",
        f"{CONTAINER}.volumeMounts[2].mountPath",
        "/etc/train",
    ),
    ("cpu", 8, "Job/train", f"{CONTAINER}.resources.requests.cpu", "8"),
    ("memory", "32Gi", "Job/train", f"{CONTAINER}.resources.requests.memory", "32Gi"),
    ("memory", "32Gi", "Job/train", f"{CONTAINER}.resources.limits.memory", "32Gi"),
    ("cpu_limit", "16", "Job/train", f"{CONTAINER}.resources.limits.cpu", "16"),
    ("memory_limit", "64Gi", "Job/train", f"{CONTAINER}.resources.limits.memory", "64Gi"),
    ("ephemeral_storage", "10Gi", "Job/train", f"{CONTAINER}.resources.limits.ephemeral-storage", "10Gi"),
    ("gpu", Gpu("l4", 4), "Job/train", f"{CONTAINER}.resources.limits.nvidia|com/gpu", "4"),
    ("gpu", Gpu("l4", 4), "Job/train", f"{CONTAINER}.resources.requests.nvidia|com/gpu", "4"),
    ("gpu", None, "Job/train", f"{CONTAINER}.resources.limits.nvidia|com/gpu", MISSING),
    ("gpu", None, "Job/train", f"{CONTAINER}.env[2]", {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}),
    ("gpu", None, "Job/train", f"{POD}.tolerations", MISSING),
    ("gpu", Gpu("l4", 4), "Job/train", f"{CONTAINER}.env[2]", {"name": "PET_NPROC_PER_NODE", "value": "4"}),
    ("gpu", Gpu("l4"), "Job/train", f"{CONTAINER}.env[2]", MISSING),
    ("schedule", Schedule("30 3 * * *"), "CronJob/train", "spec.schedule", "30 3 * * *"),
    (
        "sweep",
        Sweep(grid={"lr": [0.1, 0.01]}),
        "ConfigMap/train-sweep",
        "data",
        {"0.json": '{"lr": 0.1}', "1.json": '{"lr": 0.01}'},
    ),
    ("before", [Step("prepare", ["a"])], "Job/train", f"{POD}.initContainers[0].name", "prepare"),
    ("before", [Step("prepare", ["a"])], "Job/train", f"{POD}.initContainers[0].command", ["a"]),
    ("after", [Step("register", ["a"], memory="1Gi")], "Job/train", f"{POD}.initContainers[0].name", "trainer"),
    ("after", [Step("register", ["a"], memory="1Gi")], "Job/train", f"{CONTAINER}.resources.limits", {"memory": "1Gi"}),
    ("queue", Queue("research"), "Job/train", f"metadata.labels.{KUEUE}/queue-name", "research"),
    ("queue", Queue("research", priority="high"), "Job/train", f"metadata.labels.{KUEUE}/priority-class", "high"),
    ("nodes", 4, "Job/train", "spec.completionMode", "Indexed"),
    ("nodes", 4, "Job/train", "spec.completions", 4),
    ("nodes", 4, "Job/train", "spec.parallelism", 4),
    ("nodes", 4, "Job/train", "spec.backoffLimit", 16),
    ("nodes", 4, "Job/train", f"{POD}.subdomain", "train"),
    ("shared_memory", "1536Mi", "Job/train", f"{POD}.volumes[1].emptyDir", {"medium": "Memory", "sizeLimit": "1536Mi"}),
    (
        "volumes",
        [EmptyDir("/scratch", size_limit="5Gi")],
        "Job/train",
        f"{POD}.volumes[2].emptyDir",
        {"sizeLimit": "5Gi"},
    ),
    ("volumes", [EmptyDir("/cache", memory=True)], "Job/train", f"{POD}.volumes[2].emptyDir", {"medium": "Memory"}),
    (
        "volumes",
        [Claim("data", "/data", read_only=True)],
        "Job/train",
        f"{CONTAINER}.volumeMounts[2]",
        {"name": "claim-0", "mountPath": "/data", "readOnly": True},
    ),
    (
        "volumes",
        [Claim("data", "/data", size="1Ti", storage_class="efs", access_mode="ReadWriteMany")],
        "PersistentVolumeClaim/data",
        "spec",
        {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Ti"}},
            "storageClassName": "efs",
        },
    ),
    ("volumes", [SecretFiles("certs", "/certs")], "Job/train", f"{POD}.volumes[2].secret", {"secretName": "certs"}),
    (
        "data",
        {"raw": Bucket("s3://acme/raw")},
        "Job/train",
        f"{CONTAINER}.env[3]",
        {"name": "DATA_RAW", "value": "s3://acme/raw"},
    ),
    (
        "checkpoint",
        Checkpoint("s3://acme/ckpt"),
        "Job/train",
        f"{CONTAINER}.env[3]",
        {"name": "CHECKPOINT_DIR", "value": "s3://acme/ckpt/test/train"},
    ),
    ("spot", "require", "Job/train", f"{POD}.nodeSelector.karpenter|sh/capacity-type", "spot"),
    ("retries", 7, "Job/train", "spec.backoffLimit", 7),
    ("deadline", hours(2), "Job/train", "spec.activeDeadlineSeconds", 7200),
    ("fatal_exit_codes", [3], "Job/train", "spec.podFailurePolicy.rules[1].onExitCodes.values", [3]),
    ("fatal_exit_codes", [], "Job/train", "spec.podFailurePolicy.rules[1]", MISSING),
    ("grace", minutes(5), "Job/train", f"{POD}.terminationGracePeriodSeconds", 300),
    ("evictable", True, "Job/train", "spec.template.metadata.annotations", MISSING),
    ("user", 20000, "Job/train", f"{POD}.securityContext.runAsUser", 20000),
    ("user", 20000, "Job/train", f"{POD}.securityContext.fsGroup", 20000),
    ("read_only_root", True, "Job/train", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", True),
    ("service_account", "shared", "Job/train", f"{POD}.serviceAccountName", "shared"),
    (
        "service_account_annotations",
        {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/x"},
        "ServiceAccount/train",
        "metadata.annotations",
        {**KEPT, "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/x"},
    ),
    ("image_pull_secrets", ["registry"], "Job/train", f"{POD}.imagePullSecrets", [{"name": "registry"}]),
    ("labels", {"project": "x"}, "Job/train", "spec.template.metadata.labels.project", "x"),
    ("labels", {"project": "x"}, "NetworkPolicy/train", "metadata.labels.project", "x"),
    ("annotations", {"note": "y"}, "Job/train", "spec.template.metadata.annotations.note", "y"),
    ("node_selector", {"zone": "a"}, "Job/train", f"{POD}.nodeSelector", {"accelerator": "l4", "zone": "a"}),
    ("priority_class", "research", "Job/train", f"{POD}.priorityClassName", "research"),
    ("network", Network(https=False), "NetworkPolicy/train", "spec.egress[2]", MISSING),
    (
        "network",
        Network(egress=[Peer(cidr="10.0.0.0/8", ports=[5432])]),
        "NetworkPolicy/train",
        "spec.egress[3]",
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "ports": [{"protocol": "TCP", "port": 5432}],
        },
    ),
    (
        "network",
        Network(clients=[Peer("monitoring", pods={"app": "prometheus"}, ports=[9090])]),
        "NetworkPolicy/train",
        "spec.ingress",
        [
            {
                "from": [
                    {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
                        "podSelector": {"matchLabels": {"app": "prometheus"}},
                    }
                ],
                "ports": [{"protocol": "TCP", "port": 9090}],
            }
        ],
    ),
]

ELSEWHERE = {"hook", "identity", "secrets", "watch"}
"""Options that need more than the stock environment has: tests/test_hooks.py, test_identity.py, test_watching.py."""


@pytest.mark.parametrize(("option", "value", "name", "path", "expected"), OPTIONS)
def test_an_option_becomes_its_field(
    tmp_path: Path, option: str, value: Any, name: str, path: str, expected: Any
) -> None:
    """The option sets this very field, which the stock training has otherwise."""
    plain, changed = (environment(tmp_path, cluster=having(Crd.KUEUE)) for _ in range(2))
    training(plain)
    training(changed, **{option: value})

    before = objects(plain).get(name)

    assert at(objects(changed)[name], path) == expected
    assert before is None or at(before, path) != expected


def test_every_option_is_in_the_table() -> None:
    """No option is without a row but the one that changes findings, and those that another file is about."""
    parameters = inspect.signature(TrainingJob.__init__).parameters.values()
    options = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}

    assert options - {"accept", "backend", "keep_runs", "topology"} - ELSEWHERE == {option for option, *_ in OPTIONS}


def test_the_textbook_job_is_what_the_textbook_says(tmp_path: Path) -> None:
    """One container that never restarts in place, three retries, two GPUs under limits."""
    scope = environment(tmp_path)
    training(scope)
    job = objects(scope)["Job/train"]

    assert at(job, f"{POD}.restartPolicy") == "Never"
    assert at(job, "spec.backoffLimit") == 3
    assert at(job, f"{CONTAINER}.name") == "trainer"
    assert at(job, f"{CONTAINER}.resources.limits.nvidia|com/gpu") == "2"
    assert at(job, "spec.ttlSecondsAfterFinished") == MISSING
    assert at(job, "spec.suspend") == MISSING


def test_disruptions_do_not_count_and_config_errors_do_not_retry(tmp_path: Path) -> None:
    """The disruption comes first, since a pod that is being evicted may exit with any code."""
    scope = environment(tmp_path)
    training(scope)

    assert at(objects(scope)["Job/train"], "spec.podFailurePolicy") == {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {
                "action": "FailJob",
                "onExitCodes": {
                    "containerName": "trainer",
                    "operator": "In",
                    "values": [2, 126, 127],
                },
            },
        ]
    }
    assert at(objects(scope)["Job/train"], "spec.podReplacementPolicy") == "Failed"


def test_nobody_evicts_a_training_to_save_a_node(tmp_path: Path) -> None:
    """Karpenter and the cluster autoscaler are both told."""
    scope = environment(tmp_path)
    training(scope)

    assert at(objects(scope)["Job/train"], "spec.template.metadata.annotations") == {
        "karpenter.sh/do-not-disrupt": "true",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    }


def test_shared_memory_is_half_of_the_memory_limit_with_a_gpu(tmp_path: Path) -> None:
    """It counts against the limit, and is never more than 64Gi."""
    small, large, none = environment(tmp_path), environment(tmp_path), environment(tmp_path)
    training(small, memory="8Gi")
    training(large, memory="1Ti")
    training(none, gpu=None)

    assert at(objects(small)["Job/train"], f"{POD}.volumes[1].emptyDir.sizeLimit") == "4Gi"
    assert at(objects(large)["Job/train"], f"{POD}.volumes[1].emptyDir.sizeLimit") == "64Gi"
    assert at(objects(none)["Job/train"], f"{POD}.volumes[1]") == MISSING


def test_a_training_that_nobody_calls_has_no_list_of_callers(tmp_path: Path) -> None:
    """An empty list would be a change to the API server each time it is applied; without one, nobody may call too."""
    env = environment(tmp_path)
    training(env)

    policy = objects(env)["NetworkPolicy/train"]

    assert at(policy, "spec.policyTypes") == ["Ingress", "Egress"]
    assert at(policy, "spec.ingress") == MISSING


def _name(scope: Any) -> str:
    return str(objects(scope)["Job/train"]["metadata"]["name"])


def test_a_change_of_content_makes_a_new_run_and_nothing_else_does(tmp_path: Path) -> None:
    """The name ends with a hash of the job's spec; a neighbour does not change it."""
    first, same, other, patched = (environment(tmp_path) for _ in range(4))
    training(first)
    training(same)
    TrainingJob(same, "neighbour", image=IMAGE, command=["true"], deadline=hours(1))
    training(other, image="ghcr.io/acme/model:1.4.3@sha256:" + "b" * 64)
    training(patched).add_json_patch("Job", {"op": "replace", "path": "/spec/backoffLimit", "value": 4})

    names = [_name(scope) for scope in (first, same, other, patched)]

    assert names[0] == names[1]
    assert len(set(names)) == 3
    assert all(name.startswith("train-") and len(name) == len("train-") + 8 for name in names)


def test_a_run_and_its_claim_survive_pruning(tmp_path: Path) -> None:
    """Argo CD and Flux leave both alone when a commit takes them out of git."""
    scope = environment(tmp_path)
    training(
        scope,
        volumes=[Claim("ckpt", "/ckpt", size="1Ti", storage_class="efs", access_mode="ReadWriteMany")],
    )
    kept = {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }

    found = objects(scope)

    assert kept.items() <= found["Job/train"]["metadata"]["annotations"].items()
    assert kept.items() <= found["PersistentVolumeClaim/ckpt"]["metadata"]["annotations"].items()
