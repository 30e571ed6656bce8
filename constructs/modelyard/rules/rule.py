"""A rule: what it says, why, and the checks that find its breaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import attrs

from modelyard.findings import Breach, Severity

if TYPE_CHECKING:
    from modelyard.rules.scope import Scope
    from modelyard.rules.subjects import Container, Job, Object, Pod

F = TypeVar("F", bound=Callable[..., Iterator[Breach]])


@attrs.define
class Checks:
    """Every check there is, by what it looks at, in the order of the rules' modules."""

    objects: dict[str, list[Callable[[Object, Scope], Iterator[Breach]]]] = attrs.field(factory=dict)
    pods: list[Callable[[Pod, Scope], Iterator[Breach]]] = attrs.field(factory=list)
    containers: list[Callable[[Container, Scope], Iterator[Breach]]] = attrs.field(factory=list)
    jobs: list[Callable[[Job, Scope], Iterator[Breach]]] = attrs.field(factory=list)


RULES: dict[str, Rule] = {}
CHECKS = Checks()


@attrs.frozen(eq=False)
class Rule:
    """
    One rule with a stable id.

    Args:
        id: A letter for the family and two digits, for example ``R01``.

        title: The rule in one sentence.

        why: What happens in the cluster when it is broken.

        fix: What to do about it, as advice that can follow a semicolon.

        see: The page that the rule comes from.

        severity: Whether a breach stops the synthesis. Default: it does.

        acceptable: Whether a workload may accept a breach with a reason. Default: not an error that
            the API server or a controller would refuse anyway.
    """

    id: str
    title: str
    why: str = attrs.field(kw_only=True)
    fix: str = attrs.field(kw_only=True)
    see: str = attrs.field(kw_only=True)
    severity: Severity = attrs.field(default=Severity.ERROR, kw_only=True)
    acceptable: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.id in RULES:
            message = f"there are two rules {self.id}"
            raise ValueError(message)
        RULES[self.id] = self

    def breach(self, field: str, value: object, because: str, do: str | None = None) -> Breach:
        """Return a breach of this rule at *field*, with the rule's own advice unless *do* is better."""
        return Breach(self.id, field, value, because, do or self.fix)

    def objects(self, *kinds: str) -> Callable[[F], F]:
        """Register a check of every object of one of *kinds* (``*`` for all)."""

        def register(check: F) -> F:
            for kind in kinds:
                CHECKS.objects.setdefault(kind, []).append(check)
            return check

        return register

    def pods(self, check: F) -> F:
        """Register a check of every pod or pod template."""
        CHECKS.pods.append(check)
        return check

    def containers(self, check: F) -> F:
        """Register a check of every container, init containers included."""
        CHECKS.containers.append(check)
        return check

    def jobs(self, check: F) -> F:
        """Register a check of every Job and every job template of a CronJob."""
        CHECKS.jobs.append(check)
        return check
