"""What goes on beside a test: somebody who watches objects, and notes or does something each time they change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

from tests.cluster.api import PATIENCE, Api, Manifest, Stop, wait_until

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
        self._last: State = {}
        self._error: BaseException | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="following", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch; what the block does is seen from its beginning."""
        self._thread.start()
        self._begun.wait(timeout=PATIENCE)
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Stop when all is seen that the block has seen, which another watch told it; raise what went wrong meanwhile."""
        try:
            if failed is None:
                wait_until(self._has_caught_up, what=f"what became of {self._what} is followed")
        finally:
            self._end()

    def _has_caught_up(self) -> bool:
        now, seen = _versions(self._api.all(*self._what, **self._more)), _versions(self._last.values())
        caught_up = seen.keys() == now.keys() and all(seen[key] >= now[key] for key in now)
        return caught_up or not self._thread.is_alive()

    def _end(self) -> None:
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
                self._last = state
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


def _versions(objects: Iterable[Manifest]) -> dict[tuple[str, str], int]:
    """Return which change of each object was the last one, a greater number after a smaller one."""
    heads = [one["metadata"] for one in objects]
    return {(head.get("namespace", ""), head["name"]): int(head["resourceVersion"]) for head in heads}
