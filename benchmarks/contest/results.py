"""What was measured, and what it says about the goals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import attrs

from contest.contestants import AGAIN, HELM_EACH, HELM_ONE, MODELYARD, PLUS, RAW
from contest.measure import Outcome

GIBI = 2**30
MIDDLE, LARGE = 6_000, 60_000
OF_HELM_MIDDLE, OF_HELM_LARGE = 0.7, 0.5
FASTER_THAN_CDK8S = 8
TEN_TIMES_THE_OBJECTS = 11
UNCHANGED = 0.8
COLD = 2


@attrs.define
class Series:
    """
    The rounds of one contestant on one fleet.

    Args:
        outcomes: Of every timed round.

        seconds: Of every timed round.
    """

    outcomes: list[Outcome] = attrs.field(factory=list)
    seconds: list[float] = attrs.field(factory=list)

    @property
    def cut_off(self) -> bool:
        """Whether the time limit ended a round."""
        return any(outcome.cut_off for outcome in self.outcomes)

    @property
    def median(self) -> float:
        """The median of the rounds, in seconds."""
        return median(self.seconds)

    @property
    def stages(self) -> list[float]:
        """The median of every stage, in seconds."""
        return [median(times) for times in zip(*(outcome.stages for outcome in self.outcomes), strict=True)]

    @property
    def spread(self) -> tuple[float, float]:
        """The fastest and the slowest round."""
        return min(self.seconds), max(self.seconds)


@attrs.define
class Results:
    """
    All of a run.

    Args:
        series: By number of objects, then by contestant.

        peak: The most memory that a process of modelyard had with the largest fleet, in bytes, if measured.

        cold: Seconds of a cold synth of one small environment, and of starting cdk8s.
    """

    series: dict[int, dict[str, Series]] = attrs.field(factory=dict)
    peak: int | None = None
    cold: tuple[Series, Series] | None = None


@attrs.frozen(kw_only=True)
class Goal:
    """
    A promise, and how it came out.

    Args:
        says: The promise.

        measured: What was measured, as text.

        met: Whether it is kept.
    """

    says: str
    measured: str
    met: bool


def goals(results: Results) -> list[Goal]:
    """Return the goals that *results* can tell about."""
    found = list(_against_others(results))
    middle, large = results.series.get(MIDDLE), results.series.get(LARGE)
    if middle and large:
        ratio = large[MODELYARD].median / middle[MODELYARD].median
        says = f"{LARGE:,} objects take at most {TEN_TIMES_THE_OBJECTS} times as long as {MIDDLE:,}"
        found.append(Goal(says=says, measured=f"{ratio:.1f}", met=ratio <= TEN_TIMES_THE_OBJECTS))
    for objects, series in results.series.items():
        ratio = series[AGAIN].median / series[MODELYARD].median
        says = f"{objects:,} objects, nothing changed: at most {UNCHANGED} of a full synth, and nothing is written"
        found.append(Goal(says=says, measured=f"{ratio:.2f}", met=ratio <= UNCHANGED))
    if results.peak is not None:
        says = f"{LARGE:,} objects: no process has more than 1 GiB of memory"
        found.append(Goal(says=says, measured=f"{results.peak / GIBI:.2f} GiB", met=results.peak < GIBI))
    if results.cold is not None:
        synth, app = results.cold
        ratio = synth.median / app.median
        measured = f"{ratio:.2f} ({synth.median:.2f} s to {app.median:.2f} s)"
        says = f"a cold synth of one small environment takes at most {COLD} times as long as starting cdk8s"
        found.append(Goal(says=says, measured=measured, met=ratio <= COLD))
    return found


def _against_others(results: Results) -> Iterator[Goal]:
    for objects, most in ((MIDDLE, OF_HELM_MIDDLE), (LARGE, OF_HELM_LARGE)):
        if series := results.series.get(objects):
            ratio = series[MODELYARD].median / _fastest(series, (HELM_ONE, HELM_EACH))
            says = f"{objects:,} objects: at most {most} of the time of helm template + kubeconform (the faster way)"
            yield Goal(says=says, measured=f"{ratio:.2f}", met=ratio <= most)
    if series := results.series.get(MIDDLE):
        for name in (PLUS, RAW):
            ratio = series[name].median / series[MODELYARD].median
            says = f"{MIDDLE:,} objects: at least {FASTER_THAN_CDK8S} times as fast as {name}"
            yield Goal(says=says, measured=f"{ratio:.1f}", met=ratio >= FASTER_THAN_CDK8S)


def _fastest(series: Mapping[str, Series], names: Sequence[str]) -> float:
    return min(series[name].median for name in names)
