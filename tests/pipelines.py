"""The pipelines to copy, and what their jobs run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CI = Path(__file__).resolve().parent.parent / "docs" / "ci"
NAMED = re.compile(r"\$\{\{ ([\w.]+) \}\}|\$(\w+)")
"""A variable of GitHub, or one of GitLab."""


def scripts(value: Any) -> Iterator[str]:
    """Yield the shell scripts in a pipeline."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"run", "script", "before_script"}:
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scripts(inner)


def script_of(pipeline: str, job: str) -> str:
    """Return what a *job* of a *pipeline* runs, without what only a forge can do."""
    read = yaml.safe_load((CI / pipeline).read_text(encoding="utf-8"))
    found = list(scripts(read["jobs"][job] if "jobs" in read else read[job]))
    return "\n".join(one for one in found if "remote set-url" not in one)


def settings_of(pipeline: str, job: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a *job* runs with, where the forge has those in *known*."""
    read = yaml.safe_load((CI / pipeline).read_text(encoding="utf-8"))
    found = {**known}
    for name, value in _variables(read["jobs"][job] if "jobs" in read else read[job]):
        found[name] = NAMED.sub(lambda match: known[match[1] or match[2]], value)
    return {name: value for name, value in found.items() if "." not in name}


def _variables(job: Any) -> Iterator[tuple[str, str]]:
    if isinstance(job, dict):
        for key, inner in job.items():
            if key in {"env", "variables"}:
                yield from inner.items()
            else:
                yield from _variables(inner)
    elif isinstance(job, list):
        for inner in job:
            yield from _variables(inner)
