"""Names that carry content: a change makes a new object instead of changing one that cannot change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from modelyard.fleet.draft import Draft
from modelyard.values.names import LOGICAL_NAME

HASH_LENGTH = 8
REFERRED = ("ConfigMap", "TrainingRuntime")
"""Kinds whose names other sealed objects hold, those first that the next ones refer to."""


def digest(content: object) -> str:
    """Return 8 hexadecimal digits that stand for *content*, whatever the order of its keys."""
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except TypeError:  # what no manifest can hold is found when it is written
        text = repr(content)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def seal(drafts: Sequence[Draft]) -> None:
    """
    Give the sealed ones among *drafts* names that carry their content, in place.

    ConfigMaps come first, since the pods that mount them are part of what a Job's name stands for.
    """
    for place, kind in enumerate(REFERRED):
        renamed: dict[str, str] = {}
        for draft in drafts:
            if draft.sealed and draft.kind == kind:
                old = draft.name
                _rename(draft, _content(draft))
                renamed[old] = draft.name
        if renamed:
            for draft in drafts:
                if draft.kind not in REFERRED[: place + 1]:
                    _refer(draft.manifest.get("spec"), renamed, REFERENCES[kind])
    for draft in drafts:
        if draft.sealed and draft.kind not in REFERRED:
            _rename(draft, _content(draft))


def _content(draft: Draft) -> object:
    if draft.kind == "ConfigMap":
        return {key: draft.manifest.get(key) for key in ("data", "binaryData")}
    return draft.manifest.get("spec")


def _rename(draft: Draft, content: object) -> None:
    metadata = draft.manifest["metadata"]
    name = metadata["name"]
    annotations = metadata.get("annotations") or {}
    if isinstance(annotations, dict):  # else its schema speaks of it
        annotations = {LOGICAL_NAME: name, **annotations}
    draft.manifest = {
        **draft.manifest,
        "metadata": {**metadata, "name": f"{name}-{digest(content)}", "annotations": annotations},
    }


REFERENCES = {
    "ConfigMap": frozenset({"configMap", "configMapRef", "configMapKeyRef"}),
    "TrainingRuntime": frozenset({"runtimeRef"}),
}
"""The fields by which each of these kinds is referred to."""


def _refer(value: Any, renamed: dict[str, str], fields: frozenset[str]) -> None:  # any part of a manifest
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in fields and isinstance(inner, dict):
                if inner.get("name") in renamed:
                    inner["name"] = renamed[inner["name"]]
            else:
                _refer(inner, renamed, fields)
    elif isinstance(value, list):
        for inner in value:
            _refer(inner, renamed, fields)
