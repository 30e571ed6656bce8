"""What goes on beside a test: somebody who watches objects, and notes or does something each time they change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Self

from tests.cluster.api import PATIENCE, Api, Manifest, Stop

LONGEST = 900.0
State = dict[str, Manifest]


class Following:
    """
    A thread that watches objects as long as the block runs.

    Args:
        api: The API server.

        act: Called with all objects by ``namespace/name``, first as they are and then after each single change.

        what: Which objects, as for `Api.watch`.
    """

    def __init__(self, api: Api, act: Callable[[State], None], *what: Any, **more: Any) -> None:
        self._api, self._act = api, act
        self._what, self._more = what, more
        self._stop = Stop()
        self._error: BaseException | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="following", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch; what the block does is seen from its beginning."""
        self._thread.start()
        self._begun.wait(timeout=PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and raise what went wrong meanwhile."""
        self._stop.set()
        self._thread.join(timeout=60)
        assert not self._thread.is_alive(), "a watch has not ended"
        if self._error is not None:
            raise self._error

    def _follow(self) -> None:
        try:
            for state in self._api.watch(*self._what, **self._more, seconds=LONGEST, stop=self._stop):
                if self._stop.is_set():
                    return
                self._act(state)
                self._begun.set()
        except BaseException as error:  # noqa: BLE001 # raised again where the block ends
            self._error = error
        finally:
            self._begun.set()


class Recording(Following):
    """Every state that objects went through as long as the block ran, with the second it was seen at."""

    def __init__(self, api: Api, *what: Any, **more: Any) -> None:
        self.states: list[tuple[float, State]] = []
        super().__init__(api, lambda state: self.states.append((time.monotonic(), state)), *what, **more)

    def one(self) -> list[Manifest]:
        """Return the states of a single object."""
        return [one for _, state in self.states for one in state.values()]
