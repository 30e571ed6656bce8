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
from typing import IO

from tests.cluster.programs import PARTS, ROOT

NOTHING = 5
"""What pytest ends with where no test is chosen."""


def main(words: list[str]) -> int:
    """Return the worst of all ends; the output of the other sessions follows that of the first one."""
    # All sessions end when this pipe is closed, and it is, however this process ends.
    ends, alive = os.pipe()
    first, *others = PARTS
    with contextlib.ExitStack() as stack:
        stack.enter_context(os.fdopen(alive, "wb"))
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in others]
        sessions = [_session(part, words, ends, output) for part, output in zip(others, outputs, strict=True)]
        try:
            codes = [_session(first, words, ends, None).wait(), *(one.wait() for one in sessions)]
        finally:
            for one in sessions:
                one.terminate()
            for output in outputs:
                output.seek(0)
                sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
    return max((code for code in codes if code != NOTHING), default=NOTHING)


def _session(part: str, words: list[str], ends: int, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    command = ["-m", "pytest", "-c", "tests/cluster/pytest.ini", "tests/cluster", f"--part={part}", f"--while={ends}"]
    return subprocess.Popen(
        [sys.executable, *command, *words],
        cwd=ROOT,
        pass_fds=[ends],
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
