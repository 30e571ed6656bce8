"""D: NetworkPolicies, whose peers and ports have to be possible."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.names import port_name

D16 = Rule(
    "D16",
    "The peers of a NetworkPolicy are pods, namespaces or addresses, and its ports are possible.",
    why="The API server refuses the policy, and until it is mended the pods are as open as they were.",
    fix="correct the number",
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors",
)


@D16.objects("NetworkPolicy")
def possible(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check every peer and every port of both directions."""
    for direction, end in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(one.spec.get(direction) or ()):
            at = f"spec.{direction}[{index}]"
            for inner, peer in enumerate(rule.get(end) or ()):
                yield from _peer(f"{at}.{end}[{inner}]", peer)
            for inner, port in enumerate(rule.get("ports") or ()):
                yield from _port(f"{at}.ports[{inner}]", port)


def _peer(at: str, peer: Mapping[str, Any]) -> Iterator[Breach]:
    block = peer.get("ipBlock")
    others = [key for key in ("podSelector", "namespaceSelector") if peer.get(key) is not None]
    if block is None:
        if not others:
            do = "write a podSelector, a namespaceSelector or an ipBlock; {} selects all"
            yield D16.breach(at, None, "it names nobody", do)
        return
    if others:
        do = "make two peers of it"
        yield D16.breach(f"{at}.ipBlock", block["cidr"], f"{others[0]} is given too, and a peer is one of them", do)
    network = _network(block["cidr"])
    if network is None:
        do = "write a network such as 10.0.0.0/8"
        yield D16.breach(f"{at}.ipBlock.cidr", block["cidr"], "it is no network of addresses", do)
        return
    for index, text in enumerate(block.get("except") or ()):
        left_out = _network(text)
        if left_out is None or left_out.version != network.version or not _inside(left_out, network):
            because = f"it is no part of {block['cidr']}"
            yield D16.breach(f"{at}.ipBlock.except[{index}]", text, because, "write a smaller network inside it")


def _port(at: str, given: Mapping[str, Any]) -> Iterator[Breach]:
    port, last = given.get("port"), given.get("endPort")
    if isinstance(port, str):
        if broken := port_name(port):
            do = "write a number without quotes, or the name of a container's port"
            yield D16.breach(f"{at}.port", port, broken, do)
        elif last is not None:
            do = "write port as a number, or remove endPort"
            yield D16.breach(f"{at}.endPort", last, f"port is the name {port}, and a range begins with a number", do)
    elif port is None:
        if last is not None:
            yield D16.breach(f"{at}.endPort", last, "port is missing, which a range begins with", "add port")
    elif not 1 <= port <= HIGHEST_PORT:
        yield D16.breach(f"{at}.port", port, f"a port is a number from 1 to {HIGHEST_PORT}")
    elif last is not None and last < port:
        yield D16.breach(f"{at}.endPort", last, f"port is {port}, and a range goes upwards")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _inside(inner: Network, outer: Network) -> bool:
    return inner.prefixlen > outer.prefixlen and inner.network_address in outer
