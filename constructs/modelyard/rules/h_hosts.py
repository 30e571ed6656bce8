"""H: hosts, each path of which leads to one route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from modelyard.findings import Breach
from modelyard.rules.h import HTTP_ROUTE, rules
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.rules.workloads import called

H08 = Rule(
    "H08",
    "A host and path of a gateway's listener lead to one route.",
    why="The older of two routes gets all requests, and the newer one none, without a word.",
    fix="put both into one route, as shares of it, or choose another host or path",
    see=HTTP_ROUTE,
    acceptable=True,
)


@attrs.frozen
class Taking:
    """
    A route, and the listeners whose requests it takes.

    Args:
        route: The route.

        told: What it says of the listeners of its parent, by name or port. Nothing: it takes those of all.
    """

    route: Object
    told: Mapping[str, str | int]

    def meets(self, other: Taking) -> bool:
        """Return whether both are known to attach to one listener; a name and a port may be those of two."""
        ours, theirs = self.told.items(), other.told.items()
        return ours <= theirs or theirs <= ours


Place = tuple[str, str | None, str, str, str, str]
"""Kind, namespace and name of the parent, the host, how paths are compared, and the path."""


@H08.objects("HTTPRoute")
def only(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for an earlier route of the same host and path by the same listener."""
    if "hosts" not in scope.memo:
        found: dict[Place, list[Taking]] = {}
        for route in scope.of_kind("HTTPRoute"):
            for place, taking, _ in _places(route):
                first = found.setdefault(place, [])
                if not any(earlier.told.items() <= taking.told.items() for earlier in first):
                    first.append(taking)
        scope.memo["hosts"] = found
    for place, taking, field in _places(one):
        for earlier in scope.memo["hosts"][place]:
            if earlier.route is one:
                break
            if earlier.meets(taking):
                host, path = place[3], place[5]
                yield H08.breach(field, host, f"{called(earlier.route)} takes the requests for {host}{path} already")
                return


def _places(route: Object) -> Iterator[tuple[Place, Taking, str]]:
    for index, host in enumerate(route.spec.get("hostnames") or ()):
        for _, rule in rules(route):
            matches: list[dict[str, Any]] = rule.get("matches") or [{}]
            for match in matches:
                path = match.get("path") or {}
                if match.keys() <= {"path"}:
                    kind, below = str(path.get("type", "PathPrefix")), str(path.get("value", "/"))
                    # A gateway leaves the slash at the end of a prefix out of account.
                    if kind == "PathPrefix":
                        below = below.rstrip("/") or "/"
                    for parent in route.spec.get("parentRefs") or ():
                        of = (parent.get("kind", "Gateway"), parent.get("namespace", route.namespace), parent["name"])
                        told = {key: parent[key] for key in ("sectionName", "port") if key in parent}
                        yield (*of, str(host), kind, below), Taking(route, told), f"spec.hostnames[{index}]"
