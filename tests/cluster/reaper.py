"""
Ends what a test session leaves behind, however it ends.

The session writes a line for each process group and each folder that it makes. When it is gone, by its own will, by
Ctrl-C or by kill -9, its end of the pipe closes; then this program, which nobody else knows of, kills those
groups and removes those folders.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

GRACE = 3.0


def alive(group: int) -> bool:
    """Tell whether *group* has a process left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the number belongs to somebody else by now
        return False
    return True


def end(groups: set[int]) -> None:
    """Ask every group to end, and kill what does not."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, sign)
        until = time.monotonic() + GRACE
        while time.monotonic() < until and any(map(alive, groups)):
            time.sleep(0.05)


def main() -> None:
    """Keep the books until the session is gone."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    groups: set[int] = set()
    folders: set[str] = set()
    for line in sys.stdin:
        word, _, what = line.rstrip("\n").partition(" ")
        if word == "group":
            groups.add(int(what))
        elif word == "ended":
            groups.discard(int(what))
        elif word == "folder":
            folders.add(what)
    end(groups)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
