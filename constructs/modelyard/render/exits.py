"""A user's Python that ends the process: nobody could tell it from a synthesis that had nothing to say."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NoReturn


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """Let ``os._exit`` do what ``sys.exit`` does, which is a finding; a process that the user forks may end."""
    end, own = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != own:
            end(status)
        raise SystemExit(status)

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = end
