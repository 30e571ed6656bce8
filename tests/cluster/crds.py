"""The custom resource definitions of everything that is rendered, as modelyard bundles them from their releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.schemas.installed import definitions, projects
from tests.cluster.api import Api, is_true, wait_until

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def install(api: Api, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Install the definitions of the custom resources among *manifests*; return their modules and versions."""
    asked = {f"{one['apiVersion']} {one['kind']}" for one in manifests}
    there = _names(api)
    wanted = [project for project, known in projects().items() if asked & known["kinds"].keys()]
    for project in wanted:
        for definition in definitions(project):
            # A server takes its time to look through a large one, though nothing changes.
            if definition["metadata"]["name"] not in there:
                _install(api, definition)
    return [f"{source['module']} {source['version']}" for one in wanted for source in projects()[one]["modules"]]


def uninstall(api: Api, project: str) -> None:
    """Delete the definitions of *project*, and with them all objects of their kinds."""
    gone = definitions(project)
    for definition in gone:
        api.delete(definition)
    names = {one["metadata"]["name"] for one in gone}
    api.until(
        lambda found: names.isdisjoint(one["metadata"]["name"] for one in found),
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", what=f"the definitions of {project} are gone",
    )  # fmt: skip
    wait_until(lambda: not any(any(_served(api, one)) for one in gone), what=f"nothing of {project} is served")


def _install(api: Api, definition: Mapping[str, Any]) -> None:
    name = definition["metadata"]["name"]
    api.apply(definition, manager="platform-team")
    api.until_one(lambda one: is_true(one, "Established"), definition, what=f"{name} is established")
    wait_until(lambda: all(_served(api, definition)), what=f"{name} is served")


def _served(api: Api, definition: Mapping[str, Any]) -> list[bool]:
    """Return for each version that *definition* has served whether the server serves it: it does so after it says so."""
    spec = definition["spec"]
    versions = [f"{spec['group']}/{one['name']}" for one in spec["versions"] if one["served"]]
    return [spec["names"]["kind"] in api.served(version) for version in versions]


def _names(api: Api) -> set[str]:
    """Return the names of all definitions, without what they say."""
    found = api.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", accept=METADATA).body
    return {one["metadata"]["name"] for one in found["items"] or () if "deletionTimestamp" not in one["metadata"]}
