"""Kueue's own controllers and webhooks: what they refuse, and trainings in a queue that are synced meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from modelyard import Accelerator, Crd, Fleet, Gpu, Queue, Sweep
from modelyard import Cluster as Claimed
from tests.cluster import kueue
from tests.cluster.api import Api, ApiError, Manifest
from tests.cluster.argocd import PATIENCE, ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.differential.ours import broken
from tests.cluster.flux import Flux
from tests.cluster.git import GitServer
from tests.cluster.objects import runs
from tests.cluster.programs import NEWEST
from tests.cluster.team import Build, service, training
from tests.cluster.test_argocd import ArgoTeam
from tests.cluster.test_flux import FluxTeam
from tests.rules.patches import POD, Operation, put, remove
from tests.rules.test_k import JOB, JOB_SET, KUEUE, NEEDS, RESOURCES, annotated, labelled
from tests.rules.test_y_ray import QUEUED, RAY_JOB, SCALED
from tests.support import environment

Observed = Callable[[str], None]
Synced = ArgoTeam | FluxTeam
Queues = Callable[[str, dict[str, str]], list[Manifest]]
GPU = "nvidia.com/gpu"
POOL = Claimed(
    "queued",
    kubernetes=NEWEST,
    installed=[Crd.KUEUE, Crd.KUBERAY],
    accelerators=[Accelerator("t4", per_node=1, nodes=3, node_selector={"accelerator": "t4"})],
)
RESERVED = {"example.com/capacity": "reserved"}
"""A label of nodes that the platform team's flavor asks for, and nobody else knows of."""
STARTED = ("Progressing", "Healthy")
"""The health, in Argo CD, of a run that Kueue has admitted: Healthy is one that the Job controller saw suspended before."""
ROOM = {GPU: "1", "cpu": "100", "memory": "1Ti"}
TOPOLOGIES = {f"{KUEUE}podset-{how}-topology": "rack" for how in ("required", "preferred")}
REFUSED: dict[str, tuple[Manifest, Sequence[Operation], str]] = {
    "K01": (JOB, [labelled(queue_name="Research")], "RFC 1123 subdomain"),
    "K02": (JOB, [labelled(max_exec_time_seconds="1h")], "max-exec-time-seconds"),
    "K03": (JOB, [annotated(job_min_parallelism="4")], "should be between 0 and 3"),
    "K04": (JOB, [put("/spec/template/metadata/annotations", TOPOLOGIES)], "more than one topology annotation"),
    "K07": (RAY_JOB, [QUEUED, remove("/spec/shutdownAfterJobFinishes")], "should delete the cluster after finishing"),
    "K08": (
        JOB,
        [annotated(job_completions_equal_parallelism="true"), put("/spec/completions", 8)],
        "should be equal to parallelism",
    ),
    "K17": (RAY_JOB, [QUEUED, SCALED], "enableInTreeAutoscaling"),
}
"""What breaks a rule, and what the webhook says to it."""


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    """Have Kueue in the cluster."""
    with kueue.running(cluster):
        yield cluster.api


@pytest.fixture
def queue(api: Api) -> Iterator[Queues]:
    """Make queues called ``research`` in a namespace, with a quota, which go when the test is over."""
    made: list[Manifest] = []

    def make(namespace: str, quota: dict[str, str]) -> list[Manifest]:
        manifests = kueue.queues(namespace, "research", quota, {"nodeLabels": RESERVED})
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, manager="platform-team")
        for one in manifests:
            api.apply(one, manager="platform-team")
        made.extend(manifests)
        return manifests

    yield make
    for one in made:
        api.delete(one)


