"""A real Flux syncs a git repository with the Kustomizations that modelyard renders, and nothing bad happens."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import modelyard
from environments.clusters import EKS
from modelyard import Claim, CpuScale, Fleet
from modelyard import Flux as Delivery
from tests.cluster.api import ApiError, Manifest, condition, is_true
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux, git_repository, kustomization, oci_repository
from tests.cluster.git import GitServer
from tests.cluster.load import Load
from tests.cluster.objects import steady
from tests.cluster.team import SERVED, Build, Team, missing, owners, service, training
from tests.support import IMAGE

Observed = Callable[[str], None]
Teams = Callable[..., "contextlib.AbstractContextManager[FluxTeam]"]
FLUX = "kustomize-controller"
"""The field manager that Flux applies as."""
DIGEST = "sha256:" + "3" * 64
NEW = f"{IMAGE.partition('@')[0]}@{DIGEST}"


class FluxTeam(Team):
    """A team whose environment Flux syncs."""

    def __init__(self, flux: Flux, root: Path, name: str, url: str, **options: Any) -> None:
        super().__init__(flux.api, root, name)
        self.flux, self.url, self.options = flux, url, options

    @property
    def source(self) -> Manifest:
        """What identifies the object that says where the manifests are."""
        made = oci_repository if self.url.startswith("oci://") else git_repository
        return made(self.namespace)

    @property
    def delivery(self) -> Delivery:
        """A Kustomization that reads the repository from its server."""
        return Delivery(self.url, **self.options)

    def bootstrap(self) -> None:
        """Apply the one file that is applied by hand."""
        self.by_hand()

    def refresh(self) -> None:
        """Have the repository fetched."""
        self.flux.request(self.source)

    def synced(self, revision: str, *health: str) -> Manifest:  # noqa: ARG002 # Flux knows one health
        """Return the Kustomization when Flux has synced *revision*, and the delivery too."""
        self.refresh()
        self.flux.until(f"{self.namespace}-delivery", revision)
        return self.flux.until(self.namespace, revision)

    def again(self) -> Manifest:
        """Have the environment looked at although nothing was committed, as Flux does at each interval."""
        return self.flux.request(kustomization(self.namespace))

    def leave(self, cluster: Cluster) -> None:
        """Delete the Kustomizations, which deletes nothing else, and then the environment while it has its nodes."""
        names = [f"{self.namespace}-delivery", self.namespace]
        for one in [*map(kustomization, names), self.source]:
            self.api.delete(one)
            self.api.until(
                lambda found: found == [], one["apiVersion"], one["kind"], one["metadata"]["namespace"],
                name=one["metadata"]["name"], what=f"{one['metadata']['name']} is deleted",
            )  # fmt: skip
        with contextlib.suppress(ApiError):
            cluster.clear(self.namespace)


@pytest.fixture
def team(flux: Flux, cluster: Cluster, tmp_path: Path) -> Iterator[Teams]:
    """Make a team with an environment, and nodes for it, as long as a block runs."""
    with GitServer(tmp_path) as server:

        @contextlib.contextmanager
        def make(name: str, nodes: modelyard.Cluster = EKS, **options: Any) -> Iterator[FluxTeam]:
            own = FluxTeam(flux, tmp_path / name, name, f"{server.url}/{name}", **options)
            with cluster.nodes(nodes):
                try:
                    yield own
                finally:
                    own.leave(cluster)

        yield make


def test_a_service_is_delivered(cluster: Cluster, team: Teams, observed: Observed) -> None:
    """First sync, autoscaler, finished training and a new image."""
    with team("flux-walk") as own:
        api, namespace = cluster.api, own.namespace

        def build(image: str) -> Build:
            def made(fleet: Fleet) -> None:
                env = own.environment(fleet)
                service(env, image=image, replicas=None, scale=CpuScale(min=2, max=3))
                training(env)

            return made

        deployment = own.about("apps/v1", "Deployment", "api")
        first = own.merge(build(IMAGE))
        own.bootstrap()
        ready = own.synced(first)
        (job,) = api.all("batch/v1", "Job", namespace)
        assert len(ready["status"]["inventory"]["entries"]) == len(
            list((own.delivered.parents[1] / own.name).rglob("*.yaml"))
        )
        assert condition(ready, "Healthy")["message"].startswith("Health check passed in ")
        observed("flux: one file applied, and Flux applied all that lies in git: Ready, while the training runs")
        api.until_one(lambda one: one.get("status", {}).get("ready") == 1, job, what="the training runs")
        (pod,) = api.all("v1", "Pod", namespace, labels="app=train")
        cluster.exits(pod, 0)
        api.until_one(lambda one: is_true(one, "Complete"), job, what="the training has ended")

        with Load(api, namespace, "api") as load:
            load.set(2100)
            # That is the most it may want, so it stays there.
            api.until_one(lambda one: steady(one, 3), deployment, what="the autoscaler goes to 3")
            own.again()
            after = api.current(deployment)
            assert after["spec"]["replicas"] == 3
            assert FLUX not in owners(after, "f:replicas")
            observed("flux: the autoscaler scaled 2 -> 3, and Flux, asked to reconcile, reset nothing")

            second = own.merge(build(NEW))
            seen = own.rollout(deployment, second, DIGEST)
            assert {one["spec"]["replicas"] for one in seen} == {3}
            assert min(one["status"].get("availableReplicas", 0) for one in seen) >= 3
            observed("flux: a merge rolled a new image out, with never fewer than 3 available")
        (again,) = api.all("batch/v1", "Job", namespace)
        assert again["metadata"]["uid"] == job["metadata"]["uid"]
        assert is_true(again, "Complete")
        observed("flux: the finished Job was applied again and not run again")


def test_drift_is_healed(team: Teams, observed: Observed) -> None:
    """What somebody changes or deletes by hand comes back as it stands in git."""
    with team("flux-drift") as own:
        revision = own.merge(lambda fleet: service(own.environment(fleet)))
        own.bootstrap()
        own.synced(revision)
        deployment = own.about("apps/v1", "Deployment", "api")
        own.api.patch(deployment, {"spec": {"replicas": 1}})
        gone = own.object("v1", "Service", "api")["metadata"]["uid"]
        own.api.delete(own.about("v1", "Service", "api"))
        own.again()
        assert own.api.current(deployment)["spec"]["replicas"] == 2
        assert own.object("v1", "Service", "api")["metadata"]["uid"] != gone
        own.api.patch(kustomization(own.namespace), {"spec": {"prune": False}})
        own.flux.request(kustomization(f"{own.namespace}-delivery"))
        assert own.api.current(kustomization(own.namespace))["spec"]["prune"] is True
        observed("flux: replicas changed by hand, a deleted Service and a changed Kustomization are healed")


def test_fields_that_are_ignored_without_a_target_are_healed_nowhere(team: Teams, observed: Observed) -> None:
    """What somebody wrote for one Deployment holds for every object that has such a field."""
    with team("flux-ignored") as own:
        revision = own.merge(lambda fleet: service(own.environment(fleet)))
        own.bootstrap()
        own.synced(revision)
        deployment, found = own.about("apps/v1", "Deployment", "api"), []
        for target in ({}, {"target": {"kind": "Deployment", "name": "other"}}):
            own.api.patch(kustomization(own.namespace), {"spec": {"ignore": [{"paths": ["/spec/replicas"], **target}]}})
            own.api.patch(deployment, {"spec": {"replicas": 1}})
            own.again()
            found.append(own.api.current(deployment)["spec"]["replicas"])
        observed(
            f"G07: replicas changed by hand are {found[0]} after a sync that ignores them without a target, and "
            f"{found[1]} after one that ignores those of another Deployment"
        )
        assert found == [1, 2]


def test_a_removed_workload_is_pruned_and_its_claim_is_not(team: Teams, observed: Observed) -> None:
    """Nor are its run, which may still be going, and the namespace."""
    claim = Claim("checkpoints", "/checkpoints", size="1Gi", storage_class="efs", access_mode="ReadWriteMany")
    with team("flux-removal") as own:
        revision = own.merge(own.with_training(claim))
        own.bootstrap()
        own.synced(revision)
        (job,) = own.api.all("batch/v1", "Job", own.namespace)
        assert own.pruned("old") == []
        own.synced(own.merge(lambda fleet: service(own.environment(fleet))))
        assert own.pruned("old") == [kind for _, kind in SERVED]
        run = job["metadata"]["name"]
        lasting = [
            ("v1", "PersistentVolumeClaim", "checkpoints"), ("batch/v1", "Job", run), ("v1", "ServiceAccount", "train"),
            ("networking.k8s.io/v1", "NetworkPolicy", "train"),
        ]  # fmt: skip
        assert own.kept(*lasting) == ["checkpoints", run, "train", "train"]
        observed(
            "flux: a removed service is pruned, a removed training's claim, run, account and policy are kept: Ready"
        )

        folder = own.repository.root / "dist" / own.name
        (folder / "_environment" / "namespace.yaml").unlink()
        own.synced(own.repository.commit("Remove the namespace"))
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own.namespace}}
        assert not missing(own.api, namespace)
        shutil.rmtree(folder)
        own.repository.commit("Remove the environment")
        own.refresh()
        broken = own.api.until_one(
            lambda one: condition(one, "Ready").get("reason") == "ArtifactFailed", kustomization(own.namespace),
            what="Flux finds no folder",
        )  # fmt: skip
        own.api.delete(kustomization(own.namespace))
        own.api.until(
            lambda found: found == [], broken["apiVersion"], "Kustomization", "flux-system",
            name=own.namespace, what="the Kustomization is deleted",
        )  # fmt: skip
        assert own.kept(*lasting) == ["checkpoints", run, "train", "train"]
        assert own.pruned("api") == []
        assert not missing(own.api, namespace)
        observed(
            "flux: a Namespace without manifest, an environment without folder and a deleted Kustomization delete nothing"
        )
