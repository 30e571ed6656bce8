"""
Makes jsii steady where it would end in tracebacks of its own; imported before anything imports cdk8s.

NaN and infinity raise at the line that passes them; otherwise they end the Node process, and every later
call with it. Node has a session of its own, so that Ctrl-C reaches Python alone, which then ends Node. And
Node is started by the first call, not by the import of a library: most fleets are rendered without one.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from types import ModuleType
from typing import Any

from modelyard.findings import UsageError

PATIENCE = 2
"""Seconds that a Node which no longer answers has to end."""


class Node:
    """The Node process of jsii in this process; it runs already where somebody has imported cdk8s before us."""

    started = any(name.endswith("._jsii") for name in sys.modules if name != __name__)


def steady() -> None:
    """Change how jsii writes JSON and starts Node; one that is built otherwise keeps its ways."""
    with contextlib.suppress(ImportError):
        from jsii._kernel.providers import process  # noqa: PLC0415 # there may be none
        from jsii._kernel.types import LoadResponse  # noqa: PLC0415

        process.__dict__["json"] = _like(json, dumps=functools.partial(json.dumps, allow_nan=False))
        apart = functools.partial(subprocess.Popen, start_new_session=True)
        process.__dict__["subprocess"] = _like(subprocess, Popen=apart)
        _put_off(process.ProcessProvider, LoadResponse)
        _tell_of_death(process._NodeProcess)  # noqa: SLF001 # there is no public way
        del process._NodeProcess.__del__  # noqa: SLF001 # one that never began has nothing to end, and says so loudly


def _tell_of_death(node: Any) -> None:
    """Let *node* say that it ended, where it would fail to read what it never wrote."""
    listen, send, stop = node._next_message, node.send, node.stop  # noqa: SLF001

    def heard(self: Any) -> Any:
        try:
            return listen(self)
        except ValueError:
            raise _died(self._process) from None

    def sent(self: Any, *request: Any) -> Any:
        try:
            return send(self, *request)
        except OSError:
            raise _died(self._process) from None

    def stopped(self: Any) -> None:
        with contextlib.suppress(OSError):
            stop(self)

    node._next_message, node.send, node.stop = heard, sent, stopped  # noqa: SLF001


def _died(process: subprocess.Popen[bytes]) -> UsageError:
    try:
        code = process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        code = process.wait()
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    return UsageError(f"cdk8s' Node process ended with {how}; run it again, without JSII_NODE and NODE_OPTIONS")


def _like(module: ModuleType, **other: object) -> ModuleType:
    twin = ModuleType(module.__name__)
    vars(twin).update(vars(module), **other)
    return twin


def _put_off(provider: Any, response: object) -> None:
    """Let *provider* keep the libraries that are imported, and load them before its first other call."""
    waiting: list[object] = []
    start = provider.__dict__["_process"].fget

    def process(self: object) -> Any:
        try:
            node = start(self)
        except OSError as error:
            named = os.environ.get("JSII_NODE", "node")
            message = f"cdk8s needs Node, and {named} cannot be run: {error.strerror}; unset JSII_NODE"
            raise RuntimeError(message) from None
        Node.started = True
        while waiting:
            node.send(waiting.pop(0), response)
        return node

    provider._process = property(process)  # noqa: SLF001 # there is no public way
    provider.load = lambda _self, request: waiting.append(request)


steady()
