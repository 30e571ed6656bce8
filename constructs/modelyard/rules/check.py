"""Runs every check over an environment's objects, and settles what its owners accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelyard import trace
from modelyard.findings import Breach, Finding, Severity, Source, shown
from modelyard.rules.rule import CHECKS, Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.similar import did_you_mean


def rules() -> dict[str, Rule]:
    """Return every rule by its id; the first call imports the families, which is work where nothing is checked."""
    from modelyard.rules.families import RULES  # noqa: PLC0415

    return RULES


def breaches(scope: Scope) -> Iterator[tuple[Object, Breach]]:
    """Yield every breach in the objects of *scope*, object by object."""
    rules()
    for one in scope.objects:
        for breach in _of(one, scope):
            yield one, breach


def _of(one: Object, scope: Scope) -> Iterator[Breach]:
    for check in (*CHECKS.objects.get(one.kind, ()), *CHECKS.objects.get("*", ())):
        yield from check(one, scope)
    for pod in one.pods:
        for check_pod in CHECKS.pods:
            yield from check_pod(pod, scope)
        for container in pod.containers:
            for check_container in CHECKS.containers:
                yield from check_container(container, scope)
    for job in one.jobs:
        for check_job in CHECKS.jobs:
            yield from check_job(job, scope)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Breach]:
    """Yield what would go wrong in the cluster when the object *old* becomes *new*."""
    from modelyard.rules import g_changes  # noqa: PLC0415

    return g_changes.changes(old, new)


def finding(breach: Breach, where: str, source: Source | None, *, strict: bool = False) -> Finding:
    """Return *breach* as a finding on *where*, at the line of the user's Python that fits best."""
    rule = rules()[breach.rule]
    severity = Severity.ERROR if strict and breach.rule in STRICTER else rule.severity
    place = breach.source
    if place is None and source is not None:
        place = trace.argument(source, breach.field.split(".")[0].split("[")[0])
    return Finding(
        rule=breach.rule,
        severity=severity,
        where=where,
        field=breach.field,
        value="" if breach.value is None else shown(breach.value),
        because=breach.because,
        do=breach.do,
        source=place,
    )


STRICTER = frozenset({"P01", "V13"})
"""Rules whose warnings are errors in an environment that is declared strict."""


def accepts(accepted: Mapping[str, str], rule_id: str) -> bool:
    """Return whether *accepted* names a rule that can be accepted, with a reason."""
    return rule_id in accepted and rules()[rule_id].acceptable and bool(str(accepted[rule_id]).strip())


def settle(
    found: Iterable[Finding], accepted: Mapping[str, str], where: str, source: Source | None
) -> Iterator[Finding]:
    """Yield *found* less what is accepted with a reason, and what is wrong with the acceptances."""
    used: set[str] = set()
    for one in found:
        used.add(one.rule)
        if not accepts(accepted, one.rule):
            yield one
    for rule_id, reason in accepted.items():
        breach = _acceptance(rule_id, reason, used)
        if breach is not None:
            yield finding(breach, where, source)


def _acceptance(rule_id: str, reason: object, used: set[str]) -> Breach | None:
    field = f"accept[{rule_id!r}]"
    rule = rules().get(rule_id)
    if rule is None:
        do = did_you_mean(str(rule_id), rules()) or "modelyard explain all lists the ids"
        return Breach("X09", field, None, "there is no rule of this id", do)
    if not isinstance(reason, str) or not reason.strip():
        return Breach("X09", field, reason, "an acceptance says why", "write the reason as a string")
    if not rule.acceptable:
        return Breach(
            "X09",
            field,
            reason,
            f"a breach of {rule_id} would fail in the cluster and cannot be accepted",
            "mend the cause, and remove this acceptance",
        )
    if rule_id not in used:
        return Breach("X09", field, reason, "nothing here breaks this rule", "remove the acceptance")
    return None
