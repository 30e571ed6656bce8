"""Objects of constructs that are not modelyard's: taken from cdk8s in one call, put in our order, never rounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import cdk8s

from modelyard import crash, trace
from modelyard.findings import Breach, Finding, Source
from modelyard.fleet import Environment, Fleet
from modelyard.rules import Object, finding
from modelyard.schemas import Catalog
from modelyard.values.depth import TOO_DEEP, too_deep

LARGEST_EXACT = 2**53 - 1
LONGEST_REASON = 400
VALIDATION = "Validation failed with the following errors:"
PLACE = re.compile(r"\[([^]/]+)[^]]*\] ")


def foreign(environment: Environment, schemas: Catalog) -> Iterator[tuple[Object | None, list[Breach], Environment]]:
    """Yield every foreign object with the breaches on its way through Node, or none, why cdk8s gave up, and where."""
    try:
        manifests = environment.foreign()
    except RuntimeError as error:
        for whose, reason in _refusals(str(error), environment):
            because = f"its synthesis says: {reason[:LONGEST_REASON]}"
            yield None, [Breach("X18", "cdk8s", None, because, "mend the construct")], whose
        return
    for manifest in manifests:
        if too_deep(manifest):
            subject = f"{manifest.get('kind')} {(manifest.get('metadata') or {}).get('name')}"
            yield None, [Breach("X08", subject, None, TOO_DEEP, "write flatter values")], environment
            continue
        ordered = _ordered(manifest, environment.site.namespace)
        info = schemas.kind(str(ordered.get("apiVersion")), str(ordered.get("kind")))
        if info is not None and not info.namespaced:
            # cdk8s puts a chart's namespace on every object, also on those of the whole cluster.
            ordered["metadata"].pop("namespace", None)
        yield Object(ordered, None, None), list(_inexact(ordered)), environment


def astray(fleet: Fleet) -> list[Finding]:
    """Return the charts that stand in no environment, of which nothing would be rendered."""
    if not fleet.tree.known:
        return []
    return [
        _of_chart(str(one.node.id), fleet)
        for child in fleet.node.children
        if not isinstance(child, Environment)
        for one in child.node.find_all()
        if isinstance(one, cdk8s.Chart)
    ]


def _of_chart(name: str, fleet: Fleet) -> Finding:
    source = trace.constant(fleet.root / "environments", name) or crash.Program.made or Source("main.py", 1)
    because = "it stands in no environment, so nothing of it would be rendered"
    breach = Breach("X18", "Chart", name, because, "pass an Environment as its scope")
    return finding(breach, "main.py", trace.relative(source, fleet.root))


def _refusals(error: str, environment: Environment) -> Iterator[tuple[Environment, str]]:
    """Yield what cdk8s says by environment: it validates the whole fleet, whichever environment it is asked for."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("at ")]
    reasons: dict[str, list[str]] = {}
    name = environment.name
    for line in lines[1:] if lines and lines[0].endswith(VALIDATION) else ():
        if match := PLACE.match(line):
            name = match[1]
        reasons.setdefault(name, []).append(line)
    for name, told in reasons.items():
        yield environment.fleet.made.get(name, environment), " ".join([VALIDATION, *told])
    if not reasons:
        yield environment, " ".join(lines)


def _ordered(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    metadata = {**(manifest.get("metadata") or {})}
    metadata.setdefault("namespace", namespace)  # a chart inside the environment has none of its own
    head = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}
    top = {
        "apiVersion": manifest.get("apiVersion"),
        "kind": manifest.get("kind"),
        "metadata": {**head, **metadata},
    }
    return {**top, **{key: value for key, value in manifest.items() if key not in top}}


def _inexact(value: object, path: tuple[str | int, ...] = ()) -> Iterator[Breach]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _inexact(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _inexact(inner, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > LARGEST_EXACT:
        from modelyard.exact_yaml import dotted  # noqa: PLC0415 # not needed where nothing is wrong or written

        because = "a number of more than 53 bits that passes through cdk8s' Node process is rounded there"
        yield Breach(
            "X08",
            dotted(path),
            value,
            because,
            "write it as a string, or render the object with modelyard's own classes",
        )
