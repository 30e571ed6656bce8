"""Which breaches a patch has made, or a field that is left out since it is declared to be somebody else's."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence

import attrs

from modelyard.delivery import Taken, adapt
from modelyard.findings import Breach
from modelyard.fleet import Site, Workload
from modelyard.pod import seal
from modelyard.rules import Object, Scope, breaches
from modelyard.schemas import Catalog
from modelyard.values.value import source_of

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


def unowned(
    broken: Sequence[tuple[Object, Breach]], taken: Sequence[Taken], objects: Sequence[Object], site: Site
) -> Iterator[tuple[Object, Breach]]:
    """Yield what is *broken* in *objects*, at the line of the declaration because of which a field was left out."""
    with_all = _with(taken, objects, site) if broken and taken else frozenset()
    made = [pair for pair in broken if key(*pair) not in with_all] if taken else []
    blamed: dict[Key, Taken] = {}
    for place in sorted({one.place for one in taken}) if made else ():
        own = [one for one in taken if one.place == place]
        there = _with(own, objects, site)
        for pair in made:
            if key(*pair) not in there:
                blamed.setdefault(key(*pair), own[0])
    for one, breach in broken:
        if (owned := blamed.get(key(one, breach))) is None:
            yield one, breach
        else:
            do = f"{breach.do}, or remove owned[{owned.place}], which leaves {owned.declared.path} out"
            yield one, attrs.evolve(breach, do=do, source=source_of(owned.declared))


def _with(taken: Sequence[Taken], objects: Sequence[Object], site: Site) -> frozenset[Key]:
    """Return the breaches in *objects* when they have what was *taken* out of them."""
    whole = {id(one.manifest): copy.deepcopy(one.manifest) for one in taken}
    for one in taken:
        one.give_back(whole[id(one.manifest)])
    fuller = [Object(whole.get(id(one.data), one.data), one.owner, one.source, one.path) for one in objects]
    return frozenset(key(one, breach) for one, breach in breaches(Scope(site, fuller)))
