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

    from modelyard.render.engine import Request
    from modelyard.render.model import Options, Result

LONGEST_SILENCE = 3600
"""Seconds after which a process that says nothing is taken for dead; no environment takes an hour."""


def spread(request: Request, options: Options, count: int) -> tuple[Sequence[str], list[Result]]:
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
        arguments = (theirs, [*crew, ours], request.main, options)
        process = context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        theirs.close()
        crew[ours] = process
    patience = 0
    try:
        found = _lead(crew, request)
        patience = 5
    finally:
        for connection, process in crew.items():
            connection.close()
            process.join(timeout=patience)
            if process.is_alive():
                process.kill()
                process.join()
    return found


def _lead(crew: dict[Connection, ForkProcess], request: Request) -> tuple[Sequence[str], list[Result]]:
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
                    waiting = selected(names, request.only)
                    total = len(waiting)
            else:
                results[message.name] = message
                if request.progress is not None:
                    request.progress(message.name, len(results), total)
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


def _hear(connection: Connection, crew: dict[Connection, ForkProcess]) -> Any:  # what was sent
    try:
        return connection.recv()
    except (EOFError, ConnectionResetError):
        process = crew[connection]
        process.join(timeout=5)
        died = f"a process that renders environments died with exit code {process.exitcode}"
        message = f"{died}; run it again with --jobs 1 to see why"
        raise UsageError(message) from None


def _work(connection: Connection, others: Sequence[Connection], main: Path, options: Options) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leading process hears it, and ends this one
    for other in others:
        other.close()  # else nobody would notice the end of the leading process
    from modelyard.render.environment import render  # noqa: PLC0415 # starts Node, here and not before
    from modelyard.render.load import load  # noqa: PLC0415

    try:
        fleet = load(main)
        connection.send(fleet.names)
        while (name := connection.recv()) is not None:
            connection.send(render(fleet, name, options))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except (SynthesisError, UsageError, OSError) as error:
        connection.send(error)
