"""Objects that are accepted, each with one change, and what modelyard says about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from tests.cluster.differential.changes import INSIDE, Change, Elsewhere, changes, collect
from tests.cluster.differential.corpus import Environment, environments, example_fleet, known
from tests.cluster.differential.left_out import OF_OTHERS, left_out
from tests.cluster.differential.ours import Found, Judge, enforced
from tests.cluster.differential.server import Question

Manifest = dict[str, Any]
DECISIVE = frozenset(
    {
        "completionMode", "completions", "hostIPC", "hostNetwork", "hostPID", "hostPort", "hostUsers", "hostname",
        "lifecycle", "livenessProbe", "metadata", "os", "readinessProbe", "securityContext", "serviceName",
        "startupProbe", "subdomain", "topologySpreadConstraints", "volumeClaimTemplates", "volumes",
    }
)  # fmt: skip
"""Fields that decide whether what controllers make of an object is admitted; all others are checked with itself."""


@attrs.frozen
class Mutant:
    """
    An object with one change.

    Args:
        base: The environment that the object is from.

        kind: Its kind.

        change: What is done to it.

        question: What the server is asked.

        found: What modelyard finds in it, and in the other objects of its environment.

        refused: Whether modelyard refuses the object itself.
    """

    base: Environment
    kind: str
    change: Change
    question: Question
    found: Sequence[Found]
    refused: bool

    def __str__(self) -> str:
        return f"{self.kind}, {self.change.field}: {self.change.name}"


def mutants(version: str) -> Iterator[Mutant]:
    """Yield each change of each field once, in the smallest environment that has the field."""
    # Those with every option add kinds of other projects, and minutes.
    tested = [one for one in environments() if not one.test.startswith("tests/test_every_option.py")]
    every = sorted([*example_fleet(), *tested], key=lambda one: len(one.manifests))
    judged = [(base, Judge(base.site, base.manifests, version)) for base in every]
    right = [
        (base, judge, index)
        for base, judge in judged
        if not judge.refused
        for index, manifest in enumerate(base.manifests)
        if known(base.site, manifest) and not str(manifest.get("apiVersion")).startswith(OF_OTHERS)
    ]
    elsewhere: Elsewhere = {}
    for base, judge, index in right:
        collect(base.manifests[index], judge.schemas, elsewhere)
    seen: set[tuple[str, ...]] = set()
    for base, judge, index in right:
        for change in changes(base.manifests[index], judge.schemas, elsewhere):
            key = change.field, change.beside, change.name
            if key not in seen and not left_out(change):
                seen.add(key)
                yield _mutant(base, judge, index, change)


def _decisive(manifest: Manifest, change: Change) -> bool:
    """Return whether what controllers make of *manifest* may be refused for *change*, where it is not itself."""
    # Definitions know little of what a pod may say.
    return manifest.get("kind") in INSIDE or not DECISIVE.isdisjoint(change.path)


def _mutant(base: Environment, judge: Judge, index: int, change: Change) -> Mutant:
    manifest = change.apply(base.manifests[index])
    own, others = judge.instead(index, manifest)
    labels = enforced(base.site, base.manifests, base.manifests[index])
    question = Question(manifest, labels, children=_decisive(manifest, change))
    refused = any(one.error for one in own)
    return Mutant(base, manifest.get("kind", ""), change, question, [*own, *others], refused)
