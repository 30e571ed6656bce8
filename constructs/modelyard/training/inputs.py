"""What a training reads and keeps: the variables, volumes and claims that follow from it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.pod.options import Claim
from modelyard.pod.sources import HuggingFace, place, source_breaches, variable
from modelyard.training import checkpoint, sweep
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec

TEMPORARY = "/tmp"  # noqa: S108 # of every container
ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def variables(spec: TrainingSpec) -> Mapping[str, str]:
    """Return the variables that say where each source is."""
    return {variable(name): where for name, where in place(spec.data).places.items()}


def claims(spec: TrainingSpec) -> Iterator[tuple[str, Claim]]:
    """Yield the claims that the pods of *spec* mount, and the option that says so."""
    for index, volume in enumerate(spec.volumes):
        if isinstance(volume, Claim):
            yield f"volumes[{index}]", volume
    for name, source in spec.data.items():
        if isinstance(source, HuggingFace) and source.cache is not None:
            yield f"data[{name!r}].cache", source.cache
    if spec.checkpoint is not None and isinstance(spec.checkpoint.to, Claim):
        yield "checkpoint.to", spec.checkpoint.to


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why the sources of *spec* cannot get to its pods."""
    yield from source_breaches(spec.data, site)
    for name in variables(spec):
        if name in spec.env:
            because = "with data= it is set to where the data is"
            yield Breach("N22", f"env[{name!r}]", None, because, "leave the variable away, or rename the data")
    yield from _folders(spec)
    if spec.at_once > 1:
        yield from _several(spec)


def _folders(spec: TrainingSpec) -> Iterator[Breach]:
    """Yield the folders at which two things would be mounted."""
    taken: dict[str, str] = {}
    if spec.sweep is not None:
        taken[sweep.FOLDER] = "the settings of the trials are mounted there"
    own = [("data", *mount) for mount in place(spec.data).mounts]
    own += [("checkpoint.to.mount", *mount) for mount in checkpoint.mounts(spec)]
    mounts = [(field, f"{name} is mounted there", folder) for field, name, _, folder, _ in own]
    mounts += [(f"volumes[{index}].mount", "", volume.mount) for index, volume in enumerate(spec.volumes)]
    if spec.config is not None:
        mounts.append(("config.mount", "", spec.config.mount))
    for field, what, folder in mounts:
        clean = posixpath.normpath(folder)
        because = taken.get(clean) or ("temporary files are written there" if what and clean == TEMPORARY else "")
        if because:
            yield Breach("V06", field, folder, because, "choose another folder")
        taken.setdefault(clean, what)


def _several(spec: TrainingSpec) -> Iterator[Breach]:
    """Yield the claims that several pods would mount and only one node can."""
    for field, claim in claims(spec):
        if claim.mode in ONE_NODE:
            what = "one node" if spec.sweep is None else "sweep.parallel=1"
            yield Breach(
                "V01", f"{field}.access_mode", claim.mode,
                f"{spec.at_once} pods on different nodes mount {claim.name}, and this mode is for one node",
                f"use ReadWriteMany or ReadOnlyMany storage, or {what}", source_of(claim),
            )  # fmt: skip
