#!/usr/bin/env python3
"""Measures modelyard against its goals, side by side with what others use; writes ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from contest import machine, page
from contest.contestants import (
    AGAIN,
    KUSTOMIZE,
    MODELYARD,
    Contestant,
    contestants,
    prepare_kustomize,
    prepare_shared,
)
from contest.equal import Content, content, difference, state
from contest.fleets import Place, places, write_project
from contest.measure import Command, RunError, Stage, run
from contest.results import LARGE, Results, Series
from contest.tools import REPOSITORY, ToolError, Tools, tools

ROUNDS = {600: 5, 6_000: 5, 60_000: 3}
COLD_ROUNDS = 9
LONGEST = 20 * 60
"""Seconds after which no new round is begun, so that a busy machine ends in time as well."""
APP = "import cdk8s; cdk8s.App()"
FAILED = 1


class WrongError(Exception):
    """A contestant rendered something else than it should."""


class Bench:
    """
    One run.

    Args:
        base: The scratch folder.

        programs: What is run.

        rounds: Number of objects to number of rounds.
    """

    def __init__(self, base: Path, programs: Tools, rounds: dict[int, int]) -> None:
        self.base, self.programs, self.rounds = base, programs, rounds
        self.deadline = time.monotonic() + LONGEST
        self.results = Results()
        self.environ = {
            "PATH": f"{programs.python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(base / "home"),
            "LC_ALL": "C.UTF-8",
            "JSII_NODE": str(programs.node),
        }
        if "PYTHONPATH" in os.environ:
            self.environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
        (base / "home").mkdir()

    def everything(self) -> None:
        """Measure all that there is to measure."""
        sentinel = prepare_shared(self.base)
        self._synth(sentinel)
        self.cold()
        for objects, rounds in self.rounds.items():
            self.fleet(objects, rounds)

    def _synth(self, project: Path, *, watch: bool = False) -> int:
        stages = [Stage(commands=[Command(argv=[str(self.programs.modelyard), "synth"], cwd=project)])]
        return run(stages, self.environ, limit=600, watch=watch).peak

    def cold(self) -> None:
        """Measure the synthesis of one small environment, and the start of cdk8s, in turns."""
        project = self.base / "cold"
        write_project(project, [Place(name="dev", namespace="ml-dev", rows=places(600)[0].rows[:1])])
        synth, app = Series(), Series()
        words = {
            True: [str(self.programs.modelyard), "synth"],
            False: [str(self.programs.python), "-c", APP],
        }
        for turn in range(COLD_ROUNDS + 1):
            for ours, series in ((True, synth), (False, app)):
                stages = [Stage(commands=[Command(argv=words[ours], cwd=project)])]
                outcome = run(stages, self.environ, limit=60, empty=[project / "dist", project / ".modelyard"])
                if turn:  # the first one only warms up
                    series.seconds.append(outcome.seconds)
        self.results.cold = synth, app
        _say(f"cold: {synth.median:.2f} s, cdk8s alone {app.median:.2f} s")

    def fleet(self, objects: int, rounds: int) -> None:
        """Measure a fleet of so many *objects*: a round that is checked instead of timed, then the timed ones."""
        everybody = contestants(self.base, objects, self.programs)
        crew = [one for one in everybody if objects <= one.largest]
        project = self.base / str(objects) / "project"
        peak = self._synth(project, watch=True)
        if objects == LARGE:
            self.results.peak = peak
        reference = content([project / "dist"], objects)
        if sum(reference.kinds.values()) != objects:
            message = f"modelyard rendered {reference.kinds} instead of {objects} objects"
            raise WrongError(message)
        if any(one.name == KUSTOMIZE for one in crew):
            prepare_kustomize(self.base / str(objects), objects)
        slow = self._check(crew, objects, reference)
        series = {one.name: Series() for one in crew}
        for turn in range(rounds):
            if turn and time.monotonic() > self.deadline:
                _say(f"{objects:,} objects: {turn} of {rounds} rounds, since the time is up")
                break
            for one in _in_turn(crew, turn):
                if turn < one.rounds and not (one.name in slow and turn):
                    self._measure(one, series[one.name], objects)
        self.results.series[objects] = series

    def _check(self, crew: list[Contestant], objects: int, reference: Content) -> set[str]:
        """Run everybody once, compare what they render, and return who does not end in time."""
        slow = set()
        for one in crew:
            _say(f"{objects:,} objects, checking: {one.name}")
            project = self.base / str(objects) / "project"
            before = state([project / "dist", project / ".modelyard"]) if one.silent else {}
            outcome = one.run(self.environ)
            if outcome.cut_off:
                slow.add(one.name)
                continue
            if one.silent and state([project / "dist", project / ".modelyard"]) != before:
                message = f"{objects:,} objects: {one.name} has written something"
                raise WrongError(message)
            if one.name != MODELYARD and (wrong := difference(reference, content(one.outputs, objects), same=one.same)):
                message = f"{objects:,} objects: {one.name} renders something else: {wrong}"
                raise WrongError(message)
        return slow

    def _measure(self, one: Contestant, series: Series, objects: int) -> None:
        outcome = one.run(self.environ)
        series.outcomes.append(outcome)
        series.seconds.append(outcome.seconds if outcome.cut_off else one.clock(outcome))
        _say(f"{objects:,} objects: {series.seconds[-1]:8.2f} s  {one.name}")


def _in_turn(crew: list[Contestant], turn: int) -> list[Contestant]:
    """Return *crew*, another one first in every turn; modelyard's second run stays behind its first."""
    pair = [one for one in crew if one.name in {MODELYARD, AGAIN}]
    others = [[one] for one in crew if one not in pair]
    groups = [pair, *others]
    start = turn % len(groups)
    return [one for group in groups[start:] + groups[:start] for one in group]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the benchmark that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--smoke", action="store_true", help="600 objects once: whether everything runs and renders the same"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=ROUNDS, help="only these fleets, and no page is written"
    )
    given = parser.parse_args()
    rounds = {600: 1} if given.smoke else {size: ROUNDS[size] for size in given.sizes or ROUNDS}
    load = os.getloadavg()[0]
    try:
        programs = tools()
        place, kind = machine.scratch()
        with tempfile.TemporaryDirectory(prefix="modelyard-bench-", dir=place) as folder:
            bench = Bench(Path(folder), programs, rounds)
            bench.everything()
    except (ToolError, RunError, WrongError) as error:
        _say(f"error: {error}")
        return FAILED
    for text in page.times(bench.results):
        print(f"\n{text}")
    print(f"\n{page.verdicts(bench.results)}")
    if not given.smoke and not given.sizes and "PYTHONPATH" not in os.environ:  # else it is not this checkout's
        text = page.page(
            bench.results, machine.facts(programs, kind, load), "make bench", f"a memory file system ({kind})"
        )
        (REPOSITORY / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
