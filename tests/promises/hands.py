"""What modelyard says about hands in ``dist/``, and how tests hear it."""

from __future__ import annotations

from tests.project import MAIN_PY, MODELYARD_SYNTH, Project

DEPLOYMENT = "dev/sentiment/deployment.yaml"
STRANGER = (
    "but modelyard did not write it, and Argo CD and Flux apply every manifest in this folder; "
    "move it out of dist/, and bring it in with cdk8s.Include to have it checked"
)
TAKEN = (
    "but modelyard would write this file and did not write the one that is there; "
    "move it away, or run modelyard synth --force to replace it"
)
EDITED = (
    "but it was edited by hand since modelyard wrote it, and the edit would be lost; "
    "say it in Python (every object takes add_json_patch), then run modelyard synth --force to drop the edit"
)
NO_FILE = "but modelyard would write this file, and what stands in its place is none; move it away"


def refused(project: Project, *findings: str, rule: str, force: bool = False) -> None:
    """Assert that a synthesis finds exactly *findings* of *rule*, and leaves everything as it is."""
    before = project.snapshot()
    count = "1 error" if len(findings) == 1 else f"{len(findings)} errors"
    lines = [f"error[{rule}] {finding}" for finding in findings]
    expected = "\n".join([*lines, f"{count}; dist/ is unchanged; modelyard explain {rule} tells more", ""])
    for command in ((*MODELYARD_SYNTH, "--force"),) if force else (MODELYARD_SYNTH, MAIN_PY):
        done = project.run(*command)
        assert (done.code, done.out, done.err) == (1, "", expected)
        assert project.snapshot() == before


def misused(project: Project, message: str, *options: str) -> None:
    """Assert that a synthesis says *message*, in one line, and leaves everything as it is."""
    before = project.snapshot()
    for command in ((*MODELYARD_SYNTH, *options),) if options else (MODELYARD_SYNTH, MAIN_PY):
        done = project.run(*command)
        assert (done.code, done.out, done.err) == (2, "", f"error: {message}\n")
        assert project.snapshot() == before


def change(project: Project) -> None:
    """Change every Deployment of *project*, and its Job."""
    project.edit("environments/workloads.py", 'cpu="500m"', 'cpu="750m"')
    project.edit("environments/prod.py", "retries=3", "retries=2")
