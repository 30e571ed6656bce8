"""The machine, and the versions of what ran on it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from contest.tools import PINS, ToolError, Tools

MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs"}
GIBI_IN_KIBI = 2**20


def scratch() -> tuple[Path, str]:
    """
    Return a folder on a memory file system, and the kind of that.

    Raises:
        ToolError: There is none.
    """
    mounts: dict[Path, str] = {}
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split(" ")
        mounts[Path(place)] = kind
    for folder in (Path("/dev/shm"), Path("/tmp"), Path(f"/run/user/{os.getuid()}")):  # noqa: S108 # made unguessable later
        if mounts.get(folder) in MEMORY_FILE_SYSTEMS and os.access(folder, os.W_OK):
            return folder, mounts[folder]
    message = "there is no memory file system at /dev/shm or /tmp, and a disk would be measured instead of programs"
    raise ToolError(message)


def facts(tools: Tools, file_system: str, load: float) -> list[tuple[str, str]]:
    """Return what a reader needs to know in order to compare."""
    return [
        ("processor", f"{os.cpu_count()} cores, {_processor()}"),
        ("memory", f"{_memory()} GiB"),
        ("load before the run", f"{load:.1f} processes"),
        ("files on", file_system),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("Node", _said(tools.node, "--version").removeprefix("v")),
        *(
            (name, version(name))
            for name in ("modelyard", "cdk8s", "cdk8s-plus-34", "constructs", "jsii", "PyYAML", "jsonschema-rs")
        ),
        ("Helm", _said(tools.helm, "version", "--template", "{{.Version}}").removeprefix("v")),
        ("kubectl", _said(tools.kubectl, "version", "--client").splitlines()[0].rpartition(" v")[2]),
        ("kubeconform", _said(tools.kubeconform, "-v").removeprefix("v")),
        ("Helm and kubectl from", PINS.read_text(encoding="utf-8").split()[0]),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _memory() -> str:
    total = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return f"{int(total) / GIBI_IN_KIBI:.0f}"


def _said(program: Path, *words: str) -> str:
    done = subprocess.run([str(program), *words], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()
