"""What a cluster does with pods that break rules: they wait for ever, share what they must not, or crowd on one node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from tests.cluster.api import Manifest, condition
from tests.cluster.objects import image, ready, steady
from tests.cluster.wrong.placing import WAITING
from tests.cluster.wrong.stage import Breaking, namespace, unscheduled

Observed = Callable[[str], None]


@pytest.mark.parametrize("rule", WAITING)
def test_a_pod_waits_for_ever(breaking: Breaking, rule: str, observed: Observed) -> None:
    """The scheduler finds no node for it, and says why."""
    words, _ = WAITING[rule]
    said = breaking.waits(rule, words)
    observed(f"{rule}: {said}")


def test_a_claim_of_a_class_that_is_not_there_waits(breaking: Breaking, observed: Observed) -> None:
    """What the pod of V03 waits for."""
    said = breaking.event("V03", "ProvisioningFailed")
    observed(f"V03: {said}")
    assert said == 'storageclass.storage.k8s.io "misspelt" not found'


def test_replicas_of_one_hostname_share_one_name_in_dns(breaking: Breaking, observed: Observed) -> None:
    """Both are published under it."""
    slices = breaking.api.until(
        lambda found: len(_hostnames(found)) == 2,
        "discovery.k8s.io/v1", "EndpointSlice", namespace("P24"), what="two endpoints with a hostname",
    )  # fmt: skip
    observed(f"P24: the endpoints of two pods have the hostnames {' and '.join(_hostnames(slices))}")
    assert _hostnames(slices) == ["web", "web"]


def test_a_pod_gets_a_token_that_it_has_no_use_for(breaking: Breaking, observed: Observed) -> None:
    """Admission mounts it into the container."""
    (pod,) = breaking.pods("P25", 1)
    (container,) = pod["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    observed(f"P25: the container got {mount['mountPath']}")
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    (volume,) = pod["spec"]["volumes"]
    assert [next(iter(one)) for one in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]


def test_a_constraint_on_other_pods_spreads_none(breaking: Breaking, observed: Observed) -> None:
    """All replicas are on the node that they like better; those beside them, which count themselves, on both."""
    every = breaking.pods("P29", 8)
    crowded, spread = (
        Counter(one["spec"]["nodeName"] for one in every if one["metadata"]["labels"]["app"] == app)
        for app in ("web", "right")
    )
    observed(f"P29: {dict(crowded)} with the labels of others, {dict(spread)} with their own")
    assert crowded == {"breaking-cpu-0": 4}
    assert spread == {"breaking-cpu-0": 2, "breaking-cpu-1": 2}


def test_a_claim_of_one_node_is_attached_to_no_other(breaking: Breaking, observed: Observed) -> None:
    """The controller that attaches volumes leaves the second pod without, when the driver has attached it to a node."""
    _attach(breaking)
    said = breaking.event("V01", "FailedAttachVolume", "is already used by pod(s)")
    observed(f"V01: {said}")
    assert 'volume "breaks-v01"' in said


def test_a_rollout_waits_for_a_claim_that_the_old_pod_holds(breaking: Breaking, observed: Observed) -> None:
    """And the old pod is not ended before the new one is ready."""
    api = breaking.api
    web = breaking.objects("V02")["Deployment/web"]
    api.until_one(lambda one: steady(one, 1), web, what="one replica")
    web["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/acme/web:2"
    api.apply(web)
    said = breaking.waits("V02", "ReadWriteOncePod")
    stuck = api.until_one(
        lambda one: condition(one, "Progressing").get("reason") == "ProgressDeadlineExceeded",
        web, what="a rollout that does not end",
    )  # fmt: skip
    found = {image(one): (ready(one), bool(unscheduled(one))) for one in api.all("v1", "Pod", namespace("V02"))}
    observed(f"V02: {condition(stuck, 'Progressing')['reason']}; the new pod: {said}")
    assert found == {"1": (True, False), "2": (False, True)}


def _hostnames(slices: Sequence[Manifest]) -> list[str]:
    return [one["hostname"] for part in slices for one in part.get("endpoints") or [] if "hostname" in one]


def _attach(breaking: Breaking) -> None:
    """Attach the disk to a node that it is asked for, as its driver would; to another one after two minutes, if not."""
    asked, *_ = breaking.api.until(bool, "storage.k8s.io/v1", "VolumeAttachment", what="a disk is to be attached")
    breaking.api.patch(asked, {"status": {"attached": True}}, subresource="status")
