"""What Argo CD does with deliveries that break rules: work is run again, deleted or waited for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from modelyard import ArgoCD as Delivery
from tests.cluster.api import ApiError, Manifest, is_true
from tests.cluster.argocd import ArgoCD
from tests.cluster.argocd import application as called
from tests.cluster.cluster import Cluster
from tests.cluster.differential.ours import Judge
from tests.cluster.git import GitRepository
from tests.cluster.objects import name
from tests.cluster.programs import NEWEST
from tests.cluster.wrong.conftest import NODES
from tests.cluster.wrong.stage import Breaking, namespace, states
from tests.cluster.wrong.syncing import OBJECTS, POLICIES, application
from tests.rules.manifests import config_map
from tests.support import environment

Observed = Callable[[str], None]
APPEARS_LATER = "G10"
"""The rule whose namespace is not there at the first sync."""


class Syncs:
    """
    A repository with a folder and an Application for each rule.

    Args:
        argocd: What syncs.

        cluster: Where to.

        root: For the repository.
    """

    def __init__(self, argocd: ArgoCD, cluster: Cluster, root: Path) -> None:
        self.argocd, self.cluster, self.api = argocd, cluster, cluster.api
        self.git = GitRepository(root)
        self.head = ""

    def write(self, rule: str, *manifests: Manifest) -> None:
        """Have *manifests* in the folder of *rule*, and nothing else."""
        folder = self.git.root / "dist" / rule
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for one in manifests:
            (folder / f"{one['kind'].lower()}.yaml").write_text(yaml.safe_dump(one))

    def again(self, rule: str, *manifests: Manifest) -> None:
        """Commit *manifests* and have Argo CD look."""
        self.write(rule, *manifests)
        self.head = self.git.commit(f"Change {rule}")
        self.argocd.refresh(namespace(rule))

    def job(self, rule: str, *, but: str = "") -> Manifest:
        """Wait for a Job other than the one with the id *but*, and return it."""
        found = self.api.until(
            lambda jobs: any(one["metadata"]["uid"] != but for one in jobs),
            "batch/v1", "Job", namespace(rule), what="a new Job",
        )  # fmt: skip
        return next(one for one in found if one["metadata"]["uid"] != but)

    def ends(self, rule: str, job: Manifest) -> None:
        """Let *job* succeed."""
        labels = f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        pods = self.api.until(
            lambda found: any(one["status"].get("phase") == "Running" for one in found),
            "v1", "Pod", namespace(rule), labels=labels, what="a pod that runs",
        )  # fmt: skip
        self.cluster.exits(pods[0], 0)

    def state(self, rule: str, seen: Callable[[Manifest], object], what: str) -> Manifest:
        """Wait until *seen* is content with the Application of *rule*."""
        return self.api.until_one(seen, called(namespace(rule)), what=what)


@pytest.fixture(scope="module")
def syncs(
    breaking: Breaking, argocd: ArgoCD, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Syncs]:
    """Have all of it synced at once, on the nodes of the other tests."""
    assert breaking.api is argocd.api
    made = Syncs(argocd, cluster, tmp_path_factory.mktemp("syncs") / "repository")
    for rule, manifests in OBJECTS.items():
        made.write(rule, *manifests)
    made.head = made.git.commit("Begin")
    applications = [application(rule, made.git.url, **POLICIES.get(rule, {})) for rule in OBJECTS]
    for rule in OBJECTS:
        if rule != APPEARS_LATER:
            made.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(rule)}})
    try:
        for one in applications:
            made.api.apply(one, manager="kubectl")
        yield made
    finally:
        for one in applications:
            with contextlib.suppress(ApiError):
                made.api.patch(one, {"metadata": {"finalizers": None}, "spec": {"syncPolicy": None}, "operation": None})
            made.api.delete(one)
        cluster.clear(*map(namespace, OBJECTS))


@pytest.mark.parametrize("rule", OBJECTS)
def test_modelyard_says_so_first(syncs: Syncs, tmp_path: Path, rule: str) -> None:
    """Of the objects, or of the Application."""
    site = environment(tmp_path, cluster=NODES, namespace=namespace(rule), delivery=Delivery(syncs.git.url)).site
    manifests = [*OBJECTS[rule], application(rule, syncs.git.url, **POLICIES.get(rule, {}))]
    found = {one.rule for breaches in Judge(site, manifests, NEWEST).found for one in breaches}
    assert rule in found


def test_a_hook_is_run_with_every_sync(syncs: Syncs, observed: Observed) -> None:
    """Whatever the sync is for."""
    first = syncs.job("G01")
    syncs.ends("G01", first)
    syncs.state("G01", _done, "the first sync is over")
    syncs.again("G01", OBJECTS["G01"][0], config_map(a="2"))
    second = syncs.job("G01", but=first["metadata"]["uid"])
    syncs.ends("G01", second)
    observed("G01: another ConfigMap was merged, and the training ran again")
    assert name(second) == name(first)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("G02", "waiting for healthy state of batch/Job/train"),
        ("G15", "waiting for completion of hook batch/Job/train"),
        ("J22", "waiting for completion of hook batch/Job/train"),
    ],
    ids=["G02", "G15", "J22"],
)
def test_a_sync_waits_for_what_waits_itself(syncs: Syncs, rule: str, words: str, observed: Observed) -> None:
    """It is not over before somebody has begun the Job."""
    found = syncs.state(rule, lambda one: words in _operation(one).get("message", ""), f"a sync that is {words}")
    operation = _operation(found)
    observed(f"{rule}: {operation['phase']}: {operation['message']}")
    assert operation["phase"] == "Running"


def test_what_is_replaced_is_run_again(syncs: Syncs, observed: Observed) -> None:
    """Although only something else has changed, and the first run goes on."""
    first = syncs.job("G04")
    syncs.state("G04", _done, "the first sync is over")
    syncs.again("G04", OBJECTS["G04"][0], config_map(a="2"))
    second = syncs.job("G04", but=first["metadata"]["uid"])
    observed("G04: another ConfigMap was merged, and the running training was deleted and begun anew")
    assert name(second) == name(first)


@pytest.mark.parametrize("rule", ["G05", "G06"])
def test_a_claim_is_deleted_with_its_manifest(syncs: Syncs, rule: str, observed: Observed) -> None:
    """Without an annotation, or with one that Argo CD does not read."""
    claim = {**OBJECTS[rule][0], "metadata": {"name": "data", "namespace": namespace(rule)}}
    syncs.api.until_one(bool, claim, what="a claim")
    syncs.state(rule, _done, "the first sync is over")
    syncs.again(rule, OBJECTS[rule][1])
    gone = syncs.api.until(
        lambda found: all("deletionTimestamp" in one["metadata"] for one in found),
        "v1", "PersistentVolumeClaim", namespace(rule), what="a claim that is deleted",
    )  # fmt: skip
    observed(f"{rule}: the claim's file was removed, and the claim is {'deleted' if gone else 'gone'}")


def test_an_application_takes_everything_with_it(syncs: Syncs, observed: Observed) -> None:
    """When it is renamed, for example."""
    settings = {**config_map(), "metadata": {"name": "settings", "namespace": namespace("G08")}}
    syncs.api.until_one(bool, settings, what="a ConfigMap")
    syncs.state("G08", _done, "the first sync is over")
    syncs.api.delete(called(namespace("G08")))
    syncs.api.until(
        lambda found: "settings" not in map(name, found), "v1", "ConfigMap", namespace("G08"), what="nothing is left"
    )
    observed("G08: the Application was deleted, and the ConfigMap with it")


def test_labels_of_a_namespace_that_is_rendered_too_are_lost(syncs: Syncs, observed: Observed) -> None:
    """The manifest's own win."""
    # It calls a namespace that it is to make Synced while it has not heard of it yet, and looks again much later.
    syncs.argocd.refresh(namespace("G09"))
    syncs.state("G09", _done, "the first sync is over")
    found = syncs.api.get("v1", "Namespace", namespace("G09"))
    enforced = found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    observed(f"G09: the Application says restricted, and the namespace enforces {enforced}")
    assert enforced == "privileged"


