"""The schemas of Kubernetes: what each minor has, what is refused, and in which words."""

from __future__ import annotations

import copy
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml

from modelyard import schemas
from modelyard.schemas.bundle import DATA, bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parent
GOOD: list[dict[str, Any]] = list(yaml.safe_load_all((TESTS / "schemas_good.yaml").read_text("utf-8")))
CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load((TESTS / "schemas_cases.yaml").read_text("utf-8"))
CRD: dict[str, Any] = yaml.safe_load((TESTS / "schemas_crd.yaml").read_text("utf-8"))
TRAINS = schemas.crd_schemas(CRD)
Steps = tuple[str | int, ...]
POD: Steps = ("spec", "template", "spec")
CONTAINER: Steps = (*POD, "containers", 0)

every_minor = pytest.mark.parametrize("minor", schemas.SUPPORTED)


def cases(name: str) -> pytest.MarkDecorator:
    """Run a test with every case of ``schemas_cases.yaml`` under *name*."""
    return pytest.mark.parametrize("case", CASES[name], ids=lambda case: case["says"])


def good(kind: str) -> dict[str, Any]:
    """Return a fresh manifest of *kind* that is accepted."""
    return copy.deepcopy(next(each for each in GOOD if each["kind"] == kind))


def edited(kind: str, path: Steps, value: object) -> dict[str, Any]:
    """Return a good manifest of *kind* with *value* put at *path*."""
    return put(good(kind), path, value)


