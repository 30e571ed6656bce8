"""Which line of Python an object comes from, and which objects come from a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from modelyard import trace
from modelyard.findings import Source, SynthesisError, UsageError
from modelyard.fleet import Environment
from modelyard.render.layout import BOOTSTRAP, DELIVERY
from modelyard.rules import Object
from modelyard.rules.kinds import INLINE
from modelyard.values.names import PROVENANCE


@attrs.frozen
class Place:
    """
    An object, and where it comes from.

    Args:
        path: Of its file, ``dist/...``.

        kind: Of the object.

        name: Of the object.

        workload: The environment, and the workload behind a slash where it is one's.

        source: The line, with those that called it; None where no line below the project's root did.
    """

    path: str
    kind: str
    name: str
    workload: str
    source: Source | None


def asked(one: Object, environment: Environment) -> Source | None:
    """Return the line that asked for *one*; of a foreign object the one that names it, or the environment's."""
    if one.source is not None:
        return one.source
    return trace.constant(environment.fleet.root / "environments", one.name) or environment.source


def origin(one: Object, environment: Environment) -> Source | None:
    """Return the line below the project's root that *one* comes from, and its callers there."""
    root, source = environment.fleet.root, asked(one, environment)
    if source is None:
        return None
    lines = [(file, line) for file, line in _lines(trace.relative(source, root)) if not Path(file).is_absolute()]
    return Source(*lines[0], tuple(lines[1:])) if lines else None


def _lines(source: Source) -> Iterator[tuple[str, int]]:
    yield source.file, source.line
    yield from source.via


def annotate(objects: Iterable[Object], environment: Environment) -> None:
    """Write the line that each of *objects* comes from on the object itself, and on nothing that it makes."""
    for one in objects:
        if one.kind == INLINE:
            continue  # KServe copies its annotations to the pods, which another line would replace then
        annotations = one.metadata.get("annotations") or {}
        if isinstance(annotations, dict) and (source := origin(one, environment)) is not None:
            one.metadata["annotations"] = {**annotations, PROVENANCE: str(source)}


def places(main: Path, what: str) -> list[Place]:
    """
    Return the objects that *what* means: a file or folder of ``dist/``, a workload, or a line of Python.

    Args:
        main: The project's ``main.py``.

        what: For example ``dist/prod/api/service.yaml``, ``prod/api``, ``api`` in all environments, or
            ``environments/prod.py:12``.

    Raises:
        SynthesisError: There are findings of severity error.

        UsageError: Nothing is meant by it.
    """
    from modelyard.render.environment import build  # noqa: PLC0415 # starts Node
    from modelyard.render.load import load  # noqa: PLC0415
    from modelyard.render.objects import gather  # noqa: PLC0415

    fleet = load(main)
    wanted = what.removeprefix("./").rstrip("/")
    file, _, line = wanted.partition(":")
    steps = wanted.split("/")
    if steps[0] == "dist":
        if steps[1:2] == [BOOTSTRAP] and len(steps) > 2:  # noqa: PLR2004 # a file in it, made of these
            steps = ["dist", DELIVERY, steps[2].partition(".")[0]]
            wanted = "/".join(steps)
        steps = [one for one in steps[1:] if one != DELIVERY]
    only = [name for name in fleet.names if not file.endswith(".py") and steps[:1] == [name]]
    found: list[Place] = []
    for name in only or fleet.names:
        environment, findings = build(fleet, name)
        if environment is None or findings:
            raise SynthesisError(findings)
        gathered = gather(environment)
        if gathered.failed:
            raise SynthesisError(gathered.findings)
        for one in (*gathered.objects, *gathered.delivery):
            workload = f"{name}/{one.owner}" if one.owner else name
            place = Place(f"dist/{one.path}", one.kind, one.name, workload, origin(one, environment))
            if (
                _comes_from(place.source, file, line, fleet.root)
                if file.endswith(".py")
                else wanted == one.owner or any(f"{it}/".startswith(f"{wanted}/") for it in (workload, place.path))
            ):
                found.append(place)
    if not found:
        example = "dist/prod/api/service.yaml, prod/api or environments/prod.py:12"
        message = (
            f"nothing is rendered by that name: {what}; say a file of dist/, a workload or a line, as in {example}"
        )
        raise UsageError(message)
    return found


def _comes_from(source: Source | None, file: str, line: str, root: Path) -> bool:
    """Return whether *file*, at *line* where one is said, is where *source* is or was called from."""
    if source is None:
        return False
    return any(
        one == file and (not line or begin <= int(line) <= trace.end(root / file, begin))
        for one, begin in _lines(source)
        if not line or line.isdecimal()
    )
