"""The custom resource definitions of everything that is rendered, as modelyard bundles them from their releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.schemas.installed import definitions, projects
from tests.cluster.api import Api, is_true

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def install(api: Api, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Install the definitions of the custom resources among *manifests*; return their modules and versions."""
    asked = {f"{one['apiVersion']} {one['kind']}" for one in manifests}
    there = _names(api)
    wanted = [project for project, known in projects().items() if asked & known["kinds"].keys()]
    for project in wanted:
        for definition in definitions(project):
            # A server takes its time to look through a large one, though nothing changes.
            if definition["metadata"]["name"] in there:
                continue
            api.apply(definition, manager="platform-team")
            what = f"{definition['metadata']['name']} is served"
            api.until_one(lambda one: is_true(one, "Established"), definition, what=what)
    return [f"{source['module']} {source['version']}" for one in wanted for source in projects()[one]["modules"]]


def _names(api: Api) -> set[str]:
    """Return the names of all definitions, without what they say."""
    found = api.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", accept=METADATA).body
    return {one["metadata"]["name"] for one in found["items"] or () if "deletionTimestamp" not in one["metadata"]}
