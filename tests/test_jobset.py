"""A TrainingJob as a JobSet: when it is one, what its Jobs are, and what starts them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Checkpoint,
    Cluster,
    Crd,
    JobSet,
    Monitoring,
    Queue,
    Schedule,
    Step,
    Sweep,
    TrainingJob,
    hours,
)
from modelyard import Job as PlainJob
from modelyard.training.backends import choice
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found, found_by, having, objects, trained, training

PLAIN = Cluster("plain", kubernetes="1.34", accelerators=[Accelerator("l4", per_node=4, nodes=8)])
WITH = Cluster("with", kubernetes="1.34", installed=[Crd.JOBSET], accelerators=PLAIN.accelerators)
MINE = {"J18": "the cluster is for this training"}
GANG: dict[str, Any] = {"nodes": 4, "command": ["torchrun", "train.py"], "accept": MINE}
REGISTER = Step("register", ["python", "register.py"])
NODE = "spec.replicatedJobs[0].template.spec"
POD = f"{NODE}.template.spec"


def rendered(root: Path, cluster: Cluster = WITH, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training with *options*, which nothing is found in."""
    return trained(root, cluster=cluster, **options)


@pytest.mark.parametrize(
    ("cluster", "options", "kind", "because"),
    [
        (WITH, {}, "Job", "it is a single pod"),
        (WITH, {"nodes": 4}, "JobSet", "the cluster with has it"),
        (PLAIN, {"nodes": 4}, "Job", "the cluster plain has no JobSet"),
        (WITH, {"after": [REGISTER]}, "JobSet", "the cluster with has it"),
        (PLAIN, {"before": [REGISTER]}, "Job", "the cluster plain has no JobSet"),
        (WITH, {"nodes": 4, "backend": PlainJob()}, "Job", "it is asked for (backend=)"),
        (WITH, {"backend": JobSet()}, "JobSet", "it is asked for (backend=)"),
        (WITH, {"nodes": 4, "schedule": Schedule("30 3 * * *")}, "CronJob", "it runs on a schedule"),
        (
            WITH,
            {"sweep": Sweep(grid={"lr": [0.1, 0.01]})},
            "Job",
            "the trials of a sweep are the indexes of one Job",
        ),
    ],
)
def test_the_kind_is_the_best_that_the_cluster_has(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], kind: str, because: str
) -> None:
    """Or the one that is named; it is the kind that is rendered, listed and explained."""
    scope = environment(tmp_path, cluster=cluster)
    made = training(scope, **options, accept=MINE if "nodes" in options else {})

    assert attributes(made, scope) == (kind, because)
    assert f"{kind}/train" in objects(scope)
    assert (made.summary()["runs_as"], made.reason()) == (kind, f"It runs as a {kind}: {because}.")


def attributes(made: TrainingJob, scope: Any) -> tuple[str, str]:
    """Return the choice for *made*."""
    chosen = choice(made.spec, scope.site)
    return chosen.kind, chosen.because


def test_all_pods_are_one_job_that_fails_as_a_whole(tmp_path: Path) -> None:
    """The first failed pod fails the Job, and what the set does then is in its own policy."""
    made = rendered(tmp_path, **GANG, retries=5)["JobSet/train"]

    assert at(made, "spec.replicatedJobs[1]") == MISSING
    assert {key: value for key, value in at(made, NODE).items() if key != "template"} == {
        "backoffLimit": 0,
        "completionMode": "Indexed",
        "completions": 4,
        "parallelism": 4,
        "activeDeadlineSeconds": 21600,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": "trainer", "operator": "In", "values": [2, 126, 127]},
                },
            ]
        },
    }
    assert at(made, "spec.failurePolicy") == {
        "maxRestarts": 5,
        "rules": [
            {
                "name": "fatalExitCode",
                "action": "FailJobSet",
                "onJobFailureReasons": ["PodFailurePolicy"],
                "onJobFailureMessagePatterns": ["failed with exit code"],
            },
            {"name": "deadline", "action": "FailJobSet", "onJobFailureReasons": ["DeadlineExceeded"]},
            {
                "name": "disruption",
                "action": "RestartJobSetAndIgnoreMaxRestarts",
                "onJobFailureReasons": ["PodFailurePolicy"],
                "onJobFailureMessagePatterns": ["has condition DisruptionTarget"],
            },
        ],
    }
    assert at(made, f"{POD}.restartPolicy") == "Never"
    assert at(made, "spec.suspend") == MISSING
    assert at(made, "spec.ttlSecondsAfterFinished") == MISSING


