"""What every workload is to cdk8s and to its environment."""

from __future__ import annotations

import functools
import inspect
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, cast

import attrs
from constructs import Construct

from modelyard import trace
from modelyard.findings import Breach, Finding, Severity, Source, SpecError, shown
from modelyard.fleet.late import Late, LateMeta
from modelyard.fleet.patches import Patch, Patches, malformed
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from modelyard.fleet.draft import Draft
    from modelyard.fleet.site import Site

P = ParamSpec("P")
MISSING = re.compile(r"missing a required (?:keyword-only )?argument: '(\w+)'")
POSITIONAL = 3
"""The constructor's own self, the scope and the id."""


class Workload(Late, Construct, metaclass=LateMeta):
    """
    One named thing that an environment runs; its manifests carry its id as their name.

    Args:
        scope: The environment, or any construct inside it; where it stands does not change a name.

        id: Unique in the environment; the name of what is rendered.

    Raises:
        SpecError: *scope* lies in no environment.
    """

    keep_runs: int | None = None
    """How many former runs stay rendered with what they need; None for what is no run itself."""

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 # the name that constructs gives it
        from modelyard.fleet.environment import Environment  # noqa: PLC0415 # each needs the other

        self.id = id
        self.source = trace.here()
        self.environment = Environment.containing(scope, id, self.source)
        self.duplicate = False
        self.patches = Patches()
        self.accepted: Mapping[str, str] = {}
        self.tree = self.environment.tree
        node = self.environment.enlist(self, id)
        create = functools.partial(super().__init__, scope, node)
        try:
            if scope is self.environment:
                self.tree.make(create)
            else:
                create()
        except RuntimeError:
            self.environment.workloads.remove(self)  # a foreign construct has the id; there is nothing to render
            raise

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
        source = trace.here()
        if (broken := malformed(kind, operations)) is not None:
            self.environment.note(self, attrs.evolve(broken, source=source))
        else:
            self.patches.add(Patch(kind, name, operations, source))

    @abstractmethod
    def breaches(self, site: Site) -> list[Breach]:
        """Return what is wrong with the options, before anything is rendered from them."""

    @abstractmethod
    def drafts(self, site: Site) -> list[Draft]:
        """Return the manifests that the options stand for at *site*, before patches."""

    @abstractmethod
    def summary(self) -> dict[str, object]:
        """Return what ``modelyard list`` shows of this workload."""

    def reason(self) -> str:
        """Return why this workload is rendered as the kind that it is, or nothing where there is no other."""
        return ""


def declared(init: Callable[P, None]) -> Callable[P, None]:
    """Make the constructor *init* answer an unknown or missing option with a finding instead of a TypeError."""
    signature = inspect.signature(init)
    construct: Callable[..., None] = init
    options = {
        name: parameter.default is inspect.Parameter.empty
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    required = frozenset(name for name, is_required in options.items() if is_required)

    @functools.wraps(init)
    def checked(*args: Any, **kwargs: Any) -> None:
        if len(args) == POSITIONAL and kwargs.keys() <= options.keys() and required <= kwargs.keys():
            construct(*args, **kwargs)
            return
        known: Any = {name: given for name, given in kwargs.items() if name in signature.parameters}
        source, cls = trace.here(), type(args[0]).__name__
        unknown = [
            Breach(
                "X12", name, kwargs[name], f"{cls} has no such option", _meant(name, required - known.keys(), options)
            )
            for name in kwargs
            if name not in known
        ]
        try:
            signature.bind(*args, **known)
        except TypeError as error:
            breach = unknown[0] if unknown else _misuse(cls, str(error))
            raise SpecError(_finding(breach, _where(args), source)) from None
        construct(*args, **known)
        workload: Any = args[0]
        for breach in unknown:
            place = trace.argument(source, breach.field) if source else None
            workload.environment.note(workload, attrs.evolve(breach, source=place))

    return cast("Callable[P, None]", checked)


KUBERNETES = {
    "activedeadlineseconds": ("deadline",),
    "backofflimit": ("retries",),
    "completions": ("nodes",),
    "limits": ("cpu", "memory", "gpu"),
    "parallelism": ("nodes",),
    "requests": ("cpu", "memory", "gpu"),
    "resources": ("cpu", "memory", "gpu"),
}
"""Kubernetes' own names for what an option says."""
KEPT_JOBS = "ttlsecondsafterfinished"


def _meant(name: str, missing: Iterable[str], options: Iterable[str]) -> str:
    plain = name.replace("_", "").lower()
    if plain == KEPT_JOBS:
        return "there is none on purpose: a Job that deletes itself is run again by the next sync"
    if named := [option for option in KUBERNETES.get(plain, ()) if option in options]:
        return f"say it with {' and '.join(filter(None, [', '.join(named[:-1]), named[-1]]))}"
    hint = did_you_mean(name, missing) or did_you_mean(name, options)
    return hint or f"its options are {', '.join(sorted(options))}"


def _where(args: Sequence[Any]) -> str:
    given = dict(enumerate(args))
    scope, name = getattr(given.get(1), "name", None), given.get(2, "?")
    return f"{scope}/{name}" if isinstance(scope, str) else str(name)


def _misuse(cls: str, error: str) -> Breach:
    missing = MISSING.fullmatch(error)
    if missing is not None:
        return Breach("X12", missing[1], None, f"{cls} cannot do without it", f"add {missing[1]}=...")
    return Breach("X12", cls, None, f"the call does not fit: {error}", f"write {cls}(scope, id, option=value, ...)")


def _finding(breach: Breach, where: str, source: Source | None) -> Finding:
    return Finding(
        rule=breach.rule,
        severity=Severity.ERROR,
        where=where,
        field=breach.field,
        value="" if breach.value is None else shown(breach.value),
        because=breach.because,
        do=breach.do,
        source=source,
    )
