"""Which traffic a change of a NetworkPolicy closes, and which it opens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from modelyard.plan.model import Effect, Risk
from modelyard.plan.pairs import Pair, manifest
from modelyard.plan.trees import Manifest
from modelyard.values.at import at, items, mapping
from modelyard.values.names import LOGICAL_NAME

PEERS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
ANY = "anything"
Passes = frozenset[tuple[str, str]]
"""Peers and ports."""
EVERYTHING: Passes = frozenset({(ANY, ANY)})
MOST_NAMED = 2


def policy(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a NetworkPolicy does."""
    old, new = manifest(pair.old), manifest(pair.new)
    told = False
    if at(old, "spec", "podSelector") != at(new, "spec", "podSelector"):
        text = "the policy is for other pods: traffic of these closes, that of the former opens"
        yield Effect("network-closes", Risk.DANGER, text)
        told = True
    for direction in PEERS:
        before, now = _passes(old, direction), _passes(new, direction)
        closed, opened = _beyond(before, now), _beyond(now, before)
        if closed:
            yield Effect("network-closes", Risk.DANGER, f"{direction.lower()} closes for {_listed(closed)}")
        if opened:
            yield Effect("network-opens", Risk.CAUTION, f"{direction.lower()} opens for {_listed(opened)}")
        told = told or bool(closed or opened)
    if not told:
        yield Effect("in-place", Risk.NOTE, "the same traffic passes")


def closes_none(one: Manifest, before: Sequence[Manifest], now: Sequence[Manifest]) -> bool:
    """Return whether *one* is a NetworkPolicy of pods that *now* has, and *before* had not."""
    labels = mapping(one, "spec", "podSelector", "matchLabels").items()

    def chosen(manifests: Sequence[Manifest]) -> bool:
        return any(labels <= mapping(other, "spec", "template", "metadata", "labels").items() for other in manifests)

    return one.get("kind") == "NetworkPolicy" and bool(labels) and chosen(now) and not chosen(before)


def eased(effects: Iterable[Effect], one: Manifest, now: Sequence[Manifest]) -> Iterator[Effect]:
    """Yield *effects* on the policy *one*: what closes stays open for a former run that has one of its own in *now*."""
    name = at(one, "metadata", "name")
    own = next((at(other, "metadata", "name") for other in now if _of(other) == name), "")
    for effect in effects:
        if own and effect.code == "network-closes":
            yield Effect(effect.code, Risk.CAUTION, f"{effect.text}, but for a former run ({own})")
        else:
            yield effect


def _of(one: Manifest) -> object:
    """Return the policy that *one* stands beside, by a name of its content, if it does."""
    name = mapping(one, "metadata", "annotations").get(LOGICAL_NAME)
    return name if one.get("kind") == "NetworkPolicy" and name != at(one, "metadata", "name") else None


def _passes(one: Manifest, direction: str) -> Passes:
    """Return the peers and ports that *one* lets pass in *direction*, everything where it restricts nothing."""
    field, peer = PEERS[direction]
    types = items(one, "spec", "policyTypes") or ["Ingress", *(["Egress"] if at(one, "spec", "egress") else [])]
    if direction not in types:
        return EVERYTHING
    return frozenset(
        (_text(whom), _text(port))
        for rule in items(one, "spec", field)
        for whom in items(rule, peer) or [ANY]
        for port in items(rule, "ports") or [ANY]
    )


def _beyond(some: Passes, others: Passes) -> list[tuple[str, str]]:
    """Return those of *some* that none of *others* lets pass, as it is or as part of more."""
    return [
        (whom, port) for whom, port in sorted(some) if not {(whom, port), (ANY, port), (whom, ANY), (ANY, ANY)} & others
    ]


def _text(part: object) -> str:
    return part if isinstance(part, str) else json.dumps(part, sort_keys=True, ensure_ascii=False, default=str)


def _listed(passes: list[tuple[str, str]]) -> str:
    told = [f"{_said(whom, 'every peer')} on {_said(port, 'every port')}" for whom, port in passes]
    more = f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    return "; ".join(told[:MOST_NAMED]) + more


def _said(text: str, anything: str) -> str:
    if text == ANY:
        return anything
    part = json.loads(text)
    if "port" in part:
        span = f"-{part['endPort']}" if "endPort" in part else ""
        return f"{part.get('protocol', 'TCP')} {part['port']}{span}"
    if "ipBlock" in part:
        return str(at(part, "ipBlock", "cidr"))
    if part == {"podSelector": {}}:
        return "pods of the namespace"
    return text
