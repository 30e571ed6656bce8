"""The scratch folder ``.modelyard`` beside ``dist/``: the lock, the stage, and what was verified."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs

from modelyard.findings import UsageError
from modelyard.render import tree

FOLDER = ".modelyard"
PACKAGE = Path(__file__).resolve().parent.parent


@attrs.frozen
class Workspace:
    """
    The scratch folder of one project; nothing in it is needed, nothing in it is committed.

    Args:
        root: The project's folder.
    """

    root: Path

    @property
    def dist(self) -> Path:
        """The folder that is rendered into."""
        return self.root / "dist"

    @property
    def folder(self) -> Path:
        """The scratch folder itself."""
        return self.root / FOLDER

    @property
    def stage(self) -> Path:
        """Where the next ``dist/`` is put together."""
        return self.folder / "stage"

    def open(self) -> None:
        """Make the scratch folder, unseen by git."""
        try:
            self.folder.mkdir(exist_ok=True)
            ignore = self.folder / ".gitignore"
            if tree.content(ignore) != b"*\n":
                ignore.write_bytes(b"*\n")
        except OSError as error:
            message = f"{self.folder} cannot be made: {error.strerror}; modelyard needs it to replace dist/ in one step"
            raise UsageError(message) from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other synthesis runs in this project, and keep others waiting meanwhile."""
        self.open()
        with (self.folder / "lock").open("a", encoding="utf-8") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sys.stderr.write("another synthesis runs in this project; waiting for it to end\n")
                fcntl.flock(handle, fcntl.LOCK_EX)
            tree.discard(self.stage)
            if self.stage.exists():
                message = f"{self.stage} cannot be removed, and it is in the way of the next dist/; remove it"
                raise UsageError(message)
            yield

    def verified(self) -> dict[str, str]:
        """Return, by environment, what passed its checks when it was last rendered."""
        try:
            data = json.loads((self.folder / "verified.json").read_text(encoding="utf-8"))
            if data["modelyard"] == fingerprint():
                return {str(name): str(seal) for name, seal in data["environments"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        return {}

    def verify(self, passed: dict[str, str], before: dict[str, str]) -> None:
        """Remember, by environment, what has *passed* its checks, besides what had *before*."""
        after = {**before, **passed}
        if after != before:
            text = json.dumps({"modelyard": fingerprint(), "environments": after}, indent=1)
            with contextlib.suppress(OSError):
                (self.folder / "verified.json").write_text(text, encoding="utf-8")


@cache
def fingerprint() -> str:
    """Return a hash of everything in modelyard that checks depend on: its code and its schemas."""
    whole = hashlib.sha256()
    for path, status in sorted(_files(str(PACKAGE))):
        whole.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return whole.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what code and schemas are in; as a recursion over scandir, which asks for a third of what pathlib does."""
    for one in os.scandir(folder):
        if one.is_dir():
            if one.name != "__pycache__":
                yield from _files(one.path)
        elif one.name.endswith((".py", ".json", ".z")):
            yield one.path, one.stat()
