"""Whatever shape a training has: what is legal is accepted by all judges, and what is not is refused with a finding."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import (
    Claim,
    Cluster,
    Crd,
    Environment,
    Fleet,
    Gpu,
    Job,
    JobSet,
    Queue,
    RayJob,
    Schedule,
    Severity,
    Step,
    Sweep,
    TrainingJob,
    TrainJob,
    VolcanoJob,
    hours,
    minutes,
    seconds,
)
from modelyard.render.objects import Gathered, gather
from modelyard.rules import RULES
from modelyard.values.names import dns_label
from tests.combinations import all_valid
from tests.manifests import at
from tests.support import CLUSTER, IMAGE, having

Options = dict[str, Any]
WARNINGS = {"J18", "J20"}
"""What is told of legal trainings: nothing places a gang as one, and a deadline is short."""

counts = st.integers(1, 8)
settings_of_trials = st.dictionaries(
    st.sampled_from(["lr", "depth", "näme"]),
    st.lists(
        st.one_of(st.integers(0, 9), st.floats(0, 1), st.booleans(), st.text(max_size=3)),
        min_size=1,
        max_size=4,
        unique_by=repr,
    ),
    min_size=1,
    max_size=3,
)
schedules = st.builds(
    Schedule,
    st.sampled_from(["30 3 * * *", "@weekly", "0 0 29 2 *", "0 */12 * * 1-5"]),
    tz=st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"]),
    if_running=st.sampled_from(["skip", "replace"]),
    catch_up=st.sampled_from([seconds(10), minutes(90)]),
    keep_succeeded=st.integers(0, 3),
    keep_failed=st.integers(0, 3),
    suspend=st.booleans(),
)
sweeps = st.one_of(
    st.builds(Sweep, grid=settings_of_trials, parallel=st.integers(1, 8)),
    st.builds(Sweep, grid=settings_of_trials, sample=st.just(1), seed=st.integers()),
)
legal = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from([None, Gpu("l4"), Gpu("l4", 4)]),
        "retries": st.integers(0, 9),
        "deadline": st.sampled_from([minutes(5), hours(6)]),
        "schedule": st.one_of(st.none(), schedules),
        "volumes": st.sampled_from([(), (Claim("data", "/data", read_only=True, access_mode="ReadOnlyMany"),)]),
    }
).flatmap(
    lambda options: st.one_of(
        st.just(options),
        counts.map(lambda nodes: {**options, "nodes": nodes}),
        sweeps.map(lambda sweep: {**options, "sweep": sweep}),
    )
)
anything = st.fixed_dictionaries(
    {},
    optional={
        "gpu": st.sampled_from([None, Gpu("l4"), Gpu("l4", 5), Gpu("l40"), Gpu("l4", 0)]),
        "nodes": st.integers(-1, 12),
        "retries": st.integers(-1, 3),
        "deadline": st.sampled_from([None, hours(2)]),
        "fatal_exit_codes": st.sampled_from([(), (0,), (2, 137), (300,)]),
        "env": st.sampled_from([{}, {"PET_NNODES": "3"}, {"SWEEP_ROW": "x"}]),
        "volumes": st.sampled_from([(), (Claim("data", "/etc/sweep", access_mode="ReadWriteOnce"),)]),
        "schedule": st.builds(
            Schedule,
            st.sampled_from(["30 3 * * *", "* * * * *", "0 0 30 2 *", "nonsense", "TZ=UTC @daily", "@every 1h"]),
            tz=st.sampled_from(["Etc/UTC", "Local", "Mars/Base"]),
            if_running=st.sampled_from(["skip", "replace", "start", "wait"]),
            catch_up=st.sampled_from([seconds(-1), seconds(1), hours(1)]),
            keep_failed=st.integers(-1, 1),
        ),
        "sweep": st.builds(
            Sweep,
            grid=st.sampled_from([None, {}, {"lr": []}, {"lr": [1, 2]}, {"lr": [float("nan")]}]),
            rows=st.sampled_from([None, [], [{"lr": 1}], [{"lr": float("inf")}]]),
            sample=st.sampled_from([None, 0, 1, 9]),
            parallel=st.sampled_from([None, 0, 1]),
            max_failed=st.sampled_from([None, -1, 0, 9]),
        ),
    },
)
names = st.integers(1, 56).map(lambda length: "t" * length)


EVERYTHING = having(Crd.JOBSET, Crd.KUEUE, Crd.KUBEFLOW_TRAINER, Crd.KUBERAY, Crd.VOLCANO)
EXCLUSIVE = JobSet(exclusive_topology="rack")
"""What no queue can wait for."""
backends = st.sampled_from([None, Job(), JobSet(), TrainJob()])
steps = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True)
queues = st.one_of(st.none(), st.builds(Queue, st.just("research"), priority=st.sampled_from([None, "high"])))
of_operators = st.fixed_dictionaries(
    {
        "gpu": st.sampled_from([None, Gpu("l4"), Gpu("l4", 4)]),
        "nodes": counts,
        "retries": st.integers(0, 9),
        "deadline": st.sampled_from([minutes(5), hours(6)]),
        "queue": queues,
        "fatal_exit_codes": st.sampled_from([(2, 126, 127), ()]),
    }
).flatmap(
    lambda options: st.one_of(
        st.builds(lambda cpu: {**options, "backend": RayJob(head_cpu=cpu)}, st.integers(1, 4)),
        st.builds(
            lambda backend, before: {**options, "backend": backend, "before": [Step(one, ["x"]) for one in before]},
            backends.filter(lambda backend: not isinstance(backend, Job)),
            steps,
        ),
        st.builds(lambda backend: {**options, "backend": backend}, backends),
        st.just({**options, "backend": EXCLUSIVE, "queue": None}),
        st.builds(
            lambda queue: {**options, "backend": VolcanoJob(), "queue": queue},
            st.sampled_from([None, Queue("research")]),
        ),
    )
)


def rendered(*trainings: tuple[str, Options], cluster: Cluster = CLUSTER) -> Gathered:
    """Return what an environment with *trainings*, by name, comes to."""
    env = Environment(Fleet(root=Path("/nowhere")), "test", cluster=cluster, namespace="ml-test")
    for name, options in trainings:
        TrainingJob(env, name, image=IMAGE, command=["train"], **options)
    return gather(env)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(trainings=st.lists(legal, min_size=1, max_size=8))
def test_what_is_legal_is_accepted_by_our_rules_and_by_kubeconform(trainings: list[Options]) -> None:
    gathered = rendered(*((f"train-{number}", options) for number, options in enumerate(trainings)))
    assert {finding.rule for finding in gathered.findings} <= WARNINGS

    with TemporaryDirectory() as folder:
        count = all_valid([one.text for one in gathered.objects], CLUSTER, Path(folder))
    assert count == len(gathered.objects)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(trainings=st.lists(of_operators, min_size=1, max_size=8))
def test_what_operators_run_is_accepted_too(trainings: list[Options]) -> None:
    gathered = rendered(*((f"t-{number}", options) for number, options in enumerate(trainings)), cluster=EVERYTHING)
    assert {finding.rule for finding in gathered.findings} <= WARNINGS

    with TemporaryDirectory() as folder:
        count = all_valid([one.text for one in gathered.objects], EVERYTHING, Path(folder))
    assert count == len(gathered.objects)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(name=names, options=anything)
def test_anything_else_is_refused_with_a_finding(name: str, options: Options) -> None:
    gathered = rendered((name, options))

    refused = [finding for finding in gathered.findings if finding.severity is Severity.ERROR]
    jobs = [one for one in gathered.objects if one.job is not None]
    assert bool(refused) or len(jobs) == 1
    for finding in refused:
        assert finding.rule in RULES
        assert finding.text.startswith(f"test/{name}: ")
        assert "; " in finding.text


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=names, options=legal)
def test_every_pod_has_a_host_name_and_every_number_its_own_pod(name: str, options: Options) -> None:
    """By the names that the Job and CronJob controllers give, at the latest time and the last index there may be."""
    gathered = rendered((name, options))
    for one in gathered.objects:
        if one.job is None or gathered.failed:
            continue
        spec, run = one.job.spec, one.name if one.kind == "Job" else f"{one.name}-99999999"
        assert dns_label(run) is None
        if spec.get("completionMode") == "Indexed":
            assert dns_label(f"{run}-{spec['completions'] - 1}") is None
        if spec["template"]["spec"].get("subdomain"):
            assert spec["parallelism"] == spec["completions"] == options["nodes"]
            assert spec["backoffLimit"] >= spec["completions"] or options["retries"] == 0
            variables = {each["name"]: each.get("value") for each in at(spec, "template.spec.containers[0].env")}
            assert variables["PET_NNODES"] == str(options["nodes"])
            assert variables["PET_MASTER_ADDR"] == f"$(JOB_NAME)-0.{name}.ml-test.svc"
