"""Reading and writing ``environments/<environment>.lock.yaml``."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import yaml
from yaml.constructor import SafeConstructor
from yaml.error import MarkedYAMLError

from modelyard.findings import ModelyardError, shown
from modelyard.values import image as references
from modelyard.values.image import Image
from modelyard.values.names import dns_label

HEADER = """\
# The images of this environment. Written by `modelyard images`; a bot may change tag and digest.
"""
GENERATIONS_HEADER = """\
# What was rendered before and is kept, newest first. Written by `modelyard synth`; take out what nobody needs any more.
"""
FIELDS = ("repository", "tag", "digest")
TEXT = "tag:yaml.org,2002:str"
PARTS = ("images", "generations")
CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
CONFLICTED = "git left a conflict here that is not resolved"
GENERATIONS = re.compile(r"""["']?generations["']?\s*:""")


class LockError(ModelyardError):
    """
    Raised when a lock file does not say what a lock file says.

    Args:
        path: The file.

        line: Counted from 1.

        because: The rule that is broken.

        do: How to mend it. Default: "mend the file".
    """

    def __init__(self, path: Path, line: int, because: str, do: str = "") -> None:
        super().__init__(f"{path}:{line}: {because}" + (f"; {do}" if do else ""))
        self.path, self.line, self.because, self.do = path, line, because, do or "mend the file"


@attrs.frozen
class Former:
    """
    An object that was rendered before.

    Args:
        manifest: As it was.

        line: Where it begins in the lock file. Default: nowhere yet.
    """

    manifest: dict[str, Any]
    line: int = attrs.field(default=1, eq=False)


@attrs.frozen
class Lock:
    """
    What one environment's lock file says.

    Args:
        images: The image that each name stands for.

        generations: What is kept of each workload's former objects, newest first.

        whole: The names whose image stands on one line, as one reference, for a bot that writes it so.
    """

    images: Mapping[str, Image] = attrs.field(factory=dict)
    generations: Mapping[str, Sequence[Former]] = attrs.field(factory=dict)
    whole: frozenset[str] = frozenset()


def lock_path(root: Path, environment: str) -> Path:
    """Return where the lock file of *environment* lies in the project at *root*."""
    return root / "environments" / f"{environment}.lock.yaml"


def resolve(environment: str) -> str:
    """Return what to do where two branches conflict in what is generated for *environment*."""
    return (
        "take what the main branch has, pin images of yours again, and run modelyard synth: "
        f"git restore --source=origin/main --staged --worktree dist environments/{environment}.lock.yaml"
    )


def read(path: Path) -> Lock:
    """
    Return what the lock file at *path* says; a file that is not there says nothing.

    Raises:
        LockError: The file is no YAML mapping of this form, or names something twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(path, 1, f"the file cannot be read: {error}") from None
    return parse(path, text)


def parse(path: Path, text: str) -> Lock:
    """
    Return what *text*, which stands in the lock file at *path*, says.

    Raises:
        LockError: It is no YAML mapping of this form, or names something twice.
    """
    if conflict := CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise LockError(path, line, CONFLICTED, resolve(path.name.removesuffix(".lock.yaml")))
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _malformed(path, error) from None
    if node is None:
        return Lock()
    entries = _entries(path, node, "the file")
    if unknown := sorted(set(entries) - set(PARTS)):
        raise LockError(
            path,
            _line(entries[unknown[0]]),
            f"{unknown[0]!r} is not a part of a lock file; its parts are {' and '.join(PARTS)}",
        )
    images = _entries(path, entries["images"], "'images'") if "images" in entries else {}
    generations = _entries(path, entries["generations"], "'generations'") if "generations" in entries else {}
    return Lock(
        {name: _image(path, name, inner) for name, inner in images.items()},
        {name: _formers(path, name, inner) for name, inner in generations.items()},
        frozenset(name for name, inner in images.items() if isinstance(inner, yaml.ScalarNode)),
    )


def _malformed(path: Path, error: yaml.YAMLError) -> LockError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "this is no YAML"
    if problem.startswith("but "):
        problem = f"{error.context} {problem}" if isinstance(error, MarkedYAMLError) else problem
    return LockError(path, mark.line + 1 if mark else 1, problem)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _entries(path: Path, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise LockError(path, _line(node), f"{what} must be a mapping")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value in found:
            raise LockError(path, _line(key), f"{key.value!r} stands here a second time")
        found[key.value] = value
    return found


def _image(path: Path, name: str, node: yaml.Node) -> Image:
    if broken := dns_label(name):
        raise LockError(path, _line(node), f"the image name {shown(name)} is no name: {broken}")
    if isinstance(node, yaml.ScalarNode) and node.value:
        if node.tag != TEXT:
            because = f"image {name!r} is {shown(node.value)}, which YAML reads as no text: write the whole reference"
            raise LockError(path, _line(node), because)
        return _sound(path, name, node, references.parse(str(node.value)))
    entries = _entries(path, node, f"image {name!r}")
    for field, inner in entries.items():
        if field not in FIELDS:
            raise LockError(
                path,
                _line(inner),
                f"image {name!r} has no field {field!r}; its fields are {', '.join(FIELDS)}",
            )
        if not isinstance(inner, yaml.ScalarNode):
            raise LockError(path, _line(inner), f"image {name!r}: {field} must be a string")
    if "repository" not in entries:
        raise LockError(path, _line(node), f"image {name!r} has no repository")
    image = Image(*(str(entries[field].value) if field in entries else None for field in FIELDS))  # type: ignore[arg-type]
    return _sound(path, name, node, image)


def _sound(path: Path, name: str, node: yaml.Node, image: Image) -> Image:
    if broken := references.broken(image):
        raise LockError(path, _line(node), f"image {name!r} is {shown(image.reference)}, but {broken}")
    return image


def _formers(path: Path, name: str, node: yaml.Node) -> tuple[Former, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise LockError(path, _line(node), f"the generations of {shown(name)} must be a list of manifests")
    return tuple(_former(path, name, inner) for inner in node.value)


def _former(path: Path, name: str, node: yaml.Node) -> Former:
    try:
        manifest = SafeConstructor().construct_document(node)
    except yaml.YAMLError as error:
        raise _malformed(path, error) from None
    if not isinstance(manifest, dict):
        raise LockError(path, _line(node), f"the generations of {shown(name)} must be a list of manifests")
    return Former(manifest, _line(node))


def write(path: Path, lock: Lock) -> None:
    """Replace the lock file at *path*, in one step, by what *lock* says."""
    replace(path, _text(lock))


def _text(lock: Lock) -> str:
    images = {
        name: image.reference
        if name in lock.whole
        else {field: text for field in FIELDS if (text := getattr(image, field)) is not None}
        for name, image in sorted(lock.images.items())
    }
    return HEADER + _dump({"images": images}) + _generations(lock)


def _generations(lock: Lock) -> str:
    kept = {name: [one.manifest for one in formers] for name, formers in sorted(lock.generations.items()) if formers}
    return GENERATIONS_HEADER + _dump({"generations": kept}) if kept else ""


def _dump(document: dict[str, object]) -> str:
    from modelyard.exact_yaml import dump  # noqa: PLC0415 # not needed to read a lock file

    return dump(document)


def rewritten(path: Path, lock: Lock) -> str:
    """Return the text of the lock file at *path* with the generations of *lock*, every other line as it is."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _generations(lock)
    others: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.startswith((" ", "- ")):
            inside = bool(GENERATIONS.match(line))
        if not inside and line != GENERATIONS_HEADER:
            others.append(line)
    body = "".join(others)
    whole = f"{body}{'' if not body or body.endswith(chr(10)) else chr(10)}{_generations(lock)}"
    try:
        if parse(path, whole) == lock:
            return whole
    except LockError:
        pass  # it was written another way, all on one line for instance
    return _text(lock)


def replace(path: Path, text: str) -> None:
    """Let *text* be what stands in the lock file at *path*, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
