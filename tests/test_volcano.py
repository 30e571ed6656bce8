"""A TrainingJob as a Job of Volcano: placed as one, in a queue, started again as one, and as its webhook leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    ArgoCD,
    Checkpoint,
    Cluster,
    Crd,
    Metrics,
    Monitoring,
    Queue,
    Step,
    Sweep,
    Topology,
    TrainingJob,
    VolcanoJob,
    Watch,
    hours,
    minutes,
)
from modelyard.plan.devices import asked
from modelyard.plan.model import Range
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.support import (
    IMAGE,
    cluster_with,
    delivered,
    environment,
    found,
    found_by,
    having,
    objects,
    trained,
    training,
)

VOLCANO = having(Crd.VOLCANO)
NAMED = {"backend": VolcanoJob()}
JOB = "VolcanoJob/train"
TASK = "spec.tasks[0]"
POD = f"{TASK}.template.spec"
LABEL = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['volcano.sh/job-name']"}}}
AGAIN = "all is started again, 2 times at most; then the Job ends as failed, and all its pods are ended"
ENDED = "the Job ends as failed, and all its pods are ended"


def rendered(root: Path, cluster: Cluster = VOLCANO, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training with *options*, which nothing is found in."""
    return trained(root, cluster=cluster, **options)


@pytest.mark.parametrize(
    ("cluster", "options", "kind", "because"),
    [
        (VOLCANO, {"nodes": 4}, "VolcanoJob", "the cluster eks-test has Volcano, and no JobSet"),
        (VOLCANO, {}, "Job", "it is a single pod"),
        (VOLCANO, {"after": [Step("register", ["r"])]}, "Job", "the cluster eks-test has no JobSet"),
        (
            VOLCANO, {"queue": Queue("research")}, "VolcanoJob",
            "it waits in a queue, and those of the cluster eks-test are Volcano's",
        ),
        (having(Crd.VOLCANO, Crd.JOBSET), {"nodes": 4}, "JobSet", "the cluster eks-test has it"),
        (
            having(Crd.VOLCANO, Crd.JOBSET), {"nodes": 4, "queue": Queue("research")}, "VolcanoJob",
            "it waits in a queue, and those of the cluster eks-test are Volcano's",
        ),
        (having(Crd.VOLCANO, Crd.KUEUE), {"queue": Queue("research")}, "Job", "it is a single pod"),
        (having(Crd.VOLCANO, Crd.JOBSET), {"nodes": 4, **NAMED}, "VolcanoJob", "it is asked for (backend=)"),
        (
            VOLCANO, {"sweep": Sweep(grid={"lr": [1, 2]})}, "Job", "the trials of a sweep are the indexes of one Job",
        ),
    ],
)  # fmt: skip
def test_when_a_training_is_one(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], kind: str, because: str
) -> None:
    """Where the cluster has Volcano and nothing that fits better, or where it is asked for."""
    job = training(environment(tmp_path, cluster=cluster), **options)

    assert job.reason() == f"It runs as a {kind}: {because}."
    assert job.summary()["runs_as"] == kind


def test_all_pods_start_or_none(tmp_path: Path) -> None:
    """Whatever the webhook would write for what is missing stands in git, so nobody sees a difference to it."""
    job = rendered(tmp_path, nodes=4, retries=2, queue=Queue("research"), priority_class="high")[JOB]

    assert (job["apiVersion"], job["kind"]) == ("batch.volcano.sh/v1alpha1", "Job")
    assert {key: value for key, value in job["spec"].items() if key not in {"tasks", "policies"}} == {
        "schedulerName": "volcano",
        "queue": "research",
        "minAvailable": 4,
        "priorityClassName": "high",
        "maxRetry": 3,
        "plugins": {"svc": ["--publish-not-ready-addresses=true", "--disable-network-policy=true"]},
    }
    (task,) = job["spec"]["tasks"]
    assert {key: value for key, value in task.items() if key != "template"} == {
        "name": "node",
        "replicas": 4,
        "minAvailable": 4,
        "maxRetry": 3,
    }
    assert [at(job, f"{POD}.{key}") for key in ("restartPolicy", "priorityClassName", "activeDeadlineSeconds")] == [
        "Never",
        "high",
        21600,
    ]
    assert at(job, f"{POD}.subdomain") == MISSING


