"""Steps before and after a training where there is no JobSet: containers that its one pod runs in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Claim, EmptyDir, Gpu, Job, JobSet, Schedule, Step, Sweep
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found_by, trained, training

POD = "spec.template.spec"
PREPARE = Step("prepare", ["python", "prepare.py"], cpu=4, memory="8Gi")
EVALUATE = Step("evaluate", ["python", "evaluate.py"], gpu=Gpu("l4"))
REGISTER = Step("register", ["python", "register.py"])


def test_the_pod_runs_its_containers_in_turn(tmp_path: Path) -> None:
    """All but the last are init containers, the training too; each has what it asks for."""
    job = trained(tmp_path, before=[PREPARE], after=[EVALUATE, REGISTER])["Job/train"]
    first, last = at(job, f"{POD}.initContainers"), at(job, f"{POD}.containers")

    assert [one["name"] for one in first] == ["prepare", "trainer", "evaluate"]
    assert [one["name"] for one in last] == ["register"]
    assert [at(one, "resources.limits.nvidia|com/gpu") for one in first] == [MISSING, "2", "1"]
    assert at(first[0], "resources.requests") == {"cpu": "4", "memory": "8Gi"}
    assert {one["image"] for one in [*first, *last]} == {IMAGE}
    assert at(job, f"{POD}.tolerations[0].key") == "nvidia.com/gpu"


def test_a_step_that_cannot_work_ends_the_job_as_the_training_does(tmp_path: Path) -> None:
    """The exit codes are those of any of the containers."""
    job = trained(tmp_path, after=[REGISTER])["Job/train"]
    alone = trained(tmp_path)["Job/train"]
    path = "spec.podFailurePolicy.rules[1].onExitCodes"

    assert at(job, path) == {"operator": "In", "values": [2, 126, 127]}
    assert at(alone, f"{path}.containerName") == "trainer"


def test_steps_share_variables_and_volumes(tmp_path: Path) -> None:
    """What one writes to a volume the next one reads, and what they share of the node's memory is the training's."""
    options: dict[str, Any] = {"env": {"RUN": "7"}, "volumes": [Claim("data", "/data"), EmptyDir("/scratch")]}
    job = trained(tmp_path, before=[PREPARE], **options)["Job/train"]
    prepare, trainer = at(job, f"{POD}.initContainers[0]"), at(job, f"{POD}.containers[0]")

    assert {"name": "RUN", "value": "7"} in prepare["env"]
    assert [one["mountPath"] for one in prepare["volumeMounts"]] == ["/tmp", "/data", "/scratch"]
    assert [one["mountPath"] for one in trainer["volumeMounts"]] == ["/tmp", "/dev/shm", "/data", "/scratch"]


def test_a_schedule_has_steps_too(tmp_path: Path) -> None:
    """A CronJob makes Jobs of one pod, which goes through all steps each time."""
    made = trained(tmp_path, after=[REGISTER], schedule=Schedule("30 3 * * *"))["CronJob/train"]
    pod = at(made, "spec.jobTemplate.spec.template.spec")

    assert [one["name"] for one in [*pod["initContainers"], *pod["containers"]]] == ["trainer", "register"]


SUBJECT = "test/train: "
REFUSED: list[Any] = [
    (
        {"nodes": 4, "before": [PREPARE]}, "X04",
        ("before=['prepare'] but only a JobSet runs steps beside a training of 4 nodes; install JobSet and declare Crd.JOBSET, "
        "or let the program do it on rank 0"),
    ),
    (
        {"nodes": 4, "after": [REGISTER], "backend": Job()}, "X04",
        ("after=['register'] but only a JobSet runs steps beside a training of 4 nodes; leave backend= away, or let the program "
        "do it on rank 0"),
    ),
    (
        {"nodes": 4, "after": [REGISTER], "schedule": Schedule("30 3 * * *")}, "X11",
        ("after=['register'] but a CronJob makes Jobs only, and each of the 4 pods would run the steps; let the program do it on "
        "rank 0, or leave schedule= away"),
    ),
    (
        {"after": [REGISTER], "sweep": Sweep(grid={"lr": [0.1, 0.01]})}, "X11",
        ("after=['register'] but sweep= is given too, and each trial would run the steps; write the step as a training of its "
        "own, or into the program of the trials"),
    ),
    (
        {"before": [PREPARE], "after": [Step("prepare", ["b"])]}, "X11",
        "after[0].name='prepare' but this name is that of another step; choose another",
    ),
    (
        {"before": [Step("trainer", ["b"])]}, "X11",
        "before[0].name='trainer' but this name is the training's own; choose another",
    ),
    (
        {"before": [Step("a_b", ["b"])]}, "N19",
        ('before[0].name=\'a_b\' but a name holds a-z, 0-9 and "-" only, and starts and ends with a letter or digit; correct the '
        "value"),
    ),
    (
        {"before": [Step("a", [])]}, "X11",
        'before[0].command=[] but a step says what it runs; write Step("evaluate", ["python", "evaluate.py"])',
    ),
    (
        {"before": [Step("a", ["b"], cpu="a lot")]}, "R01",
        ("before[0].cpu='a lot' but a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none; write "
        'cores, such as "500m" or 2'),
    ),
    (
        {"before": [Step("a", ["b"], image="A:1")]}, "P02",
        "before[0].image='A:1' but ",
    ),
    (
        {"after": [Step("a", ["b"], gpu=Gpu("h200"))]}, "R09",
        ("after[0].gpu.accelerator='h200' but the cluster eks-test has no such accelerator; declare it in "
        "Cluster(accelerators=[...])"),
    ),
    (
        {"gpu": None, "after": [EVALUATE]}, "X11",
        ("after[0].gpu.accelerator='l4' but without JobSet the steps run in the pod of the training, and so on the same node; ask "
        "for the accelerator of the training, or for none"),
    ),
    (
        {"after": [EVALUATE], "backend": JobSet()}, "X04",
        ("backend='JobSet' but the cluster eks-test has no such definition; declare it in Cluster(installed=[Crd.JOBSET]) where "
        "it is installed, or leave backend= away for a Job"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "rule", "text"), REFUSED)
def test_what_cannot_be_a_step(tmp_path: Path, options: dict[str, Any], rule: str, text: str) -> None:
    """It is refused, with what to do instead."""
    scope = environment(tmp_path)
    training(scope, **options)
    (only,) = found_by(scope, rule)

    assert only == SUBJECT + text or (rule == "P02" and only.startswith(SUBJECT + text))
