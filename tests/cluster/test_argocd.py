"""A real Argo CD syncs a git repository with the Applications that modelyard renders, and nothing bad happens."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard
from environments.clusters import EKS, KIND
from environments.walkthrough import walkthrough
from modelyard import ArgoCD as Delivery
from modelyard import (
    ArgoHook,
    Claim,
    ConfigFiles,
    CpuScale,
    Fleet,
    SynthesisError,
    minutes,
)
from modelyard.delivery.health import CUSTOMIZATIONS
from tests.cluster.api import MANAGER, ApiError, Manifest, is_true
from tests.cluster.argocd import PATIENCE, ArgoCD, application
from tests.cluster.cluster import Cluster
from tests.cluster.load import FOR_THREE, Load
from tests.cluster.programs import ROOT
from tests.cluster.team import Build, Team, missing, owners, service, training
from tests.support import raw

Observed = Callable[[str], None]
Teams = Callable[..., "contextlib.AbstractContextManager[ArgoTeam]"]
MODEL_V1 = "sha256:976c277f19dcd6d30db9f67822fb1bcf7d35e382ca95dab38fbdaf0d0d213222"
MODEL_V2 = "sha256:" + "2" * 64


class ArgoTeam(Team):
    """A team whose environment Argo CD syncs."""

    def __init__(self, argocd: ArgoCD, root: Path, name: str) -> None:
        super().__init__(argocd.api, root, name)
        self.argocd = argocd

    @property
    def delivery(self) -> Delivery:
        """An Application that reads the repository as a folder."""
        return Delivery(self.repository.url)

    def operation(self, phase: str, revision: str, message: str) -> None:
        """Wait until the operation of the Application is in *phase* with *revision*, and says *message*."""

        def seen(one: Manifest) -> bool:
            state = one.get("status", {}).get("operationState", {})
            found = state.get("phase"), state.get("syncResult", {}).get("revision"), state.get("message")
            return bool(found == (phase, revision, message))

        what = f"the sync of {revision[:8]} is {phase}"
        self.api.until_one(seen, application(self.namespace), what=what, seconds=PATIENCE)

    def bootstrap(self) -> None:
        """Apply the one file that is applied by hand."""
        self.by_hand()
        self.api.until_one(bool, application(self.namespace), what="the Application is made", seconds=PATIENCE)

    def refresh(self) -> None:
        """Have both Applications compared."""
        for name in (f"{self.namespace}-delivery", self.namespace):
            self.argocd.refresh(name)

    def synced(self, revision: str, *health: str) -> Manifest:
        """Return the Application when Argo CD has synced *revision*, and the delivery too."""
        self.refresh()
        self.argocd.until(f"{self.namespace}-delivery", revision)
        return self.argocd.until(self.namespace, revision, health=health or ("Healthy",))

    def leave(self, cluster: Cluster) -> None:
        """Delete the Applications, which deletes nothing else, and then the environment while it has its nodes."""
        for name in (f"{self.namespace}-delivery", self.namespace):
            with contextlib.suppress(ApiError):
                self.api.patch(application(name), {"spec": {"syncPolicy": None}})
                # A sync that is under way would make again what is deleted below.
                self.api.until_one(idle, application(name), what=f"{name} is left alone", seconds=PATIENCE)
                self.api.delete(application(name))
        self.api.delete({**application(self.namespace), "kind": "AppProject"})
        with contextlib.suppress(ApiError):
            cluster.clear(self.namespace)


@pytest.fixture
def team(argocd: ArgoCD, cluster: Cluster, tmp_path: Path) -> Teams:
    """Make a team with an environment, and nodes for it, as long as a block runs."""

    @contextlib.contextmanager
    def make(name: str, nodes: modelyard.Cluster = EKS) -> Iterator[ArgoTeam]:
        own = ArgoTeam(argocd, tmp_path / name, name)
        with cluster.nodes(nodes):
            try:
                yield own
            finally:
                own.leave(cluster)

    return make


def idle(manifest: Manifest) -> bool:
    """Tell whether no sync of an Application is wanted or under way."""
    return (
        "operation" not in manifest and manifest.get("status", {}).get("operationState", {}).get("phase") != "Running"
    )


def test_the_walkthrough_is_delivered(
    argocd: ArgoCD, cluster: Cluster, team: Teams, monkeypatch: pytest.MonkeyPatch, observed: Observed
) -> None:
    """First sync, autoscaler, finished training and a new model, each as the fleet in this repository has them."""
    with team("walkthrough", KIND) as own:
        own.namespace = "walkthrough"
        monkeypatch.setattr(sys.modules[walkthrough.__module__], "REPO", own.repository.url)
        lock = own.repository.root / "environments" / "walkthrough.lock.yaml"
        lock.parent.mkdir()
        shutil.copy(ROOT / "environments" / "walkthrough.lock.yaml", lock)
        api, namespace = cluster.api, own.namespace
        deployment = own.about("apps/v1", "Deployment", "ml-model")
        first = own.merge(walkthrough)
        own.bootstrap()
        own.synced(first, "Progressing", "Healthy")
        observed("argocd: one file applied, and Argo CD made the AppProject, the Application and all it names: Synced")
        (job,) = api.all("batch/v1", "Job", namespace)
        api.until_one(lambda one: one.get("status", {}).get("ready") == 1, job, what="the training runs")
        (pod,) = api.all("v1", "Pod", namespace, labels="app=ml-train")
        cluster.exits(pod, 0)
        api.until_one(lambda one: is_true(one, "Complete"), job, what="the training has ended")
        own.synced(first)
        observed("argocd: first sync Healthy and Synced when the training has ended")

        with Load(api, namespace, "ml-model") as load:
            load.set(FOR_THREE)
            api.until_one(
                lambda one: one["spec"]["replicas"] == 3, deployment, what="the autoscaler goes to 3", seconds=PATIENCE
            )
            before = own.synced(first)
            operations = len(before["status"]["history"])
            argocd.refresh(namespace)
            again = own.synced(first)
            assert api.current(deployment)["spec"]["replicas"] == 3
            assert len(again["status"]["history"]) == operations
            assert MANAGER not in owners(api.current(deployment), "f:replicas")
            observed("argocd: the autoscaler scaled 2 -> 3, and the Application stayed Synced: no sync, no reset")

            lock.write_text(lock.read_text().replace(MODEL_V1, MODEL_V2))
            second = own.merge(walkthrough)
            seen = own.rollout(deployment, second, MODEL_V2)
            assert {one["spec"]["replicas"] for one in seen} == {3}
            assert min(one["status"].get("availableReplicas", 0) for one in seen) >= 3
            observed(
                "argocd: a merge rolled a new image out, with 3 replicas in git's absence and never fewer available"
            )
        (after,) = api.all("batch/v1", "Job", namespace)
        assert after["metadata"]["uid"] == job["metadata"]["uid"]
        observed("argocd: the finished Job was synced again and not run again")


def test_drift_is_healed(team: Teams, observed: Observed) -> None:
    """What somebody changes or deletes by hand comes back as it stands in git."""
    with team("drift") as own:
        revision = own.merge(lambda fleet: service(own.environment(fleet)))
        own.bootstrap()
        own.synced(revision)
        deployment = own.object("apps/v1", "Deployment", "api")
        own.api.patch({"apiVersion": "apps/v1", "kind": "Deployment", **deployment}, {"spec": {"replicas": 1}})
        own.api.until_one(
            lambda one: one["spec"]["replicas"] == 2, own.about("apps/v1", "Deployment", "api"),
            what="the replicas of git are back", seconds=PATIENCE,
        )  # fmt: skip
        gone = own.object("v1", "Service", "api")["metadata"]["uid"]
        own.api.delete(own.about("v1", "Service", "api"))
        own.api.until_one(
            lambda one: one["metadata"]["uid"] != gone, own.about("v1", "Service", "api"),
            what="the Service is made again", seconds=PATIENCE,
        )  # fmt: skip
        own.api.patch(application(own.namespace), {"spec": {"syncPolicy": {"automated": {"prune": False}}}})
        own.api.until_one(
            lambda one: one["spec"]["syncPolicy"]["automated"]["prune"] is True, application(own.namespace),
            what="the Application is as rendered", seconds=PATIENCE,
        )  # fmt: skip
        observed("argocd: replicas changed by hand, a deleted Service and a changed Application are healed")


def test_a_removed_workload_is_pruned_and_its_claim_is_not(team: Teams, observed: Observed) -> None:
    """Nor is its run, which may still be going."""
    claim = Claim("checkpoints", "/checkpoints", size="1Gi", storage_class="efs", access_mode="ReadWriteMany")
    with team("removal") as own:
        revision = own.merge(own.with_training(claim))
        own.bootstrap()
        own.synced(revision, "Progressing", "Healthy")
        (job,) = own.api.all("batch/v1", "Job", own.namespace)
        assert own.pruned("old") == []
        revision = own.merge(lambda fleet: service(own.environment(fleet)))
        own.synced(revision, "Progressing", "Healthy")
        own.until_pruned("old")
        run = job["metadata"]["name"]
        assert own.kept(
            ("v1", "PersistentVolumeClaim", "checkpoints"), ("batch/v1", "Job", run), ("v1", "ServiceAccount", "train"),
            ("networking.k8s.io/v1", "NetworkPolicy", "train"),
        ) == ["checkpoints", run, "train", "train"]  # fmt: skip
        observed(
            "argocd: a removed service is pruned, a removed training's claim, run, account and policy are kept: Synced"
        )


@pytest.mark.parametrize("way", ["alone", "handed over"])
def test_replicas_that_leave_git(team: Teams, way: str, observed: Observed) -> None:
    """Without another owner the number falls to one for a moment; with the command of rule G13 it stays."""
    with team(f"scale-{len(way)}") as own:
        deployment = own.about("apps/v1", "Deployment", "api")
        first = own.merge(lambda fleet: service(own.environment(fleet), replicas=4))
        own.bootstrap()
        own.synced(first)
        if way == "handed over":
            own.api.apply({**deployment, "spec": {"replicas": 4}}, manager="handover")
        scale = CpuScale(min=2, max=6)
        second = own.merge(lambda fleet: service(own.environment(fleet), replicas=None, scale=scale))
        seen = [one["spec"]["replicas"] for one in own.states(deployment, second)]
        observed(f"argocd: replicas on the way from 4 in git to an autoscaler, {way}: {' '.join(map(str, seen))}")
        assert min(seen) == {"alone": 1, "handed over": 4}[way]


def test_a_sync_that_prunes_last_waits_for_a_training(cluster: Cluster, team: Teams, observed: Observed) -> None:
    """Why nothing that modelyard renders does, and rule G03 refuses it: the next commit is not synced meanwhile."""
    annotated = {"name": "old", "annotations": {"argocd.argoproj.io/sync-options": "PruneLast=true"}}
    old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": annotated, "data": {"a": "b"}}

    def build(*foreign: Manifest, replicas: int = 2) -> Build:
        def made(fleet: Fleet) -> None:
            env = own.environment(fleet, accept={"G03": "to see what happens"} if foreign else None)
            service(env, replicas=replicas)
            training(env)
            for one in foreign:
                raw(env, one)

        return made

    with team("last") as own:
        first = own.merge(build(old))
        own.bootstrap()
        own.synced(first, "Progressing")
        (job,) = own.api.all("batch/v1", "Job", own.namespace)
        second = own.merge(build())
        own.argocd.refresh(own.namespace)
        waits = f"waiting for healthy state of batch/Job/{job['metadata']['name']}"
        own.operation("Running", second, waits)
        third = own.merge(build(replicas=3))
        own.argocd.refresh(own.namespace)
        own.api.until_one(lambda one: one["status"].get("ready") == 1, job, what="the training runs")
        assert own.object("apps/v1", "Deployment", "api")["spec"]["replicas"] == 2
        own.operation("Running", second, waits)
        (pod,) = own.api.all("v1", "Pod", own.namespace, labels="app=train")
        cluster.exits(pod, 0)
        own.synced(third)
        assert own.object("apps/v1", "Deployment", "api")["spec"]["replicas"] == 3
        observed(f"argocd: a sync that prunes last lasts as long as a training: {waits}")


def test_what_leaves_git_goes_last_where_that_is_asked_for(team: Teams, observed: Observed) -> None:
    """A service with a new name serves before the old one goes."""
    with team("moved") as own:
        delivery = Delivery(own.repository.url, prune_last=True)
        old, new = "old", "new"
        first = own.merge(lambda fleet: service(own.environment(fleet, delivery=delivery), old))
        own.bootstrap()
        own.synced(first)
        second = own.merge(lambda fleet: service(own.environment(fleet, delivery=delivery), new))
        own.refresh()
        seen: dict[str, Manifest] = {}
        for found in own.api.watch("apps/v1", "Deployment", own.namespace, seconds=PATIENCE):
            seen = {one["metadata"]["name"]: one for one in found.values()}
            if old not in seen or "deletionTimestamp" in seen[old]["metadata"]:
                break
        available = seen[new]["status"].get("availableReplicas", 0)
        own.synced(second)
        own.until_pruned(old)
        observed(f"argocd: with prune_last, the old service went when the new one had {available} replicas available")
        assert available == 2


def test_a_training_that_is_a_hook(cluster: Cluster, team: Teams, observed: Observed) -> None:
    """The sync waits for it; a change of it alone is synced and makes a new Job; what is healed does not run it."""
    waits = "waiting for completion of hook batch/Job/train"

    def build(epochs: str) -> Build:
        def made(fleet: Fleet) -> None:
            env = own.environment(fleet)
            service(env)
            training(env, args=[epochs], hook=ArgoHook("PostSync"), deadline=minutes(20), retries=0)

        return made

    def runs(revision: str) -> Manifest:
        own.operation("Running", revision, waits)
        (job,) = own.api.all("batch/v1", "Job", own.namespace)
        own.api.until_one(lambda one: one["status"].get("ready") == 1, job, what="the training runs")
        (pod,) = own.api.all(
            "v1", "Pod", own.namespace, labels=f"batch.kubernetes.io/controller-uid={job['metadata']['uid']}"
        )
        cluster.exits(pod, 0)
        return job

    with team("hooked") as own:
        first = own.merge(build("1"))
        own.bootstrap()
        before = runs(first)
        own.synced(first)
        second = own.merge(build("2"))
        own.refresh()
        after = runs(second)
        own.synced(second)
        assert (before["metadata"]["name"], after["metadata"]["name"]) == ("train", "train")
        assert before["metadata"]["uid"] != after["metadata"]["uid"]
        assert after["spec"]["template"]["spec"]["containers"][0]["args"] == ["2"]
        own.api.patch(own.about("apps/v1", "Deployment", "api"), {"spec": {"replicas": 1}})
        own.api.until_one(
            lambda one: one["spec"]["replicas"] == 2, own.about("apps/v1", "Deployment", "api"),
            what="the replicas of git are back", seconds=PATIENCE,
        )  # fmt: skip
        own.synced(second)
        (still,) = own.api.all("batch/v1", "Job", own.namespace)
        assert still["metadata"]["uid"] == after["metadata"]["uid"]
        observed(
            f"argocd: a training as a hook: {waits}; its change alone was synced and ran; a healed Deployment did not run it"
        )


def test_what_the_project_allows_no_more_is_not_pruned(team: Teams, observed: Observed) -> None:
    """Why rule G11 keeps a kind allowed until its last object is deleted."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": {"hard": {"pods": "9"}}}

    def build(*foreign: Manifest, **options: Any) -> Build:
        def made(fleet: Fleet) -> None:
            env = own.environment(fleet, **options)
            service(env)
            for one in foreign:
                raw(env, one)

        return made

    with team("project") as own:
        first = own.merge(build(quota))
        own.bootstrap()
        own.synced(first)
        with pytest.raises(SynthesisError) as caught:
            own.merge(build())
        assert [finding.rule for finding in caught.value.findings] == ["G11"]
        dist = own.repository.root / "dist"
        project = dist / "_delivery" / own.name / f"appproject.argoproj.io-{own.namespace}.yaml"
        line = '  - group: ""\n    kind: ResourceQuota\n'
        assert line in project.read_text()
        allowed = project.read_text()
        project.write_text(allowed.replace(line, ""))
        delivery, disallowed = f"{own.namespace}-delivery", own.repository.commit("Do what G11 refuses")
        own.argocd.refresh(delivery)
        own.argocd.until(delivery, disallowed)
        (dist / own.name / "_environment" / "resourcequota-pods.yaml").unlink()
        own.synced(own.repository.commit("Remove the object"))
        assert not missing(own.api, own.about("v1", "ResourceQuota", "pods"))
        project.write_text(allowed)
        again = own.repository.commit("Allow it until it is deleted")
        own.argocd.refresh(delivery)
        own.argocd.until(delivery, again)
        own.synced(own.repository.commit("Anything, so that Argo CD syncs"))
        own.api.until(lambda found: found == [], "v1", "ResourceQuota", own.namespace, what="the quota is pruned")
        observed(
            "argocd: an object whose kind the AppProject allows no more stays for ever, Synced; allowed, it is pruned"
        )