def mistaken(case: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a case."""
    steps = case["put"].split(".")
    path = tuple(int(step) if step.isdecimal() else step for step in steps)
    return edited(case["kind"], path, case["value"])


def put(manifest: dict[str, Any], path: Steps, value: object) -> dict[str, Any]:
    """Return *manifest* with *value* at *path*."""
    node: Any = manifest
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return manifest


def plain(errors: list[schemas.SchemaError]) -> list[tuple[str, str]]:
    """Return *errors* as (dotted path, message)."""
    return [(".".join(map(str, error.path)), error.message) for error in errors]


def said(manifest: dict[str, Any], minor: str = "1.34") -> list[tuple[str, str]]:
    """Return the errors of *manifest* as (dotted path, message)."""
    return plain(schemas.catalog(minor).errors(manifest))


def leaves(node: object, path: Steps = ()) -> Iterator[Steps]:
    """Yield the path of every part of a manifest."""
    if path:
        yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from leaves(value, (*path, position))


@every_minor
@pytest.mark.parametrize("manifest", GOOD, ids=lambda each: each["kind"])
def test_a_good_manifest_is_accepted(minor: str, manifest: dict[str, Any]) -> None:
    """By the fast check, by the one with words, and by the search for repeated entries."""
    catalog = schemas.catalog(minor)
    assert catalog.errors(manifest) == []
    assert catalog.valid(manifest)
    assert catalog.duplicates(manifest) == []


@every_minor
@cases("mistakes")
def test_a_mistake_is_refused_in_plain_words(minor: str, case: dict[str, Any]) -> None:
    """With the path of the part and a way out."""
    manifest = mistaken(case)
    assert said(manifest, minor) == [(case["at"], case["says"])]
    assert not schemas.catalog(minor).valid(manifest)


@every_minor
def test_what_the_document_asks_for_and_the_server_does_not_may_be_missing(minor: str) -> None:
    """A StatefulSet without a Service, which 1.32 has among the required fields, and a CSIDriver as it comes."""
    labels = {"app": "db"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    assert said({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}, minor) == []
    assert said({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "a.b"}}, minor) == []


def test_all_mistakes_are_told_at_once_in_the_order_of_their_paths() -> None:
    """Positions count as numbers."""
    manifest = edited("Deployment", (*POD, "containers"), [{"name": "a"} for _ in range(11)])
    for position in (10, 2):
        manifest["spec"]["template"]["spec"]["containers"][position]["tty"] = "yes"
    del manifest["spec"]["selector"]
    assert [where for where, _ in said(manifest)] == [
        "spec",
        "spec.template.spec.containers.2.tty",
        "spec.template.spec.containers.10.tty",
    ]


@every_minor
def test_null_in_an_optional_field_means_absent(minor: str) -> None:
    """As the API server has it, for scalars, enumerations, lists and objects alike."""
    manifest = edited("Deployment", (*CONTAINER, "imagePullPolicy"), None)
    manifest["metadata"]["creationTimestamp"] = None
    manifest["spec"] |= {"strategy": None, "replicas": None}
    manifest["spec"]["template"]["spec"] |= {"volumes": None, "hostNetwork": None, "dnsPolicy": ""}
    assert said(manifest, minor) == []


def test_the_fast_check_and_the_words_agree_on_every_broken_manifest() -> None:
    """Every part of every good manifest, replaced by six values."""
    catalog = schemas.catalog("1.36")
    checked = 0
    for manifest in GOOD:
        for path in leaves(manifest):
            values: tuple[object, ...] = (None, "x", 7, [], {}, {"x": [None]})
            for value in values:
                broken = edited(manifest["kind"], path, value)
                errors = catalog.errors(broken)
                assert catalog.valid(broken) == (not errors)
                assert all(len(error.message) < 200 for error in errors)
                checked += 1
    assert checked > 1500


@pytest.mark.parametrize(("field", "content"), [("data", "not base64!"), ("stringData", 31337), ("data", ["s3cr3t"])])
def test_what_a_secret_keeps_is_never_shown(field: str, content: object) -> None:
    """Neither in the message nor in the value."""
    errors = schemas.catalog("1.34").errors(edited("Secret", (field, "token"), content))
    assert [error.path for error in errors] == [(field, "token")]
    assert errors[0].value is None
    assert "base64!" not in str(errors)
    assert "31337" not in str(errors)
    assert "s3cr3t" not in str(errors)


def test_a_secret_with_a_wrong_field_says_what_is_wrong_all_the_same() -> None:
    """The rule and the key are no secret."""
    manifest = edited("Secret", ("stringData",), "hunter2")
    manifest["data"] = {"token": "hunter2!", "pin": 1234}
    manifest["immutable"] = "yes"
    assert said(manifest) == [
        ("data.pin", "must be a string, not the hidden value"),
        ("data.token", "must be base64 text"),
        ("immutable", "must be a boolean, not the string 'yes'"),
        ("stringData", "must be an object, not the hidden value"),
    ]


def test_long_values_are_shortened_and_objects_not_shown() -> None:
    """A message stays one line."""
    assert said(edited("Deployment", ("spec", "replicas"), "9" * 500)) == [
        ("spec.replicas", f"must be an integer, not the string '{'9' * 57}...'")
    ]
    errors = schemas.catalog("1.34").errors(edited("Deployment", ("spec",), ["s3cr3t"] * 99))
    assert [(error.message, error.value) for error in errors] == [("must be an object, not a list", None)]


def test_values_that_are_no_json_are_named_with_their_path() -> None:
    """Where the library underneath would raise."""
    manifest = edited("ConfigMap", ("data",), {"a": {1}, 2: "b", "c": b"x", "d": float("nan")})
    assert not schemas.catalog("1.34").valid(manifest)
    assert said(manifest) == [
        ("data.a", "is a Python set, which no manifest can hold"),
        ("data", "has a key that is a Python int, not a string"),
        ("data.c", "is a Python bytes, which no manifest can hold"),
        ("data.d", "is nan, which no manifest can hold"),
    ]
    assert said(edited("ConfigMap", ("data",), {"a": {1}, "b": "\ud800"}))[1] == (
        "data.b",
        "holds half of a surrogate pair, which no file can hold",
    )


KINDS: list[tuple[str, str, str, str]] = [
    ("resource.k8s.io/v1", "ResourceClaim", "1.34", "1.37"),
    ("resource.k8s.io/v1beta2", "ResourceClaim", "1.33", "1.37"),
    ("resource.k8s.io/v1beta1", "ResourceClaim", "1.32", "1.37"),
    ("networking.k8s.io/v1", "ServiceCIDR", "1.33", "1.37"),
    ("storage.k8s.io/v1", "VolumeAttributesClass", "1.34", "1.37"),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "1.36", "1.37"),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", "1.32", "1.33"),
    ("apps/v1", "Deployment", "1.32", "1.37"),
]


@pytest.mark.parametrize(("api_version", "kind", "first", "last"), KINDS)
def test_a_kind_is_known_in_the_minors_that_serve_it(api_version: str, kind: str, first: str, last: str) -> None:
    """From the first to the last, among those supported."""
    has = [each for each in schemas.SUPPORTED if schemas.catalog(each).kind(api_version, kind)]
    position = schemas.SUPPORTED.index
    assert has == list(schemas.SUPPORTED[position(first) : position(last) + 1])


def test_a_kind_tells_whether_it_is_namespaced() -> None:
    """And questions to the API server are no kinds."""
    catalog = schemas.catalog("1.34")
    assert catalog.kind("apps/v1", "Deployment") == schemas.KindInfo("apps/v1", "Deployment", namespaced=True)
    for api_version, kind in (
        ("v1", "Namespace"),
        ("v1", "PersistentVolume"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ):
        info = catalog.kind(api_version, kind)
        assert info is not None
        assert not info.namespaced
    assert catalog.kind("authentication.k8s.io/v1", "TokenReview") is None
    assert catalog.kind("v1", "List") is None


@cases("unknown")
def test_an_unknown_kind_is_one_error_with_the_one_that_was_meant(case: dict[str, Any]) -> None:
    """A kind of another project that only shares the name is not suggested."""
    names = {"apiVersion": case["apiVersion"], "kind": case["kind"]}
    assert schemas.catalog("1.33").similar(*names.values()) == case["similar"]
    assert said(names, "1.33") == [(case["at"], case["says"])]


def test_a_manifest_without_names_says_so() -> None:
    """Absent, null and of the wrong type."""
    assert said({"apiVersion": None}) == [
        ("", "misses the required field 'apiVersion'"),
        ("", "misses the required field 'kind'"),
    ]
    assert said({"apiVersion": "v1", "kind": ["Pod"]}) == [("kind", "must be a string, not a list")]


def test_a_field_of_another_minor_names_that_minor() -> None:
    """A newer cluster is a way out that a list of fields would hide."""
    manifest = edited("Deployment", (*POD, "hostnameOverride"), "web")
    assert said(manifest, "1.33") == [
        (
            "spec.template.spec",
            "has no field 'hostnameOverride' in Kubernetes 1.33; it came with 1.34",
        )
    ]
    assert said(manifest, "1.34") == []


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.34.4", "Kubernetes version '1.34.4' is not a minor; write '1.34'"),
        ("v1.34", "Kubernetes version 'v1.34' is not a minor; write '1.34'"),
        (
            "1.29",
            (
                "Kubernetes version '1.29' is not supported; "
                "modelyard has the schemas of 1.32, 1.33, 1.34, 1.35, 1.36 and 1.37"
            ),
        ),
    ],
)
def test_an_unsupported_version_tells_what_to_write(version: str, message: str) -> None:
    """Patch versions and a leading v included."""
    with pytest.raises(ValueError, match="Kubernetes version") as raised:
        schemas.catalog(version)
    assert str(raised.value) == message


@every_minor
@cases("repeated")
def test_a_repeated_entry_of_a_keyed_list_is_found(minor: str, case: dict[str, Any]) -> None:
    """A port without a protocol is a TCP port, null or absent."""
    found = schemas.catalog(minor).duplicates(mistaken(case))
    assert plain(found) == [(case["at"], case["says"])]


def test_repeated_entries_are_no_schema_errors() -> None:
    """The two checks are asked separately."""
    manifest = edited("Deployment", (*POD, "volumes"), [{"name": "a"}, {"name": "a"}])
    assert schemas.catalog("1.34").errors(manifest) == []


@every_minor
def test_every_kind_compiles_and_refuses_an_unknown_field(minor: str) -> None:
    """None has content that is free by accident."""
    catalog = schemas.catalog(minor)
    for key in catalog.kinds():
        api_version, kind = key.split(" ")
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": {}, "nope": 1}
        messages = [error.message for error in catalog.errors(manifest) if not error.path]
        assert any(message.startswith("has no field 'nope'") for message in messages), key


def train(**spec: object) -> dict[str, Any]:
    """Return a Train that is accepted but for what *spec* changes."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Train",
        "metadata": {"name": "t"},
        "spec": {"wagons": 3, "coal": {}, **spec},
    }


