"""What a cluster does with trainings that break rules: they never begin, never end, or end too soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.api import ApiError, Manifest, condition
from tests.cluster.cluster import Cluster
from tests.cluster.objects import ended, name
from tests.cluster.rendezvous import published
from tests.cluster.wrong.placing import TOLERATED
from tests.cluster.wrong.stage import Breaking, namespace, unscheduled
from tests.cluster.wrong.training import LATER, QUEUE, RESERVED, TWICE, ago, gang

Observed = Callable[[str], None]
INDEX = "batch.kubernetes.io/job-completion-index"


def test_a_day_that_does_not_exist_never_comes(breaking: Breaking, observed: Observed) -> None:
    """The controller gives the schedule up."""
    said = breaking.event("C01", "InvalidSchedule")
    observed(f"C01: {said}")
    assert said.startswith("invalid schedule: 0 0 30 2 * : ")


def test_a_run_that_is_late_is_left_out(breaking: Breaking, observed: Observed) -> None:
    """Of two schedules that the controller comes to too late, the one without a deadline has its run."""
    api, objects = breaking.api, breaking.objects("C05")
    strict, right = (objects[f"CronJob/{one}"] for one in ("strict", "right"))
    for one in (strict, right):
        _ran(breaking, one, hours=20)
    _jobs(breaking, "C05", 1)
    found = [name(one).rpartition("-")[0] for one in api.all("batch/v1", "Job", namespace("C05"))]
    api.patch(strict, {"spec": {"startingDeadlineSeconds": 7200}})
    later = [name(one).rpartition("-")[0] for one in _jobs(breaking, "C05", 2)]
    observed(f"C05: half an hour late {' '.join(found)} ran; with two hours to start in {' '.join(sorted(later))}")
    assert found == ["right"]
    assert sorted(later) == ["right", "strict"]


def test_runs_pile_up_beside_each_other(breaking: Breaking, observed: Observed) -> None:
    """The next one starts although the last one goes on."""
    api, piling = breaking.api, breaking.objects("C06")["CronJob/piling"]
    _ran(breaking, piling, minutes=25)
    _jobs(breaking, "C06", 1)
    api.patch(piling, {"spec": {"schedule": TWICE}})
    # The controller comes to a new schedule when that is next due, or when the object changes otherwise.
    _ran(breaking, piling, minutes=15)
    # The schedule's own list of them may lack one: what is written into its status above competes with its controller.
    found = api.until(
        lambda jobs: sum(one.get("status", {}).get("active", 0) for one in jobs) == 2,
        "batch/v1", "Job", namespace("C06"), what="2 runs at once",
    )  # fmt: skip
    observed(f"C06: {len(found)} runs of one schedule at once")


def test_a_run_does_not_know_of_its_schedules_queue(breaking: Breaking, observed: Observed) -> None:
    """So nobody holds it back."""
    _ran(breaking, breaking.objects("C09")["CronJob/queued"], hours=20)
    (job,) = _jobs(breaking, "C09", 1)
    (pod,) = breaking.pods("C09", 1)
    observed(f"C09: the run has no queue, and its pod is {pod['status']['phase']}")
    assert QUEUE not in job["metadata"]["labels"]


def test_a_disruption_is_taken_for_a_failure(breaking: Breaking, observed: Observed) -> None:
    """The rule on exit codes comes first, and ends the Job."""
    (pod,) = breaking.pods("J12", 1)
    breaking.api.evict(pod)
    failed = condition(_end(breaking, "J12"), "Failed")
    observed(f"J12: {failed['reason']}: {failed['message']}")
    assert failed["reason"] == "PodFailurePolicy"
    assert "with exit code 143 matching FailJob rule at index 0" in failed["message"]


def test_ignored_failures_end_no_job(breaking: Breaking, observed: Observed) -> None:
    """It may not fail once, and begins anew after a disruption all the same."""
    (pod,) = breaking.pods("J13", 1)
    breaking.api.evict(pod)
    breaking.api.until(
        lambda found: any(name(one) != name(pod) and _running(one) for one in found),
        "v1", "Pod", namespace("J13"), what="another pod",
    )  # fmt: skip
    job = breaking.api.current(breaking.objects("J13")["Job/train"])
    observed(f"J13: after an eviction failed={job['status'].get('failed', 0)} of 0, and another pod runs")
    assert job["status"].get("failed", 0) == 0
    assert ended(job) == ""


def test_one_incident_uses_up_all_retries(cluster: Cluster, breaking: Breaking, observed: Observed) -> None:
    """Since each pod that fails with the others counts."""
    for pod in breaking.pods("J15", 3):
        cluster.exits(pod, 1)
    job = _end(breaking, "J15")
    failed = condition(job, "Failed")
    observed(f"J15: {failed['reason']} with {job['status']['failed']} failed pods and one retry")
    assert failed["reason"] == "BackoffLimitExceeded"


def test_pods_that_are_waited_for_are_not_started(cluster: Cluster, breaking: Breaking, observed: Observed) -> None:
    """Not before one of those is done that wait."""
    waiting = breaking.pods("J16", 2)
    first = sorted(_index(one) for one in breaking.api.all("v1", "Pod", namespace("J16")))
    cluster.exits(waiting[0], 0)
    pods = breaking.api.until(lambda found: len(found) == 3, "v1", "Pod", namespace("J16"), what="the third pod")
    observed(f"J16: pods {' '.join(first)} of 3 run; when one is done, {' '.join(sorted(map(_index, pods)))}")
    assert first == ["0", "1"]


def test_pods_without_their_service_have_no_names(breaking: Breaking, observed: Observed) -> None:
    """As those have whose Service is there."""
    names = {}
    for rule in ("J17", "J16"):
        breaking.api.until(lambda found: len(found) >= 2, "v1", "Pod", namespace(rule), what="2 pods")
        if rule == "J16":
            _until_names(breaking, rule)
        slices = breaking.api.all("discovery.k8s.io/v1", "EndpointSlice", namespace(rule))
        names[rule] = sorted(published("train", namespace(rule), slices))
    observed(f"J17: no Service, no names; with one {' '.join(names['J16'])}")
    assert names["J17"] == []


def test_two_trainings_hold_half_of_the_nodes_each(breaking: Breaking, observed: Observed) -> None:
    """The second one comes while the first one waits for a node, and is faster to take what it waits for."""
    api = breaking.api
    breaking.pods("J18", 2)
    breaking.waits("J18", "Insufficient nvidia.com/gpu")
    second = gang("second", tolerations=[*TOLERATED, {"key": RESERVED["key"], "operator": "Exists"}])
    second["metadata"]["namespace"] = namespace("J18")
    api.apply(second)
    breaking.pods("J18", 2, labels="app=second")
    api.patch({"apiVersion": "v1", "kind": "Node", "metadata": {"name": LATER}}, {"spec": {"taints": []}})
    pods = api.until(
        # Both nodes are for both, and have no room for either.
        lambda found: sum("2 Insufficient nvidia.com/gpu" in unscheduled(one) for one in found) == 2,
        "v1", "Pod", namespace("J18"), what="two pods that wait",
    )  # fmt: skip
    placed = {app: sum(_running(one) for one in pods if _app(one) == app) for app in ("first", "second")}
    observed(f"J18: of 3 pods each, {placed} have a node, and hold 4 of 4 accelerators")
    assert placed == {"first": 2, "second": 2}


def test_a_deadline_ends_a_job_that_has_not_begun(breaking: Breaking, observed: Observed) -> None:
    """With all its retries left."""
    job = _end(breaking, "J20")
    failed = condition(job, "Failed")
    observed(f"J20: {failed['reason']}: {failed['message']}")
    assert failed["reason"] == "DeadlineExceeded"
    assert job["status"].get("ready", 0) == 0


def test_all_pods_take_themselves_for_the_first(breaking: Breaking, observed: Observed) -> None:
    """The controller sets the index only where nobody has."""
    pods = breaking.pods("N22", 2)
    told = {_index(one): one["spec"]["containers"][0]["env"] for one in pods}
    observed(f"N22: index and variables: {told}")
    assert told == {index: [{"name": "JOB_COMPLETION_INDEX", "value": "0"}] for index in ("0", "1")}


def test_a_job_never_changes(breaking: Breaking, observed: Observed) -> None:
    """The API server refuses another image, with which a sync fails."""
    job = breaking.objects("J16")["Job/train"]
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/acme/train:2"
    with pytest.raises(ApiError) as refused:
        breaking.api.apply(job)
    observed(f"G14: {refused.value.code}, {refused.value.causes[0]['field']}: field is immutable")
    assert [(one["field"], one["message"].rpartition(": ")[2]) for one in refused.value.causes] == [
        ("spec.template", "field is immutable")
    ]


def _ran(breaking: Breaking, cron: Manifest, **before: int) -> None:
    """Have *cron* know of a run so long before now: the controller has been away since."""
    minutes = before.get("minutes", 0) + 60 * before.get("hours", 0)
    time = f"{ago(minutes):%Y-%m-%dT%H:%M:%SZ}"
    breaking.api.patch(cron, {"status": {"lastScheduleTime": time}}, subresource="status")


def _jobs(breaking: Breaking, rule: str, count: int) -> list[Manifest]:
    return breaking.api.until(
        lambda found: len(found) >= count, "batch/v1", "Job", namespace(rule), what=f"{count} runs"
    )


def _end(breaking: Breaking, rule: str) -> Manifest:
    return breaking.api.until_one(ended, breaking.objects(rule)["Job/train"], what="the end of the training")


def _until_names(breaking: Breaking, rule: str) -> None:
    breaking.api.until(
        lambda found: published("train", namespace(rule), found),
        "discovery.k8s.io/v1", "EndpointSlice", namespace(rule), what="names of pods",
    )  # fmt: skip


def _running(pod: Manifest) -> bool:
    return pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def _app(pod: Manifest) -> str:
    return str(pod["metadata"]["labels"]["app"])


def _index(pod: Manifest) -> str:
    return str(pod["metadata"]["annotations"][INDEX])