def test_its_pods_find_each_other(tmp_path: Path) -> None:
    """By the names that the plugin svc gives them, below a Service of the name of the Job."""
    made = rendered(tmp_path, nodes=4)
    container = at(made[JOB], f"{POD}.containers[0]")
    variables = {
        one["name"]: one.get("value", {k: v for k, v in one.items() if k != "name"}) for one in container["env"]
    }

    assert variables == {
        "HOME": "/tmp",
        "USER": "train",
        "JOB_NAME": LABEL,
        "PET_NNODES": "4",
        "PET_NPROC_PER_NODE": "2",
        "PET_NODE_RANK": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['volcano.sh/task-index']"}}},
        "PET_MASTER_ADDR": "$(JOB_NAME)-node-0.$(JOB_NAME).ml-test.svc",
        "PET_MASTER_PORT": "29500",
    }
    waits = at(made[JOB], f"{POD}.initContainers[0]")
    assert waits["command"][3:] == ["$(JOB_NAME)-node", "$(JOB_NAME).ml-test.svc", "4", "1800"]
    assert waits["env"][0] == {"name": "JOB_NAME", **LABEL}
    assert sorted(made) == ["Namespace/ml-test", "NetworkPolicy/train", "ServiceAccount/train", JOB]
    assert at(made["NetworkPolicy/train"], "spec.ingress") == [
        {"from": [{"podSelector": {"matchLabels": {"app": "train"}}}]}
    ]


def test_one_pod_needs_no_names(tmp_path: Path) -> None:
    """And no plugin."""
    job = rendered(tmp_path, queue=Queue("research"))[JOB]

    assert (at(job, "spec.plugins"), at(job, f"{POD}.initContainers")) == (MISSING, MISSING)
    assert [at(job, f"spec.{key}") for key in ("minAvailable", "maxRetry", "queue")] == [1, 4, "research"]


def test_without_a_queue_it_waits_in_the_usual_one(tmp_path: Path) -> None:
    """By name, as the webhook writes it."""
    job = rendered(tmp_path, nodes=2)[JOB]

    assert (at(job, "spec.queue"), at(job, "spec.priorityClassName")) == ("default", MISSING)
    assert at(job, "metadata.labels.kueue|x-k8s|io/queue-name") == MISSING


def test_pods_near_to_each_other_are_those_of_one_run(tmp_path: Path) -> None:
    """Which Volcano's label tells."""
    job = rendered(tmp_path, nodes=4, topology=Topology("topology.kubernetes.io/zone", required=True))[JOB]

    (term,) = at(job, f"{POD}.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    assert term == {
        "labelSelector": {"matchLabels": {"app": "train"}},
        "matchLabelKeys": ["volcano.sh/job-name"],
        "topologyKey": "topology.kubernetes.io/zone",
    }


def test_what_is_started_again(tmp_path: Path) -> None:
    """The first policy that fits holds. Volcano counts starts, so the first is none of the retries."""
    job = rendered(tmp_path, nodes=4, retries=2, fatal_exit_codes=[126, 3])[JOB]

    assert job["spec"]["policies"] == [
        {"exitCode": 3, "action": "TerminateJob"},
        {"exitCode": 126, "action": "TerminateJob"},
        {"events": ["PodFailed", "PodEvicted"], "action": "RestartJob"},
    ]
    assert {one.when: one.then for one in outcomes(job)} == {
        "node drained or reclaimed, pod preempted": AGAIN,
        "node lost": f"once the node is deleted, or is back after more than 5 minutes: {AGAIN}",
        "exit code 3 or 126": ENDED,
        "out of memory (exit code 137)": AGAIN,
        "any other exit code but 0": AGAIN,
        "longer than 6 hours since the last start": f"its pods get SIGTERM, and 2 minutes to end; {AGAIN}",
        "another takes its room in the queue": f"its pods are ended: {AGAIN}",
        "no room for all of it": "it waits in the queue default, and none of its pods starts",
    }


