"""What a plan consists of: environments, workloads, objects, fields, and what each change does."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import attrs

from modelyard.plan.fields import FieldChange
from modelyard.values.at import at


class Risk(enum.StrEnum):
    """How closely a reviewer looks at an effect."""

    DANGER = "danger"
    """Something is refused, lost, unreachable or away for a time."""

    CAUTION = "caution"
    """Pods start or end, a run starts, or something stays behind."""

    NOTE = "note"
    """Nothing that runs is touched."""


ORDER = {risk: place for place, risk in enumerate(Risk)}


@attrs.frozen
class Effect:
    """
    What a change does in the cluster.

    Args:
        code: For programs, for example ``rolling-update``; it never changes its meaning.

        risk: How closely to look.

        text: For people, in one line.
    """

    code: str
    risk: Risk
    text: str


@attrs.frozen(kw_only=True)
class ObjectChange:
    """
    One object that the change makes, removes, replaces by one of another name, or changes in place.

    Args:
        change: created, removed, replaced or changed.

        manifest: As it is now, or as it was where it is removed; credentials are hidden in it.

        path: Of its file below ``dist/``; where it was, if it is removed.

        fields: What is different in it; nothing for what is created or removed.

        effects: What that does.

        was: The name that it replaces, with its namespace where that is another one.
    """

    change: str
    manifest: dict[str, Any]
    path: str
    fields: Sequence[FieldChange] = ()
    effects: Sequence[Effect] = ()
    was: str | None = None

    @property
    def kind(self) -> str:
        """The kind of the object."""
        return str(self.manifest.get("kind"))

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(at(self.manifest, "metadata", "name"))


@attrs.frozen
class Range:
    """
    How many of a device a workload asks for.

    Args:
        least: With the fewest pods that it has of itself.

        most: With the most.

        rollout: At most while new pods stand beside old ones.
    """

    least: int
    most: int
    rollout: int

    def __str__(self) -> str:
        text = str(self.most) if self.least == self.most else f"{self.least}-{self.most}"
        return text if self.rollout == self.most else f"{text} ({self.rollout} in a rollout)"


@attrs.frozen(kw_only=True)
class WorkloadPlan:
    """
    What a change does to one workload.

    Args:
        environment: Its environment.

        name: Its id; empty for what belongs to the environment, ``_delivery`` for what a controller itself reads.

        change: created, removed or changed.

        effects: Of it as a whole and of its objects, the worst first, each once.

        objects: Those that are different, the worst first.

        devices: Extended resource, for example ``nvidia.com/gpu``, to its numbers before and now, where they differ.
    """

    environment: str
    name: str
    change: str
    effects: Sequence[Effect]
    objects: Sequence[ObjectChange]
    devices: dict[str, tuple[Range, Range]] = attrs.field(factory=dict)

    @property
    def where(self) -> str:
        """Environment and workload, as people write them."""
        if self.name == "":
            return self.environment
        return f"{self.environment} delivery" if self.name == DELIVERED else f"{self.environment}/{self.name}"

    @property
    def risk(self) -> Risk:
        """The worst of its effects."""
        return self.effects[0].risk


DELIVERED = "_delivery"


@attrs.frozen(kw_only=True)
class Plan:
    """
    What ``dist/`` as it is does to a cluster that has what it was.

    Args:
        commit: What ``dist/`` is compared with; empty before the first commit.

        base: The same in words.

        workloads: Those that change, environment by environment; the worst first in both.
    """

    commit: str
    base: str
    workloads: Sequence[WorkloadPlan]

    def count(self, risk: Risk) -> int:
        """Return how many workloads have *risk* as their worst."""
        return sum(one.risk is risk for one in self.workloads)

    def has(self, what: str) -> bool:
        """Return whether an effect is called *what*, or has that risk."""
        return any(what in {effect.code, effect.risk.value} for one in self.workloads for effect in one.effects)


def worst_first(effects: Sequence[Effect]) -> list[Effect]:
    """Return *effects* by risk, each once."""
    return sorted(dict.fromkeys(effects), key=lambda one: ORDER[one.risk])
