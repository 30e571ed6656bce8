"""Manifests as well-known projects show them, which the API server takes and modelyard has to take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelyard import Cluster, Environment, Fleet
from tests.cluster.differential.ours import Judge

Manifest = dict[str, Any]

ERRORS: Mapping[tuple[str, str, str], str] = {
    ("Job", "digits", "J21"): "who applies it once may have it deleted; what stands in git is made anew",
    ("PersistentVolumeClaim", "models", "G05"): "who applies it by hand deletes it by hand; a controller prunes it",
    ("Deployment", "mistral", "R09"): "the cluster of this test declares no accelerators",
}
"""By kind, name and rule: why modelyard refuses it all the same."""


def groups() -> dict[str, Sequence[Manifest]]:
    """Return what is shown, by what it is."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    read: dict[str, Sequence[Manifest]] = yaml.safe_load(text)
    return read


def errors(root: Path, version: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and rule of every error; the manifests say nothing about security, so nothing is enforced."""
    cluster = Cluster("public", kubernetes=version)
    scope = Environment(Fleet(root=root), "test", cluster=cluster, namespace="public", pod_security="privileged")
    for manifests in groups().values():
        judge = Judge(scope.site, manifests, version)
        for manifest, found in zip(manifests, judge.found, strict=True):
            for one in found:
                if one.error:
                    yield manifest["kind"], manifest["metadata"]["name"], one.rule
