"""The contestants: what each runs, what it leaves behind, and how far it is asked to go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from contest import chart, fleets
from contest.fleets import Place
from contest.measure import Command, Outcome, Stage, run
from contest.tools import HERE, Tools
from modelyard.schemas import export

CORES = os.cpu_count() or 1
FOREVER = 600.0
KUSTOMIZE_LIMIT = 120.0


def _wall(outcome: Outcome) -> float:
    return outcome.seconds


def _printed(outcome: Outcome) -> float:
    return float(outcome.said)


@attrs.frozen(kw_only=True)
class Contestant:
    """
    One way to render a fleet.

    Args:
        name: As tables say it.

        stages: What it runs.

        outputs: The files and folders that then hold the objects.

        empty: What is deleted before it starts. Default: *outputs*.

        largest: The most objects that it is asked for.

        rounds: At most so many timed rounds of one size.

        same: Whether its objects are exactly modelyard's, or only of the same kinds, names and size.

        silent: Whether it must not write anything.

        limit: Seconds after which it is ended.

        clock: What takes the time: the whole run, or the program itself.
    """

    name: str
    stages: Sequence[Stage]
    outputs: Sequence[Path]
    empty: Sequence[Path] | None = None
    largest: int = 60_000
    rounds: int = 9
    same: bool = True
    silent: bool = False
    limit: float = FOREVER
    clock: Callable[[Outcome], float] = _wall

    def run(self, environ: Mapping[str, str]) -> Outcome:
        """Clear up and run, once."""
        empty = self.outputs if self.empty is None else self.empty
        return run(self.stages, environ, limit=self.limit, empty=empty)


MODELYARD = "modelyard synth"
AGAIN = "modelyard synth, nothing changed"
HELM_ONE = "helm template (one call), then kubeconform"
HELM_EACH = "helm template (a call an environment), then kubeconform"
PLUS = "cdk8s-plus, its classes"
RAW = "cdk8s-plus, its generated API classes"
KUSTOMIZE = "kubectl kustomize (a call an environment)"
FLOOR = "PyYAML's C dumper alone"


def prepare_shared(base: Path) -> Path:
    """Write the schemas and the project of the sentinel workload below *base*; return the latter."""
    export(base / "schemas", fleets.KUBERNETES)
    fleets.write_project(base / "sentinel", [fleets.SENTINEL_PLACE])
    return base / "sentinel"


def contestants(base: Path, objects: int, tools: Tools) -> list[Contestant]:
    """
    Return the contestants for a fleet of so many *objects*, their inputs written.

    The two of modelyard come first, the second right behind the first.

    Args:
        base: The scratch folder, in which the sentinel workload is rendered already.

        objects: How many.

        tools: The programs.
    """
    root, fleet = base / str(objects), fleets.places(objects)
    rendered = base / "sentinel" / "dist" / fleets.SENTINEL_PLACE.name / fleets.SENTINEL.name
    fleets.write_project(root / "project", fleet)
    chart.write_chart(root / "chart-one", rendered, chart.ALL)
    chart.write_chart(root / "chart-each", rendered, chart.EACH)
    chart.write_values(root / "values", fleet)
    chart.write_fleet(root / "fleet.json", rendered, fleet)
    return [
        *_modelyard(root, tools),
        _helm(HELM_ONE, root, base / "schemas", tools, {"all": "chart-one"}),
        _helm(HELM_EACH, root, base / "schemas", tools, {place.name: "chart-each" for place in fleet}),
        _floor(root, tools),
        _cdk8s(RAW, "raw.py", root, tools, same=True),
        _cdk8s(PLUS, "plus.py", root, tools, same=False),
        _kustomize(root, fleet, tools),
    ]


def _modelyard(root: Path, tools: Tools) -> tuple[Contestant, Contestant]:
    project = root / "project"
    stages = [Stage(commands=[Command(argv=[str(tools.modelyard), "synth"], cwd=project)])]
    dist = [project / "dist"]
    return (
        Contestant(name=MODELYARD, stages=stages, outputs=dist, empty=[*dist, project / ".modelyard"]),
        Contestant(name=AGAIN, stages=stages, outputs=dist, empty=[], silent=True),
    )


def _helm(name: str, root: Path, schemas: Path, tools: Tools, charts: dict[str, str]) -> Contestant:
    out = root / "helm" / ("one" if len(charts) == 1 else "each")
    templates = [
        Command(
            argv=[
                str(tools.helm),
                "template",
                "models",
                str(root / folder),
                "-f",
                str(root / "values" / f"{values}.yaml"),
            ],
            cwd=root,
            stdout=out / f"{values}.yaml",
        )
        for values, folder in charts.items()
    ]
    location = f"{schemas / fleets.KUBERNETES}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json"
    words = [str(tools.kubeconform), "-strict", "-summary", "-schema-location", location, str(out)]
    check = Command(argv=words, cwd=root)
    stages = [Stage(commands=templates, at_once=CORES), Stage(commands=[check])]
    return Contestant(name=name, stages=stages, outputs=[out])


def _floor(root: Path, tools: Tools) -> Contestant:
    out = root / "floor"
    words = [str(tools.python), str(HERE / "programs" / "floor.py"), str(root / "fleet.json"), str(out), str(CORES)]
    stages = [Stage(commands=[Command(argv=words, cwd=root)])]
    return Contestant(name=FLOOR, stages=stages, outputs=[out], clock=_printed)


def _cdk8s(name: str, program: str, root: Path, tools: Tools, *, same: bool) -> Contestant:
    out = root / program.removesuffix(".py")
    # A file a resource takes them longer.
    words = [str(tools.python), str(HERE / "programs" / program), str(root / "fleet.json"), str(out), "FILE_PER_CHART"]
    stages = [Stage(commands=[Command(argv=words, cwd=root)])]
    return Contestant(name=name, stages=stages, outputs=[out], largest=6000, rounds=3, same=same)


def _kustomize(root: Path, fleet: Sequence[Place], tools: Tools) -> Contestant:
    out = root / "kustomize"
    commands = [
        Command(
            argv=[str(tools.kubectl), "kustomize", str(root / "kustomizations" / place.name)],
            cwd=root,
            stdout=out / f"{place.name}.yaml",
        )
        for place in fleet
    ]
    stages = [Stage(commands=commands, at_once=CORES)]
    return Contestant(name=KUSTOMIZE, stages=stages, outputs=[out], largest=6000, rounds=3, limit=KUSTOMIZE_LIMIT)


def prepare_kustomize(root: Path, objects: int) -> None:
    """Write the kustomizations, from what modelyard has rendered below *root*."""
    chart.write_kustomizations(root / "kustomizations", root / "project" / "dist", fleets.places(objects))
