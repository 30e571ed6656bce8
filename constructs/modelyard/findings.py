"""What modelyard has to say about a workload: breaches of rules, and where the user asked for them."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SHOWN = 60


class Severity(enum.StrEnum):
    """How bad a finding is: an error stops the synthesis, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@attrs.frozen
class Source:
    """
    A line of the user's Python.

    Args:
        file: Path relative to the project's root where it lies below it.

        line: Counted from 1.

        via: The callers between that line and the environment's function, innermost first.
    """

    file: str
    line: int
    via: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@attrs.frozen
class Breach:
    """
    One rule broken by one field, before it is known for which workload.

    Args:
        rule: The id of the rule, for example ``R01``.

        field: The option, or the path inside the manifest; empty where none is to blame.

        value: What was found there; shortened when it is shown.

        because: The rule in words, with its own values, to follow "but".

        do: What to do about it, to follow a semicolon.

        source: The line that wrote the value, where that is not the workload's own line.
    """

    rule: str
    field: str
    value: object
    because: str
    do: str
    source: Source | None = None


@attrs.frozen(kw_only=True)
class Finding:
    """A breach with everything a person needs to mend it."""

    rule: str
    severity: Severity
    where: str
    field: str
    value: str
    because: str
    do: str
    source: Source | None = None

    @property
    def text(self) -> str:
        """The finding in one line, without place and rule id."""
        subject = f"{self.field}={self.value}" if self.value else self.field
        return (
            f"{self.where}: {subject} but {self.because}; {self.do}"
            if subject
            else f"{self.where}: {self.because}; {self.do}"
        )

    def __str__(self) -> str:
        place = f"{self.source}: " if self.source else ""
        return f"{place}{self.severity}[{self.rule}] {self.text}"


def shown(value: object) -> str:  # noqa: PLR0911 # a case a kind of value
    """Return *value* as it may appear in a message: short, and never a whole object."""
    if value is None:
        return "None"
    if isinstance(value, str | int | float | bool):
        text = repr(value)
        return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 4]}...{text[-1]}"
    if isinstance(value, timedelta):
        return f"seconds({value.total_seconds():g})"
    if isinstance(value, list | tuple | set | frozenset):
        text = ", ".join(shown(item) for item in value)
        if len(text) <= MAX_SHOWN:
            return f"[{text}]"
        return f"[{len(value)} items]"
    if isinstance(value, dict):
        return f"{{{len(value)} keys}}"
    return f"<{type(value).__name__}>"


class ModelyardError(Exception):
    """Base of every error that modelyard raises on purpose."""


class UsageError(ModelyardError):
    """Raised when modelyard is called in a way that cannot work, whatever the fleet says."""


class SpecError(ModelyardError):
    """
    Raised when a call in an environment cannot go on: the finding tells what is wrong.

    Args:
        finding: Rule, workload, field, value and remedy.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding

    def __reduce__(self) -> tuple[type[SpecError], tuple[Finding]]:
        return type(self), (self.finding,)


class SynthesisError(ModelyardError):
    """
    Raised when a fleet has findings of severity error; nothing on disk has changed.

    Args:
        findings: All of them, warnings included, in the order of the fleet.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))

    def __reduce__(self) -> tuple[type[SynthesisError], tuple[tuple[Finding, ...]]]:
        return type(self), (self.findings,)
