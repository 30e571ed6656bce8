"""Scenarios of services: under fifteen lines each, rendered as it is committed, and valid to the letter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tests.manifests import at
from tests.scenarios.golden import HERE, golden, rendered
from tests.test_kubeconform import judged

PROGRAMS = [path for one in ("7", "8", "10", "12", "13", "15", "16") for path in sorted(HERE.glob(f"{one}-*/*.py"))]
EVERY = pytest.mark.parametrize("program", PROGRAMS, ids=[path.parent.name for path in PROGRAMS])


@EVERY
def test_a_scenario_renders_what_is_committed(tmp_path: Path, program: Path) -> None:
    """Whoever changes it on purpose runs ``python -m tests.scenarios.golden``, and reads the difference."""
    _, texts = rendered(program, tmp_path)

    assert texts == golden(program)


@EVERY
def test_a_scenario_is_short(program: Path) -> None:
    """Less than fifteen lines."""
    (function,) = (one for one in ast.parse(program.read_text("utf-8")).body if isinstance(one, ast.FunctionDef))

    assert (function.end_lineno or 0) - function.lineno < 15


@EVERY
def test_a_scenario_is_valid(tmp_path: Path, program: Path) -> None:
    """Kubeconform reads every object of it strictly, and knows each kind."""
    fleet, texts = rendered(program, tmp_path)
    (environment,) = fleet.made.values()
    count = len(texts)

    cluster = environment.site.cluster
    counts = judged(program.parent / "golden", cluster.kubernetes, tmp_path / "schemas", cluster.crd_schemas)
    assert counts == (count, count, 0, 0, 0)


def test_all_are_there() -> None:
    """None is left out for the name of its folder."""
    assert [path.parent.name for path in PROGRAMS] == [
        "7-churn-api",
        "8-llama-8b-chat",
        "10-deepseek-r1",
        "12-vision-triton",
        "13-kserve",
        "15-chat-pool",
        "16-chat-canary",
    ]


def test_two_tracks_share_no_pod() -> None:
    """Neither Service finds a pod of the other, and both read one repository."""
    (program,) = HERE.glob("12-*/*.py")
    found = {path: yaml.safe_load(text) for path, text in golden(program).items()}
    selectors = {name: found[f"prod/{name}/service.yaml"]["spec"]["selector"] for name in ("vision", "vision-canary")}
    labels = {
        name: at(found[f"prod/{name}/deployment.yaml"], "spec.template.metadata.labels")
        for name in ("vision", "vision-canary")
    }
    reached = {
        (service, pods)
        for service, selector in selectors.items()
        for pods, carried in labels.items()
        if selector.items() <= carried.items()
    }

    assert reached == {("vision", "vision"), ("vision-canary", "vision-canary")}
