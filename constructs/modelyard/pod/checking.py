"""What is wrong with options by themselves: their types, and the check that each declares."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import attrs

from modelyard.findings import Breach
from modelyard.values import quantity
from modelyard.values.credentials import credential
from modelyard.values.image import Image
from modelyard.values.typecheck import mismatches
from modelyard.values.value import Check, source_of

S = TypeVar("S")

RULES_OF_CHECKS = {
    "image": "P02", "cpu": "R01", "memory": "R01", "cpu_limit": "R01", "memory_limit": "R01",
    "ephemeral_storage": "R01", "shared_memory": "R01", "size_limit": "R01", "size": "R01", "max_failed": "J07",
    "user": "P17", "count": "R05", "resource": "R02", "devices": "R02", "topology": "R27", "huge_pages": "R01",
    "url": "V15", "repo": "V15", "revision": "V13", "to": "V15", "every": "X11", "notice": "X11",
    "node_selector": "N16",
    "number": "N20", "port": "N20", "service": "N20", "mount": "V06", "parallel": "X11",
    "version": "X11", "max_model_len": "X11", "gpu_memory": "X11", "tensor_parallel": "X11", "pipeline_parallel": "X11",
    "rank": "X11", "cache": "V06", "rate": "R01",
    "nodes": "X11", "retries": "J07", "keep_succeeded": "J07", "keep_failed": "J07", "catch_up": "X11",
    "keep_runs": "X11", "exclusive_topology": "N16", "min_parallelism": "K03", "required_topology": "K04",
    "preferred_topology": "K04", "head_cpu": "R01", "head_memory": "R01",
    "refresh": "X11", "pending_after": "X11", "queued_after": "X11", "labels": "N16", "dashboards": "N16",
    "steps": "X11", "promote_after": "X11", "keep_old": "X11", "failures": "X11",
    "query": "X11", "metric": "X11", "buffer": "X11", "min": "A01", "max": "A01", "scale_down_after": "A13",
    "timeout": "X11", "late_after": "X11", "at_most": "X11", "at_least": "X11",
    "deadline": "X11", "grace": "X11", "delay": "X11", "finish": "X11", "start_within": "X11", "replicas": "X11",
    "target": "X11", "running": "X11", "files": "X11", "per_node": "X11", "spare": "X11", "node_cpu": "R01",
    "node_memory": "R01", "ports": "N20", "principal": "P40", "path": "X11", "body": "X11",
}  # fmt: skip
DEFAULT_RULE = "N19"
LEAVES = frozenset({type(None), bool, int, str, timedelta})
"""Types that hold no other value."""


def type_breaches(spec: object, prefix: str = "") -> Iterator[Breach]:
    """Yield every field of *spec* that does not hold the type it declares."""
    for path, found, must, source in mismatches(spec):
        field = path.split(".")[0].split("[")[0].split(" ")[0]
        do = f"pass {must}"
        if isinstance(found, str) and must.startswith("a list whose items are each a string"):
            do = f"write {_words(found)}"
        elif must == "a string" and isinstance(found, int | float) and not isinstance(found, bool):
            do = f'write "{found}"'
        elif isinstance(found, bool) and must.startswith("a string"):
            do = f'write "{str(found).lower()}"'
        shown_value = found
        if field == "env":
            shown_value, do = None, "write a string in quotes, or a SecretKey or a FieldRef"  # it may be a secret
        yield Breach("X11", prefix + path, shown_value, f"it must be {must}", do, source)


def _words(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def value_breaches(spec: Any, prefix: str = "") -> Iterator[Breach]:
    """Yield every field of *spec*, and of the values inside it, whose own check it fails."""
    cls: Any = type(spec)
    for name, check, default in _checks(cls):
        given = getattr(spec, name)
        if given is default:
            continue
        if check is not None and (because := check(given)):
            yield _checked(prefix, name, given, because, source_of(spec))
        elif given and type(given) not in LEAVES:
            for place, item in _within(given):
                if hasattr(item, "__source__"):
                    yield from value_breaches(item, f"{prefix}{name}{place}.")


def _within(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield *given*, or where it is a collection what is in it, with the place there."""
    if isinstance(given, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(given))
    elif isinstance(given, dict):
        yield from ((f"[{key!r}]", item) for key, item in given.items())
    else:
        yield "", given


def without(spec: S, broken: Iterable[Breach], **stand_ins: Any) -> S:
    """Return *spec* with defaults, or *stand_ins*, for the options that are *broken*, to look at the others."""
    names = {re.split(r"[.\[ ]", breach.field, maxsplit=1)[0] for breach in broken}
    if not names:
        return spec
    replaced: dict[str, Any] = {}
    given: Any = spec
    for field in attrs.fields(type(given)):
        if field.name in names:
            default = field.default
            made = default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]
            replaced[field.name] = stand_ins.get(field.name, made)
    changed: S = attrs.evolve(given, **replaced)
    return changed


@cache
def _checks(cls: Any) -> tuple[tuple[str, Check | None, object], ...]:
    return tuple((field.name, field.metadata.get("check"), field.default) for field in attrs.fields(cls))


def _checked(prefix: str, name: str, given: object, because: str, source: Any) -> Breach:
    rule = RULES_OF_CHECKS.get(name, DEFAULT_RULE)
    if rule == "R01" and name.startswith("cpu"):
        do = 'write cores, such as "500m" or 2'
    elif rule == "R01" and quantity.parse(str(given)) is None:
        do = quantity.suggestion(str(given))
    elif rule == "P02":
        do = 'write a reference such as "ghcr.io/acme/model:1.4.2", or take it from env.image("model")'
    elif rule == "V06":
        do = 'write an absolute path such as "/data"'
    elif name in {"command", "args"}:
        do = "write a list of strings"
    else:
        do = "correct the value"
    shown_value = str(given) if isinstance(given, Image) else given
    if isinstance(given, str) and credential(given):
        shown_value = None
    return Breach(rule, prefix + name, shown_value, because, do, source)