def test_what_is_not_said_has_no_rule(tmp_path: Path) -> None:
    """No fatal exit codes and no deadline are two rules less."""
    made = rendered(tmp_path, **GANG, fatal_exit_codes=[], deadline=None)
    rules = at(made["JobSet/train"], "spec.failurePolicy.rules")

    assert [one["name"] for one in rules] == ["disruption"]


def test_the_pods_find_each_other_by_the_names_that_jobset_gives(tmp_path: Path) -> None:
    """The headless Service is its controller's, called after the run, so two runs have no name in common."""
    made = rendered(tmp_path, **GANG)
    variables = [
        (one["name"], one.get("value") or at(one, "valueFrom.fieldRef.fieldPath"))
        for one in at(made["JobSet/train"], f"{POD}.containers[0].env")
    ]

    assert variables[1:] == [
        ("JOB_NAME", "metadata.labels['batch.kubernetes.io/job-name']"),
        ("JOBSET_NAME", "metadata.labels['jobset.sigs.k8s.io/jobset-name']"),
        ("PET_NNODES", "4"),
        ("PET_NPROC_PER_NODE", "2"),
        ("PET_NODE_RANK", "metadata.annotations['batch.kubernetes.io/job-completion-index']"),
        ("PET_MASTER_ADDR", "$(JOB_NAME)-0.$(JOBSET_NAME).ml-test.svc"),
        ("PET_MASTER_PORT", "29500"),
    ]
    assert at(made["JobSet/train"], "spec.network") == {"enableDNSHostnames": True, "publishNotReadyAddresses": True}
    assert at(made["JobSet/train"], f"{POD}.subdomain") == MISSING
    assert at(made["JobSet/train"], f"{POD}.initContainers[0].command")[3:] == [
        "$(JOB_NAME)",
        "$(JOBSET_NAME).ml-test.svc",
        "4",
        "1800",
    ]
    assert "Service/train" not in made
    assert at(made["NetworkPolicy/train"], "spec.ingress") == [
        {"from": [{"podSelector": {"matchLabels": {"app": "train"}}}]}
    ]


def test_a_run_is_known_by_its_content_and_outlives_its_manifest(tmp_path: Path) -> None:
    """As a Job."""
    first = rendered(tmp_path, **GANG)["JobSet/train"]
    second = rendered(tmp_path, **{**GANG, "command": ["torchrun", "other.py"]})["JobSet/train"]

    assert at(first, "apiVersion") == "jobset.x-k8s.io/v1alpha2"
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert first["metadata"]["annotations"] == {
        "modelyard.dev/name": "train",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }


def test_a_topology_is_exclusive_only_where_that_is_asked_for(tmp_path: Path) -> None:
    """It is an annotation of the Jobs, and so a part of the run: the controller reads it when it makes them."""
    key, zone, rack = "alpha.jobset.sigs.k8s.io/exclusive-topology", "topology.kubernetes.io/zone", "rack"
    after = [Step("register", ["r"])]
    plain = rendered(tmp_path, **GANG, after=after)["JobSet/train"]
    exclusive = [
        rendered(tmp_path, **GANG, after=after, backend=JobSet(exclusive_topology=label))["JobSet/train"]
        for label in (zone, rack)
    ]

    assert [job["template"]["metadata"].keys() for job in at(plain, "spec.replicatedJobs")] == [{"labels"}] * 2
    for made, label in zip(exclusive, (zone, rack), strict=True):
        assert key not in made["metadata"]["annotations"]
        jobs = at(made, "spec.replicatedJobs")
        assert [job["template"]["metadata"]["annotations"] for job in jobs] == [{key: label}] * 2
    assert len({made["metadata"]["name"] for made in (plain, *exclusive)}) == 3


