"""What the objects of both controllers have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.draft import Manifest
from modelyard.fleet.site import Site
from modelyard.values import names

SUFFIX = "-delivery"
"""Ends the name of what keeps the objects in ``dist/_delivery/`` up to date."""
UNSAFE_PATH = re.compile(r"(?:^|/)\.\.?(?:/|$)|^/|\\|//")


def head(api_version: str, kind: str, name: str, namespace: str, site: Site) -> Manifest:
    """Return the head of an object that a controller reads, to which its content is added."""
    labels = {
        "app.kubernetes.io/part-of": site.environment,
        "app.kubernetes.io/managed-by": "modelyard",
        **site.labels,
    }
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }


def folder(path: str | None, site: Site) -> str:
    """Return the folder of the environment's manifests in the repository."""
    return (path or f"dist/{site.environment}").rstrip("/")


def delivery_folder(path: str | None, site: Site) -> str:
    """Return the folder of the objects that the controller itself reads: beside the one that *path* names."""
    above, slash, _ = folder(path, site).rpartition("/")
    return f"{above}{slash}_delivery/{site.environment}"


def options(delivery: Any, site: Site) -> Iterator[Breach]:  # ArgoCD or Flux, which share these options
    """Yield what is wrong with options that both controllers have."""
    if delivery.path is not None and UNSAFE_PATH.search(delivery.path):
        because = "this is a folder in the repository, seen from its root"
        yield Breach("X11", "delivery.path", delivery.path, because, f'write "dist/{site.environment}"')
    if broken := names.dns_label(delivery.namespace):
        yield Breach("N19", "delivery.namespace", delivery.namespace, broken, "write the name of a namespace")
    name = delivery.name or site.namespace
    if broken := names.dns_label(name, names.LABEL_LENGTH - len(SUFFIX)):
        yield Breach("N19", "delivery.name", name, broken, f'write a name to which "{SUFFIX}" can be added')