def test_a_crd_adds_its_served_versions_to_the_catalogue() -> None:
    """And to the suggestions."""
    catalog = schemas.catalog("1.34", TRAINS)
    known = schemas.KindInfo("example.com/v1", "Train", namespaced=True)
    assert catalog.kind("example.com/v1", "Train") == known
    assert catalog.kind("example.com/v1alpha1", "Train") is None
    assert catalog.similar("example.com/v1alpha1", "Train") == "example.com/v1 Train"
    assert catalog.similar("example.com/v1", "Trian") == "example.com/v1 Train"
    assert schemas.catalog("1.34").kind("example.com/v1", "Train") is None
    assert catalog is schemas.catalog("1.34", schemas.crd_schemas(copy.deepcopy(CRD)))


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"mode": "slow"},
        {"port": 80},
        {"port": "http"},
        {"mode": None, "note": None},
        {"free": {"b": [1]}},
        {"pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}}},
        {"stops": [{"name": "a"}, {"name": "a", "side": "right"}]},
        {"odd": "anything: its pattern is one that only other engines understand"},
    ],
)
def test_a_custom_resource_is_accepted_as_the_api_server_does(spec: dict[str, object]) -> None:
    """Defaults count as present, so neither "required" nor a condition on them refuses."""
    assert schemas.catalog("1.34", TRAINS).errors(train(**spec)) == []


