"""
Make the bundle of strict Kubernetes schemas in ``constructs/modelyard/schemas/data``.

Run by ``make schemas``. It reads the OpenAPI document, and the generated Go code that alone keeps
enumerations, from pinned versions of the Go module ``k8s.io/kubernetes``, adds what ``demands.py`` knows,
and writes the same bytes on every run. ``--check`` writes nothing and fails where a file differs.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from demands import LIMITS, demand

Json = dict[str, Any]

MODULE = "k8s.io/kubernetes"
PINS = {
    "1.32": ("v1.32.13", "h1:5TGYdZ6YZqdp6h/Rp1vX/4TIoybMPdgv97LCZCtPuNQ="),
    "1.33": ("v1.33.13", "h1:bmH31xUdSzeA5vk0wZAK9MZp11mdLuzUSeKk0qN3hPQ="),
    "1.34": ("v1.34.4", "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk="),
    "1.35": ("v1.35.4", "h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM="),
    "1.36": ("v1.36.3", "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o="),
    "1.37": ("v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="),
}
SWAGGER = "api/openapi-spec/swagger.json"
GENERATED = "pkg/generated/openapi/zz_generated.openapi.go"
DATA = Path(__file__).resolve().parent.parent / "constructs" / "modelyard" / "schemas" / "data"

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
INT32: Json = {"minimum": -(2**31), "maximum": 2**31 - 1}
SCALARS: dict[str, Json] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"], **INT32},
    META + "Time": {"type": "string"},
    META + "MicroTime": {"type": "string"},
}
# Their Go types decode themselves: "an object without properties" is otherwise an empty struct.
OPEN_OBJECTS = {"io.k8s.apimachinery.pkg.runtime.RawExtension", META + "FieldsV1"}
FORMATS: dict[str, Json] = {
    "int32": INT32,
    "int64": {"minimum": -(2**63), "maximum": 2**63 - 1},
    # Go skips line ends inside base64, and so does this.
    "byte": {
        "pattern": r"^[\r\n]*(?:(?:[A-Za-z0-9+/][\r\n]*){4})*"
        r"(?:(?:[A-Za-z0-9+/][\r\n]*){2}=[\r\n]*=[\r\n]*|(?:[A-Za-z0-9+/][\r\n]*){3}=[\r\n]*)?$"
    },
}
LISTS = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys")
OR_NULL = "-or-null"


class Strict:
    """
    One OpenAPI document turned into strict JSON schemas.

    Args:
        definitions: The ``definitions`` of a Kubernetes ``swagger.json``.
    """

    def __init__(self, definitions: dict[str, Json]) -> None:
        self.source = definitions
        self.definitions: dict[str, Json] = {}

    def root(self, name: str, api_version: str, kind: str) -> Json:
        """Return the schema of the manifests of one kind, whose type is the definition *name*."""
        source = self.source[name]
        required = {*source.get("required", ()), "apiVersion", "kind"}
        if "metadata" in source["properties"]:
            required.add("metadata")
        schema = self.of({**source, "required": sorted(required)})
        schema["properties"]["apiVersion"] = {"const": api_version}
        schema["properties"]["kind"] = {"const": kind}
        return schema

    def of(self, source: Json, *, optional: bool = False) -> Json:
        """Return the strict form of *source*; an *optional* one may be null, meaning absent."""
        if "$ref" in source:
            return self.reference(source["$ref"].rpartition("/")[2], optional=optional)
        if "type" not in source:
            return {}
        schema: Json = {"type": source["type"]}
        schema.update(FORMATS.get(source.get("format", ""), {}))
        schema.update({key: source[key] for key in (*LISTS, *LIMITS, "default") if key in source})
        if "enum" in source:
            # The zero value of an optional Go field is the same as its absence.
            schema["enum"] = sorted({*source["enum"], *([""] if optional and source.get("blank", True) else [])})
        if source["type"] == "array":
            schema["items"] = self.of(source["items"])
        if source["type"] == "object":
            schema.update(self.object(source))
        return or_null(schema) if optional else schema

    def object(self, source: Json) -> Json:
        """Return the keywords of an object: a map, free content, or fields and nothing else."""
        if "additionalProperties" in source:
            return {"additionalProperties": self.of(source["additionalProperties"])}
        if source.get("x-kubernetes-preserve-unknown-fields"):
            return {}
        required = source.get("required", [])
        schema: Json = {"required": sorted(required)} if required else {}
        schema["properties"] = {
            name: self.of(field, optional=name not in required)
            for name, field in sorted(source.get("properties", {}).items())
        }
        schema["additionalProperties"] = False
        return schema

    def reference(self, name: str, *, optional: bool) -> Json:
        """Return a reference to the definition *name*, or its schema where that is as short."""
        if name in SCALARS:
            return or_null(SCALARS[name]) if optional else SCALARS[name]
        source = self.source[name]
        if "type" not in source:
            return {}
        if name in OPEN_OBJECTS:
            return {"type": ["object", "null"] if optional else "object"}
        key = name + OR_NULL if optional else name
        if key not in self.definitions:
            self.definitions[key] = {}  # a recursive type refers to itself
            self.definitions[key] = self.of(source, optional=optional)
        return {"$ref": f"#/$defs/{key}"}


def or_null(schema: Json) -> Json:
    """Return *schema* with null allowed."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    allowed = {**schema, "type": [*types, "null"]}
    if "enum" in schema:
        allowed["enum"] = [*schema["enum"], None]
    return allowed


