"""A TrainingJob over many settings: which trials there are, what each is told, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import Claim, ConfigFiles, Schedule, Sweep, TrainingJob, hours
from modelyard.training.options import Scalar, chosen
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found, found_by, trained, training

GRID: dict[str, Sequence[Scalar]] = {"lr": [0.1, 0.01, 0.001], "depth": [3, 5]}
ALL = [
    {"lr": 0.1, "depth": 3},
    {"lr": 0.1, "depth": 5},
    {"lr": 0.01, "depth": 3},
    {"lr": 0.01, "depth": 5},
    {"lr": 0.001, "depth": 3},
    {"lr": 0.001, "depth": 5},
]
CHOSEN_BY_0 = [5, 4, 3, 2, 0]
CHOSEN_BY_7 = [323, 151, 651, 75]
CONTAINER = "spec.template.spec.containers[0]"
SUBJECT = "test/train: "


def rendered(root: Path, sweep: Sweep, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training with *sweep*."""
    return trained(root, sweep=sweep, **options)


def rows(found: dict[str, dict[str, Any]]) -> list[Any]:
    """Return the settings of the trials, by their index."""
    data = found["ConfigMap/train-sweep"]["data"]
    assert list(data) == [f"{index}.json" for index in range(len(data))]
    return [json.loads(text) for text in data.values()]


def test_a_grid_is_every_combination(tmp_path: Path) -> None:
    """The last setting changes fastest, and the values keep their types."""
    assert rows(rendered(tmp_path, Sweep(grid=GRID))) == ALL
    assert rows(rendered(tmp_path, Sweep(grid={"on": [True], "name": ["ä"], "n": [1]}))) == [
        {"on": True, "name": "ä", "n": 1}
    ]


def test_rows_are_what_they_are(tmp_path: Path) -> None:
    """Not every trial needs the same settings."""
    given_rows = [{"lr": 0.1}, {"lr": 0.2, "warmup": 100}]

    assert rows(rendered(tmp_path, Sweep(rows=given_rows))) == given_rows


