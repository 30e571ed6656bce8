"""Y: TrainJobs, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd, Environment
from tests.rules import manifests
from tests.rules.patches import Operation, Setup, foreign, put, texts
from tests.support import having, raw

CASES: list[Any] = []
TRAIN_JOB: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": "train"},
    "spec": {"runtimeRef": {"name": "torch"}, "trainer": {"numNodes": 1, "numProcPerNode": "auto"}},
}
RUNTIME: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainingRuntime",
    "metadata": {"name": "torch"},
    "spec": {
        "template": {"spec": {"replicatedJobs": [{"name": "node", "template": {"spec": manifests.job()["spec"]}}]}}
    },
}
TRAINER = "spec.trainer"
TRAIN = f"test: TrainJob train {TRAINER}"


def case(rule: str, name: str, setup: Setup, *expected: str) -> None:
    """Keep one case: what *setup* is to *rule*, with the findings in order or none."""
    CASES.append(pytest.param(rule, setup, list(expected), id=f"{rule}-{name}"))


def job(*operations: Operation) -> Setup:
    """Return what adds a TrainJob of one node."""
    return foreign(TRAIN_JOB, *operations)


def with_runtime(setup: Setup, **spec: Any) -> Setup:
    """Return what adds a runtime too, with further fields."""

    def both(scope: Environment) -> None:
        setup(scope)
        raw(scope, {**RUNTIME, "spec": {**RUNTIME["spec"], **spec}})

    return both


case("N08", "just fits", foreign({**TRAIN_JOB, "metadata": {"name": "t" * 48}}))
case(
    "N08", "too long", foreign({**TRAIN_JOB, "metadata": {"name": "t" * 49}}),
    f"test: TrainJob {'t' * 49} metadata.name='{'t' * 49}' but a name has at most 48 characters here and this one has 49; "
    "shorten the name of the TrainJob, and begin it with a letter",
)  # fmt: skip
case("Y02", "another variable", job(put("/spec/trainer/env", [{"name": "LR", "value": "1"}])))
case(
    "Y02", "of torchrun", job(put("/spec/trainer/env", [{"name": "PET_NNODES", "value": "1"}])),
    f"{TRAIN}.env[0].name='PET_NNODES' but the trainer sets it for each node; remove the variable",
)  # fmt: skip
case("Y03", "numbers", job(put("/spec/trainer/numProcPerNode", 8)))
case(
    "Y03", "no nodes", job(put("/spec/trainer/numNodes", 0)),
    f"{TRAIN}.numNodes=0 but a training runs on 1 node or more; write a whole number of at least 1; processes may also be "
    '"auto", "cpu" or "gpu"',
)  # fmt: skip
case(
    "Y03", "no processes", job(put("/spec/trainer/numProcPerNode", "all")),
    f"{TRAIN}.numProcPerNode='all' but this is no number of processes; write a whole number of at least 1; processes may also "
    'be "auto", "cpu" or "gpu"',
)  # fmt: skip
SEVERAL = put("/spec/trainer/numNodes", 4)
case(
    "J18", "a TrainJob", with_runtime(job(SEVERAL)),
    f"{TRAIN}.numNodes=4 but its pods are placed one by one, and each of two such TrainJobs may hold half of the nodes for "
    "ever; put the Job into a queue (Kueue), or accept J18 where nothing else wants these nodes",
)  # fmt: skip
case("J18", "with a policy", with_runtime(job(SEVERAL), podGroupPolicy={"coscheduling": {}}))
case("J18", "in a queue", job(SEVERAL, put("/metadata/labels", {"kueue.x-k8s.io/queue-name": "research"})))
BROKEN = {**RUNTIME["spec"]["template"]["spec"], "coordinator": {"replicatedJob": "launcher"}}
case(
    "S05", "of a runtime", with_runtime(job(), template={"spec": BROKEN}),
    "test: TrainingRuntime torch spec.template.spec.coordinator.replicatedJob='launcher' but the set has no such Job; correct "
    "replicatedJob, jobIndex and podIndex",
)  # fmt: skip
case(
    "Y03", "a runtime", with_runtime(job(), mlPolicy={"torch": {"numProcPerNode": 0}}),
    "test: TrainingRuntime torch spec.mlPolicy.torch.numProcPerNode=0 but this is no number of processes; write a whole number of "
    'at least 1; processes may also be "auto", "cpu" or "gpu"',
)  # fmt: skip
case("Y03", "a runtime by itself", with_runtime(job(), mlPolicy={"torch": {"numProcPerNode": "auto"}}))
NAMED = {"replicatedJobs": [{"name": "Node", "template": {"spec": manifests.job()["spec"]}}]}
case(
    "N06", "a runtime", with_runtime(job(), template={"spec": NAMED}),
    "test: TrainingRuntime torch spec.template.spec.replicatedJobs[0].name='Node' but its Job would be called train-Node-0, and a "
    'name holds a-z, 0-9 and "-" only, starts with a letter and ends with no "-"; shorten the name of the JobSet, and begin it '
    "with a letter",
)  # fmt: skip
WIDE = {**manifests.job()["spec"], "parallelism": 4}
case(
    "J02", "a runtime, whose trainer fills it in",
    with_runtime(job(), template={"spec": {"replicatedJobs": [{"name": "node", "template": {"spec": WIDE}}]}}),
)  # fmt: skip
case(
    "Y03", "of another group", foreign({**TRAIN_JOB, "apiVersion": "acme.dev/v1"}, put("/spec/trainer/numNodes", 0)),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    cluster = having(Crd.KUBEFLOW_TRAINER)

    assert texts(tmp_path, rule, setup, cluster=cluster, pod_security="privileged") == expected