def kinds(swagger: Json) -> dict[str, tuple[str, bool]]:
    """
    Return definition and "is namespaced" of every kind that a cluster stores, by "apiVersion kind".

    A kind that can be created and not listed is a question to the API server (TokenReview), and one
    that can be listed and not created is an answer (ComponentStatus): neither is for a manifest.
    """
    created: dict[str, bool] = {}
    listed: set[str] = set()
    for path, operations in swagger["paths"].items():
        for operation in operations.values():
            action = operation.get("x-kubernetes-action") if isinstance(operation, dict) else None
            if action == "post":
                created[gvk(operation["x-kubernetes-group-version-kind"])] = "{namespace}" in path
            elif action == "list":
                listed.add(gvk(operation["x-kubernetes-group-version-kind"]))
    named = {
        gvk(group_version_kind): name
        for name, definition in swagger["definitions"].items()
        for group_version_kind in definition.get("x-kubernetes-group-version-kind", ())
    }
    return {kind: (named[kind], created[kind]) for kind in sorted(listed & created.keys())}


def gvk(source: dict[str, str]) -> str:
    """Return a group, version and kind as "apiVersion kind"."""
    group = f"{source['group']}/" if source["group"] else ""
    return f"{group}{source['version']} {source['kind']}"


def enrich(definitions: dict[str, Json], generated: str) -> int:
    """
    Put enumerations, and defaults of keys of lists, from *generated* Go code into *definitions*.

    The published document leaves both out. Returns how many enumerations were found.
    """
    keys = {
        key
        for definition in definitions.values()
        for field in definition.get("properties", {}).values()
        for key in field.get("x-kubernetes-list-map-keys", ())
    }
    functions = {go_function(name): name for name in definitions}
    found = 0
    for text in re.split(r"^func (?=schema_)", generated, flags=re.MULTILINE)[1:]:
        definition = definitions.get(functions.get(text.partition("(")[0], ""), {})
        parts = re.split(r"^\t{5}\"([^\"]+)\": \{$", text, flags=re.MULTILINE)
        for field, code in zip(parts[1::2], parts[2::2], strict=True):
            target = definition.get("properties", {}).get(field)
            if target is None:
                continue
            default = re.search(r"^\t+Default: +(\"[^\"]+\"),$", code, flags=re.MULTILINE)
            if default and field in keys:
                target["default"] = json.loads(default[1])
            if enum := re.search(r"^\t+Enum: +\[\]interface\{\}\{(.*)\},$", code, re.MULTILINE):
                holder = target.get("items", target.get("additionalProperties", target))
                if holder.get("type") != "string":
                    msg = f"{field} has an enumeration where this program expects none"
                    raise ValueError(msg)
                holder["enum"] = json.loads(f"[{enum[1]}]")
                found += 1
    return found


