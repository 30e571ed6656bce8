"""Nothing stays behind: no program and no folder, however a test session ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.processes import free_port
from tests.cluster.programs import ROOT
from tests.pipes import pipe

PATIENCE = 60.0
# A server that does not listen to SIGTERM, in a session that says where it keeps its files.
SESSION = """
import signal, sys, time
from tests.cluster.processes import Programs
# A shell in the background hands down that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
programs = Programs()
server = "import signal, socket, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
server += f"with socket.create_server(('127.0.0.1', {sys.argv[1]})): time.sleep(600)"
program = programs.start("server", [sys.executable, "-c", server], cwd=programs.folder)
print(programs.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda sign: sign.name)
def test_a_session_that_is_ended_leaves_nothing_behind(sign: signal.Signals) -> None:
    """By Ctrl-C, by its CI or by kill -9."""
    port = free_port()
    session = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        folder = Path(pipe(session.stdout).readline().strip())
        assert _soon(lambda: _listens(port))
        assert folder.is_dir()
        session.send_signal(sign)
        session.wait(timeout=PATIENCE)
    finally:
        session.kill()
        session.communicate(timeout=PATIENCE)

    assert _soon(lambda: not _listens(port))
    assert _soon(lambda: not folder.exists())


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
