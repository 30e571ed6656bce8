"""The kinds that an AppProject allows although nothing of them is rendered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.findings import Breach
from modelyard.schemas import catalog
from modelyard.values.similar import did_you_mean


def disallowed(kinds: Sequence[str], version: str) -> Iterator[Breach]:
    """Yield those of *kinds*, written as "group/Kind", that Kubernetes of *version* cannot have."""
    for index, kind in enumerate(kinds):
        if (wrong := _wrong(kind, version)) is not None:
            yield Breach("X11", f"delivery.allow[{index}]", kind, *wrong)


def _wrong(kind: str, version: str) -> tuple[str, str] | None:
    if kind.count("/") > 1 or not all(kind.split("/")):
        because = "a kind is written with its group in front, or alone where it has none"
        return because, 'write "keda.sh/ScaledObject", or "Secret"'
    if "*" in kind:
        because = "it would allow whatever is merged, also what gives rights"
        return because, 'name each kind, such as "keda.sh/ScaledObject" or "Secret"'
    if "/" not in kind and catalog(version).kind("v1", kind) is None:
        because = f"the core group of Kubernetes {version} has no such kind"
        return because, _meant(kind, version) or 'write its group in front, such as "keda.sh/ScaledObject"'
    return None


def _meant(kind: str, version: str) -> str | None:
    """Return the kind that was meant, as it is to be written."""
    known: dict[str, str] = {}
    for key in catalog(version).kinds():
        api_version, _, name = key.partition(" ")
        group = api_version.rpartition("/")[0]
        if not group:
            known[name] = name
        else:
            known.setdefault(name, f"{group}/{name}")
    return f'write "{known[kind]}"' if kind in known else did_you_mean(kind, known)
