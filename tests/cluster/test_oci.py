"""
Argo CD and Flux pull ``dist/`` from a registry that asks for a password, as the pipelines in ``docs/ci`` publish it.

The registry has no TLS, since it is on loopback. oras and Flux take a registry of such a name for one without;
Argo CD wants ``insecureOCIForceHttp`` in the Secret with the credentials. Nothing else differs from what users do.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.clusters import EKS
from modelyard import ArgoCD as ArgoDelivery
from tests.cluster.api import Manifest, condition
from tests.cluster.argocd import PATIENCE, ArgoCD, application
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux
from tests.cluster.git import GitRepository
from tests.cluster.registry import PASSWORD, Registry
from tests.cluster.team import Build, Team, service
from tests.cluster.test_argocd import ArgoTeam
from tests.cluster.test_flux import FluxTeam
from tests.pipelines import CI
from tests.support import IMAGE
from tests.test_docs import blocks, commands

Observed = Callable[[str], None]
DIGEST = "sha256:" + "6" * 64
NEW = f"{IMAGE.partition('@')[0]}@{DIGEST}"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
FLUX_LAYER = "application/vnd.cncf.flux.content.v1.tar+gzip"
"""What ``flux push artifact`` calls the same content."""
SECRET = "models"  # noqa: S105 # the name of one
"""The Secret that docs/gitops.md has people make."""


class ArgoArtifacts(ArgoTeam):
    """A team whose pipeline on GitHub publishes ``dist/``, which Argo CD pulls."""

    def __init__(self, argocd: ArgoCD, root: Path, registry: Registry) -> None:
        super().__init__(argocd, root, root.name)
        self.registry = registry

    @property
    def delivery(self) -> ArgoDelivery:
        """An Application that reads the artifact."""
        return ArgoDelivery(f"oci://{self.registry.artifact(self.name)}", revision="main")

    def merge(self, build: Build) -> str:
        """Render what *build* says, commit and publish it; return the artifact's digest."""
        super().merge(build)
        return self.registry.publish("github.yaml", self.repository, self.name)


class FluxArtifacts(FluxTeam):
    """A team whose pipeline on GitLab publishes ``dist/``, which Flux pulls."""

    def __init__(self, flux: Flux, root: Path, registry: Registry) -> None:
        super().__init__(flux, root, root.name, f"oci://{registry.artifact(root.name)}", secret=SECRET)
        self.registry = registry

    def merge(self, build: Build) -> str:
        """Render what *build* says, commit and publish it; return the artifact's digest."""
        super().merge(build)
        return self.registry.publish("gitlab.yaml", self.repository, self.name)


def serving(own: Team, image: str = IMAGE) -> Build:
    """Return what makes a service."""
    return lambda fleet: service(own.environment(fleet), image=image)


def shown(word: str, artifact: str) -> str:
    """Return the commands of docs/gitops.md that have *word* in them, with the address of an *artifact* of these tests."""
    found = [
        command
        for block in blocks(CI.parent / "gitops.md")
        if block.language == "console"
        for command, _ in commands(block)
        if word in command
    ]
    host = artifact.partition("/")[0]
    return "\n".join(found).replace("registry.example/models", artifact).replace("registry.example", host)


def sign_in(registry: Registry, name: str, namespace: str) -> Manifest:
    """Make the Secret with the credentials in *namespace*, as docs/gitops.md says, and return what identifies it."""
    script = shown(f"{SECRET} -n {namespace}", registry.artifact(name))
    registry.run(script, registry.folder, {"TOKEN": PASSWORD})
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": namespace}}


def files(own: Team) -> int:
    """Return how many manifests of the environment there are."""
    return len(list((own.delivered.parents[1] / own.name).rglob("*.yaml")))


def rolls_out(own: Team, first: str) -> str:
    """Publish another image, and see it roll out; return the digest of the artifact, which the same tree has again."""
    second = own.merge(serving(own, NEW))
    assert second != first
    seen = own.rollout(own.about("apps/v1", "Deployment", "api"), second, DIGEST)
    assert min(one["status"].get("availableReplicas", 0) for one in seen) >= 2
    assert own.merge(serving(own, NEW)) == second
    return second


