"""Which objects two environments render both, and which of them one Argo CD may take for those of one cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from modelyard.findings import Breach, Finding, Source
from modelyard.render.inventory import Inventory
from modelyard.render.layout import DELIVERY

ANYWHERE = ""
"""The cluster of an Argo CD that brings environments into others."""
APPLICATION = re.compile(r"argoproj\.io/\S+ Application (\S+)/\S+")


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
    for name, breach in (*_unsaid(inventories), *_mistaken(inventories)):
        if name in sources:
            yield finding(breach, name, sources[name])


@attrs.frozen
class _Delivered:
    """How one environment is delivered by an Argo CD: the namespace of that, and what is said of its cluster."""

    environment: str
    cluster: str
    argo: str
    said: str | None
    destination: str


def _delivered(inventories: Sequence[Inventory]) -> Iterator[_Delivered]:
    for rendered in inventories:
        for one in rendered.entries.values():
            if one.path.startswith(f"{DELIVERY}/") and (found := APPLICATION.fullmatch(one.identity)):
                yield _Delivered(rendered.environment, rendered.cluster, found[1], one.cluster, rendered.destination)
                break


def _unsaid(inventories: Sequence[Inventory]) -> Iterator[tuple[str, Breach]]:
    """
    Yield the environments without destination= of an Argo CD that may be the one for several clusters.

    Where nobody says destination=, each cluster has an Argo CD of its own. Where somebody does, one Argo CD has several
    and lives in one: without destination= it would bring environments of another one there too.
    """
    every = list(_delivered(inventories))
    for one in every:
        others = [other for other in every if other.argo == one.argo and other is not one]
        brought = [other for other in others if other.said == ANYWHERE]
        if one.said is not None or not brought:
            continue
        same = next((other for other in brought if other.cluster == one.cluster), None)
        local = next((other for other in others if other.said != ANYWHERE and other.cluster != one.cluster), None)
        if same is not None:
            because = f"the environment {same.environment} says how Argo CD gets into {one.cluster} from elsewhere"
        elif local is not None:
            because = (
                f"an Argo CD that brings {brought[0].environment} into another cluster would bring both this and"
                f" {local.environment}, which is of {local.cluster}, into the cluster that it runs in"
            )
        else:
            continue
        do = (
            f"write the address of {one.cluster}, or its name in Argo CD; or"
            f' "https://kubernetes.default.svc" where an Argo CD of its own runs in {one.cluster}'
        )
        yield one.environment, Breach("G16", "delivery.destination", None, f"it is not said, and {because}", do)


def _mistaken(inventories: Sequence[Inventory]) -> Iterator[tuple[str, Breach]]:
    """Yield the environments that one Argo CD brings to the destination of another cluster's."""
    first: dict[tuple[str, str], _Delivered] = {}
    for one in _delivered(inventories):
        other = first.setdefault((one.argo, one.destination), one)
        if one.destination and other.cluster != one.cluster:
            because = f"the environment {other.environment}, which is of {other.cluster}, is brought there too"
            do = f"write the address of {one.cluster}, or its name in Argo CD"
            yield one.environment, Breach("G16", "delivery.destination", one.destination, because, do)


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
