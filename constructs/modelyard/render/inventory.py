"""The inventory of an environment: what was rendered for it, where, and with which content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from modelyard.findings import UsageError
from modelyard.images import CONFLICT, CONFLICTED, resolve
from modelyard.render.layout import BOOTSTRAP, DELIVERY, INVENTORY, inventory_path

FORMAT = 1
_json = json.JSONEncoder(ensure_ascii=False).encode


@attrs.frozen
class Entry:
    """
    One rendered object.

    Args:
        path: Below ``dist/``.

        sha256: Of the file's bytes, in hexadecimal digits.

        identity: API version, kind, namespace and name, as people write them; empty for a file that is no object.

        owner: The workload, or empty for what belongs to the environment.

        cluster: Where it lives, if the delivery says so; empty for a cluster that the fleet does not know.
            Default: nobody says so, and it is the environment's.
    """

    path: str
    sha256: str
    identity: str
    owner: str
    cluster: str | None = None


@attrs.frozen
class Inventory:
    """
    Everything that was rendered for one environment.

    Args:
        environment: Its name.

        cluster: The cluster's name.

        entries: Path to entry.

        destination: What a controller in another cluster calls that one. Default: it is brought from within.
    """

    environment: str
    cluster: str
    entries: Mapping[str, Entry]
    destination: str = ""

    def text(self) -> str:
        """Return the inventory as JSON, an object a line, so that git merges it line by line."""
        lines = [_line(one) for one in sorted(self.entries.values(), key=lambda one: one.path)]
        head = json.dumps(
            {"format": FORMAT, "environment": self.environment, "cluster": self.cluster}
            | ({"destination": self.destination} if self.destination else {}),
            ensure_ascii=False,
        )
        joined = ",\n  ".join(lines)
        return f'{head[:-1]}, "files": [\n  {joined}\n]}}\n' if lines else f'{head[:-1]}, "files": []}}\n'


def _line(one: Entry) -> str:
    line = (
        f'{{"path": {_json(one.path)}, "sha256": {_json(one.sha256)}, "object": {_json(one.identity)},'
        f' "workload": {_json(one.owner)}'
    )
    return f'{line}, "cluster": {_json(one.cluster)}}}' if one.cluster is not None else f"{line}}}"


def empty(environment: str) -> Inventory:
    """Return the inventory of an environment that was never rendered."""
    return Inventory(environment, "", {})


def read(dist: Path, environment: str) -> Inventory:
    """
    Return the inventory of *environment* below *dist*; none is an empty one.

    Raises:
        UsageError: The file is damaged, for example by a merge.
    """
    path = dist / inventory_path(environment)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return empty(environment)
    except OSError:
        data = b""
    found = parsed(data, environment)
    if found is None:
        if CONFLICT.search(data.decode("utf-8", "replace")):
            message = f"{path}: {CONFLICTED}; {resolve(environment)}"
            raise UsageError(message)
        message = (
            f"{path.name} in {path.parent} is not the inventory that modelyard wrote for {environment}; it tells which "
            "files are generated: restore it with git, delete it if it is a copy, "
            f"or delete it together with the files of {environment} and run modelyard synth"
        )
        raise UsageError(message)
    return found


def parsed(data: bytes, environment: str) -> Inventory | None:
    """Return the inventory that *data* holds, or None where it is damaged, or not that of *environment*."""
    try:
        read = json.loads(data)
        entries = [
            Entry(one["path"], one["sha256"], one["object"], one["workload"], one.get("cluster"))
            for one in read["files"]
        ]
        destination = str(read.get("destination", ""))
        found = Inventory(str(read["environment"]), str(read["cluster"]), by_path(entries), destination)
    except (ValueError, KeyError, TypeError):
        return None
    # Of a copy of another environment's, that one's files would be removed.
    ours = found.environment == environment and all(belongs(one, environment) for one in found.entries)
    return found if ours else None


def belongs(path: str, environment: str) -> bool:
    """Return whether the file at *path* below ``dist/`` is one that is rendered for *environment*."""
    folders = (f"{environment}/", f"{DELIVERY}/{environment}/", f"{BOOTSTRAP}/{environment}.")
    return path.startswith(folders) and ".." not in path.split("/")


def names(dist: Path) -> list[str]:
    """Return the environments that have an inventory below *dist*."""
    folder = dist / INVENTORY
    return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []


def by_path(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return *entries* by their path."""
    return {one.path: one for one in entries}
