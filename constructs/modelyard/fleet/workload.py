"""What every workload is to cdk8s and to its environment."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec

from constructs import Construct

from modelyard import trace
from modelyard.findings import Breach, Finding, Severity, Source, SpecError, shown
from modelyard.fleet.patches import Patch, Patches
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from modelyard.fleet.draft import Draft
    from modelyard.fleet.site import Site

P = ParamSpec("P")


class Workload(Construct):
    """
    One named thing that an environment runs; its manifests carry its id as their name.

    Args:
        scope: The environment, or any construct inside it; where it stands does not change a name.

        id: Unique in the environment; the name of what is rendered.

    Raises:
        SpecError: *scope* lies in no environment.
    """

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 # the name that constructs gives it
        from modelyard.fleet.environment import Environment  # noqa: PLC0415 # each needs the other

        self.id = id
        self.source = trace.here()
        self.environment = Environment.containing(scope, id, self.source)
        self.duplicate = False
        self.patches = Patches()
        self.accepted: Mapping[str, str] = {}
        super().__init__(scope, self.environment.enlist(self, id))

    def add_json_patch(self, kind: str, *operations: Mapping[str, object], name: str | None = None) -> None:
        """
        Change one of this workload's objects after it is rendered; the result is checked again.

        Args:
            kind: The kind of the object, for example ``Deployment``.

            operations: As in RFC 6902, for example ``{"op": "replace", "path": "/spec/x", "value": 1}``.

            name: Which one, where there are several of the kind. Default: the only one.

        See Also:
            https://datatracker.ietf.org/doc/html/rfc6902
        """
        self.patches.add(Patch(kind, name, tuple(operations), trace.here()))

    def breaches(self, site: Site) -> list[Breach]:
        """Return what is wrong with the options, before anything is rendered from them."""
        raise NotImplementedError(type(self).__name__, site.environment)

    def drafts(self, site: Site) -> list[Draft]:
        """Return the manifests that the options stand for at *site*, before patches."""
        raise NotImplementedError(type(self).__name__, site.environment)

    def summary(self) -> dict[str, object]:
        """Return what ``modelyard list`` shows of this workload."""
        raise NotImplementedError(type(self).__name__)


def declared(init: Callable[P, None]) -> Callable[P, None]:
    """Make the constructor *init* answer an unknown or missing option with a finding instead of a TypeError."""
    signature = inspect.signature(init)
    options = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]

    @functools.wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        unknown = [name for name in kwargs if name not in signature.parameters]
        known: Any = {name: given for name, given in kwargs.items() if name not in unknown}
        source = trace.here()
        cls, where = type(args[0]).__name__, _where(args)
        try:
            signature.bind(*args, **known)
        except TypeError as error:
            raise SpecError(_misuse(cls, where, str(error), source)) from None
        init(*args, **known)
        for name in unknown:
            breach = Breach(
                "X12",
                name,
                kwargs[name],
                f"{cls} has no such option",
                did_you_mean(name, options) or f"its options are {', '.join(sorted(options))}",
                trace.argument(source, name) if source else None,
            )
            workload: Any = args[0]
            workload.environment.note(workload, breach)

    return checked


def _where(args: tuple[Any, ...]) -> str:
    scope = getattr(args[1], "name", None) if len(args) > 1 else None
    name = args[2] if len(args) > 2 else "?"  # noqa: PLR2004 # self, scope, id
    return f"{scope}/{name}" if isinstance(scope, str) else str(name)


def _misuse(cls: str, where: str, error: str, source: Source | None) -> Finding:
    missing = error.removeprefix("missing a required argument: ").removeprefix("missing a required keyword-only argument: ")
    if missing != error:
        field, because, do = missing.strip("'"), f"{cls} cannot do without it", f"add {missing.strip(chr(39))}=..."
        return Finding(rule="X12", severity=Severity.ERROR, where=where, field=field, value="", because=because, do=do, source=source)
    return Finding(
        rule="X12", severity=Severity.ERROR, where=where, field=cls, value="",
        because=f"the call does not fit: {shown(error)}", do=f"write {cls}(scope, id, option=value, ...)", source=source,
    )  # fmt: skip
