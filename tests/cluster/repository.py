"""A copy of the example repository, for a test to change as a team does: in Python, with modelyard's own commands."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.cluster.manifests import Manifest, in_order, read
from tests.project import MODELYARD, ROOT, Project


class Repository(Project):
    """The example fleet in a folder of its own."""

    @classmethod
    def at(cls, root: Path) -> Repository:
        """Make it in *root*, a new folder."""
        shutil.copytree(ROOT / "environments", root / "environments", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("main.py", "cdk8s.yaml"):
            shutil.copy(ROOT / name, root)
        return cls(root)

    def pin(self, environment: str, name: str, tag: str) -> None:
        """Take the image *name* with another *tag*."""
        digest = f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"
        done = self.run(MODELYARD, "images", "pin", environment, name, f":{tag}@{digest}")
        assert done.code == 0, done.err

    def render(self, environment: str) -> list[Manifest]:
        """Run ``modelyard synth`` and return the objects of *environment*, in the order to apply them."""
        self.synth()
        return in_order([read(self.dist / environment), read(self.dist / "_delivery" / environment)])
