"""Where programs accept connections."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.processes import Program

LISTENS = "0A"


def elsewhere(programs: Iterable[Program]) -> dict[str, list[str]]:
    """Return the programs that others than this machine reach, with the addresses they do it at."""
    found = {
        program.name: [one for one in listeners(program.process.pid) if not is_loopback(one)]
        for program in programs
        if program.process.poll() is None
    }
    return {name: addresses for name, addresses in found.items() if addresses}


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
