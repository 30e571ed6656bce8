"""The scenarios on a real control plane: accepted as they are, and what the Job controller says that a JobSet goes by."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Checkpoint,
    Crd,
    Gpu,
    JobSet,
    Metrics,
    Monitoring,
    Queue,
    RayJob,
    Step,
    Topology,
    TrainingJob,
    TrainJob,
    VolcanoJob,
    Watch,
    hours,
)
from modelyard import Cluster as Claimed
from modelyard.training.outcomes import decision
from tests.cluster import jobsets
from tests.cluster.api import condition
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import apply, in_order, pod, read
from tests.cluster.objects import ended, name, runs
from tests.cluster.programs import NEWEST
from tests.cluster.rendezvous import published, variables, waits
from tests.scenarios.rendering import HERE, SCENARIOS
from tests.support import IMAGE, environment, objects

Observed = Callable[[str], None]
Manifest = dict[str, Any]
NUMBERS = itertools.count()
"""A namespace that is taken away goes on being there for a while."""
POOL = Claimed(
    "sets",
    kubernetes=NEWEST,
    installed=[Crd.JOBSET],
    accelerators=[Accelerator("b200", per_node=2, nodes=3, node_selector={"accelerator": "b200"})],
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_accepted_and_a_second_time_changes_nothing(
    control_plane: ControlPlane, scenario: str, observed: Observed
) -> None:
    """With its custom resources; so are its pods, and the Jobs that JobSet's controller would make."""
    api = control_plane.api
    manifests = in_order([read(HERE / scenario)])

    first = apply(api, manifests)
    second = apply(api, manifests)
    children = [job for one in manifests if one["kind"] == "JobSet" for job in jobsets.jobs(one)]
    pods = [made for made in map(pod, [*manifests, *children]) if made]
    for made in [*children, *pods]:
        api.create(made, dry_run=True)

    observed(f"{scenario}: {len(first)} objects accepted, {len(children)} Jobs of sets and {len(pods)} pods admitted")
    assert {title: answer.warnings for title, answer in first.items() if answer.warnings} == {}
    assert [title for title in first if first[title].body.get("spec") != second[title].body.get("spec")] == []


BACKENDS: dict[str, Any] = {
    "JobSet": JobSet(exclusive_topology="rack"),
    "TrainJob": TrainJob(),
    "RayJob": RayJob(),
    "VolcanoJob": VolcanoJob(),
}
WITHOUT_STEPS = {"RayJob", "VolcanoJob"}


@pytest.mark.parametrize("kind", BACKENDS)
def test_what_runs_a_training_is_accepted_by_its_definition(
    control_plane: ControlPlane, kind: str, tmp_path: Path, observed: Observed
) -> None:
    """With all options that it has, and what its definition asks for beyond its schema."""
    namespace = f"as-{kind.lower()}"
    installed = [Crd.JOBSET, Crd.KUEUE, Crd.KUBEFLOW_TRAINER, Crd.KUBERAY, Crd.VOLCANO]
    cluster = Claimed("all", kubernetes=NEWEST, installed=installed, accelerators=POOL.accelerators)
    env = environment(tmp_path, cluster=cluster, namespace=namespace)
    TrainingJob(
        env, "train", image=IMAGE, command=["torchrun", "train.py"], args=["--all"], nodes=3, gpu=Gpu("b200", 2), retries=2,
        deadline=hours(1), before=[] if kind in WITHOUT_STEPS else [Step("prepare", ["a"])],
        after=[] if kind in WITHOUT_STEPS else [Step("register", ["b"], gpu=Gpu("b200"))],
        queue=Queue("research") if kind == "VolcanoJob" else Queue("research", priority="high", preferred_topology="rack"),
        backend=BACKENDS[kind],
    )  # fmt: skip
    manifests = list(objects(env).values())

    first = apply(control_plane.api, manifests)
    second = apply(control_plane.api, manifests)

    observed(f"{kind}: {len(first)} objects accepted: {', '.join(sorted(first))}")
    assert {title: answer.warnings for title, answer in first.items() if answer.warnings} == {}
    assert [title for title in first if first[title].body.get("spec") != second[title].body.get("spec")] == []


def test_a_job_of_volcano_is_kept_as_it_is_written(control_plane: ControlPlane, tmp_path: Path) -> None:
    """Its definition has defaults: none of them is added, so Argo CD sees no difference to git, in lists neither."""
    cluster = Claimed(
        "volcano", kubernetes=NEWEST, installed=[Crd.VOLCANO, Crd.PROMETHEUS_OPERATOR], accelerators=POOL.accelerators,
        monitoring=Monitoring("monitoring"),
    )  # fmt: skip
    env = environment(tmp_path, cluster=cluster, namespace="volcano")
    TrainingJob(
        env, "train", image=IMAGE, command=["a"], nodes=3, gpu=Gpu("b200", 2), deadline=hours(1), priority_class="high",
        topology=Topology("rack"), watch=Watch(metrics=Metrics(8080)), checkpoint=Checkpoint("gs://checkpoints/a"),
    )  # fmt: skip
    made = objects(env)
    answers = apply(control_plane.api, list(made.values()))

    (title,) = [title for title in answers if title.startswith("Job/")]
    assert answers[title].body["spec"] == made["VolcanoJob/train"]["spec"]


