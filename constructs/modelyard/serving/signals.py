"""What a service is known to tell of itself while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelyard.findings import Breach, Source
from modelyard.serving.launch import version_of
from modelyard.serving.runtimes import metric_names
from modelyard.values.names import SAFE

if TYPE_CHECKING:
    from modelyard.serving.spec import ServiceSpec


def pod_names(name: str, nodes: int = 1) -> str:
    """Return what matches the names of the pods of the service *name* that take requests, and of no other."""
    if nodes > 1:
        return f"{name}-[0-9]+"
    return f"{name}-{SAFE}{{1,10}}-{SAFE}{{5}}"


def unexported(field: str, asked: str, spec: ServiceSpec, source: Source | None) -> Iterator[Breach]:
    """Yield the metrics that *asked* names in PromQL, and the runtime at its version does not tell."""
    if spec.facts is None:
        return
    from modelyard.values import exported  # noqa: PLC0415 # most synths need no names

    for one in exported.missing(asked, spec.facts.title if spec.facts.title != "NIM" else None, version_of(spec)):
        yield Breach("A17", field, one.name, one.because, one.do, source)


def metrics(spec: ServiceSpec) -> Mapping[str, str]:
    """Return the names of its metrics by meaning, such as ``waiting``."""
    return {} if spec.runtime is None else metric_names(spec.runtime, version_of(spec))
