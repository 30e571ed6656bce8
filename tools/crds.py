"""
Make the bundle of CustomResourceDefinitions in ``constructs/modelyard/schemas/data/crds``.

Run by ``make schemas``. It takes the definitions out of pinned versions of the Go modules of their projects,
leaves descriptions out, and writes the same bytes on every run. ``--check`` writes nothing and fails where a
file differs. To add a project, add a row to ``PROJECTS`` and its constant to ``Crd`` in ``fleet/cluster.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from schemas import DATA, Json, compressed, module, update

from modelyard.schemas import crd_schemas
from modelyard.schemas.installed import read_definitions


class Source(NamedTuple):
    """Where definitions come from: a Go module, its version and checksum, and the files in it."""

    module: str
    version: str
    sum: str
    files: str


PROJECTS = {
    "argo-cd": [
        Source(
            "github.com/argoproj/argo-cd/v3", "v3.5.7", "h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=",
            "manifests/crds/*-crd.yaml",
        ),
    ],
    "argo-rollouts": [
        Source(
            "github.com/argoproj/argo-rollouts", "v1.9.0", "h1:bXgBpwCByXyAUcgBnyP0fxkSW2CEot78InTFjFlag5g=",
            "manifests/crds/*-crd.yaml",
        ),
    ],
    "external-secrets": [
        Source(
            "github.com/external-secrets/external-secrets", "v1.3.2", "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
            "config/crds/bases/external-secrets.io_*.yaml",
        ),
    ],
    # The newest of both that Go 1.26 takes.
    "flux": [
        Source(
            "github.com/fluxcd/kustomize-controller", "v1.9.6", "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
            "config/crd/bases/*.yaml",
        ),
        Source(
            "github.com/fluxcd/source-controller", "v1.9.6", "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
            "config/crd/bases/*.yaml",
        ),
    ],
    "gateway-api": [
        Source(
            "sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
            "config/crd/standard/*.yaml",
        ),
    ],
    "inference-extension": [
        Source(
            "sigs.k8s.io/gateway-api-inference-extension", "v1.5.0", "h1:w9Awt60cmI1vM7Y6N81h8wDCBP0WkmxpdI7GKY0v070=",
            "config/crd/bases/*.yaml",
        ),
    ],
    "jobset": [
        Source(
            "sigs.k8s.io/jobset", "v0.11.0", "h1:1r2uTNQmylnqG/WCSSDADgNkHryvyUaCNCOgvSPWpN8=",
            "config/components/crd/bases/*.yaml",
        ),
    ],
    "keda": [
        Source(
            "github.com/kedacore/keda/v2", "v2.20.2", "h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA=",
            "config/crd/bases/keda.sh_*.yaml",
        ),
    ],
    # The newest that the Go proxy has. Without LLMInferenceService, which KServe installs apart from these.
    "kserve": [
        Source(
            "github.com/kserve/kserve", "v0.19.0", "h1:8Pbdm9Ekn1JEuHrobqJhZI4uRHyf5bk1ofb5+3kEI14=",
            "config/crd/full/serving.kserve.io_*.yaml",
        ),
    ],
    # The newest of which the Go proxy has the files.
    "kubeflow-trainer": [
        Source(
            "github.com/kubeflow/trainer/v2", "v2.0.0", "h1:mnQSR9iPKItxyUR8mq66XsmxqKNVHwr9YYOB7BTU9dU=",
            "manifests/base/crds/trainer.kubeflow.org_*.yaml",
        ),
    ],
    "kuberay": [
        Source(
            "github.com/ray-project/kuberay/ray-operator", "v1.5.0", "h1:KCjCQ7PSsvs9Ke+90CZbbs498nuaIJ/JkXk4vd54EVg=",
            "config/crd/bases/*.yaml",
        ),
    ],
    "kueue": [
        Source(
            "sigs.k8s.io/kueue", "v0.15.0", "h1:9Khzc2ne6/eWuZx5o+R4KlVBzh3kZkTIMzpPC2e8Spg=",
            "config/components/crd/bases/*.yaml",
        ),
    ],
    "lws": [
        Source(
            "sigs.k8s.io/lws", "v0.7.0", "h1:qWfzX8+UBak+Hq0+m/PuE3uO0mp/3dmm5q/h/7z31A8=",
            "config/crd/bases/*.yaml",
        ),
    ],
    "prometheus-operator": [
        Source(
            "github.com/prometheus-operator/prometheus-operator", "v0.85.0",
            "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=", "example/prometheus-operator-crd/*.yaml",
        ),
    ],
    "volcano": [
        Source(
            "volcano.sh/volcano", "v1.14.1", "h1:9eLs47iZeLgey6EcA1rHwVkU7HoBNm3UVpJZ4uhFJ7c=",
            "config/crd/volcano/bases/*.yaml",
        ),
    ],
}  # fmt: skip


def plain(definition: Json) -> Json:
    """Return *definition* without what only people read, and without the webhook that converts its versions."""
    spec = {key: value for key, value in definition["spec"].items() if key != "conversion"}
    spec["versions"] = [described_no_more(version) for version in spec["versions"]]
    metadata = {key: value for key, value in definition["metadata"].items() if key in {"name", "labels", "annotations"}}
    return {"apiVersion": definition["apiVersion"], "kind": definition["kind"], "metadata": metadata, "spec": spec}


def described_no_more(node: Any, *, names: bool = False) -> Any:  # any part of a definition
    """Return *node* without descriptions; below ``properties`` the keys are *names* of fields."""
    if isinstance(node, list):
        return [described_no_more(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: described_no_more(value, names=key == "properties" and not names)
        for key, value in node.items()
        if names or key != "description" or not isinstance(value, str)
    }


def definitions(folder: Path, pattern: str) -> list[Json]:
    """Return the plain definitions in the files of *folder* that match *pattern*, in the order of their names."""
    found = [plain(one) for path in sorted(folder.glob(pattern)) for one in read_definitions(path)]
    return sorted(found, key=lambda one: str(one["metadata"]["name"]))


def licence(folder: Path, known: str) -> str:
    """Return the licence in *folder*, which is the *known* one or stops this program: its text is kept once."""
    text = "".join((folder / "LICENSE").read_text("utf-8").partition("END OF TERMS AND CONDITIONS")[:2])
    if text.split() != known.partition("APPENDIX")[0].split():
        message = f"{folder} has another licence than data/LICENSE; keep its text beside the data"
        raise SystemExit(message)
    return "Apache-2.0"


def files() -> dict[str, bytes]:
    """Return every file of the folder, by name."""
    written: dict[str, bytes] = {}
    index: Json = {}
    known = (DATA / "LICENSE").read_text("utf-8")
    for project, sources in PROJECTS.items():
        folders = [module(*source[:3]) for source in sources]
        found = [
            one for folder, source in zip(folders, sources, strict=True) for one in definitions(folder, source.files)
        ]
        written[f"{project}.json.z"] = compressed(found)
        kinds = {f"{made.api_version} {made.kind}": made.namespaced for one in found for made in crd_schemas(one)}
        index[project] = {
            "licence": ", ".join(sorted({licence(folder, known) for folder in folders})),
            "modules": [source._asdict() for source in sources],
            "kinds": dict(sorted(kinds.items())),
        }
    written["projects.json"] = (json.dumps(index, indent=1) + "\n").encode()
    return written


def main() -> int:
    """Write the folder, or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    return update(DATA / "crds", files(), check=parser.parse_args().check)


if __name__ == "__main__":
    sys.exit(main())
