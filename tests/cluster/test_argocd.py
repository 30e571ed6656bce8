"""A real Argo CD syncs a git repository with the Applications that modelyard renders, and nothing bad happens."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from environments.clusters import EKS, KIND
from environments.walkthrough import walkthrough
from modelyard import ArgoCD as Delivery
from modelyard import Claim, Environment, Fleet, Gpu, ScalableModelService, TrainingJob, hours
from modelyard.render.engine import Request, synthesize
from tests.cluster.api import Api, ApiError, Manifest, is_true
from tests.cluster.argocd import PATIENCE, ArgoCD, Repository, application
from tests.cluster.cluster import Cluster
from tests.cluster.load import Load
from tests.cluster.programs import ROOT
from tests.support import IMAGE

Observed = Callable[[str], None]
Build = Callable[[Fleet], object]
MODEL_V1 = "sha256:976c277f19dcd6d30db9f67822fb1bcf7d35e382ca95dab38fbdaf0d0d213222"
MODEL_V2 = "sha256:" + "2" * 64


class Team:
    """
    A team with one environment: it renders, merges, and looks at what Argo CD makes of it.

    Args:
        argocd: Which syncs.

        root: The team's repository.

        name: Of the environment.
    """

    def __init__(self, argocd: ArgoCD, root: Path, name: str) -> None:
        self.argocd, self.api, self.name = argocd, argocd.api, name
        self.repository = Repository(root)
        self.namespace = f"ml-{name}"

    def environment(self, fleet: Fleet, **options: Any) -> Environment:
        """Return the environment, delivered from the repository."""
        delivery = Delivery(self.repository.url, **options)
        return Environment(fleet, self.name, cluster=EKS, namespace=self.namespace, delivery=delivery)

    def merge(self, build: Build) -> str:
        """Render what *build* says and commit it; return the revision."""
        root = self.repository.root
        fleet = Fleet({self.name: build}, root=root)
        synthesize(Request(main=root / "main.py", fleet=fleet))
        return self.repository.commit("Render")

    def bootstrap(self) -> None:
        """Apply the one file that is applied by hand."""
        folder = self.repository.root / "dist" / "_delivery" / self.name
        (file,) = folder.glob("application.*-delivery.yaml")
        self.api.apply(yaml.safe_load(file.read_text()), manager="kubectl")
        self.api.until_one(bool, application(self.namespace), what="the Application is made", seconds=PATIENCE)

    def synced(self, revision: str, *health: str) -> Manifest:
        """Return the Application when Argo CD has synced *revision*, and the delivery too."""
        for name in (f"{self.namespace}-delivery", self.namespace):
            self.argocd.refresh(name)
        self.argocd.until(f"{self.namespace}-delivery", revision)
        return self.argocd.until(self.namespace, revision, health=health or ("Healthy",))

    def object(self, api_version: str, kind: str, name: str) -> Manifest:
        """Return an object of the environment."""
        return self.api.get(api_version, kind, name, self.namespace)

    def about(self, api_version: str, kind: str, name: str) -> Manifest:
        """Return what identifies an object of the environment."""
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}

    def leave(self, cluster: Cluster) -> None:
        """Delete the Applications, which deletes nothing else, and then the environment."""
        for name in (f"{self.namespace}-delivery", self.namespace):
            self.api.delete(application(name))
        self.api.delete({**application(self.namespace), "kind": "AppProject"})
        with contextlib.suppress(ApiError):
            cluster.clear(self.namespace)


@pytest.fixture
def team(argocd: ArgoCD, cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[str], Team]]:
    """Make a team with an environment of the given name; what is left of it goes at the end."""
    made: list[Team] = []

    def make(name: str) -> Team:
        made.append(Team(argocd, tmp_path / name, name))
        return made[-1]

    yield make
    for one in made:
        one.leave(cluster)


def missing(api: Api, manifest: Manifest) -> bool:
    """Tell whether the object is gone, or going."""
    try:
        return "deletionTimestamp" in api.current(manifest)["metadata"]
    except ApiError as error:
        return error.code == 404


def service(env: Environment, **options: Any) -> ScalableModelService:
    """Return a small service."""
    stock = {"image": IMAGE, "port": 8000, "health": "/healthz", "cpu": "500m", "memory": "1Gi", "replicas": 2}
    return ScalableModelService(env, "api", **{**stock, **options})


def training(env: Environment, **options: Any) -> TrainingJob:
    """Return a training."""
    stock = {"image": IMAGE, "command": ["python", "train.py"], "gpu": Gpu("l4", 1), "deadline": hours(6)}
    return TrainingJob(env, "train", **{**stock, **options})


def test_the_walkthrough_is_delivered(
    argocd: ArgoCD, cluster: Cluster, team: Callable[[str], Team], monkeypatch: pytest.MonkeyPatch, observed: Observed
) -> None:
    """First sync, autoscaler, finished training and a new model, each as the fleet in this repository has them."""
    own = team("walkthrough")
    own.namespace = "walkthrough"
    root = own.repository.root
    monkeypatch.setattr(sys.modules[walkthrough.__module__], "REPO", own.repository.url)
    lock = root / "environments" / "walkthrough.lock.yaml"
    lock.parent.mkdir()
    shutil.copy(ROOT / "environments" / "walkthrough.lock.yaml", lock)
    api, namespace = cluster.api, own.namespace
    deployment = own.about("apps/v1", "Deployment", "ml-model")
    with cluster.nodes(KIND):
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
            load.set(2100)
            api.until_one(
                lambda one: one["spec"]["replicas"] == 3, deployment, what="the autoscaler goes to 3", seconds=PATIENCE
            )
            before = own.synced(first)
            operations = len(before["status"]["history"])
            argocd.refresh(namespace)
            again = own.synced(first)
            assert api.current(deployment)["spec"]["replicas"] == 3
            assert len(again["status"]["history"]) == operations
            observed("argocd: the autoscaler scaled 2 -> 3, and the Application stayed Synced: no sync, no reset")

            lock.write_text(lock.read_text().replace(MODEL_V1, MODEL_V2))
            second = own.merge(walkthrough)
            seen = watched(own, deployment, second)
            assert {one["spec"]["replicas"] for one in seen} == {3}
            assert min(one["status"].get("availableReplicas", 0) for one in seen) >= 3
            observed(
                "argocd: a merge rolled a new image out, with 3 replicas in git's absence and never fewer available"
            )
        (after,) = api.all("batch/v1", "Job", namespace)
        assert after["metadata"]["uid"] == job["metadata"]["uid"]
        observed("argocd: the finished Job was synced again and not run again")


def watched(own: Team, deployment: Manifest, revision: str) -> list[Manifest]:
    """Return every state of *deployment* until *revision* is synced and rolled out."""
    metadata = deployment["metadata"]
    for name in (f"{own.namespace}-delivery", own.namespace):
        own.argocd.refresh(name)
    states: list[Manifest] = []
    for objects in own.api.watch(
        "apps/v1", "Deployment", metadata["namespace"], name=metadata["name"], seconds=PATIENCE
    ):
        states.extend(objects.values())
        if rolled_out(states[-1], MODEL_V2):
            break
    own.synced(revision)
    return states


def rolled_out(deployment: Manifest, digest: str) -> bool:
    """Tell whether all replicas run the image of *digest*."""
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    fresh = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return digest in image and fresh and counts == {wanted}


def test_drift_is_healed(cluster: Cluster, team: Callable[[str], Team], observed: Observed) -> None:
    """What somebody changes or deletes by hand comes back as it stands in git."""
    own = team("drift")
    with cluster.nodes(EKS):
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
        observed("argocd: replicas changed by hand and a deleted Service are healed")


def test_a_removed_workload_is_pruned_and_its_claim_is_not(
    cluster: Cluster, team: Callable[[str], Team], observed: Observed
) -> None:
    """Nor is its run, which may still be going."""
    own = team("removal")
    claim = Claim("checkpoints", "/checkpoints", size="1Gi", storage_class="efs", access_mode="ReadWriteMany")

    def with_training(fleet: Fleet) -> None:
        env = own.environment(fleet)
        service(env)
        training(env, volumes=[claim])

    with cluster.nodes(EKS):
        revision = own.merge(with_training)
        own.bootstrap()
        own.synced(revision, "Progressing", "Healthy")
        (job,) = own.api.all("batch/v1", "Job", own.namespace)
        revision = own.merge(lambda fleet: service(own.environment(fleet)))
        done = own.synced(revision, "Progressing", "Healthy")
        assert missing(own.api, own.about("v1", "ServiceAccount", "train"))
        assert missing(own.api, own.about("networking.k8s.io/v1", "NetworkPolicy", "train"))
        assert not missing(own.api, own.about("v1", "PersistentVolumeClaim", "checkpoints"))
        assert not missing(own.api, own.about("batch/v1", "Job", job["metadata"]["name"]))
        assert done["status"]["sync"]["status"] == "Synced"
        observed("argocd: a removed training's account and policy are pruned, its claim and its run are kept: Synced")
