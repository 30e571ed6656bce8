"""The command line, as a program or a person meets it: output, exit codes, what stays unwritten."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environments import ENVIRONMENTS

ROOT = Path(__file__).parent.parent
MODELYARD = Path(sys.executable).parent / "modelyard"


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """Copy this repository's own fleet, rendered."""
    for name in ("main.py", "cdk8s.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(
        ROOT / "environments",
        tmp_path / "environments",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(ROOT / "dist", tmp_path / "dist")
    return tmp_path


def run(project: Path, *words: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``modelyard`` with *words* in *project* and expect the exit code."""
    done = subprocess.run(  # our own command
        [MODELYARD, *words], cwd=project, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def line_of(project: Path, file: str, text: str) -> int:
    """Return the number of the first line that holds *text*."""
    lines = (project / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def edit(project: Path, file: str, old: str, new: str) -> None:
    """Replace *old*, which must be there, by *new* in a file of the project."""
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_synth_says_what_it_wrote_and_then_that_nothing_is_left(project: Path) -> None:
    """The second run writes nothing."""
    edit(project, "environments/prod.py", "max=20", "max=21")

    first = run(project, "synth").stdout
    second = run(project, "synth").stdout

    assert first.endswith(" objects: 2 files written\n")
    assert second.endswith(" objects: dist/ is up to date\n")
    assert first.split(",")[0] == second.split(",")[0] == "4 environments"


@pytest.mark.parametrize("words", [["synth"], ["check"], ["list"], ["explain", "prod/churn-train"], ["where", "prod"]])
def test_what_the_users_python_prints_is_no_part_of_the_json(project: Path, words: list[str]) -> None:
    """It is told on standard error, in whichever process it is printed."""
    edit(project, "main.py", "fleet.synth()", 'print("from main")\nfleet.synth()')
    prod = project / "environments" / "prod.py"
    prod.write_text(
        prod.read_text().replace("    env = Environment(", '    print("from prod")\n    env = Environment(', 1)
    )

    done = run(project, *words, "--format", "json")

    assert json.loads(done.stdout)
    assert {"from main", "from prod"} <= set(done.stderr.splitlines())


def test_synth_of_one_environment_leaves_the_others_alone(project: Path) -> None:
    """What is stale elsewhere stays as it is."""
    edit(project, "environments/prod.py", "max=20", "max=21")
    edit(project, "environments/dev.py", 'threshold="0.50"', 'threshold="0.51"')

    run(project, "synth", "prod")
    stale = run(project, "check", code=3).stdout

    assert "dist/dev/churn-api/deployment.yaml is not what the code renders" in stale
    assert "dist/prod" not in stale


def test_check_tells_what_is_stale_and_writes_nothing(project: Path) -> None:
    """Exit code 3 is for CI to tell a stale dist/ from a broken one."""
    before = (project / "dist/prod/sentiment/horizontalpodautoscaler.yaml").read_bytes()
    edit(project, "environments/prod.py", "max=20", "max=21")

    stale = run(project, "check", code=3)

    assert stale.stdout == (
        "dist/_inventory/prod.json is not what the code renders\n"
        "dist/prod/sentiment/horizontalpodautoscaler.yaml is not what the code renders\n"
        "dist/ is stale: run modelyard synth and commit what it writes\n"
    )
    assert (project / "dist/prod/sentiment/horizontalpodautoscaler.yaml").read_bytes() == before


def test_a_finding_ends_with_exit_code_1(project: Path) -> None:
    """The line names place, rule, workload, field, value, rule and what to do."""
    edit(project, "environments/workloads.py", 'memory="1Gi"', 'memory="1GB"')

    failed = run(project, "synth", code=1)

    line = line_of(project, "environments/workloads.py", 'memory="1GB"')
    assert failed.stdout == ""
    assert failed.stderr == (
        f"environments/workloads.py:{line}: error[R01] dev, staging, prod / sentiment: memory='1GB' but "
        "a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none; "
        'write "1Gi" (or "1G")\n'
        "1 error; dist/ is unchanged; modelyard explain R01 tells more\n"
    )


def test_json_is_for_programs(project: Path) -> None:
    """The same facts, with every environment on its own."""
    edit(project, "environments/workloads.py", 'memory="1Gi"', 'memory="1GB"')

    failed = json.loads(run(project, "synth", "--format", "json", code=1).stdout)

    line = line_of(project, "environments/workloads.py", 'memory="1GB"')
    assert [(one["rule"], one["where"], one["source"]) for one in failed["findings"]] == [
        ("R01", f"{name}/sentiment", {"file": "environments/workloads.py", "line": line})
        for name in ("dev", "staging", "prod")
    ]


def test_the_json_of_a_synth_lists_the_files(project: Path) -> None:
    """A pipeline can act on it."""
    edit(project, "environments/prod.py", "max=20", "max=21")

    done = json.loads(run(project, "synth", "--format=json").stdout)

    assert done["changed"] == [
        "_inventory/prod.json",
        "prod/sentiment/horizontalpodautoscaler.yaml",
    ]
    assert (done["removed"], done["findings"]) == ([], [])


def test_environments_are_listed_by_their_names_also_one_without_workloads(project: Path) -> None:
    main = project / "main.py"
    main.write_text(
        main.read_text().replace("Fleet(ENVIRONMENTS)", 'Fleet({**ENVIRONMENTS, "empty": lambda fleet: None})')
    )
    names = [*ENVIRONMENTS, "empty"]

    assert run(project, "list", "--environments").stdout.splitlines() == names
    assert json.loads(run(project, "list", "--environments", "--format", "json").stdout) == names
    assert run(project, "list", "--environments", "empty").stdout == "empty\n"


def test_list_shows_replicas_gpus_and_images(project: Path) -> None:
    """One line a workload; no colours and no frames in a pipe."""
    lines = run(project, "list", "walkthrough").stdout.splitlines()

    assert lines[0].split() == ["ENVIRONMENT", "WORKLOAD", "KIND", "REPLICAS", "GPUS", "IMAGE", "DELIVERY"]
    assert lines[1].split()[:4] == ["walkthrough", "ml-model", "ScalableModelService", "2-5"]
    assert [line.split("  ")[-1].strip() for line in lines[1:]] == ["Argo CD in walkthrough"] * 2
    assert lines[2].split()[:7] == ["walkthrough", "ml-train", "TrainingJob", "1", "2", "x", "t4"]


def test_explain_prints_the_page_of_a_rule(project: Path) -> None:
    """In any case of letters; an unknown id is a misuse with a hint."""
    assert "R01" in run(project, "explain", "r01").stdout.splitlines()[0]
    assert run(project, "explain", "R1", code=2).stderr.startswith("error: there is no rule 'R1'; ")


def test_explain_tells_what_a_training_does_when_something_goes_wrong(project: Path) -> None:
    """A line a case, the same for people and for programs; a service and a name that is not there are a misuse."""
    text = run(project, "explain", "prod/support-tune").stdout.splitlines()
    data = json.loads(run(project, "explain", "prod/support-tune", "--format", "json").stdout)

    assert text[0].split() == ["WHEN", "THEN"]
    assert text[3].split("  ")[0] == data[2]["when"] == "exit code 2, 126 or 127"
    assert data[2]["then"] == "the Job fails at once"
    assert [f"{one['when']} {one['then']}" for one in data] == [" ".join(line.split()) for line in text[1:-1]]
    assert text[-1] == "It runs as a Job: it is a single pod."
    assert run(project, "explain", "prod/sentiment", code=2).stderr == (
        "error: prod/sentiment makes no Job; only trainings end, and can fail for good\n"
    )
    assert run(project, "explain", "prod/suport-tune", code=2).stderr == (
        "error: prod has no workload 'suport-tune'; did you mean support-tune?\n"
    )
    assert run(project, "explain", "pord/support-tune", code=2).stderr == (
        "error: there is no environment 'pord'; did you mean prod?\n"
    )


def test_explain_of_a_training_tells_first_what_is_wrong(project: Path) -> None:
    """What cannot be rendered cannot be explained."""
    edit(project, "environments/workloads.py", "nodes=2", "nodes=20")

    error = run(project, "explain", "prod/search-embed", code=1).stderr

    assert "error[R26] prod/search-embed: " in error


def test_images_are_pinned_listed_and_promoted(project: Path) -> None:
    """No registry is asked; what was promoted is rendered by the next synth."""
    digest = "sha256:" + "c" * 64

    pinned = run(project, "images", "pin", "staging", "sentiment", f":2.0.0@{digest}").stdout
    promoted = run(project, "images", "promote", "--from", "staging", "--to", "prod", "sentiment").stdout
    again = run(project, "images", "promote", "--from", "staging", "--to", "prod", "sentiment").stdout
    run(project, "synth")

    assert pinned.startswith("staging/sentiment: ghcr.io/acme/sentiment:1.9.0@")
    assert f"-> ghcr.io/acme/sentiment:2.0.0@{digest}" in promoted
    assert again == "nothing to change\n"
    assert f"sentiment:2.0.0@{digest}" in (project / "dist/prod/sentiment/deployment.yaml").read_text()
    listed = [line.split() for line in run(project, "images", "list", "prod").stdout.splitlines()]
    assert ["prod", "sentiment", "ghcr.io/acme/sentiment", "2.0.0", digest] in listed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["synth", "prd"], "error: there is no environment 'prd'; did you mean prod?\n"),
        (["synth", "--app", "nowhere"], "error: --app: there is no file nowhere\n"),
        (
            ["images", "list", "prd"],
            "error: environment 'prd' has no lock file; did you mean prod?\n",
        ),
        (
            ["images", "pin", "prod", "sentiment", ":2.0"],
            "error: ':2.0' has no digest: a tag can be moved, so give repository:tag@sha256:digest\n",
        ),
    ],
)
def test_misuse_ends_with_exit_code_2(project: Path, words: list[str], message: str) -> None:
    """One sentence, with what was probably meant."""
    assert run(project, *words, code=2).stderr == message


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    """Nothing is written where no project is."""
    message = run(tmp_path, "synth", code=2).stderr

    assert message.startswith("error: there is no main.py beside a cdk8s.yaml in ")
    assert list(tmp_path.iterdir()) == []


def test_a_subfolder_of_the_project_is_inside_it(project: Path) -> None:
    """The command finds the project from below, as git does."""
    assert run(project / "environments", "check").stdout.endswith("dist/ is up to date\n")


def test_help_documents_the_exit_codes(project: Path) -> None:
    """And the variable that turns colours off."""
    text = " ".join(run(project, "--help").stdout.split())

    assert "Exit codes: 0 all is well, 1 findings of severity error, 2 the command was misused, 3 dist/ is not" in text
    assert "NO_COLOR" in text


def test_shell_completion_is_there(project: Path) -> None:
    """Typer prints the script for a shell."""
    script = run(project, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout

    assert "_MODELYARD_COMPLETE" in script


def test_jobs_do_not_change_what_is_rendered(project: Path) -> None:
    """One process or three: the same bytes."""
    shutil.rmtree(project / "dist")
    run(project, "synth", "--jobs", "3")
    many = {path.relative_to(project): path.read_bytes() for path in (project / "dist").rglob("*.*") if path.is_file()}
    shutil.rmtree(project / "dist")
    run(project, "synth", "--jobs", "1")
    one = {path.relative_to(project): path.read_bytes() for path in (project / "dist").rglob("*.*") if path.is_file()}

    assert many == one