def test_steps_are_jobs_before_and_after(tmp_path: Path) -> None:
    """Each waits for the one before, retries by itself, and does not bring the training back when it fails."""
    prepare = Step("prepare", ["python", "shard.py"], image=IMAGE.replace("1.4.2", "1.5.0"), cpu=16, memory="64Gi")
    made = rendered(tmp_path, **GANG, before=[prepare], after=[REGISTER])["JobSet/train"]
    jobs = at(made, "spec.replicatedJobs")

    assert [(one["name"], one.get("dependsOn")) for one in jobs] == [
        ("prepare", None),
        ("node", [{"name": "prepare", "status": "Complete"}]),
        ("register", [{"name": "node", "status": "Complete"}]),
    ]
    assert [at(one, "template.spec.backoffLimit") for one in jobs] == [3, 0, 3]
    assert [at(one, "template.spec.completions") for one in jobs] == [1, 4, 1]
    assert [at(one, "template.spec.podFailurePolicy.rules[0].action") for one in jobs] == [
        "Ignore",
        "FailJob",
        "Ignore",
    ]
    container = at(jobs[0], "template.spec.template.spec.containers[0]")
    assert (container["name"], container["command"]) == ("prepare", ["python", "shard.py"])
    assert container["image"] == IMAGE.replace("1.4.2", "1.5.0")
    assert container["resources"] == {"requests": {"cpu": "16", "memory": "64Gi"}, "limits": {"memory": "64Gi"}}
    assert at(made, "spec.failurePolicy.rules[0]") == {
        "name": "stepFailed",
        "action": "FailJobSet",
        "targetReplicatedJobs": ["prepare", "register"],
    }


def test_a_job_that_is_started_again_is_no_alert(tmp_path: Path) -> None:
    """Its Job is deleted soon, and one that stays has failed for good; a checkpoint is one of all pods."""
    cluster = Cluster(
        "watched", kubernetes="1.34", installed=[Crd.JOBSET, Crd.PROMETHEUS_OPERATOR], accelerators=PLAIN.accelerators,
        monitoring=Monitoring("monitoring"),
    )  # fmt: skip
    several = rendered(tmp_path, cluster, **GANG, checkpoint=Checkpoint("s3://ckpt"))["PrometheusRule/train"]
    one = rendered(tmp_path, cluster, checkpoint=Checkpoint("s3://ckpt"))["PrometheusRule/train"]

    assert [at(made, "spec.groups[0].rules[0].alert") for made in (several, one)] == ["TrainingFailed"] * 2
    assert [at(made, "spec.groups[0].rules[0].for") for made in (several, one)] == ["5m", MISSING]


