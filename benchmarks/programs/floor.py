#!/usr/bin/env python3
"""
The floor: PyYAML's C dumper writes the fleet, an object a file, and does nothing else.

Called with the file of the fleet, the output folder and the number of processes. The clock, which
it prints, runs only while dicts become files.
"""

import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

import yaml


def objects(place: dict[str, Any], template: str, sentinels: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return the objects of one environment."""
    made: list[dict[str, Any]] = []
    for row in place["rows"]:
        text = template
        for sentinel, (scope, key) in sentinels.items():
            text = text.replace(sentinel, str({"place": place, "row": row}[scope][key]))
        made.extend(json.loads(text))
    return made


def work(share: list[dict[str, Any]], template: str, sentinels: dict[str, list[str]], outdir: Path) -> float:
    """Write the environments of *share* and return how long it took."""
    fleet = {place["name"]: objects(place, template, sentinels) for place in share}
    start = time.perf_counter()
    for place, manifests in fleet.items():
        folder = outdir / place
        folder.mkdir(parents=True)
        for manifest in manifests:
            name = f"{manifest['metadata']['name']}-{manifest['kind'].lower()}.yaml"
            with (folder / name).open("w", encoding="utf-8") as file:
                yaml.dump(manifest, file, Dumper=yaml.CSafeDumper, sort_keys=False)
    return time.perf_counter() - start


def main(fleet: Path, outdir: Path, count: int) -> None:
    """Share the environments out and print the seconds of the process that took longest."""
    data = json.loads(fleet.read_bytes())
    shares = [data["places"][index::count] for index in range(count)]
    words = [(share, data["template"], data["sentinels"], outdir) for share in shares]
    with multiprocessing.get_context("fork").Pool(count) as pool:
        print(max(pool.starmap(work, words)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