def test_a_commit_is_tried_once(syncs: Syncs, observed: Observed) -> None:
    """And not again when what it failed for is over."""
    syncs.argocd.refresh(namespace("G10"))
    syncs.state("G10", lambda one: _failed(one, syncs.head), "a sync of the newest commit that failed")
    syncs.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace("G10")}})
    syncs.argocd.refresh(namespace("G10"))
    found = syncs.state("G10", lambda one: _says(one, "SyncError"), "an Application that says why it does not sync")
    observed(f"G10: {_says(found, 'SyncError')}")
    assert found["status"]["sync"]["status"] == "OutOfSync"
    assert _says(found, "SyncError").startswith("Failed last sync attempt to ")


def test_a_job_that_is_tidied_up_is_run_again(syncs: Syncs, observed: Observed) -> None:
    """Since it is in git and not in the cluster."""
    first = syncs.job("J21")
    syncs.ends("J21", first)
    second = syncs.job("J21", but=first["metadata"]["uid"])
    observed("J21: the training ended, was deleted a second later, and ran again")
    assert name(second) == name(first)


def test_a_job_that_a_queue_has_begun_is_suspended_again(syncs: Syncs, observed: Observed) -> None:
    """And its pods are deleted."""
    job = syncs.job("J23")
    assert job["spec"]["suspend"] is True
    seen = states(
        syncs.api, job, lambda: syncs.api.patch(job, {"spec": {"suspend": False}}),
        lambda one: is_true(one, "Suspended") and one["spec"]["suspend"], what="a Job that is suspended again",
    )  # fmt: skip
    began = [str(one["spec"]["suspend"]).lower() for one in seen]
    observed(f"J23: suspend after somebody has begun it: {' '.join(dict.fromkeys(began))}")
    assert "false" in began


def _operation(manifest: Manifest) -> Manifest:
    found: Manifest = manifest.get("status", {}).get("operationState", {})
    return found


def _done(manifest: Manifest) -> bool:
    return _operation(manifest).get("phase") == "Succeeded"


def _failed(manifest: Manifest, revision: str) -> bool:
    operation = _operation(manifest)
    return operation.get("phase") == "Failed" and operation["syncResult"]["revision"] == revision


def _says(manifest: Manifest, kind: str) -> str:
    """Return what an Application says in a condition."""
    found = manifest.get("status", {}).get("conditions") or []
    return next((str(one["message"]) for one in found if one["type"] == kind), "")
