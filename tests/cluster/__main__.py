"""
Runs the tests of this folder in three sessions side by side: most of one is Python's work, most of the others is waiting.

Words are handed to both: ``python -m tests.cluster -k walkthrough``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from tests.cluster.differential.shown import SHOWN
from tests.cluster.programs import PARTS, ROOT

NOTHING = 5
"""What pytest ends with where no test is chosen."""


def main(words: list[str]) -> int:
    """Return the worst of all ends; the output of the other sessions follows that of the first one, and what it shows."""
    # All sessions end when this pipe is closed, and it is, however this process ends.
    ends, alive = os.pipe()
    first, *others = PARTS
    with contextlib.ExitStack() as stack:
        stack.enter_context(os.fdopen(alive, "wb"))
        passed = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modelyard-passed-")))
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in others]
        sessions = [_session(part, words, ends, passed, output) for part, output in zip(others, outputs, strict=True)]
        try:
            codes = [_session(first, words, ends, passed, None).wait(), *(one.wait() for one in sessions)]
        finally:
            for one in sessions:
                one.terminate()
            for output in outputs:
                output.seek(0)
                sys.stdout.buffer.write(output.read())
            sys.stdout.write(_shown(passed))
            sys.stdout.flush()
    return max((code for code in codes if code != NOTHING), default=NOTHING)


def _shown(passed: Path) -> str:
    """Return of how many rules a cluster did in this run what they warn of, by the tests that passed."""
    names = {name for path in passed.iterdir() for name in path.read_text(encoding="utf-8").splitlines()}
    left = sorted(rule for rule, test in SHOWN.items() if test not in names)
    told = (
        f"of the rules that only modelyard refuses, {len(SHOWN) - len(left)} of {len(SHOWN)} were shown by controllers"
    )
    return f"{told} in this run{', and not ' if left else ''}{' '.join(left)}\n"


def _session(part: str, words: list[str], ends: int, passed: Path, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    command = ["-m", "pytest", "-c", "tests/cluster/pytest.ini", "tests/cluster", f"--part={part}", f"--while={ends}"]
    command.append(f"--passed={passed / part}")
    return subprocess.Popen(
        [sys.executable, *command, *words],
        cwd=ROOT,
        pass_fds=[ends],
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
