"""An API server that is asked what it says about objects, and keeps none of them."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from tests.cluster.api import Api, ApiError
from tests.cluster.crds import install
from tests.cluster.differential.children import children

Manifest = dict[str, Any]
Labels = Mapping[str, str]
THREADS = 4
# What answers when an object does not fit the schema has no list of causes, only a text.
PATHS = re.compile(r"^\s*(?:errors:\s*)?\.([^\s:]+): |unknown field \"([^\"]+)\"| \.([^\s:]+): ", re.MULTILINE)
IN_PATHS = re.compile(r"[a-z0-9.-]+")
STEP = re.compile(r"\['([^']*)'\]")


@attrs.frozen
class Question:
    """
    What is asked about one object.

    Args:
        manifest: The object.

        labels: Of the namespace that it is for.

        children: Whether to ask about what controllers make of it as well. Default: yes.
    """

    manifest: Manifest
    labels: Labels
    children: bool = True


@attrs.frozen
class Refusal:
    """
    What the API server did not like.

    Args:
        kind: Of the object that it refused: the one that was asked about, or what a controller makes of it.

        fields: The paths that it names.

        message: Its words.
    """

    kind: str
    fields: tuple[str, ...]
    message: str

    def names(self, field: str) -> bool:
        """Return whether the refusal is about *field*, or about what is above or below it."""
        if self.kind == "Pod" and "violates PodSecurity" in self.message:
            # It tells what is wrong and not where; the last words of a path are among its own.
            return any(word in self.message for word in field.replace("]", ".").split(".")[-2:] if len(word) > 1)
        ours = _steps(field)
        return any(
            f"{one}.".startswith(f"{ours}.") or f"{ours}.".startswith(f"{one}.") for one in map(_steps, self.fields)
        )


class Server:
    """
    An API server that is asked.

    Args:
        api: Its client.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._namespaces: set[str] = set()

    def answers(self, questions: Sequence[Question]) -> list[Refusal | None]:
        """Return why the server refuses each object, or None where it takes it."""
        install(self.api, [one.manifest for one in questions if _names(one.manifest)])
        for one in questions:
            self._namespace(one.labels)
            self._knows(one.manifest)
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._answer, questions))

    def _answer(self, question: Question) -> Refusal | None:
        asked = copy.deepcopy(question.manifest)
        if not self._knows(asked):
            return Refusal(str(asked.get("kind")), ("kind", "apiVersion"), "there is no such kind")
        if not isinstance(asked.get("metadata"), dict):
            asked["metadata"] = {}
        asked["metadata"]["namespace"] = _called(question.labels)
        if not self.api.kind(asked["apiVersion"], asked["kind"]).namespaced:
            del asked["metadata"]["namespace"]
        try:
            made = self._apply(asked) if _has_path(asked) else self._create(asked)
        except ApiError as error:
            return Refusal(asked["kind"], self._named(asked, error), error.message)
        return self._of_children(made) if question.children else None

    def _named(self, asked: Manifest, error: ApiError) -> tuple[str, ...]:
        """Return the fields that the server names; to a creation it answers more than to an application."""
        if not (named := tuple(_fields(error))):
            try:
                self._create(asked)
            except ApiError as second:
                return tuple(_fields(second))
        return named

    def _of_children(self, made: Manifest) -> Refusal | None:
        for child in children(made):
            try:
                created = self._create(child)
            except ApiError as error:
                return Refusal(child["kind"], tuple(_fields(error)), error.message)
            if refusal := self._of_children(created):
                return refusal
        return None

    def _apply(self, manifest: Manifest) -> Manifest:
        """Apply as a GitOps controller does."""
        made = self.api.apply(manifest, dry_run=True).body
        return {**made, "apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}

    def _create(self, manifest: Manifest) -> Manifest:
        made = self.api.create(manifest, dry_run=True)
        return {**made, "apiVersion": manifest["apiVersion"], "kind": manifest["kind"]}

    def _knows(self, manifest: Manifest) -> bool:
        names = _names(manifest)
        try:
            return names is not None and bool(self.api.kind(*names))
        except ApiError:
            return False

    def _namespace(self, labels: Labels) -> None:
        name = _called(labels)
        if name not in self._namespaces:
            self._namespaces.add(name)
            metadata = {"name": name, "labels": dict(labels)}
            self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            account = {"name": "default", "namespace": name}
            self.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})


def _names(manifest: Manifest) -> tuple[str, str] | None:
    api_version, kind = manifest.get("apiVersion"), manifest.get("kind")
    return (api_version, kind) if isinstance(api_version, str) and isinstance(kind, str) else None


def _has_path(manifest: Manifest) -> bool:
    """Return whether the name of *manifest* can stand in the path of a request; an application needs that."""
    name = manifest["metadata"].get("name")
    return isinstance(name, str) and IN_PATHS.fullmatch(name) is not None


def _called(labels: Labels) -> str:
    return f"differential-{hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:8]}"


def _fields(error: ApiError) -> Iterator[str]:
    for cause in error.causes:
        if cause.get("field"):
            yield cause["field"]
    for found in PATHS.findall(error.message):
        yield from filter(None, found)


def _steps(path: str) -> str:
    return STEP.sub(r".\1", path).replace("[", ".").replace("]", "").strip(".")
