"""Whoever shares this machine, or its network, does not reach what the tests start."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from pathlib import Path

from tests.cluster.argocd import ArgoCD
from tests.cluster.cluster import Cluster
from tests.cluster.flux import Flux
from tests.cluster.registry import Registry

LISTENS = "0A"


def test_all_programs_listen_on_loopback_only(cluster: Cluster, argocd: ArgoCD, flux: Flux, registry: Registry) -> None:
    """Each program of the cluster, of Argo CD and of Flux, and the registry that these pull from."""
    assert argocd.api is flux.api is cluster.api
    assert registry.kubeconfig == cluster.kubeconfig("admin")
    found = {program.name: listeners(program.process.pid) for program in cluster.started}
    assert {name for name, ports in found.items() if ports} == {
        "argocd-application-controller", "argocd-repo-server", "etcd", "kube-apiserver", "kustomize-controller", "kwok",
        "metrics-server", "redis", "registry", "source-controller",
    }  # fmt: skip
    assert {name: ports for name, ports in found.items() if not all(map(is_loopback, ports))} == {}


def test_a_listener_elsewhere_would_be_found() -> None:
    """What the test above looks at is what a process listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert f"127.0.0.1:{server.getsockname()[1]}" in listeners(os.getpid())
    elsewhere = ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "[::ffff:10.0.0.1]:80"]
    assert list(map(is_loopback, elsewhere)) == [False] * 4
    assert list(map(is_loopback, ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"])) == [True] * 3


def listeners(process: int) -> list[str]:
    """Return the addresses that a *process* accepts connections at."""
    folder = Path(f"/proc/{process}")
    sockets = set()
    for link in (folder / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(str(link.readlink()))
    found = []
    for table, words in (("tcp", 1), ("tcp6", 4)):
        for line in (folder / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENS and f"socket:[{inode}]" in sockets:
                address, _, port = local.partition(":")
                # Words of four bytes, each as this machine, whose first byte is the last, has it in memory.
                octets = b"".join(bytes.fromhex(address[8 * word : 8 * word + 8])[::-1] for word in range(words))
                ip = ipaddress.ip_address(octets)
                found.append(f"{f'[{ip}]' if words > 1 else ip}:{int(port, 16)}")
    return found


def is_loopback(address: str) -> bool:
    """Tell whether an *address* is seen on this machine only."""
    ip = ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback
