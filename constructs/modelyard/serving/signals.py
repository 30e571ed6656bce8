"""What a service is known to tell of itself while it runs."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.serving.spec import ServiceSpec

SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes the random parts of names from."""


def pod_names(name: str) -> str:
    """Return what matches the names of the pods of the Deployment *name*, and of no other."""
    return f"{name}-{SAFE}{{1,10}}-{SAFE}{{5}}"


def metrics(spec: ServiceSpec) -> Mapping[str, str]:  # noqa: ARG001 # no runtime is known yet
    """Return the names of its metrics by meaning, such as ``waiting``."""
    return {}
