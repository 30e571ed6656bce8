"""Which public classes, and which of their arguments, the tests have used whose objects API servers are asked about."""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Iterator, Mapping
from inspect import Signature
from typing import Any

import modelyard

Used = set[tuple[str, str]]
"""Names of classes and of arguments; a class itself stands with an empty name."""

NOT_RENDERED: Mapping[tuple[str, str], str] = {
    ("Crd", ""): "objects are checked by what it says, and none is rendered from it",
}
"""What no object shows, with the reason; a class with an empty name stands for all of its arguments."""


def signatures() -> Iterator[tuple[type, Signature]]:
    """Yield the public classes that say what is rendered, with their arguments."""
    for name in modelyard.__all__:
        one = getattr(modelyard, name)
        if inspect.isclass(one) and not issubclass(one, BaseException | enum.Enum):
            # Not of the class: those of constructs have jsii's metaclass.
            yield one, inspect.signature(one.__init__)


def watch(used: Used) -> None:
    """From now on, add to *used* whatever is given to a public class."""
    for one, signature in signatures():
        made: Any = one
        made.__init__ = _watching(one.__name__, made.__init__, signature, used)


def _watching(title: str, make: Any, signature: Signature, used: Used) -> Any:
    names = list(signature.parameters)[1:]

    @functools.wraps(make)
    def making(self: object, *args: object, **kwargs: object) -> None:
        make(self, *args, **kwargs)
        used.update((title, name) for name in ("", *names[: len(args)], *kwargs))

    # Findings tell the line that made a value, and this is not a user's.
    watching: Any = making
    watching.__code__ = watching.__code__.replace(co_filename="<watching>")
    return watching


def unused(used: Used) -> list[str]:
    """Return what is not in *used* and has no reason not to be, and the reasons that are needless."""
    every = {(one.__name__, name) for one, given in signatures() for name in ("", *given.parameters) if name != "self"}
    left = every - used
    excused = {one for one in left if one in NOT_RENDERED or (one[0], "") in NOT_RENDERED}
    return sorted(".".join(filter(None, one)) for one in (left - excused) | (NOT_RENDERED.keys() - left))
