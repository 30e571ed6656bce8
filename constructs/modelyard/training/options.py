"""The value types that options of trainings are made of."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Literal

import attrs

from modelyard.pod import Claim, store_url
from modelyard.pod.options import Gpu, amount
from modelyard.values import image as references
from modelyard.values.durations import hours
from modelyard.values.image import Image
from modelyard.values.names import dns_label, qualified_name
from modelyard.values.value import option, required, value

IfRunning = Literal["skip", "replace", "start"]
Spot = Literal["prefer", "require"]
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
MISSED = 3
"""So many times as old as it should be, a checkpoint is missed: one that is late or fails is no news yet."""
Scalar = str | int | float | bool


def _above_zero(duration: timedelta) -> str | None:
    return None if duration > timedelta(0) else "it is a length of time above zero"


def _not_negative(count: int | None) -> str | None:
    return None if count is None or count >= 0 else "it is a whole number of at least 0"


def _one_at_least(count: int | None) -> str | None:
    return None if count is None or count >= 1 else "it is a whole number of at least 1"


def _place(given: Claim | str) -> str | None:
    return store_url(given) if isinstance(given, str) else None


def _metric(name: str | None) -> str | None:
    if name is None or METRIC.fullmatch(name):
        return None
    return "the name of a metric holds letters, digits, _ and : only"


def _length(duration: timedelta | None) -> str | None:
    return None if duration is None else _above_zero(duration)


def _run(name: str | None) -> str | None:
    return None if name is None else dns_label(name)


@value
class Schedule:
    """
    When a training runs, again and again, by a CronJob.

    Args:
        cron: Minute, hour, day of the month, month and weekday, for example ``30 3 * * *``.

        tz: The IANA time zone that *cron* means, for example ``Europe/Berlin``. Default: UTC.

        if_running: What happens when the time comes and the last run is still going on: ``skip`` the new one,
            ``replace`` the last one by it, or ``start`` it beside. Default: ``skip``.

        catch_up: How much later a run may still start: after an outage, or with ``skip`` when the last run ends.
            Default: 1 hour.

        keep_succeeded: How many runs that succeeded stay to be looked at, with their logs. Default: 3.

        keep_failed: How many that failed. Default: 3.

        suspend: Whether no new run starts; one that is going on is left alone. Default: they start.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
    """

    cron: str
    tz: str = "Etc/UTC"
    if_running: IfRunning = attrs.field(default="skip", kw_only=True)
    catch_up: timedelta = option(default=hours(1), check=_above_zero, kw_only=True)
    keep_succeeded: int = option(default=3, check=_not_negative, kw_only=True)
    keep_failed: int = option(default=3, check=_not_negative, kw_only=True)
    suspend: bool = attrs.field(default=False, kw_only=True)


@value
class Step:
    """
    What runs once before a training or after it, with the volumes, variables and account of the training.

    Args:
        name: Unique among the steps, a DNS label.

        command: What runs, one string a word.

        image: Default: that of the training.

        cpu: CPU that is kept for it. Default: 1.

        memory: Memory that is kept for it, and its limit. Default: ``2Gi``.

        gpu: Accelerators for it. Default: none.

    See Also:
        https://jobset.sigs.k8s.io/docs/concepts/
    """

    name: str = required(check=dns_label)
    command: Sequence[str]
    image: str | Image | None = option(default=None, check=references.misreferred, kw_only=True)
    cpu: str | int = option(default="1", check=amount, kw_only=True)
    memory: str = option(default="2Gi", check=amount, kw_only=True)
    gpu: Gpu | None = attrs.field(default=None, kw_only=True)


@value
class Checkpoint:
    """
    Where a training saves its state, so that whatever starts it again goes on from there.

    The program finds the place in ``CHECKPOINT_DIR``, a folder that it makes itself or a URL. Below *to* it is
    ``<environment>/<id>``, whatever the Job is called: a changed training goes on, too.

    Args:
        to: A `Claim`, or a URL such as ``s3://bucket/checkpoints``.

        every: How often it saves, which ``CHECKPOINT_EVERY`` says in seconds. Default: as the program likes.

        run: A name for the run, as part of the place; another one begins anew. Default: none, and with *schedule*
            or *hook* one of each Job, so that each run begins anew.

        resume: Whether it goes on from the newest checkpoint that is there; ``RESUME_FROM`` is then ``latest``.
            Default: it does.

        metric: That of ``Watch(metrics=...)`` which tells when the last checkpoint was complete, as a Unix time in
            seconds. An alert then tells of a run that saves none. Default: none, and nobody is told.

        late_after: How old the last checkpoint is when that is told. Default: three times *every*.

    See Also:
        https://docs.pytorch.org/docs/stable/distributed.checkpoint.html
    """

    to: Claim | str = required(check=_place)
    every: timedelta | None = option(default=None, check=_length, kw_only=True)
    run: str | None = option(default=None, check=_run, kw_only=True)
    resume: bool = attrs.field(default=True, kw_only=True)
    metric: str | None = option(default=None, check=_metric, kw_only=True)
    late_after: timedelta | None = option(default=None, check=_length, kw_only=True)

    @property
    def late(self) -> timedelta | None:
        """How old the last checkpoint is when it is missed, or None where nothing says so."""
        if self.late_after is not None or self.every is None:
            return self.late_after
        return self.every * MISSED


@value
class Topology:
    """
    How near to each other the nodes of a training are.

    Args:
        key: The node label of which all have the same value, for example ``topology.kubernetes.io/zone``.

        required: Whether a pod rather waits than runs elsewhere. Default: it is preferred.

    See Also:
        https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
    """

    key: str = required(check=qualified_name)
    required: bool = attrs.field(default=False, kw_only=True)


@value
class Sweep:
    """
    A trial for each of many settings, by one Job: the file that ``SWEEP_ROW`` names has a trial's settings as JSON.

    Args:
        grid: The values of each setting; every combination is a trial.

        rows: Instead of *grid*: the settings of each trial.

        sample: Only so many combinations of *grid*, chosen at random by *seed*. Default: all.

        seed: Another one chooses others; the same one always chooses the same. Default: 0.

        parallel: How many trials run at once. Default: all.

        max_failed: How many trials may fail for good before the others are ended. Default: a fifth of them.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index
    """

    grid: Mapping[str, Sequence[Scalar]] | None = attrs.field(default=None, kw_only=True)
    rows: Sequence[Mapping[str, Scalar]] | None = attrs.field(default=None, kw_only=True)
    sample: int | None = attrs.field(default=None, kw_only=True)
    seed: int = attrs.field(default=0, kw_only=True)
    parallel: int | None = option(default=None, check=_one_at_least, kw_only=True)
    max_failed: int | None = option(default=None, check=_not_negative, kw_only=True)

    @property
    def combinations(self) -> int:
        """How many trials there are to choose from."""
        if self.grid is not None:
            return math.prod(len(values) for values in self.grid.values())
        return len(self.rows or ())

    @property
    def count(self) -> int:
        """How many trials there are."""
        return self.combinations if self.sample is None else self.sample

    @property
    def at_once(self) -> int:
        """How many trials run at once."""
        return self.count if self.parallel is None else min(self.parallel, self.count)

    @property
    def failures(self) -> int:
        """How many trials may fail."""
        return math.ceil(self.count / 5) if self.max_failed is None else self.max_failed

    def trials(self) -> list[dict[str, Scalar]]:
        """Return the settings of every trial."""
        if self.grid is None:
            return [dict(row) for row in self.rows or ()]
        numbers: Iterable[int] = range(self.combinations)
        if self.sample is not None:
            numbers = chosen(self.combinations, self.sample, self.seed)
        return [_combination(self.grid, number) for number in numbers]


def chosen(total: int, count: int, seed: int) -> list[int]:
    """
    Return *count* different numbers below *total*, the same for the same *seed* in every version of Python.

    Of ``random`` only ``random()`` is promised to stay as it is, so the shuffling is done here.
    """
    draw = random.Random(seed).random  # noqa: S311 # nothing that is secret
    moved: dict[int, int] = {}
    numbers: list[int] = []
    for place in range(count):
        other = place + int(draw() * (total - place))
        numbers.append(moved.get(other, other))
        moved[other] = moved.get(place, place)
    return numbers


def _combination(grid: Mapping[str, Sequence[Scalar]], number: int) -> dict[str, Scalar]:
    """Return one combination of *grid*, in which the last setting changes fastest."""
    row: dict[str, Scalar] = {}
    for name in reversed(list(grid)):
        number, place = divmod(number, len(grid[name]))
        row[name] = grid[name][place]
    return {name: row[name] for name in grid}