@pytest.mark.parametrize("rule", REFUSED)
@pytest.mark.usefixtures("argocd")
def test_its_webhook_refuses(api: Api, tmp_path: Path, rule: str, observed: Observed) -> None:
    """What its definition takes, and modelyard refuses first."""
    stock, operations, words = REFUSED[rule]
    manifest = _patched(stock, *operations)
    ours = broken(environment(tmp_path, cluster=POOL).site, manifest)
    assert rule in {one.rule for one in ours if one.error}
    with pytest.raises(ApiError) as refused:
        api.create(manifest, dry_run=True)
    observed(f"{rule}: {refused.value.message[:300]}")
    assert words in refused.value.message


@pytest.mark.parametrize("stock", [JOB, RAY_JOB], ids=["Job", "RayJob"])
@pytest.mark.usefixtures("argocd")
def test_its_webhook_takes_what_is_right(api: Api, stock: Manifest) -> None:
    """The same objects, in a queue, and waiting there."""
    made = api.create(_patched(stock, labelled(queue_name="research")), dry_run=True)
    assert made["spec"]["suspend"] is True


@pytest.mark.usefixtures("argocd")
def test_what_asks_for_nothing_is_not_counted(cluster: Cluster, api: Api, queue: Queues, observed: Observed) -> None:
    """It passes all those that wait for room."""
    namespace, queued = "uncounted", labelled(queue_name="research")
    queue(namespace, {"cpu": "0", "memory": "0"})
    with cluster.nodes(POOL), cluster.cleared(namespace):
        for name, needs in (("counted", [RESOURCES]), ("uncounted", [])):
            api.create(_patched(JOB, queued, put("/metadata/name", name), *needs, namespace=namespace))
        job = api.until_one(
            lambda one: not one["spec"]["suspend"], _about("batch/v1", "Job", namespace, "uncounted"), what="it starts"
        )
        waiting = api.current(_about("batch/v1", "Job", namespace, "counted"))["spec"]["suspend"]
    observed(
        f"K05: in a queue without room, a Job that asks for {NEEDS['requests']} waits, and one without requests runs"
    )
    assert waiting is True
    assert "nodeSelector" not in job["spec"]["template"]["spec"]


@pytest.mark.usefixtures("argocd")
def test_devices_by_claim_are_not_counted(cluster: Cluster, api: Api, queue: Queues, observed: Observed) -> None:
    """They pass all those that ask for devices as resources, which wait for room."""
    namespace, queued = "claiming", labelled(queue_name="research")
    queue(namespace, {**ROOM, GPU: "0"})
    wanted = put("/spec/template/spec/containers/0/resources", {"limits": {GPU: "1"}})
    claimed = put(f"{POD}/resourceClaims", [{"name": "gpu", "resourceClaimTemplateName": "devices"}])
    with cluster.nodes(POOL), cluster.cleared(namespace):
        for name, needs in (("counted", [wanted]), ("claiming", [RESOURCES, claimed])):
            api.create(_patched(JOB, queued, put("/metadata/name", name), *needs, namespace=namespace))
        api.until_one(
            lambda one: not one["spec"]["suspend"], _about("batch/v1", "Job", namespace, "claiming"), what="it starts"
        )
        waiting = api.current(_about("batch/v1", "Job", namespace, "counted"))["spec"]["suspend"]
        (used,) = (
            one["status"]["admission"]["podSetAssignments"][0]["resourceUsage"]
            for one in api.all(kueue.API, "Workload", namespace)
            if one["metadata"]["ownerReferences"][0]["name"] == "claiming"
        )
    observed(
        f"K18: in a queue without a GPU, a Job that asks for one waits; one that claims devices runs, counted as {used}"
    )
    assert waiting is True
    assert set(used) == {"cpu", "memory"}