@cases("custom")
def test_a_mistake_in_a_custom_resource_is_refused(case: dict[str, Any]) -> None:
    """In the same words as one in a kind of Kubernetes."""
    manifest = train(**case["spec"])
    if "diesel" in case["spec"]:
        del manifest["spec"]["coal"]
    found = schemas.catalog("1.34", TRAINS).errors(manifest)
    assert plain(found) == [(case["at"], case["says"])]


def test_null_in_a_custom_resource_is_refused_as_the_api_server_does() -> None:
    """It is no value of a field that has no default and is not nullable: so says a server-side apply."""
    assert plain(schemas.catalog("1.34", TRAINS).errors(train(port=None, stops=None))) == [
        ("spec.port", "must be an integer or a string, not null"),
        ("spec.stops", "must be a list, not null"),
    ]


def test_a_custom_resource_that_fits_no_form_names_the_fields_to_choose_from() -> None:
    """Instead of quoting the object."""
    manifest = train()
    del manifest["spec"]["coal"]
    errors = schemas.catalog("1.34", TRAINS).errors(manifest)
    assert [error.message for error in errors] == ["misses one of the fields 'coal' or 'diesel'"]


def test_the_metadata_of_a_custom_resource_is_strict_and_may_be_restricted() -> None:
    """By the CRD, beyond what holds for all metadata."""
    manifest = train()
    manifest["metadata"] = {"name": "express", "label": {}}
    errors = schemas.catalog("1.34", TRAINS).errors(manifest)
    assert [(error.path, error.message) for error in errors] == [
        (("metadata",), "has no field 'label'; did you mean 'labels'?"),
        (("metadata", "name"), "must have a length of at most 5, not 'express'"),
    ]


def test_repeated_entries_of_a_custom_resource_are_found_with_its_defaults() -> None:
    """The default of a key counts."""
    manifest = train(stops=[{"name": "a", "side": "left"}, {"name": "a"}])
    (error,) = schemas.catalog("1.34", TRAINS).duplicates(manifest)
    assert error.path == ("spec", "stops", 1)
    assert error.message == "repeats name 'a', side 'left' of entry 0"