def test_the_tree_of_an_application_shows_its_pods(team: Teams, observed: Observed) -> None:
    """Argo CD leaves out what the AppProject does not allow, so that nobody would see pods or their logs."""
    with team("tree") as own:
        first = own.merge(lambda fleet: service(own.environment(fleet)))
        own.bootstrap()
        own.synced(first)
        own.argocd.refresh(own.namespace)
        kinds = own.argocd.tree(own.namespace)
        observed(f"argocd: the tree of a service: {', '.join(sorted(kinds))}")
        assert {"Deployment", "ReplicaSet", "Pod", "Service"} <= kinds


def test_a_former_run_goes_on_and_never_starts_again(cluster: Cluster, team: Teams, observed: Observed) -> None:
    """It stays in ``dist/``; its failure is not the Application's, and one that is deleted is not made again."""

    def build(epochs: str) -> Build:
        return lambda fleet: training(own.environment(fleet), args=[epochs], keep_runs=1, retries=0)

    with team("kept") as own:
        first = own.merge(build("1"))
        own.bootstrap()
        own.synced(first, "Progressing")
        (old,) = own.api.all("batch/v1", "Job", own.namespace)
        own.api.until_one(lambda one: one["status"].get("ready") == 1, old, what="the first run runs")
        second = own.merge(build("2"))
        own.synced(second, "Progressing")
        (file,) = (own.repository.root / "dist" / own.name / "train").glob("job-*.yaml")
        assert file.stem == f"job-{old['metadata']['name']}"
        assert len(own.api.all("batch/v1", "Job", own.namespace)) == 2
        after = own.api.current(old)
        assert after["metadata"]["uid"] == old["metadata"]["uid"]
        assert after["status"]["active"] == 1
        assert "argocd.argoproj.io/hook" not in after["metadata"]["annotations"]
        (pod,) = own.api.all(
            "v1", "Pod", own.namespace, labels=f"batch.kubernetes.io/job-name={old['metadata']['name']}"
        )
        cluster.exits(pod, 1)
        own.api.until_one(lambda one: is_true(one, "Failed"), old, what="the first run has failed")
        own.synced(second, "Progressing")
        own.api.delete(old)
        own.synced(own.repository.commit("Anything, so that Argo CD syncs"), "Progressing")
        assert [one["metadata"]["name"] for one in own.api.all("batch/v1", "Job", own.namespace)] != []
        assert missing(own.api, old)
        observed(
            "argocd: a former run in dist/ went on beside the new one, failed without harm, and was not made again"
        )


