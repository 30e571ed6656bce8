"""The fields of a pod that its variables can have (the downward API)."""

from __future__ import annotations

import re

POD_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
KEYED_FIELD = re.compile(r"metadata\.(?:labels|annotations)\['[^']+'\]")


def pod_field(path: str) -> str | None:
    """Return why no variable can have the field at *path*, or None."""
    if path in POD_FIELDS or KEYED_FIELD.fullmatch(path):
        return None
    return f"the fields of a pod that a variable can have are {', '.join(POD_FIELDS)} and metadata.labels['KEY']"
