"""Files on disk: reading what is there, staging what changes, and swapping one whole tree for another."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from modelyard.findings import UsageError
from modelyard.render import swap

FILE_MODE, FOLDER_MODE = 0o644, 0o755


def content(path: Path | str) -> bytes | None:
    """Return the bytes of the file at *path*, or None where there is no file."""
    try:
        # A named pipe would be waited for, until somebody writes into it.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        chunks = []
        while chunk := os.read(handle, 1 << 16):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(handle)


def hashed(data: bytes) -> str:
    """Return the SHA-256 of *data* in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest(path: Path | str) -> str:
    """Return the SHA-256 of the file at *path*, empty where there is none."""
    data = content(path)
    return "" if data is None else hashed(data)


class Stage:
    """
    A tree that is being put together beside the one it will replace.

    Args:
        root: Its folder; None where nothing is to be written.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root or Path()
        self.writes = root is not None
        self._folders: set[str] = set()

    def write(self, path: str, data: bytes) -> None:
        """Put a file with *data* at *path*."""
        if not self.writes:
            return
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
        """Make the folder *path*, and those above it, with the same permissions whatever the umask."""
        if path in self._folders:
            return
        if path:
            self.folder(path.rpartition("/")[0])
        place = f"{self.root}/{path}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(place, FOLDER_MODE)  # noqa: PTH102 # a thousand folders, and pathlib takes three times as long
        os.chmod(place, FOLDER_MODE)  # noqa: PTH101
        self._folders.add(path)

    def _place(self, path: str) -> str:
        self.folder(path.rpartition("/")[0])
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
        UsageError: The file system cannot swap two folders, or something stands where a folder has to be.
    """
    if dist.is_symlink():
        message = f"{dist} is a symbolic link, and only a folder can be replaced in one step; make it a folder"
        raise UsageError(message)
    if dist.exists() and not dist.is_dir():
        message = f"{dist} is a file, and modelyard needs a folder there; move it away"
        raise UsageError(message)
    tree = Stage(stage)
    staged = set(files(stage))
    folders = {above for folder in {path.rpartition("/")[0] for path in staged} for above in _up(folder)}
    for path in files(dist):
        if path in staged or path in removed:
            continue
        if path in folders:
            message = f"{dist}/{path} is a file or a link, and modelyard needs a folder there; move it away"
            raise UsageError(message)
        if path.endswith("/"):
            tree.folder(path.rstrip("/"))
        else:
            tree.adopt(path, dist / path)
    try:
        swap.exchange(stage, dist)
    except OSError as error:
        why = f"{error.strerror}; it must be an ordinary folder beside .modelyard, not a mount"
        message = f"{dist} cannot be replaced in one step: {why}"
        raise UsageError(message) from error
    discard(stage)


def _up(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def discard(folder: Path) -> None:
    """Remove *folder*, which nobody else knows of, as far as it can be removed."""
    with contextlib.suppress(OSError):
        try:
            shutil.rmtree(folder)
        except PermissionError:
            # A folder that somebody made read-only keeps what is in it.
            for place, _, _ in os.walk(folder):
                os.chmod(place, FOLDER_MODE)  # noqa: PTH101
            shutil.rmtree(folder)
