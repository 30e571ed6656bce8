"""The clusters that tests run against; README.md beside this file says how to use them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.flux import Flux
from tests.cluster.processes import Programs
from tests.cluster.programs import NEWEST, OLDEST, ROOT

OBSERVED = pytest.StashKey[list[str]]()
LOGS = ROOT / ".tools" / "log" / "cluster"


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Iterator[Programs]:
    """Start programs for this session, and end them with it; where a test failed, keep what they wrote."""
    running = Programs()
    yield running
    if request.session.testsfailed:
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir(parents=True)
        for log in running.folder.glob("*/*.log"):
            shutil.copy(log, LOGS / f"{log.parent.name}-{log.name}")
        request.config.stash.setdefault(OBSERVED, []).append(f"the programs' logs are in {LOGS.relative_to(ROOT)}")
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


@pytest.fixture(scope="session")
def flux(cluster: Cluster) -> Flux:
    """Start Flux in the whole cluster; it ends with it."""
    return Flux(cluster)


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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a user ask a cluster of her own."""
    text = "ask the cluster of this context of your kubeconfig whether it would accept dist/, by a dry run only"
    parser.addoption("--context", metavar="NAME", help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run nothing on a user's cluster but the tests that say they are for it."""
    if config.getoption("--context") is None:
        return
    chosen = [item for item in items if item.get_closest_marker("context")]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
