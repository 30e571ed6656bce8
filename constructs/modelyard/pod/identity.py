"""Names that carry content: a change makes a new object instead of changing one that cannot change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from modelyard.fleet.draft import Draft, Manifest
from modelyard.values import kueue
from modelyard.values.names import HOOK, LOGICAL_NAME

HASH_LENGTH = 8
REFERRED_TO = {"ConfigMap": ("data", "binaryData"), "ResourceClaimTemplate": ("spec",), "TrainingRuntime": ("spec",)}
"""Kinds that others refer to by name, those first that the others among them refer to, and where their content is."""
CONFIG_MAP_REFERENCES = frozenset({"configMap", "configMapRef", "configMapKeyRef"})
CLAIM_TEMPLATE_REFERENCE = "resourceClaimTemplateName"
RUNTIME_REFERENCE = "runtimeRef"


def digest(content: object) -> str:
    """Return 8 hexadecimal digits that stand for *content*, whatever the order of its keys."""
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except TypeError:  # what no manifest can hold is found when it is written
        text = repr(content)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def content_of(manifest: Manifest) -> object:
    """Return what the name of *manifest* stands for."""
    fields = REFERRED_TO.get(manifest["kind"])
    if fields is not None:
        return {key: manifest.get(key) for key in fields}
    queued = _queued(manifest.get("metadata") or {})
    return [manifest.get("spec"), queued] if queued else manifest.get("spec")


def _queued(metadata: Manifest) -> dict[str, Any]:
    """
    Return what Kueue reads in *metadata*.

    In what it has started its webhook refuses most changes of that, others end its pods, and Flux makes none.
    """
    found = [part for key in ("labels", "annotations") if isinstance(part := metadata.get(key), dict)]
    return {key: value for part in found for key, value in part.items() if str(key).startswith(kueue.PREFIX)}


def references(value: Any) -> Iterator[tuple[str, str]]:  # any part of a manifest
    """Yield kind and name of what *value* refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if (kind := _kind(key)) is not None and isinstance(inner, dict):
                yield kind, str(inner.get("name"))
            elif key == CLAIM_TEMPLATE_REFERENCE:
                yield "ResourceClaimTemplate", str(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _kind(key: str) -> str | None:
    """Return the kind of what a field called *key* refers to by the name in it, or None."""
    if key in CONFIG_MAP_REFERENCES:
        return "ConfigMap"
    return "TrainingRuntime" if key == RUNTIME_REFERENCE else None


def seal(drafts: Sequence[Draft]) -> None:
    """
    Give the sealed ones among *drafts* names that carry their content, in place.

    What pods refer to comes first, since the pods are part of what a Job's name stands for.
    """
    kinds = list(REFERRED_TO)
    for place, kind in enumerate(kinds):
        renamed: dict[tuple[str, str], str] = {}
        for draft in drafts:
            if draft.sealed and draft.kind == kind:
                old = draft.kind, draft.name
                _rename(draft)
                renamed[old] = draft.name
        if renamed:
            for draft in drafts:
                if draft.kind not in kinds[: place + 1]:
                    _refer(draft.manifest.get("spec"), renamed)
    for draft in drafts:
        if draft.sealed and draft.kind not in REFERRED_TO:
            _rename(draft)
    for hook in (one for one in drafts if one.hook):
        _announce(hook, drafts)


def _announce(hook: Draft, drafts: Sequence[Draft]) -> None:
    """Let the policy of its pods change with *hook*: Argo CD does not compare hooks, and syncs what it compares."""
    for draft in drafts:
        if draft.kind == "NetworkPolicy" and draft.name == hook.name:
            metadata = draft.manifest["metadata"]
            content = [(hook.manifest.get("metadata") or {}).get("annotations"), content_of(hook.manifest)]
            annotations = {**(metadata.get("annotations") or {}), HOOK: digest(content)}
            draft.manifest = {**draft.manifest, "metadata": {**metadata, "annotations": annotations}}


def _rename(draft: Draft) -> None:
    draft.manifest = named_by_content(draft.manifest)


def named_by_content(manifest: Manifest) -> Manifest:
    """Return *manifest* under a name that carries its content, with the name that it had as an annotation."""
    metadata = manifest["metadata"]
    name = metadata["name"]
    annotations = metadata.get("annotations") or {}
    if isinstance(annotations, dict):  # else its schema speaks of it
        annotations = {LOGICAL_NAME: name, **annotations}
    renamed = {**metadata, "name": f"{name}-{digest(content_of(manifest))}", "annotations": annotations}
    return {**manifest, "metadata": renamed}


def _refer(value: Any, renamed: dict[tuple[str, str], str]) -> None:  # any part of a manifest
    if isinstance(value, dict):
        for key, inner in value.items():
            if (kind := _kind(key)) is not None and isinstance(inner, dict):
                if (new := renamed.get((kind, inner.get("name", "")))) is not None:
                    inner["name"] = new
            elif key == CLAIM_TEMPLATE_REFERENCE:
                value[key] = renamed.get(("ResourceClaimTemplate", inner), inner)
            else:
                _refer(inner, renamed)
    elif isinstance(value, list):
        for inner in value:
            _refer(inner, renamed)