def test_a_sample_stays_as_it_is(tmp_path: Path) -> None:
    """These numbers are promised: another version of Python or of modelyard chooses the same trials."""
    assert chosen(6, 5, 0) == CHOSEN_BY_0
    assert chosen(1000, 4, 7) == CHOSEN_BY_7
    assert rows(rendered(tmp_path, Sweep(grid=GRID, sample=5))) == [ALL[number] for number in CHOSEN_BY_0]
    assert rows(rendered(tmp_path, Sweep(grid=GRID, sample=5, seed=7))) != [ALL[number] for number in CHOSEN_BY_0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(total=st.integers(1, 200), data=st.data(), seed=st.integers())
def test_a_sample_has_different_numbers_of_those_there_are(total: int, data: st.DataObject, seed: int) -> None:
    """And all of them where as many are asked for as there are."""
    count = data.draw(st.integers(1, total))
    numbers = chosen(total, count, seed)

    assert len(set(numbers)) == len(numbers) == count
    assert set(numbers) <= set(range(total))
    assert numbers == chosen(total, total, seed)[:count]


def test_trials_are_the_indexes_of_one_job(tmp_path: Path) -> None:
    """Each has its own retries, and a wrong setting fails its trial only."""
    job = rendered(tmp_path, Sweep(grid=GRID, parallel=4), retries=1)["Job/train"]
    spec = {key: value for key, value in job["spec"].items() if key not in {"template", "podFailurePolicy"}}

    assert spec == {
        "backoffLimitPerIndex": 1,
        "maxFailedIndexes": 2,
        "completionMode": "Indexed",
        "completions": 6,
        "parallelism": 4,
        "activeDeadlineSeconds": 21600,
        "podReplacementPolicy": "Failed",
    }
    assert [rule["action"] for rule in at(job, "spec.podFailurePolicy.rules")] == ["Ignore", "FailIndex"]
    assert at(job, "spec.template.spec.subdomain") == MISSING


@pytest.mark.parametrize(
    ("options", "field", "expected"),
    [
        ({}, "parallelism", 6),
        ({"parallel": 9}, "parallelism", 6),
        ({"parallel": 1}, "parallelism", 1),
        ({"max_failed": 0}, "maxFailedIndexes", 0),
        ({"max_failed": 6}, "maxFailedIndexes", 6),
        ({"sample": 5}, "completions", 5),
        ({"sample": 5}, "maxFailedIndexes", 1),
    ],
)
def test_an_option_becomes_its_field(tmp_path: Path, options: dict[str, Any], field: str, expected: int) -> None:
    """No more trials run at once than there are."""
    assert rendered(tmp_path, Sweep(grid=GRID, **options))["Job/train"]["spec"][field] == expected


def test_a_pod_finds_its_settings(tmp_path: Path) -> None:
    """The number of the trial stands first, since Kubernetes expands only what stands before."""
    all_of_it = rendered(tmp_path, Sweep(grid=GRID))
    job = all_of_it["Job/train"]
    name = all_of_it["ConfigMap/train-sweep"]["metadata"]["name"]

    assert at(job, f"{CONTAINER}.env")[-2:] == [
        {
            "name": "SWEEP_TRIAL",
            "valueFrom": {
                "fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}
            },
        },
        {"name": "SWEEP_ROW", "value": "/etc/sweep/$(SWEEP_TRIAL).json"},
    ]
    assert {"name": "sweep", "mountPath": "/etc/sweep", "readOnly": True} in at(job, f"{CONTAINER}.volumeMounts")
    assert {"name": "sweep", "configMap": {"name": name}} in at(job, "spec.template.spec.volumes")


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    """The ConfigMap's name carries its content, so the Job's does, and one that still runs keeps its own."""
    first, second = rendered(tmp_path, Sweep(grid=GRID)), rendered(tmp_path, Sweep(grid={**GRID, "depth": [3, 6]}))

    for one in ("Job/train", "ConfigMap/train-sweep"):
        assert first[one]["metadata"]["name"] != second[one]["metadata"]["name"]
        assert at(first[one], "metadata.annotations.kustomize|toolkit|fluxcd|io/prune") == "disabled"
    assert first["ConfigMap/train-sweep"]["immutable"] is True


def test_a_sweep_on_a_schedule(tmp_path: Path) -> None:
    """The CronJob mounts the settings by their full name."""
    nightly = rendered(tmp_path, Sweep(grid=GRID), schedule=Schedule("@weekly"))
    template = at(nightly["CronJob/train"], "spec.jobTemplate.spec.template.spec")

    assert {
        "name": "sweep",
        "configMap": {"name": nightly["ConfigMap/train-sweep"]["metadata"]["name"]},
    } in template["volumes"]


def test_the_list_shows_how_many_run_at_once(tmp_path: Path) -> None:
    """What stands in the columns of modelyard list."""
    scope = environment(tmp_path)
    summary = training(scope, sweep=Sweep(grid=GRID, parallel=4)).summary()

    assert (summary["replicas"], summary["gpus"]) == ("4 of 6", "4 x 2 x l4")


def sweep(**options: Any) -> dict[str, Any]:
    """Return the option of a sweep with *options*."""
    return {"sweep": Sweep(**options)}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (sweep(), "X11", 'sweep.grid but there is nothing to sweep over; write grid={"lr": [0.1, 0.01]}, or rows=[...]'),
    (sweep(grid=GRID, rows=[{"lr": 1}]), "X11", "sweep.rows but grid= is given too; keep one of the two"),
    (
        sweep(grid={"a": [1, 1.0, True, 1]}),
        "X11",
        (
            "sweep.grid['a'][3] but grid['a'][0] is the same, and so would be a trial; leave it away, or add what "
            "differs, such as a seed"
        ),
    ),
    (
        sweep(rows=[{"a": 1, "b": 2}, {"a": 1}, {"b": 2, "a": 1}]),
        "X11",
        "sweep.rows[2] but rows[0] is the same, and so would be a trial; leave it away, or add what differs, such as a seed",
    ),
    (sweep(grid={}), "X11", "sweep.grid but there is nothing to sweep over; list at least one trial"),
    (sweep(rows=[]), "X11", "sweep.rows but there is nothing to sweep over; list at least one trial"),
    (
        sweep(grid={"lr": []}),
        "X11",
        "sweep.grid['lr']=[] but a setting without values makes no trial; list its values",
    ),
    (
        sweep(rows=[{"lr": 1}], sample=1),
        "X11",
        "sweep.sample=1 but it chooses from a grid, and rows= lists the trials; leave it away",
    ),
    (
        sweep(grid=GRID, sample=7),
        "X11",
        "sweep.sample=7 but the grid has 6 combinations; write 1 to 6, or leave it away",
    ),
    (
        sweep(grid=GRID, seed=7),
        "X11",
        (
            "sweep.seed=7 but it chooses a sample, and without sample= every one is a trial; say how many it chooses by"
            " sample=, or leave it away"
        ),
    ),
    (
        sweep(grid=GRID, sample=0),
        "X11",
        "sweep.sample=0 but the grid has 6 combinations; write 1 to 6, or leave it away",
    ),
    (
        sweep(grid={"a": list(range(200)), "b": list(range(200))}),
        "X11",
        "sweep.grid but these are 40000 trials, and a sweep has at most 10000; sample fewer, or split it",
    ),
    (
        sweep(grid=GRID, max_failed=7),
        "X11",
        "sweep.max_failed=7 but there are 6 trials, and at most all of them fail; lower it to at most 6",
    ),
    (
        sweep(grid=GRID, parallel=0),
        "X11",
        "sweep.parallel=0 but it is a whole number of at least 1; correct the value",
    ),
    (
        sweep(grid=GRID, max_failed=-1),
        "J07",
        "sweep.max_failed=-1 but it is a whole number of at least 0; correct the value",
    ),
    (
        sweep(grid={"lr": [float("nan")]}),
        "X11",
        "sweep.grid['lr'][0]='nan' but JSON has no such number; write a number, or a string",
    ),
    (
        sweep(rows=[{"lr": 1, "wd": float("inf")}]),
        "X11",
        "sweep.rows[0]['wd']='inf' but JSON has no such number; write a number, or a string",
    ),
    (
        {**sweep(grid=GRID), "nodes": 2},
        "X11",
        (
            "nodes=2 but sweep= is given too, and a trial runs on one node; leave nodes= away, or write a training for "
            "each setting"
        ),
    ),
    (
        {**sweep(grid=GRID), "env": {"SWEEP_ROW": "x"}},
        "N22",
        (
            "env['SWEEP_ROW'] but with sweep= it is set for each pod, and another value would hide the settings of "
            "the trial; leave the variable away"
        ),
    ),
    (
        {**sweep(grid=GRID), "config": ConfigFiles("/etc/sweep/", {"a": "b"})},
        "V06",
        "config.mount='/etc/sweep/' but the settings of the trials are mounted there; choose another folder",
    ),
    (
        {**sweep(grid=GRID, parallel=2), "volumes": [Claim("ckpt", "/ckpt", access_mode="ReadWriteOnce")]},
        "V01",
        (
            "volumes[0].access_mode='ReadWriteOnce' but 2 pods on different nodes mount ckpt, and this mode is for one "
            "node; use ReadWriteMany or ReadOnlyMany storage, or sweep.parallel=1"
        ),
    ),
]


@pytest.mark.parametrize(("options", "rule", "text"), REFUSED)
def test_what_no_sweep_can_have(tmp_path: Path, options: dict[str, Any], rule: str, text: str) -> None:
    """It is refused in the user's own words."""
    scope = environment(tmp_path)
    training(scope, **options)

    assert found_by(scope, rule) == [SUBJECT + text]


def test_the_id_leaves_room_for_the_last_trial(tmp_path: Path) -> None:
    """A hundred trials have indexes of two digits."""
    scope = environment(tmp_path)
    hundred = Sweep(rows=[{"seed": seed} for seed in range(100)], parallel=1)
    for name in ("a" * 51, "b" * 52):
        TrainingJob(scope, name, image=IMAGE, command=["x"], deadline=hours(1), sweep=hundred)

    assert [(one.rule, one.where) for one in found(scope)] == [("N02", f"test/{'b' * 52}")]
