"""Whether the cluster has the accelerators that a workload asks for, and what it has instead."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.options import Gpu
from modelyard.values.similar import did_you_mean
from modelyard.values.value import source_of


def gpu_breaches(gpu: Gpu | None, site: Site) -> Iterator[Breach]:
    """Yield why no node of the cluster has what *gpu* asks for, and what would fit."""
    if gpu is None:
        return
    cluster, source = site.cluster, source_of(gpu)
    accelerator = cluster.accelerator(gpu.accelerator)
    if accelerator is None:
        known = ", ".join(f"{one.name} ({one.per_node} a node)" for one in cluster.accelerators)
        do = did_you_mean(gpu.accelerator, [one.name for one in cluster.accelerators])
        do = do or (f"it has {known}" if known else "declare it in Cluster(accelerators=[...])")
        because = f"the cluster {cluster.name} has no such accelerator"
        yield Breach("R09", "gpu.accelerator", gpu.accelerator, because, do, source)
    elif gpu.count > accelerator.per_node:
        because = f"a node of {cluster.name} has {accelerator.per_node} of {accelerator.name}"
        larger = [f"{one.name} ({one.per_node} a node)" for one in cluster.accelerators if one.per_node >= gpu.count]
        other = f", or choose {' or '.join(larger)}" if larger else ""
        do = f"ask for 1 to {accelerator.per_node}{other}"
        yield Breach("R09", "gpu.count", gpu.count, because, do, source)
