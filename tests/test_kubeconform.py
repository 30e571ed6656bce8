"""The independent judge: kubeconform, strict and offline, over all of dist/, with the schemas of our own check."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from environments import ENVIRONMENTS
from modelyard import Crd, Fleet
from modelyard.schemas import CrdSchema, export

ROOT = Path(__file__).parent.parent
SUMMARY = re.compile(
    r"Summary: (\d+) resources? found in \d+ files? - Valid: (\d+), Invalid: (\d+), Errors: (\d+), Skipped: (\d+)"
)


def _kubeconform() -> str:
    local = ROOT / ".tools" / "bin" / "kubeconform"
    found = str(local) if local.exists() else shutil.which("kubeconform")
    assert found, "kubeconform is not installed: run make test, which builds it"
    return found


@pytest.fixture(name="versions", scope="module")
def _versions_of_the_fleet() -> dict[str, str]:
    """Read the Kubernetes version of each environment's cluster."""
    fleet = Fleet(ENVIRONMENTS, root=ROOT)
    for build in fleet.builders.values():
        build(fleet)
    return {name: made.site.cluster.kubernetes for name, made in fleet.made.items()}


def judged(
    folder: Path, version: str, schemas: Path, crds: tuple[CrdSchema, ...] = ()
) -> tuple[int, int, int, int, int]:
    """Return found, valid, invalid, errors and skipped, as kubeconform counts them in *folder*."""
    location = export(schemas, version, crds)
    done = subprocess.run(  # a pinned tool
        [
            _kubeconform(), "-strict", "-summary", "-kubernetes-version", f"{version}.0",
            "-schema-location", location, folder,
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    match = SUMMARY.search(done.stdout)
    assert match, done.stdout + done.stderr
    counts = tuple(int(number) for number in match.groups())
    return counts[0], counts[1], counts[2], counts[3], counts[4]


def test_all_of_dist_is_valid_and_nothing_is_skipped(versions: dict[str, str], tmp_path: Path) -> None:
    """The number of objects is the number that was rendered, by the inventories."""
    for name, version in versions.items():
        inventory = json.loads((ROOT / "dist" / "_inventory" / f"{name}.json").read_text())
        rendered = sum(one["object"] != "" for one in inventory["files"])

        of_delivery = sum(one["path"].startswith("_delivery/") for one in inventory["files"])
        own = rendered - of_delivery

        assert of_delivery == 3
        assert judged(ROOT / "dist" / name, version, tmp_path / name) == (own, own, 0, 0, 0)
        delivery = judged(ROOT / "dist" / "_delivery" / name, version, tmp_path / name, Crd.ARGO_CD.schemas)
        assert delivery == (of_delivery, of_delivery, 0, 0, 0)
    by_hand = judged(ROOT / "dist" / "_bootstrap", "1.34", tmp_path / "by-hand", Crd.ARGO_CD.schemas)
    assert by_hand == (len(versions), len(versions), 0, 0, 0)
    folders = {path.name for path in (ROOT / "dist").iterdir() if not path.name.startswith("_")}
    assert folders == set(versions)


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    """A typo in a copy is found: the run above could have failed."""
    source = (ROOT / "dist" / "walkthrough" / "ml-model" / "deployment.yaml").read_text()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "deployment.yaml").write_text(source.replace("revisionHistoryLimit", "revisionHistoryLimits"))

    assert judged(tmp_path / "bad", "1.34", tmp_path / "schemas") == (1, 0, 1, 0, 0)
