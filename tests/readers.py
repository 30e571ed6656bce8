"""Readers of YAML other than modelyard's: two of version 1.1, one of 1.2, and the API server's own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from ruamel.yaml import YAML

from tests.pipes import pipe
from tests.project import ROOT

TOOLS = ROOT / ".tools" / "bin"


class GoYaml:
    """Kubernetes' own YAML parser, ``sigs.k8s.io/yaml``, in a process that answers one document after another."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(  # built from tests/goyaml
            [binary("goyaml")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._process.communicate(timeout=60)

    def read(self, document: str) -> Any:
        """Return what the API server reads from *document*, or a string that says why it refuses it."""
        questions = pipe(self._process.stdin)
        questions.write(json.dumps(document) + "\n")
        questions.flush()
        return json.loads(pipe(self._process.stdout).readline())


def binary(name: str) -> Path:
    """Return the program built from ``tests/<name>``, building it where that has not been done yet."""
    source = ROOT / "tests" / name
    whole = hashlib.sha256()
    for file in ("main.go", "go.mod", "go.sum"):
        whole.update((source / file).read_bytes())
    target = TOOLS / f"{name}-{whole.hexdigest()[:12]}"
    if target.exists():
        return target
    go = shutil.which("go") or shutil.which("go", path=ROOT / ".tools" / "go" / "bin")
    assert go is not None, "the tests need Go, on PATH or in .tools/go where make setup puts it"
    settings = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    TOOLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TOOLS, prefix=f".{name}-") as folder:
        new = Path(folder) / name
        done = subprocess.run(  # the Go of this machine
            [go, "build", "-trimpath", "-o", new],
            cwd=source,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        new.replace(target)
    return target


def by_libyaml(document: str) -> Any:
    """Return what PyYAML reads with libyaml: YAML 1.1."""
    return yaml.load(document, Loader=yaml.CSafeLoader)


def by_pyyaml(document: str) -> Any:
    """Return what PyYAML reads in pure Python: YAML 1.1."""
    return yaml.load(document, Loader=yaml.SafeLoader)


def by_ruamel(document: str) -> Any:
    """Return what ruamel.yaml reads: YAML 1.2."""
    return YAML(typ="safe", pure=True).load(document)


PYTHON_READERS: dict[str, Callable[[str], Any]] = {
    "libyaml": by_libyaml,
    "PyYAML": by_pyyaml,
    "ruamel.yaml": by_ruamel,
}
"""By name, every reader that runs in this process."""


def same(one: object, other: object, *, json_numbers: bool = False) -> bool:
    """Return whether two documents are equal in values, types and order; JSON cannot tell 1 from 1.0."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and (json_numbers or list(one) == list(other))
            and one.keys() == other.keys()
            and all(same(one[key], other[key], json_numbers=json_numbers) for key in one)
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(same(*pair, json_numbers=json_numbers) for pair in zip(one, other, strict=True))
        )
    if json_numbers and type(one) is float and type(other) is int:
        return one == float(other)
    return type(one) is type(other) and one == other
