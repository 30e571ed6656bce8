"""Accelerators, spot nodes, data and checkpoints of trainings on a real control plane: accepted as they are rendered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Bucket,
    Checkpoint,
    Claim,
    Fabric,
    Gpu,
    HuggingFace,
    OciImage,
    SpotNodes,
    Topology,
    minutes,
)
from modelyard import Cluster as Claimed
from tests.cluster.client import ApiError
from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import apply, pod
from tests.cluster.programs import NEWEST, OLDEST
from tests.support import IMAGE, environment, objects, training

Observed = Callable[[str], None]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LAB = Claimed(
    "lab",
    kubernetes=NEWEST,
    accelerators=[
        Accelerator("h100", per_node=8, nodes=8, fabric=Fabric({"vpc.amazonaws.com/efa": 32}, huge_pages="5120Mi")),
        Accelerator("v5e", "google.com/tpu", per_node=4, nodes=8, topology="4x4"),
        Accelerator(
            "b200", per_node=8, nodes=8, device_class="gpu.nvidia.com", node_selector={"gpu": "b200"},
            device_selectors=['device.attributes["gpu.nvidia.com"].productName == "NVIDIA B200"'],
        ),
    ],
    spot=SpotNodes.AKS,
    csi_drivers={"gcsfuse.csi.storage.gke.io"},
)  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "fabric": {"gpu": Gpu("h100", 8), "nodes": 2, "topology": Topology("topology.kubernetes.io/zone")},
    "slice": {"gpu": Gpu("v5e", 4), "nodes": 4, "topology": Topology("topology.kubernetes.io/zone", required=True)},
    "claim": {"gpu": Gpu("b200", 4)},
    "spot": {"gpu": None, "spot": "prefer", "checkpoint": Checkpoint("s3://acme/ckpt", every=minutes(5))},
    "data": {
        "gpu": None,
        "data": {
            "base": HuggingFace("org/base", revision=COMMIT, cache=Claim("models", "/models", size="1Ti")),
            "corpus": OciImage(IMAGE),
            "raw": Bucket("gs://acme/raw", mount=True),
        },
        "checkpoint": Checkpoint(Claim("ckpt", "/ckpt", size="1Ti")),
    },
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_training_is_accepted_and_a_second_time_changes_nothing(
    control_plane: ControlPlane, name: str, tmp_path: Path, observed: Observed
) -> None:
    """And so are its pods, in a namespace that enforces the restricted standard."""
    env = environment(tmp_path, cluster=LAB, namespace=f"with-{name}")
    training(env, **OPTIONS[name])
    manifests = list(objects(env).values())
    if name == "claim" and control_plane.version == OLDEST:
        with pytest.raises(ApiError, match=r"no matches for resource.k8s.io/v1 ResourceClaimTemplate"):
            apply(control_plane.api, manifests)
        observed(f"{OLDEST} has no resource.k8s.io/v1, as rule X04 says")
        return

    first = apply(control_plane.api, manifests)
    second = apply(control_plane.api, manifests)
    (made,) = filter(None, map(pod, manifests))
    control_plane.api.create(made, dry_run=True)

    observed(f"{name}: {len(first)} objects accepted: {', '.join(sorted(first))}")
    assert {title: answer.warnings for title, answer in first.items() if answer.warnings} == {}
    assert [title for title in first if first[title].body.get("spec") != second[title].body.get("spec")] == []


def test_an_image_volume_is_dropped_where_its_gate_is_off(
    control_plane: ControlPlane, tmp_path: Path, observed: Observed
) -> None:
    """Without a word, which is why rule V07 is an error."""
    env = environment(tmp_path, cluster=LAB, namespace="with-image")
    training(env, gpu=None, data={"corpus": OciImage(IMAGE)})
    answers = apply(control_plane.api, list(objects(env).values()))
    (job,) = (answer for title, answer in answers.items() if title.startswith("Job/"))
    volumes = [one["name"] for one in job.body["spec"]["template"]["spec"]["volumes"]]

    observed(f"{control_plane.version}: of tmp and data-corpus, the API server keeps {', '.join(volumes)}")
    assert job.warnings == []
    assert volumes == (["tmp"] if control_plane.version == OLDEST else ["tmp", "data-corpus"])
