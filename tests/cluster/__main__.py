"""
Runs the tests of this folder in two sessions side by side: most of one is Python's work, most of the other is waiting.

Words are handed to both: ``python -m tests.cluster -k walkthrough``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import IO

from tests.cluster.programs import ROOT

NOTHING = 5
"""What pytest ends with where no test is chosen."""


def main(words: list[str]) -> int:
    """Return the worst of both ends; the output of the second session follows that of the first one."""
    # Both sessions end when this pipe is closed, and it is, however this process ends.
    ends, alive = os.pipe()
    with tempfile.TemporaryFile() as later, os.fdopen(alive, "wb"):
        other = _session("servers", words, ends, later)
        try:
            codes = [_session("controllers", words, ends, None).wait(), other.wait()]
        finally:
            other.terminate()
            later.seek(0)
            sys.stdout.buffer.write(later.read())
            sys.stdout.flush()
    return max((code for code in codes if code != NOTHING), default=NOTHING)


def _session(half: str, words: list[str], ends: int, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    command = ["-m", "pytest", "-c", "tests/cluster/pytest.ini", "tests/cluster", f"--half={half}", f"--while={ends}"]
    return subprocess.Popen(
        [sys.executable, *command, *words],
        cwd=ROOT,
        pass_fds=[ends],
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
