"""The hash of everything that checks and texts depend on."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable

from modelyard.fleet import Site
from modelyard.rules import Object


def whole(site: Site, objects: Iterable[Object]) -> str:
    """Return a hash of where *objects* are for, and what they are; empty where one holds what has no such form."""
    found = hashlib.sha256(repr(site).encode())
    try:
        for one in objects:
            # Neither as JSON, which takes a number for a string where it is a key, nor by their repr, which
            # subclasses of str share with it. The second version of this format has nothing but the values.
            found.update(marshal.dumps((one.owner, one.data), 2))
    except ValueError:
        return ""
    return found.hexdigest()
