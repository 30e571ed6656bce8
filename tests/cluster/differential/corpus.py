"""The objects to ask about: everything that the tests of this repository have checked."""

from __future__ import annotations

import functools
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from modelyard import Fleet
from modelyard.fleet import Site
from modelyard.schemas.installed import projects
from tests.cluster.differential.arguments import Used
from tests.cluster.differential.ours import Found, Judge, enforced, relaxed
from tests.cluster.differential.server import Question
from tests.cluster.manifests import rendered
from tests.cluster.programs import ROOT

Manifest = dict[str, Any]
TESTS = (
    "tests/rules",
    "tests/test_every_option.py",
    "tests/test_gang.py",
    "tests/test_groups.py",
    "tests/test_jobset.py",
    "tests/test_outcomes.py",
    "tests/test_rayjob.py",
    "tests/test_schedule.py",
    "tests/test_serving.py",
    "tests/test_sweep.py",
    "tests/test_training.py",
    "tests/test_trainjob.py",
)
PATIENCE = 900


@attrs.frozen
class Environment:
    """
    All objects of an environment.

    Args:
        test: The test that checked it.

        site: What it is for.

        manifests: Its objects.
    """

    test: str
    site: Site
    manifests: Sequence[Manifest]


@attrs.define
class Case:
    """
    One object, and what modelyard found in it wherever it stood.

    Args:
        question: What the server is asked.

        tests: Those that checked it.

        found: Everything that was found in it.

        refused: Whether it was refused wherever it stood.
    """

    question: Question
    tests: list[str] = attrs.field(factory=list)
    found: set[Found] = attrs.field(factory=set)
    refused: bool = True


def environments() -> tuple[Environment, ...]:
    """Return every environment that the tests checked."""
    return _recorded()[0]


def used() -> Used:
    """Return the public classes and arguments that the tests used."""
    return _recorded()[1]


@functools.cache
def _recorded() -> tuple[tuple[Environment, ...], Used]:
    """Run the tests."""
    with tempfile.TemporaryDirectory(prefix="modelyard-differential-") as folder:
        path = Path(folder) / "record"
        plugin = ["-p", "tests.cluster.differential.record", "--record", str(path)]
        # Whether all rules are tested is asked elsewhere.
        command = [sys.executable, "-m", "pytest", "-q", *plugin, "--ignore=tests/rules/test_every_rule.py"]
        done = subprocess.run(
            [*command, *TESTS], cwd=ROOT, timeout=PATIENCE, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:]
        recorded, given = pickle.loads(path.read_bytes())  # noqa: S301 # our own tests wrote it
    return tuple(Environment(*one) for one in recorded), given


@functools.cache
def example_fleet() -> tuple[Environment, ...]:
    """Return the environments of ``dist/``."""
    from environments import ENVIRONMENTS  # noqa: PLC0415 # the example fleet, and it starts Node

    fleet = Fleet(root=ROOT)
    for build in ENVIRONMENTS.values():
        build(fleet)
    return tuple(Environment(f"dist/{name}", one.site, rendered(name)) for name, one in fleet.made.items())


def cases(version: str) -> list[Case]:
    """
    Return every object with what is found in it on *version* of Kubernetes, equal ones once.

    Each is looked at in its own namespace, and in one without Pod Security, which would refuse most for one reason.
    """
    every: dict[str, Case] = {}
    for one in (*example_fleet(), *environments()):
        for site, manifests in ((one.site, one.manifests), relaxed(one.site, one.manifests)):
            for manifest, breaches in zip(manifests, Judge(site, manifests, version).found, strict=True):
                labels = enforced(site, manifests, manifest)
                if known(site, manifest) and (key := _key(manifest, labels)):
                    case = every.setdefault(key, Case(Question(manifest, labels)))
                    case.tests.append(one.test)
                    case.found.update(breaches)
                    case.refused &= any(breach.error for breach in breaches)
    return list(every.values())


def known(site: Site, manifest: Manifest) -> bool:
    """Return whether the server, which has the definitions of every bundled project, has the kinds that *site* has."""
    names = manifest.get("apiVersion"), manifest.get("kind")
    delivered = () if site.delivery is None else site.delivery.schemas
    custom = any(names == (one.api_version, one.kind) for one in (*site.cluster.crd_schemas, *delivered))
    bundled = any(f"{names[0]} {names[1]}" in one["kinds"] for one in projects().values())
    return custom == bundled


def _key(*parts: object) -> str | None:
    try:
        return json.dumps(parts, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        # A Python value that no manifest can hold never gets to a server.
        return None
