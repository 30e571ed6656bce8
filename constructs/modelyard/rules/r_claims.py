"""R: claims of devices: their names, and what they ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.r_devices import R13
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.values.names import dns_label, subdomain

OF_POD = ("resourceClaimName", "resourceClaimTemplateName")
WAYS = ("exactly", "firstAvailable")
ATTRIBUTES = ("matchAttribute", "distinctAttribute")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
LONGEST_DOMAIN = 63

Part = Mapping[str, Any]


@R13.pods
def of_pod(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the claims of a pod."""
    for index, claim in enumerate(pod.spec.get("resourceClaims") or ()):
        at = pod.at(f"spec.resourceClaims[{index}]")
        if broken := dns_label(claim["name"]):
            yield R13.breach(f"{at}.name", claim["name"], broken, "rename it")
        yield from _one(claim, OF_POD, at)
        for field in OF_POD:
            if (name := claim.get(field)) is not None and (broken := subdomain(name)):
                yield R13.breach(f"{at}.{field}", name, broken, "correct the name")


@R13.objects("ResourceClaim", "ResourceClaimTemplate")
def asked(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at what a claim asks for."""
    path = "spec.devices" if one.kind == "ResourceClaim" else "spec.spec.devices"
    devices: Part = (one.spec if one.kind == "ResourceClaim" else one.spec.get("spec") or {}).get("devices") or {}
    seen = set[str]()
    requests: Sequence[Part] = devices.get("requests") or ()
    for index, request in enumerate(requests):
        at, name = f"{path}.requests[{index}]", request["name"]
        if broken := dns_label(name):
            yield R13.breach(f"{at}.name", name, broken, "rename it")
        elif name in seen:
            yield R13.breach(f"{at}.name", name, "another request has this name", "rename one of the two")
        seen.add(name)
        yield from _one(request, WAYS, at)
        if (exactly := request.get("exactly")) is not None:
            yield from _chosen(exactly, f"{at}.exactly")
        for place, way in enumerate(request.get("firstAvailable") or ()):
            yield from _chosen(way, f"{at}.firstAvailable[{place}]")
    for index, constraint in enumerate(devices.get("constraints") or ()):
        at = f"{path}.constraints[{index}]"
        yield from _one(constraint, ATTRIBUTES, at)
        for field in ATTRIBUTES:
            if (name := constraint.get(field)) is not None and (broken := _attribute(name)):
                yield R13.breach(f"{at}.{field}", name, broken, 'write such as "gpu.nvidia.com/numa"')


def _one(part: Part, fields: Sequence[str], at: str) -> Iterator[Breach]:
    given = [field for field in fields if part.get(field) is not None]
    if len(given) != 1:
        because = f"it says {' and '.join(given) or 'none of the two'}, and one of {' and '.join(fields)} is needed"
        yield R13.breach(at, None, because, "write one of them")


def _chosen(part: Part, at: str) -> Iterator[Breach]:
    if broken := subdomain(part.get("deviceClassName") or ""):
        yield R13.breach(f"{at}.deviceClassName", part.get("deviceClassName"), broken, "correct the name")
    for index, selector in enumerate(part.get("selectors") or ()):
        if selector.get("cel") is None:
            because = "a selector is an expression"
            yield R13.breach(f"{at}.selectors[{index}].cel", None, because, "write cel: with an expression")


def _attribute(name: str) -> str | None:
    """Return what is wrong with the *name* of an attribute, which begins with a domain."""
    domain, slash, rest = name.partition("/")
    if not slash or not IDENTIFIER.fullmatch(rest):
        return "an attribute is a domain, a slash, and at most 32 letters, digits and _, no digit first"
    return subdomain(domain) or (
        f"its domain has more than {LONGEST_DOMAIN} characters" if len(domain) > LONGEST_DOMAIN else None
    )
