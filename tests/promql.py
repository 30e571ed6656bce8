"""A reader of PromQL that is Prometheus' own, built from ``tests/gopromql``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.readers import binary

FIELDS = frozenset({"expr", "query"})
"""What holds PromQL: in a PrometheusRule and in a dashboard, and in a trigger of KEDA."""


def refused(expressions: Iterable[str]) -> dict[str, str]:
    """Return those of *expressions* that Prometheus cannot read, each with its reason."""
    asked = list(expressions)
    done = subprocess.run(  # built from tests/gopromql
        [binary("gopromql")],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {one: answer for one, answer in zip(asked, answers, strict=True) if answer is not None}


def expressions(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield every expression in *manifest*: of a rule, a trigger or a dashboard in a ConfigMap."""
    if manifest["kind"] == "ConfigMap":
        for text in manifest.get("data", {}).values():
            if text.startswith("{"):
                yield from _within(json.loads(text).get("panels"))
    elif manifest["kind"] in {"PrometheusRule", "ScaledObject"}:
        yield from _within(manifest["spec"])


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in FIELDS and isinstance(inner, str):
                yield inner
            else:
                yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)
