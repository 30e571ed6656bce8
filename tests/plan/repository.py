"""A git repository with a ``dist/`` that is written by hand."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml

SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": f"{who}@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run a command of git in *folder* and return what it prints."""
    done = subprocess.run(
        ["git", *words],  # noqa: S607 # the one on PATH
        cwd=folder,
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout.strip()


@attrs.frozen
class Repository:
    """
    A repository whose project lies in a folder of it.

    Args:
        top: The folder of the repository.

        root: The folder of the project.
    """

    top: Path
    root: Path

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        return run(self.top, *words)

    def write(self, files: Mapping[str, Any]) -> None:
        """Write *files* below ``dist/``: manifests as YAML, text as it is, and None takes a file away."""
        for path, content in files.items():
            place = self.root / "dist" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                place.unlink()
            else:
                place.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")

    def commit(self, files: Mapping[str, Any] | None = None) -> str:
        """Commit *files*, and return the commit."""
        self.write(files or {})
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")


def make(top: Path, root: str = "", *options: str) -> Repository:
    """Return a new repository without a commit in the folder *top*."""
    (top / root).mkdir(parents=True)
    run(top, "init", "--quiet", "--initial-branch", "main", *options)
    (top / root / "main.py").write_text("", encoding="utf-8")
    (top / root / "cdk8s.yaml").write_text("", encoding="utf-8")
    return Repository(top, top / root)
