"""Objects of constructs that are not modelyard's: taken from cdk8s in one call, put in our order, never rounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.exact_yaml import dotted
from modelyard.findings import Breach
from modelyard.fleet import Environment
from modelyard.rules import Object
from modelyard.schemas import Catalog

LARGEST_EXACT = 2**53 - 1
LONGEST_REASON = 400


def foreign(environment: Environment, schemas: Catalog) -> Iterator[tuple[Object | None, list[Breach]]]:
    """Yield every foreign object with the breaches on its way through Node, or none and why cdk8s gave up."""
    try:
        manifests = environment.foreign()
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(line for line in lines if not line.startswith("at "))[:LONGEST_REASON]
        breach = Breach("X18", "cdk8s", None, f"its synthesis says: {reason}", "mend the construct")
        yield None, [breach]
        return
    for manifest in manifests:
        ordered = _ordered(manifest)
        info = schemas.kind(str(ordered.get("apiVersion")), str(ordered.get("kind")))
        if info is not None and not info.namespaced:
            # cdk8s puts a chart's namespace on every object, also on those of the whole cluster.
            ordered["metadata"].pop("namespace", None)
        yield Object(ordered, None, None), list(_inexact(ordered))


def _ordered(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata") or {}
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
        because = "a number of more than 53 bits that passes through cdk8s' Node process is rounded there"
        yield Breach(
            "X08",
            dotted(path),
            value,
            because,
            "write it as a string, or render the object with modelyard's own classes",
        )
