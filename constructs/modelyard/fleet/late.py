"""Keeps constructs out of cdk8s' Node process until somebody asks about the fleet, then hands over all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jsii import JSIIAbstractClass

from modelyard import trace
from modelyard.findings import Finding, Severity, SpecError

if TYPE_CHECKING:
    from jsii._kernel.types import ObjRef


class Tree:
    """What cdk8s knows of one fleet; most fleets are rendered without it ever being asked."""

    def __init__(self) -> None:
        self.known = False
        self._waiting: list[Callable[[], None]] = []

    def make(self, create: Callable[[], None]) -> None:
        """Let *create* make a construct, now or before cdk8s is asked anything."""
        if self.known:
            create()
        else:
            self._waiting.append(create)

    def cross(self) -> None:
        """Hand over what waits: somebody has a reference into the tree, and could see what is missing."""
        if not self.known:
            self.known = True
            for create in self._waiting:
                create()
            self._waiting.clear()


class LateMeta(JSIIAbstractClass):
    """Leaves it to the making of its construct to register an object with jsii."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 # a class is what it makes objects of
        """
        Make an object as Python does.

        Raises:
            SpecError: A class of the user's has a constructor that forgets ours.
        """
        made = type.__call__(cls, *args, **kwargs)
        if isinstance(made, Late) and not isinstance(getattr(made, "tree", None), Tree):
            raise SpecError(_forgotten(cls.__name__, args))
        return made


def _forgotten(cls: str, args: tuple[object, ...]) -> Finding:
    scope, name = getattr(args[0], "name", None) if args else None, args[1] if args[1:] else cls
    return Finding(
        rule="X11",
        severity=Severity.ERROR,
        where=f"{scope}/{name}" if isinstance(scope, str) else str(name),
        field=cls,
        value="",
        because="its __init__ never calls super().__init__(...), so nothing would be rendered",
        do="call it there, with the scope, the id and the options",
        source=trace.here(),
    )


class Late:
    """A construct whose reference, which jsii asks for on every way to Node, first brings its tree up to date."""

    tree: Tree
    _reference: ObjRef

    @property
    def __jsii_ref__(self) -> ObjRef:
        self.tree.cross()
        return self._reference

    @__jsii_ref__.setter
    def __jsii_ref__(self, reference: ObjRef) -> None:
        self._reference = reference