def test_only_a_crd_of_the_current_api_is_taken() -> None:
    """With what it was instead."""
    with pytest.raises(ValueError, match=r"^v1 ConfigMap is not an apiextensions\.k8s\.io/v1 Custom"):
        schemas.crd_schemas({"apiVersion": "v1", "kind": "ConfigMap"})


def test_the_export_for_kubeconform_is_self_contained_and_the_same_every_time(
    tmp_path: Path,
) -> None:
    """One file a kind, where kubeconform's template looks for it."""
    template = schemas.export(tmp_path / "a", "1.34", TRAINS)
    schemas.export(tmp_path / "b", "1.34", TRAINS)
    name = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
    assert template == f"{tmp_path / 'a' / '1.34'}/{name}"
    written = {path.relative_to(tmp_path / "a"): path for path in tmp_path.glob("a/*/*/*.json")}
    assert len(written) == len(schemas.catalog("1.34", TRAINS).kinds())
    for place, path in written.items():
        assert path.read_bytes() == (tmp_path / "b" / place).read_bytes()
    for stem, kind in (
        ("apps/deployment_v1", "Deployment"),
        ("v1/secret_v1", "Secret"),
        ("networking.k8s.io/networkpolicy_v1", "NetworkPolicy"),
    ):
        schema = json.loads((tmp_path / "a" / "1.34" / f"{stem}.json").read_text("utf-8"))
        validator = jsonschema_rs.Draft202012Validator(schema, offline=True)
        assert validator.is_valid(good(kind))
        assert not validator.is_valid({**good(kind), "nope": 1})
    assert (tmp_path / "a" / "1.34" / "example.com" / "train_v1.json").is_file()


