"""A plan for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.plan.model import ObjectChange, Plan, Risk, WorkloadPlan
from modelyard.plan.shown import lines

SHORT = 100
NOTHING = "nothing changes"


def text(plan: Plan) -> Iterator[tuple[str, Risk | None]]:
    """Yield the lines of *plan*, each with the risk that it tells of, if it does."""
    if not plan.workloads:
        yield f"{NOTHING} since {plan.base}", None
        return
    for one in plan.workloads:
        yield f"{one.where}{_change(one)}", None
        for effect in one.effects:
            yield f"  {effect.risk:<7}  {effect.text}", effect.risk
        for each in one.objects:
            for line in _object(each):
                yield line, None
        yield "", None
    yield f"{summary(plan)} since {plan.base}", None


def _change(one: WorkloadPlan) -> str:
    return "" if one.change == "changed" else f" ({one.change})"


def summary(plan: Plan) -> str:
    """Return how much changes, in one line."""
    environments = len({one.environment for one in plan.workloads})
    counts = ", ".join(f"{count} {risk}" for risk in Risk if (count := plan.count(risk)))
    changed = f"{len(plan.workloads)} workload{'s' * (len(plan.workloads) != 1)}"
    where = f"{environments} environment{'s' * (environments != 1)}"
    return f"{changed} in {where} {'change' if len(plan.workloads) != 1 else 'changes'} ({counts})"


def title(one: ObjectChange) -> str:
    """Return what happens to an object, in one line."""
    was = f" (was {one.was})" if one.was and one.change == "replaced" else ""
    kept = " (kept)" if one.change == "removed" and any(each.code == "kept" for each in one.effects) else ""
    return " ".join(f"{one.change} {one.kind} {one.name}{was}{kept}".split())


def _object(one: ObjectChange) -> Iterator[str]:
    yield f"    {title(one)}"
    for field in one.fields:
        told = lines(field.before, field.after)
        joined = " -> ".join(line[2:] for line in told)
        if len(told) == 2 and told[1].startswith("+") and len(joined) <= SHORT:  # noqa: PLR2004 # before and after
            yield f"      {field.text}: {joined}"
        else:
            yield f"      {field.text}:"
            yield from (f"        {line}" for line in told)
