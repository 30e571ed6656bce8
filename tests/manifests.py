"""Looking into manifests by path, the way a reviewer reads them."""

from __future__ import annotations

import re
from typing import Any

MISSING = "(missing)"
STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def at(manifest: dict[str, Any], path: str) -> Any:
    """Return what *manifest* holds at *path*, for example ``spec.template.spec.containers[0].image``."""
    found: Any = manifest
    for index, key in STEP.findall(path):
        if index:
            found = found[int(index)] if isinstance(found, list) and int(index) < len(found) else MISSING
        else:
            found = found.get(key.replace("|", "."), MISSING) if isinstance(found, dict) else MISSING
        if found is MISSING:
            return MISSING
    return found
