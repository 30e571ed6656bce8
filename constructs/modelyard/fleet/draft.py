"""A manifest on its way from a workload to ``dist/``."""

from __future__ import annotations

from typing import Any

import attrs

from modelyard.findings import Source

Manifest = dict[str, Any]


@attrs.define
class Draft:
    """
    One manifest before and after its patches.

    Args:
        manifest: A plain dict, keys in the order in which they are written.

        sealed: Whether its content becomes part of its name, so that a change makes a new object.

        hook: Whether it is a hook by intent: a controller runs it, and the change of it alone has to be seen.

        patched: The line that patched it last. Default: nobody did.
    """

    manifest: Manifest
    sealed: bool = False
    hook: bool = False
    patched: Source | None = None

    @property
    def kind(self) -> str:
        """The manifest's kind."""
        return str(self.manifest["kind"])

    @property
    def name(self) -> str:
        """The manifest's name."""
        return str(self.manifest["metadata"]["name"])
