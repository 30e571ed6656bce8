"""Renders the scenarios. ``python -m tests.scenarios.golden`` writes what is committed beside them anew."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from modelyard import Fleet
from modelyard.render.objects import gather

HERE = Path(__file__).parent
SCENARIOS = sorted(path for path in HERE.glob("*/*.py") if path.parent.name != "__pycache__")


def rendered(program: Path, root: Path) -> tuple[Fleet, dict[str, str]]:
    """Return the fleet of the scenario *program*, and what it renders by path, findings first in an exception."""
    spec: Any = importlib.util.spec_from_file_location(program.stem, program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fleet = Fleet(root=root)
    module.build(fleet)
    texts: dict[str, str] = {}
    for environment in fleet.made.values():
        gathered = gather(environment)
        if gathered.findings:
            raise ValueError("\n".join(str(finding) for finding in gathered.findings))
        texts |= {one.path: one.text for one in gathered.objects}
    return fleet, texts


def golden(program: Path) -> dict[str, str]:
    """Return what is committed beside *program*, by path."""
    folder = program.parent / "golden"
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.yaml"))}


def write(program: Path) -> None:
    """Write what *program* renders beside it."""
    folder = program.parent / "golden"
    with tempfile.TemporaryDirectory() as root:
        _, texts = rendered(program, Path(root))
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for each in SCENARIOS:
        write(each)
