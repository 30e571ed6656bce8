"""Every rule is broken by a test and kept by another, and every id in the code is that of a rule."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import modelyard
from modelyard.rules import RULES
from modelyard.rules.page import FAMILIES
from tests.cluster.differential.classes import OWN, PARTS, RUNTIME, SERVER
from tests.cluster.differential.patched import PATCHED
from tests.cluster.differential.shown import NEEDS, SHOWN
from tests.cluster.differential.specs import SPECS
from tests.rules.conftest import BROKEN, KEPT

HERE = Path(__file__).resolve().parent
PACKAGE = Path(modelyard.__file__).resolve().parent
ID = re.compile(r"""["']([A-Z][0-9]{2})["']""")
CALL = re.compile(r"\b([A-Z][0-9]{2})\.(?:breach|pods|containers|jobs|objects)\b")


@pytest.mark.parametrize(("told", "what"), [(BROKEN, "breaks"), (KEPT, "keeps")], ids=["broken", "kept"])
def test_every_rule_is_shown(told: dict[str, set[str]], what: str) -> None:
    """A rule that no test breaks may never find anything, and one that no test keeps may find everything."""
    missing = [rule for rule in sorted(RULES) if rule not in told]
    assert missing == [], f"no test {what} these rules"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_id_in_the_code_is_that_of_a_rule(path: Path) -> None:
    """A finding under an unknown id could not be explained."""
    text = path.read_text(encoding="utf-8")
    used = {*ID.findall(text), *CALL.findall(text)}
    assert sorted(used - RULES.keys()) == []


def test_every_rule_belongs_to_a_family() -> None:
    """A letter and two digits, and the letter is explained."""
    assert [rule for rule in RULES if not re.fullmatch(rf"[{''.join(FAMILIES)}][0-9]{{2}}", rule)] == []


def test_it_is_known_who_else_refuses_what_a_rule_forbids() -> None:
    """The API server too, only modelyard, or nobody, since it is about our files: make cluster-test goes by it."""
    classes = [*SERVER, *RUNTIME, *OWN]
    assert sorted(classes) == sorted(RULES)
    assert sorted(set(PARTS) - set(SERVER)) == []


def test_what_the_server_refuses_can_be_written() -> None:
    """By an option, or else by a patch, which says why no option does it: make cluster-test tries all of them."""
    by_option, by_patch = ({one.rule for one in kept} for kept in (SPECS, PATCHED))
    assert sorted(by_option | by_patch) == sorted(SERVER)
    assert sorted(by_option & by_patch) == []
    assert [one.name for one in PATCHED if not one.why] == []


def test_what_only_modelyard_refuses_is_shown_or_says_what_that_needs() -> None:
    """By a test of the cluster that there is, or by what no cluster of ours has."""
    undecided = sorted(RUNTIME.keys() - SHOWN.keys() - NEEDS.keys())
    assert undecided == [], (
        "name the test that shows them, or what it would need, in tests/cluster/differential/shown.py"
    )
    assert len(RUNTIME) == len([*SHOWN, *NEEDS])
    cluster = ["-m", "pytest", "-c", "tests/cluster/pytest.ini", "--collect-only", "-q", "tests/cluster"]
    done = subprocess.run(
        [sys.executable, *cluster], cwd=HERE.parent.parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    tests = {line.removeprefix("tests/cluster/") for line in done.stdout.splitlines()}
    assert sorted(set(SHOWN.values()) - tests) == []
