"""What goes into the rendering of an environment, and what comes out."""

from __future__ import annotations

from pathlib import Path

import attrs

from modelyard.findings import Finding, Severity, Source
from modelyard.render.inventory import Inventory


@attrs.frozen(kw_only=True)
class Options:
    """
    How environments are rendered.

    Args:
        dist: The folder that is rendered into.

        stage: Where changed files are put until all environments are known to be right, or None
            where nothing is to be written.

        force: Whether generated files that were edited by hand are replaced.

        verified: Environment to the seal of what has passed its checks before, and the hash of its inventory.
    """

    dist: Path
    stage: Path | None
    force: bool = False
    verified: dict[str, str] = attrs.field(factory=dict)


@attrs.define(kw_only=True)
class Result:
    """
    What came of one environment; it travels between processes.

    Args:
        name: Of the environment.

        findings: All of them.

        source: The line that makes it.

        inventory: What is rendered, None if it failed before that was known.

        changed: Paths of files that are new or have another content.

        removed: Paths of generated files that are rendered no more.

        lock: What the lock file is to say from now on, or None where that is what it says.

        seal: Stands for all of it once it has passed, so that the next synthesis need not check it again.
    """

    name: str
    findings: list[Finding] = attrs.field(factory=list)
    source: Source | None = None
    inventory: Inventory | None = None
    changed: list[str] = attrs.field(factory=list)
    removed: list[str] = attrs.field(factory=list)
    lock: str | None = None
    seal: str = ""

    @property
    def failed(self) -> bool:
        """Whether a finding stops the synthesis."""
        return any(one.severity is Severity.ERROR for one in self.findings)
