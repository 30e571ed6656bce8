"""H: Ingresses as the API server takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.n import service_name
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.addresses import HIGHEST_PORT, is_address
from modelyard.values.names import path_segment, port_name, subdomain

H12 = Rule(
    "H12",
    "An Ingress leads from hosts and paths to backends.",
    why="The API server refuses the Ingress.",
    fix="correct the value",
    see="https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource",
)
Part = Mapping[str, Any]
WILDCARD = "*."
NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
NOT_AT_THE_END = ("/..", "/.")


@H12.objects("Ingress")
def ingress(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at hosts, paths and backends."""
    if one.api_version != "networking.k8s.io/v1":
        return
    spec = one.spec
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        yield H12.breach("spec.rules", None, "there are none, and no defaultBackend", "write one of the two")
    if spec.get("defaultBackend") is not None:
        yield from _backend(spec["defaultBackend"], "spec.defaultBackend", scope)
    for index, rule in enumerate(spec.get("rules") or ()):
        at = f"spec.rules[{index}]"
        yield from _host(rule.get("host"), f"{at}.host")
        if rule.get("http") is not None:
            yield from _paths(rule["http"].get("paths") or (), f"{at}.http.paths", scope)
    for index, tls in enumerate(spec.get("tls") or ()):
        for place, host in enumerate(tls.get("hosts") or ()):
            yield from _host(host, f"spec.tls[{index}].hosts[{place}]")


def _host(host: str | None, field: str) -> Iterator[Breach]:
    if not host:
        return
    if is_address(host):
        yield H12.breach(field, host, "a host is a name, and this is an address")
    elif broken := subdomain(host.removeprefix(WILDCARD)):
        yield H12.breach(field, host, broken)


def _paths(paths: list[Part] | tuple[()], field: str, scope: Scope) -> Iterator[Breach]:
    if not paths:
        yield H12.breach(field, None, "a rule for HTTP has paths, and this one has none", 'write one, of path: "/"')
    for index, one in enumerate(paths):
        at, path = f"{field}[{index}]", str(one.get("path") or "")
        specific = one.get("pathType") == "ImplementationSpecific"
        if not path.startswith("/") and (path or not specific):
            yield H12.breach(f"{at}.path", one.get("path"), "a path begins with /")
        elif not specific and (wrong := _wrong(path)) is not None:
            yield H12.breach(f"{at}.path", path, f"what it is compared with never has {wrong} there", "remove it")
        yield from _backend(one.get("backend") or {}, f"{at}.backend", scope)


def _wrong(path: str) -> str | None:
    inside = (part for part in NOT_IN_PATHS if part in path)
    return next(inside, next((end for end in NOT_AT_THE_END if path.endswith(end)), None))


def _backend(backend: Part, field: str, scope: Scope) -> Iterator[Breach]:
    service, resource = backend.get("service"), backend.get("resource")
    if (service is None) == (resource is None):
        found = "neither" if service is None else "both"
        yield H12.breach(field, None, f"it is a service or a resource, and this is {found}", "write one of the two")
    if service is not None:
        yield from _service(service, f"{field}.service", scope)
    if resource is not None:
        for key in ("kind", "name"):
            text = str(resource.get(key) or "")
            if broken := path_segment(text) if text else "there is none":
                yield H12.breach(f"{field}.resource.{key}", text or None, broken)


def _service(service: Part, field: str, scope: Scope) -> Iterator[Breach]:
    name, port = str(service.get("name") or ""), service.get("port") or {}
    if broken := service_name(scope)(name):
        yield H12.breach(f"{field}.name", name, broken)
    number, called = port.get("number") or None, port.get("name") or None
    if (number is None) == (called is None):
        found = "neither" if number is None else "both"
        because = f"it has a number or a name, and this one {found}"
        yield H12.breach(f"{field}.port", None, because, "write one of the two")
    elif called is not None and (broken := port_name(called)):
        yield H12.breach(f"{field}.port.name", called, broken)
    elif number is not None and not 0 < number <= HIGHEST_PORT:
        yield H12.breach(f"{field}.port.number", number, f"a port is 1 to {HIGHEST_PORT}")