def go_function(definition: str) -> str:
    """Return the name that Kubernetes' generator gives to the Go function of *definition*."""
    domain, host, *path, name = definition.split(".")
    package = "_".join([f"{host}{domain}", *path][-4:])
    return f"schema_{package}_{name}".replace("-", "")


def bundle(swagger: Json, generated: str) -> tuple[Json, dict[str, bool]]:
    """Return the bundle of one minor, and its kinds with "is namespaced"."""
    enrich(swagger["definitions"], generated)
    strict = Strict(swagger["definitions"])
    found = kinds(swagger)
    roots = {key: strict.root(name, *key.split(" ")) for key, (name, _) in found.items()}
    definitions = dict(sorted(strict.definitions.items()))
    return {"kinds": roots, "definitions": definitions}, {k: n for k, (_, n) in found.items()}


def compressed(document: Any) -> bytes:  # any JSON
    """Return *document* as the same bytes on every run."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    # 20 % larger than lzma, three times as fast to read, and in every build of Python.
    return zlib.compress(text.encode(), 9)


def plain(name: str, content: bytes) -> bytes:
    """Return what the file *name* says, since builds of zlib may differ in how they write it."""
    return zlib.decompress(content) if name.endswith(".z") else content


def index(found: dict[str, dict[str, bool]]) -> str:
    """Return the JSON text that tells which minors have which kinds, one kind a line."""
    every = sorted({kind for kinds_ in found.values() for kind in kinds_})
    lines = []
    for kind in every:
        minors = [minor for minor in found if kind in found[minor]]
        entry = {"namespaced": found[minors[-1]][kind], "minors": minors}
        lines.append(f"{json.dumps(kind)}: {json.dumps(entry)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


@functools.cache
def module(path: str, version: str, checksum: str) -> Path:
    """Return the folder of the Go module *path* at *version*, which must have this *checksum*."""
    command = ["go", "mod", "download", "-json", f"{path}@{version}"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if answer["Sum"] != checksum:
        msg = f"{path} {version} has the checksum {answer['Sum']} and {checksum} is pinned"
        raise SystemExit(msg)
    return Path(answer["Dir"])


def files() -> dict[str, bytes]:
    """Return every file of the data folder, by name."""
    written: dict[str, bytes] = {}
    found: dict[str, dict[str, bool]] = {}
    for minor, pin in PINS.items():
        folder = module(MODULE, *pin)
        swagger = json.loads((folder / SWAGGER).read_bytes())
        demand(swagger["definitions"])
        document, found[minor] = bundle(swagger, (folder / GENERATED).read_text("utf-8"))
        written[f"{minor}.json.z"] = compressed(document)
        written["LICENSE"] = (folder / "LICENSE").read_bytes()
    source = {
        "module": MODULE,
        "versions": {minor: {"version": v, "sum": s} for minor, (v, s) in PINS.items()},
        "files": [SWAGGER, GENERATED],
        "licence": "Apache-2.0",
        "generated": "by tools/schemas.py (make schemas), which describes every change",
    }
    written["SOURCE.json"] = (json.dumps(source, indent=2) + "\n").encode()
    written["kinds.json"] = index(found).encode()
    return written


def update(folder: Path, wanted: dict[str, bytes], *, check: bool) -> int:
    """Make *folder* hold the files that are *wanted*, or only tell whether it does; return the exit code."""
    stale = []
    folder.mkdir(exist_ok=True)
    for name, content in wanted.items():
        path = folder / name
        if path.is_file() and plain(name, path.read_bytes()) == plain(name, content):
            continue
        stale.append(name)
        if not check:
            path.write_bytes(content)
    sys.stdout.write(f"{'differ' if check else 'written'}: {', '.join(stale) or 'none'}\n")
    return 1 if check and stale else 0


def main() -> int:
    """Write the data folder, or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    return update(DATA, files(), check=parser.parse_args().check)


if __name__ == "__main__":
    raise SystemExit(main())
