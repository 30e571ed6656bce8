"""What a service is known to tell of itself while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

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


def metrics(spec: ServiceSpec) -> Mapping[str, str]:
    """Return the names of its metrics by meaning, such as ``waiting``."""
    return {} if spec.runtime is None else metric_names(spec.runtime, version_of(spec))
