"""The kinds of one Kubernetes minor and of the installed CRDs, and the check of manifests."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelyard.schemas.advice import Advice
from modelyard.schemas.bundle import bundle, closed, index, supported
from modelyard.schemas.duplicates import compiled, duplicates
from modelyard.schemas.embedded import Embedding, ways
from modelyard.schemas.foreign import foreign
from modelyard.schemas.model import KindInfo, SchemaError
from modelyard.schemas.pointers import astray, inside, nearest
from modelyard.schemas.unknown import similar_kind, unknown_kind
from modelyard.schemas.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jsonschema_rs

    from modelyard.schemas.bundle import Schema
    from modelyard.schemas.crds import CrdSchema
    from modelyard.schemas.duplicates import Step

    Validator = jsonschema_rs.Draft202012Validator | Embedding


class Catalog:
    """
    What a cluster of one minor with some CRDs accepts. Ask :func:`catalog` for one.

    Nothing is read before the first question, and a kind is compiled with its first manifest.

    Args:
        version: A minor out of :data:`SUPPORTED`.

        crds: The kinds that are installed beside those of Kubernetes; they win over these.
    """

    def __init__(self, version: str, crds: tuple[CrdSchema, ...] = ()) -> None:
        self.version = version
        self._custom = {f"{crd.api_version} {crd.kind}": crd for crd in crds}
        self._validators: dict[tuple[Any, Any], Validator] = {}
        self._steps: dict[tuple[Any, Any], Step | None] = {}

    def kind(self, api_version: str, kind: str) -> KindInfo | None:
        """Return what is known about a kind, or None where the cluster has none of that name."""
        key = f"{api_version} {kind}"
        if crd := self._custom.get(key):
            return KindInfo(api_version, kind, crd.namespaced)
        entry = index().get(key)
        if entry is None or self.version not in entry["minors"]:
            return None
        return KindInfo(api_version, kind, entry["namespaced"])

    def kinds(self) -> tuple[str, ...]:
        """Return every kind of the cluster as "apiVersion kind", sorted."""
        served = {key for key, entry in index().items() if self.version in entry["minors"]}
        return tuple(sorted(served | self._custom.keys()))

    def similar(self, api_version: str, kind: str) -> str | None:
        """Return the "apiVersion kind" that was meant by one the cluster has not, or None."""
        return similar_kind(self.kinds(), api_version, kind)

    def versions(self, kind: str) -> list[str]:
        """Return the apiVersions that have a kind of this name."""
        return [version for version, _, name in (one.partition(" ") for one in self.kinds()) if name == kind]

    def nearest(self, kind: str) -> str | None:
        """Return the kind that *kind* alone, without a version, was meant to name, or None."""
        return nearest(kind, self.kinds())

    def astray(self, manifest: dict[str, Any], steps: Sequence[str]) -> tuple[str, str | None] | None:
        """
        Return why no object of its kind ever has a field at *steps*, with what to write instead, or None if one can.

        Args:
            manifest: An object; of a kind that the cluster has not, nothing is known.

            steps: The keys and positions of a JSON pointer.
        """
        key = self._known((manifest.get("apiVersion"), manifest.get("kind")))
        if key is None:
            return None
        if found := astray(self._advice(key), manifest, steps):
            return found
        whole = inside(ways(key), steps)
        return None if whole is None else astray(self._advice(whole[0]), None, steps[whole[1] :])

    def needs_spec(self, manifest: dict[str, Any], steps: Sequence[str]) -> bool:
        """Return whether *steps* lead to a spec in *manifest* that is called optional, but has fields that are not."""
        key = self._known((manifest.get("apiVersion"), manifest.get("kind")))
        path = tuple(int(step) if step.isdecimal() else step for step in steps)
        return key is not None and steps[-1] == "spec" and bool(self._advice(key).schema_at(path).get("required"))

    def valid(self, manifest: dict[str, object]) -> bool:
        """Return whether :meth:`errors` would find nothing; the fast way to ask."""
        names = manifest.get("apiVersion"), manifest.get("kind")
        try:
            validator: Validator | None = self._validators[names]
        except (KeyError, TypeError):
            validator = self._validator(names)
        try:
            return validator is not None and validator.is_valid(manifest)
        except ValueError:  # a value that is no JSON, such as a set or half a surrogate pair
            return False

    def errors(self, manifest: dict[str, object]) -> list[SchemaError]:
        """Return everything in *manifest* that its schema refuses, in the order of the paths."""
        if self.valid(manifest):
            return []
        names = manifest.get("apiVersion"), manifest.get("kind")
        validator = self._validator(names)
        if validator is None:
            return unknown_kind(self.version, self.kinds(), names)
        if strange := foreign(manifest):
            return strange
        key = f"{names[0]} {names[1]}"
        advice = self._advice(key)
        if isinstance(validator, Embedding):
            own = Wording(key, advice).of(validator.own.iter_errors(manifest))
            return validator.with_parts(own, manifest, self.errors)
        return Wording(key, advice).of(validator.iter_errors(manifest))

    def duplicates(self, manifest: dict[str, object]) -> list[SchemaError]:
        """
        Return the entries of lists that repeat an earlier one, by the keys the schema tells.

        Two containers of one name, two variables of one name, two ports of one number and protocol:
        what a server-side apply refuses and a client-side apply may merge into one. Neither
        :meth:`valid` nor :meth:`errors` speaks about them.
        """
        names = manifest.get("apiVersion"), manifest.get("kind")
        try:
            step = self._steps[names]
        except (KeyError, TypeError):
            step = self._step(names)
        found: list[SchemaError] = []
        if step is not None:
            duplicates(step, manifest, (), found)
        validator = self._validators.get(names)
        if isinstance(validator, Embedding):
            return validator.with_parts(found, manifest, self.duplicates)
        return found

    def schema(self, api_version: str, kind: str) -> Schema:
        """
        Return the schema of the manifests of a kind, with the definitions it needs.

        Raises:
            KeyError: The cluster has no such kind.
        """
        return closed(self._schema(f"{api_version} {kind}"), self._definitions())

    def _schema(self, key: str) -> Schema:
        if crd := self._custom.get(key):
            return crd.schema()
        return bundle(self.version)["kinds"][key]

    def _definitions(self) -> dict[str, Schema]:
        return bundle(self.version)["definitions"]

    def _advice(self, key: str) -> Advice:
        return Advice(key, self._schema(key), self._definitions(), self.version)

    def _known(self, names: tuple[object, object]) -> str | None:
        api_version, kind = names
        if isinstance(api_version, str) and isinstance(kind, str) and self.kind(api_version, kind):
            return f"{api_version} {kind}"
        return None

    def _validator(self, names: tuple[object, object]) -> Validator | None:
        key = self._known(names)
        if key is None:
            return None
        if names not in self._validators:
            schema = closed(self._schema(key), self._definitions())
            try:
                made = _compiled(schema)
            except ValueError:  # a pattern of a CRD that only another engine understands
                made = _compiled(_without_odd_patterns(schema))
            inside = ways(key)
            self._validators[names] = Embedding(made, inside, self.valid) if inside else made
        return self._validators[names]

    def _step(self, names: tuple[object, object]) -> Step | None:
        key = self._known(names)
        if key is None:
            return None
        if names not in self._steps:
            self._validator(names)  # which knows whether pods are embedded
            self._steps[names] = compiled(self._schema(key), self._definitions())
        return self._steps[names]


def _without_odd_patterns(schema: Any) -> Any:  # any part of a schema
    if isinstance(schema, list):
        return [_without_odd_patterns(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_odd_patterns(value)
        for key, value in schema.items()
        # A field may be called "pattern" too: its value is a schema then, not a text.
        if key != "pattern" or not isinstance(value, str) or _compiles(value)
    }


def _compiles(pattern: str) -> bool:
    try:
        _compiled({"pattern": pattern})
    except ValueError:
        return False
    return True


def _compiled(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    # Costs 15 to 25 ms, which only those pay who check a manifest.
    import jsonschema_rs  # noqa: PLC0415

    return jsonschema_rs.Draft202012Validator(
        schema,
        validate_formats=False,
        # Without look-around and backtracking, as in Go, whose patterns CRDs hold.
        pattern_options=jsonschema_rs.RegexOptions(),
        offline=True,
    )


@lru_cache(maxsize=64)
def catalog(version: str, crds: tuple[CrdSchema, ...] = ()) -> Catalog:
    """
    Return the catalogue of a minor and of *crds*; the same object for the same arguments.

    Args:
        version: A minor such as "1.34".

        crds: What :func:`crd_schemas` made of the installed CustomResourceDefinitions.

    Raises:
        ValueError: The minor is not one of :data:`SUPPORTED`.
    """
    return Catalog(supported(version), crds)
