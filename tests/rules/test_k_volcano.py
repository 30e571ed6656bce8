"""K: Jobs of Volcano, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd
from tests.rules import manifests
from tests.rules.patches import Operation, Setup, foreign, put, remove, texts
from tests.support import having, raw

CASES: list[Any] = []
POD = manifests.job()["spec"]["template"]
JOB: dict[str, Any] = {
    "apiVersion": "batch.volcano.sh/v1alpha1",
    "kind": "Job",
    "metadata": {"name": "tune"},
    "spec": {
        "schedulerName": "volcano",
        "queue": "research",
        "minAvailable": 3,
        "plugins": {"svc": []},
        "policies": [{"event": "PodEvicted", "action": "RestartJob"}, {"exitCode": 2, "action": "TerminateJob"}],
        "tasks": [
            {"name": "master", "replicas": 1, "template": POD},
            {
                "name": "worker",
                "replicas": 2,
                "minAvailable": 2,
                "dependsOn": {"name": ["master"]},
                "template": copy.deepcopy(POD),
            },
        ],
    },
}
TASKS, POLICIES, VOLUMES = "/spec/tasks", "/spec/policies", "/spec/volumes"
PARTS = {"totalPartitions": 2, "partitionSize": 1}
SHORTEN = "shorten the name, of a-z, 0-9 and -"


def case(rule: str, name: str, setup: Setup, *expected: str) -> None:
    """Keep one case: what *setup* is to *rule*, with the findings in order or none."""
    found = [text if text.startswith("test: ") else f"test: VolcanoJob tune {text}" for text in expected]
    CASES.append(pytest.param(rule, setup, found, id=f"{rule}-{name}"))


def job(*operations: Operation) -> Setup:
    """Return what adds a Job of Volcano of two tasks."""
    return foreign(JOB, *operations)


def policy(**fields: Any) -> Setup:
    """Return what adds the Job with one policy more."""
    return job(put(f"{POLICIES}/-", fields))


case("K09", "all of them", job())
case(
    "K09", "more than all", job(put("/spec/minAvailable", 4)),
    "spec.minAvailable=4 but its tasks have 3 pods together; lower minAvailable, or raise replicas",
)  # fmt: skip
case(
    "K09", "of a task", job(put(f"{TASKS}/1/minAvailable", 3)),
    "spec.tasks[1].minAvailable=3 but the task has 2 pods; lower minAvailable, or raise replicas",
)  # fmt: skip
case("K09", "in parts", job(put(f"{TASKS}/1/partitionPolicy", {**PARTS, "minPartitions": 2})))
case(
    "K09", "in parts of another sum", job(put(f"{TASKS}/1/partitionPolicy", {**PARTS, "totalPartitions": 3})),
    "spec.tasks[1].partitionPolicy.totalPartitions=3 but these are 3 partitions of 1, and the task has 2 pods; lower "
    "minAvailable, or raise replicas",
)  # fmt: skip
case(
    "K09", "in too few parts", job(put(f"{TASKS}/1/partitionPolicy", {**PARTS, "minPartitions": 1})),
    "spec.tasks[1].partitionPolicy.minPartitions=1 but minAvailable is 2, which are not so many partitions of 1; lower "
    "minAvailable, or raise replicas",
)  # fmt: skip
case("K10", "each its own", job(remove(f"{TASKS}/0/name"), remove(f"{TASKS}/1/dependsOn")))
case(
    "K10", "twice", job(put(f"{TASKS}/1/name", "master")),
    "spec.tasks[1].name='master' but another task has this name; give it another name",
)  # fmt: skip
LONG = "w" * 57
case(
    "K10", "too long for its pods", job(put(f"{TASKS}/1/name", LONG)),
    f"spec.tasks[1].name='{LONG}' but its last pod would be called tune-{LONG}-1, and a name has at most 63 characters here and "
    f"this one has 64; {SHORTEN}",
)  # fmt: skip
case(
    "K10", "no name of a Service", foreign({**JOB, "metadata": {"name": "70b"}}),
    'test: VolcanoJob 70b metadata.name=\'70b\' but its Service would be called so, and a name holds a-z, 0-9 and "-" only, '
    f'starts with a letter and ends with no "-"; {SHORTEN}',
)  # fmt: skip
case("K10", "without a Service", foreign({**JOB, "metadata": {"name": "70b"}}, remove("/spec/plugins")))
case("K11", "events and exit codes", policy(events=["PodFailed", "Unknown"], action="RestartJob"))
case(
    "K11", "both", policy(event="PodFailed", exitCode=3, action="RestartJob"),
    "spec.policies[2].exitCode=3 but it stands beside events, and a policy is about one of the two; make two policies of it",
)  # fmt: skip
case(
    "K11", "neither", policy(action="RestartJob"),
    "spec.policies[2] but it says neither events nor exitCode; add what it is about",
)  # fmt: skip
case(
    "K11", "success", policy(exitCode=0, action="RestartJob"),
    "spec.policies[2].exitCode=0 but a pod that ends with 0 has succeeded; remove the policy",
)  # fmt: skip
case(
    "K11", "an event of its own", policy(event="OutOfSync", action="RestartJob"),
    "spec.policies[2].events='OutOfSync' but Volcano keeps this event for itself; write one of *, JobUpdated, PodEvicted, "
    "PodFailed, PodPending, TaskCompleted, TaskFailed, Unknown",
)  # fmt: skip
case(
    "K11", "no such action", policy(event="PodFailed", action="RestartJobs"),
    "spec.policies[2].action='RestartJobs' but a policy has no such action; did you mean RestartJob?",
)  # fmt: skip
case(
    "K11", "an action of its own", policy(event="PodFailed", action="Enqueue"),
    "spec.policies[2].action='Enqueue' but a policy has no such action; write one of AbortJob, CompleteJob, RestartJob, "
    "RestartPartition, RestartPod, RestartTask, ResumeJob, TerminateJob",
)  # fmt: skip
case(
    "K11", "an event twice", policy(events=["PodFailed", "PodEvicted"], action="RestartPod"),
    "spec.policies[2]='PodEvicted' but a policy before it is about the same, and that one holds; keep one of the two",
)  # fmt: skip
case(
    "K11", "a code twice", policy(exitCode=2, action="RestartJob"),
    "spec.policies[2]=2 but a policy before it is about the same, and that one holds; keep one of the two",
)  # fmt: skip
case(
    "K11", "any and one", job(put(f"{TASKS}/0/policies", [
        {"event": "*", "action": "RestartJob"}, {"event": "TaskCompleted", "action": "CompleteJob"},
    ])),
    "spec.tasks[0].policies.event='*' but it stands for every event, and other policies name some of them; keep it alone, or "
    "name each event",
)  # fmt: skip
case("K12", "a queue", job())
case(
    "K12", "the root", job(put("/spec/queue", "root")),
    "spec.queue='root' but all other queues are below it; name one of those",
)  # fmt: skip


def queue(name: str, parent: str) -> dict[str, Any]:
    """Return a Queue below another."""
    spec = {"parent": parent, "weight": 1}
    return {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": {"name": name}, "spec": spec}


def beside(*others: dict[str, Any]) -> Setup:
    """Return what adds the Job and *others*."""
    return lambda scope: [raw(scope, one) for one in (JOB, *others)]


case("K12", "below another", beside(queue("research", "root")))
case(
    "K12", "with others below it", beside(queue("vision", "research")),
    "spec.queue='research' but the Queue vision is below it; name an open queue that no other has as its parent",
)  # fmt: skip
case("K13", "a task and a plugin", job(put("/spec/plugins/mpi", ["--master=master", "--port=22"])))
case(
    "K13", "no such task", job(put(f"{TASKS}/1/dependsOn/name/0", "mastre")),
    "spec.tasks[1].dependsOn.name[0]='mastre' but the Job has no such task; did you mean master?",
)  # fmt: skip
case(
    "K13", "in a circle", job(put(f"{TASKS}/0/dependsOn", {"name": ["worker"]})),
    "spec.tasks[0].dependsOn.name=['worker'] but it waits for itself, by way of the tasks that it depends on; remove one",
)  # fmt: skip
case(
    "K13", "no such plugin", job(put("/spec/plugins/pytorhc", [])),
    "spec.plugins['pytorhc'] but Volcano has no such plugin; did you mean pytorch?",
)  # fmt: skip
case(
    "K13", "a launcher that is none", job(put("/spec/plugins/mpi", ["--master", "launcher"])),
    "spec.plugins['mpi'] but its master is the task launcher, and the Job has none of this name; add --master= with the name "
    "of a task",
)  # fmt: skip
CLAIM = {"mountPath": "/data", "volumeClaimName": "data"}
TIERS = {"highestTierAllowed": 1, "highestTierName": "rack"}
case("K14", "a claim", job(put(VOLUMES, [CLAIM]), put("/spec/networkTopology", {"highestTierAllowed": 1})))
case(
    "K14", "a folder twice", job(put(VOLUMES, [CLAIM, {**CLAIM, "volumeClaimName": "more"}])),
    "spec.volumes[1].mountPath='/data' but another volume is mounted there; choose another folder",
)  # fmt: skip
case(
    "K14", "no claim", job(put(VOLUMES, [{"mountPath": "/data"}])),
    "spec.volumes[0] but it says neither volumeClaimName nor volumeClaim; name a claim",
)  # fmt: skip
case(
    "K14", "both claims", job(put(VOLUMES, [{**CLAIM, "volumeClaim": {"accessModes": ["ReadWriteOnce"]}}])),
    "spec.volumes[0].volumeClaimName='data' but volumeClaim stands beside it, and a volume is a claim that exists or one that "
    "is made; keep one of the two",
)  # fmt: skip
case(
    "K14", "two tiers", job(put("/spec/networkTopology", TIERS)),
    "spec.networkTopology.highestTierName='rack' but highestTierAllowed stands beside it, and both name the tier; keep one of "
    "the two",
)  # fmt: skip
case("K15", "OnFailure", job(put(f"{TASKS}/0/template/spec/restartPolicy", "OnFailure")))
case(
    "K15", "not said", job(remove(f"{TASKS}/0/template/spec/restartPolicy")),
    "spec.tasks[0].template.spec.restartPolicy but the pods of this task never end; write restartPolicy: Never",
)  # fmt: skip
case(
    "J21", "of Volcano", job(put("/spec/ttlSecondsAfterFinished", 60)),
    "spec.ttlSecondsAfterFinished=60 but Argo CD and Flux create a Job anew that is in git and not in the cluster, so it runs "
    "again and again; remove it; a finished Job uses no node, and a CronJob tidies up after itself",
)  # fmt: skip
case("J18", "of Volcano", job())
case(
    "J18", "by the usual scheduler", job(put("/spec/schedulerName", "default-scheduler")),
    "spec.schedulerName='default-scheduler' but it places pods one by one, and each of two such Jobs may hold half of the nodes "
    "for ever; write schedulerName: volcano",
)  # fmt: skip
case("J01", "of Volcano", job(remove(f"{TASKS}/0/template/spec/restartPolicy")))


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup, cluster=having(Crd.VOLCANO), pod_security="privileged") == expected