@every_minor
def test_no_enumeration_names_a_value_twice(minor: str) -> None:
    """Kubeconform refuses to load such a schema, and then knows no Deployment."""
    waiting: list[Any] = [dict(bundle(minor))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
            if isinstance(enum := node.get("enum"), list):
                assert len(enum) == len({json.dumps(each) for each in enum})


def test_importing_the_package_loads_neither_the_checker_nor_data() -> None:
    """Who only asks for help on the command line does not pay for it."""
    program = (
        "import sys, modelyard.schemas as s; from modelyard.schemas import bundle as b;"
        "c = s.catalog('1.34'); assert 'jsonschema_rs' not in sys.modules;"
        "assert b.bundle.cache_info().currsize == b.index.cache_info().currsize == 0;"
        "c.kind('v1', 'Pod'); assert b.bundle.cache_info().currsize == 0"
    )
    folder = str(Path(schemas.__file__).parents[2])
    program = f"import sys; sys.path.insert(0, {folder!r}); {program}"
    subprocess.run([sys.executable, "-c", program], check=True)


def swagger() -> dict[str, Any]:
    """Return a small OpenAPI document with two kinds and a question to the API server."""
    read: dict[str, Any] = json.loads((TESTS / "schemas_swagger.json").read_text("utf-8"))
    return read


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Any:  # a module that is no package
    """Return ``tools/schemas.py`` as a module."""
    monkeypatch.syspath_prepend(TESTS.parent / "tools")
    spec = importlib.util.spec_from_file_location("tools_schemas", TESTS.parent / "tools" / "schemas.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GO = """
func schema_k8sio_api_toys_v1_Spec(ref common.ReferenceCallback) common.OpenAPIDefinition {
\t\t\t\tProperties: map[string]spec.Schema{
\t\t\t\t\t"side": {
\t\t\t\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\t\t\t\tDefault: "left",
\t\t\t\t\t\t\tEnum:    []interface{}{"left", "right"},
\t\t\t\t\t\t},
\t\t\t\t\t},
func schema_k8sio_api_other_v1_Spec(ref common.ReferenceCallback) common.OpenAPIDefinition {
\t\t\t\t\t"side": {
\t\t\t\t\t\t\tEnum:        []interface{}{"wrong"},
"""


def test_the_generator_makes_strict_schemas_of_an_openapi_document(generator: Any) -> None:
    """Of the stored kinds only, with the enumerations and defaults of the Go code."""
    document, kinds = generator.bundle(swagger(), GO)
    assert kinds == {"toys.k8s.io/v1 Track": False, "toys.k8s.io/v1 Train": True}
    spec = "io.k8s.api.toys.v1.Spec"
    assert document["kinds"]["toys.k8s.io/v1 Train"] == {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"const": "toys.k8s.io/v1"},
            "kind": {"const": "Train"},
            "metadata": {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
            "spec": {"$ref": f"#/$defs/{spec}-or-null"},
        },
    }
    assert document["definitions"][spec] == {
        "type": "object",
        "required": ["inner", "load"],
        "additionalProperties": False,
        "properties": {
            "load": {"type": ["string", "number"]},
            "inner": {"$ref": f"#/$defs/{spec}"},
            "count": {"type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1},
            "raw": {"type": ["object", "null"]},
            "side": {
                "type": ["string", "null"],
                "default": "left",
                "enum": ["", "left", "right", None],
            },
            "list": {
                "type": ["array", "null"],
                "items": {"type": "string"},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["side"],
            },
        },
    }
    assert document["definitions"][f"{spec}-or-null"]["type"] == ["object", "null"]


def test_the_generator_writes_the_same_bytes_whatever_the_order_of_its_source(generator: Any) -> None:
    """Definitions, paths and fields shuffled."""
    first = generator.compressed(generator.bundle(swagger(), GO)[0])
    for seed in range(20):
        again = shuffled(swagger(), random.Random(seed))  # noqa: S311 # no secret
        assert generator.compressed(generator.bundle(again, GO)[0]) == first


def shuffled(node: Any, chance: random.Random) -> Any:  # any JSON
    """Return *node* with the keys of every object in another order."""
    if isinstance(node, list):
        return [shuffled(each, chance) for each in node]
    if not isinstance(node, dict):
        return node
    keys = chance.sample(list(node), len(node))
    return {key: shuffled(node[key], chance) for key in keys}


def test_the_generator_adds_what_the_api_server_demands_beyond_its_document(
    generator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field may be needed, not empty or within limits; one that is no longer there ends the generator."""
    document = swagger()
    demands = sys.modules["demands"]
    side = {"required": True, "minLength": 1, "blank": False}
    fields = {"side": side, "count": demands.COUNT, "load": demands.NOT_NEEDED}
    monkeypatch.setattr(demands, "DEMANDS", {"toys.v1.Spec": fields})
    demands.demand(document["definitions"])
    spec = generator.bundle(document, GO)[0]["definitions"]["io.k8s.api.toys.v1.Spec"]
    assert spec["required"] == ["inner", "side"]
    assert spec["properties"]["side"] == {
        "type": "string",
        "default": "left",
        "enum": ["left", "right"],
        "minLength": 1,
    }
    assert spec["properties"]["count"]["minimum"] == 0
    monkeypatch.setattr(demands, "DEMANDS", {"toys.v1.Spec": {"smoke": demands.COUNT}})
    with pytest.raises(ValueError, match=r"^toys\.v1\.Spec has no field smoke$"):
        demands.demand(document["definitions"])


def test_the_data_tells_where_it_comes_from(generator: Any) -> None:
    """Version and checksum of each minor, and the licence beside it."""
    source = json.loads((DATA / "SOURCE.json").read_text("utf-8"))
    pins = generator.PINS
    assert tuple(pins) == schemas.SUPPORTED
    assert source["module"] == "k8s.io/kubernetes"
    assert source["versions"] == {k: {"version": v, "sum": s} for k, (v, s) in pins.items()}
    assert source["licence"] == "Apache-2.0"
    assert "Apache License" in (DATA / "LICENSE").read_text("utf-8")
    size = sum(path.stat().st_size for path in DATA.iterdir())
    assert size < 200_000
