"""The pipes of a process."""

from __future__ import annotations

from typing import IO, AnyStr


def pipe(stream: IO[AnyStr] | None) -> IO[AnyStr]:
    """Return *stream* of a process that was started with a pipe there, which the type of Popen does not say."""
    if stream is None:
        message = "the process was started without this pipe"
        raise ValueError(message)
    return stream
