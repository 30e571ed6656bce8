"""What a service takes of a cluster's accelerators: at its fewest replicas, at its most, and in a rollout."""

from __future__ import annotations

import attrs

from modelyard.fleet.site import Site
from modelyard.serving.pods import rollout
from modelyard.serving.spec import ServiceSpec
from modelyard.serving.tracks import Canary, extra, routed, track


@attrs.frozen(kw_only=True)
class Accelerators:
    """
    How many accelerators a service takes.

    Args:
        name: Of their class; empty where it takes none.

        least: At the fewest replicas.

        most: At the most replicas.

        rollout: At the most replicas while they are replaced; what is given back before it is taken again counts once.
    """

    name: str = ""
    least: int = 0
    most: int = 0
    rollout: int = 0

    def __str__(self) -> str:
        if not self.name:
            return ""
        count = str(self.least) if self.least == self.most else f"{self.least}-{self.most}"
        more = f" ({self.rollout} in a rollout)" if self.rollout > self.most else ""
        return f"{count} x {self.name}{more}"


def accelerators(spec: ServiceSpec, site: Site) -> Accelerators:
    """Return what *spec* takes at *site*."""
    if spec.gpu is None:
        return Accelerators()
    replica = spec.gpu.count * spec.nodes
    moved = track(spec)
    if moved is None or (isinstance(moved, Canary) and not routed(spec, site)):
        surge = replica if rollout(spec, site) == "surge" else 0
    else:
        surge = extra(spec, site) * replica
    return Accelerators(
        name=spec.gpu.accelerator,
        least=spec.least * replica,
        most=spec.most * replica,
        rollout=spec.most * replica + surge,
    )
