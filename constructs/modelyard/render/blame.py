"""Which breaches of patched objects would be there without the patches, and so are not the patch's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelyard.delivery import adapt
from modelyard.findings import Breach
from modelyard.fleet import Site, Workload
from modelyard.pod import seal
from modelyard.rules import Object, Scope, breaches
from modelyard.schemas import Catalog

Key = tuple[str | None, str, str, str]


def key(one: Object, breach: Breach) -> Key:
    """Return what a breach in *one* is known by; the name of an object may have a hash of its content."""
    return one.owner, one.kind, breach.rule, breach.field


def unpatched(workloads: Iterable[Workload], others: Sequence[Object], site: Site, schemas: Catalog) -> frozenset[Key]:
    """Return the breaches in the objects of *workloads* as these render them, beside *others*; all pass *schemas*."""
    objects = list(others)
    for workload in workloads:
        drafts = workload.drafts(site)
        for draft in drafts:
            adapt(draft.manifest, site)
        seal(drafts)
        right = [draft.manifest for draft in drafts if schemas.valid(draft.manifest)]
        objects.extend(Object(manifest, workload.id, workload.source) for manifest in right)
    return frozenset(key(one, breach) for one, breach in breaches(Scope(site, objects)))
