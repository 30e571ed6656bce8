"""Programs that run beside the tests, and end with them."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.pipes import pipe

PATIENCE = 120.0
"""Seconds after which a program that is not ready is taken for broken; on an idle machine none needs ten."""
TAIL = 25
THRIFT = {"GOGC": "400", "GOMEMLIMIT": "2GiB"}
"""Half of what a server in Go does in tests is to tidy up memory, of which there is enough: less often, up to a limit."""


class Ended(Exception):  # noqa: N818 # it is what happened
    """A program is of no use any more; the text has the last lines it wrote."""

    def __init__(self, program: Program, how: str) -> None:
        super().__init__(f"{program.name} {how}:\n{program.tail()}")


class Programs:
    """
    The programs of one test session, and the folder that they write to.

    A second process, the reaper, outlives the session by a moment and ends what it could not end itself.
    """

    def __init__(self) -> None:
        self._reaper = subprocess.Popen(
            [sys.executable, "-ISu", str(Path(__file__).with_name("reaper.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.folder = Path(tempfile.mkdtemp(prefix="modelyard-cluster-"))
        self._tell(f"folder {self.folder}")
        self.running: list[Program] = []

    def start(
        self, name: str, command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None
    ) -> Program:
        """Start *command* in a process group of its own; what it says goes to ``<name>.log`` in *cwd*."""
        log = cwd / f"{name}.log"
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=cwd,
                # None of the programs may read the settings, kubeconfig or cloud credentials of whoever runs the tests.
                env={**kept, **THRIFT, "HOME": str(self.folder), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._tell(f"group {process.pid}")
        program = Program(name, process, log)
        self.running.append(program)
        return program

    def stop(self, programs: Sequence[Program]) -> None:
        """End *programs*, all at once."""
        for program in programs:
            program.signal(signal.SIGTERM)
        for program in programs:
            program.end()
            self._tell(f"ended {program.process.pid}")
            self.running.remove(program)

    def ended(self) -> list[Ended]:
        """Return what has ended by itself, or by somebody else."""
        return [
            Ended(one, f"ended with status {status}")
            for one in self.running
            if (status := one.process.poll()) is not None
        ]

    def close(self) -> None:
        """End everything."""
        self.stop(list(reversed(self.running)))
        pipe(self._reaper.stdin).close()
        self._reaper.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _tell(self, line: str) -> None:
        reaper = pipe(self._reaper.stdin)
        reaper.write(f"{line}\n".encode())
        reaper.flush()


class Program:
    """One program that runs."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def signal(self, sign: signal.Signals) -> None:
        """Send *sign* to it and to everything it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, sign)

    def end(self, grace: float = 10.0) -> None:
        """Wait until it has ended, and kill it if it takes longer than *grace* seconds."""
        try:
            self.process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            # The kernel takes it away, and on a very busy machine not at once.
            self.process.wait(timeout=PATIENCE)

    def wait_until(self, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until *ready* says so."""
        until = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise Ended(self, f"ended with status {self.process.returncode}")
            if time.monotonic() > until:
                raise Ended(self, f"was not ready after {seconds:.0f} s")
            time.sleep(0.05)

    def tail(self, lines: int = TAIL) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


_claims: list[socket.socket] = []


def free_port() -> int:
    """
    Return a port of the loopback interface that is free, and that no other call returns, of another session neither.

    It lies below those that systems hand out to connections, or one of them could take it before a server does. The
    same port of UDP, which nobody else asks for, tells other sessions that it is taken: until this one ends.
    """
    for port in random.sample(range(15000, 32000), 100):
        claim = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                claim.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
            _claims.append(claim)
            return port
    message = "none of 100 ports between 15000 and 32000 is free"
    raise OSError(message)