def test_a_former_configuration_is_made_again(team: Teams, observed: Observed) -> None:
    """Somebody who tidies up takes nothing away that pods of the last rollout mount."""

    def build(text: str) -> Build:
        return lambda fleet: service(own.environment(fleet), config=ConfigFiles("/etc/api", {"a.yaml": text}))

    with team("configs") as own:
        first = own.merge(build("a: 1\n"))
        own.bootstrap()
        own.synced(first)
        (old,) = own.api.all("v1", "ConfigMap", own.namespace, labels="app=api")
        own.synced(own.merge(build("a: 2\n")))
        own.api.delete(old)
        own.api.until(
            lambda found: any(
                one["metadata"]["name"] == old["metadata"]["name"] and one["metadata"]["uid"] != old["metadata"]["uid"]
                for one in found
            ),
            "v1", "ConfigMap", own.namespace, what="the former configuration is made again",
        )  # fmt: skip
        observed("argocd: the last configuration of a service stays in dist/, and was made again when it was deleted")


@pytest.mark.parametrize(("overridden", "health"), [(False, "Healthy"), (True, "Progressing")])
def test_the_health_of_a_run_that_was_suspended(
    team: Teams,
    observed: Observed,
    overridden: bool,  # noqa: FBT001
    health: str,
) -> None:
    """Argo CD takes one that runs again for one that has ended, but for the patch that ``health=True`` renders."""
    data = CUSTOMIZATIONS["data"] if overridden else {}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}}
    with team(f"health-{health.lower()}") as own:
        own.api.patch(settings, {"data": data})
        try:
            revision = own.merge(lambda fleet: training(own.environment(fleet)))
            own.bootstrap()
            own.synced(revision, "Progressing")
            (job,) = own.api.all("batch/v1", "Job", own.namespace)
            own.api.patch(job, {"spec": {"suspend": True}})
            own.synced(revision, "Suspended")
            own.api.patch(job, {"spec": {"suspend": False}})
            own.api.until_one(lambda one: one["status"].get("active") == 1, job, what="the run goes on")
            own.synced(revision, health)
            observed(f"argocd: a run that goes on after a pause is {health} {'with' if data else 'without'} our lines")
        finally:
            own.api.patch(settings, {"data": dict.fromkeys(data)})
