"""Where a project lies: the folder of its ``main.py``."""

from __future__ import annotations

from pathlib import Path

import yaml

from modelyard.findings import UsageError
from modelyard.images import lock_path

CDK8S_OUTPUT = "dist"
"""Where cdk8s writes when nobody says where."""


def find(start: Path, given: Path | None = None) -> Path:
    """
    Return the ``main.py`` that is meant: *given*, or that of the project that *start* lies in.

    Raises:
        UsageError: There is none.
    """
    if given is not None:
        main = given / "main.py" if given.is_dir() else given
        if main.is_file():
            return main
        message = f"--app: there is no file {given}"
        raise UsageError(message)
    for folder in (start, *start.parents):
        if (folder / "main.py").is_file() and (folder / "cdk8s.yaml").is_file():
            return folder / "main.py"
    message = (
        f"there is no main.py beside a cdk8s.yaml in {start} or above it; "
        "run modelyard inside a project, or say --app PATH"
    )
    raise UsageError(message)


def guard(main: Path) -> None:
    """
    Let the cdk8s command line not be told to delete ``dist/``, as it does with its output folder before anything else.

    Raises:
        UsageError: ``cdk8s.yaml`` says so.
    """
    root = main.resolve().parent
    try:
        with (root / "cdk8s.yaml").open(encoding="utf-8") as stream:
            settings = yaml.load(stream, Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return  # the cdk8s command line tells of it
    output = settings.get("output", CDK8S_OUTPUT) if isinstance(settings, dict) else None
    if isinstance(output, str) and overlap((root / output).resolve(), (root / "dist").resolve()):
        message = (
            "cdk8s.yaml: cdk8s synth would delete dist/ before it runs anything of modelyard's, since that is its "
            "output folder; write output: .modelyard/cdk8s"
        )
        raise UsageError(message)


def overlap(one: Path, other: Path) -> bool:
    """Return whether one of the two folders is, or lies in, the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def require(main: Path, environment: str) -> None:
    """
    Let *environment* be one that has a lock file, or that the fleet of *main* names; its functions are not called.

    Raises:
        SynthesisError: *main* cannot be run.

        UsageError: There is no such environment.
    """
    if not lock_path(main.resolve().parent, environment).exists():
        from modelyard.render.engine import selected  # noqa: PLC0415 # only for a first pin
        from modelyard.render.load import load  # noqa: PLC0415

        selected(load(main).names, [environment])
