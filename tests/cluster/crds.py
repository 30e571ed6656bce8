"""The custom resource definitions of everything that is rendered, read from the modules that publish them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api import Api, is_true
from tests.cluster.programs import ROOT

# API group -> part of tools/cluster that pins the module, the module, and where in it the definitions are.
SOURCES: Mapping[str, tuple[str, str, str]] = {}


def install(api: Api, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Install the definitions of the custom resources among *manifests*; return the names of the definitions."""
    groups = {one["apiVersion"].partition("/")[0] for one in manifests if "/" in one["apiVersion"]}
    served = {group["name"] for group in api.request("GET", "/apis").body["groups"]}
    unknown = sorted(groups - served - set(SOURCES))
    assert unknown == [], f"add to tests/cluster/crds.py where the definitions of {', '.join(unknown)} come from"
    installed = []
    for group in sorted(groups & set(SOURCES)):
        for definition in definitions(group):
            api.apply(definition, manager="platform-team")
            api.until_one(lambda one: is_true(one, "Established"), definition, what=f"{group} is served")
            installed.append(definition["metadata"]["name"])
    return installed


def definitions(group: str) -> list[dict[str, Any]]:
    """Return the definitions of *group*."""
    part, module, folder = SOURCES[group]
    paths = sorted((module_folder(part, module) / folder).glob("*.yaml"))
    documents = [one for path in paths for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]
    kind = "CustomResourceDefinition"
    found = [one for one in documents if one["kind"] == kind and one["spec"]["group"] == group]
    assert found, f"{module} has no definition of {group} in {folder}"
    return found


def module_folder(part: str, module: str) -> Path:
    """Return the folder of *module* in Go's cache, of the version that the *part* pins."""
    done = subprocess.run(
        [ROOT / ".tools" / "bin" / "go", "list", "-m", "-f", "{{.Dir}}", module],
        cwd=ROOT / "tools" / "cluster" / part,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Path(done.stdout.strip())
