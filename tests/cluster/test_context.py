"""
Would a cluster accept what is in ``dist/``? It is asked by a dry run, which stores nothing.

``make cluster-dry-run CONTEXT=NAME`` asks the cluster of a context of your own kubeconfig, and does nothing else. Without
it, the tests' own cluster is asked, which shows that the asking works.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from environments import ENVIRONMENTS
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install
from tests.cluster.manifests import rendered
from tests.cluster.programs import NEWEST, built

Manifest = dict[str, Any]
STAND_IN = "default"
"""Where objects are tried whose own namespace the cluster does not have: every cluster has this one."""


@dataclass
class Kubectl:
    """
    The client of a cluster.

    Args:
        command: The program, and how it finds the cluster.

        settings: Environment variables for it; None keeps those of whoever runs the tests.
    """

    command: Sequence[str | Path]
    settings: Mapping[str, str] | None = None

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run it, and give it *given* to read."""
        return subprocess.run(
            [*self.command, *words],
            input=given,
            capture_output=True,
            text=True,
            env=self.settings,
            timeout=300,
            check=False,
        )

    def has(self, namespace: str) -> bool:
        """Tell whether the cluster has *namespace*."""
        asked = self.run("get", "namespace", namespace, "--output=jsonpath={.status.phase}")
        return asked.stdout == "Active"

    def dry_run(self, manifests: Sequence[Manifest]) -> subprocess.CompletedProcess[str]:
        """Ask the cluster whether it would accept *manifests*, all of which it looks at."""
        whole = {"apiVersion": "v1", "kind": "List", "items": manifests}
        return self.run(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=modelyard-dry-run",
            "--force-conflicts", "--filename=-", given=json.dumps(whole),
        )  # fmt: skip


@pytest.fixture(scope="session")
def kubectl(request: pytest.FixtureRequest) -> Kubectl:
    """Return the client of the cluster that is asked."""
    context: str | None = request.config.getoption("--context")
    if context is not None:
        found = shutil.which("kubectl")
        if found is None:
            pytest.exit("--context needs kubectl on PATH, since it is kubectl that knows your kubeconfig", 1)
        client = Kubectl([found, f"--context={context}"])
        version = client.run("version", "--output=json")
        if version.returncode:
            pytest.exit(f"kubectl --context={context} reaches no cluster: {version.stderr.strip()}", 1)
        return client
    cluster: Cluster = request.getfixturevalue("cluster")
    install(cluster.api, rendered("prod"))
    program = built(f"kubernetes-{NEWEST}")["kubectl"]
    return Kubectl([program, f"--kubeconfig={cluster.kubeconfig('admin')}"], {"HOME": str(cluster.folder)})


@pytest.mark.context
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_cluster_would_accept_every_object(
    kubectl: Kubectl, environment: str, observed: Callable[[str], None]
) -> None:
    """Its version, its definitions, its admission, and what is in it already."""
    manifests = rendered(environment)
    namespaces = {one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"]}
    missing = {one for one in namespaces if not kubectl.has(one)}

    done = kubectl.dry_run([_moved(one, missing) for one in manifests])

    accepted = re.findall(r"^\S+ serverside-applied \(server dry run\)$", done.stdout, re.MULTILINE)
    where = f"; tried in {STAND_IN}, for want of namespace {' and '.join(sorted(missing))}" if missing else ""
    observed(f"{environment}, dry run: {len(accepted)} of {len(manifests)} objects would be accepted{where}")
    assert done.stderr == ""
    assert len(accepted) == len(manifests)


def test_a_dry_run_stores_nothing_and_tells_what_is_refused(cluster: Cluster, kubectl: Kubectl) -> None:
    """Nothing is there afterwards that was not there before, and a wrong field is told."""
    manifests = [_moved(one, {"ml-prod", "argocd"}) for one in rendered("prod")]
    kinds = {(one["apiVersion"], one["kind"]) for one in manifests}
    wrong = copy.deepcopy(next(one for one in manifests if one["kind"] == "Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["heath"] = "/healthz"

    before = _names(cluster, kinds)
    accepted = kubectl.dry_run(manifests)
    refused = kubectl.dry_run([wrong])
    after = _names(cluster, kinds)

    assert accepted.returncode == 0, accepted.stderr
    assert after - before == set()
    assert refused.returncode == 1
    assert 'unknown field "heath" in io.k8s.api.core.v1.Container' in refused.stderr


def _moved(manifest: Manifest, missing: set[str]) -> Manifest:
    """Return *manifest* in a namespace that exists."""
    metadata = manifest["metadata"]
    if metadata.get("namespace") not in missing:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": STAND_IN}}


def _names(cluster: Cluster, kinds: set[tuple[str, str]]) -> set[tuple[str, str, str]]:
    return {
        (kind, one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for version, kind in kinds
        for one in cluster.api.all(version, kind)
    }
