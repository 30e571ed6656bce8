"""
A program: synthesizes a project again and again, and each time something happens at another touch of the disk.

It is started in a project with two generations (see conftest.py), renders generation ``b`` over ``a`` in a
process of its own for each touch, and prints a line of JSON for each: what ``dist/`` is afterwards, and
what it is, with what lies in the scratch folder, after one more synthesis that nothing happens to.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelyard import Fleet, ModelyardError
from modelyard.render.engine import Request, synthesize
from modelyard.render.environment import build
from modelyard.render.objects import gather
from modelyard.render.workspace import fingerprint
from tests.project import snapshot

MOST_TOUCHES = 2000
CALLS = (
    "os.mkdir",
    "os.link",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.scandir",
    "os.listdir",
    "ctypes.dlsym",
)
"""What Python tells of before it happens; os.write it does not tell of, so that is wrapped."""
MAKES = ("os.mkdir", "os.link", "os.rename", "os.write", "open")
"""What needs room on the disk."""

WRITE = os.write


def arm(root: Path, happen: Callable[[int, str, tuple[Any, ...]], None]) -> None:
    """Call *happen* before every touch of the disk below *root*, with its number from 1 on."""
    count = 0
    below = (str(root / "dist"), str(root / ".modelyard"))

    def touched(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event == "open" and not os.fsdecode(arguments[0] if not isinstance(arguments[0], int) else "").startswith(
            below
        ):
            return
        if event == "open" or event in CALLS:
            count += 1
            happen(count, event, arguments)

    def write(handle: int, data: bytes) -> int:
        nonlocal count
        count += 1
        happen(count, "os.write", (handle, data))
        return WRITE(handle, data)

    os.write = write  # type: ignore[assignment]
    sys.addaudithook(touched)


def at(number: int, what: str) -> Callable[[int, str, tuple[Any, ...]], None]:
    """Return what happens at the touch *number*: a signal, an error once, or a disk that is full from there on."""

    def happen(count: int, event: str, arguments: tuple[Any, ...]) -> None:
        if what.startswith("SIG"):
            if count == number:
                os.kill(os.getpid(), getattr(signal, what))
        elif what == "full":
            writes = event in MAKES and (
                event != "open" or bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            )
            if count >= number and writes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        elif count == number:
            raise OSError(getattr(errno, what), os.strerror(getattr(errno, what)))

    return happen


def run(root: Path, number: int = 0, what: str = "SIGKILL") -> tuple[int, str]:
    """Synthesize in a process of its own; return how it ended and what it said."""
    said, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        status, text = 70, ""
        try:
            fleet = Fleet(builders(), root=root)
            reached = 0

            def happen(count: int, event: str, arguments: tuple[Any, ...]) -> None:
                nonlocal reached
                reached = count
                at(number, what)(count, event, arguments)

            arm(root, happen)
            report = synthesize(Request(main=root / "main.py", fleet=fleet))
            status, text = (0, str(len(report.changed))) if reached >= number else (3, "")
        except ModelyardError as error:
            status, text = 2, str(error)
        except KeyboardInterrupt:
            status = 130
        except BaseException as error:  # noqa: BLE001 # the test shows it
            text = repr(error)
        WRITE(says, text.encode())
        os._exit(status)
    os.close(says)
    with os.fdopen(said) as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text


def builders() -> Mapping[str, Callable[[Fleet], object]]:
    """Return the functions of the project's environments."""
    from environments import ENVIRONMENTS  # noqa: PLC0415 # not those of this repository

    return ENVIRONMENTS


def warm(root: Path) -> None:
    """Import and remember in this process what every other one would begin with."""
    fleet = Fleet(builders(), root=root)
    for name in fleet.names:
        environment, _ = build(fleet, name)
        assert environment is not None
        gather(environment)
    fingerprint()


def main(what: str, step: int, first: Path, second: Path) -> None:
    """Go through every *step*-th touch of a synthesis from the tree of *first* to that of *second*."""
    root = Path.cwd()
    old, new = snapshot(first), snapshot(second)
    names = {str(old): "old", str(new): "new"}
    (root / "generation").write_text("b")
    warm(root)
    gc.collect()
    gc.freeze()
    for number in range(1, MOST_TOUCHES, step):
        for folder, source in (("dist", first), (".modelyard", first.parent / ".modelyard")):
            shutil.rmtree(root / folder, ignore_errors=True)
            shutil.copytree(source, root / folder, symlinks=True)
        (root / "generation").write_text("b")
        code, text = run(root, number, what)
        if code == 3:
            return
        after = names.get(str(snapshot(root / "dist")), "damaged")
        again, problem = run(root)
        finally_ = names.get(str(snapshot(root / "dist")), "damaged")
        left = sorted(str(path.relative_to(root)) for path in (root / ".modelyard").iterdir())
        line = {
            "touch": number,
            "code": code,
            "said": text,
            "after": after,
            "again": [again, problem][: 1 + bool(again)],
        }
        print(json.dumps({**line, "finally": finally_, "left": left}), flush=True)  # noqa: T201
    raise AssertionError(what)


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
