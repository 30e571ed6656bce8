"""What the catalogue of schemas answers with."""

from __future__ import annotations

import attrs

Path = tuple[str | int, ...]


@attrs.frozen
class KindInfo:
    """
    A kind that a cluster stores.

    Args:
        api_version: Group and version, for example ``apps/v1``; ``v1`` for the core group.

        kind: For example ``Deployment``.

        namespaced: Whether its objects live in a namespace.
    """

    api_version: str
    kind: str
    namespaced: bool


@attrs.frozen
class SchemaError:
    """
    One thing in a manifest that the API server refuses, or that modelyard refuses on its behalf.

    Args:
        path: The keys and positions that lead to the part the message speaks about. For an unknown
            or a missing field that is the object around it; empty for the whole manifest.

        message: What is wrong, to follow the path: "must be an integer, not the string '3'".

        value: What was found there. None where that is an object, a list or a secret.
    """

    path: Path
    message: str
    value: object | None = None
