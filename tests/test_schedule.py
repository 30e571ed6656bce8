"""A TrainingJob on a schedule: every option of the CronJob, what it shares with a single run, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Claim, Schedule, TrainingJob, hours, minutes, seconds
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found, found_by, trained, training

NIGHTLY = "30 3 * * *"
GANG: dict[str, Any] = {"nodes": 4, "accept": {"J18": "the cluster is for this training"}}
SUBJECT = "test/train: "


def test_a_schedule_is_a_cron_job(tmp_path: Path) -> None:
    """Everything that Kubernetes would guess otherwise is said."""
    cron_job = trained(tmp_path, schedule=Schedule(NIGHTLY))["CronJob/train"]

    assert {key: value for key, value in cron_job["spec"].items() if key != "jobTemplate"} == {
        "schedule": "30 3 * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
    }


@pytest.mark.parametrize(
    ("options", "field", "expected"),
    [
        ({"tz": "Europe/Berlin"}, "timeZone", "Europe/Berlin"),
        ({"if_running": "replace"}, "concurrencyPolicy", "Replace"),
        ({"if_running": "start"}, "concurrencyPolicy", "Allow"),
        ({"catch_up": minutes(20)}, "startingDeadlineSeconds", 1200),
        ({"catch_up": seconds(90.5)}, "startingDeadlineSeconds", 91),
        ({"keep_succeeded": 0}, "successfulJobsHistoryLimit", 0),
        ({"keep_failed": 10}, "failedJobsHistoryLimit", 10),
        ({"suspend": True}, "suspend", True),
    ],
)
def test_an_option_becomes_its_field(tmp_path: Path, options: dict[str, Any], field: str, expected: Any) -> None:
    """The option sets this very field, which is another without it."""
    plain = trained(tmp_path, schedule=Schedule(NIGHTLY))["CronJob/train"]
    changed = trained(tmp_path, schedule=Schedule(NIGHTLY, **options))["CronJob/train"]

    assert changed["spec"][field] == expected
    assert at(plain, f"spec.{field}") != expected


@pytest.mark.parametrize("options", [{}, GANG], ids=["one node", "four nodes"])
def test_each_run_is_the_job_that_a_single_run_would_be(tmp_path: Path, options: dict[str, Any]) -> None:
    """Only the name differs, which nothing in the Job depends on."""
    once = trained(tmp_path, **options)
    nightly = trained(tmp_path, schedule=Schedule(NIGHTLY), **options)
    template = at(nightly["CronJob/train"], "spec.jobTemplate")

    assert template == {
        "metadata": {"labels": once["Job/train"]["metadata"]["labels"]},
        "spec": once["Job/train"]["spec"],
    }
    assert "Job/train" not in nightly
    assert [name for name in once if name not in nightly] == ["Job/train"]


def test_a_cron_job_is_changed_in_place_and_pruned(tmp_path: Path) -> None:
    """It has no hash, since the next run is as git says; and no controller leaves it behind, firing for ever."""
    cron_job = trained(tmp_path, schedule=Schedule(NIGHTLY), **GANG)
    changed = trained(tmp_path, schedule=Schedule("0 4 * * *"), **GANG)

    assert cron_job["CronJob/train"]["metadata"]["name"] == changed["CronJob/train"]["metadata"]["name"] == "train"
    assert at(cron_job["CronJob/train"], "metadata.annotations") == MISSING
    assert at(cron_job["Service/train"], "metadata.annotations") == MISSING
    assert at(cron_job["CronJob/train"], "spec.jobTemplate.spec.ttlSecondsAfterFinished") == MISSING


def test_its_claims_are_kept_all_the_same(tmp_path: Path) -> None:
    """Data outlives the schedule."""
    claim = Claim("ckpt", "/ckpt", size="1Ti", storage_class="efs", access_mode="ReadWriteMany")
    kept = trained(tmp_path, schedule=Schedule(NIGHTLY), volumes=[claim])["PersistentVolumeClaim/ckpt"]

    assert at(kept, "metadata.annotations.argocd|argoproj|io/sync-options") == "Prune=false,Delete=false"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"schedule": Schedule("30 3 * *")},
        "C01",
        (
            "schedule.cron='30 3 * *' but a schedule has 5 fields (minute, hour, day, month, weekday) and this one has 4; "
            'write five fields, such as "30 3 * * *" for every night at half past three'
        ),
    ),
    (
        {"schedule": Schedule("CRON_TZ=UTC 30 3 * * *")},
        "C01",
        "schedule.cron='CRON_TZ=UTC 30 3 * * *' but a schedule names no time zone; remove it, and name the zone in tz=",
    ),
    (
        {"schedule": Schedule(NIGHTLY, "Europe/Berln")},
        "C03",
        "schedule.tz='Europe/Berln' but the IANA time zone database has no such zone; did you mean Europe/Berlin?",
    ),
    (
        {"schedule": Schedule(NIGHTLY, "")},
        "C03",
        'schedule.tz=\'\' but a time zone has a name; write a name such as "Europe/Berlin" or "Etc/UTC"',
    ),
    (
        {"schedule": Schedule(NIGHTLY, if_running="start"), **GANG},
        "C06",
        (
            "schedule.if_running='start' but two runs at once may each get a part of the nodes, and wait for the rest for "
            'ever; write if_running="skip" or if_running="replace"'
        ),
    ),
    (
        {"schedule": Schedule(NIGHTLY, catch_up=hours(0))},
        "X11",
        "schedule.catch_up=seconds(0) but it is a length of time above zero; correct the value",
    ),
    (
        {"schedule": Schedule(NIGHTLY, keep_succeeded=-1)},
        "J07",
        "schedule.keep_succeeded=-1 but it is a whole number of at least 0; correct the value",
    ),
    (
        {"schedule": Schedule(NIGHTLY, keep_failed=-1)},
        "J07",
        "schedule.keep_failed=-1 but it is a whole number of at least 0; correct the value",
    ),
    (
        {"schedule": Schedule(NIGHTLY, if_running="wait")},  # type: ignore[arg-type]
        "X11",
        "schedule.if_running='wait' but it must be 'skip' or 'replace' or 'start'; pass 'skip' or 'replace' or 'start'",
    ),
    (
        {"schedule": NIGHTLY},
        "X11",
        "schedule='30 3 * * *' but it must be a Schedule or None; pass a Schedule or None",
    ),
]


@pytest.mark.parametrize(("options", "rule", "text"), REFUSED)
def test_what_no_schedule_can_have(tmp_path: Path, options: dict[str, Any], rule: str, text: str) -> None:
    """It is refused in the user's own words."""
    scope = environment(tmp_path)
    training(scope, **options)

    assert found_by(scope, rule) == [SUBJECT + text]


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """A broken count does not hide a broken schedule."""
    scope = environment(tmp_path)
    training(scope, schedule=Schedule("daily", "Europe/Berln", keep_failed=-1))

    assert sorted(one.rule for one in found(scope)) == ["C01", "C03", "J07"]


def named(root: Path, name: str, nodes: int) -> list[str]:
    """Return what is found about a nightly training called *name*, but for the gang."""
    scope = environment(root)
    TrainingJob(scope, name, image=IMAGE, command=["x"], nodes=nodes, deadline=hours(1), schedule=Schedule(NIGHTLY))
    return [one.text for one in found(scope) if one.rule != "J18"]


@pytest.mark.parametrize(("nodes", "longest"), [(1, 52), (10, 52), (11, 51), (101, 50)])
def test_the_id_leaves_room_for_time_and_index(tmp_path: Path, nodes: int, longest: int) -> None:
    """The longest id is one whose last pod of any run still has a host name."""
    assert named(tmp_path, "a" * longest, nodes) == []
    (text,) = named(tmp_path, "a" * (longest + 1), nodes)

    added = f"a pod's host name ends with a time of 9 and its index of {len(str(nodes - 1)) + 1}"
    assert text == (
        f"test/{'a' * (longest + 1)}: id='{'a' * (longest + 1)}' but a name has at most {longest} characters here and "
        f"this one has {longest + 1} ({added if longest < 52 else 'Kubernetes wants it so of a CronJob'}); choose an id "
        f"of at most {longest} characters, such as churn-train"
    )
