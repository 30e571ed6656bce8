"""The programs that ``tools/cluster.py`` builds."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OLDEST = "1.32"
NEWEST = "1.37"
PARTS = ("controllers", "delivery", "servers")
"""Of the tests, which run side by side: each has what it needs for itself."""
NIGHTLY = "oldest"
"""What is asked of the newest version with each change, and of the oldest one with less haste."""


@functools.cache
def built(part: str) -> dict[str, Path]:
    """Return the programs of *part* by name, building them where that has not been done yet."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "cluster.py", part],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"tools/cluster.py {part} ended with status {done.returncode}; it says above why"
    return {program: Path(path) for program, path in json.loads(done.stdout)[part].items()}
