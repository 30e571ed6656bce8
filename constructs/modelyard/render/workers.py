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


class Crew:
    """
    Processes that render, and the connections over which this one leads them.

    Args:
        main: The project's ``main.py``, which each of them runs.

        options: How they render.
    """

    def __init__(self, main: Path, options: Options) -> None:
        self.main, self.options = main, options
        self.context = multiprocessing.get_context("fork")
        self.members: dict[Connection, ForkProcess] = {}

    def hire(self, count: int) -> None:
        """Start *count* processes."""
        for _ in range(count):
            ours, theirs = self.context.Pipe()
            arguments = (theirs, [*self.members, ours], self.main, self.options)
            process = self.context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self.members[ours] = process

    def hear(self, connection: Connection) -> Any:
        """
        Return what a process says.

        Raises:
            UsageError: It died.
        """
        try:
            return connection.recv()
        except (EOFError, ConnectionResetError):
            process = self.members[connection]
            process.join(timeout=5)
            died = f"a process that renders environments died with exit code {process.exitcode}"
            message = f"{died}; run it again with --jobs 1 to see why"
            raise UsageError(message) from None

    def dismiss(self, patience: float) -> None:
        """End every process: by itself within *patience* seconds, or by force."""
        for connection, process in self.members.items():
            connection.close()
            process.join(timeout=patience)
            if process.is_alive():
                process.kill()
                process.join()


def spread(request: Request, options: Options, count: int) -> tuple[Sequence[str], list[Result]]:
    """
    Return the names of all environments, and what came of those asked for, rendered by *count* processes.

    Args:
        request: What is to be rendered.

        options: How.

        count: So many processes.

    Raises:
        SynthesisError: ``main.py`` cannot be run.

        UsageError: An environment does not exist, or a process died.
    """
    crew = Crew(request.main, options)
    patience = 0
    try:
        crew.hire(count)
        found = _lead(crew, request)
        patience = 5
    finally:
        crew.dismiss(patience)
    return found


def _lead(crew: Crew, request: Request) -> tuple[Sequence[str], list[Result]]:
    names: Sequence[str] | None = None
    waiting: list[str] = []
    results: dict[str, Result] = {}
    total, busy = 0, list(crew.members)
    while busy:
        for connection in _next(busy):
            message = crew.hear(connection)
            if isinstance(message, Exception):
                raise message
            if not isinstance(message, tuple):
                results[message.name] = message
                if request.progress is not None:
                    request.progress(message.name, len(results), total)
            elif names is None:
                names = message
                waiting = selected(names, request.only)
                total = len(waiting)
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
