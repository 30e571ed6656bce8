"""A user's Python that ends the process: nobody could tell it from a synthesis that had nothing to say."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import NoReturn


@contextlib.contextmanager
def staying() -> Iterator[None]:
    """
    Let ``os._exit`` do what ``sys.exit`` does, which is a finding.

    A process that the user forks may end, and so may this one by the thread that sees the leading process gone.
    """
    end, own = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        if os.getpid() != own or threading.current_thread() is not threading.main_thread():
            end(status)
        raise SystemExit(status)

    os._exit = refuse
    try:
        yield
    finally:
        os._exit = end
