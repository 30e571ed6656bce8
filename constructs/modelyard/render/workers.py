"""Environments spread over processes, each with a Node of its own."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from modelyard.findings import SynthesisError, UsageError
from modelyard.render.environment import render

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from modelyard.fleet import Fleet
    from modelyard.render.model import Options, Result

LONGEST_SILENCE = 3600
"""Seconds after which a process that says nothing is taken for dead; no environment takes an hour."""


class Crew:
    """
    Processes that render, and the connections over which this one leads them.

    Args:
        fleet: The fleet, which each of them has as it is now.

        options: How they render.
    """

    def __init__(self, fleet: Fleet, options: Options) -> None:
        self.fleet, self.options = fleet, options
        self.context = multiprocessing.get_context("fork")
        self.members: dict[Connection, ForkProcess] = {}

    def hire(self, count: int) -> None:
        """Start *count* processes."""
        for _ in range(count):
            ours, theirs = self.context.Pipe()
            arguments = (theirs, [*self.members, ours], self.fleet, self.options)
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


def spread(fleet: Fleet, names: Sequence[str], options: Options, count: int) -> Iterator[Result]:
    """
    Yield what comes of each of the environments *names*, rendered by *count* processes, as it comes.

    Args:
        fleet: The fleet, not known to Node yet.

        names: Of the environments to render.

        options: How.

        count: So many processes.

    Raises:
        UsageError: A process died.
    """
    crew = Crew(fleet, options)
    patience = 0
    try:
        crew.hire(count)
        yield from _lead(crew, list(names))
        patience = 5
    finally:
        crew.dismiss(patience)


def _lead(crew: Crew, waiting: list[str]) -> Iterator[Result]:
    busy = list(crew.members)
    for connection in busy:
        connection.send(waiting.pop(0))
    while busy:
        for connection in _next(busy):
            message = crew.hear(connection)
            if isinstance(message, Exception):
                raise message
            if waiting:
                connection.send(waiting.pop(0))
            else:
                connection.send(None)
                busy.remove(connection)
            yield message


def _next(busy: list[Connection]) -> list[Connection]:
    ready = [one for one in wait(busy, timeout=LONGEST_SILENCE) if isinstance(one, Connection)]
    if not ready:
        message = f"no process has answered for {LONGEST_SILENCE} seconds; run it again with --jobs 1"
        raise UsageError(message)
    return ready


def _work(connection: Connection, others: Sequence[Connection], fleet: Fleet, options: Options) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leading process hears it, and ends this one
    for other in others:
        other.close()  # else nobody would notice the end of the leading process
    try:
        while (name := connection.recv()) is not None:
            connection.send(render(fleet, name, options))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except (SynthesisError, UsageError, OSError) as error:
        connection.send(error)