def test_a_gang_of_kubernetes_itself_is_dropped_where_its_gate_is_off(
    cluster: Cluster, tmp_path: Path, observed: Observed
) -> None:
    """The server takes the Job and says nothing, as rule J27 tells."""
    claimed = Claimed("native", kubernetes=NEWEST, feature_gates={"WorkloadWithJob"}, accelerators=POOL.accelerators)
    env = environment(tmp_path, cluster=claimed, namespace="native")
    TrainingJob(env, "train", image=IMAGE, command=["a"], nodes=3, gpu=Gpu("b200", 2), deadline=hours(1))
    made = objects(env)
    with cluster.cleared("native"):
        answers = apply(cluster.api, list(made.values()))
    (title,) = [title for title in answers if title.startswith("Job/")]

    observed(f"a gang of Kubernetes {NEWEST} with the gate off: taken without a word, scheduling is dropped")
    assert made["Job/train"]["spec"]["scheduling"] == {"schedulingPolicy": {"gang": {"minCount": 3}}}
    assert (answers[title].body["spec"].get("scheduling"), answers[title].warnings) == (None, [])


@pytest.fixture(name="job_set")
def _job_set(cluster: Cluster, tmp_path: Path) -> Iterator[Manifest]:
    namespace = f"set-{next(NUMBERS)}"
    env = environment(tmp_path, cluster=POOL, namespace=namespace)
    TrainingJob(
        env, "train", image=IMAGE, command=["torchrun", "train.py"], nodes=3, gpu=Gpu("b200", 2), retries=2,
        deadline=hours(1), after=[Step("register", ["python", "register.py"])], accept={"J18": "a test"},
    )  # fmt: skip
    made = objects(env)
    with cluster.nodes(POOL), cluster.cleared(namespace):
        apply(cluster.api, [one for one in made.values() if one["kind"] != "JobSet"])
        cluster.api.apply(jobsets.service(made["JobSet/train"]), manager="jobset")
        yield made["JobSet/train"]


def _started(cluster: Cluster, job: Manifest) -> list[Manifest]:
    cluster.api.create(job)
    found = cluster.api.until(
        lambda pods: sum(map(runs, pods)) == job["spec"]["parallelism"],
        "v1", "Pod", job["metadata"]["namespace"], labels=f"batch.kubernetes.io/job-name={name(job)}", what=f"the pods of {name(job)}",
    )  # fmt: skip
    return [one for one in found if runs(one)]


def test_the_pods_of_a_set_find_each_other(cluster: Cluster, job_set: Manifest, observed: Observed) -> None:
    """The rendezvous address that each pod is given is one that DNS serves, and leads to the pod of rank 0."""
    node, namespace = jobsets.jobs(job_set)[0], job_set["metadata"]["namespace"]
    pods = _started(cluster, node)
    slices = cluster.api.until(
        lambda found: len(published(name(job_set), namespace, found)) == len(pods),
        "discovery.k8s.io/v1", "EndpointSlice", namespace, what="names of all pods",
    )  # fmt: skip
    names = published(name(job_set), namespace, slices)
    given = {name(one): variables(one, one["spec"]["containers"][0]) for one in pods}
    (address,) = {one["PET_MASTER_ADDR"] for one in given.values()}

    observed(f"a JobSet of 3 nodes: every pod asks for {address}, which is the pod of rank 0")
    assert address == f"{name(job_set)}-node-0-0.{name(job_set)}.{namespace}.svc"
    assert given[names[address]]["PET_NODE_RANK"] == "0"
    assert sorted(one["PET_NODE_RANK"] for one in given.values()) == ["0", "1", "2"]
    assert [waits(one, names).returncode for one in pods] == [0, 0, 0]


FAILED = "the JobSet fails, and all its pods are ended"
AGAIN = "all is started again, the steps that are done too"


@pytest.mark.parametrize(
    ("end", "reason", "then"),
    [
        (2, "PodFailurePolicy", FAILED),
        (1, "BackoffLimitExceeded", f"{AGAIN}, 2 times at most; then the JobSet fails"),
        ("drain", "PodFailurePolicy", f"{AGAIN}, and this is not counted"),
    ],
)
def test_the_job_controller_says_what_the_rules_of_a_set_read(
    cluster: Cluster, job_set: Manifest, observed: Observed, end: int | str, reason: str, then: str
) -> None:
    """Its words are no API; a version that words them otherwise is found out here."""
    node = jobsets.jobs(job_set)[0]
    first = _started(cluster, node)[0]
    if isinstance(end, int):
        cluster.exits(first, end)
    else:
        cluster.api.evict(first)
    failed = condition(cluster.api.until_one(ended, node, what="the end of the Job"), "Failed")

    observed(f"{end}: the Job says {failed['reason']}: {failed['message']}; so {then}")
    assert failed["reason"] == reason
    assert decision(job_set["spec"], "node", failed["reason"], failed["message"]) == then