def push_otherwise(registry: Registry, own: Team) -> str:
    """Publish what lies in git as ``flux push artifact`` does; return the artifact's digest."""
    script = shown("dist.tar.gz", registry.artifact(own.name)).replace(LAYER, FLUX_LAYER)
    registry.run(script, registry.checkout(own.repository))
    assert [layer["mediaType"] for layer in registry.manifest(own.name)["layers"]] == [FLUX_LAYER]
    return registry.digest(own.name)


def test_argo_cd_pulls_what_a_pipeline_publishes(
    argocd: ArgoCD, cluster: Cluster, registry: Registry, tmp_path: Path, observed: Observed
) -> None:
    """With the objects that are rendered for it, one of them applied by hand."""
    own = ArgoArtifacts(argocd, tmp_path / "argo-oci", registry)
    first = own.merge(serving(own))
    secret = sign_in(registry, own.name, "argocd")
    own.api.patch(secret, {"stringData": {"insecureOCIForceHttp": "true"}})
    with cluster.nodes(EKS):
        try:
            own.bootstrap()
            pulled = own.synced(first)
            assert len(pulled["status"]["resources"]) == files(own)
            observed("argocd: one file applied, and Argo CD pulled dist/ from a registry: Synced and Healthy")
            second = rolls_out(own, first)
            own.synced(second)
            observed("argocd: what a pipeline published next rolled out, with never fewer than 2 available")
            push_otherwise(registry, own)
            own.refresh()
            told = own.api.until_one(
                lambda one: bool(one["status"].get("conditions")), application(own.namespace), what="Argo CD refuses it",
                seconds=PATIENCE,
            )  # fmt: skip
            (refusal,) = told["status"]["conditions"]
            assert refusal["type"] == "ComparisonError"
            assert f"oci layer media type {FLUX_LAYER} is not in the list of allowed media types" in refusal["message"]
            observed("argocd: what flux push artifact calls its content is refused")
        finally:
            own.leave(cluster)
            own.api.delete(secret)


def test_flux_pulls_what_a_pipeline_publishes(
    flux: Flux, cluster: Cluster, registry: Registry, tmp_path: Path, observed: Observed
) -> None:
    """With the objects that are rendered for it, two of them applied by hand."""
    own = FluxArtifacts(flux, tmp_path / "flux-oci", registry)
    first = own.merge(serving(own))
    secret = sign_in(registry, own.name, "flux-system")
    with cluster.nodes(EKS):
        try:
            own.bootstrap()
            ready = own.synced(first)
            assert len(ready["status"]["inventory"]["entries"]) == files(own)
            assert condition(ready, "Healthy")["message"].startswith("Health check passed in ")
            observed("flux: one file applied, and Flux pulled dist/ from a registry: Ready and Healthy")
            second = rolls_out(own, first)
            own.synced(second)
            observed("flux: what a pipeline published next rolled out, with never fewer than 2 available")
            own.synced(push_otherwise(registry, own))
            observed("flux: what flux push artifact calls its content is read as well")
        finally:
            own.leave(cluster)
            own.api.delete(secret)


def test_the_same_tree_is_the_same_artifact(registry: Registry, tmp_path: Path, observed: Observed) -> None:
    """Whichever pipeline publishes it, or somebody by hand, with files that nobody else may read."""
    repository = GitRepository(tmp_path / "repository")
    manifest = repository.root / "dist" / "prod" / "a.yaml"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("a: 1\n")
    repository.commit("Render")
    one = registry.publish("github.yaml", repository, "same")
    repository.commit("Anything")
    assert registry.publish("gitlab.yaml", repository, "same") == one
    folder = registry.checkout(repository, mask="077")
    registry.run(shown("dist.tar.gz", registry.artifact("same")), folder)
    assert registry.digest("same") == one
    observed(f"oras: both pipelines, and the commands of the page, make {one[:19]} of one tree")

    pushed = registry.manifest("same")
    assert [layer["mediaType"] for layer in pushed["layers"]] == [LAYER]
    assert pushed["annotations"] == {"org.opencontainers.image.created": "1970-01-01T00:00:00Z"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{registry.host}/v2/", timeout=60)
    assert refused.value.code == 401
    refused.value.close()
