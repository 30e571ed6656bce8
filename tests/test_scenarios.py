"""The scenarios: a few lines of Python each, and the YAML that an expert would have written."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
import yaml

from modelyard.schemas import catalog
from tests.scenarios.rendering import HERE, NAMESPACE, SCENARIOS, committed, rendered
from tests.test_kubeconform import judged

MOST_LINES = 15


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_committed_yaml_is_what_is_rendered(name: str) -> None:
    """If this fails, run python -m tests.scenarios.rendering and look at the diff."""
    files, findings = rendered(name)

    assert [str(one) for one in findings] == []
    assert files == committed(name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_takes_few_lines(name: str) -> None:
    """Those of the function, its head included."""
    tree = ast.parse(inspect.getsource(SCENARIOS[name]))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))

    assert function.end_lineno is not None
    assert function.end_lineno - function.lineno + 1 < MOST_LINES


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_object_fits_the_bundled_schemas(tmp_path: Path, name: str) -> None:
    """As text, as it is committed, by our own check and by kubeconform."""
    cluster = SCENARIOS[name].CLUSTER
    known = catalog(cluster.kubernetes, cluster.crd_schemas)
    objects = [yaml.safe_load(text) for text in committed(name).values()]

    assert [one["kind"] for one in objects if known.errors(one)] == []
    assert {one["metadata"].get("namespace", NAMESPACE) for one in objects} == {NAMESPACE}
    count = len(objects)
    folder = HERE / name
    assert judged(folder, cluster.kubernetes, tmp_path, cluster.crd_schemas) == (count, count, 0, 0, 0)
