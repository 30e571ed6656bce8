"""A TrainingJob in a queue of Kueue: what is written where, what is left to Kueue, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import ArgoCD, Cluster, Crd, Queue, Schedule, Step, Sweep
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.support import CLUSTER, delivered, environment, found_by, having, trained, training

KUEUE = having(Crd.KUEUE)
BOTH = having(Crd.KUEUE, Crd.JOBSET)
LABEL = "kueue.x-k8s.io/queue-name"
BLOCK = "cloud.google.com/gce-topology-block"


def rendered(root: Path, cluster: Cluster = KUEUE, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training in a queue, with *options*, which nothing is found in."""
    return trained(root, cluster=cluster, **{"queue": Queue("research"), **options})


def holders(value: object, path: str = "") -> list[str]:
    """Return the paths of everything in *value* that is labelled with a queue."""
    if isinstance(value, dict):
        here = [path] if LABEL in value else []
        return here + [found for key, inner in value.items() for found in holders(inner, f"{path}.{key}")]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in holders(inner, f"{path}[{index}]")]
    return []


@pytest.mark.parametrize(
    ("cluster", "options", "kind", "holder"),
    [
        (KUEUE, {}, "Job", ".metadata.labels"),
        (KUEUE, {"nodes": 4}, "Job", ".metadata.labels"),
        (KUEUE, {"sweep": Sweep(grid={"lr": [0.1, 0.01]})}, "Job", ".metadata.labels"),
        (BOTH, {"nodes": 4, "after": [Step("register", ["r"])]}, "JobSet", ".metadata.labels"),
        (KUEUE, {"schedule": Schedule("30 3 * * *")}, "CronJob", ".spec.jobTemplate.metadata.labels"),
    ],
)
def test_the_label_stands_where_kueue_looks_for_it(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], kind: str, holder: str
) -> None:
    """And nowhere else: a labelled pod would wait in the queue by itself, and nothing is suspended in git."""
    made = rendered(tmp_path, cluster, **options)[f"{kind}/train"]

    assert holders(made) == [holder]
    assert at(made, "spec.suspend") == MISSING


def test_pods_that_start_together_need_no_acceptance(tmp_path: Path) -> None:
    """J18 asks for what a queue does."""
    scope = environment(tmp_path, cluster=KUEUE)
    training(scope, nodes=4, queue=Queue("research"))

    assert found_by(scope, "J18") == []


def test_argo_cd_leaves_alone_what_kueue_writes(tmp_path: Path) -> None:
    """When the training starts, and where."""
    scope = environment(tmp_path, cluster=BOTH, delivery=ArgoCD("https://git.example/acme/models"))
    training(scope, nodes=4, queue=Queue("research"))
    (ignored,) = delivered(scope)["Application/ml-test"]["spec"]["ignoreDifferences"]

    assert ignored["kind"] == "JobSet"
    assert ignored["jsonPointers"] == [
        "/spec/replicatedJobs/0/template/spec/template/spec/nodeSelector",
        "/spec/replicatedJobs/0/template/spec/template/spec/tolerations",
    ]


def test_a_deadline_holds_for_all_starts_of_a_jobset(tmp_path: Path) -> None:
    """A Job has one of its own."""
    key = f"metadata.labels.{'kueue.x-k8s.io'.replace('.', '|')}/max-exec-time-seconds"

    assert at(rendered(tmp_path, BOTH, nodes=4)["JobSet/train"], key) == "21600"
    assert at(rendered(tmp_path, KUEUE, nodes=4)["Job/train"], key) == MISSING


@pytest.mark.parametrize("how", ["required", "preferred"])
def test_pods_are_kept_together(tmp_path: Path, how: str) -> None:
    """By an annotation of the pods that train together, and not of the steps."""
    topology: dict[str, Any] = {f"{how}_topology": BLOCK}
    queue = Queue("research", **topology)
    made = rendered(tmp_path, BOTH, nodes=4, queue=queue, after=[Step("register", ["r"])])["JobSet/train"]
    key = f"kueue.x-k8s.io/podset-{how}-topology"
    pods = [at(one, "template.spec.template.metadata.annotations") for one in at(made, "spec.replicatedJobs")]

    assert [one.get(key) for one in pods] == [BLOCK, None]


