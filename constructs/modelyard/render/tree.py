"""Files on disk: reading what is there, staging what changes, and swapping one whole tree for another."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from modelyard.findings import UsageError
from modelyard.render import swap

FILE_MODE, FOLDER_MODE = 0o644, 0o755


def content(path: Path) -> bytes | None:
    """Return the bytes of the file at *path*, or None where there is no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        chunks = []
        while chunk := os.read(handle, 1 << 16):
            chunks.append(chunk)
        return b"".join(chunks)
    except IsADirectoryError:
        return None
    finally:
        os.close(handle)


def hashed(data: bytes) -> str:
    """Return the SHA-256 of *data* in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of the file at *path*, empty where there is none."""
    data = content(path)
    return "" if data is None else hashed(data)


class Stage:
    """
    A tree that is being put together beside the one it will replace.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: set[str] = set()

    def write(self, path: str, data: bytes) -> None:
        """Put a file with *data* at *path*."""
        handle = os.open(self._place(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            os.fchmod(handle, FILE_MODE)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)

    def adopt(self, path: str, source: Path) -> None:
        """Let the file or link at *source* also appear at *path*, without copying where the disk can."""
        place = self._place(path)
        try:
            os.link(source, place, follow_symlinks=False)
        except FileExistsError:
            return
        except OSError:
            shutil.copy2(source, place, follow_symlinks=False)

    def folder(self, path: str) -> None:
        """Make the folder *path*."""
        self._place(f"{path}/x")

    def _place(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            target = self.root / folder
            target.mkdir(parents=True, exist_ok=True)
            for part in (target, *target.parents):
                if part == self.root.parent or str(part.relative_to(self.root)) in self._folders:
                    break
                part.chmod(FOLDER_MODE)
                self._folders.add(str(part.relative_to(self.root)))
            self._folders.add(folder)
        return f"{self.root}/{path}"


def files(root: Path, prefix: str = "") -> list[str]:
    """Return every file and link below *root*, and every empty folder with a slash behind it, sorted."""
    found: list[str] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(f"{root}/{folder}"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not entries and folder:
            found.append(prefix + folder)
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{path}/")
            else:
                found.append(prefix + path)
    return sorted(found)


def publish(dist: Path, stage: Path, *, removed: set[str]) -> None:
    """
    Make *dist* what it is, less *removed*, plus what lies in *stage*, in one step.

    Args:
        dist: The folder to change; afterwards *stage* holds what it was before, and goes.

        stage: The new and changed files.

        removed: Paths that do not live on.

    Raises:
        UsageError: The file system cannot swap two folders.
    """
    tree = Stage(stage)
    staged = set(files(stage))
    for path in files(dist):
        if path in staged or path in removed:
            continue
        if path.endswith("/"):
            tree.folder(path.rstrip("/"))
        else:
            tree.adopt(path, dist / path)
    try:
        swap.exchange(stage, dist)
    except OSError as error:
        message = f"{dist} cannot be replaced in one step: {error.strerror}; it must be an ordinary folder beside .modelyard, not a mount"
        raise UsageError(message) from error
    discard(stage)


def discard(folder: Path) -> None:
    """Remove *folder*, which nobody else knows of, as far as it can be removed."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
