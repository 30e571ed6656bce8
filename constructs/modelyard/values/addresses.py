"""IP addresses and ports."""

from __future__ import annotations

import ipaddress

HIGHEST_PORT = 65535


def is_address(text: str) -> bool:
    """Return whether *text* is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
