"""The pages of the rules are what the rules say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from modelyard.findings import Severity
from modelyard.rules import RULES, Rule
from modelyard.rules.page import FAMILIES, GENERATED, index, page, pages, write

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "rules"


def test_the_committed_pages_are_what_the_rules_say() -> None:
    """docs/rules/ is generated, and fresh."""
    committed = {path.name: path.read_text(encoding="utf-8") for path in sorted(COMMITTED.iterdir())}
    stale = [name for name in {**committed, **pages()} if committed.get(name) != pages().get(name)]
    assert stale == [], "run: python -m modelyard.rules.page docs/rules"


def test_the_page_of_a_rule_that_can_be_accepted() -> None:
    """One page in full."""
    assert page("D10") == (
        "# D10: A rollout of what a Service leads to leaves a pod that serves.\n"
        "\n"
        "Rollouts, Services and disruption. A **warning**: it does not stop the synthesis.\n"
        "\n"
        "## Why\n"
        "\n"
        "Requests fail from the end of the last old pod until the first new one is ready, model loading included.\n"
        "\n"
        "## What to do\n"
        "\n"
        "Run 2 replicas or more and roll them one by one, or accept D10 where a pause is fine.\n"
        "\n"
        'Where it is right as it is, say why: `accept={"D10": "the reason"}` on the workload, or on the Environment for'
        " objects that belong to none.\n"
        "\n"
        "## Where it comes from\n"
        "\n"
        "<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy>\n"
    )


@pytest.mark.parametrize(
    ("rule_id", "severity", "acceptance"),
    [
        ("A01", "An **error**: nothing is written until it is mended.", "It cannot be accepted."),
        ("D03", "An **error**: nothing is written until it is mended or accepted.", '`accept={"D03": "the reason"}`'),
        ("P01", "it does not stop the synthesis, and an error in an environment that is `strict`.", '`accept={"P01"'),
    ],
)
def test_severity_and_acceptance_are_told(rule_id: str, severity: str, acceptance: str) -> None:
    """A reader learns what the finding stops, and how to live with it."""
    assert severity in page(rule_id)
    assert acceptance in page(rule_id)


def test_the_index_has_every_rule_below_its_family() -> None:
    """No rule is left out or twice."""
    lines = index().splitlines()
    for rule in RULES.values():
        (row,) = [at for at, line in enumerate(lines) if line.startswith(f"| [{rule.id}]({rule.id}.md) |")]
        heading = [line for line in lines[:row] if line.startswith("## ")][-1]
        assert heading == f"## {rule.id[0]}: {FAMILIES[rule.id[0]]}"


def test_writing_removes_the_page_of_a_rule_that_is_gone_and_nothing_else(tmp_path: Path) -> None:
    """A file that was not generated is not touched."""
    (tmp_path / "Z99.md").write_text(f"{GENERATED}\nold\n")
    (tmp_path / "Z98.md").write_text("written by a person\n")
    (tmp_path / "notes.md").write_text(f"{GENERATED}\n")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*pages(), "Z98.md", "notes.md"}


def test_the_program_writes_the_same_pages_under_any_hash_seed(tmp_path: Path) -> None:
    """The pages are a function of the rules."""
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "modelyard.rules.page", str(tmp_path / seed)]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed})
    read = [{path.name: path.read_text() for path in (tmp_path / seed).iterdir()} for seed in ("1", "2")]
    assert read == [pages(), pages()]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_written_in_the_house_style(rule: Rule) -> None:
    """Title and reason are sentences, the fix follows a semicolon."""
    assert rule.id[0] in FAMILIES
    assert rule.title[0].isupper() or not rule.title[0].isalpha() or rule.title.startswith("main.py")
    assert rule.title.endswith(".")
    assert rule.why.endswith((".", ")"))
    assert rule.fix[0].islower()
    assert not rule.fix.endswith(".") or rule.fix.endswith("...")
    assert urlsplit(rule.see).scheme == "https"
    assert "\n" not in rule.title + rule.why + rule.fix
    assert rule.acceptable or rule.severity is Severity.ERROR, "a warning that nobody can accept is never silent"