@pytest.mark.usefixtures("argocd")
def test_more_sets_of_pods_than_a_workload_holds_never_start(
    cluster: Cluster, api: Api, queue: Queues, observed: Observed
) -> None:
    """The API server refuses the Workload that Kueue makes of them, and Kueue tries again."""
    namespace = "sets"
    queue(namespace, ROOM)
    nine, eight = (
        _patched(JOB_SET, put("/metadata/name", name), *operations, namespace=namespace)
        for name, operations in (("nine", []), ("eight", [remove("/spec/replicatedJobs/8")]))
    )
    with cluster.without(nine, eight):
        for one in (nine, eight):
            api.create(one)
        api.until_one(lambda one: not one["spec"]["suspend"], eight, what="the one of eight sets is admitted")
        waiting = api.current(nine)["spec"]["suspend"]
        (workload,) = api.all(kueue.API, "Workload", namespace)
        sets = workload["spec"]["podSets"]
        more = {
            **_about(kueue.API, "Workload", namespace, "more"),
            "spec": {**workload["spec"], "podSets": [*sets, {**sets[0], "name": "j8"}]},
        }
        with pytest.raises(ApiError) as refused:
            api.create(more, dry_run=True)
    observed(
        f"K16: a JobSet of {len(sets)} Jobs in a queue starts, and one of {len(more['spec']['podSets'])} never does: "
        f"{refused.value.message[:200]}"
    )
    assert waiting is True
    assert workload["metadata"]["ownerReferences"][0]["name"] == "eight"
    assert "must have at most 8 items" in refused.value.message


@pytest.fixture(params=["Argo CD", "Flux"])
def team(
    request: pytest.FixtureRequest,
    argocd: ArgoCD,
    flux: Flux,
    cluster: Cluster,
    queue: Queues,  # noqa: ARG001 # goes later
    tmp_path: Path,
) -> Iterator[Synced]:
    """Have a team with nodes, whose environment is synced."""
    with GitServer(tmp_path) as server, cluster.nodes(POOL, labels=RESERVED):
        root = tmp_path / "queued"
        own = (
            ArgoTeam(argocd, root, root.name)
            if request.param == "Argo CD"
            else FluxTeam(flux, root, root.name, f"{server.url}/{root.name}")
        )
        try:
            yield own
        finally:
            own.leave(cluster)
            cluster.gone(own.namespace)


def test_what_kueue_writes_is_left_alone(team: Synced, queue: Queues, observed: Observed) -> None:
    """A training waits, is admitted, goes back into its queue and comes again; whoever syncs finds nothing to do."""
    build = _build(team, queue=Queue("research"), gpu=Gpu("t4", 1))
    first = team.merge(build(2))
    team.bootstrap()
    team.synced(first, "Suspended")
    (job,) = team.api.all("batch/v1", "Job", team.namespace)
    assert job["spec"]["suspend"] is True
    observed(f"kueue, {team.delivery.controller}: a training whose queue is not there yet waits, and is synced")

    queue(team.namespace, ROOM)
    admitted = _running(team, job)
    _again(team, first)
    assert _placed(team.api.current(job)) == _placed(admitted) == {"accelerator": "t4", **RESERVED}
    observed(
        f"kueue, {team.delivery.controller}: admitted to nodes of its flavor; neither suspend nor the node selector is taken back"
    )

    second = team.merge(build(3))
    team.synced(second, *STARTED)
    synced = team.api.current(job)
    assert (synced["spec"]["suspend"], _placed(synced)) == (False, _placed(admitted))
    observed(
        f"kueue, {team.delivery.controller}: the next commit is synced beside the training, which runs on as it was admitted"
    )

    (workload,) = team.api.all(kueue.API, "Workload", team.namespace)
    team.api.patch(workload, {"spec": {"active": False}})
    team.api.until_one(
        lambda one: one["spec"]["suspend"] and _placed(one) == {"accelerator": "t4"},
        job, what="it is sent back as it came", seconds=PATIENCE,
    )  # fmt: skip
    team.synced(second, "Suspended")
    assert team.api.current(job)["spec"]["suspend"] is True
    team.api.patch(workload, {"spec": {"active": True}})
    _running(team, job)
    observed(f"kueue, {team.delivery.controller}: sent back, the training stays suspended until it is admitted again")


