"""The same objects for others, made from what modelyard renders so that nobody gets less to do."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import attrs
import yaml

from contest.fleets import SENTINEL, SENTINEL_PLACE, Place

CHART = "apiVersion: v2\nname: models\ndescription: The models of {what}.\nversion: 1.0.0\n"
EACH = ("{{- range $row := $.Values.rows }}\n---\n", "{{- end }}\n", "$.Values")
"""How a template loops over the workloads of one environment."""
ALL = (
    "{{- range $place := $.Values.places }}{{- range $row := $place.rows }}\n---\n",
    "{{- end }}{{- end }}\n",
    "$place",
)
"""How a template loops over the workloads of all environments."""
SHARED = re.compile(r"^ +(?:namespace: ml-\d\d|app\.kubernetes\.io/(?:part-of|managed-by): .*)\n", re.MULTILINE)
"""The lines that are the same in all of an environment, which a kustomization adds."""


def sentinels() -> dict[str, tuple[str, str]]:
    """Return each sentinel value with what it stands for, the longer before those that may be inside of them."""
    found = {SENTINEL_PLACE.namespace: ("place", "namespace"), SENTINEL_PLACE.name: ("place", "name")}
    found |= {str(value): ("row", key) for key, value in attrs.asdict(SENTINEL).items() if key != "image"}
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def write_chart(root: Path, rendered: Path, loop: tuple[str, str, str]) -> None:
    """
    Write a chart, a template a kind.

    Args:
        root: Of the chart.

        rendered: The folder of the files of the sentinel workload.

        loop: `EACH` for a release an environment, `ALL` for one release.
    """
    before, after, place = loop
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text(CHART.format(what="a fleet"), encoding="utf-8")
    for file in sorted(rendered.glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        for value, (scope, key) in sentinels().items():
            text = text.replace(value, f"{{{{ {place if scope == 'place' else '$row'}.{key} }}}}")
        (root / "templates" / file.name).write_text(f"{before}{text}{after}", encoding="utf-8")


def write_values(folder: Path, fleet: Sequence[Place]) -> None:
    """Write a file of values an environment into *folder*, and one of all of them."""
    folder.mkdir(parents=True)
    places = [attrs.asdict(place) for place in fleet]
    for name, values in [*((place["name"], place) for place in places), ("all", {"places": places})]:
        text = yaml.dump(values, Dumper=yaml.CSafeDumper, sort_keys=False)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def write_fleet(file: Path, rendered: Path, fleet: Sequence[Place]) -> None:
    """Write as JSON what the programs in ``programs/`` read: the rows, and the objects with sentinels in them."""
    manifests = [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in sorted(rendered.glob("*.yaml"))]
    data = {
        "places": [attrs.asdict(place) for place in fleet],
        "template": json.dumps(manifests),
        "sentinels": sentinels(),
    }
    file.write_text(json.dumps(data), encoding="utf-8")


def write_kustomizations(root: Path, dist: Path, fleet: Sequence[Place]) -> None:
    """
    Write a kustomization an environment: plain files, to which namespace and shared labels are added.

    Args:
        root: Of the kustomizations.

        dist: Where modelyard has rendered *fleet*.

        fleet: Its environments.
    """
    for place in fleet:
        folder = root / place.name
        folder.mkdir(parents=True)
        resources = []
        for file in sorted((dist / place.name).rglob("*.yaml")):
            resources.append(f"{file.parent.name}-{file.name}")
            text = SHARED.sub("", file.read_text(encoding="utf-8"))
            (folder / resources[-1]).write_text(text, encoding="utf-8")
        pairs = {"app.kubernetes.io/part-of": place.name, "app.kubernetes.io/managed-by": "modelyard"}
        kustomization = {
            "namespace": place.namespace,
            "labels": [{"pairs": pairs, "includeTemplates": True}],
            "resources": resources,
        }
        (folder / "kustomization.yaml").write_text(json.dumps(kustomization), encoding="utf-8")
