"""Exchanging two folders in one step, so that no moment shows a mixture or nothing."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2  # linux/fs.h
RENAME_SWAP = 2  # macOS sys/stdio.h


def exchange(new: Path, place: Path) -> None:
    """
    Put *new* at *place*, and what was there, if anything, at *new*.

    Raises:
        OSError: The file system cannot do it.

    See Also:
        https://man7.org/linux/man-pages/man2/rename.2.html
    """
    if not place.exists():
        new.rename(place)
        return
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(new), os.fsencode(place)
    if sys.platform == "darwin":
        status = library.renamex_np(first, second, RENAME_SWAP)
    else:
        status = library.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE)
    if status != 0:
        code = ctypes.get_errno() or errno.ENOSYS
        raise OSError(code, os.strerror(code), str(place))