def test_a_sweep_starts_with_fewer_trials(tmp_path: Path) -> None:
    """Kueue then lowers parallelism, also of what a schedule makes."""
    options: dict[str, Any] = {
        "sweep": Sweep(grid={"lr": [0.1, 0.01, 0.001]}),
        "queue": Queue("research", min_parallelism=2),
    }
    key = "metadata.annotations.kueue|x-k8s|io/job-min-parallelism"

    assert at(rendered(tmp_path, **options)["Job/train"], key) == "2"
    scheduled = rendered(tmp_path, **options, schedule=Schedule("30 3 * * *"))["CronJob/train"]
    assert at(scheduled, f"spec.jobTemplate.{key}") == "2"
    assert at(scheduled, key) == MISSING


def test_it_is_told_what_the_queue_does(tmp_path: Path) -> None:
    """It waits, may lose its room, and is taken out in the end."""
    table = {one.when: one.then for one in outcomes(rendered(tmp_path, BOTH, nodes=4)["JobSet/train"])}

    assert table["no room for all of it"] == "it waits in the queue research, and none of its pods starts"
    assert table["another takes its room in the queue"] == (
        "its pods are ended, and it waits in the queue to start again; this is not counted"
    )
    assert table["longer than 6 hours in all its starts"] == "Kueue takes it out of the queue and ends its pods"


def test_it_is_told_that_a_few_trials_are_enough(tmp_path: Path) -> None:
    """Which start before all of them have room."""
    options: dict[str, Any] = {"sweep": Sweep(grid={"lr": [0.1, 0.01, 0.001]}), "queue": Queue("q", min_parallelism=1)}
    scheduled = {**options, "schedule": Schedule("30 3 * * *")}
    for given, kind in ((options, "Job"), (scheduled, "CronJob")):
        made = rendered(tmp_path, **given)[f"{kind}/train"]
        assert {one.when: one.then for one in outcomes(made)}["no room for all of it"] == (
            "it starts with fewer pods at once; without room for 1 of them it waits in the queue q"
        )


REFUSED: list[Any] = [
    (
        CLUSTER, {}, "X04",
        ("queue='research' but the cluster eks-test has no Kueue; declare it in Cluster(installed=[Crd.KUEUE]) where it is "
        "installed, or leave queue= away"),
    ),
    (
        KUEUE, {"queue": Queue("my queue")}, "N19",
        ("queue.name='my queue' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends with a letter or digit; "
        "correct the value"),
    ),
    (
        KUEUE, {"nodes": 4, "queue": Queue("research", min_parallelism=2)}, "K03",
        ("queue.min_parallelism=2 but it is for the trials of a sweep; the pods of one training start together or not at all; "
        "leave it away"),
    ),
    (
        KUEUE, {"sweep": Sweep(grid={"lr": [0.1, 0.01]}), "queue": Queue("research", min_parallelism=2)}, "K03",
        "queue.min_parallelism=2 but 2 trials run at once, and fewer are to be enough; write less than 2, or leave it away",
    ),
    (
        KUEUE, {"nodes": 4, "queue": Queue("research", required_topology=BLOCK, preferred_topology=BLOCK)}, "K04",
        f"queue.required_topology='{BLOCK}' but preferred_topology= is given too, and a training has one of the two; keep one",
    ),
    (
        KUEUE, {"queue": Queue("research", required_topology=BLOCK)}, "X11",
        (f"queue.required_topology='{BLOCK}' but the training is one pod, and there is nothing to keep together; leave it away, "
        "or choose nodes by node_selector="),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("cluster", "options", "rule", "text"), REFUSED)
def test_what_a_queue_cannot_do(
    tmp_path: Path, cluster: Cluster, options: dict[str, Any], rule: str, text: str
) -> None:
    """It is refused in the user's own words, once."""
    scope = environment(tmp_path, cluster=cluster)
    training(scope, **{"queue": Queue("research"), **options})

    assert found_by(scope, rule) == [f"test/train: {text}"]
