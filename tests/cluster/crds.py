"""The custom resource definitions of everything that is rendered: those that modelyard itself checks objects by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.schemas import definitions, projects
from tests.cluster.api import Api, is_true


def install(api: Api, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Install the definitions of the custom resources among *manifests*; return the names of the definitions."""
    groups = {one["apiVersion"].partition("/")[0] for one in manifests if "/" in one["apiVersion"]}
    served = {group["name"] for group in api.request("GET", "/apis").body["groups"]}
    installed = []
    for project in _projects(groups - served):
        for definition in definitions(project):
            api.apply(definition, manager="platform-team")
            api.until_one(lambda one: is_true(one, "Established"), definition, what=f"{project} is served")
            installed.append(definition["metadata"]["name"])
    return installed


def _projects(groups: set[str]) -> list[str]:
    """Return the projects that define the kinds of *groups*."""
    defined = {key.partition("/")[0]: name for name, one in projects().items() for key in one["kinds"]}
    unknown = sorted(groups - defined.keys())
    assert unknown == [], f"add to tools/crds.py where the definitions of {', '.join(unknown)} come from"
    return sorted({defined[group] for group in groups})
