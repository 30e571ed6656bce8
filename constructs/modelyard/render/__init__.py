"""From environments to ``dist/``: gathering, checking, writing exactly, publishing in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.fleet import Environment

__all__ = ["manifests"]


def manifests(environment: Environment) -> list[dict[str, Any]]:
    """
    Return every object of *environment*, patched, named and checked.

    Raises:
        SynthesisError: There are findings of severity error.
    """
    from modelyard.findings import SynthesisError  # noqa: PLC0415 # the command line imports this room early
    from modelyard.render.objects import gather  # noqa: PLC0415

    gathered = gather(environment)
    if gathered.failed:
        raise SynthesisError(gathered.findings)
    return [one.data for one in gathered.objects]
