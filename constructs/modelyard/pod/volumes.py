"""The volumes of a workload's pods, and where they are mounted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from modelyard.pod.options import Claim, EmptyDir, SecretFiles
from modelyard.pod.spec import SHARED_MEMORY, PodSpec
from modelyard.values import quantity

LARGEST_SHARED_MEMORY = 64 * 2**30

Mount = tuple[str, dict[str, Any], str, bool]
"""Name and source of a volume, the folder it is mounted at, and whether it is only read."""


def config_name(name: str) -> str:
    """Return the logical name of the ConfigMap of the workload *name*."""
    return f"{name}-config"


def _shared_memory(spec: PodSpec) -> str | None:
    if spec.shared_memory is not None or spec.gpu is None:
        return spec.shared_memory
    limit = quantity.parse(spec.memory_limit or spec.memory)
    return quantity.memory_size(min(limit / 2, Decimal(LARGEST_SHARED_MEMORY))) if limit else None


def mounted(name: str, own: Sequence[Mount], spec: PodSpec) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the volumes of the pods of *name* and where they are mounted; *own* are those of its kind of workload."""
    entries: list[Mount] = []
    taken = {volume.mount.rstrip("/") for volume in spec.volumes} | {path.rstrip("/") for _, _, path, _ in own}
    if "/tmp" not in taken:  # noqa: S108
        entries.append(("tmp", {"emptyDir": {}}, "/tmp", False))  # noqa: S108
    if (size := _shared_memory(spec)) and SHARED_MEMORY not in taken:
        entries.append(
            (
                "shared-memory",
                {"emptyDir": {"medium": "Memory", "sizeLimit": size}},
                SHARED_MEMORY,
                False,
            )
        )
    if spec.config is not None:
        entries.append(("config", {"configMap": {"name": config_name(name)}}, spec.config.mount, True))
    entries.extend(own)
    for index, volume in enumerate(spec.volumes):
        entries.append(_user_volume(index, volume))
    volumes = [{"name": volume, **source} for volume, source, _, _ in entries]
    mounts = [
        {"name": volume, "mountPath": path, **({"readOnly": True} if read_only else {})}
        for volume, _, path, read_only in entries
    ]
    return volumes, mounts


def _user_volume(index: int, volume: EmptyDir | Claim | SecretFiles) -> Mount:
    if isinstance(volume, EmptyDir):
        source: dict[str, Any] = {}
        if volume.memory:
            source["medium"] = "Memory"
        if volume.size_limit is not None:
            source["sizeLimit"] = volume.size_limit
        return f"scratch-{index}", {"emptyDir": source}, volume.mount, False
    if isinstance(volume, Claim):
        claim: dict[str, Any] = {"claimName": volume.name}
        if volume.read_only:
            claim["readOnly"] = True
        return f"claim-{index}", {"persistentVolumeClaim": claim}, volume.mount, volume.read_only
    return f"secret-{index}", {"secret": {"secretName": volume.name}}, volume.mount, True
