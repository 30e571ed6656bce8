"""How a plan is told: text, Markdown and JSON; credentials hidden, sizes bounded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.plan import Plan, data, markdown, text
from modelyard.plan.conceal import line
from modelyard.plan.markdown import LONGEST
from modelyard.plan.shown import lines
from tests.plan.trees import deployment, edited, one, planned

BASE = "1234567890ab (where HEAD and main parted)"
TOKEN = "hf_" + "aB3dE6gH9jK2mN5pQ8sT1vW4" + "yZ7bC0eFgH"


def made(old: dict[str, Any], new: dict[str, Any]) -> Plan:
    """Return a plan of one environment."""
    return Plan(commit="1234567890abcdef", base=BASE, workloads=planned(old, new))


def written(plan: Plan) -> str:
    """Return *plan* as a terminal shows it."""
    return "\n".join(told for told, _ in text(plan))


OLD = {"prod/api/a.yaml": deployment(replicas=2), "prod/api/c.yaml": {**one("ConfigMap", "c"), "data": {"a": "1\n2\n"}}}
NEW = {
    "prod/api/a.yaml": edited(
        edited(deployment(replicas=3), "acme/api@sha256:" + "a" * 64, "spec", "template", "spec", "containers", 0, "image"),
        {"matchLabels": {"app": "other"}}, "spec", "selector",
    ),
    "prod/api/c.yaml": {**one("ConfigMap", "c"), "data": {"a": "1\n3\n"}},
    "prod/tune/job.yaml": one("Job", "tune-1"),
}  # fmt: skip


def test_a_plan_for_a_terminal() -> None:
    """Workload by workload: what happens, then what is different."""
    assert written(made(OLD, NEW)) == (
        "prod/api\n"
        "  danger   refused by the API server: spec.selector: the API server lets nobody change it in a Deployment;"
        " keep it, or give the workload a new name; to keep the name, accept G14 and run"
        " kubectl -n ml delete deployment api --cascade=orphan just before the merge\n"
        "  caution  rolling update, new pods ready before old ones end:"
        " containers[name=model].image 1.0 -> sha256:aaaaaaaaaaaa\n"
        "  caution  replicas 2 -> 3\n"
        "  caution  pods see new files within a minute or so, variables only after a restart: data.a\n"
        "    changed Deployment api\n"
        "      spec.selector.matchLabels.app: api -> other\n"
        "      spec.template.spec.containers[name=model].image:"
        f" acme/api:1.0 -> acme/api@sha256:{'a' * 64}\n"
        "      spec.replicas: 2 -> 3\n"
        "    changed ConfigMap c\n"
        "      data.a: 2 -> 3\n"
        "\n"
        "prod/tune (created)\n"
        "  caution  a run tune-1 starts\n"
        "  note     new: Job\n"
        "    created Job tune-1\n"
        "\n"
        f"2 workloads in 1 environment change (1 danger, 1 caution) since {BASE}"
    )


def test_nothing_changes() -> None:
    """One line, in each form."""
    plan = made(OLD, OLD)

    assert written(plan) == f"nothing changes since {BASE}"
    assert markdown(plan) == (
        "<!-- modelyard plan -->\n**Plan: nothing changes** since 1234567890ab (where HEAD and main parted).\n"
    )
    assert data(plan) == {"format": 1, "base": "1234567890abcdef", "changes": False, "workloads": []}


def test_a_plan_for_a_pull_request() -> None:
    """A table of what happens, then each workload folded."""
    new = {**OLD, "prod/api/a.yaml": deployment(replicas=3)}

    assert markdown(made(OLD, new)) == (
        "<!-- modelyard plan -->\n"
        "**Plan: 1 workload in 1 environment changes (1 caution)** since 1234567890ab (where HEAD and main parted).\n"
        "\n"
        "| | Workload | What happens |\n"
        "|---|---|---|\n"
        "| \U0001f7e1 | `prod/api` | replicas 2 to 3 |\n"
        "\n"
        "<details><summary>\U0001f7e1 prod/api</summary>\n"
        "\n"
        "- \U0001f7e1 replicas 2 to 3\n"
        "\n"
        "```diff\n"
        "@@ changed Deployment api @@\n"
        "  spec.replicas\n"
        "- 2\n"
        "+ 3\n"
        "```\n"
        "\n"
        "</details>\n"
        "\n"
    )


def test_a_plan_for_programs() -> None:
    """Every key that docs/plan.md tells of, and no other."""
    new = {**OLD, "prod/api/a.yaml": deployment(replicas=3, gpus=1)}
    told = data(made({**OLD, "prod/api/a.yaml": deployment(replicas=2, gpus=1)}, new))

    effect = {"effect": "replicas", "risk": "caution", "text": "replicas 2 -> 3"}
    devices = {"effect": "devices", "risk": "caution"}
    devices["text"] = "nvidia.com/gpu 2 (3 in a rollout) -> 3 (4 in a rollout)"
    assert told == {
        "format": 1,
        "base": "1234567890abcdef",
        "changes": True,
        "workloads": [
            {
                "environment": "prod",
                "workload": "api",
                "change": "changed",
                "risk": "caution",
                "effects": [effect, devices],
                "devices": {
                    "nvidia.com/gpu": {
                        "before": {"least": 2, "most": 2, "rollout": 3},
                        "after": {"least": 3, "most": 3, "rollout": 4},
                    }
                },
                "objects": [
                    {
                        "change": "changed",
                        "apiVersion": "apps/v1",
                        "kind": "Deployment",
                        "namespace": "ml",
                        "name": "api",
                        "was": None,
                        "path": "dist/prod/api/a.yaml",
                        "effects": [effect],
                        "fields": [{"path": "spec.replicas", "before": 2, "after": 3}],
                    }
                ],
            }
        ],
    }


def everything(plan: Plan) -> str:
    """Return all three forms of *plan*."""
    return written(plan) + markdown(plan) + json.dumps(data(plan), default=str)


def pod(**fields: Any) -> dict[str, Any]:
    """Return a tree with a Deployment whose container has *fields*."""
    container = {"name": "model", "image": "a:1", **fields}
    return {"prod/api/a.yaml": edited(deployment(), container, "spec", "template", "spec", "containers", 0)}


@pytest.mark.parametrize(
    ("secret", "tree", "words"),
    [
        (TOKEN, pod(env=[{"name": "X", "value": TOKEN}]), "*** (a Hugging Face token)"),
        ("86421357", pod(env=[{"name": "DB_PASSWORD", "value": "86421357"}]), "*** (a password)"),
        ("hunter2", pod(env=[{"name": "API_TOKEN", "value": "hunter2"}]), "*** (a secret)"),
        ("hunter2", pod(args=["--password", "hunter2"]), "*** (a password)"),
        ("hunter2", pod(args=["--password=hunter2"]), "*** (a password)"),
        (TOKEN, pod(command=["sh", "-c", f"curl -H {TOKEN}"]), "*** (a Hugging Face token)"),
        (TOKEN, {"prod/api/a.yaml": one("Lease", "a", {"a": {"b": [TOKEN]}})}, "*** (a Hugging Face token)"),
        (TOKEN, {"prod/api/a.yaml": one("Lease", "a", annotations={"x": TOKEN})}, "*** (a Hugging Face token)"),
        ("aHVudGVyMg==", {"prod/api/a.yaml": {**one("Secret", "s"), "data": {"x": "aHVudGVyMg=="}}},
         "*** (a value of a Secret)"),
    ],
)  # fmt: skip
def test_a_credential_is_not_told(secret: str, tree: dict[str, Any], words: str) -> None:
    """Neither when it comes, nor when it goes, nor when it changes; that it changes is told."""
    kept = {"prod/api/stays.yaml": one("Lease", "stays")}
    other = json.loads(json.dumps(tree).replace(secret, secret[:-1] + "0"))
    without = pod() if "Deployment" in str(tree) else {"prod/api/a.yaml": one(next(iter(tree.values()))["kind"], "a")}
    for old, new in ((tree, without), (without, tree), (tree, other)):
        plan = made({**kept, **old}, {**kept, **new})
        assert [each.name for each in plan.workloads] == ["api"]
        assert secret not in everything(plan)
        assert secret[:-1] + "0" not in everything(plan)
    assert words in everything(made({**kept, **tree}, {**kept, **other}))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("password: hunter2", "password: *** (a password)"),
        ('  "api_key": "abc"', '  "api_key": *** (a secret)'),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=*** (a password)"),
        ("password: ${DB_PASSWORD}", "password: ${DB_PASSWORD}"),
        ("tokens: 12", "tokens: 12"),
        ("max_token: 512", "max_token: 512"),
    ],
)
def test_a_line_of_a_file(told: str, expected: str) -> None:
    """What stands behind the name of a credential in a changed file is not shown either."""
    assert line(told) == expected
    assert lines("a\nb\n", f"a\n{told}\n")[-1] == f"+ {expected}"


def test_of_a_long_text_only_what_differs() -> None:
    """The first lines of each, and how many more; nothing that a terminal obeys."""
    before = "\n".join(f"line {number}" for number in range(1000))
    after = before.replace("line 500\n", "".join(f"new {number}\n" for number in range(9)) + "\x1b[2J\n")

    assert lines(before, after) == [
        "- line 500",
        *(f"+ new {number}" for number in range(6)),
        "+ ... 4 more lines",
    ]
    assert lines("a\nb", "a\nb\x1b[2J") == ["- b", "+ b\\x1b[2J"]
    assert lines("a", "a" * 999) == ["- a", f"+ {'a' * 300}... (999 characters)"]


def many(count: int, value: str) -> dict[str, Any]:
    """Return as many workloads of one object."""
    return {f"prod/w{number:04}/a.yaml": one("Lease", f"a{number}", {"a": value}) for number in range(count)}


def test_a_comment_has_room_for_what_it_says() -> None:
    """Whatever changes, it is shorter than GitHub's limit, and what is left out is counted."""
    plan = made(many(3000, "x" * 90), many(3000, "y" * 90))
    told = markdown(plan)

    rows, details = len(re.findall(r"^\| \S+ \| `", told, re.MULTILINE)), told.count("<details>")
    assert len(told.encode()) <= LONGEST
    assert f"| | | and {3000 - rows} more workloads: run `modelyard plan` for all of it |" in told
    assert told.endswith(
        f"Details of {3000 - details} more workloads have no room here: run `modelyard plan` for all of it.\n"
    )
    assert rows > 100
    assert details > 100


