"""
Makes jsii steady where it would end in tracebacks of its own; imported before cdk8s, which starts Node.

NaN and infinity raise at the line that passes them; otherwise they end the Node process, and every later
call with it. Node has a session of its own, so that Ctrl-C reaches Python alone, which then ends Node.
"""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
from types import ModuleType


def steady() -> None:
    """Change how jsii writes JSON and starts Node; one that is built otherwise keeps its ways."""
    with contextlib.suppress(ImportError):
        from jsii._kernel.providers import process  # noqa: PLC0415 # there may be none

        process.__dict__["json"] = _like(json, dumps=functools.partial(json.dumps, allow_nan=False))
        apart = functools.partial(subprocess.Popen, start_new_session=True)
        process.__dict__["subprocess"] = _like(subprocess, Popen=apart)


def _like(module: ModuleType, **other: object) -> ModuleType:
    twin = ModuleType(module.__name__)
    vars(twin).update(vars(module), **other)
    return twin


steady()
