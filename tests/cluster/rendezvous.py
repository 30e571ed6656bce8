"""How the pods of one training find each other: the names that DNS would serve, and the name that each pod asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import Any

VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
# Instead of a resolver: it knows the names that the endpoints of the Service have, and no others.
RESOLVER = """
import json, socket, sys
known = set(json.loads(sys.argv.pop(1)))
def getaddrinfo(host, port):
    if host not in known:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not in DNS")
    return []
socket.getaddrinfo = getaddrinfo
exec(sys.argv.pop(1))
"""


def published(service: str, namespace: str, slices: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the host names that cluster DNS serves for a headless *service*, and the pod that each leads to."""
    return {
        f"{endpoint['hostname']}.{service}.{namespace}.svc": endpoint["targetRef"]["name"]
        for one in slices
        for endpoint in one.get("endpoints") or []
        # A headless Service that publishes addresses before they are ready says of each that it is.
        if "hostname" in endpoint and endpoint["conditions"].get("ready")
    }


def variables(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of *container* as the kubelet of *pod* makes it."""
    known: dict[str, str] = {}
    for one in container.get("env", []):
        if "value" in one:
            known[one["name"]] = expanded(one["value"], known)
        elif field := one.get("valueFrom", {}).get("fieldRef"):
            known[one["name"]] = _field(pod, field["fieldPath"])
    return known


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Return *text* with the variables that are known so far."""
    return VARIABLE.sub(lambda found: known.get(found[1], found[0]), text)


def waits(pod: Mapping[str, Any], names: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run what holds *pod* back until all nodes are there, where DNS has *names*."""
    container = next(one for one in pod["spec"]["initContainers"] if one["name"] == "wait-for-nodes")
    known = variables(pod, container)
    command, flag, script, *words = [expanded(word, known) for word in container["command"]]
    assert (command, flag) == ("python3", "-c")
    return subprocess.run(
        [sys.executable, "-c", RESOLVER, json.dumps(sorted(names)), script, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _field(pod: Mapping[str, Any], path: str) -> str:
    found = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    assert found is not None, f"{path} is no label and no annotation"
    value: str = pod["metadata"][found[1]][found[2]]
    return value
