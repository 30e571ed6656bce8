"""Modelyard finds what is wrong with everything that the tests of this folder are about."""

from __future__ import annotations

import pytest

from tests.cluster.wrong.conftest import CASES
from tests.cluster.wrong.stage import Breaking


@pytest.mark.parametrize("rule", sorted(CASES))
def test_modelyard_says_so_first(breaking: Breaking, rule: str) -> None:
    """It refuses or warns of the very objects that are applied here."""
    assert rule in breaking.found(rule)
