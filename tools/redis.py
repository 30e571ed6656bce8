"""
Finds a Redis for Argo CD, or takes it from Debian's packages without installing them.

Called by ``tools/cluster.py``: Redis is no Go program, and every distribution has it.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from setup import SetupError

INSTALL = "install it (apt install redis-server, brew install redis) and run the same command again"
PROGRAM = "redis-server"


def redis(folder: Path) -> Path:
    """
    Return the path of ``redis-server``: that on PATH, or one that is unpacked into *folder*.

    Raises:
        SetupError: There is none, and it cannot be fetched.
    """
    if found := shutil.which(PROGRAM):
        return Path(found)
    ready = folder / PROGRAM
    if not ready.exists():
        missing = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
        if missing:
            message = f"there is no {PROGRAM} on PATH, and no {missing[0]} to fetch it with; {INSTALL}"
            raise SetupError(message)
        _unpack(folder)
    return ready


def _unpack(folder: Path) -> None:
    """Put Redis, and the libraries that this machine lacks for it, into *folder*."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".redis-") as scratch:
        root = Path(scratch) / "root"
        names = _needed()
        if names is None:
            _apt("update")
            names = _needed() or [PROGRAM]
        _apt("download", *names, cwd=scratch)
        for package in sorted(Path(scratch).glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True, timeout=60)
        libraries = sorted({str(path.parent.relative_to(root)) for path in root.rglob("*.so*")})
        home = folder / "redis"
        shutil.rmtree(home, ignore_errors=True)
        root.replace(home)
        found = ":".join(str(home / library) for library in libraries)
        program = home / "usr" / "bin" / PROGRAM
        lines = ["#!/bin/sh", f'LD_LIBRARY_PATH={shlex.quote(found)} exec {shlex.quote(str(program))} "$@"', ""]
        script = Path(scratch) / PROGRAM
        script.write_text("\n".join(lines))
        script.chmod(0o755)
        script.replace(folder / PROGRAM)


def _needed() -> list[str] | None:
    """Return the packages that an installation would bring, or None where apt knows of no Redis."""
    done = subprocess.run(
        ["apt-get", "install", "--simulate", "--no-install-recommends", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE) or None


def _apt(*words: str, cwd: str | None = None) -> None:
    done = subprocess.run(["apt-get", *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        message = f"there is no {PROGRAM} on PATH, and apt-get {words[0]} cannot fetch it; {INSTALL}"
        raise SetupError(message, done.stderr.splitlines()[-5:])
