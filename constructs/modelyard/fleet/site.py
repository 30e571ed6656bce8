"""What a workload's manifests depend on besides its own spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from modelyard.fleet.cluster import Cluster
from modelyard.fleet.delivery import Delivery, Owned


@attrs.frozen(kw_only=True)
class Site:
    """The place that a workload is rendered for: a pure value, so rendering is a pure function."""

    environment: str
    namespace: str
    cluster: Cluster
    strict: bool
    labels: Mapping[str, str]
    pod_security: str
    delivery: Delivery | None = None
    owned: Sequence[Owned] = ()
    keep_configs: int = 1
    provenance: bool = False
