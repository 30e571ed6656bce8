"""Definitions that tests install: what is asked next finds their kinds, and after them nothing."""

from __future__ import annotations

from tests.cluster.control_plane import ControlPlane
from tests.cluster.crds import install, uninstall

VERSION = "leaderworkerset.x-k8s.io/v1"
GROUP = {"apiVersion": VERSION, "kind": "LeaderWorkerSet"}
ROUNDS = 10


def test_what_is_installed_is_served_and_what_is_not_is_not(control_plane: ControlPlane) -> None:
    """A server says that it has established a definition, and serves its kind a moment later."""
    api = control_plane.api
    served = []
    for _ in range(ROUNDS):
        install(api, [GROUP])
        served.append({*api.served(VERSION)})
        uninstall(api, "lws")
        served.append({*api.served(VERSION)})

    assert served == [{GROUP["kind"]}, set()] * ROUNDS
