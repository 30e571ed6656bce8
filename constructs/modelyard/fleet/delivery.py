"""How an environment gets into its cluster, as far as the environment itself has to know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from modelyard.findings import Breach
from modelyard.schemas import CrdSchema
from modelyard.values.value import value

if TYPE_CHECKING:
    from modelyard.fleet.draft import Draft, Manifest
    from modelyard.fleet.site import Site

Last = Callable[[str], "Manifest | None"]


@value
class Owned:
    """
    A field that another controller writes, so it is not rendered, and Argo CD and Flux leave it alone.

    What follows from an autoscaler or from a queue is known without being said.

    Args:
        kind: The kind of the objects, for example ``ValidatingWebhookConfiguration``.

        path: The field as a JSON pointer, for example ``/webhooks/0/clientConfig/caBundle``.

        name: The object's name. Default: all of the kind.

    See Also:
        https://datatracker.ietf.org/doc/html/rfc6901
    """

    kind: str
    path: str
    name: str | None = None


@attrs.frozen
class Ownership:
    """
    The fields of one object that another controller writes.

    Args:
        group: The object's API group; empty for the core group.

        kind: Its kind.

        namespace: Its namespace, or None for an object of the whole cluster.

        name: Its name in the cluster.

        paths: The fields, as JSON pointers.

        rendered: Those of them that stand in the manifest all the same, since they are part of what is written whole.
    """

    group: str
    kind: str
    namespace: str | None
    name: str
    paths: tuple[str, ...]
    rendered: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Cargo:
    """
    What is delivered.

    Args:
        manifests: All of the environment's, patched.

        owned: The fields in them that another controller writes.

        cluster_wide: The kinds that live in no namespace, as (group, kind).
    """

    manifests: Sequence[Manifest]
    owned: Sequence[Ownership]
    cluster_wide: frozenset[tuple[str, str]]


@attrs.frozen(slots=False)
class Delivery(ABC):
    """What ``Environment(delivery=...)`` takes: how one GitOps controller reads the environment."""

    __words__: ClassVar[str] = "an ArgoCD or a Flux"
    """What messages call it."""

    controller: ClassVar[str] = ""
    """The name of the program."""

    @property
    @abstractmethod
    def schemas(self) -> tuple[CrdSchema, ...]:
        """The kinds of its objects."""

    @abstractmethod
    def home(self, cluster: str) -> str | None:
        """Return the cluster that its objects live in, where that of the environment is *cluster*; None if not said."""

    @property
    def elsewhere(self) -> str:
        """What a controller that runs in another cluster calls that of the environment; empty where none does."""
        return ""

    @abstractmethod
    def way(self, cluster: str) -> str:
        """Return from where the environment is brought into which cluster, in a few words."""

    @abstractmethod
    def breaches(self, site: Site) -> Iterator[Breach]:
        """Yield what is wrong with the options."""

    def adapt(self, manifest: Manifest) -> None:  # noqa: B027 # most controllers have nothing to say
        """Change an object of the environment for the controller, in place; nothing by default."""

    def unmatched(self, manifests: Sequence[Manifest]) -> Iterator[Breach]:  # noqa: ARG002 # as a controller's
        """Yield options that are about none of *manifests*; none by default."""
        yield from ()

    @abstractmethod
    def drafts(self, site: Site, cargo: Cargo) -> list[Draft]:
        """Return the objects that the controller itself reads."""

    def by_hand(self, site: Site, delivered: Sequence[Manifest]) -> Mapping[str, Sequence[Manifest]]:  # noqa: ARG002
        """
        Return what people apply once, by the name of its file; without a name, what makes the controller do the rest.

        Args:
            site: Where it is for.

            delivered: The objects that the controller reads, patched.
        """
        return {}

    @abstractmethod
    def gone(self, before: Iterable[str], last: Last, drafts: Sequence[Manifest]) -> Iterator[Breach]:
        """
        Yield what the controller would not delete.

        Args:
            before: The identities of objects that are rendered no more.

            last: Answers with what one of them was, if that is known.

            drafts: The objects that the controller reads.
        """
