"""Asking a cluster what it would accept, by a dry run of the server's: kubectl is told nothing that changes a cluster."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.manifests import DIST
from tests.cluster.programs import ROOT

Manifest = dict[str, Any]
Done = subprocess.CompletedProcess[str]
DELIVERY = "dist/_delivery/"
STAND_IN = "default"
"""Where objects are tried whose own namespace the cluster does not have: every cluster has this one."""
UNSEEN = "namespace {} may not be looked at: its objects were tried in it as if it were there"
ASKING = 4
"""How many objects are asked about at a time: kubectl computes more than it waits."""
ERROR = re.compile(r"Error from server|error: |The \S+ \".*\" is invalid|unable to recognize|Unable to connect")
"""How what kubectl has to say of a refusal begins: before it come warnings, and what else the user's set-up prints."""
NOT_SERVED = re.compile(r'no matches for kind "(\w+)"')


@dataclass
class Kubectl:
    """
    The client of a cluster.

    Args:
        command: The program, and how it finds the cluster.

        settings: Environment variables for it; None keeps those of whoever runs the tests.
    """

    command: Sequence[str | Path]
    settings: Mapping[str, str] | None = None

    def version(self) -> Done:
        """Ask for the version of the cluster, to see that it answers."""
        return self._run("version", "--output=json")

    def phase(self, namespace: str) -> str | None:
        """Return the phase of *namespace*, empty if there is none, and None if it may not be looked at."""
        asked = self._run("get", "namespace", namespace, "--ignore-not-found", "--output=jsonpath={.status.phase}")
        return None if asked.returncode else asked.stdout

    def dry_run(self, manifests: Sequence[Manifest]) -> Done:
        """Ask the cluster whether it would accept *manifests*, all of which it looks at."""
        whole = {"apiVersion": "v1", "kind": "List", "items": manifests}
        return self._run(
            "apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=modelyard-dry-run",
            "--force-conflicts", "--filename=-", given=json.dumps(whole),
        )  # fmt: skip

    def _run(self, *words: str, given: str = "") -> Done:
        return subprocess.run(
            [*self.command, *words],
            input=given,
            capture_output=True,
            text=True,
            env=self.settings,
            timeout=300,
            check=False,
        )


@dataclass
class Answers:
    """
    What a cluster says of objects.

    Args:
        asked: How many it was asked about; those that are for another cluster are left out.

        refused: A line for each that it would refuse: file, kind, name and the server's reason.

        remarks: Where objects were tried, which were left out, and each warning once.
    """

    asked: int
    refused: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def lines(self, environment: str) -> list[str]:
        """Return what there is to say about *environment*, refusals apart."""
        accepted = self.asked - len(self.refused)
        return [f"{environment}, dry run: {accepted} of {self.asked} objects would be accepted", *self.remarks]


def of_environment(environment: str) -> dict[str, Manifest]:
    """Return every object of *environment* by its file in ``dist/``."""
    files = [path for folder in (DIST, DIST / "_delivery") for path in sorted((folder / environment).rglob("*.yaml"))]
    return {path.relative_to(ROOT).as_posix(): yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def ask(kubectl: Kubectl, objects: Mapping[str, Manifest]) -> Answers:
    """Ask the cluster about *objects*, by file: all at once, and where there is more to say than yes, one by one."""
    namespaces = {one["metadata"]["namespace"] for one in objects.values() if "namespace" in one["metadata"]}
    phases = {name: kubectl.phase(name) for name in sorted(namespaces)}
    missing = {name: phase or "not there" for name, phase in phases.items() if phase not in ("Active", None)}
    moved = {path: _moved(one, missing) for path, one in objects.items()}
    remarks = [f"  namespace {name} is {how}: its objects were tried in {STAND_IN}" for name, how in missing.items()]
    remarks.extend(f"  {UNSEEN.format(name)}" for name, phase in phases.items() if phase is None)

    whole = kubectl.dry_run([*moved.values()])
    if whole.returncode == 0 and not whole.stderr:
        return Answers(len(objects), remarks=remarks)

    with ThreadPoolExecutor(ASKING) as pool:
        each = dict(zip(moved, pool.map(lambda one: kubectl.dry_run([one]), moved.values()), strict=True))
    answers = Answers(len(objects), remarks=remarks)
    elsewhere: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for path, done in each.items():
        before, reason = _split(done)
        for line in before:
            said.setdefault(line, []).append(_name(objects[path]))
        unknown = NOT_SERVED.search(reason)
        if unknown and path.startswith(DELIVERY):
            elsewhere[path] = unknown[1]
        elif done.returncode:
            answers.refused.append(f"{path}: {_name(objects[path])}: {reason}")
    answers.asked -= len(elsewhere)
    remarks.extend(_left_out(elsewhere))
    remarks.extend(f"  {line} ({_some(names)})" for line, names in said.items())
    return answers


def _split(done: Done) -> tuple[list[str], str]:
    """Return what kubectl said by the way, line by line, and why it ended with an error, in one line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if not done.returncode:
        return lines, ""
    start = next((index for index, line in enumerate(lines) if ERROR.match(line)), 0)
    return lines[:start], " ".join(lines[start:])


def _left_out(elsewhere: Mapping[str, str]) -> Iterator[str]:
    if elsewhere:
        kinds = " and ".join(sorted({*elsewhere.values()}))
        yield f"  {len(elsewhere)} of {DELIVERY} left out, for want of {kinds}: they are for the controller's cluster"


def _some(names: Sequence[str]) -> str:
    others = len(names) - 1
    return names[0] if not others else f"{names[0]} and {others} more"


def _name(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {'/'.join(metadata[key] for key in ('namespace', 'name') if key in metadata)}"


def _moved(manifest: Manifest, missing: Mapping[str, str]) -> Manifest:
    """Return *manifest* in a namespace that exists."""
    metadata = manifest["metadata"]
    if metadata.get("namespace") not in missing:
        return manifest
    return {**manifest, "metadata": {**metadata, "namespace": STAND_IN}}
