"""The scenarios on a real control plane: accepted as they are, and so is what controllers make of them."""

from __future__ import annotations

from collections.abc import Callable
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
from tests.cluster import jobsets
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import apply, in_order, pod, read
from tests.cluster.programs import NEWEST
from tests.scenarios.rendering import HERE, SCENARIOS
from tests.support import IMAGE, environment, objects

Observed = Callable[[str], None]
Manifest = dict[str, Any]
POOL = Claimed(
    "sets",
    kubernetes=NEWEST,
    accelerators=[Accelerator("b200", per_node=2, nodes=4, node_selector={"accelerator": "b200"})],
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
    "JobSet": JobSet(),
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
