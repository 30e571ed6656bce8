"""A gang that Kubernetes itself places: where the cluster says that it can, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd, Queue, Schedule
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.support import cluster_with, environment, found, found_by, objects, training

NATIVE: dict[str, Any] = {"kubernetes": "1.37", "feature_gates": {"WorkloadWithJob"}}
GANG = {"schedulingPolicy": {"gang": {"minCount": 4}}}


def test_a_job_says_that_its_pods_are_a_gang(tmp_path: Path) -> None:
    """So nothing warns of half a training, and each run has a PodGroup of its own, which its controller makes."""
    scope = environment(tmp_path, cluster=cluster_with(**NATIVE))
    training(scope, nodes=4)

    assert found(scope) == []
    made = objects(scope)
    assert at(made["Job/train"], "spec.scheduling") == GANG
    assert sorted(made) == [
        "Job/train",
        "Namespace/ml-test",
        "NetworkPolicy/train",
        "Service/train",
        "ServiceAccount/train",
    ]


def test_it_is_told_that_it_waits_for_room(tmp_path: Path) -> None:
    """As one in a queue does."""
    scope = environment(tmp_path, cluster=cluster_with(**NATIVE))
    training(scope, nodes=4)
    told = {one.when: one.then for one in outcomes(objects(scope)["Job/train"])}

    assert told["no room for all of it"] == "none of its pods starts until there is room for 4 of them at once"


@pytest.mark.parametrize(
    ("cluster", "options", "warned"),
    [
        ({"kubernetes": "1.37"}, {"nodes": 4}, True),
        ({"kubernetes": "1.36", "feature_gates": {"WorkloadWithJob"}}, {"nodes": 4}, True),
        (NATIVE, {"nodes": 4, "schedule": Schedule("30 3 * * *")}, True),
        ({**NATIVE, "installed": [Crd.KUEUE]}, {"nodes": 4, "queue": Queue("research")}, False),
        (NATIVE, {}, False),
    ],
)
def test_where_it_is_no_gang_of_kubernetes(
    tmp_path: Path, cluster: dict[str, Any], options: dict[str, Any], *, warned: bool
) -> None:
    """An older version, a gate that is off, a Job that a CronJob makes, one that Kueue admits as a whole, or one pod."""
    scope = environment(tmp_path, cluster=cluster_with(**cluster))
    training(scope, **options)
    made = objects(scope)
    job = made.get("Job/train") or made["CronJob/train"]["spec"]["jobTemplate"]

    assert at(job, "spec.scheduling") == MISSING
    assert bool(found_by(scope, "J18")) is warned