@given(st.integers(1, 30), st.integers(600, 5000))
def test_a_comment_is_never_longer_than_it_may_be(count: int, limit: int) -> None:
    """Every workload is in the table or counted, and so are its details."""
    told = markdown(made(many(count, "x"), many(count, "y")), limit)
    counted = [int(number) for number in re.findall(r"(\d+) more workloads", told)]
    rows, details = len(re.findall(r"^\| \S+ \| `", told, re.MULTILINE)), told.count("<details>")

    assert len(told.encode()) <= limit
    assert rows + details + sum(counted) == 2 * count


HOSTILE = st.text(st.sampled_from("`|<>@#*_[]()!\\\n~$&;:, ab"), max_size=30)


@given(HOSTILE)
def test_nothing_of_a_value_leaves_its_place_in_a_comment(value: str) -> None:
    """No table, no tag, no mention and no fence is ended or begun by what a manifest holds."""
    plan = made(
        {"prod/api/a.yaml": one("CronJob", "a", {"schedule": "x"}), "prod/api/b.yaml": one("Lease", "a", {"x": "y"})},
        {
            "prod/api/a.yaml": one("CronJob", "a", {"schedule": value}),
            "prod/api/b.yaml": one("Lease", "a", {"x": value}),
        },
    )
    told = markdown(plan)
    table, _, rest = told.partition("<details>")
    (row,) = [one for one in table.splitlines() if one.startswith(("| 🟡", "| ⚪"))]

    outside = re.sub(r"`[^`]*`", "", row)
    assert outside.count("|") == 4
    assert re.search(r"[@#<*_\[\]~\\]", outside.replace("<br>", "")) is None
    fence = re.findall(r"^(`{3,})", rest, re.MULTILINE)
    assert len(fence) == 2
    assert fence[0] == fence[1]
    assert rest.count("</details>") == 1 + value.count("</details>")


def test_documentation_names_every_effect() -> None:
    """docs/plan.md lists each code that a plan can hold."""
    root = Path(__file__).resolve().parent.parent.parent
    room = root / "constructs" / "modelyard" / "plan"
    page = (root / "docs" / "plan.md").read_text(encoding="utf-8")
    codes = {code for path in room.glob("*.py") for code in re.findall(r'Effect\(\s*"([a-z-]+)"', path.read_text())}
    codes |= {"resumed"}

    assert sorted(code for code in codes if f"`{code}`" not in page) == []
    assert "rolling-update" in codes
