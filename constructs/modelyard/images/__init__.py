"""The committed lock file of an environment: which image each name stands for, and what is kept of former objects."""

from modelyard.images.change import Change, change, lock_files, pinned, promoted
from modelyard.images.lock import (
    CONFLICT,
    CONFLICTED,
    Former,
    Lock,
    LockError,
    lock_path,
    read,
    replace,
    resolve,
    rewritten,
    write,
)

__all__ = [
    "CONFLICT",
    "CONFLICTED",
    "Change",
    "Former",
    "Lock",
    "LockError",
    "change",
    "lock_files",
    "lock_path",
    "pinned",
    "promoted",
    "read",
    "replace",
    "resolve",
    "rewritten",
    "write",
]
