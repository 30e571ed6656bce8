"""
Holds the repository's own files against each other: part of ``make check``.

Pipfile asks for what pyproject.toml asks for, Pipfile.lock answers this Pipfile, and no file names
the address of a package registry, which is a setting of each machine.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In two halves, or this file would be its own first finding.
HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "proxy." + "golang",
)


def ranges() -> Iterator[str]:
    """Compare the two lists of what modelyard needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = tomllib.loads((ROOT / "Pipfile").read_text())["packages"]
    wanted = {}
    for requirement in project["dependencies"]:
        name, versions = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
        wanted[name.lower()] = versions
    for name in sorted(wanted.keys() | asked.keys()):
        ours, theirs = wanted.get(name, "nothing"), asked.get(name, "nothing")
        if ours != theirs:
            yield f"{name}: pyproject.toml says {ours} but Pipfile says {theirs}; make them equal"


def lock() -> Iterator[str]:
    """Ask pipenv whether the lock is the Pipfile's."""
    pipenv = ROOT / ".tools" / "pipenv" / "bin" / "pipenv"
    env = os.environ | {"PIPENV_IGNORE_VIRTUALENVS": "1", "PIPENV_VENV_IN_PROJECT": "1"}
    answer = subprocess.run([pipenv, "verify"], cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    if answer.returncode:
        yield "Pipfile.lock is not the lock of this Pipfile; run make lock"


def addresses() -> Iterator[str]:
    """Look for registries in every file that is or would be committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        for host in HOSTS:
            if host.encode() in content:
                yield f"{name} names {host}; where packages come from is a setting of each machine"


def main() -> int:
    """Print what does not agree."""
    faults = [*ranges(), *lock(), *addresses()]
    for fault in faults:
        print(fault, file=sys.stderr)
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
