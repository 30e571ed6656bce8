"""Y: objects of Ray, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd
from tests.rules import manifests
from tests.rules.judge import judged
from tests.rules.patches import Operation, Setup, foreign, put, remove, texts
from tests.support import having

CASES: list[Any] = []
POD = {"spec": {"containers": [{"name": "ray", "image": "rayproject/ray:2.52.0"}]}}
RAY_JOB: dict[str, Any] = {
    "apiVersion": "ray.io/v1",
    "kind": "RayJob",
    "metadata": {"name": "tune"},
    "spec": {
        "entrypoint": "python tune.py",
        "shutdownAfterJobFinishes": True,
        "rayClusterSpec": {
            "headGroupSpec": {"rayStartParams": {"num-cpus": "0"}, "template": POD},
            "workerGroupSpecs": [{"groupName": "a", "replicas": 1, "rayStartParams": {}, "template": POD}],
        },
    },
}
QUEUED = put("/metadata/labels", {"kueue.x-k8s.io/queue-name": "research"})
TUNE = "test: RayJob tune "


def case(rule: str, name: str, setup: Setup, *expected: str) -> None:
    """Keep one case: what *setup* is to *rule*, with the findings in order or none."""
    CASES.append(pytest.param(rule, setup, list(expected), id=f"{rule}-{name}"))


def job(*operations: Operation) -> Setup:
    """Return what adds a RayJob of one worker."""
    return foreign(RAY_JOB, *operations)


case("N09", "just fits", foreign({**RAY_JOB, "metadata": {"name": "t" * 47}}))
case(
    "N09", "too long", foreign({**RAY_JOB, "metadata": {"name": "t" * 48}}),
    f"test: RayJob {'t' * 48} metadata.name='{'t' * 48}' but a name has at most 47 characters here and this one has 48; "
    "shorten the name, and begin it with a letter",
)  # fmt: skip
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"
SEEN = (
    "which everybody who reads the repository could use; revoke it, put a new one into a Secret that is made outside git, and "
    "refer to that with SecretKey(...)"
)
case("V18", "a RayJob", job(put("/spec/entrypoint", "python tune.py --api-key $KEY --max-tokens 4096 --note 'it")))
case(
    "V18", "the program", job(put("/spec/entrypoint", f"python tune.py --note 'a b' {TOKEN}")),
    f"{TUNE}spec.entrypoint but it looks like a Hugging Face token, {SEEN}",
)  # fmt: skip
case(
    "V18", "an option of the program", job(put("/spec/entrypoint", "python tune.py --api-key 0123456789abcdef0123")),
    f"{TUNE}spec.entrypoint but it looks like an API key, {SEEN}",
)  # fmt: skip
case(
    "V18", "the environment of the program", job(put("/spec/runtimeEnvYAML", f"env_vars:\n  HUB: {TOKEN}\n")),
    f"{TUNE}spec.runtimeEnvYAML but it looks like a Hugging Face token, {SEEN}",
)  # fmt: skip
case("Y01", "by itself", job(put("/spec/backoffLimit", 2)))
case(
    "Y01", "by hand", job(put("/spec/backoffLimit", 2), put("/spec/submissionMode", "InteractiveMode")),
    f"{TUNE}spec.backoffLimit=2 but somebody submits it by hand (submissionMode is InteractiveMode), and nothing can try it "
    "again; remove it",
)  # fmt: skip
case(
    "Y01", "suspended", job(put("/spec/suspend", True), remove("/spec/shutdownAfterJobFinishes")),  # noqa: FBT003
    f"{TUNE}spec.suspend=True but only a RayJob with shutdownAfterJobFinishes can be suspended; remove it",
)  # fmt: skip
case(
    "Y01", "twice", job(put("/spec/rayClusterSpec/headGroupSpec/resources", {"CPU": "0"})),
    f"{TUNE}spec.rayClusterSpec.headGroupSpec.rayStartParams['num-cpus'] but resources stands there too, and KubeRay takes one "
    "of the two; keep one of the two",
)  # fmt: skip
SUBMITTER = manifests.pods({"name": "submitter"})
case(
    "J01",
    "a submitter",
    job(put("/spec/submitterPodTemplate", {"spec": {**SUBMITTER["spec"], "restartPolicy": "Never"}})),
)
case(
    "J01", "a submitter that says nothing", job(put("/spec/submitterPodTemplate", SUBMITTER)),
    f"{TUNE}spec.submitterPodTemplate.spec.restartPolicy but the pod that submits is that of a Job, which restarts Never or "
    "OnFailure; write restartPolicy: Never; failed pods are still replaced, up to backoffLimit",
)  # fmt: skip
case("K07", "in a queue", job(QUEUED))
case(
    "K07", "stays", job(QUEUED, remove("/spec/shutdownAfterJobFinishes")),
    f"{TUNE}spec.shutdownAfterJobFinishes but it waits in the queue research, and its cluster would stay when it is done; "
    "write shutdownAfterJobFinishes: true, and rayClusterSpec instead of clusterSelector",
)  # fmt: skip
case(
    "K07", "elsewhere", job(QUEUED, put("/spec/clusterSelector", {"ray.io/cluster": "shared"})),
    f"{TUNE}spec.clusterSelector but it waits in the queue research, and would run in a cluster that does not; write "
    "shutdownAfterJobFinishes: true, and rayClusterSpec instead of clusterSelector",
)  # fmt: skip
case("K17", "of one size", job(QUEUED))
GROUPS = "/spec/rayClusterSpec/workerGroupSpecs"
GROUP = RAY_JOB["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
SCALED = put("/spec/rayClusterSpec/enableInTreeAutoscaling", True)  # noqa: FBT003
case("K17", "that scales, in no queue", job(SCALED))
case(
    "K17", "that scales", job(QUEUED, SCALED),
    f"{TUNE}spec.rayClusterSpec.enableInTreeAutoscaling=True but the queue has counted its pods before they start, and takes "
    "no more; remove it",
)  # fmt: skip
for called in ("head", "Submitter"):
    case(
        "K17", called, job(QUEUED, put(f"{GROUPS}/0/groupName", called)),
        f"{TUNE}spec.rayClusterSpec.workerGroupSpecs[0].groupName='{called}' but Kueue knows another set of its pods by the name "
        f"{called.lower()}; choose another",
    )  # fmt: skip
BY_HTTP = put("/spec/submissionMode", "HTTPMode")
case("K17", "a group called submitter, with none", job(QUEUED, BY_HTTP, put(f"{GROUPS}/0/groupName", "submitter")))
RAY_CLUSTER = {
    **RAY_JOB,
    "kind": "RayCluster",
    "spec": {**RAY_JOB["spec"]["rayClusterSpec"], "enableInTreeAutoscaling": True},
}
LABEL, ELASTIC = {"kueue.x-k8s.io/queue-name": "research"}, {"kueue.x-k8s.io/elastic-job": "true"}
case("K17", "elastic", foreign({**RAY_CLUSTER, "metadata": {"name": "tune", "labels": LABEL, "annotations": ELASTIC}}))
case(
    "K17", "a cluster that scales", foreign({**RAY_CLUSTER, "metadata": {"name": "tune", "labels": LABEL}}),
    "test: RayCluster tune spec.enableInTreeAutoscaling=True but the queue has counted its pods before they start, and takes no "
    "more; remove it",
)  # fmt: skip


def groups(many: int) -> Operation:
    """Return the operation that makes so many groups of workers."""
    return put(GROUPS, [{**GROUP, "groupName": f"g{index}"} for index in range(many)])


case("K16", "six groups", job(QUEUED, groups(6)))
case("K16", "seven groups in no queue", job(groups(7)))
case("K16", "seven groups, and no submitter", job(QUEUED, BY_HTTP, groups(7)))
case(
    "K16", "seven groups", job(QUEUED, groups(7)),
    f"{TUNE}spec.rayClusterSpec.workerGroupSpecs='7 groups' but the queue research takes 8 sets of pods, and these are 9: head, "
    "g0, g1, g2, g3, g4, g5, g6 and submitter; keep 6 of them, or take it out of the queue",
)  # fmt: skip
SEVERAL = put("/spec/rayClusterSpec/workerGroupSpecs/0/replicas", 4)
case(
    "J18", "a RayJob", job(SEVERAL),
    f"{TUNE}spec.rayClusterSpec.workerGroupSpecs='4 workers' but they are placed one by one, and each of two such RayJobs may "
    "hold half of the nodes for ever; put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes",
)  # fmt: skip
case("J18", "a RayJob in a queue", job(SEVERAL, QUEUED))
case("J18", "a RayJob as a gang", job(SEVERAL, put("/metadata/labels", {"ray.io/gang-scheduling-enabled": "true"})))
case("Y01", "of another group", foreign({**RAY_JOB, "apiVersion": "acme.dev/v1"}, put("/spec/suspend", True)))  # noqa: FBT003


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup, cluster=having(Crd.KUBERAY), pod_security="privileged") == expected


def test_a_name_that_the_server_makes_is_told_once() -> None:
    """N01 says that it has to stand there."""
    made = {**RAY_JOB, "metadata": {"generateName": "tune-"}}
    assert [rule for rule, _ in judged("N", made)] == ["N01"]
