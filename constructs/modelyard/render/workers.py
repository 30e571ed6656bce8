"""Environments in processes of their own: none sees what the Python of another has left behind."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from modelyard.findings import SynthesisError, UsageError
from modelyard.render.environment import render
from modelyard.rules import rules

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

    from modelyard.fleet import Fleet
    from modelyard.render.model import Options, Result

LONGEST_SILENCE = 3600
"""Seconds after which a process that says nothing is taken for dead; no environment takes an hour."""


class Crew:
    """
    Processes that render one environment each, and the connections over which this one hears of them.

    Args:
        fleet: The fleet, which each of them has as it is now.

        options: How they render.
    """

    def __init__(self, fleet: Fleet, options: Options) -> None:
        self.fleet, self.options = fleet, options
        self.context = multiprocessing.get_context("fork")
        self.members: dict[Connection, tuple[str, ForkProcess]] = {}
        self.leaving: list[ForkProcess] = []
        # They notice by it when this process is gone, however it ended.
        self.life = os.pipe()

    def hire(self, name: str) -> None:
        """Start the process of the environment *name*."""
        ours, theirs = self.context.Pipe()
        not_its_own = [*self.members, ours]
        # Not a daemon of multiprocessing's, which may have no children of its own.
        process = self.context.Process(target=self._work, args=(name, theirs, not_its_own))
        process.start()
        theirs.close()
        self.members[ours] = name, process

    def hear(self) -> Iterator[Result]:
        """
        Yield what those say that are done next.

        Raises:
            UsageError: One died, or none has said anything for an hour.

            SynthesisError: One could not render.
        """
        ready = [one for one in wait([*self.members], timeout=LONGEST_SILENCE) if isinstance(one, Connection)]
        if not ready:
            message = f"no process has answered for {LONGEST_SILENCE} seconds; look for what waits in environments/"
            raise UsageError(message)
        for connection in ready:
            try:
                message = connection.recv()
            except (EOFError, ConnectionResetError):
                raise self._died(connection) from None
            self.leaving.append(self._parted(connection))
            if isinstance(message, Exception):
                raise message
            yield message

    def part(self) -> None:
        """Wait for the end of those that have said all they had to say, which is soon."""
        while self.leaving:
            _end(self.leaving.pop(), patience=5)

    def dismiss(self) -> None:
        """End every process that is still there, by force."""
        self.part()
        for connection in [*self.members]:
            _end(self._parted(connection), patience=0)
        for end in self.life:
            os.close(end)

    def _work(self, name: str, connection: Connection, others: Sequence[Connection]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the leading process hears it, and ends this one
        for other in others:
            other.close()  # else nobody would notice the end of the leading process
        os.close(self.life[1])
        threading.Thread(target=_outlive_nobody, args=(self.life[0],), daemon=True).start()
        message: Any
        try:
            message = render(self.fleet, name, self.options)
        except (SynthesisError, UsageError, OSError) as error:
            message = error
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(message)

    def _parted(self, connection: Connection) -> ForkProcess:
        _, process = self.members.pop(connection)
        connection.close()
        return process

    def _died(self, connection: Connection) -> UsageError:
        name, process = self.members[connection]
        process.join(timeout=5)
        code = process.exitcode
        how = f"was ended by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended with {code}"
        return UsageError(f"the process that renders {name} {how} before it was done; dist/ is as it was")


def spread(fleet: Fleet, names: Sequence[str], options: Options, count: int) -> Iterator[Result]:
    """
    Yield what comes of each of the environments *names*, *count* of them rendered at a time, as it comes.

    Args:
        fleet: The fleet, not known to Node yet.

        names: Of the environments to render.

        options: How.

        count: So many processes.

    Raises:
        UsageError: A process died.
    """
    crew, waiting = Crew(fleet, options), list(names)
    if not all(options.verified.get(name) for name in names):
        _equip()
    try:
        while waiting or crew.members:
            while waiting and len(crew.members) < count:
                crew.hire(waiting.pop(0))
            crew.part()
            for result in crew.hear():
                if result.seal != options.verified.get(result.name):
                    _equip()
                yield result
    finally:
        crew.dismiss()


def _equip() -> None:
    """Import what checks need, which every process to come then has; where nothing has changed, none needs it."""
    import jsonschema_rs  # noqa: F401, PLC0415

    import modelyard.render.single  # noqa: F401, PLC0415

    rules()


def _end(process: ForkProcess, *, patience: float) -> None:
    process.join(timeout=patience)
    if process.is_alive():
        process.kill()
        process.join()


def _outlive_nobody(life: int) -> None:
    """End this process when the leading one has ended, which may hold a lock that this one has from it."""
    os.read(life, 1)
    os._exit(1)
