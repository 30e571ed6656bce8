"""V: what is secret stays out of git."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.exact_yaml import dotted
from modelyard.findings import Breach
from modelyard.rules.kinds import INLINE, POD_PATHS, RAY, SEVERAL_PODS
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.values.credentials import credential, credential_by_name
from modelyard.values.depth import too_deep

GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"

V18 = Rule(
    "V18",
    "No token, password or private key stands in a manifest.",
    why=(
        "Everybody who can read the repository has it, for ever: deleting it later leaves it in git's history, in"
        " every clone, in the logs of CI and in the annotations of the objects."
    ),
    fix="revoke it, put a new one into a Secret that is made outside git, and refer to that with SecretKey(...)",
    see=GOOD_PRACTICES,
    acceptable=True,
)
V19 = Rule(
    "V19",
    "No Secret is rendered with its values.",
    why="Base64 is no encryption: dist/ lies in git, and everybody who reads it has the secret.",
    fix="render an ExternalSecret or a SealedSecret that makes the Secret, and refer to it by its name",
    see=GOOD_PRACTICES,
    acceptable=True,
)

LOOKED_INTO = frozenset({*POD_PATHS, *SEVERAL_PODS}) | {
    "ConfigMap", "HorizontalPodAutoscaler", "Ingress", "Namespace", "NetworkPolicy", "PersistentVolumeClaim",
    "PodDisruptionBudget", "Secret", "Service", "ServiceAccount",
}  # fmt: skip
"""Kinds whose every field for free text is known; of others all is read."""
TEMPLATES = frozenset({"template", "submitterPodTemplate"})
"""Fields of Ray's kinds that hold pods, which are looked at as such."""
LISTED = re.compile(r"import os; words = (\[.*\]); os\.execvp")
ENCRYPTED = "ENC["
"""How values start that SOPS has encrypted."""


@V18.objects("*")
def plain(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for credentials in annotations, and in objects of kinds that are not known field by field."""
    if annotations := one.metadata.get("annotations"):
        yield from _annotations(annotations, "metadata.annotations")
    if one.kind not in LOOKED_INTO and not (one.kind == INLINE and one.pods):
        for path, text in _texts({key: part for key, part in one.data.items() if key != "metadata"}, ()):
            if words := credential(text):
                yield _breach(dotted(path), words)


@V18.objects(*RAY)
def outside_pods(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for credentials in what Ray is told outside its pods, such as the command line of a RayJob."""
    for path, text in _texts({key: part for key, part in one.data.items() if key != "metadata"}, ()):
        if path == ("spec", "entrypoint"):
            yield from (attrs.evolve(found, field=dotted(path)) for found in _line(_words(text), ""))
        elif not TEMPLATES.intersection(path) and (words := credential(text)):
            yield _breach(dotted(path), words)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:
        return line.split()
    return [inner for word in words for inner in _listed(word)]


def _listed(word: str) -> list[str]:
    """Return the words of the program that a RayJob of a training starts them by, or *word* where it is none."""
    found = LISTED.match(word)
    try:
        listed = ast.parse(found[1], mode="eval").body if found else None
    except (SyntaxError, ValueError, RecursionError):
        listed = None
    return [_said(one) for one in listed.elts] if isinstance(listed, ast.List) else [word]


def _said(part: ast.expr) -> str:
    """Return the text of *part*, with what is read where it runs as a reference."""
    if isinstance(part, ast.BinOp):
        return _said(part.left) + _said(part.right)
    if isinstance(part, ast.Call) and part.args and isinstance(number := part.args[0], ast.Constant):
        return chr(number.value) if isinstance(number.value, int) and 0 <= number.value < 128 else ""  # noqa: PLR2004 # ASCII
    return f"$({_said(part.slice)})" if isinstance(part, ast.Subscript) else str(getattr(part, "value", ""))


@V18.objects("ConfigMap")
def configuration(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for credentials in files and values of a ConfigMap, such as the settings of the trials of a sweep."""
    told: set[str] = set()
    for key, text in (one.data.get("data") or {}).items():
        if words := credential(text) or credential_by_name(key, text):
            yield _breach(f"data[{key!r}]", words)
        elif key.endswith(".json"):
            for name, words in _settings(text):
                if name not in told:  # the trials of a sweep have the same settings
                    told.add(name)
                    yield _breach(f"data[{key!r}]", f"{words} ({name})")


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names in a file of JSON whose values are credentials, and what these are."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return
    if too_deep(parsed):
        return
    for path, value in _texts(parsed, ()):
        name = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        if words := credential_by_name(name, value):
            yield name, words


@V18.pods
def annotated(pod: Pod, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for credentials in the annotations of pods, and in what their volumes tell to drivers."""
    if pod.path and (annotations := pod.metadata.get("annotations")):
        yield from _annotations(annotations, pod.at("metadata.annotations"))
    for index, volume in enumerate(pod.volumes):
        for key, text in ((volume.get("csi") or {}).get("volumeAttributes") or {}).items():
            if words := credential(text) or credential_by_name(key, text):
                yield _breach(pod.at(f"spec.volumes[{index}].csi.volumeAttributes[{key!r}]"), words)


@V18.containers
def started(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for credentials in variables, command and arguments."""
    for index, variable in enumerate(container.data.get("env") or ()):
        text = variable.get("value")
        if text and (words := credential(text) or credential_by_name(variable["name"], text)):
            # By its name, since a number says little about twenty variables.
            yield _breach(container.at(f"env[{index}].value"), f"{words} ({variable['name']})")
    for field in ("command", "args"):
        if line := container.data.get(field):
            yield from _line(line, container.at(field))


def _line(line: Sequence[str], path: str) -> Iterator[Breach]:
    for index, word in enumerate(line):
        words = credential(word)
        if words is None and index and line[index - 1].startswith("--"):
            words = credential_by_name(line[index - 1], word)
        if words is None and word.startswith("--") and "=" in word:
            words = credential_by_name(*word.split("=", 1))
        if words:
            yield _breach(f"{path}[{index}]", words)


def _annotations(annotations: Mapping[str, str], path: str) -> Iterator[Breach]:
    for key, text in annotations.items():
        if words := credential(text):
            yield _breach(f"{path}[{key!r}]", words)


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def _breach(field: str, words: str) -> Breach:
    return V18.breach(field, None, f"it looks like {words}, which everybody who reads the repository could use")


@V19.objects("Secret")
def values(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look for values in Secrets."""
    for field in ("data", "stringData"):
        found: Mapping[str, str] = one.data.get(field) or {}
        count = sum(not str(value).startswith(ENCRYPTED) for value in found.values())
        if count:
            because = f"it holds {count} value{'s' * (count > 1)} that everybody who reads the repository could use"
            yield V19.breach(field, None, because)
