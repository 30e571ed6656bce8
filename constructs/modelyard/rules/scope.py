"""All objects of an environment, as rules about several of them look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.rules import kserve
from modelyard.rules.subjects import Object, Pod

if TYPE_CHECKING:
    from modelyard.fleet.site import Site


@attrs.define(eq=False)
class Scope:
    """
    All objects of one environment, with the look-ups that keep rules linear.

    Args:
        site: The environment's name, namespace and cluster.

        objects: Every object that passed its schema.

        complete: Whether these are all of its objects. Default: they are.

        memo: What a family of rules has worked out once, by a name of its own.
    """

    site: Site
    objects: list[Object]
    complete: bool = True
    memo: dict[str, Any] = attrs.field(factory=dict, init=False)
    made: list[Object] = attrs.field(init=False)
    """The Services that KServe makes."""
    _by_identity: dict[tuple[str, str | None, str], Object] = attrs.field(init=False)
    _pods_by_label: dict[tuple[str | None, str, str], list[Pod]] = attrs.field(init=False)
    _targets: dict[tuple[str, str | None, str], list[Object]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._by_identity = {(one.kind, one.namespace, one.name): one for one in self.objects}
        self._pods_by_label = {}
        self._targets = {}
        self.made = []
        for one in self.objects:
            for pod in one.pods:
                for key, value in pod.selectable.items():
                    self._pods_by_label.setdefault((one.namespace, key, value), []).append(pod)
            if one.kind == kserve.KIND and (name := kserve.deployed(one)) is not None:
                self.made.append(kserve.service(one))
                self._by_identity.setdefault(("Deployment", one.namespace, name), one)
                self._by_identity.setdefault(("Service", one.namespace, name), self.made[-1])
            if target := one.spec.get("scaleTargetRef"):
                identity = (
                    str(target.get("kind", "Deployment")),
                    one.namespace,
                    str(target.get("name")),
                )
                self._targets.setdefault(identity, []).append(one)

    def find(self, kind: str, namespace: str | None, name: str) -> Object | None:
        """Return the object of this identity, or None where the environment renders none."""
        return self._by_identity.get((kind, namespace, name))

    def of_kind(self, kind: str) -> Iterator[Object]:
        """Yield the objects of *kind*; only for checks that run once an environment."""
        return (one for one in self.objects if one.kind == kind)

    def pods_matching(self, labels: Mapping[str, str], namespace: str | None) -> list[Pod]:
        """Return the pods that carry all of *labels*; none for no labels."""
        found = [self._pods_by_label.get((namespace, *label), []) for label in labels.items()]
        items = labels.items()
        return [pod for pod in min(found, key=len, default=[]) if items <= pod.selectable.items()]

    def scalers_of(self, one: Object) -> list[Object]:
        """Return the autoscalers that have *one* as their target, or the Deployment that KServe makes of it."""
        if one.kind == kserve.KIND:
            return self.scalers("Deployment", one.namespace, kserve.deployed(one) or "")
        return self.scalers(one.kind, one.namespace, one.name)

    def scalers(self, kind: str, namespace: str | None, name: str) -> list[Object]:
        """Return the autoscalers that have the object of this identity as their target."""
        return self._targets.get((kind, namespace, name), [])