def test_a_sweep_that_starts_with_fewer_trials_goes_on_so(team: Synced, queue: Queues, observed: Observed) -> None:
    """Kueue writes the parallelism, which stands in git as well."""
    sweep = Sweep(grid={"lr": [0.1, 0.2, 0.3]})
    build = _build(team, queue=Queue("research", min_parallelism=1), gpu=Gpu("t4", 1), sweep=sweep)
    queue(team.namespace, {**ROOM, GPU: "2"})
    first = team.merge(build(2))
    team.bootstrap()
    team.synced(first, "Suspended", *STARTED)
    (job,) = team.api.all("batch/v1", "Job", team.namespace)
    fewer = _running(team, job)["spec"]["parallelism"]
    _again(team, first)
    second = team.merge(build(3))
    team.synced(second, *STARTED)
    after = team.api.current(job)["spec"]
    observed(
        f"kueue, {team.delivery.controller}: a sweep of 3 trials at once in a queue with room for 2 runs {fewer}, also after the next commit"
    )
    assert (fewer, after["parallelism"], after["suspend"]) == (2, 2, False)


def test_a_training_on_several_nodes_starts_whole_or_not(team: Synced, queue: Queues, observed: Observed) -> None:
    """A queue with room for two of three nodes starts none."""
    build = _build(team, queue=Queue("research"), gpu=Gpu("t4", 1), nodes=3)
    queue(team.namespace, {**ROOM, GPU: "2"})
    first = team.merge(build(2))
    team.bootstrap()
    team.synced(first, "Suspended")
    (job,) = team.api.all("batch/v1", "Job", team.namespace)
    (workload,) = team.api.until(
        lambda found: any(_refusals(one) for one in found),
        kueue.API, "Workload", team.namespace, what="Kueue has found no room",
    )  # fmt: skip
    assert team.api.current(job)["spec"]["suspend"] is True
    queue(team.namespace, {**ROOM, GPU: "3"})
    _running(team, job)
    pods = team.api.until(
        lambda found: sum(map(runs, found)) == 3, "v1", "Pod", team.namespace, labels="app=train", what="all run"
    )
    observed(
        f"kueue, {team.delivery.controller}: 3 nodes, room for 2: {_refusals(workload)[0]}; room for 3: {len(pods)} pods run"
    )


def _build(team: Synced, **options: Any) -> Callable[[int], Build]:
    """Return what makes a service with some replicas and a training beside it."""

    def build(replicas: int) -> Build:
        def made(fleet: Fleet) -> None:
            env = team.environment(fleet, cluster=POOL)
            service(env, replicas=replicas)
            training(env, **options)

        return made

    return build


def _again(team: Synced, revision: str) -> None:
    """Have everything compared once more, with nothing to do."""
    if isinstance(team, FluxTeam):
        team.again()
        return
    before = team.synced(revision, *STARTED)["status"]["history"]
    assert team.synced(revision, *STARTED)["status"]["history"] == before


def _refusals(workload: Manifest) -> list[str]:
    """Return why Kueue does not admit *workload*."""
    conditions = workload.get("status", {}).get("conditions", [])
    return [one["message"] for one in conditions if (one["type"], one["status"]) == ("QuotaReserved", "False")]


def _running(team: Synced, job: Manifest) -> Manifest:
    """Wait until *job* is admitted and its pods run; return it."""
    return team.api.until_one(
        lambda one: one.get("status", {}).get("ready") == one["spec"]["parallelism"] and not one["spec"]["suspend"],
        job, what="it is admitted and runs", seconds=PATIENCE,
    )  # fmt: skip


def _placed(job: Manifest) -> dict[str, str]:
    found: dict[str, str] = job["spec"]["template"]["spec"]["nodeSelector"]
    return found


def _about(api_version: str, kind: str, namespace: str, name: str) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _patched(stock: Manifest, *operations: Operation, namespace: str = "default") -> Manifest:
    made: Manifest = jsonpatch.apply_patch(copy.deepcopy(stock), [dict(one) for one in operations])
    made["metadata"]["namespace"] = namespace
    return made