def test_nothing_is_started_again_without_retries(tmp_path: Path) -> None:
    """One start is all there is."""
    job = rendered(tmp_path, nodes=4, retries=0)[JOB]
    table = {one.when: one.then for one in outcomes(job)}

    assert (at(job, "spec.maxRetry"), at(job, f"{TASK}.maxRetry")) == (1, 1)
    assert table["any other exit code but 0"] == ENDED


@pytest.mark.parametrize(
    ("policies", "code", "drained"),
    [
        ([], "the others go on without it, and the Job fails when all of them have ended",
         "the pod is replaced, and this is not counted"),
        ([{"event": "PodEvicted", "action": "RestartPod"}],
         "the others go on without it, and the Job fails when all of them have ended",
         "the pod is started again, once at most; then the Job ends as failed, and all its pods are ended"),
        ([{"event": "*", "action": "AbortJob"}],
         "the Job is aborted, and all its pods are ended, until somebody resumes it",
         "the Job is aborted, and all its pods are ended, until somebody resumes it"),
        ([{"event": "PodFailed", "action": "CompleteJob"}], "the Job ends as completed, and all its pods are ended",
         "the pod is replaced, and this is not counted"),
    ],
)  # fmt: skip
def test_policies_are_read_as_volcano_reads_them(policies: list[Any], code: str, drained: str) -> None:
    """Those of a task first, and what none fits is left as it is."""
    pod = {"spec": {"containers": [], "terminationGracePeriodSeconds": 5}}
    tasks = [{"name": name, "replicas": 1, "policies": policies, "template": pod} for name in ("a", "b")]
    table = {
        one.when: one.then
        for one in outcomes(
            {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "spec": {"maxRetry": 2, "tasks": tasks}}
        )
    }

    assert table["a: any other exit code but 0"] == code
    assert table["b: node drained or reclaimed, pod preempted"] == drained
    assert table["a: very long"] == "nothing ends it"


def test_a_plan_counts_its_devices(tmp_path: Path) -> None:
    """Of all its pods."""
    job = rendered(tmp_path, nodes=4)[JOB]

    assert asked([job]) == {"nvidia.com/gpu": Range(8, 8, 8)}


def test_argo_cd_has_nothing_to_leave_alone(tmp_path: Path) -> None:
    """Everything that Volcano would write is in git."""
    scope = environment(tmp_path, cluster=VOLCANO, delivery=ArgoCD("https://git.example/acme/models"))
    training(scope, nodes=4, queue=Queue("research"))
    made = delivered(scope)

    assert found(scope) == []
    assert at(objects(scope)[JOB], "metadata.annotations.argocd|argoproj|io/sync-options") == "Prune=false,Delete=false"
    assert at(made["Application/ml-test"], "spec.ignoreDifferences") == MISSING
    allowed = at(made["AppProject/ml-test"], "spec.namespaceResourceWhitelist")
    assert {"group": "batch.volcano.sh", "kind": "Job"} in allowed


