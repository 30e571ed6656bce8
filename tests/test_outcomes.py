"""What modelyard explain says of a training: read off the Job, so it is true of patched Jobs, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Schedule, Sweep
from modelyard.training.outcomes import action, outcomes
from tests.rules import manifests
from tests.support import environment, objects, training

MOVED, LOST = "node drained or reclaimed, pod preempted", "node lost"
FATAL, MEMORY, OTHER = "exit code 2, 126 or 127", "out of memory (exit code 137)", "any other exit code but 0"
BACK = "once the node is deleted, or is back after more than 5 minutes: "


def told(root: Path, *patches: dict[str, Any], **options: Any) -> dict[str, str]:
    """Return the table of the stock training, with *options* and *patches* of its Job."""
    scope = environment(root)
    made = training(scope, accept={"J18": "mine"} if "nodes" in options else {}, **options)
    if patches:
        made.add_json_patch("Job", *patches)
    found = objects(scope)
    return {one.when: one.then for one in outcomes(found.get("Job/train") or found["CronJob/train"])}


def test_one_pod(tmp_path: Path) -> None:
    """Who is moved loses nothing, a wrong command line ends it, and all else is tried again."""
    assert told(tmp_path) == {
        MOVED: "the pod is replaced, and this is not counted",
        LOST: f"{BACK}the pod is replaced, and this is not counted",
        FATAL: "the Job fails at once",
        MEMORY: "the pod is replaced, 3 times at most; then the Job fails",
        OTHER: "the pod is replaced, 3 times at most; then the Job fails",
        "longer than 6 hours": "the Job fails; its pods get SIGTERM, and 2 minutes to end",
    }


def test_several_nodes(tmp_path: Path) -> None:
    """A failure of one is a failure of all, a disruption too."""
    moved = "the pod is replaced, and this is not counted; the others fail without it, and each of them counts"
    again = (
        "the others fail with it, and all are started again; the Job fails after more than 24 failed pods, of which a "
        "restart costs 4 or more"
    )

    assert told(tmp_path, nodes=4, retries=5) == {
        MOVED: moved,
        LOST: BACK + moved,
        FATAL: "the Job fails at once, and its other pods are ended",
        MEMORY: again,
        OTHER: again,
        "longer than 6 hours": "the Job fails; its pods get SIGTERM, and 2 minutes to end",
    }


def test_several_nodes_without_retries(tmp_path: Path) -> None:
    """The first failure ends it, also one that a disruption has caused."""
    table = told(tmp_path, nodes=4, retries=0)

    assert table[MOVED] == (
        "this is not counted, but the others fail without the pod, and the first of them fails the Job"
    )
    assert table[OTHER] == "the Job fails at once, and its other pods are ended"


def test_a_sweep(tmp_path: Path) -> None:
    """Each trial fails on its own, up to a number of them."""
    failed = "the trial fails and the others go on, unless more than 1 have failed"

    assert told(tmp_path, sweep=Sweep(grid={"lr": [1, 2, 3]}), retries=1) == {
        MOVED: "the trial is started again, and this is not counted",
        LOST: f"{BACK}the trial is started again, and this is not counted",
        FATAL: failed,
        MEMORY: f"the trial is started again, once at most; then {failed}",
        OTHER: f"the trial is started again, once at most; then {failed}",
        "longer than 6 hours": "the Job fails; its pods get SIGTERM, and 2 minutes to end",
    }
    assert told(tmp_path, sweep=Sweep(grid={"lr": [1, 2, 3]}), retries=0)[OTHER] == failed


@pytest.mark.parametrize(
    ("options", "due", "late"),
    [
        (
            {},
            "the new run is skipped, or starts when the last one ends within 1 hour",
            "it starts up to 1 hour later, or is skipped",
        ),
        (
            {"if_running": "replace"},
            "the last run is ended, and the new one starts",
            "it starts up to 1 hour later, or is skipped",
        ),
        ({"if_running": "start"}, "both go on, side by side", "it starts up to 1 hour later, or is skipped"),
    ],
)
def test_a_schedule(tmp_path: Path, options: dict[str, Any], due: str, late: str) -> None:
    """Two lines more, for what a single run has not."""
    table = told(tmp_path, schedule=Schedule("@daily", **options))

    assert table[OTHER] == "the pod is replaced, 3 times at most; then the Job fails"
    assert table["due while the last run goes on"] == due
    assert table["not started in time"] == late


def test_options_change_what_is_told(tmp_path: Path) -> None:
    """Memory may be final, no code may be, and nothing may end it."""
    final = told(tmp_path, fatal_exit_codes=[3, 137])
    endless = told(tmp_path, fatal_exit_codes=[], deadline=None, retries=0)

    assert final["exit code 3"] == final[MEMORY] == "the Job fails at once"
    assert endless["very long"] == "nothing ends it"
    assert endless[OTHER] == "the Job fails at once"
    assert not [when for when in endless if when.startswith("exit code")]


def test_a_patch_changes_what_is_told(tmp_path: Path) -> None:
    """The table is that of the Job as it will be."""
    table = told(
        tmp_path,
        {"op": "replace", "path": "/spec/podFailurePolicy/rules/0/action", "value": "Count"},
        {"op": "replace", "path": "/spec/backoffLimit", "value": 1},
        {
            "op": "add",
            "path": "/spec/template/spec/tolerations/-",
            "value": {"operator": "Exists", "effect": "NoExecute"},
        },
    )

    assert table[MOVED] == "the pod is replaced, once at most; then the Job fails"
    assert table[LOST] == "once the node is deleted: the pod is replaced, once at most; then the Job fails"


def test_a_job_that_says_nothing() -> None:
    """Kubernetes' own defaults are told."""
    table = {one.when: one.then for one in outcomes(manifests.job())}

    assert table == {
        MOVED: "the pod is replaced, 6 times at most; then the Job fails",
        LOST: "after 5 minutes: the pod is replaced, 6 times at most; then the Job fails",
        MEMORY: "the pod is replaced, 6 times at most; then the Job fails",
        OTHER: "the pod is replaced, 6 times at most; then the Job fails",
        "very long": "nothing ends it",
    }


RULES = [
    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 143]}},
    {"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [1]}},
]


@pytest.mark.parametrize(
    ("rules", "code", "disrupted", "expected"),
    [
        (RULES, 143, True, "Ignore"),
        (RULES, 143, False, "FailJob"),
        (RULES, 2, False, "FailJob"),
        (RULES, 7, False, "FailIndex"),
        (RULES, 1, False, "Count"),
        (RULES[::-1], 143, True, "FailIndex"),
        ([], 143, True, "Count"),
        (
            [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "False"}]}],
            1,
            True,
            "Count",
        ),
        ([{"action": "Ignore", "onPodConditions": [{"type": "Ready"}]}], 1, True, "Count"),
    ],
)
def test_the_first_rule_that_matches_decides(
    rules: list[dict[str, Any]],
    code: int,
    disrupted: bool,  # noqa: FBT001 # a parameter of the test
    expected: str,
) -> None:
    """As in the Job controller."""
    assert action({"podFailurePolicy": {"rules": rules}}, code, disrupted=disrupted) == expected
