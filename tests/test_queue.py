"""A TrainingJob in a queue of Kueue: what is written where, what is left to Kueue, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Accelerator, ArgoCD, Cluster, Crd, Gpu, Queue, RayJob, Schedule, Step, Sweep, TrainJob, hours
from modelyard.pod import digest
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.rules.patches import HASH
from tests.support import CLUSTER, but, delivered, environment, found_by, having, trained, training

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


def test_a_deadline_holds_for_all_starts(tmp_path: Path) -> None:
    """
    With a minute for Kueue, whose clock starts first: a run that nobody stops fails of its own deadline.

    What Kueue stops for good never ends, so of a schedule it would keep the next runs from starting.
    """
    key = f"metadata.labels.{'kueue.x-k8s.io'.replace('.', '|')}/max-exec-time-seconds"
    sweep = Sweep(grid={"lr": [0.1, 0.01]})
    rays, ray = having(Crd.KUEUE, Crd.KUBERAY), {"backend": RayJob(), "nodes": 2}

    assert at(rendered(tmp_path, BOTH, nodes=4)["JobSet/train"], key) == "21660"
    assert at(rendered(tmp_path, rays, **ray)["RayJob/train"], key) == "21660"
    for options in ({}, {"nodes": 4}, {"sweep": sweep}):
        made = rendered(tmp_path, KUEUE, **options)["Job/train"]
        assert at(made, key) == "21660"
        assert at(made, "spec.activeDeadlineSeconds") == 21600
    without = rendered(tmp_path, deadline=None, accept={"J13": "it is watched by hand"})
    assert at(without["Job/train"], key) == MISSING
    scheduled = rendered(tmp_path, schedule=Schedule("30 3 * * *"))["CronJob/train"]
    assert at(scheduled, f"spec.jobTemplate.{key}") == MISSING
    assert at(scheduled, "spec.jobTemplate.spec.activeDeadlineSeconds") == 21600


KINDS: list[Any] = [
    (KUEUE, {}, "Job"),
    (BOTH, {"nodes": 4}, "JobSet"),
    (having(Crd.KUEUE, Crd.KUBERAY), {"backend": RayJob(), "nodes": 2}, "RayJob"),
    (having(Crd.KUEUE, Crd.JOBSET, Crd.KUBEFLOW_TRAINER), {"backend": TrainJob(), "nodes": 2}, "TrainJob"),
]


@pytest.mark.parametrize(("cluster", "options", "kind"), KINDS)
def test_another_queue_is_another_run(tmp_path: Path, cluster: Cluster, options: dict[str, Any], kind: str) -> None:
    """Kueue refuses another queue, or the first or no priority, in what it has started, and Flux changes nothing in it."""

    def name(**more: Any) -> str:
        alone = more.get("queue", True) is None and kind != "Job"
        accept = {"accept": {"J18": "nothing else runs here"}} if alone else {}
        made = rendered(tmp_path, cluster, **{**options, **accept, **more})
        return str(made[f"{kind}/train"]["metadata"]["name"])

    first = name()
    ranked, none = name(queue=Queue("research", priority="low")), name(queue=None)
    higher, elsewhere = name(queue=Queue("research", priority="high")), name(queue=Queue("product"))
    assert len({first, ranked, higher, none, elsewhere, name(deadline=hours(7))}) == 6
    assert name() == first


def test_a_plain_name_stays_what_it_was(tmp_path: Path) -> None:
    """Only what waits in a queue of Kueue has more in its name than its spec."""
    made = rendered(tmp_path, queue=None)["Job/train"]

    assert made["metadata"]["name"] == f"train-{digest(made['spec'])}"


def test_fewer_trials_at_the_start_are_another_run(tmp_path: Path) -> None:
    """Kueue would end the pods of the one that runs, and let it wait anew."""
    sweep = Sweep(grid={"lr": [0.1, 0.01, 0.001]})
    names = {
        rendered(tmp_path, sweep=sweep, queue=Queue("research", min_parallelism=few))["Job/train"]["metadata"]["name"]
        for few in (1, 2)
    }
    assert len(names) == 2


def test_what_a_schedule_makes_waits_elsewhere_from_the_next_run_on(tmp_path: Path) -> None:
    """The CronJob is changed in place, and keeps its name."""
    for queue in ("research", "product"):
        made = rendered(tmp_path, schedule=Schedule("30 3 * * *"), queue=Queue(queue))["CronJob/train"]
        assert made["metadata"]["name"] == "train"
        assert made["spec"]["jobTemplate"]["metadata"]["labels"][LABEL] == queue


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
    assert table["longer than 361 minutes in all its starts"] == (
        "Kueue ends its pods, and never starts it again; it stays suspended"
    )


def test_it_is_told_what_the_deadline_of_a_job_counts(tmp_path: Path) -> None:
    """One start, since each begins anew; without a queue there is one."""
    waits = {one.when: one.then for one in outcomes(rendered(tmp_path)["Job/train"])}
    plain = {one.when: one.then for one in outcomes(rendered(tmp_path, queue=None)["Job/train"])}
    failed = "the Job fails; its pods get SIGTERM, and 2 minutes to end"

    assert waits["longer than 6 hours since the last start"] == plain["longer than 6 hours"] == failed
    assert "longer than 361 minutes in all its starts" in waits


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
        KUEUE, {"queue": Queue("Q_Q")}, "K01",
        ("queue.name='Q_Q' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends with a letter or digit; "
        "write the name of a LocalQueue"),
    ),
    (
        KUEUE, {"queue": Queue("research", priority="my class")}, "K01",
        ("queue.priority='my class' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and ends with a letter or "
        "digit; write the name of a WorkloadPriorityClass"),
    ),
    (
        BOTH, {"after": [Step(f"s{index}", ["true"]) for index in range(8)]}, "K16",
        ("JobSet train spec.replicatedJobs='9 Jobs' but the queue research takes 8 sets of pods, and these are 9: node, s0, s1, "
        "s2, s3, s4, s5, s6 and s7; write 7 steps at most (before=, after=), or leave queue= away"),
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

    assert [HASH.sub("train", one) for one in found_by(scope, rule)] == [f"test/train: {text}"]


def test_seven_steps_fit_into_a_queue(tmp_path: Path) -> None:
    """With the training itself they are the 8 sets of pods that Kueue admits as one."""
    jobs = rendered(tmp_path, BOTH, after=[Step(f"s{index}", ["true"]) for index in range(7)])["JobSet/train"]

    assert len(jobs["spec"]["replicatedJobs"]) == 8


def test_the_queue_counts_all_parts_of_a_training(tmp_path: Path) -> None:
    """It admits them at once, though they run one after the other; without a queue each has the nodes to itself."""
    classes = [
        Accelerator(name, per_node=count, nodes=nodes, node_selector={"accelerator": name})
        for name, count, nodes in (("h100", 8, 4), ("l4", 4, 8))
    ]
    cluster = but(BOTH, accelerators=classes)
    options: dict[str, Any] = {"nodes": 4, "gpu": Gpu("h100", 8)}
    steps = {"after": [Step("evaluate", ["true"], gpu=Gpu("h100", 8))]}
    elsewhere = {"after": [Step("evaluate", ["true"], gpu=Gpu("l4", 4))]}

    def found(**more: Any) -> list[str]:
        scope = environment(tmp_path, cluster=cluster)
        training(scope, **{**options, "queue": Queue("research"), **more})
        return [HASH.sub("train", one) for one in found_by(scope, "R26")]

    assert found(**steps) == [
        ("test/train: JobSet train spec.replicatedJobs[1].template.spec.template.spec.containers[0].resources.requests"
        "['nvidia.com/gpu']='8' but Kueue admits all of it at once, 32 (node) and 8 (evaluate), which is 40, and eks-test has "
        "32 (4 nodes with 8 of h100); ask for less, make a workload of its own of one of them, or correct nodes= of the "
        "Accelerator")
    ]  # fmt: skip
    assert found(**steps, queue=None) == found(**elsewhere) == found(**steps, nodes=3) == []