SUBJECT = "test/train: "
REFUSED: list[Any] = [
    (
        PLAIN, {"backend": JobSet()}, "X04",
        ("backend='JobSet' but the cluster plain has no such definition; declare it in Cluster(installed=[Crd.JOBSET]) where "
        "it is installed, or leave backend= away for a Job"),
    ),
    (
        WITH, {"backend": JobSet(), "schedule": Schedule("30 3 * * *")}, "X11",
        "backend='JobSet' but schedule= is given too, and a CronJob makes Jobs only; leave backend= away, or schedule=",
    ),
    (
        WITH, {"backend": JobSet(), "sweep": Sweep(grid={"lr": [0.1, 0.01]})}, "X11",
        "backend='JobSet' but sweep= is given too, and the trials of a sweep are the indexes of one Job; leave backend= away",
    ),
    (
        WITH, {"backend": "JobSet"}, "X11",
        "backend='JobSet' but it must be a Job, a JobSet, a TrainJob, a RayJob, a VolcanoJob or None; pass a Job, a JobSet, a TrainJob, a RayJob, a VolcanoJob or None",
    ),
    (
        having(Crd.JOBSET, Crd.KUEUE),
        {"backend": JobSet(exclusive_topology="rack"), "queue": Queue("research")}, "X11",
        ("backend.exclusive_topology='rack' but queue= is given too, and Kueue lets it start without looking for one that is"
        " free; leave it away, and write Queue(..., required_topology=...), which Kueue looks for"),
    ),
    (
        WITH, {"backend": JobSet(exclusive_topology="a b")}, "N16",
        ("backend.exclusive_topology='a b' but a key holds letters, digits, \"-\", \"_\", \".\" and starts and ends with a letter "
        "or digit; correct the value"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cluster", "options", "rule", "text"), REFUSED)
def test_what_a_jobset_cannot_run(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], rule: str, text: str
) -> None:
    """It is refused, with what to do instead."""
    scope = environment(tmp_path, cluster=cluster)
    training(scope, **options)

    assert found_by(scope, rule) == [SUBJECT + text]


def test_the_id_leaves_room_for_what_jobset_adds(tmp_path: Path) -> None:
    """Hash, Job, index and the five characters of a pod; and it begins with a letter, as a Service does."""

    def named(name: str, **options: Any) -> list[str]:
        scope = environment(tmp_path, cluster=WITH)
        TrainingJob(scope, name, image=IMAGE, command=["x"], deadline=hours(1), accept=MINE, **options)
        return [one.text for one in found(scope)]

    assert named("a" * 39, nodes=4) == []
    assert named("a" * 40, nodes=4) == [
        (
            f"test/{'a' * 40}: id='{'a' * 40}' but a name has at most 39 characters here and this one has 40 (a pod's name ends "
            "with a hash of 9 and 15 more, as of the Job node); choose an id of at most 39 characters, such as pretrain"
        )
    ]
    assert named("a" * 38, nodes=11) == []
    assert [text.partition("; ")[2] for text in named("a" * 39, nodes=11)] == [
        "choose an id of at most 38 characters, such as pretrain"
    ]


ALL = "all is started again"
FIRST = "; if another pod fails of it before it has ended, that is what counts"
BACK = "once the node is deleted, or is back after more than 5 minutes: "
FAILED = "the JobSet fails, and all its pods are ended"


def test_it_is_told_what_starts_all_again(tmp_path: Path) -> None:
    """Read off the JobSet and its Job together, as the two controllers read them."""
    table = {one.when: one.then for one in outcomes(rendered(tmp_path, **GANG, retries=5)["JobSet/train"])}

    assert table == {
        "node drained or reclaimed, pod preempted": f"{ALL}, and this is not counted{FIRST}",
        "node lost": f"{BACK}{ALL}, and this is not counted{FIRST}",
        "exit code 2, 126 or 127": FAILED,
        "out of memory (exit code 137)": f"{ALL}, 5 times at most; then the JobSet fails",
        "any other exit code but 0": f"{ALL}, 5 times at most; then the JobSet fails",
        "longer than 6 hours since the last start": f"its pods get SIGTERM, and 2 minutes to end; {FAILED}",
    }


def test_it_is_told_of_each_step(tmp_path: Path) -> None:
    """A step that fails ends the set; a training that fails has its steps done again."""
    endless = {**GANG, "deadline": None, "accept": {**MINE, "J13": "somebody looks after it"}}
    made = rendered(tmp_path, **endless, after=[REGISTER], retries=1)["JobSet/train"]
    table = {one.when: one.then for one in outcomes(made)}

    assert table["node: any other exit code but 0"] == (
        f"{ALL}, the steps that are done too, once at most; then the JobSet fails"
    )
    assert table["register: any other exit code but 0"] == f"the pod is replaced, once at most; then {FAILED}"
    assert table["register: node drained or reclaimed, pod preempted"] == "the pod is replaced, and this is not counted"
    assert table["register: very long"] == "nothing ends it"


def test_a_set_without_a_policy_fails_with_its_first_job() -> None:
    """Kubernetes' and JobSet's own defaults are told."""
    job = {"template": {"spec": {"restartPolicy": "Never"}}}
    spec = {"replicatedJobs": [{"name": "a", "template": {"spec": job}}]}
    table = {one.when: one.then for one in outcomes({"kind": "JobSet", "spec": spec})}

    assert table["any other exit code but 0"] == f"the pod is replaced, 6 times at most; then {FAILED}"
    assert table["very long"] == "nothing ends it"
