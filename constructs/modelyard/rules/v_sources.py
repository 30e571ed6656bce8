"""V: where volumes, projected files and variables come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod

V21 = Rule(
    "V21",
    "A volume, a projected file and a variable come from one place.",
    why="The API server refuses the pod, or the object that makes pods of it.",
    fix="keep one of them",
    see="https://kubernetes.io/docs/concepts/storage/volumes/",
)

WITHOUT_SOURCE = frozenset({"name", "prefix"})


@V21.pods
def volumes(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Count the sources of every volume; one without any is an emptyDir."""
    for index, volume in enumerate(pod.volumes):
        at = pod.at(f"spec.volumes[{index}]")
        yield from _several(at, volume, "a volume")
        for inner, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            yield from _several(f"{at}.projected.sources[{inner}]", source, "a source of projected files")


@V21.containers
def variables(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Count the sources of variables."""
    for index, variable in enumerate(container.data.get("env") or ()):
        value = variable.get("valueFrom")
        if value is None:
            continue
        at = container.at(f"env[{index}].valueFrom")
        if variable.get("value"):
            yield V21.breach(at, None, "value is given too, and a variable has one of the two")
        yield from _one(at, value, "a variable")
    for index, origin in enumerate(container.data.get("envFrom") or ()):
        yield from _one(container.at(f"envFrom[{index}]"), origin, "a source of variables")


def _one(at: str, given: Mapping[str, Any], what: str) -> Iterator[Breach]:
    if _sources(given):
        yield from _several(at, given, what)
    else:
        yield V21.breach(at, None, f"{what} names the one that it is of", "add a reference to a ConfigMap or a Secret")


def _several(at: str, given: Mapping[str, Any], what: str) -> Iterator[Breach]:
    first, *more = _sources(given) or [""]
    for kind in more:
        yield V21.breach(f"{at}.{kind}", None, f"{first} is given too, and {what} has one source")


def _sources(given: Mapping[str, Any]) -> list[str]:
    return [key for key, source in given.items() if key not in WITHOUT_SOURCE and source is not None]
