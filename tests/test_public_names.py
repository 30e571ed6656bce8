"""The public surface: what modelyard offers, and that signatures and specs say the same."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import attrs
import pytest

import modelyard
from modelyard import ScalableModelService, TrainingJob
from modelyard.fleet import Workload
from modelyard.serving.spec import ServiceSpec
from modelyard.training.spec import TrainingSpec
from modelyard.values.typecheck import checker_of

NO_VALUE: Any = (type(attrs.NOTHING), type(attrs.Factory(list)))
VALUES = [one for name in modelyard.__all__ if attrs.has(one := getattr(modelyard, name))]


def test_the_names_are_sorted_and_all_there() -> None:
    """Whoever adds a name adds it here, on purpose."""
    assert list(modelyard.__all__) == sorted(modelyard.__all__, key=lambda name: (not name.isupper(), name))
    assert [
        name for name in modelyard.__all__ if getattr(modelyard, name).__module__.split(".")[0] != "modelyard"
    ] == []


@pytest.mark.parametrize(("construct", "spec"), [(TrainingJob, TrainingSpec), (ScalableModelService, ServiceSpec)])
def test_signature_and_spec_have_the_same_options(construct: type[Workload], spec: type) -> None:
    """An option cannot be accepted and then forgotten."""
    parameters = inspect.signature(construct.__init__).parameters.values()
    options = {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}

    assert options == {field.name for field in attrs.fields(spec)}


@pytest.mark.parametrize("construct", [TrainingJob, ScalableModelService])
def test_every_option_is_documented(construct: type[Workload]) -> None:
    """The class says of each option what it is."""
    text = inspect.getdoc(construct) or ""
    missing = [
        name
        for name in inspect.signature(construct.__init__).parameters
        if name != "self" and f"    {name}: " not in text
    ]

    assert missing == []


def test_no_module_is_more_than_one_room() -> None:
    """A module of more than 300 lines holds two ideas."""
    package = Path(modelyard.__file__).parent
    long = {path.name: lines for path in package.rglob("*.py") if (lines := len(path.read_text().splitlines())) > 300}

    assert long == {}


@pytest.mark.parametrize("cls", [*VALUES, TrainingSpec, ServiceSpec], ids=lambda cls: cls.__name__)
def test_every_default_is_one_that_a_user_could_write(cls: Any) -> None:
    """Defaults are not looked at when a workload is checked."""
    attrs.resolve_types(cls)
    given = [one for one in attrs.fields(cls) if one.init and not isinstance(one.default, NO_VALUE)]
    checked = [(one, one.metadata["check"]) for one in given if one.metadata.get("check")]

    assert [one.name for one in given if not checker_of(one.type).fits(one.default)] == []
    assert [one.name for one, check in checked if check(one.default)] == []
