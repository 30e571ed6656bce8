"""JSON patches (RFC 6902) that a user puts on rendered objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from modelyard.findings import Breach, Source, shown
from modelyard.values.depth import TOO_DEEP, too_deep
from modelyard.values.similar import did_you_mean

if TYPE_CHECKING:
    from modelyard.fleet.draft import Draft


@attrs.frozen
class Patch:
    """
    Operations on one object.

    Args:
        kind: The object's kind.

        name: The object's name, or None for the only one of the kind.

        operations: As in RFC 6902.

        source: The line that asked for it.
    """

    kind: str
    name: str | None
    operations: tuple[Mapping[str, object], ...]
    source: Source | None


def malformed(kind: object, operations: Sequence[object]) -> Breach | None:
    """Return what is wrong with the arguments of ``add_json_patch``, or None."""
    if isinstance(kind, str) and not operations:
        because, do = "it has no operation, so it changes nothing", "add operations, or remove the call"
        return Breach("X14", "add_json_patch", kind, because, do)
    if isinstance(kind, str) and all(isinstance(one, Mapping) for one in operations):
        return None
    because = "it takes a kind and then operations, each a dict"
    do = 'write add_json_patch("Deployment", {"op": "replace", "path": "/spec/x", "value": 1})'
    return Breach("X14", "add_json_patch", None, because, do)


@attrs.define
class Patches:
    """The patches of one workload, in the order in which they were added."""

    _patches: list[Patch] = attrs.field(factory=list)

    def add(self, patch: Patch) -> None:
        """Put *patch* behind the others."""
        self._patches.append(patch)

    def apply(self, drafts: Sequence[Draft]) -> Iterator[Breach]:
        """Change *drafts* in place and yield what could not be done."""
        for patch in self._patches:
            matching = [
                draft for draft in drafts
                if draft.kind == patch.kind and patch.name in {None, draft.name}
            ]  # fmt: skip
            if len(matching) == 1:
                matching[0].patched = patch.source
                yield from _apply(patch, matching[0])
            else:
                yield _untargeted(patch, drafts, matching)


def _untargeted(patch: Patch, drafts: Sequence[Draft], matching: Sequence[Draft]) -> Breach:
    target = patch.kind if patch.name is None else f"{patch.kind} {patch.name}"
    if matching:
        names = ", ".join(sorted(draft.name for draft in matching))
        return Breach(
            "X14",
            "add_json_patch",
            target,
            f"there are {len(matching)} of them",
            f"add name= with one of {names}",
            patch.source,
        )
    kinds = sorted({draft.kind for draft in drafts})
    do = did_you_mean(patch.kind, kinds) if patch.kind not in kinds else None
    do = do or "its objects are " + ", ".join(sorted(f"{draft.kind} {draft.name}" for draft in drafts))
    return Breach("X14", "add_json_patch", target, "the workload renders no such object", do, patch.source)


def _apply(patch: Patch, draft: Draft) -> Iterator[Breach]:
    import jsonpatch  # noqa: PLC0415 # only where a patch is used
    import jsonpointer  # noqa: PLC0415

    name, kind, before = draft.name, draft.kind, draft.manifest
    for operation in patch.operations:
        field = f"patch of {kind} at {operation.get('path', '?')}"
        if too_deep(operation.get("value")):
            yield Breach("X08", field, None, TOO_DEEP, "write a flatter value", patch.source)
            return
        try:
            draft.manifest = jsonpatch.apply_patch(draft.manifest, [dict(operation)])
        except (
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
            TypeError,
            KeyError,
            ValueError,
        ) as error:
            # jsonpointer goes on to show the whole object, which may hold what nobody should read.
            because = f"it cannot be applied: {shown(str(error).partition(' in {')[0])[1:-1]}"
            yield Breach(
                "X14",
                field,
                None,
                because,
                "compare the path with the YAML in dist/ (lists are counted from 0)",
                patch.source,
            )
            return
    if not isinstance(draft.manifest, dict):
        draft.manifest = before
        because = "it replaces the whole object"
        yield Breach("X14", f"patch of {kind}", None, because, "change fields of it, one by one", patch.source)
        return
    if not isinstance(draft.manifest.get("apiVersion"), str):
        draft.manifest = before
        because, do = "it leaves the object without apiVersion", "change fields of it, one by one"
        yield Breach("X14", f"patch of {kind}", None, because, do, patch.source)
        return
    if too_deep(draft.manifest):
        draft.manifest = before
        yield Breach("X08", f"patch of {kind}", None, TOO_DEEP, "write flatter values", patch.source)
        return
    metadata = draft.manifest.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") != name or draft.manifest.get("kind") != kind:
        yield Breach(
            "X14", f"patch of {kind}", None, "it changes the object's kind or name, by which others refer to it",
            "leave kind and metadata.name alone; the workload's id is the name", patch.source,
        )  # fmt: skip
        draft.manifest["metadata"] = {
            **(metadata if isinstance(metadata, dict) else {}),
            "name": name,
        }
        draft.manifest["kind"] = kind
