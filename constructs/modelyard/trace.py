"""Where in the user's Python something was asked for."""

from __future__ import annotations

import ast
import contextlib
import site
import sys
import sysconfig
from bisect import bisect_right
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from modelyard.findings import Source

if TYPE_CHECKING:
    from types import FrameType, TracebackType

HERE = str(Path(__file__).resolve().parent)
DEEPEST = 100
_tables: dict[int, tuple[CodeType, list[int], list[int]]] = {}


@cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [HERE, *(paths[name] for name in ("stdlib", "purelib", "platlib", "scripts")), *site.getsitepackages()]
    return tuple(dict.fromkeys(f"{folder}/" for folder in folders))


@lru_cache(maxsize=1024)
def is_user_code(filename: str) -> bool:
    """Return whether *filename* is neither modelyard's, nor Python's, nor an installed library's."""
    return not filename.startswith("<") and not filename.startswith(_library_folders())


def here(*, with_main: bool = False) -> Source | None:
    """Return the innermost line of user code that is being run, with the functions that called it."""
    found: list[tuple[str, int]] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 # the documented way is 100 times slower
    for _ in range(DEEPEST):
        if frame is None:
            break
        code = frame.f_code
        if is_user_code(code.co_filename):
            if with_main:
                return Source(code.co_filename, _line(code, frame.f_lasti))  # an import is no call
            if code.co_name != "<module>":
                found.append((code.co_filename, _line(code, frame.f_lasti)))
        frame = frame.f_back
    if found:
        return _source(found)
    return None if with_main else here(with_main=True)


def _line(code: CodeType, instruction: int) -> int:
    """Return the line of *instruction*; asked of the frame, it would be looked for from the first line on each time."""
    table = _tables.get(id(code))
    if table is None:
        spans = [(start, line or code.co_firstlineno) for start, _, line in code.co_lines()]
        # With the code itself, so that its id stays its own.
        table = _tables[id(code)] = code, [start for start, _ in spans], [line for _, line in spans]
    return table[2][bisect_right(table[1], instruction) - 1]


def of_traceback(traceback: TracebackType | None) -> Source | None:
    """Return the line of user code that an exception came from, innermost first."""
    found: list[tuple[str, int]] = []
    while traceback is not None:
        if is_user_code(filename := traceback.tb_frame.f_code.co_filename):
            found.insert(0, (filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    return _source(found)


def of_function(function: object) -> Source | None:
    """Return where the user's *function* is defined."""
    code = getattr(function, "__code__", None)
    return Source(code.co_filename, code.co_firstlineno) if code is not None else None


def _source(found: list[tuple[str, int]]) -> Source | None:
    if not found:
        return None
    (file, line), *via = found
    return Source(file, line, tuple(via))


def relative(source: Source, root: Path) -> Source:
    """Return *source* with the paths below *root* written relative to it."""
    via = tuple((_below(file, root), line) for file, line in source.via)
    return Source(_below(source.file, root), source.line, via)


@lru_cache(maxsize=1024)
def _below(file: str, root: Path) -> str:
    path = Path(file)
    try:
        return path.resolve().relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


@lru_cache(maxsize=256)
def _calls(file: str) -> tuple[ast.Call, ...]:
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Call))


def argument(source: Source, name: str) -> Source:
    """Return the line where the call at *source* writes the argument *name*, if it does so itself."""
    for call in _calls(source.file):
        if call.lineno == source.line:
            for keyword in call.keywords:
                if keyword.arg == name:
                    return Source(source.file, keyword.value.lineno, source.via)
    return source


def end(file: Path, line: int) -> int:
    """Return the last line of the call that begins at *line* of *file*."""
    return max((call.end_lineno or line for call in _calls(str(file)) if call.lineno == line), default=line)


def literal(source: Source, name: str) -> object:
    """Return the value that the call at *source* writes out for the argument *name*, or None where it computes one."""
    for call in _calls(source.file):
        if call.lineno == source.line:
            for keyword in call.keywords:
                if keyword.arg == name:
                    with contextlib.suppress(ValueError):
                        return ast.literal_eval(keyword.value)
    return None


def constant(folder: Path, text: str) -> Source | None:
    """Return where a Python file below *folder*, or the main.py beside it, first gives *text* as an argument."""
    for file in (*sorted(folder.rglob("*.py")), folder.parent / "main.py"):
        for call in _calls(str(file)):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            for value in given:
                if isinstance(value, ast.Constant) and value.value == text:
                    return Source(str(file), value.lineno)
    return None
