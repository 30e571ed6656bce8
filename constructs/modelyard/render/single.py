"""One object by itself: written as text, and held against the schema of its kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from modelyard.exact_yaml import InexactError, dotted, dump
from modelyard.findings import Breach
from modelyard.rules import Object, rules
from modelyard.schemas import Catalog

NOTHING_WITHOUT_SPEC = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "Pod",
        "ReplicaSet",
        "StatefulSet",
    }
)


def write(one: Object) -> Iterator[Breach]:
    """Write *one* as text, and yield why it cannot be written."""
    try:
        one.text = dump(one.data)
    except InexactError as error:
        do = "write a value that JSON can hold"
        yield Breach("X08", dotted(error.path) or f"{one.kind} {one.name}", None, error.because, do)
    else:
        one.sha256 = hashlib.sha256(one.text.encode()).hexdigest()


def schema_breaches(one: Object, schemas: Catalog) -> Iterator[Breach]:
    """Yield what the schema of its kind finds in *one*."""
    if one.kind in NOTHING_WITHOUT_SPEC and not one.data.get("spec"):
        because = "it misses the required field 'spec'"  # the published schema calls it optional
        yield Breach("X05", f"{one.kind} {one.name}", None, because, "say what it is to do")
    if schemas.valid(one.data):
        errors = schemas.duplicates(one.data)
        rule = "X05"
    else:
        errors = schemas.errors(one.data)
        known = schemas.kind(str(one.data.get("apiVersion")), str(one.data.get("kind")))
        rule = "X05" if known is not None else "X04"
    for error in errors:
        because, _, do = error.message.partition("; ")
        field = dotted(error.path) or f"{one.kind} {one.name}"
        yield Breach(rule, field, None, f"it {because}", do or rules()[rule].fix)
