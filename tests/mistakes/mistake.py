"""What a mistake is to these tests."""

from __future__ import annotations

import re
from dataclasses import dataclass

RULE = re.compile(r"error\[([A-Z][0-9]{2})\]")
HASH = re.compile(r"\btune-[0-9a-f]{8}\b")


@dataclass(frozen=True)
class Mistake:
    """
    One thing wrong with the project of tests/project.py.

    Args:
        name: In words.

        edits: File, text that stands once in it, and what is written instead.

        says: The lines of the finding, the hash of a Job's name as ``tune-HASH``.
    """

    name: str
    edits: tuple[tuple[str, str, str], ...]
    says: tuple[str, ...]

    @property
    def code(self) -> int:
        """The exit code: 1 for a finding, 2 where main.py itself is misused."""
        return 2 if self.says[0].startswith("error: ") else 1

    @property
    def err(self) -> str:
        """Everything that is said."""
        lines = list(self.says)
        if self.code == 1:
            (rule,) = RULE.findall("\n".join(lines))
            warned = ", 1 warning" if any(": warning[" in line for line in lines) else ""
            lines.append(f"1 error{warned}; dist/ is unchanged; modelyard explain {rule} tells more")
        return "\n".join([*lines, ""])


def without_hashes(said: str) -> str:
    """Return what was *said*, with the hashes in names of Jobs, which stand for all of their content, left out."""
    return HASH.sub("tune-HASH", said)
