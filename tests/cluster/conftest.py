"""The clusters that tests run against; README.md beside this file says how to use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.processes import Programs
from tests.cluster.programs import NEWEST, OLDEST


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """Start programs for this session, and end them with it."""
    running = Programs()
    yield running
    running.close()


@pytest.fixture(scope="session", params=[OLDEST, NEWEST])
def control_plane(programs: Programs, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Start an API server of the oldest, then of the newest supported version, and nothing that acts on objects."""
    plane = ControlPlane(programs, request.param)
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def cluster(programs: Programs) -> Iterator[Cluster]:
    """Start a whole cluster of the newest supported version."""
    whole = Cluster(programs)
    yield whole
    whole.stop()


@pytest.fixture(scope="session")
def argocd(cluster: Cluster) -> ArgoCD:
    """Start Argo CD in the whole cluster; it ends with it."""
    return ArgoCD(cluster)


OBSERVED = pytest.StashKey[list[str]]()


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note what was observed: it is shown at the end of the session, whether the test passes or not."""
    return request.config.stash.setdefault(OBSERVED, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was observed."""
    if lines := config.stash.get(OBSERVED, []):
        terminalreporter.section("observed")
        for line in lines:
            terminalreporter.write_line(line)
