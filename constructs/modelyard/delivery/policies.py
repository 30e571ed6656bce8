"""What Flux is told about single objects, by annotations that it reads on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from modelyard.delivery.declared import matches
from modelyard.findings import Breach
from modelyard.fleet.draft import Manifest
from modelyard.values.value import option, source_of, value

FLUX = "kustomize.toolkit.fluxcd.io"
Ssa = Literal["Override", "Merge", "IfNotPresent", "Ignore"]


@value
class FluxPolicy:
    """
    How Flux treats some objects, where that is not how it treats all others.

    Args:
        kind: The kind of the objects, for example ``Secret``.

        name: The object's name. Default: all of the kind.

        ssa: ``Merge`` leaves fields alone that others have added, ``IfNotPresent`` makes the object and never changes
            it, ``Ignore`` does not apply it. Default: ``Override``, by which it becomes what its manifest says.

        force: Whether the object is deleted and made anew when a change of it is refused. Default: it is not.

        prune: Whether it is deleted when its manifest goes. Default: it is, unless it holds data or runs.

    See Also:
        https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
    """

    kind: str
    name: str | None = None
    ssa: Ssa | None = option(default=None, kw_only=True)
    force: bool = option(default=False, kw_only=True)
    prune: bool | None = option(default=None, kw_only=True)

    @property
    def annotations(self) -> Mapping[str, str]:
        """What is written on the objects."""
        return {
            **({f"{FLUX}/ssa": self.ssa} if self.ssa is not None else {}),
            **({f"{FLUX}/force": "enabled"} if self.force else {}),
            **({f"{FLUX}/prune": "enabled" if self.prune else "disabled"} if self.prune is not None else {}),
        }


def annotate(manifest: Manifest, policies: Iterable[FluxPolicy]) -> None:
    """Write what *policies* say about *manifest* on it; a later one goes before an earlier one."""
    found: dict[str, Any] = {}
    for one in policies:
        if matches(one, manifest):
            found.update(one.annotations)
    if found:
        metadata = manifest.setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **found}


def once(manifest: Manifest) -> bool:
    """Tell whether Flux makes the object and never changes it."""
    annotations = manifest["metadata"].get("annotations") or {}
    return annotations.get(f"{FLUX}/ssa") == "IfNotPresent"


def mispoliced(policies: Sequence[FluxPolicy]) -> Iterator[Breach]:
    """Yield what is wrong with a policy by itself."""
    for index, one in enumerate(policies):
        if not one.annotations:
            because, do = "it says nothing that Flux does not do anyway", "say ssa=, force= or prune=, or remove it"
            yield Breach("X11", f"delivery.policies[{index}]", one.kind, because, do, source_of(one))
