"""Objects that break rules, applied as they stand: what a cluster does with them when nobody has warned of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import modelyard
from tests.cluster.api import Api, Manifest, NotSeen, condition
from tests.cluster.cluster import THREADS, Cluster
from tests.cluster.differential.ours import broken
from tests.cluster.manifests import in_order, title
from tests.support import environment

Objects = dict[str, Manifest]
Cases = Mapping[str, Sequence[Manifest]]
"""Objects by the rule that they break."""


class Breaking:
    """
    A namespace for each rule with the objects that break it, all of them at once, as long as the block runs.

    Args:
        cluster: Where they are applied.

        claimed: What the fleet says of it.

        root: A folder for the environments that are asked about.

        cases: The objects.
    """

    def __init__(self, cluster: Cluster, claimed: modelyard.Cluster, root: Path, cases: Cases) -> None:
        self.cluster, self.api = cluster, cluster.api
        self._claimed, self._root, self._cases = claimed, root, cases

    def __enter__(self) -> Self:
        """Apply everything."""
        # First of all: what runs in a namespace needs the account that a controller makes there.
        for rule in self._cases:
            self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(rule)}})
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._apply, self._cases))
        return self

    def _apply(self, rule: str) -> None:
        for one in in_order([self.objects(rule).values()]):
            self.api.apply(one)

    def __exit__(self, *_: object) -> None:
        """Delete it again."""
        self.cluster.clear(*map(namespace, self._cases))

    def objects(self, rule: str) -> Objects:
        """Return the objects that break *rule*, by kind and name."""
        return {title(one): _placed(one, namespace(rule)) for one in self._cases[rule]}

    def found(self, rule: str) -> set[str]:
        """Return the rules that the objects for *rule* break, as modelyard finds."""
        site = environment(self._root, cluster=self._claimed, namespace=namespace(rule)).site
        return {one.rule for one in broken(site, *self.objects(rule).values())}

    def pods(self, rule: str, count: int, *, labels: str | None = None) -> list[Manifest]:
        """Wait until *count* pods of what breaks *rule* run, and return them."""
        found = self.api.until(
            lambda pods: sum(map(_runs, pods)) >= count,
            "v1", "Pod", namespace(rule), labels=labels, what=f"{count} running pods",
        )  # fmt: skip
        return [one for one in found if _runs(one)]

    def waits(self, rule: str, words: str) -> str:
        """Wait until the scheduler says *words* about a pod of what breaks *rule*, and return all that it says."""
        pods = self.api.until(
            lambda pods: any(words in unscheduled(one) for one in pods),
            "v1", "Pod", namespace(rule), what=f"a pod without a node: {words}",
        )  # fmt: skip
        return next(unscheduled(one) for one in pods if words in unscheduled(one))

    def event(self, rule: str, reason: str, words: str = "") -> str:
        """Wait for the event of a controller about what breaks *rule*, and return its message."""
        events = self.api.until(
            lambda found: any(_says(one, reason, words) for one in found),
            "v1", "Event", namespace(rule), what=f"the event {reason} {words}",
        )  # fmt: skip
        return next(str(one["message"]) for one in events if _says(one, reason, words))


def namespace(rule: str) -> str:
    """Return the namespace of what breaks *rule*."""
    return f"breaks-{rule.lower()}"


def unscheduled(pod: Mapping[str, Any]) -> str:
    """Return why *pod* has no node, or nothing."""
    scheduled = condition(pod, "PodScheduled")
    return scheduled.get("message", "") if scheduled.get("status") == "False" else ""


def states(
    api: Api, manifest: Manifest, act: Callable[[], Manifest], until: Callable[[Manifest], object], *, what: str
) -> list[Manifest]:
    """
    Do *act*, and return every state of the object that *manifest* is about from then on until *until* is content.

    What *act* returns is the object that it has changed, and says since when: others may have changed theirs just before.
    """
    head = manifest["metadata"]
    watch = api.watch(manifest["apiVersion"], manifest["kind"], head["namespace"], name=head["name"])
    next(watch)
    since = int(act()["metadata"]["resourceVersion"])
    seen: list[Manifest] = []
    for objects in watch:
        seen += (one for one in objects.values() if int(one["metadata"]["resourceVersion"]) >= since)
        if seen and until(seen[-1]):
            return seen
    raise NotSeen(what)


def _runs(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def _says(event: Mapping[str, Any], reason: str, words: str) -> bool:
    return event.get("reason") == reason and words in event.get("message", "")


def _placed(manifest: Manifest, where: str) -> Manifest:
    made = copy.deepcopy(manifest)
    made["metadata"]["namespace"] = where
    return made
