"""Custom resources of services, as the API server keeps them: nothing is filled in, so no controller finds a difference."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.control_plane import ControlPlane
from tests.cluster.manifests import apply, in_order, read
from tests.scenarios.golden import HERE

KINDS = frozenset({"ExternalSecret", "HTTPRoute", "PodMonitor", "PrometheusRule", "ScaledObject"})


def test_the_server_fills_nothing_in(control_plane: ControlPlane, observed: Callable[[str], None]) -> None:
    """Argo CD compares what is kept with what is in git, and knows no defaults of custom resources."""
    manifests = in_order([read(HERE / "8-llama-8b-chat")])
    answers = list(apply(control_plane.api, manifests).values())
    kept = {(one.body["kind"], one.body["metadata"]["name"]): one.body["spec"] for one in answers if "spec" in one.body}
    compared = [one for one in manifests if one["kind"] in KINDS]

    observed(f"{len(compared)} custom resources kept as they are written")
    assert {one["kind"] for one in compared} == KINDS
    assert [one for one in compared if kept[one["kind"], one["metadata"]["name"]] != one["spec"]] == []
