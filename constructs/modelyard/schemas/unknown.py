"""What to say about a kind that the cluster has not."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from modelyard.schemas.advice import closest, missing, quoted
from modelyard.schemas.bundle import SUPPORTED, index
from modelyard.schemas.installed import constant_of
from modelyard.schemas.model import SchemaError
from modelyard.schemas.wording import described

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUP_WEIGHT = 0.6


def similar_kind(kinds: Sequence[str], api_version: str, kind: str) -> str | None:
    """Return the one of *kinds* ("apiVersion kind") that was meant, or None where none is near."""
    names = sorted({each.partition(" ")[2] for each in kinds})
    name = kind if kind in names else closest(kind, names)
    versions = [each.partition(" ")[0] for each in kinds if each.endswith(f" {name}")]
    if name is None or not versions:
        return None
    group = api_version.rpartition("/")[0]
    same_group = [each for each in versions if each.rpartition("/")[0] == group]
    best = max(same_group or versions, key=lambda each: (_nearness(each, api_version), _age(each)))
    # A kind of another project's group only shares its name: "Cluster", "Application", "Service".
    if not same_group and kind == name and "." in group and _nearness(best, api_version) < GROUP_WEIGHT:
        return None
    return f"{best} {name}"


def _nearness(api_version: str, wanted: str) -> float:
    groups = api_version.rpartition("/")[0], wanted.rpartition("/")[0]
    return round(difflib.SequenceMatcher(None, *groups).ratio(), 3)


def _age(api_version: str) -> tuple[bool, bool, str]:
    """Return what sorts stable versions over beta over alpha."""
    version = api_version.rpartition("/")[2]
    return ("alpha" not in version and "beta" not in version, "alpha" not in version, version)


def unknown_kind(version: str, kinds: Sequence[str], names: tuple[object, object]) -> list[SchemaError]:
    """Return the errors of a manifest whose *names* (apiVersion, kind) are not served."""
    wrong = []
    for field, name in zip(("apiVersion", "kind"), names, strict=True):
        if name is None:
            wrong.append(SchemaError((), missing(field)))
        elif not isinstance(name, str):
            wrong.append(SchemaError((field,), f"must be a string, not {described(name)}"))
    if wrong:
        return wrong
    api_version, kind = map(str, names)
    nearest = similar_kind(kinds, api_version, kind) or ""
    other_version, _, other_kind = nearest.partition(" ")
    entry = index().get(f"{api_version} {kind}")
    if entry is not None:
        later = [each for each in entry["minors"] if rank(each) > rank(version)]
        when = f"came with Kubernetes {later[0]}" if later else f"ended with {entry['minors'][-1]}"
        hint = f"use {other_version} in {version}" if nearest else f"the cluster has {version}"
        said = f"is {quoted(api_version)}, whose {kind} {when}; {hint}"
        return [SchemaError(("apiVersion",), said, api_version)]
    if kind == other_kind:
        said = f"is {quoted(api_version)}, where Kubernetes {version} has no {kind}"
        return [SchemaError(("apiVersion",), f"{said}; did you mean {other_version}?", api_version)]
    said = f"is {quoted(kind)}, which {api_version} does not have in Kubernetes {version}"
    if (project := constant_of(f"{api_version} {kind}")) is not None:
        hint = f"no CRD of it is installed, and Crd.{project} has it"
    else:
        hint = f"did you mean {nearest}?" if nearest else "no CRD of it is installed"
    return [SchemaError(("kind",), f"{said}; {hint}", kind)]


def rank(version: str) -> int:
    """Return the place of a minor among those supported."""
    return SUPPORTED.index(version)