def test_its_pods_are_watched(tmp_path: Path) -> None:
    """Since nothing counts Jobs of Volcano, alerts look at their pods: those that are left are not started again."""
    cluster = cluster_with(installed=[Crd.VOLCANO, Crd.PROMETHEUS_OPERATOR], monitoring=Monitoring("monitoring"))
    saved = Checkpoint("gs://acme-checkpoints", every=minutes(10), metric="saved_at")
    made = rendered(tmp_path, cluster, nodes=4, checkpoint=saved, watch=Watch(metrics=Metrics(9400)))
    alerts = {one["alert"]: one for one in at(made["PrometheusRule/train"], "spec.groups[0].rules")}
    pods = 'namespace="ml-test",pod=~"train-[0-9a-f]{8}-node-[0-9]+"'
    failed = f'max by (namespace, pod) (kube_pod_status_phase{{{pods},phase="Failed"}})'
    running = f'max by (namespace, pod) (kube_pod_status_phase{{{pods},phase="Running"}}) == 1'
    started = f"max by (namespace, pod) (kube_pod_start_time{{{pods}}}) and on (namespace, pod) {running}"

    assert {name: one["expr"] for name, one in alerts.items() if name != "PodPending"} == {
        "TrainingFailed": f"{failed} == 1 unless on (namespace, pod) {failed} offset 1d == 1",
        "TrainingLong": f"time() - ({started}) > 19440",
        "TrainingCheckpointMissing": (
            f"time() - max by (namespace) (max_over_time(saved_at{{{pods}}}[30m]) or ({started})) > 1800"
            f" and on (namespace) {running}"
        ),
    }
    assert alerts["TrainingFailed"]["for"] == "5m"


REFUSED: list[Any] = [
    (
        VOLCANO, {"nodes": 4, "after": [Step("register", ["r"])], **NAMED}, "X11",
        ("after=['register'] but backend= is a VolcanoJob, whose tasks wait until others run, and not until they are done; "
        "let the program do it on rank 0, or use a JobSet"),
    ),
    (
        VOLCANO, {"queue": Queue("research", priority="high")}, "X11",
        ("queue.priority='high' but the queue is one of Volcano, which has no such option; write priority_class=, which orders "
        "trainings in Volcano's queues"),
    ),
    (
        VOLCANO, {"nodes": 4, "queue": Queue("research", preferred_topology="rack")}, "X11",
        ("queue.preferred_topology='rack' but the queue is one of Volcano, which has no such option; leave it away, or write "
        "topology="),
    ),
    (
        having(Crd.KUEUE), {"nodes": 4, **NAMED}, "X04",
        ("backend='VolcanoJob' but the cluster eks-test has no such definition; declare it in Cluster(installed=[Crd.VOLCANO]) "
        "where it is installed, or leave backend= away for a Job"),
    ),
    (
        VOLCANO, {"sweep": Sweep(grid={"lr": [1, 2]}), **NAMED}, "X11",
        "backend='VolcanoJob' but sweep= is given too, and the trials of a sweep are the indexes of one Job; leave backend= away",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cluster", "options", "rule", "text"), REFUSED)
def test_what_a_job_of_volcano_cannot_do(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], rule: str, text: str
) -> None:
    """It is refused, with what to do instead."""
    scope = environment(tmp_path, cluster=cluster)
    training(scope, **options)

    assert found_by(scope, rule) == [f"test/train: {text}"]


def test_its_name_leaves_room_for_those_of_its_pods(tmp_path: Path) -> None:
    """Which are host names, below a Service of the Job's own name."""
    texts = {}
    for name in ("t" * 46, "t" * 47, "70b"):
        scope = environment(tmp_path / name, cluster=VOLCANO)
        TrainingJob(scope, name, image=IMAGE, command=["a"], nodes=11, deadline=hours(1))
        texts[name] = found_by(scope, "K10")
    added = "a pod's host name ends with a hash of 9 and 8 more"

    assert texts["t" * 46] == []
    assert texts["t" * 47] == [
        (
            f"test/{'t' * 47}: id='{'t' * 47}' but a name has at most 46 characters here and this one has 47 ({added}); choose an id "
            "of at most 46 characters, such as pretrain"
        )
    ]
    assert texts["70b"] == [
        (
            'test/70b: id=\'70b\' but a name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-" '
            f"({added}); choose an id of at most 46 characters, such as pretrain"
        )
    ]
