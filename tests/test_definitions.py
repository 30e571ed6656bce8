"""The bundled CustomResourceDefinitions: where they are from, what they know, and that every checker can use them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from modelyard import Cluster, Crd
from modelyard.schemas import catalog, constant, crd_schemas, definitions, projects
from modelyard.schemas.bundle import DATA
from modelyard.schemas.installed import BUNDLED
from tests.test_kubeconform import judged

ROOT = Path(__file__).resolve().parent.parent
EVERY: dict[str, Crd] = {name: getattr(Crd, constant(name)) for name in projects()}
every_project = pytest.mark.parametrize("project", EVERY)

APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "a"},
    "spec": {
        "project": "a",
        "source": {"repoURL": "https://git.example/a", "path": "dist/a", "directory": {"recurse": True}},
        "destination": {"server": "https://kubernetes.default.svc"},
    },
}


@pytest.fixture(name="tool")
def _program_that_makes_the_bundle(monkeypatch: pytest.MonkeyPatch) -> Any:  # a module that is no package
    """Import ``tools/crds.py``."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    return importlib.import_module("crds")


def test_every_row_of_the_table_is_bundled_and_has_its_constant(tool: Any) -> None:
    """Module, version, checksum and licence stand beside the data."""
    assert sorted(tool.PROJECTS) == sorted(projects())
    assert {path.name for path in BUNDLED.iterdir()} == {"projects.json", *(f"{name}.json.z" for name in projects())}
    for name, sources in tool.PROJECTS.items():
        assert projects()[name]["modules"] == [source._asdict() for source in sources]
        assert projects()[name]["licence"] == "Apache-2.0"
    assert sorted(field for field in Crd.__annotations__ if field.isupper()) == sorted(map(constant, projects()))


@every_project
def test_the_index_names_the_kinds_that_the_data_defines(project: str) -> None:
    """Who only asks which kinds there are does not read the data."""
    made = [schema for one in definitions(project) for schema in crd_schemas(one)]
    assert projects()[project]["kinds"] == {f"{one.api_version} {one.kind}": one.namespaced for one in made}
    bundled = {f"{one.api_version} {one.kind}": one for one in EVERY[project].schemas}
    assert {key: one.schema() for key, one in bundled.items()} == {
        f"{one.api_version} {one.kind}": one.schema() for one in made
    }


@every_project
def test_both_checkers_can_use_every_schema(project: str, tmp_path: Path) -> None:
    """One that did not compile would be an error, and not a valid or an invalid object."""
    kinds = [tuple(key.split(" ")) for key in projects()[project]["kinds"]]
    names = [{"apiVersion": version, "kind": kind, "metadata": {"name": "a"}} for version, kind in kinds]
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "all.yaml").write_text(yaml.safe_dump_all(names))
    found, valid, invalid, errors, skipped = judged(
        tmp_path / "objects", "1.34", tmp_path / "schemas", EVERY[project].schemas
    )
    assert (found, errors, skipped) == (len(kinds), 0, 0)
    assert valid + invalid == len(kinds)
    known = catalog("1.34", EVERY[project].schemas)
    assert sum(known.valid(one) for one in names) == valid


def test_a_bundled_kind_is_checked_strictly_and_in_the_same_words() -> None:
    """As one from a file is."""
    known = catalog("1.34", Crd.ARGO_CD.schemas)
    assert known.errors(APPLICATION) == []
    wrong = {**APPLICATION, "spec": {**APPLICATION["spec"], "syncPolicy": {"automatic": {}}}}
    assert [(error.path, error.message) for error in known.errors(wrong)] == [
        (("spec", "syncPolicy"), "has no field 'automatic'; did you mean 'automated'?")
    ]


def test_importing_modelyard_reads_no_definition() -> None:
    """Only an object of a bundled kind makes its schema necessary."""
    program = (
        "from modelyard import Cluster, Crd; from modelyard.schemas import catalog;"
        "import modelyard.schemas.installed as m;"
        "c = catalog('1.34', Cluster('a', kubernetes='1.34', installed=[Crd.KEDA, Crd.ARGO_CD]).crd_schemas);"
        "assert c.kind('keda.sh/v1alpha1', 'ScaledObject').namespaced;"
        "assert m._strict.cache_info().currsize == 0;"
        "c.schema('keda.sh/v1alpha1', 'ScaledObject'); assert m._strict.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_definition_that_changed_is_another_cluster() -> None:
    """What has passed the old schemas is checked again."""
    (old,) = crd_schemas(definitions("lws")[0])
    new = attrs.evolve(old, text=old.text.replace("size", "bulk"))
    clusters = [Cluster("a", kubernetes="1.34", installed=[Crd((one,))]) for one in (old, new)]
    assert repr(clusters[0]) != repr(clusters[1])


def test_the_bundle_leaves_out_what_only_people_read(tool: Any) -> None:
    """Descriptions and the webhook that converts, and no field that happens to be called so."""
    schema = {
        "type": "object",
        "description": "An object.",
        "properties": {
            "description": {"type": "string", "description": "A text."},
            "properties": {"type": "object", "properties": {"description": {"type": "string"}}},
        },
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "trains.example.com", "creationTimestamp": None, "annotations": {"a": "b"}},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Train"},
            "scope": "Namespaced",
            "conversion": {"strategy": "Webhook"},
            "versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}}],
        },
        "status": {},
    }
    plain = tool.plain(definition)
    assert plain["metadata"] == {"name": "trains.example.com", "annotations": {"a": "b"}}
    assert sorted(plain["spec"]) == ["group", "names", "scope", "versions"]
    assert plain["spec"]["versions"][0]["schema"]["openAPIV3Schema"] == {
        "type": "object",
        "properties": {
            "description": {"type": "string"},
            "properties": {"type": "object", "properties": {"description": {"type": "string"}}},
        },
    }
    assert crd_schemas(plain) == crd_schemas(definition)


def test_the_bundle_is_small() -> None:
    """Everybody who installs modelyard has it."""
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 250_000
    assert json.loads((BUNDLED / "projects.json").read_text("utf-8")) == projects()
    assert (DATA / "LICENSE").is_file()
