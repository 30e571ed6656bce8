"""R: memory that volumes take from the containers that mount them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container
from modelyard.values import quantity

R16 = Rule(
    "R16",
    "The memory limit of a container is above the sizes of the volumes in memory that it mounts.",
    why="What lies in such a volume counts as the container's memory: it is killed when the volume fills up.",
    fix="raise the memory limit, or make the volume smaller",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    acceptable=True,
)


@R16.containers
def holds(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Compare a container's memory limit with what it mounts."""
    limit = quantity.number(container.limits.get("memory"))
    if limit is None:
        return
    sizes = {
        volume["name"]: volume["emptyDir"].get("sizeLimit")
        for volume in container.pod.volumes
        if (volume.get("emptyDir") or {}).get("medium") == "Memory"
    }
    mounted = {mount["name"] for mount in container.data.get("volumeMounts") or ()} & sizes.keys()
    if mounted and sum(quantity.number(sizes[name]) or 0 for name in mounted) >= limit:
        told = " and ".join(f"{name} ({sizes[name]})" for name in sorted(mounted) if sizes[name] is not None)
        because = f"the volumes in memory that it mounts take it all: {told}"
        yield R16.breach(container.at("resources.limits.memory"), container.limits["memory"], because)
