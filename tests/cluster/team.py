"""A team that has one environment, whoever syncs it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from environments.clusters import EKS
from modelyard import Claim, Environment, Fleet, Gpu, ScalableModelService, TrainingJob, hours
from modelyard.fleet.delivery import Delivery
from modelyard.render.engine import Request, synthesize
from tests.cluster.api import PATIENCE, Api, ApiError, Manifest
from tests.cluster.following import Recording
from tests.cluster.git import GitRepository
from tests.support import IMAGE

Build = Callable[[Fleet], object]


SERVED = (
    ("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "ServiceAccount"), ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
)  # fmt: skip
"""What a service with two replicas consists of."""


class Team(ABC):
    """
    A team with one environment: it renders, merges, and looks at what comes of it.

    Args:
        api: Of its cluster.

        root: Its repository.

        name: Of the environment.
    """

    def __init__(self, api: Api, root: Path, name: str) -> None:
        self.api, self.name = api, name
        self.repository = GitRepository(root)
        self.namespace = f"ml-{name}"

    @property
    @abstractmethod
    def delivery(self) -> Delivery:
        """How the environment is delivered from the repository."""

    @abstractmethod
    def refresh(self) -> None:
        """Have the controller look at the repository, as a webhook of the git server does."""

    @abstractmethod
    def synced(self, revision: str, *health: str) -> Manifest:
        """Return the object that stands for the environment when *revision* is synced, and the delivery too."""

    @property
    def delivered(self) -> Path:
        """The folder of the objects that the controller itself reads."""
        return self.repository.root / "dist" / "_delivery" / self.name

    def by_hand(self) -> None:
        """Apply the one file that is applied by hand."""
        file = self.repository.root / "dist" / "_bootstrap" / f"{self.name}.yaml"
        for manifest in yaml.safe_load_all(file.read_text()):
            self.api.apply(manifest, manager="kubectl")

    def environment(self, fleet: Fleet, **options: Any) -> Environment:
        """Return the environment."""
        stock = {"cluster": EKS, "namespace": self.namespace, "delivery": self.delivery}
        return Environment(fleet, self.name, **{**stock, **options})

    def merge(self, build: Build) -> str:
        """Render what *build* says and commit it; return the revision."""
        root = self.repository.root
        fleet = Fleet({self.name: build}, root=root)
        synthesize(Request(main=root / "main.py", fleet=fleet))
        return self.repository.commit("Render")

    def states(self, deployment: Manifest, revision: str) -> list[Manifest]:
        """Return every state of *deployment* until *revision* is synced."""
        metadata = deployment["metadata"]
        with Recording(self.api, "apps/v1", "Deployment", metadata["namespace"], name=metadata["name"]) as seen:
            self.synced(revision)
        return seen.one()

    def rollout(self, deployment: Manifest, revision: str, digest: str) -> list[Manifest]:
        """Return every state of *deployment* until *revision* is synced and all replicas run the image of *digest*."""
        metadata = deployment["metadata"]
        watch = self.api.watch("apps/v1", "Deployment", metadata["namespace"], name=metadata["name"], seconds=PATIENCE)
        # What happens from now on waits until it is read.
        states = list(next(watch).values())
        self.refresh()
        for objects in watch:
            states.extend(objects.values())
            if rolled_out(states[-1], digest):
                break
        self.synced(revision)
        return states

    def pruned(self, service: str) -> list[str]:
        """Return the kinds of the objects of a removed *service* that are gone."""
        return [kind for version, kind in SERVED if missing(self.api, self.about(version, kind, service))]

    def with_training(self, claim: Claim) -> Build:
        """Return what makes a service, another one called ``old``, and a training that mounts *claim*."""

        def made(fleet: Fleet) -> None:
            env = self.environment(fleet)
            service(env)
            service(env, "old")
            training(env, volumes=[claim])

        return made

    def until_pruned(self, service: str) -> None:
        """Wait until all objects of a removed *service* are gone, or going: a controller may be told of it late."""
        for version, kind in SERVED:
            self.api.until(
                lambda found: all("deletionTimestamp" in one["metadata"] for one in found),
                version,
                kind,
                self.namespace,
                name=service,
                what=f"{kind} {service} is pruned",
            )

    def kept(self, *names: tuple[str, str, str]) -> list[str]:
        """Return the names of those objects, as apiVersion, kind and name, that are there."""
        return [one[2] for one in names if not missing(self.api, self.about(*one))]

    def object(self, api_version: str, kind: str, name: str) -> Manifest:
        """Return an object of the environment."""
        return self.api.get(api_version, kind, name, self.namespace)

    def about(self, api_version: str, kind: str, name: str) -> Manifest:
        """Return what identifies an object of the environment."""
        return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}}


def missing(api: Api, manifest: Manifest) -> bool:
    """Tell whether the object is gone, or going."""
    try:
        return "deletionTimestamp" in api.current(manifest)["metadata"]
    except ApiError as error:
        return error.code == 404


def owners(manifest: Manifest, field: str) -> list[str]:
    """Return the field managers that own *field* of the spec."""
    entries = manifest["metadata"]["managedFields"]
    return [one["manager"] for one in entries if field in one.get("fieldsV1", {}).get("f:spec", {})]


def service(env: Environment, name: str = "api", **options: Any) -> ScalableModelService:
    """Return a small service."""
    stock = {"image": IMAGE, "port": 8000, "health": "/healthz", "cpu": "500m", "memory": "1Gi", "replicas": 2}
    return ScalableModelService(env, name, **{**stock, **options})


def training(env: Environment, **options: Any) -> TrainingJob:
    """Return a training."""
    stock = {"image": IMAGE, "command": ["python", "train.py"], "gpu": Gpu("l4", 1), "deadline": hours(6)}
    return TrainingJob(env, "train", **{**stock, **options})


def rolled_out(deployment: Manifest, digest: str) -> bool:
    """Tell whether all replicas run the image of *digest*."""
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    fresh = status.get("observedGeneration") == deployment["metadata"]["generation"]
    counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    return digest in image and fresh and counts == {wanted}
