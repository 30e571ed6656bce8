"""Making strict schemas of the CustomResourceDefinitions that a cluster has installed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.schemas.bundle import DEFINITION, OBJECT_META

if TYPE_CHECKING:
    from collections.abc import Mapping

    Source = Mapping[str, Any]

    from modelyard.schemas.bundle import Schema

KEPT = (
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minItems",
    "minLength",
    "minProperties",
    "multipleOf",
    "pattern",
    "uniqueItems",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
)
SIZES = {"int32": 2**31, "int64": 2**63}
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
OBJECT_META_REFERENCE = {"$ref": f"{DEFINITION}{OBJECT_META}"}


@attrs.frozen
class CrdSchema:
    """
    One served version of a CustomResourceDefinition.

    Args:
        api_version: Group and version, for example ``keda.sh/v1alpha1``.

        kind: For example ``ScaledObject``.

        namespaced: Whether its objects live in a namespace.

        text: The strict JSON schema of its manifests, as JSON text, so that it can be hashed.
    """

    api_version: str
    kind: str
    namespaced: bool
    # What was checked before is known again by this text, and a changed definition must change it.
    text: str = attrs.field(repr=lambda text: hashlib.sha256(text.encode()).hexdigest()[:12])

    def schema(self) -> Schema:
        """Return the strict JSON schema of its manifests."""
        read: Schema = json.loads(self.text)
        return read


def crd_schemas(crd_manifest: Mapping[str, Any]) -> tuple[CrdSchema, ...]:
    """
    Return the strict schema of every served version of a CustomResourceDefinition.

    Args:
        crd_manifest: A manifest of ``apiextensions.k8s.io/v1``, as read from its YAML.

    Raises:
        ValueError: It is something else.
    """
    what = crd_manifest.get("apiVersion"), crd_manifest.get("kind")
    if what != ("apiextensions.k8s.io/v1", "CustomResourceDefinition"):
        msg = f"{what[0]} {what[1]} is not an apiextensions.k8s.io/v1 CustomResourceDefinition"
        raise ValueError(msg)
    spec = crd_manifest["spec"]
    kind = spec["names"]["kind"]
    made = []
    for version in spec["versions"]:
        if not version["served"]:
            continue
        api_version = f"{spec['group']}/{version['name']}"
        schema = root(version.get("schema", {}).get("openAPIV3Schema", {}), api_version, kind)
        text = json.dumps(schema, separators=(",", ":"), sort_keys=True)
        made.append(CrdSchema(api_version, kind, spec["scope"] == "Namespaced", text))
    return tuple(made)


def root(source: Source, api_version: str, kind: str) -> Schema:
    """Return the strict schema of whole manifests of one kind."""
    schema = strict({"type": "object", **source})
    properties = schema.setdefault("properties", {})
    # A CRD may restrict the name beyond what holds for all metadata.
    restricted = restriction(source.get("properties", {}).get("metadata", {}), {})
    restricted.pop("type", None)
    properties["metadata"] = {**OBJECT_META_REFERENCE, **restricted}
    properties["apiVersion"] = {"const": api_version}
    properties["kind"] = {"const": kind}
    schema["required"] = sorted({"apiVersion", "kind", "metadata", *schema.get("required", ())})
    return schema


def strict(source: Source) -> Schema:
    """Return the strict form of a structural schema; null is taken only where one of two words allows it."""
    schema = rules(source, source)
    if source.get("x-kubernetes-int-or-string"):
        schema["type"] = ["integer", "string"]
    elif "type" in source:
        schema["type"] = source["type"]
    if "items" in source:
        schema["items"] = strict(source["items"])
    if schema.get("type") == "object":
        schema.update(fields(source))
    if source.get("type") == "string" and "default" in source:
        schema["default"] = source["default"]
    return or_null(schema) if "default" in source or source.get("nullable") else schema


def or_null(schema: Schema) -> Schema:
    """Return *schema* with null allowed."""
    allowed = dict(schema)
    if "type" in schema:
        types = schema["type"]
        allowed["type"] = [*(types if isinstance(types, list) else [types]), "null"]
    if "enum" in schema and None not in schema["enum"]:
        allowed["enum"] = [*schema["enum"], None]
    return allowed


def fields(source: Source) -> Schema:
    """Return what fields an object may have, and which it must have."""
    schema: Schema = {}
    known = source.get("properties", {})
    # The API server fills in defaults first, and an embedded object needs to be one.
    required = {name for name in source.get("required", ()) if "default" not in known.get(name, {})}
    if known:
        schema["properties"] = {name: strict(field) for name, field in known.items()}
    if source.get("x-kubernetes-embedded-resource"):
        text = {"type": "string"}
        whole = {"apiVersion": text, "kind": text, "metadata": OBJECT_META_REFERENCE}
        schema["properties"] = {**schema.get("properties", {}), **whole}
        required |= {"apiVersion", "kind"}
    if required:
        schema["required"] = sorted(required)
    values = source.get("additionalProperties")
    if isinstance(values, dict):
        schema["additionalProperties"] = strict(values)
    elif not values and not source.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("properties", {})
        schema["additionalProperties"] = False
    return schema


def rules(source: Source, declared: Source) -> Schema:
    """
    Return the keywords that restrict values and declare no fields.

    Args:
        source: A schema.

        declared: The schema that declares the fields, which *source* is or restricts.
    """
    schema: Schema = {key: source[key] for key in KEPT if key in source}
    if "enum" in schema:  # kubeconform refuses one that names a value twice
        schema["enum"] = [each for place, each in enumerate(schema["enum"]) if each not in schema["enum"][:place]]
    for key, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if key in source:
            # A flag in OpenAPI 3.0, a number in JSON Schema.
            schema[exclusive if source.get(exclusive) is True else key] = source[key]
    if size := SIZES.get(source.get("format", "")):
        schema.setdefault("minimum", -size)
        schema.setdefault("maximum", size - 1)
    for key in ("allOf", "anyOf", "oneOf"):
        forms = source.get(key, INT_OR_STRING)
        if forms != INT_OR_STRING and not any(decided_by_default(form, declared) for form in forms):
            schema[key] = [restriction(form, declared) for form in forms]
    if "not" in source and not decided_by_default(source["not"], declared):
        schema["not"] = restriction(source["not"], declared)
    return schema


def restriction(source: Source, declared: Source) -> Schema:
    """Return a schema below anyOf and its like, which restricts the fields of *declared*."""
    schema = rules(source, declared)
    if "type" in source:
        schema["type"] = source["type"]
    if "required" in source:
        schema["required"] = source["required"]
    if "properties" in source:
        known = declared.get("properties", {})
        schema["properties"] = {
            name: restriction(field, known.get(name, {})) for name, field in source["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(source.get(key), dict):
            schema[key] = restriction(source[key], inner(declared, key))
    return schema


def decided_by_default(form: Source, declared: Source) -> bool:
    """
    Return whether *form* asks about a field of *declared* with a default.

    The file then does not decide, because the API server fills the default in first.
    """
    known = declared.get("properties", {})
    asked = form.get("properties", {})
    if any("default" in known.get(name, {}) for name in (*asked, *form.get("required", ()))):
        return True
    return (
        any(decided_by_default(field, known.get(name, {})) for name, field in asked.items())
        or any(
            decided_by_default(form[key], inner(declared, key))
            for key in ("items", "additionalProperties")
            if isinstance(form.get(key), dict)
        )
        or any(decided_by_default(each, declared) for key in ("allOf", "anyOf", "oneOf") for each in form.get(key, ()))
        or ("not" in form and decided_by_default(form["not"], declared))
    )


def inner(declared: Source, key: str) -> Source:
    """Return the schema under *key* where there is one."""
    found = declared.get(key)
    return found if isinstance(found, dict) else {}
