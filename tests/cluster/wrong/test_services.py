"""What a cluster does with services that break rules: they lead elsewhere, stand still, or cannot be drained."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.cluster.api import ApiError, Manifest, condition
from tests.cluster.objects import endpoints
from tests.cluster.wrong.serving import IMMUTABLE
from tests.cluster.wrong.stage import Breaking, namespace, states

Observed = Callable[[str], None]


def test_a_pod_of_two_budgets_is_never_evicted(breaking: Breaking, observed: Observed) -> None:
    """The API server does not know which one to ask."""
    (pod,) = breaking.pods("D04", 1)
    with pytest.raises(ApiError) as refused:
        breaking.api.evict(pod)
    observed(f"D04: {refused.value}")
    assert refused.value.code == 500
    assert "This pod has more than one PodDisruptionBudget" in refused.value.message


@pytest.mark.parametrize(("rule", "kind"), [("D06", "web"), ("D07", "train")], ids=["D06", "D07"])
def test_a_budget_without_room_lets_no_pod_go(breaking: Breaking, rule: str, kind: str, observed: Observed) -> None:
    """However often a drain asks."""
    api = breaking.api
    pod = breaking.pods(rule, 1)[0]
    reason = {"D06": "InsufficientPods", "D07": "SyncFailed"}[rule]
    found = api.until_one(
        # Before it has any pod to look at, each of them says that there are too few.
        lambda one: condition(one, "DisruptionAllowed").get("reason") == reason,
        breaking.objects(rule)[f"PodDisruptionBudget/{kind}"], what="a budget that has counted",
    )  # fmt: skip
    with pytest.raises(ApiError) as refused:
        api.evict(pod)
    allowed = condition(found, "DisruptionAllowed")
    observed(f"{rule}: {allowed['reason']} {allowed['message']}: {refused.value}")
    assert refused.value.code == 429
    assert allowed["status"] == "False"


def test_a_service_leads_to_pods_that_do_not_serve(breaking: Breaking, observed: Observed) -> None:
    """To every pod that has the label."""
    slices = _until_endpoints(breaking, "D09", 2)
    workloads = sorted(one["targetRef"]["name"].partition("-")[0] for one in endpoints(slices))
    observed(f"D09: the endpoints of the Service are pods of {' and '.join(workloads)}")
    assert workloads == ["train", "web"]


def test_a_service_and_a_budget_of_no_pods(breaking: Breaking, observed: Observed) -> None:
    """There is nobody to answer, and the pods that were meant can all go."""
    api = breaking.api
    (pod,) = breaking.pods("D12", 1)
    slices = api.until(bool, "discovery.k8s.io/v1", "EndpointSlice", namespace("D12"), what="an EndpointSlice")
    found = api.until_one(
        lambda one: condition(one, "DisruptionAllowed"), breaking.objects("D12")["PodDisruptionBudget/web"],
        what="a budget that has counted",
    )  # fmt: skip
    api.evict(pod)
    observed(f"D12: {len(endpoints(slices))} endpoints, {found['status']['expectedPods']} pods in the budget")
    assert endpoints(slices) == []
    assert found["status"]["expectedPods"] == 0


def test_a_rollout_of_all_pods_at_once_leaves_none_that_serves(breaking: Breaking, observed: Observed) -> None:
    """Between the last old pod and the first new one."""
    api, web = breaking.api, breaking.objects("D10")["Deployment/web"]
    (part,) = _until_endpoints(breaking, "D10", 1)
    web["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/acme/web:2"
    before = endpoints([part])
    seen = states(
        api,
        part,
        lambda: api.apply(web).body,
        lambda one: endpoints([one]) not in ([], before),
        what="another endpoint",
    )
    counts = [len(endpoints([one])) for one in seen]
    observed(f"D10: endpoints during a rollout: {' '.join(map(str, counts))}")
    assert min(counts) == 0


def test_a_rollout_counts_as_failed_while_its_pod_starts(breaking: Breaking, observed: Observed) -> None:
    """Which it may for some minutes more."""
    found = breaking.api.until_one(
        lambda one: condition(one, "Progressing").get("reason") == "ProgressDeadlineExceeded",
        breaking.objects("P08")["Deployment/web"], what="a rollout that counts as failed",
    )  # fmt: skip
    (pod,) = breaking.pods("P08", 1)
    observed(f"P08: {condition(found, 'Progressing')['reason']} while the pod is {pod['status']['phase']}")
    assert condition(pod, "Ready")["status"] == "False"
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


@pytest.mark.parametrize("rule", IMMUTABLE)
def test_a_selector_never_changes(breaking: Breaking, rule: str, observed: Observed) -> None:
    """So the next sync fails."""
    _, after = copy.deepcopy(IMMUTABLE[rule])
    after["metadata"]["namespace"] = namespace(rule)
    with pytest.raises(ApiError) as refused:
        breaking.api.apply(after)
    observed(f"{rule}: {refused.value}")
    assert refused.value.code == 422
    assert [(one["field"], one["message"].rpartition(": ")[2]) for one in refused.value.causes] == [
        ("spec.selector", "field is immutable")
    ]


def _until_endpoints(breaking: Breaking, rule: str, count: int) -> list[Manifest]:
    return breaking.api.until(
        lambda found: len(endpoints(found)) == count,
        "discovery.k8s.io/v1", "EndpointSlice", namespace(rule), what=f"{count} endpoints",
    )  # fmt: skip
