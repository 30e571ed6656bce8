"""Running commands and telling how long they took and how much memory a process of theirs had."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import attrs

KIBI = 1024
POLL = 0.05
"""Seconds between two looks at the memory of processes that nobody waits for."""
LONGEST_MESSAGE = 2000


class RunError(Exception):
    """A command of a contestant failed."""


@attrs.frozen(kw_only=True)
class Command:
    """
    One process.

    Args:
        argv: Its words.

        cwd: Where it runs.

        stdout: The file that its output goes to. Default: it is kept for messages.
    """

    argv: Sequence[str]
    cwd: Path
    stdout: Path | None = None


@attrs.frozen(kw_only=True)
class Stage:
    """
    Commands that nothing orders among themselves.

    Args:
        commands: All of them.

        at_once: How many run at a time.
    """

    commands: Sequence[Command]
    at_once: int = 1


@attrs.frozen(kw_only=True)
class Outcome:
    """
    What a run came to.

    Args:
        seconds: Of all stages together.

        stages: Seconds by stage.

        peak: The most memory that one process had, in bytes.

        cut_off: Whether the time limit ended it.

        said: What the last command printed.
    """

    seconds: float
    stages: Sequence[float]
    peak: int
    cut_off: bool = False
    said: str = ""


def run(
    stages: Sequence[Stage],
    environ: Mapping[str, str],
    *,
    limit: float,
    empty: Sequence[Path] = (),
    watch: bool = False,
) -> Outcome:
    """
    Run *stages* one after another.

    Args:
        stages: What is run.

        environ: The environment variables, all of them.

        limit: Seconds after which everything is ended.

        empty: Files and folders that are deleted before the clock starts.

        watch: Whether the memory of processes that their parent never waits for (Node) is looked at as well.

    Raises:
        RunError: A command failed.
    """
    for path in empty:
        remove(path)
    runner = _Runner(environ, limit)
    took: list[float] = []
    with _watching(runner) if watch else contextlib.nullcontext():
        for stage in stages:
            start = time.perf_counter()
            with ThreadPoolExecutor(stage.at_once) as pool:
                list(pool.map(runner.run, stage.commands))
            took.append(time.perf_counter() - start)
            if runner.cut_off:
                return Outcome(seconds=limit, stages=took, peak=runner.peak, cut_off=True)
    return Outcome(seconds=sum(took), stages=took, peak=runner.peak, said=runner.said)


def remove(path: Path) -> None:
    """Delete the file or folder at *path*, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class _Runner:
    """Runs commands under one time limit, and remembers what they came to."""

    def __init__(self, environ: Mapping[str, str], limit: float) -> None:
        self._environ = environ
        self._deadline = time.monotonic() + limit
        self.cut_off = False
        self.peak = 0
        self.said = ""
        self.running: set[int] = set()

    def run(self, command: Command) -> None:
        """
        Run *command* to its end, or to the deadline.

        Raises:
            RunError: It failed.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            self.cut_off = True
            return
        with tempfile.TemporaryFile() as errors, _sink(command) as output:
            process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            self.running.add(process.pid)
            timer = threading.Timer(left, self._end, (process.pid,))
            timer.start()
            # Of itself and of the children it has waited for: the largest process, not the sum.
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
            self.running.discard(process.pid)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.peak = max(self.peak, usage.ru_maxrss * KIBI)
            if command.stdout is None:
                self.said = _told(output)
            if process.returncode != 0 and not self.cut_off:
                message = f"{' '.join(command.argv)[:200]}: exit code {process.returncode}\n{_told(errors)}{self.said}"
                raise RunError(message)

    def _end(self, pid: int) -> None:
        self.cut_off = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _sink(command: Command) -> IO[bytes]:
    if command.stdout is None:
        return tempfile.TemporaryFile()
    command.stdout.parent.mkdir(parents=True, exist_ok=True)
    return command.stdout.open("wb")


def _told(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read()[-LONGEST_MESSAGE:].decode("utf-8", "replace")


@contextlib.contextmanager
def _watching(runner: _Runner) -> Iterator[None]:
    """Look at every process in the sessions of *runner* while it runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL):
            runner.peak = max(runner.peak, _largest(frozenset(runner.running)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _largest(sessions: frozenset[int]) -> int:
    largest = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, LookupError, ValueError):  # it may end while it is looked at
            # After the command's name, in brackets: state, parent, group, session.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) in sessions:
                fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
                largest = max(largest, int(fields["VmHWM"].split()[0]) * KIBI)
    return largest
