"""The scenarios: under fifteen lines each, rendered as it is committed, without a finding, and valid to the letter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.scenarios.golden import SCENARIOS, golden, rendered
from tests.test_kubeconform import judged

EVERY = pytest.mark.parametrize("program", SCENARIOS, ids=[path.parent.name for path in SCENARIOS])


@EVERY
def test_a_scenario_renders_what_is_committed(tmp_path: Path, program: Path) -> None:
    """Whoever changes it on purpose runs ``python -m tests.scenarios.golden``, and reads the difference."""
    _, texts = rendered(program, tmp_path)

    assert texts == golden(program)


@EVERY
def test_a_scenario_is_short(program: Path) -> None:
    """A data scientist writes less than fifteen lines."""
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
