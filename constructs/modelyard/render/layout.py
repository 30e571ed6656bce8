"""Where an object lies below ``dist/``: a path that a person can guess and unrelated changes leave alone."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from modelyard.values.names import LOGICAL_NAME

SHARED = "_environment"
INVENTORY = "_inventory"
DELIVERY = "_delivery"
BOOTSTRAP = "_bootstrap"
UNSAFE = re.compile(r"[^A-Za-z0-9._@-]")
LONGEST_FILE = 200
BUILT_IN_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy", "extensions"})


def path_of(manifest: dict[str, Any], environment: str, owner: str | None, namespace: str) -> str:
    """Return the path of *manifest* below ``dist/``."""
    metadata = manifest.get("metadata") or {}
    name = str((metadata.get("annotations") or {}).get(LOGICAL_NAME) or metadata.get("name", ""))
    group, _, _ = str(manifest["apiVersion"]).rpartition("/")
    file = str(manifest["kind"]).lower()
    if group not in BUILT_IN_GROUPS and not group.endswith(".k8s.io"):
        file += f".{group}"
    own = owner if owner is not None else namespace if file == "namespace" else None
    if name != own:
        file += f"-{name}"
    if metadata.get("namespace") not in {None, namespace}:
        file += f"@{metadata['namespace']}"
    return f"{environment}/{_safe(owner) if owner is not None else SHARED}/{_safe(file)}.yaml"


def delivery_path(manifest: dict[str, Any], environment: str) -> str:
    """Return the path of an object that a controller itself reads."""
    # With its group: a file called kustomization.yaml would be read by kustomize.
    group = str(manifest.get("apiVersion")).rpartition("/")[0]
    file = f"{str(manifest.get('kind')).lower()}.{group}-{(manifest.get('metadata') or {}).get('name')}"
    return f"{DELIVERY}/{environment}/{_safe(file)}.yaml"


def _safe(part: str) -> str:
    safe = UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), part)
    if safe in {".", ".."}:
        safe = safe.replace(".", "%2E")
    if len(safe) > LONGEST_FILE:
        safe = f"{safe[: LONGEST_FILE - 9]}-{hashlib.sha256(safe.encode()).hexdigest()[:8]}"
    return safe


def bootstrap_path(environment: str, part: str) -> str:
    """Return the path of what is applied by hand, or of the *part* of it that has a name."""
    return f"{BOOTSTRAP}/{environment}{part and f'.{part}'}.yaml"


def inventory_path(environment: str) -> str:
    """Return the path of the inventory of *environment* below ``dist/``."""
    return f"{INVENTORY}/{environment}.json"
