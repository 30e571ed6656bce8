"""LeaderWorkerSet's own controller and webhooks: what they refuse, and how the pods of a server on two nodes meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard import VLLM, Accelerator, Crd, Gpu, ScalableModelService
from modelyard import Cluster as Claimed
from tests.cluster.api import Api, ApiError, Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.differential.ours import broken
from tests.cluster.manifests import apply
from tests.cluster.objects import endpoints, name, runs
from tests.cluster.operators import GROUPS
from tests.cluster.programs import NEWEST
from tests.cluster.rendezvous import expanded, published, variables
from tests.rules.manifests import job, pods
from tests.rules.test_l import group, service
from tests.support import IMAGE, environment, objects

Observed = Callable[[str], None]
POOL = Claimed(
    "groups",
    kubernetes=NEWEST,
    installed=[Crd.LWS],
    accelerators=[Accelerator("h200", per_node=8, nodes=2, node_selector={"accelerator": "h200"})],
)
SLICES = Claimed(
    "slices",
    kubernetes=NEWEST,
    installed=[Crd.LWS],
    accelerators=[Accelerator("v5e", "google.com/tpu", per_node=4, nodes=6, topology="2x4")],
)


def running(name: str = "big", **options: Any) -> Manifest:
    """Return a set whose pods have a container."""
    made = group(name, **options)
    template = {**made["spec"]["leaderWorkerTemplate"], "workerTemplate": pods({}, app=name)}
    return {**made, "spec": {**made["spec"], "leaderWorkerTemplate": template}}


REFUSED: dict[str, tuple[Manifest, str]] = {
    "L01": (running(size=0), "spec.leaderWorkerTemplate.size"),
    "L02": (running(rolling={"maxSurge": 0, "maxUnavailable": 0}), "maxUnavailable"),
}
"""What breaks a rule, and what the webhook names."""


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Api:
    """Start LeaderWorkerSet in the cluster; it ends with it."""
    GROUPS.start(cluster)
    return cluster.api


def placed(manifest: Manifest, namespace: str) -> Manifest:
    """Return *manifest* in *namespace*."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


@pytest.mark.parametrize("rule", REFUSED)
def test_its_webhook_refuses(api: Api, tmp_path: Path, rule: str, observed: Observed) -> None:
    """What its definition takes, and modelyard refuses first."""
    manifest, words = REFUSED[rule]
    ours = broken(environment(tmp_path, cluster=POOL).site, manifest)
    assert rule in {one.rule for one in ours if one.error}
    with pytest.raises(ApiError) as refused:
        api.create(placed(manifest, "default"), dry_run=True)
    observed(f"{rule}: {refused.value.message[:300]}")
    assert words in refused.value.message


def test_its_webhook_takes_what_is_right(api: Api) -> None:
    """The same set as it was."""
    api.create(placed(running(), "default"), dry_run=True)


def test_a_service_takes_the_name_that_the_pods_are_found_by(cluster: Cluster, api: Api, observed: Observed) -> None:
    """The controller leaves it as it is, and no pod has a name in DNS."""
    namespace = "group-service"
    with cluster.nodes(POOL), cluster.cleared(namespace), cluster.without(placed(running(), namespace)):
        apply(api, [placed(one, namespace) for one in (service(), running())])
        leader = _running(api, namespace, 2)[0]
        address = variables(leader, leader["spec"]["containers"][0])["LWS_LEADER_ADDRESS"]
        kept = api.current(placed(service(), namespace))["spec"]["clusterIP"]
    observed(f"L03: the pods look for {address}, and the Service big has the address {kept} and no names")
    assert address == f"big-0.big.{namespace}"
    assert kept != "None"


def test_names_that_get_too_long_leave_a_group_without_workers(cluster: Cluster, api: Api, observed: Observed) -> None:
    """
    The StatefulSet of the workers says so, and nobody else; one character less, and all pods run.

    Of eight groups at least one has a hash of ten digits, as three of four have.
    """
    namespace, words, groups = "group-names", "must be no more than 63", 8
    fits, exceeds = "f" * 50, "e" * 51
    made = [
        placed(running(called, replicas=replicas), namespace) for called, replicas in ((fits, 1), (exceeds, groups))
    ]
    with cluster.nodes(POOL), cluster.cleared(namespace), cluster.without(*made):
        apply(api, made)
        events = api.until(
            lambda found: any(words in one["message"] for one in found),
            "v1", "Event", namespace, what="a pod that cannot be made",
        )  # fmt: skip
        both = _running(api, namespace, 2, set_of=fits)
    label = "controller-revision-hash"
    longest = max(len(one["metadata"]["labels"][label]) for one in both)
    said = sorted({one["message"] for one in events if words in one["message"]})
    observed(f"N10: with {len(fits)} characters, labels of up to {longest}; with {len(exceeds)}: {said[0][:300]}")
    assert all(one.startswith(f"Create Pod {exceeds}-") and f'"{exceeds}-' in one for one in said)


