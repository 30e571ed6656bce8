"""The labels, annotations and node labels that users give, and the labels that are not theirs to give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelyard.findings import Breach
from modelyard.values import names

OURS = frozenset({"app", *(f"app.kubernetes.io/{end}" for end in ("name", "component", "part-of", "managed-by"))})
"""The keys of the labels that modelyard writes on every object of a workload."""


def label_breaches(field: str, given: Mapping[str, str]) -> Iterator[Breach]:
    """Yield what is wrong with the option *field*: ``labels``, ``annotations`` or ``node_selector``."""
    if field == "labels":
        for key in sorted(given.keys() & OURS):
            because = "modelyard writes this label itself, and selects pods by it"
            yield Breach("X11", f"labels[{key!r}]", given[key], because, "choose another key")
    for key, value in given.items():
        if field == "annotations":
            broken, do = names.qualified_name(key.lower()), "correct the key"
        else:
            broken = names.qualified_name(key) or names.label_value(value)
            do = "shorten it, or keep to the characters of a label"
        if broken:
            yield Breach("N16", f"{field}[{key!r}]", value, broken, do)
