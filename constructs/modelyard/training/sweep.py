"""A trial for each of many settings: the file with each trial's settings, and what tells a pod which is its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, EnvValue, FieldRef, Mount, manifest
from modelyard.training.options import Sweep
from modelyard.values.value import source_of

FOLDER = "/etc/sweep"
MOST_TRIALS = 10_000
"""So many rows of some hundred characters fill a ConfigMap."""
VARIABLES: dict[str, EnvValue] = {
    # The variable that the Job controller adds stands behind ours, where Kubernetes would not put it in.
    "SWEEP_TRIAL": FieldRef("metadata.annotations['batch.kubernetes.io/job-completion-index']"),
    "SWEEP_ROW": f"{FOLDER}/$(SWEEP_TRIAL).json",
}


def config_map(name: str, sweep: Sweep, labels: dict[str, str], site: Site) -> dict[str, Any]:
    """Return the ConfigMap that has a file for each trial of *name*."""
    rows = manifest("v1", "ConfigMap", rows_name(name), labels, site)
    rows["metadata"]["annotations"] = dict(KEPT)
    rows["immutable"] = True
    rows["data"] = {f"{index}.json": json.dumps(row, ensure_ascii=False) for index, row in enumerate(sweep.trials())}
    return rows


def rows_name(name: str) -> str:
    """Return the logical name of that ConfigMap."""
    return f"{name}-sweep"


def mount(name: str) -> Mount:
    """Return where the settings are mounted."""
    return "sweep", {"configMap": {"name": rows_name(name)}}, FOLDER, True


def breaches(sweep: Sweep) -> Iterator[Breach]:
    """Yield why *sweep* stands for no trials."""
    source = source_of(sweep)
    wrong = _shape(sweep) or _size(sweep)
    if wrong is not None:
        field, value, because, do = wrong
        yield Breach("X11", f"sweep.{field}", value, because, do, source)
    for field, first in _twice(sweep):
        because, do = (
            f"{first} is the same, and so would be a trial",
            "leave it away, or add what differs, such as a seed",
        )
        yield Breach("X11", f"sweep.{field}", None, because, do, source)
    for field, value in _numbers(sweep):
        if not math.isfinite(value):
            yield Breach("X11", field, str(value), "JSON has no such number", "write a number, or a string", source)


def _shape(sweep: Sweep) -> tuple[str, object, str, str] | None:
    if sweep.grid is None and sweep.rows is None:
        return "grid", None, "there is nothing to sweep over", 'write grid={"lr": [0.1, 0.01]}, or rows=[...]'
    if sweep.grid is not None and sweep.rows is not None:
        return "rows", None, "grid= is given too", "keep one of the two"
    for name, values in (sweep.grid or {}).items():
        if not values:
            return f"grid[{name!r}]", list(values), "a setting without values makes no trial", "list its values"
    if sweep.rows is not None and sweep.sample is not None:
        return "sample", sweep.sample, "it chooses from a grid, and rows= lists the trials", "leave it away"
    return None


def _size(sweep: Sweep) -> tuple[str, object, str, str] | None:
    total = sweep.combinations
    field = "rows" if sweep.grid is None else "grid"
    if not total or not (sweep.grid or sweep.rows):
        return field, None, "there is nothing to sweep over", "list at least one trial"
    if sweep.seed and sweep.sample is None:
        because = "it chooses a sample, and without sample= every one is a trial"
        return "seed", sweep.seed, because, "say how many it chooses by sample=, or leave it away"
    if sweep.sample is not None and not 1 <= sweep.sample <= total:
        return "sample", sweep.sample, f"the grid has {total} combinations", f"write 1 to {total}, or leave it away"
    if sweep.count > MOST_TRIALS:
        because = f"these are {sweep.count} trials, and a sweep has at most {MOST_TRIALS}"
        return "sample" if sweep.sample else field, None, because, "sample fewer, or split it"
    if sweep.max_failed is not None and sweep.max_failed > sweep.count:
        because = f"there are {sweep.count} trials, and at most all of them fail"
        return "max_failed", sweep.max_failed, because, f"lower it to at most {sweep.count}"
    return None


def _twice(sweep: Sweep) -> Iterator[tuple[str, str]]:
    """Yield what stands there again, and where it stands first; 1 is not 1.0, nor True, in a file of JSON."""
    lists = {f"grid[{name!r}]": values for name, values in (sweep.grid or {}).items()}
    for field, values in {**lists, "rows": sweep.rows or ()}.items():
        seen: dict[str, int] = {}
        for index, value in enumerate(values):
            first = seen.setdefault(json.dumps(value, sort_keys=True), index)
            if first != index:
                yield f"{field}[{index}]", f"{field}[{first}]"


def _numbers(sweep: Sweep) -> Iterator[tuple[str, float]]:
    for name, values in (sweep.grid or {}).items():
        for index, value in enumerate(values):
            if isinstance(value, float):
                yield f"sweep.grid[{name!r}][{index}]", value
    for index, row in enumerate(sweep.rows or ()):
        for name, value in row.items():
            if isinstance(value, float):
                yield f"sweep.rows[{index}][{name!r}]", value
