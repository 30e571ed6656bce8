"""What ``fleet.synth()`` does in a program, and in one that ``cdk8s synth`` runs."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.findings import UsageError
from modelyard.render import tree
from modelyard.render.engine import Request, synthesize
from modelyard.render.project import overlap
from modelyard.render.report import lines, summary

if TYPE_CHECKING:
    from modelyard.fleet import Fleet

OUTDIR = "CDK8S_OUTDIR"


def synth(fleet: Fleet) -> None:
    """
    Render *fleet* and say what changed.

    Raises:
        SynthesisError: There are findings of severity error; nothing on disk has changed.

        UsageError: cdk8s is told to write into ``dist/`` itself, which it would delete first.
    """
    dist = fleet.root / "dist"
    outdir = os.environ.get(OUTDIR)
    if outdir is not None and overlap(Path(outdir).resolve(), dist.resolve()):
        message = (
            "cdk8s deletes its output folder before it runs this program, so its output must not be dist/: "
            "write output: .modelyard/cdk8s in cdk8s.yaml and leave --output away, then bring dist/ back with git"
        )
        raise UsageError(message)
    # jsii waits for its Node at the very end, where nobody would catch an exception any more.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)
    report = synthesize(Request(main=fleet.root / "main.py", fleet=fleet))
    for line in lines(report.findings):
        sys.stderr.write(f"{line}\n")
    # The cdk8s command line shows only what its program writes to stderr.
    stream = sys.stdout if outdir is None else sys.stderr
    stream.write(f"{summary(report)}\n")
    if outdir is not None:
        _offer(
            dist,
            Path(outdir),
            [path for result in report.results if result.inventory for path in result.inventory.entries],
        )


def _offer(dist: Path, outdir: Path, paths: list[str]) -> None:
    """Let the manifests also appear in *outdir*, which the cdk8s command line lists or prints."""
    stage = tree.Stage(outdir)
    outdir.mkdir(parents=True, exist_ok=True)
    for path in paths:
        stage.adopt(path, dist / path)
