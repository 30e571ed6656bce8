"""
Takes the sample manifests of well-known projects out of their Go modules, as they were published.

Called by ``tools/cluster.py``: the tests ask a real API server and modelyard about each of them. None is committed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from setup import ROOT, say

PROJECTS = ROOT / "constructs" / "modelyard" / "schemas" / "data" / "crds" / "projects.json"
OF_PROJECTS = {
    "argo-rollouts": ("examples",),
    "gateway-api": ("examples",),
    "jobset": ("config/samples",),
    "kserve": ("docs/samples",),
    "kubeflow-trainer": ("manifests/base/runtimes",),
    "kuberay": ("config/samples",),
    "kueue": ("cmd/kueueviz/examples",),
    "lws": ("config/samples", "docs/examples"),
    "prometheus-operator": tuple(
        f"example/{folder}"
        for folder in (
            "additional-scrape-configs",
            "admission-webhook",
            "networkpolicies",
            "rbac",
            "shards",
            "storage",
            "thanos",
            "user-guides",
        )
    ),
    "volcano": ("example",),
}
"""Folders with samples, by the project, in the version whose definitions modelyard bundles."""
OF_PARTS = {
    "kubernetes-1.37": (
        "k8s.io/kubernetes",
        ("cluster/addons", "test/e2e/testing-manifests", "test/fixtures/doc-yaml"),
    ),
    "metrics-server": ("sigs.k8s.io/metrics-server", ("manifests",)),
}
"""Folders with samples, by the part of the control plane and its module, in the version that is built."""


class Source(NamedTuple):
    """Where samples come from: a Go module, its version and checksum, and the folders in it."""

    module: str
    version: str
    sum: str
    folders: tuple[str, ...]


Download = Callable[[str, str, str], Path]
"""Returns the folder of a module, by its path, version and checksum."""


def sources() -> Iterator[Source]:
    """Yield every source, as it is pinned."""
    known = json.loads(PROJECTS.read_bytes())
    for project, folders in OF_PROJECTS.items():
        first = known[project]["modules"][0]
        yield Source(first["module"], first["version"], first["sum"], folders)
    for part, (module, folders) in OF_PARTS.items():
        for line in (ROOT / "tools" / "cluster" / part / "go.sum").read_text().splitlines():
            path, version, checksum = line.split()
            if path == module and not version.endswith("/go.mod"):
                yield Source(path, version, checksum, folders)


def samples(cache: Path, download: Download) -> dict[str, Path]:
    """Return the folder of each module's samples, by module and version, below a folder named by what is in it."""
    every = list(sources())
    home = cache / f"samples-{hashlib.sha256(repr(every).encode()).hexdigest()[:16]}"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        say("fetching samples of manifests (about 15 s, once)")
        with tempfile.TemporaryDirectory(dir=cache, prefix=".samples-") as scratch:
            new = Path(scratch) / "samples"
            for one in every:
                _copy(download(*one[:3]), one.folders, new / _called(one))
            try:
                new.rename(home)
            except OSError:
                if not home.exists():  # another run was as fast
                    raise
    return {_called(one): home / _called(one) for one in every}


def _called(one: Source) -> str:
    return f"{one.module}@{one.version}"


def _copy(module: Path, folders: tuple[str, ...], target: Path) -> None:
    for folder in folders:
        for path in sorted((module / folder).rglob("*.yaml")):
            copy = target / path.relative_to(module)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
