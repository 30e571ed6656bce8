"""Writing the schemas for kubeconform, so that the independent check knows the same API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelyard.schemas.catalog import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from modelyard.schemas.crds import CrdSchema

TEMPLATE = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"


def export(directory: Path, version: str, crds: tuple[CrdSchema, ...] = ()) -> str:
    """
    Write one self-contained schema a kind below *directory*, in a folder named for the minor.

    Args:
        directory: Made where it does not exist.

        version: A minor such as "1.34".

        crds: What is installed beside the kinds of Kubernetes.

    Returns:
        The value for kubeconform's ``-schema-location``; pass no other one.

    Raises:
        ValueError: The minor is not one of :data:`SUPPORTED`.
    """
    known = catalog(version, crds)
    for key in known.kinds():
        api_version, _, kind = key.partition(" ")
        # kubeconform takes what stands before the slash for the group, so the core group is "v1".
        group, _, short = api_version.rpartition("/")
        path = directory / version / (group or short) / f"{kind.lower()}_{short}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known.schema(api_version, kind), separators=(",", ":")), "utf-8")
    return f"{directory / version}/{TEMPLATE}"
