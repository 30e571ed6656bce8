"""What keeps an environment, or a workload of it, from being rendered at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from modelyard import trace
from modelyard.delivery import misdeclared
from modelyard.findings import Breach, Finding, Source
from modelyard.fleet import GATES, Environment, Workload, misdeclared_hardware
from modelyard.pod import label_breaches, type_breaches, value_breaches
from modelyard.rules import accepts, finding
from modelyard.schemas import SUPPORTED
from modelyard.values import names
from modelyard.values.similar import did_you_mean

TOLD_AGAIN = frozenset({"N21", "V01"})
"""Rules that speak again of the rendered object, where their acceptance is settled."""


def refused(environment: Environment) -> list[Finding]:
    """Return what keeps *environment*, or a workload of it, from being rendered at all."""
    environment.settle()
    found = list(notes(environment))
    if wrong := list(_site_breaches(environment)):
        found.extend(finding(breach, environment.name, environment.source) for breach in wrong)
    else:
        found.extend(one for workload in filter(named, environment.workloads) for one in unrenderable(workload))
    return relative(found, environment)


def named(workload: Workload) -> bool:
    """Return whether *workload* has a name of its own."""
    return isinstance(workload.id, str) and workload.id != "" and not workload.duplicate


def where(environment: Environment, owner: str | None) -> str:
    """Return how messages name a workload, or the environment itself."""
    return environment.name if owner is None else f"{environment.name}/{owner}"


def notes(environment: Environment) -> Iterator[Finding]:
    """Yield what was met while the environment's function ran."""
    for workload, breach in environment.notes:
        if workload is None:
            yield finding(breach, environment.name, environment.source)
        else:
            yield finding(breach, where(environment, str(workload.id)), workload.source)


def renderable(environment: Environment) -> bool:
    """Return whether the options of *environment* and of its cluster are right, so that anything can be rendered."""
    return not any(_site_breaches(environment))


def _site_breaches(environment: Environment) -> Iterator[Breach]:
    site = environment.site
    wrong_types = list(type_breaches(site))
    if wrong_types:
        yield from wrong_types
        return
    wrong_values = list(value_breaches(site.cluster, "cluster."))
    yield from wrong_values or misdeclared_hardware(site.cluster)
    if broken := names.dns_label(site.namespace):
        yield Breach("N19", "namespace", site.namespace, broken, 'choose a name such as "ml-prod"')
    if site.cluster.kubernetes not in SUPPORTED:
        yield Breach(
            "X04", "kubernetes", site.cluster.kubernetes,
            f"modelyard knows Kubernetes {SUPPORTED[0]} to {SUPPORTED[-1]}",
            f'write one of them, such as kubernetes="{SUPPORTED[-1]}"', _line_of(site.cluster, "kubernetes"),
        )  # fmt: skip
    for gate in sorted(site.cluster.feature_gates - GATES):
        because = "modelyard looks at no such gate, so nothing would come of it"
        do = did_you_mean(gate, sorted(GATES)) or f"leave it away; it looks at {' and '.join(sorted(GATES))}"
        yield Breach("X11", "feature_gates", gate, because, do, _line_of(site.cluster, "feature_gates"))
    if site.keep_configs < 0:
        because = "so many former versions are kept, 0 or more"
        yield Breach("X11", "keep_configs", site.keep_configs, because, "write 0 to keep none")
    yield from misdeclared(site)
    if site.delivery is not None:
        for breach in site.delivery.breaches(site):
            line = breach.source or _line_of(site.delivery, breach.field.removeprefix("delivery.").partition("[")[0])
            yield attrs.evolve(breach, source=line)
    yield from label_breaches("labels", site.labels)


def _line_of(value: object, field: str) -> Source | None:
    """Return the line that wrote *field* of a value type."""
    source = getattr(value, "__source__", None)
    return trace.argument(source, field) if isinstance(source, Source) else None


def unrenderable(workload: Workload) -> Iterator[Finding]:
    """Yield what is wrong with the options of *workload*."""
    environment = workload.environment
    for breach in workload.breaches(environment.site):
        if breach.rule in TOLD_AGAIN and accepts(workload.accepted, breach.rule):
            continue
        yield finding(breach, where(environment, workload.id), workload.source)


def relative(findings: Iterable[Finding], environment: Environment) -> list[Finding]:
    """Return *findings* with the user's files below the project's root relative to it."""
    root = environment.fleet.root
    return [
        attrs.evolve(one, source=trace.relative(one.source, root)) if one.source is not None else one
        for one in findings
    ]
