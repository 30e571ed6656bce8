"""A fleet: every environment of a team's repository, and the way from them to ``dist/``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cdk8s

from modelyard import crash, trace
from modelyard.findings import SynthesisError, UsageError
from modelyard.fleet.late import Late, LateMeta, Tree

if TYPE_CHECKING:
    from modelyard.fleet.environment import Environment

Builder = Callable[["Fleet"], object]


class Fleet(Late, cdk8s.App, metaclass=LateMeta):
    """
    The environments that one repository renders.

    Args:
        environments: Name to the function that makes the environment of that name; each is called
            once, in any process. Default: none, and environments are made directly.

        root: The project's folder, in which ``dist/`` and ``environments/`` lie. Default: the
            folder of the file that makes the fleet.
    """

    collecting: list[Fleet] | None = None
    """While ``main.py`` is being read by the command line: the fleets whose ``synth`` it called."""

    def __init__(self, environments: Mapping[str, Builder] | None = None, *, root: str | Path | None = None) -> None:
        self.tree = Tree()
        self.tree.make(super().__init__)
        caller = trace.here(with_main=True)
        if root is None:
            root = Path(caller.file).parent if caller else Path.cwd()
        self.root = Path(root).resolve()
        crash.Program.made = crash.Program.made or caller
        if environments is not None and not (
            isinstance(environments, Mapping)
            and all(isinstance(name, str) for name in environments)
            and all(callable(builder) for builder in environments.values())
        ):
            place = f"{trace.relative(caller, self.root)}: " if caller else ""
            message = f'{place}Fleet(environments) must be a dict of functions, such as {{"prod": prod}}'
            raise UsageError(message)
        self.builders: dict[str, Builder] = dict(environments or {})
        self.made: dict[str, Environment] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all environments, in their order."""
        return tuple(dict.fromkeys([*self.made, *self.builders]))

    def enlist(self, environment: Environment) -> None:
        """Add *environment*, which has just been made."""
        self.made[environment.name] = environment

    def synth(self) -> None:
        """
        Render every environment into ``dist/``, all or nothing, and say what changed.

        Raises:
            SynthesisError: There are findings of severity error; nothing on disk has changed.
        """
        if Fleet.collecting is not None:
            Fleet.collecting.append(self)
            return
        from modelyard.render import program  # noqa: PLC0415 # render comes after fleet

        crash.Program.synthesized += 1
        if crash.Program.is_main and crash.Program.synthesized > 1:
            raise SynthesisError([crash.miscounted(crash.Program.synthesized, "main.py", self.root)])
        program.synth(self)