def test_a_group_of_pods_takes_a_slice_of_tpus_as_a_whole(
    cluster: Cluster, api: Api, tmp_path: Path, observed: Observed
) -> None:
    """One that nobody else is on: neither another group, nor a Job of another namespace that leaves a host free."""
    namespace, elsewhere, pool = "sliced", "sliced-train", "cloud.google.com/gke-nodepool"
    key = "leaderworkerset.sigs.k8s.io/group-key"
    env = environment(tmp_path, cluster=SLICES, namespace=namespace)
    ScalableModelService(
        env, "r1", image=IMAGE, runtime=VLLM("0.18.0"), model="/m", gpu=Gpu("v5e", 4), nodes=2, replicas=2
    )
    made = objects(env)
    tolerations = [{"key": "google.com/tpu", "operator": "Exists"}]
    limits = {"resources": {"limits": {"google.com/tpu": "4"}}}
    template = pods(limits, nodeSelector={pool: "v5e-0"}, tolerations=tolerations, restartPolicy="Never")
    train = placed({**job(), "spec": {"template": template}}, elsewhere)
    groups = made["LeaderWorkerSet/r1"]
    with cluster.nodes(SLICES) as nodes, cluster.cleared(namespace, elsewhere), cluster.without(groups):
        apply(api, [train])
        _running(api, elsewhere, 1)
        apply(api, list(made.values()))
        found = _running(api, namespace, 4)
    slices = {name(one): one["metadata"]["labels"].get(pool) for one in nodes}
    where: dict[str, set[str]] = {}
    for one in found:
        where.setdefault(one["metadata"]["labels"][key], set()).add(slices[one["spec"]["nodeName"]])
    leader, worker = found[0], found[-1]
    terms = {
        kind: leader["spec"]["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"]
        for kind in ("podAffinity", "podAntiAffinity")
    }
    group = leader["metadata"]["labels"][key]

    observed(f"LeaderWorkerSet: beside a Job on v5e-0, its groups are on {sorted(map(sorted, where.values()))}")
    assert sorted(map(sorted, where.values())) == [["v5e-1"], ["v5e-2"]]
    assert terms["podAffinity"] == [_term(pool, (key, "In", group))]
    assert terms["podAntiAffinity"] == [
        {
            **_term(pool, (key, "Exists", None), (key, "NotIn", group)),
            "mismatchLabelKeys": [key],
            "namespaceSelector": {},
        },
        {**_term(pool, ("batch.kubernetes.io/job-name", "Exists", None)), "namespaceSelector": {}},
        {**_term(pool, ("volcano.sh/job-name", "Exists", None)), "namespaceSelector": {}},
        _term(pool, (key, "Exists", None), (key, "NotIn", group)),
    ]
    assert worker["spec"]["nodeSelector"][pool] == slices[worker["spec"]["nodeName"]]


def test_leader_and_worker_meet_and_begin_again_together(
    cluster: Cluster, api: Api, tmp_path: Path, observed: Observed
) -> None:
    """By the address that the controller gives them; requests go to the leader only; when one pod goes, both do."""
    namespace = "grouped"
    env = environment(tmp_path, cluster=POOL, namespace=namespace)
    ScalableModelService(env, "r1", image=IMAGE, runtime=VLLM("0.18.0"), model="/m", gpu=Gpu("h200", 8), nodes=2)
    made = objects(env)
    # What makes pods goes before them.
    with cluster.nodes(POOL), cluster.cleared(namespace), cluster.without(made["LeaderWorkerSet/r1"]):
        apply(api, list(made.values()))
        both = _running(api, namespace, 2)
        given = [variables(one, one["spec"]["containers"][0]) for one in both]
        address, subdomain = given[0]["LWS_LEADER_ADDRESS"], both[0]["spec"]["subdomain"]
        slices = api.until(
            lambda found: len(published(subdomain, namespace, found)) == 2,
            "discovery.k8s.io/v1", "EndpointSlice", namespace, labels=f"kubernetes.io/service-name={subdomain}",
            what="names of both pods",
        )  # fmt: skip
        names = published(subdomain, namespace, slices)
        served = api.until(
            lambda found: len(endpoints(found)) == 1,
            "discovery.k8s.io/v1", "EndpointSlice", namespace, labels="kubernetes.io/service-name=r1",
            what="one endpoint",
        )  # fmt: skip
        api.delete({"apiVersion": "v1", "kind": "Pod", **both[1]})
        uids = {one["metadata"]["uid"] for one in both}
        api.until(
            lambda found: sum(runs(one) and one["metadata"]["uid"] not in uids for one in found) == 2,
            "v1", "Pod", namespace, what="a group anew",
        )  # fmt: skip
    args = [
        [expanded(word, known) for word in one["spec"]["containers"][0]["args"]]
        for one, known in zip(both, given, strict=True)
    ]
    ranks = [next(word for word in words if word.startswith("--node-rank")) for words in args]
    masters = {next(word for word in words if word.startswith("--master-addr")) for words in args}

    observed(f"LeaderWorkerSet: both pods ask for {address}, which is {names[address + '.svc']}; one gone, both anew")
    assert names[f"{address}.svc"] == name(both[0])
    assert ranks == ["--node-rank=0", "--node-rank=1"]
    assert masters == {f"--master-addr={address}"}
    assert [one["targetRef"]["name"] for one in endpoints(served)] == [name(both[0])]


def _term(pool: str, *expressions: tuple[str, str, str | None]) -> Manifest:
    """Return the term of an affinity for *pool*."""
    selector = [
        {"key": key, "operator": operator, **({} if value is None else {"values": [value]})}
        for key, operator, value in expressions
    ]
    return {"labelSelector": {"matchExpressions": selector}, "topologyKey": pool}


def _running(api: Api, namespace: str, count: int, *, set_of: str | None = None) -> list[Any]:
    """Wait for *count* running pods, and return them, the leader first."""
    found = api.until(
        lambda pods: sum(map(runs, pods)) == count, "v1", "Pod", namespace,
        labels=None if set_of is None else f"leaderworkerset.sigs.k8s.io/name={set_of}", what=f"{count} running pods",
    )  # fmt: skip
    return sorted((one for one in found if runs(one)), key=lambda one: len(name(one)))
