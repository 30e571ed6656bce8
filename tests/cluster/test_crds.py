"""Definitions that tests install: what is asked next finds their kinds."""

from __future__ import annotations

from modelyard.schemas.installed import projects
from tests.cluster.control_plane import ControlPlane
from tests.cluster.crds import install


def test_what_is_installed_is_served(control_plane: ControlPlane) -> None:
    """A server says that it has established a definition, and serves its kind a moment later."""
    api = control_plane.api
    missing = []
    for project in projects().values():
        kinds = [one.split() for one in project["kinds"]]
        install(api, [{"apiVersion": version, "kind": kind} for version, kind in kinds])
        missing += [f"{version} {kind}" for version, kind in kinds if kind not in api.served(version)]

    assert missing == []
