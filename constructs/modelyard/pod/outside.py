"""What a workload has to do with things outside its pods: a cloud, a store of secrets, monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.cloud import Identity, identity_breaches
from modelyard.pod.secrets import ExternalSecret, secret_breaches
from modelyard.pod.watching import Watch, watch_breaches

__all__ = ["ExternalSecret", "Identity", "Watch", "outside_breaches"]


def outside_breaches(spec: Any, site: Site) -> Iterator[Breach]:  # a PodSpec, which this module is a part of
    """Yield what *spec* asks for that *site* does not have."""
    annotated = frozenset(spec.service_account_annotations)
    yield from identity_breaches(spec.identity, site, account=spec.service_account, annotated=annotated)
    yield from secret_breaches(spec.secrets, site)
    yield from watch_breaches(spec, site)
