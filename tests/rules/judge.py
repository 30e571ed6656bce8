"""Runs the rules over plain manifests, without cdk8s: for tables of many cases."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from modelyard import Cluster
from modelyard.rules import Object, Scope, breaches, finding
from modelyard.schemas import catalog
from tests.support import CLUSTER, environment


def judged(family: str, *manifests: Mapping[str, Any], cluster: Cluster = CLUSTER) -> list[tuple[str, str]]:
    """Return rule and text of every breach of *family* in *manifests*, which fit their schemas."""
    site = environment(Path(), cluster=cluster).site
    schemas = catalog(cluster.kubernetes)
    objects = []
    for manifest in manifests:
        data = copy.deepcopy(dict(manifest))
        if data["kind"] != "Namespace":
            data["metadata"].setdefault("namespace", site.namespace)
        known = schemas.kind(data["apiVersion"], data["kind"])
        assert known is None or schemas.valid(data), schemas.errors(data)
        objects.append(Object(data, None, None))
    return [
        (breach.rule, finding(attrs.evolve(breach, field=f"{one.kind} {one.name} {breach.field}"), "test", None).text)
        for one, breach in breaches(Scope(site, objects))
        if breach.rule.startswith(family)
    ]
