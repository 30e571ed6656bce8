"""Where in a server's pod its model lies, and what has to be loaded for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from modelyard.pod.identity import digest
from modelyard.pod.sources import Bucket, HuggingFace, OciImage
from modelyard.serving.models import Adapter, Source
from modelyard.serving.servers import VLLM

if TYPE_CHECKING:
    from modelyard.pod.volumes import Mount
    from modelyard.serving.spec import ServiceSpec

LOADED = "/mnt/models"
"""Where the claim of the loader is mounted, in the loader and in the servers."""
FROM_IMAGE = "/mnt/model"
"""Where an image with a model is mounted."""
UNSAFE = re.compile(r"[^-._A-Za-z0-9]+")


@attrs.frozen
class Placed:
    """
    A model as a server is told of it.

    Args:
        where: A path, or what the server fetches itself: a repository of the hub, or an address.

        revision: What it fetches of a repository. Default: it fetches none.

        streamed: Whether it reads an object store. Default: no.
    """

    where: str
    revision: str | None = None
    streamed: bool = False

    @property
    def local(self) -> bool:
        """Whether it lies in the pod's files, so that the server needs no hub."""
        return self.revision is None and not self.streamed


def folder(source: HuggingFace | Bucket) -> str:
    """Return the folder that *source* is loaded into: another revision, another folder."""
    if isinstance(source, HuggingFace):
        name, version = source.repo.replace("/", "--"), source.revision[:12]
    else:
        name, version = posixpath.basename(source.url.rstrip("/")), digest(source.url)
    return f"{LOADED}/{UNSAFE.sub('-', name)}--{UNSAFE.sub('-', version)}"


def marker(source: HuggingFace | Bucket) -> str:
    """Return the file that stands beside a folder once all of it is there."""
    return f"{folder(source)}.complete"


def placed(source: Source, *, loaded: bool) -> Placed:
    """Return where *source* is for a server, where a loader has *loaded* it or not."""
    if isinstance(source, HuggingFace):
        return Placed(folder(source)) if loaded else Placed(source.repo, source.revision)
    if isinstance(source, Bucket):
        return Placed(folder(source)) if loaded else Placed(source.url, streamed=True)
    if isinstance(source, OciImage):
        return Placed(FROM_IMAGE)
    return Placed(source)


def adapters(spec: ServiceSpec) -> tuple[Adapter, ...]:
    """Return the adapters that are served beside the model."""
    return tuple(spec.runtime.adapters) if isinstance(spec.runtime, VLLM) else ()


def to_load(spec: ServiceSpec) -> Iterator[tuple[str, HuggingFace | Bucket]]:
    """Yield what is served, and the loader loads: a suffix for its Job, and the source."""
    if isinstance(spec.model, HuggingFace | Bucket):
        yield "", spec.model
    for adapter in adapters(spec):
        if not isinstance(adapter.source, str):
            yield f"-{re.sub(r'[^a-z0-9]+', '-', adapter.name.lower()).strip('-')}", adapter.source


def beside(spec: ServiceSpec) -> Iterator[tuple[str, HuggingFace | Bucket]]:
    """Yield what the loader loads and nothing serves yet, with a suffix for each Job that no other source has."""
    served = {folder(source) for _, source in to_load(spec)}
    found = {folder(source): source for source in (spec.loader.also if spec.loader is not None else ())}
    for place, source in found.items():
        if place not in served:
            yield f"-{digest(place)}", source


def claim_name(name: str, spec: ServiceSpec) -> str:
    """Return the claim that the loader of the service *name* loads onto."""
    return (spec.loader.claim if spec.loader else None) or f"{name}-models"


def mounts(name: str, spec: ServiceSpec) -> Iterator[Mount]:
    """Yield the volumes with models of the pods of *name*, which only read them."""
    if spec.loader is not None:
        claim = {"claimName": claim_name(name, spec), "readOnly": True}
        yield "models", {"persistentVolumeClaim": claim}, LOADED, True
    if isinstance(spec.model, OciImage):
        reference = str(spec.model.image)
        pull = "IfNotPresent" if "@" in reference else "Always"
        yield "model", {"image": {"reference": reference, "pullPolicy": pull}}, FROM_IMAGE, True
