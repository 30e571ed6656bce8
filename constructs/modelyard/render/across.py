"""Which objects two environments render both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelyard.findings import Breach, Finding, Source
from modelyard.render.inventory import Inventory
from modelyard.render.layout import DELIVERY

ANYWHERE = ""
"""The cluster of an Argo CD that brings environments into others."""


def across(inventories: Sequence[Inventory], sources: Mapping[str, Source | None]) -> Iterator[Finding]:
    """Yield every two environments that render the same objects into one cluster."""
    from modelyard.rules import finding  # noqa: PLC0415 # not before processes are made

    for (owner, name, cluster), identities in _shared(inventories).items():
        and_more = f" and {len(identities) - 1} more" if len(identities) > 1 else ""
        where = f"into the same cluster {cluster}" if cluster else "for the same Argo CD"
        do = "give each environment a namespace of its own" if cluster else "give each delivery a name= of its own"
        if cluster is None:
            where = "for what may be the same Argo CD, since only one of the two says destination="
        because = f"the environment {owner} renders it{and_more} {where}"
        if identities[0].startswith("v1 Namespace ") and not and_more:
            do += ", or say manage_namespace=False in one of them"
        yield finding(Breach("X02", identities[0], None, because, do), name, sources.get(name))


def _shared(inventories: Sequence[Inventory]) -> dict[tuple[str, str, str | None], list[str]]:
    """Return the identities that two environments have both, by these and the cluster; None where it may be one."""
    owners: dict[tuple[str, str], str] = {}
    delivered: dict[str, tuple[str, str]] = {}
    shared: dict[tuple[str, str, str | None], list[str]] = {}
    for rendered in inventories:
        for one in filter(lambda one: one.identity, rendered.entries.values()):
            cluster = rendered.cluster if one.cluster is None else one.cluster
            owner = owners.setdefault((cluster, one.identity), rendered.environment)
            if owner != rendered.environment:
                shared.setdefault((owner, rendered.environment, cluster), []).append(one.identity)
            elif one.path.startswith(f"{DELIVERY}/"):
                # Where an Argo CD runs that has other clusters is not known: it may be in any of them.
                place, first = delivered.setdefault(one.identity, (cluster, rendered.environment))
                if place != cluster and ANYWHERE in {place, cluster}:
                    shared.setdefault((first, rendered.environment, None), []).append(one.identity)
    return shared
