"""The clusters that tests run against; README.md beside this file says how to use them."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.flux import Flux
from tests.cluster.processes import Programs
from tests.cluster.programs import NEWEST, NIGHTLY, OLDEST, PARTS, ROOT
from tests.cluster.registry import Registry

OBSERVED = pytest.StashKey[list[str]]()
PROGRAMS = pytest.StashKey[Programs]()
GRACE = 20
"""Seconds that a session has to end by itself."""
LOGS = ROOT / ".tools" / "log" / "cluster"


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Iterator[Programs]:
    """Start programs for this session, and end them with it; where a test failed, keep what they wrote."""
    running = request.config.stash[PROGRAMS] = Programs()
    yield running
    if request.session.testsfailed:
        logs = LOGS / (request.config.getoption("--part") or "all")
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        for log in running.folder.glob("*/*.log"):
            shutil.copy(log, logs / f"{log.parent.name}-{log.name}")
        request.config.stash.setdefault(OBSERVED, []).append(f"the programs' logs are in {logs.relative_to(ROOT)}")
    running.close()


@pytest.fixture(scope="session", params=[OLDEST, NEWEST])
def control_plane(programs: Programs, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Start an API server of the oldest, then of the newest supported version, and nothing that acts on objects."""
    plane = ControlPlane(programs, request.param)
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def cluster(programs: Programs, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Start a whole cluster of the newest supported version."""
    begun = time.monotonic()
    whole = Cluster(programs)
    lines = request.config.stash.setdefault(OBSERVED, [])
    lines.append(f"a cluster of Kubernetes {whole.version} is up after {time.monotonic() - begun:.0f} s")
    yield whole
    whole.stop()


@pytest.fixture(scope="module", params=[NEWEST, OLDEST])
def either(programs: Programs, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Return the whole cluster, and then start one of the oldest supported version."""
    if request.param == NEWEST:
        yield request.getfixturevalue("cluster")
        return
    whole = Cluster(programs, request.param)
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


@pytest.fixture(scope="session")
def registry(cluster: Cluster) -> Registry:
    """Start a registry of OCI artifacts beside the whole cluster; it ends with it."""
    return Registry(cluster)


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note what was observed: it is shown at the end of the session, whether the test passes or not."""
    return request.config.stash.setdefault(OBSERVED, []).append


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End the session where a program has ended that nobody ended: every other test would wait for it in vain."""
    programs = item.config.stash.get(PROGRAMS, None)
    if programs is not None and (ended := programs.ended()):
        pytest.exit("\n".join(map(str, ended)), returncode=pytest.ExitCode.TESTS_FAILED)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was observed, and write down what passed."""
    path = config.getoption("--passed")
    # Whoever reads it may have been interrupted.
    if path and path.parent.is_dir():
        path.write_text(
            "".join(f"{one.nodeid}\n" for one in terminalreporter.stats.get("passed", [])), encoding="utf-8"
        )
    if lines := config.stash.get(OBSERVED, []):
        terminalreporter.section("observed")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a user ask a cluster of her own."""
    text = "ask the cluster of this context of your kubeconfig whether it would accept dist/, by a dry run only"
    parser.addoption("--context", metavar="NAME", help=text)
    text = "with --context, ask about this environment only"
    parser.addoption("--environment", metavar="NAME", help=text)
    text = (
        "run what asks API servers, what watches controllers, or what is brought into a cluster, which python -m tests.cluster"
        " runs all at once, or what the oldest version is asked by night"
    )
    parser.addoption("--part", choices=[*PARTS, NIGHTLY], help=text)
    parser.addoption("--passed", metavar="FILE", type=Path, help="write the names of the tests that passed into it")
    parser.addoption("--while", type=int, metavar="DESCRIPTOR", help="end when this pipe is closed")


def pytest_configure(config: pytest.Config) -> None:
    """End with whoever started this session, also if that was killed."""
    if (descriptor := config.getoption("--while")) is not None:
        # A shell in the background hands down that Ctrl-C is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_end_with, args=[descriptor], name="while", daemon=True).start()


def _end_with(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGINT)
    # Whatever the interrupt met: the reaper ends the programs, and removes what they wrote.
    time.sleep(GRACE)
    os._exit(pytest.ExitCode.INTERRUPTED)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run nothing on a user's cluster but the tests that say they are for it; otherwise all, or a part of them."""
    part = config.getoption("--part")
    if config.getoption("--context") is not None:
        chosen = _of_environment(config.getoption("--environment"), items)
    elif part is not None:
        chosen = [item for item in items if _part(item) == part]
    else:
        return
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _of_environment(name: str | None, items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that are for a user's cluster, all or those of the environment *name*."""
    tests = {
        item: str(item.callspec.params["environment"])
        for item in items
        if isinstance(item, pytest.Function) and item.get_closest_marker("context")
    }
    if name is not None and name not in tests.values():
        message = f"there is no environment {name!r}; there are {', '.join(tests.values())}"
        raise pytest.UsageError(message)
    return [item for item, environment in tests.items() if name in (None, environment)]


def _part(item: pytest.Item) -> str:
    """Return the part that a test belongs to: what Argo CD and everything wrong are needed for stays together."""
    fixtures = getattr(item, "fixturenames", ())
    if isinstance(item, pytest.Function) and item.get_closest_marker("nightly"):
        return NIGHTLY if item.callspec.params["control_plane"] == OLDEST else "servers"
    # What is made once for the API servers is made in one session.
    if "control_plane" in fixtures or item.path.stem == "test_differential":
        return "servers"
    return "delivery" if "argocd" in fixtures or "breaking" in fixtures else "controllers"
