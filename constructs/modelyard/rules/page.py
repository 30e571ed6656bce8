"""The rules as Markdown: one page a rule and an index, for ``docs/rules/``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from modelyard.findings import Severity
from modelyard.rules import RULES, Rule
from modelyard.rules.check import STRICTER

FAMILIES = {
    "A": "Autoscaling",
    "C": "Schedules",
    "D": "Rollouts, Services and disruption",
    "E": "InferenceServices of KServe",
    "G": "Delivery by Argo CD and Flux",
    "H": "Routes from outside",
    "J": "Jobs",
    "K": "Queues of Kueue and Volcano",
    "L": "Replicas on several nodes",
    "M": "Monitoring",
    "N": "Names and labels",
    "P": "Pods",
    "R": "Resources",
    "S": "JobSets",
    "V": "Volumes",
    "X": "modelyard's own promises",
    "Y": "Jobs of other operators",
}
INDEX = "README.md"
GENERATED = "<!-- Written by python -m modelyard.rules.page: change the rule, not this file. -->"
INTRODUCTION = (
    "Every finding carries the id of its rule: an error stops the synthesis and leaves `dist/` as it is, a warning"
    " does not. `modelyard explain D10` tells the same in a terminal. What can be accepted is accepted with a"
    ' reason, `accept={"D10": "one replica is enough at night"}`, on the workload that has the finding, or on the'
    " Environment for its own objects and those of other constructs; an acceptance that nothing needs any more is"
    " an error."
)
PAGE = re.compile(r"[A-Z][0-9]{2}\.md")


def page(rule_id: str) -> str:
    """Return the page of one rule."""
    rule = RULES[rule_id]
    return "\n".join(
        [
            f"# {rule.id}: {rule.title}",
            "",
            f"{FAMILIES[rule.id[0]]}. {_severity(rule)}",
            "",
            "## Why",
            "",
            rule.why,
            "",
            "## What to do",
            "",
            _sentence(rule.fix),
            "",
            _acceptance(rule),
            "",
            "## Where it comes from",
            "",
            f"<{rule.see}>",
            "",
        ]
    )


def index() -> str:
    """Return the page that lists all rules by family."""
    lines = [
        "# Rules",
        "",
        INTRODUCTION,
    ]
    for letter, name in FAMILIES.items():
        rules = [rule for key, rule in sorted(RULES.items()) if key.startswith(letter)]
        if rules:
            lines += ["", f"## {letter}: {name}", "", "| id | rule | severity | can be accepted |", "|---|---|---|---|"]
            lines += [_row(rule) for rule in rules]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """Return every file of the folder by its name."""
    back = f"\n[All rules]({INDEX})\n"
    found = {f"{rule_id}.md": f"{GENERATED}\n{page(rule_id)}{back}" for rule_id in sorted(RULES)}
    return {INDEX: f"{GENERATED}\n{index()}", **found}


def write(folder: Path) -> None:
    """Make *folder* hold the pages of all rules, and no page of a rule that is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in sorted(folder.iterdir()):
        stale = path.name not in wanted and PAGE.fullmatch(path.name)
        if stale and path.read_text(encoding="utf-8").startswith(GENERATED):
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _row(rule: Rule) -> str:
    severity = f"{rule.severity}, error if strict" if rule.id in STRICTER else str(rule.severity)
    title = rule.title.replace("|", "\\|")
    return f"| [{rule.id}]({rule.id}.md) | {title} | {severity} | {'yes' if rule.acceptable else 'no'} |"


def _severity(rule: Rule) -> str:
    if rule.severity is Severity.ERROR:
        return "An **error**: nothing is written until it is mended" + (" or accepted." if rule.acceptable else ".")
    strict = ", and an error in an environment that is `strict`" if rule.id in STRICTER else ""
    return f"A **warning**: it does not stop the synthesis{strict}."


def _acceptance(rule: Rule) -> str:
    if not rule.acceptable:
        return "It cannot be accepted."
    return (
        f'Where it is right as it is, say why: `accept={{"{rule.id}": "the reason"}}` on the workload, or on the'
        " Environment for objects that belong to none."
    )


def _sentence(text: str) -> str:
    end = "" if text.endswith(".") else "."
    return f"{text[0].upper()}{text[1:]}{end}"


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules"))
