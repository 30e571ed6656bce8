"""A git repository that a team commits ``dist/`` to, and a server for what reads none of this machine's files."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

SECONDS = 60
"""How long git may take for anything here."""
LARGEST = 1_000_000
"""Bytes of what a client may ask; it names the commits that it wants and has."""


class GitRepository:
    """
    A git repository that a team commits ``dist/`` to.

    Args:
        root: Its folder, which is also where environments are rendered.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = f"file://{root}"
        root.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")

    def commit(self, message: str) -> str:
        """Commit everything, and return the revision."""
        self._git("add", "--all", "dist")
        self._git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *words],  # noqa: S607 # the one on PATH
            cwd=self.root,
            env=settings(self.root),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
        )
        return done.stdout


class GitServer:
    """
    A server of the repositories below a folder, as long as the block runs.

    It is git's own ``http-backend`` behind the least of a web server, on loopback and a free port.

    Args:
        folder: Where the repositories lie.
    """

    def __init__(self, folder: Path) -> None:
        class Handler(_Handler):
            root = folder

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="git", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=SECONDS)


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to git, by the rules of CGI (RFC 3875)."""

    root: Path
    timeout = SECONDS

    def do_GET(self) -> None:
        """Tell which branches there are."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Hand out commits."""
        length = int(self.headers.get("Content-Length", "0"))
        self._answer(self.rfile.read(min(length, LARGEST)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # as in the class above
        """Say nothing: git's answers stand in the log of whoever asks."""

    def _answer(self, body: bytes) -> None:
        asked = urlsplit(self.path)
        known = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 # the one on PATH
            input=body,
            env={**settings(self.root), **known},
            check=True,
            stdout=subprocess.PIPE,
            timeout=SECONDS,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.partition(": ") for line in head.decode().split("\r\n")]
        status = next((value for name, _, value in headers if name == "Status"), "200")
        self.send_response(int(status.split()[0]))
        for name, _, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def settings(home: Path) -> dict[str, str]:
    """Return the environment of a git that reads nobody's settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
