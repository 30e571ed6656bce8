"""The committed lock file of an environment: which image each name stands for."""

from modelyard.images.change import Change, change, lock_files, pinned, promoted
from modelyard.images.lock import Lock, LockError, lock_path, read, write

__all__ = [
    "Change",
    "Lock",
    "LockError",
    "change",
    "lock_files",
    "lock_path",
    "pinned",
    "promoted",
    "read",
    "write",
]
