"""Environments spread over processes, each with a Node of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.findings import SynthesisError, UsageError
from modelyard.render.engine import selected

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from modelyard.render.engine import Progress
    from modelyard.render.environment import Result

LONGEST_SILENCE = 3600
"""Seconds after which a process that says nothing is taken for dead; no environment takes an hour."""


def spread(
    main: Path, only: Sequence[str], settings: dict[str, Any], count: int, progress: Progress | None
) -> tuple[Sequence[str], list[Result]]:
    """
    Return the names of all environments, and what came of those asked for, rendered by *count* processes.

    Raises:
        SynthesisError: ``main.py`` cannot be run.

        UsageError: An environment does not exist, or a process died.
    """
    context = multiprocessing.get_context("fork")
    crew: dict[Connection, ForkProcess] = {}
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, main, settings), daemon=True)
        process.start()
        theirs.close()
        crew[ours] = process
    try:
        return _lead(crew, only, progress)
    finally:
        for connection, process in crew.items():
            connection.close()
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()


def _lead(
    crew: dict[Connection, ForkProcess], only: Sequence[str], progress: Progress | None
) -> tuple[Sequence[str], list[Result]]:
    names: Sequence[str] | None = None
    waiting: list[str] = []
    total = 0
    results: dict[str, Result] = {}
    busy = list(crew)
    while busy:
        for connection in _next(busy):
            message = _hear(connection, crew)
            if isinstance(message, Exception):
                raise message
            if isinstance(message, tuple):
                if names is None:
                    names = message
                    waiting = selected(names, only)
                    total = len(waiting)
            else:
                results[message.name] = message
                if progress is not None:
                    progress(message.name, len(results), total)
            if waiting:
                connection.send(waiting.pop(0))
            else:
                connection.send(None)
                busy.remove(connection)
    names = names or ()
    return names, [results[name] for name in names if name in results]


def _next(busy: list[Connection]) -> list[Connection]:
    ready = [one for one in wait(busy, timeout=LONGEST_SILENCE) if isinstance(one, Connection)]
    if not ready:
        message = f"no process has answered for {LONGEST_SILENCE} seconds; run it again with --jobs 1"
        raise UsageError(message)
    return ready


def _hear(connection: Connection, crew: dict[Connection, ForkProcess]) -> Any:  # noqa: ANN401 # what was sent
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        process = crew[connection]
        process.join(timeout=5)
        message = f"a process that renders environments died with exit code {process.exitcode}; run it again with --jobs 1 to see why"
        raise UsageError(message) from None


def _work(connection: Connection, main: Path, settings: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leading process hears it, and ends this one
    from modelyard.render.environment import Options, render  # noqa: PLC0415 # starts Node, here and not before
    from modelyard.render.load import load  # noqa: PLC0415

    try:
        fleet = load(main)
        connection.send(fleet.names)
        while (name := connection.recv()) is not None:
            connection.send(render(fleet, name, Options(**settings)))
    except (SynthesisError, UsageError, OSError) as error:
        connection.send(error)
    except (EOFError, BrokenPipeError):
        return
