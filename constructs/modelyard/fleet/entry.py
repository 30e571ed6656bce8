"""What a fleet asks of an environment that is to be one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard import trace
from modelyard.findings import Finding, Severity, Source, SpecError, shown
from modelyard.values.names import dns_label

if TYPE_CHECKING:
    from modelyard.fleet.fleet import Fleet


def check(fleet: Fleet, name: str, source: Source | None) -> None:
    """
    Let an environment called *name*, made at *source*, be one that *fleet* can have.

    Raises:
        SpecError: *fleet* is no fleet, or the name is taken or no DNS label.
    """
    from modelyard.fleet.fleet import Fleet  # noqa: PLC0415 # which needs its environments

    if not isinstance(fleet, Fleet):
        raise SpecError(
            Finding(
                rule="X11",
                severity=Severity.ERROR,
                where=str(name),
                field="fleet",
                value=shown(fleet),
                because="an environment stands in a Fleet",
                do="pass the fleet as the first argument",
                source=source,
            )
        )
    because = None
    if not isinstance(name, str):
        because = "an environment's name is a string"
    elif broken := dns_label(name):
        because = broken
    elif name in fleet.made:
        first = fleet.made[name].source
        place = f" at {trace.relative(first, fleet.root)}" if first else ""
        because = f"the environment of this name{place} is there already"
    if because:
        raise SpecError(
            Finding(
                rule="X02" if name in fleet.made else "N19",
                severity=Severity.ERROR,
                where=str(name),
                field="name",
                value=shown(name),
                because=because,
                do='choose another name, such as "staging"',
                source=source,
            )
        )
