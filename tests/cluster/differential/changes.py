"""Single changes of manifests, enumerated field by field from the schemas: the same ones in every run."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import attrs

from modelyard.rules.kinds import POD_PATHS, SEVERAL_PODS
from modelyard.schemas import Catalog

Json = dict[str, Any]
Path = tuple[str | int, ...]
DELETE: Any = object()
LONG = "a" * 300
STRINGS = ("", "other", "Bad Name!", "-x", "a" * 64, LONG, "-1", "1GB", "a.b", "/x", "150%")
NUMBERS = (-1, 0, 1, 70000, 2**31)
NUMBERS_AS_TEXT = ("", "0", "150%", "-1%", "other")
KEYS = ("Bad Key!", LONG, "", "/x", "gpu", "kubernetes.io/x")
METADATA = frozenset({("metadata", "labels"), ("metadata", "annotations")})
LABELS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
ALIKE = frozenset({"env", "envFrom", "image", "imagePullPolicy", "resources", "securityContext", "volumeMounts"})
"""Fields of containers that make no difference between those that run before the others, and the others."""
CHECKED = ("pod-security.kubernetes.io/", "container.apparmor.")
"""How the keys of labels and annotations begin whose values the API server looks at."""
DECISIVE = frozenset({"operator", "type"})
IDLE = frozenset({"imagePullPolicy", "terminationMessagePolicy"})
"""Choices that decide nothing about the fields beside them."""
INSIDE = ("JobSet", "LeaderWorkerSet", "RayCluster", "RayJob", "TrainJob", "TrainingRuntime")
"""Kinds whose controllers make the pods, and whose definitions say less of these than Kubernetes does."""
GROUPS = (("spec", "leaderWorkerTemplate", "leaderTemplate"), ("spec", "leaderWorkerTemplate", "workerTemplate"))
# What says which object it is, and what the API server writes.
SKIPPED = frozenset({"apiVersion", "kind", "namespace", "status"})


@attrs.frozen
class Change:
    """
    One change of one field.

    Args:
        path: To the field.

        field:
            That path as one of many: without the numbers of list items and without the keys of labels, and from the
            pod on whatever it is that makes the pod.

        beside: What was chosen in the fields beside it, such as a type that decides which other fields there are.

        name: What is done to it.

        value: What stands there then.
    """

    path: Path
    field: str
    beside: str
    name: str
    value: Any = attrs.field(repr=False, eq=False)

    def apply(self, manifest: Json) -> Json:
        """Return *manifest* with this change."""
        changed = copy.deepcopy(manifest)
        holder: Any = changed
        for step in self.path[:-1]:
            holder = holder[step]
        last = self.path[-1]
        if self.value is DELETE:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(self.value)
        return changed


Elsewhere = dict[str, Json]
"""By the field that holds them: fields that some object has there, with what it has."""


def changes(manifest: Json, schemas: Catalog, elsewhere: Elsewhere) -> Iterator[Change]:
    """Yield every change of *manifest*: of its own fields, and by those that other objects have *elsewhere*."""
    schema = _schema(schemas, manifest["apiVersion"], manifest["kind"])
    for path, value, here, beside in _fields(manifest, schema, schema["$defs"], ()):
        field = _field(manifest["kind"], path)
        for name, new in _values(value, here):
            if new is DELETE or new != value:
                yield Change(path, field, beside, name, new)
        if isinstance(value, dict) and "properties" in here:
            chosen = _chosen(value, here, schema["$defs"])
            for key, new in elsewhere.get(field, {}).items():
                if key not in value:
                    yield Change((*path, key), f"{field}.{key}", chosen, "as in another object", new)


def collect(manifest: Json, schemas: Catalog, elsewhere: Elsewhere) -> None:
    """Add to *elsewhere* what *manifest* has that no object had before."""
    schema = _schema(schemas, manifest["apiVersion"], manifest["kind"])
    for path, value, here, _ in _fields(manifest, schema, schema["$defs"], ()):
        if isinstance(value, dict) and "properties" in here:
            holder = elsewhere.setdefault(_field(manifest["kind"], path), {})
            for key, inner in value.items():
                if (*path, key) != ("metadata", "namespace"):
                    holder.setdefault(key, inner)


@functools.cache
def _schema(schemas: Catalog, api_version: str, kind: str) -> Json:
    return schemas.schema(api_version, kind)


def _field(kind: str, path: Path) -> str:
    first, words = _in_pod(kind, path)
    if words[:2] in METADATA:
        first = "any"
    if "initContainers" in words and ALIKE.intersection(words):
        words = tuple("containers" if word == "initContainers" else word for word in words)
    labels = [place for place, word in enumerate(words) if word in LABELS]
    if labels and len(words) > labels[0] + 1 and not str(words[labels[0] + 1]).startswith(CHECKED):
        words = (*words[: labels[0] + 1], "KEY")
    return first + "".join("[]" if isinstance(word, int) else f".{word}" for word in words)


def _in_pod(kind: str, path: Path) -> tuple[str, Path]:
    """Return what *path* begins at, an object or whatever pod is in it, and the rest of it."""
    if kind in INSIDE:
        rests = (_past(path, way) for way in (*SEVERAL_PODS.get(kind, ()), *GROUPS))
        rest = next((one for one in rests if one is not None), None)
        return (kind, path) if rest is None else (f"pod of {kind}", rest)
    pod = POD_PATHS.get(kind, ("no pod",))
    return (kind, path) if path[: len(pod)] != pod else ("pod", path[len(pod) :])


def _past(path: Path, way: tuple[str, ...]) -> Path | None:
    """Return what follows *way* in *path*, whatever items of lists are on it; None where *path* does not lead there."""
    rest = list(path)
    for field in way:
        while rest and isinstance(rest[0], int):
            rest.pop(0)
        if not rest or rest.pop(0) != field:
            return None
    return tuple(rest)


def _fields(value: Any, schema: Json, definitions: Json, path: Path) -> Iterator[tuple[Path, Any, Json, str]]:
    """Yield every field below *value*, its schema, and what was chosen beside it."""
    known = _resolved(schema, definitions)
    below: Any
    if isinstance(value, dict):
        beside = _chosen(value, known, definitions)
        for key, inner in value.items():
            if (path or key not in SKIPPED) and (*path, key) != ("metadata", "namespace"):
                below = known.get("properties", {}).get(key, known.get("additionalProperties"))
                below = _resolved(below if isinstance(below, dict) else {}, definitions)
                yield (*path, key), inner, below, beside
                yield from _fields(inner, below, definitions, (*path, key))
    elif isinstance(value, list):
        below = _resolved(known.get("items", {}), definitions)
        for index, inner in enumerate(value):
            yield (*path, index), inner, below, ""
            yield from _fields(inner, below, definitions, (*path, index))


def _chosen(value: Json, known: Json, definitions: Json) -> str:
    fields = known.get("properties", {})
    chosen = [
        f"{key}={word}"
        for key, word in sorted(value.items())
        if isinstance(word, str)
        and key not in IDLE
        and (key in DECISIVE or "enum" in _resolved(fields.get(key, {}), definitions))
    ]
    return " ".join(chosen)


def _resolved(schema: Json, definitions: Json) -> Json:
    name = schema.get("$ref")
    return definitions[name.removeprefix("#/$defs/")] if isinstance(name, str) else schema


def _values(value: Any, schema: Json) -> Iterator[tuple[str, Any]]:
    types = schema.get("type", ())
    yield "without it", DELETE
    yield "null", None
    yield "of another type", next(one for kind, one in OF_TYPES if kind not in types)
    if isinstance(value, bool):
        yield "the opposite", not value
    elif isinstance(value, int) or (isinstance(value, str) and "integer" in types):
        for number in NUMBERS:
            yield f"the number {number}", number
        for text in NUMBERS_AS_TEXT if "string" in types else ():
            yield f"the text {text!r}", text
    elif isinstance(value, str):
        for text in ("", *filter(None, schema["enum"])) if "enum" in schema else STRINGS:
            yield f"the text {_short(text)!r}", text
        yield "in the other case", value.swapcase()
        yield "one letter longer", f"{value}x"
    else:
        yield from _of_many(value, schema)


def _of_many(value: Any, schema: Json) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield "an empty list", []
        yield "a list with null in it", [*value, None]
        if value:
            yield "a list with its first item twice", [value[0], *value]
            yield "a list without its last item", value[:-1]
    elif isinstance(value, dict):
        yield "an empty object", {}
        yield "an object with a field more", {**value, "bogus": "1"}
        if schema.get("additionalProperties"):
            some = next(iter(value.values()), "x")
            for key in KEYS:
                yield f"an object with the key {_short(key)!r}", {**value, key: some}


OF_TYPES = (("integer", 5), ("string", "text"), ("boolean", True))


def _short(text: str) -> str:
    return text if len(text) < 10 else f"{len(text)} times {text[0]}"
