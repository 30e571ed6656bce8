"""The scenarios of services on a real control plane: accepted as they are, with their custom resources and pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.differential.children import children
from tests.cluster.manifests import apply, in_order, pod, read
from tests.scenarios.golden import HERE

SCENARIOS = (
    "7-churn-api", "8-llama-8b-chat", "10-deepseek-r1", "12-vision-triton", "13-kserve", "15-chat-pool", "16-chat-canary",
)  # fmt: skip
Observed = Callable[[str], None]
Manifest = dict[str, Any]


def pods(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the pods as the controller of *manifest* makes them."""
    if manifest["kind"] == "InferenceService":
        yield from children(manifest)
        return
    if manifest["kind"] != "LeaderWorkerSet":
        made = pod(manifest)
        yield from [] if made is None else [made]
        return
    metadata, group = manifest["metadata"], manifest["spec"]["leaderWorkerTemplate"]
    for place, key in enumerate(("leaderTemplate", "workerTemplate")):
        head = {
            **group[key]["metadata"], "name": f"{metadata['name']}-0-{place}", "namespace": metadata["namespace"],
        }  # fmt: skip
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": head, "spec": group[key]["spec"]}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_accepted_and_a_second_time_changes_nothing(
    control_plane: ControlPlane, scenario: str, observed: Observed
) -> None:
    """Strict about fields, in a namespace that enforces the standard ``restricted``."""
    api = control_plane.api
    manifests = in_order([read(Path(HERE) / scenario)])

    first = apply(api, manifests)
    second = apply(api, manifests)
    admitted = [made for one in manifests for made in pods(one)]
    for made in admitted:
        api.create(made, dry_run=True)

    observed(f"{scenario}: {len(first)} objects accepted, {len(admitted)} pods admitted")
    assert {name: answer.warnings for name, answer in first.items() if answer.warnings} == {}
    assert [name for name in first if first[name].body.get("spec") != second[name].body.get("spec")] == []
