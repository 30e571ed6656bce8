"""Fields that users declare to be another controller's: left out of manifests, where an object can do without."""

from __future__ import annotations

import copy
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import attrs

from modelyard.findings import Breach
from modelyard.fleet.delivery import Owned
from modelyard.fleet.draft import Manifest
from modelyard.fleet.site import Site
from modelyard.schemas import POSITION, SUPPORTED, Catalog, catalog
from modelyard.values.at import mapping
from modelyard.values.names import LOGICAL_NAME
from modelyard.values.similar import did_you_mean
from modelyard.values.value import source_of

LONE_TILDE = re.compile("~(?![01])")
NAMES = (["apiVersion"], ["kind"], ["metadata"], *(["metadata", key] for key in ("generateName", "name", "namespace")))
"""What an object is known by."""
WHOLE = (["metadata", "annotations"], ["metadata", "labels"])
SERVERS = frozenset(
    {
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
        "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip
"""The metadata that only the API server writes."""
STEERING = "modelyard.dev/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/"


class Declared(Protocol):
    """What a user says about the objects of a kind, or one of them."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """Their kind."""

    @property
    @abstractmethod
    def name(self) -> str | None:
        """The name of the one, or None for all."""


def matches(one: Declared, manifest: Manifest) -> bool:
    """Tell whether *one* is about *manifest*."""
    metadata = mapping(manifest, "metadata")
    names = {metadata.get("name"), mapping(metadata, "annotations").get(LOGICAL_NAME)}
    return manifest.get("kind") == one.kind and (one.name is None or one.name in names)


@attrs.frozen(eq=False)
class Taken:
    """
    A field that was left out of a manifest, since it is declared to be somebody else's.

    Args:
        place: Of the declaration in ``Environment(owned=...)``.

        declared: The declaration.

        manifest: The object, without the field.

        value: What would be rendered.
    """

    place: int
    declared: Owned
    manifest: Manifest
    value: Any

    def give_back(self, manifest: Manifest) -> None:
        """Put the field into *manifest*, which is the object or a copy of it."""
        *way, last = steps(self.declared.path)
        at(manifest, way)[last] = self.value


def adapt(manifest: Manifest, site: Site) -> list[Taken]:
    """Take out of *manifest* what others write, and add what the controller is to read on it; return what is taken."""
    taken = list(omit(manifest, site.owned))
    if site.delivery is not None:
        site.delivery.adapt(manifest)
    return taken


def omit(manifest: Manifest, declared: Sequence[Owned]) -> Iterator[Taken]:
    """Take the fields that are *declared* to be somebody else's out of *manifest*, and yield each."""
    for place, one in enumerate(declared):
        if matches(one, manifest):
            *way, last = steps(one.path)
            holder = at(manifest, way)
            if isinstance(holder, dict) and last in holder:
                yield Taken(place, one, manifest, holder.pop(last))


def at(manifest: Manifest, way: Iterable[str]) -> Any:  # any part of a manifest
    """Return what *manifest* has at *way*, None where that is nothing."""
    holder: Any = manifest
    for step in way:
        holder = _below(holder, step)
    return holder


def _below(holder: Any, step: str) -> Any:  # any part of a manifest
    if isinstance(holder, dict):
        return holder.get(step)
    if isinstance(holder, list) and POSITION.fullmatch(step) and int(step) < len(holder):
        return holder[int(step)]
    return None


def steps(pointer: str) -> list[str]:
    """Return the keys that a JSON pointer leads through."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def misdeclared(site: Site) -> Iterator[Breach]:
    """Yield what is wrong with the declarations of *site*, whatever is rendered."""
    for index, one in enumerate(site.owned):
        if (wrong := _misdeclared(one)) is not None:
            yield Breach("X11", f"owned[{index}].path", one.path, *wrong, source_of(one))
        if site.cluster.kubernetes not in SUPPORTED:
            continue
        schemas = catalog(site.cluster.kubernetes, site.cluster.crd_schemas)
        if not schemas.versions(one.kind):
            because = f"neither Kubernetes {schemas.version} nor Cluster(installed=...) has such a kind"
            meant = schemas.nearest(one.kind)
            do = f'write "{meant}"' if meant else "write the kind alone, as it stands in the object"
            yield Breach("X11", f"owned[{index}].kind", one.kind, because, do, source_of(one))


def _misdeclared(one: Owned) -> tuple[str, str] | None:
    """Return why *one* cannot work whatever is rendered, and what to do."""
    way = steps(one.path)
    if not one.path.startswith("/") or not all(way):
        because = 'a field is a JSON pointer, which starts with "/" and has a name behind each "/"'
        return because, f'write "{_as_pointer(one.path)}"'
    if LONE_TILDE.search(one.path):
        return 'a JSON pointer writes "~" as "~0", and "/" within a key as "~1"', "write one of these"
    return _of_everybody(one, way)


def _of_everybody(one: Owned, way: list[str]) -> tuple[str, str] | None:
    """Return why a field that each object has cannot be somebody else's, and what to do."""
    if way in NAMES:
        return f"the API requires it, and a {one.kind} is known by it", "name a field that it can do without"
    if way == ["spec"]:
        return f"the API requires it, since a {one.kind} says there what it is to be", "name a field below it"
    if way in WHOLE:
        because = f"it holds what modelyard and controllers know a {one.kind} by"
        return because, f'name one key, such as "{one.path}/example.com~1team"'
    if way[0] == "metadata" and way[1] in SERVERS:
        return "the API server alone writes it, and no controller compares it", "leave this Owned away"
    return None


def unmatched(manifests: Sequence[Manifest], site: Site) -> Iterator[Breach]:
    """Yield what is declared about objects that are not there."""
    yield from unknown("owned", site.owned, manifests)
    if site.delivery is not None:
        yield from site.delivery.unmatched(manifests)


def misowned(manifests: Sequence[Manifest], taken: Sequence[Taken], site: Site, schemas: Catalog) -> Iterator[Breach]:
    """
    Yield the declarations of fields that *schemas* do not have, or without which an object is refused.

    Args:
        manifests: All that is rendered.

        taken: What is left out of them; what cannot be left out is put back, so that nobody tells of it again.

        site: Where they are for.

        schemas: What the cluster takes.
    """
    for index, one in enumerate(site.owned):
        about = [manifest for manifest in manifests if matches(one, manifest)]
        own = [each for each in taken if each.place == index]
        wrong = _astray(one, about, schemas) or _entry(one, about) or _needed(one, own, schemas)
        if wrong is not None:
            yield Breach("X11", f"owned[{index}].path", one.path, *wrong, source_of(one))


def _astray(one: Owned, about: Sequence[Manifest], schemas: Catalog) -> tuple[str, str] | None:
    """Return why the field is in none of the objects that *one* is about, and what to do."""
    found = [schemas.astray(manifest, steps(one.path)) for manifest in about]
    if not found or None in found:  # where two projects have kinds of one name, the field is one's
        return None
    because, do = next(filter(None, found))
    return f"{one.kind} {because}", do or "correct the field"


def _entry(one: Owned, about: Sequence[Manifest]) -> tuple[str, str] | None:
    """Return why an entry of a list that is rendered cannot be left out, and what to do."""
    *way, last = steps(one.path)
    if not any(isinstance(at(each, way), list) and _below(at(each, way), last) is not None for each in about):
        return None
    because = f"{one.kind} has an entry of a list there, and without it those behind it would take its place"
    return because, "name the list, or a field of the entry, or take the entry out with add_json_patch"


def _needed(one: Owned, own: Sequence[Taken], schemas: Catalog) -> tuple[str, str] | None:
    """Return why an object cannot do without the field, which is then put back into all of them, and what to do."""
    broken = [(each, said) for each in own if (said := _without(each, schemas)) is not None]
    if not broken:
        return None
    for each in own:
        each.give_back(each.manifest)
    (first, said), *_ = broken
    because = f"{said}, and it would be left out of {one.kind} {_name(first.manifest)}"
    return because, "remove this Owned, or name a field that the object can do without"


def _without(one: Taken, schemas: Catalog) -> str | None:
    """Return what the schema says of the object without the field, and not of the object with it."""
    way = steps(one.declared.path)
    kind = one.declared.kind
    if way[:2] == ["metadata", "annotations"] and way[2].startswith(STEERING):
        return "it tells modelyard, Argo CD or Flux how the object is kept"
    if schemas.needs_spec(one.manifest, way):
        return f"the schema of {kind} requires fields in it"
    whole = copy.deepcopy(one.manifest)
    one.give_back(whole)
    before = schemas.errors(whole)
    new = [error.message for error in schemas.errors(one.manifest) if error not in before]
    if not new:
        return None
    if f"misses the required field {way[-1]!r}" in new:
        return f"the schema of {kind} requires it"
    return f"the schema of {kind} says that it {new[0]}"


def unknown(field: str, declared: Sequence[Declared], manifests: Sequence[Manifest]) -> Iterator[Breach]:
    """Yield what of *declared* is about none of *manifests*."""
    for index, one in enumerate(declared):
        if not any(matches(one, manifest) for manifest in manifests):
            what = one.kind if one.name is None else f"{one.kind} {one.name}"
            because = f"the environment renders no {what}"
            named = [_name(each) for each in manifests if each.get("kind") == one.kind]
            do = did_you_mean(one.name or "", named) or "correct kind or name, or remove it"
            yield Breach("X11", f"{field}[{index}]", what, because, do, source_of(one))


def _name(manifest: Manifest) -> str:
    metadata = mapping(manifest, "metadata")
    return str(mapping(metadata, "annotations").get(LOGICAL_NAME) or metadata.get("name"))


def _as_pointer(path: str) -> str:
    """Return what was probably meant by a *path* that is no JSON pointer."""
    words = re.findall(r"[^./\[\]#$]+", path)
    return "/" + "/".join(words) if words else "/spec/replicas"
