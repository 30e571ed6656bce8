"""A project's own modules, never taken from a compiled copy of another source."""

from __future__ import annotations

import py_compile
import sys
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from importlib.util import cache_from_source
from pathlib import Path
from py_compile import PycInvalidationMode, PyCompileError
from types import CodeType

from modelyard import trace

CHECKED_HASH = b"\x03\0\0\0"
_taken: set[str] = set()


class _BySource(SourceFileLoader):
    """
    Takes a compiled copy for fresh when it was made from the very same source.

    Python does so when length and second of the source are the same, as they are for a digit that
    changes between two checkouts of git.

    See Also:
        https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation
    """

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if not _is_hashed(Path(cache_from_source(path))):
            try:
                if sys.dont_write_bytecode:
                    return self._compiled(path)
                py_compile.compile(path, doraise=True, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
            except (OSError, PyCompileError):
                return self._compiled(path)
        return super().get_code(fullname)

    def _compiled(self, path: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _is_hashed(compiled: Path) -> bool:
    try:
        with compiled.open("rb") as stream:
            return stream.read(8)[4:] == CHECKED_HASH
    except OSError:
        return False


def take(root: Path) -> None:
    """Let no module below *root* that is the user's own come from a stale copy."""
    if str(root) in _taken:
        return
    _taken.add(str(root))
    make = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (_BySource, SOURCE_SUFFIXES))

    def hook(folder: str) -> object:
        if not (_below(folder, root) and trace.is_user_code(f"{folder}/")):
            raise ImportError(folder)
        return make(folder)

    sys.path_hooks.insert(0, hook)  # type: ignore[arg-type] # a finder, as importlib makes it
    for folder in list(sys.path_importer_cache):
        if _below(folder, root):
            del sys.path_importer_cache[folder]


def _below(folder: str, root: Path) -> bool:
    return folder == str(root) or folder.startswith(f"{root}/")
