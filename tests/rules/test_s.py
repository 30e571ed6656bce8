"""S: JobSets, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from modelyard import Cluster, Crd
from tests.rules import manifests
from tests.rules.patches import Operation, Setup, foreign, put, remove, texts

CASES: list[Any] = []
CLUSTER = Cluster("with-jobset", kubernetes="1.34", installed=[Crd.JOBSET])
JOB: dict[str, Any] = {**manifests.job()["spec"], "completionMode": "Indexed", "completions": 1}
LOST = {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
FATAL = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2]}}
FREE = {"name": "free", "action": "RestartJobSetAndIgnoreMaxRestarts", "onJobFailureReasons": ["PodFailurePolicy"]}
SET: dict[str, Any] = {
    "apiVersion": "jobset.x-k8s.io/v1alpha2",
    "kind": "JobSet",
    "metadata": {"name": "train"},
    "spec": {
        "failurePolicy": {"maxRestarts": 3},
        "replicatedJobs": [
            {"name": "prepare", "template": {"spec": copy.deepcopy(JOB)}},
            {
                "name": "node",
                "template": {"spec": {**JOB, "podReplacementPolicy": "Failed", "podFailurePolicy": {"rules": [LOST]}}},
            },
        ],
    },
}
TRAIN = "test: JobSet train "
JOBS = "/spec/replicatedJobs"
POD = "template/spec/template/spec"
ONE_OF_FOUR = (put(f"{JOBS}/0/template/spec/parallelism", 4), remove(f"{JOBS}/0/template/spec/completions"))
RULES = "spec.failurePolicy.rules"
FULL = "write backoffLimit: 2147483647, podReplacementPolicy: Failed and parallelism as many as completions"
IN_PLACE = "restartStrategy is InPlaceRestart, and the pods of such a Job start again by themselves"


def case(rule: str, name: str, setup: Setup, *expected: str) -> None:
    """Keep one case: what *setup* is to *rule*, with the findings in order or none."""
    CASES.append(
        pytest.param(
            rule, setup, [text if text.startswith("test: ") else TRAIN + text for text in expected], id=f"{rule}-{name}"
        )
    )


def job_set(*operations: Operation) -> Setup:
    """Return what adds a JobSet of two Jobs."""
    return foreign(SET, *operations)


def scratch(volume: dict[str, Any], folder: str = "/scratch") -> list[Operation]:
    """Return what mounts *volume* at *folder* in both Jobs, of which the second one waits for the first."""
    mounts = [{"name": "scratch", "mountPath": folder}]
    return [
        put(f"{JOBS}/1/dependsOn", [{"name": "prepare", "status": "Complete"}]),
        *(put(f"{JOBS}/{job}/{POD}/volumes", [{"name": "scratch", **volume}]) for job in (0, 1)),
        *(put(f"{JOBS}/{job}/{POD}/containers/0/volumeMounts", mounts) for job in (0, 1)),
    ]


def named(name: str, *operations: Operation) -> Setup:
    """Return what adds the JobSet under another name."""
    return foreign({**SET, "metadata": {"name": name}}, *operations)


def rules(*given: dict[str, Any]) -> Operation:
    """Return the operation that writes failure rules."""
    return put("/spec/failurePolicy/rules", list(given))


def depends(job: int, name: str) -> Operation:
    """Return the operation that makes one Job wait for another."""
    return put(f"{JOBS}/{job}/dependsOn", [{"name": name, "status": "Complete"}])


case("S01", "on the one before", job_set(depends(1, "prepare")))
case(
    "S01", "on a later one", job_set(depends(0, "node")),
    "spec.replicatedJobs[0].dependsOn[0].name='node' but it does not stand before this one; put the Job behind those that it "
    "waits for, and leave startupPolicy away",
)  # fmt: skip
case(
    "S01", "on none", job_set(depends(1, "prepar")),
    "spec.replicatedJobs[1].dependsOn[0].name='prepar' but the set has no such Job; did you mean prepare?",
)  # fmt: skip
case(
    "S01", "in order too", job_set(depends(1, "prepare"), put("/spec/startupPolicy", {"startupPolicyOrder": "InOrder"})),
    "spec.startupPolicy.startupPolicyOrder='InOrder' but a Job depends on another (dependsOn), and the two ways to order them "
    "exclude each other; leave startupPolicy away",
)  # fmt: skip
case("S02", "all known", job_set(rules({**FREE, "targetReplicatedJobs": ["node"]})))
case(
    "S02", "target", job_set(rules({**FREE, "targetReplicatedJobs": ["nodes"]})),
    f"{RULES}[0].targetReplicatedJobs[0]='nodes' but the set has no such Job; did you mean node?",
)  # fmt: skip
case(
    "S02", "reason", job_set(rules({"name": "a", "action": "FailJobSet", "onJobFailureReasons": ["OOMKilled"]})),
    f"{RULES}[0].onJobFailureReasons[0]='OOMKilled' but no Job fails for this reason; write one of BackoffLimitExceeded, "
    "DeadlineExceeded, FailedIndexes, MaxFailedIndexesExceeded, PodFailurePolicy",
)  # fmt: skip
case(
    "S02", "success", job_set(put("/spec/successPolicy", {"operator": "All", "targetReplicatedJobs": ["x"]})),
    "spec.successPolicy.targetReplicatedJobs[0]='x' but the set has no such Job; write one of prepare, node",
)  # fmt: skip
case("S03", "disruptions", job_set(rules(FREE)))
case(
    "S03", "exit codes too", job_set(rules(FREE), put(f"{JOBS}/1/template/spec/podFailurePolicy/rules/1", FATAL)),
    f"{RULES}[0].action='RestartJobSetAndIgnoreMaxRestarts' but the Job node says PodFailurePolicy for exit codes too, and "
    'starts again for ever; add onJobFailureMessagePatterns: ["has condition DisruptionTarget"]',
)  # fmt: skip
case(
    "S03", "told apart",
    job_set(
        rules({**FREE, "onJobFailureMessagePatterns": ["has condition DisruptionTarget"]}),
        put(f"{JOBS}/1/template/spec/podFailurePolicy/rules/1", FATAL),
    ),
)  # fmt: skip
case(
    "S03", "anything", job_set(rules({"name": "free", "action": FREE["action"]})),
    f"{RULES}[0].action='RestartJobSetAndIgnoreMaxRestarts' but it also starts a program again for ever that fails by "
    "itself; add onJobFailureReasons: [PodFailurePolicy]",
)  # fmt: skip
case(
    "S04", "in place", job_set(remove(f"{JOBS}/0"), put("/spec/failurePolicy/restartStrategy", "InPlaceRestart")),
    f"spec.replicatedJobs[0].template.spec.backoffLimit but {IN_PLACE}; {FULL}",
    f"spec.replicatedJobs[0].template.spec.parallelism but {IN_PLACE}; {FULL}",
)  # fmt: skip
case("S04", "anew", job_set(put("/spec/failurePolicy/restartStrategy", "BlockingRecreate")))
case("S05", "the first", job_set(put("/spec/coordinator", {"replicatedJob": "node"})))
case(
    "S05", "no such job", job_set(put("/spec/coordinator", {"replicatedJob": "nod"})),
    "spec.coordinator.replicatedJob='nod' but the set has no such Job; did you mean node?",
)  # fmt: skip
case(
    "S05", "no such pod", job_set(put("/spec/coordinator", {"replicatedJob": "node", "podIndex": 1})),
    "spec.coordinator.podIndex=1 but there are 1 of them, counted from 0; correct replicatedJob, jobIndex and podIndex",
)  # fmt: skip
case(
    "S05", "no indexes",
    job_set(
        put("/spec/coordinator", {"replicatedJob": "prepare"}),
        put(f"{JOBS}/0/template/spec/completionMode", "NonIndexed"),
    ),
    "spec.coordinator.replicatedJob='prepare' but the pods of the Job prepare have no indexes (completionMode is "
    "NonIndexed); write completionMode: Indexed",
)  # fmt: skip
case("S07", "never", job_set())
case(
    "S07", "not said", job_set(remove(f"{JOBS}/0/{POD}/restartPolicy")),
    "spec.replicatedJobs[0].template.spec.template.spec.restartPolicy but it is missing, and JobSet then writes OnFailure; "
    "write restartPolicy: Never",
)  # fmt: skip
case("J01", "not said", job_set(remove(f"{JOBS}/0/{POD}/restartPolicy")))
case(
    "J01", "not said, and judged", job_set(remove(f"{JOBS}/1/{POD}/restartPolicy")),
    "spec.replicatedJobs[1].template.spec.template.spec.restartPolicy but it is missing, OnFailure is then written for it, and "
    "podFailurePolicy is set, which needs Never; write restartPolicy: Never",
)  # fmt: skip
case("S08", "some", job_set(put(f"{JOBS}/0/replicas", 4)))
case(
    "S08", "too many", job_set(put(f"{JOBS}/0/replicas", 3), put(f"{JOBS}/0/template/spec/parallelism", 2**30)),
    f"spec.replicatedJobs[0].template.spec.parallelism=1073741824 but these are {3 * 2**30} pods, and at most "
    f"{2**31 - 1} are possible; lower replicas or parallelism",
)  # fmt: skip
case("N06", "short", job_set())
case(
    "N06", "a digit first", named("4nodes"),
    *(
        f"test: JobSet 4nodes spec.replicatedJobs[{index}].name='{job}' but its Job would be called 4nodes-{job}-0, and a name holds a-z, 0-9 and "
        '"-" only, starts with a letter and ends with no "-"; shorten the name of the JobSet, and begin it with a letter'
        for index, job in enumerate(("prepare", "node"))
    ),
)  # fmt: skip
case("N07", "just fits", named("a" * 45))
case(
    "N07", "too long", named("a" * 46),
    f"test: JobSet {'a' * 46} spec.replicatedJobs[0].name='prepare' but the name of its last pod has 64 characters, and at most 63 are possible; "
    "shorten the name of the JobSet by 1",
)  # fmt: skip
case("N13", "two names", job_set(rules(FREE, {"name": "fatal", "action": "FailJobSet"})))
case(
    "N13", "one name", job_set(rules(FREE, {"name": "free", "action": "FailJobSet"})),
    f"{RULES}[1].name='free' but another rule has this name; name each rule with letters, digits, _ and :, such as "
    "hostMaintenance",
)  # fmt: skip
case(
    "N13", "no name", job_set(rules({"name": "1st-rule", "action": "FailJobSet"})),
    f"{RULES}[0].name='1st-rule' but a rule's name begins with a letter, and has letters, digits and _; name each rule with "
    "letters, digits, _ and :, such as hostMaintenance",
)  # fmt: skip
case(
    "J21", "of a set", job_set(put("/spec/ttlSecondsAfterFinished", 60)),
    "spec.ttlSecondsAfterFinished=60 but Argo CD and Flux create a JobSet anew that is in git and not in the cluster, so it "
    "runs again and again; remove it; a finished Job uses no node, and a CronJob tidies up after itself",
)  # fmt: skip
case(
    "J23", "of a set",
    job_set(put("/metadata/labels", {"kueue.x-k8s.io/queue-name": "research"}), put("/spec/suspend", True)),  # noqa: FBT003
    "spec.suspend=True but Kueue resumes the JobSet when the queue research has room, and this would suspend it again; "
    "remove suspend; Kueue suspends the Job itself",
)  # fmt: skip
case("J02", "a set without indexes", job_set(put(f"{JOBS}/0/template/spec/completionMode", "NonIndexed"), *ONE_OF_FOUR))
case(
    "J02", "a set that says nothing", job_set(remove(f"{JOBS}/0/template/spec/completionMode"), *ONE_OF_FOUR),
    "spec.replicatedJobs[0].template.spec.completions but an Indexed Job with parallelism 4 says how many indexes it has; write "
    "completions: 4, or more",
)  # fmt: skip
case(
    "N16", "a Job of a set", job_set(put(f"{JOBS}/0/template/metadata", {"labels": {"team": "the a team"}})),
    "spec.replicatedJobs[0].template.metadata.labels['team']='the a team' but a label value holds letters, digits, \"-\", \"_\", "
    '"." and starts and ends with a letter or digit; shorten it, or move it into an annotation',
)  # fmt: skip
case("N16", "a Job of a set that is right", job_set(put(f"{JOBS}/0/template/metadata", {"labels": {"team": "a"}})))
WIDE = (put(f"{JOBS}/1/template/spec/completions", 4), put(f"{JOBS}/1/template/spec/parallelism", 4))
case(
    "J18", "a set of several", job_set(*WIDE),
    "spec.replicatedJobs[1].template.spec.completions=4 but its pods are placed one by one, and each of two such JobSets may "
    "hold half of the nodes for ever; put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes",
)  # fmt: skip
case("J18", "a set in a queue", job_set(*WIDE, put("/metadata/labels", {"kueue.x-k8s.io/queue-name": "research"})))
case(
    "J01", "of a set", job_set(put(f"{JOBS}/1/{POD}/restartPolicy", "OnFailure")),
    "spec.replicatedJobs[1].template.spec.template.spec.restartPolicy='OnFailure' but podFailurePolicy is set, which needs "
    "restartPolicy Never; write restartPolicy: Never, or remove podFailurePolicy",
)  # fmt: skip
case(
    "S09", "a folder that is handed on",
    job_set(*scratch({"emptyDir": {}})),
    "spec.replicatedJobs[1].template.spec.template.spec.containers[0].volumeMounts[0].mountPath='/scratch' but the Job prepare "
    "has a folder of its own there, and what it writes does not get to this one; use a claim that both mount, or accept S09 "
    "where each begins with an empty folder",
)  # fmt: skip
case("S09", "a claim", job_set(*scratch({"persistentVolumeClaim": {"claimName": "scratch"}})))
case("S09", "temporary files", job_set(*scratch({"emptyDir": {}}, "/tmp")))
case("S09", "side by side", job_set(*scratch({"emptyDir": {}}), remove(f"{JOBS}/1/dependsOn")))
case(
    "S09", "filled by each",
    job_set(*scratch({"emptyDir": {}}), put(f"{JOBS}/1/{POD}/initContainers", [
        {"name": "load", "image": "acme/load:1", "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}])),
)  # fmt: skip
case(
    "J08", "of a set",
    job_set(put(f"{JOBS}/1/template/spec/podFailurePolicy/rules/1", {**FATAL, "onExitCodes": {
        "containerName": "x", "operator": "In", "values": [2]}})),
    "spec.replicatedJobs[1].template.spec.podFailurePolicy.rules[1].onExitCodes.containerName='x' but the pod has no such "
    "container; name one of main, or leave it away for all",
)  # fmt: skip
case(
    "R08", "in a pod of a set",
    job_set(put(f"{JOBS}/1/{POD}/containers/0/resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})),
    "spec.replicatedJobs[1].template.spec.template.spec.containers[0].resources.requests.cpu='2' but its limit is '1', and a "
    "request is at most its limit; raise the limit, or lower the request",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup, cluster=CLUSTER) == expected


def test_a_set_of_another_group_is_left_alone(tmp_path: Path) -> None:
    """Somebody else's kind of this name is theirs; S01 says nothing of it."""
    broken = foreign({**SET, "apiVersion": "acme.dev/v1"}, depends(0, "node"))

    assert texts(tmp_path, "S01", broken) == []


def test_a_set_without_jobs_breaks_no_check(tmp_path: Path) -> None:
    """Its schema allows it, and there is nothing in it that a rule could be about."""
    assert texts(tmp_path, "S01", job_set(remove("/spec/replicatedJobs"))) == []
