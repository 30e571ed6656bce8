"""Objects of one identity or one path, which only one file and one object of a cluster can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from modelyard import trace
from modelyard.findings import Breach, Finding
from modelyard.fleet import Environment
from modelyard.render.provenance import asked
from modelyard.render.refusals import where
from modelyard.rules import Object, finding


def identity(one: Object) -> str:
    """Return what a cluster knows *one* by."""
    place = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return f"{one.api_version} {one.kind} {place}"


def on(one: Object, breach: Breach, environment: Environment) -> Finding:
    """Return a breach in one object as a finding that says which object, and where it comes from."""
    field = breach.field if breach.field.startswith(one.kind) else f"{one.kind} {one.name} {breach.field}"
    strict = environment.site.strict
    return finding(
        attrs.evolve(breach, field=field), where(environment, one.owner), asked(one, environment), strict=strict
    )


def collisions(objects: Iterable[Object], environment: Environment) -> Iterator[Finding]:
    """Yield every second object of an identity or a path."""
    identities: dict[tuple[str, str, str | None, str], Object] = {}
    paths: dict[str, Object] = {}
    for one in objects:
        group = one.api_version.rpartition("/")[0]
        identity = (group, one.kind, one.namespace, one.name)
        first = identities.setdefault(identity, one)
        if first is not one:
            place = f"{where(environment, first.owner)}" + (
                f" ({trace.relative(first.source, environment.fleet.root)})" if first.source else ""
            )
            because = f"{place} renders the object of this name already"
            yield on(
                one,
                Breach("X02", "metadata.name", one.name, because, "give one of the two another name"),
                environment,
            )
            continue
        other = paths.setdefault(one.path.lower(), one)
        if other is not one:
            because = f"{other.kind} {other.name} is written to a path that differs only in case, if at all"
            yield on(
                one,
                Breach("X17", "path", one.path, because, "rename one of the two objects"),
                environment,
            )
