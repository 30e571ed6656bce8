"""The results as text: for the terminal, and as ``docs/benchmarks.md``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contest.contestants import MODELYARD
from contest.fleets import ENVIRONMENTS
from contest.results import Results, Series, goals

HEAD = """\
# How fast it is

Written by `{command}`; do not edit. The goals are those of the project; none of them is a test,
since other work on a machine changes times. Medians of several rounds, the contestants taking turns
in every round, files on {place}.

Every fleet has {environments} environments. A workload is a Deployment, a Service, a HorizontalPodAutoscaler,
a PodDisruptionBudget, a ServiceAccount and a NetworkPolicy. The chart, the kustomizations and the dumper's dicts are
derived from modelyard's own output; two programs say the same with cdk8s. What everybody renders is compared with that
output: object by object in the smallest fleet, kind by kind in the others. The classes of cdk8s-plus fill in defaults
of their own, so there kinds, names and size are compared. `modelyard synth` checks schemas and rules in the same time;
Helm's output is checked by kubeconform against the same schemas; cdk8s, kustomize and the dumper check nothing.
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* as a Markdown table that is also readable as text; columns behind the first align right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    ruler = "|".join("-" * (width + 2) if not index else "-" * (width + 1) + ":" for index, width in enumerate(widths))
    return "\n".join([line(head), f"|{ruler}|", *(line(row) for row in rows)])


def times(results: Results) -> Iterator[str]:
    """Yield a table a fleet."""
    for objects, series in results.series.items():
        ours = series[MODELYARD].median
        rows = [_row(name, one, ours) for name, one in series.items()]
        yield f"{objects:,} objects\n\n" + table(
            ["", "seconds", "fastest to slowest", "rounds", "to modelyard's"], rows
        )


def _row(name: str, series: Series, ours: float) -> list[str]:
    if series.cut_off:
        limit = max(series.seconds)
        return [name, f"> {limit:.0f}", "", str(len(series.seconds)), f"> {limit / ours:.0f}"]
    told = f"{series.median:.2f}"
    if len(series.stages) > 1:
        told = f"{' + '.join(f'{one:.2f}' for one in series.stages)} = {told}"
    least, most = series.spread
    return [name, told, f"{least:.2f} to {most:.2f}", str(len(series.seconds)), f"{series.median / ours:.2f}"]


def verdicts(results: Results) -> str:
    """Return the table of the goals."""
    rows = [[one.says, one.measured, "met" if one.met else "NOT MET"] for one in goals(results)]
    return table(["goal", "measured", "verdict"], rows)


def page(results: Results, facts: Sequence[tuple[str, str]], command: str, place: str) -> str:
    """Return ``docs/benchmarks.md``."""
    parts = [
        HEAD.format(command=command, place=place, environments=ENVIRONMENTS),
        "## Goals\n",
        verdicts(results) + "\n",
    ]
    parts.extend(f"## {text}\n" for text in times(results))
    parts.append("## Machine\n")
    parts.append(table(["what", "which"], [list(fact) for fact in facts]) + "\n")
    return "\n".join(parts)
