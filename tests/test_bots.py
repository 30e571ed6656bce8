"""What docs/images.md shows of bots: their patterns and paths meet the lock file as modelyard writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard import Image
from modelyard.images import Former, Lock, lock_path, read, write

PAGE = Path(__file__).resolve().parent.parent / "docs" / "images.md"
OLD, NEW, OTHER = ("sha256:" + digit * 64 for digit in "123")
MANIFEST = {"kind": "ConfigMap", "metadata": {"name": "a-12345678"}, "data": {"tag": "1", "digest": OLD}}
LOCK = Lock(
    {
        "app": Image("registry.example/app", "1", OLD),
        "sentiment": Image("registry.example/sentiment", "1.10", OLD),
        "vllm": Image("registry.example/vllm", "v0.18.0", OTHER),
    },
    {"app": (Former(MANIFEST),)},
)


def block(title: str) -> str:
    """Return the block of the page that shows the file *title*."""
    text = PAGE.read_text(encoding="utf-8")
    (found,) = re.findall(rf'^```\w+ title="{re.escape(title)}"\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = lock_path(tmp_path, "prod")
    write(path, LOCK)
    return path


def manager() -> dict[str, Any]:
    """Return the custom manager that the page gives to Renovate."""
    (found,) = json.loads(block("renovate.json"))["customManagers"]
    return dict(found)


def pattern() -> re.Pattern[str]:
    """Return its pattern; Python spells the names of groups in another way."""
    (found,) = manager()["matchStrings"]
    return re.compile(found.replace("(?<", "(?P<"))


def test_renovate_finds_the_images(path: Path) -> None:
    """Each with repository, tag and digest, and nothing in what is kept of former objects."""
    found = [tuple(match.groupdict().values()) for match in pattern().finditer(path.read_text())]

    assert found == [(image.repository, image.tag, image.digest) for image in LOCK.images.values()]


def test_renovate_looks_into_lock_files_alone() -> None:
    """The pattern between slashes is a regular expression, as Renovate takes it."""
    (found,) = manager()["managerFilePatterns"]
    files = ["environments/prod.lock.yaml", "dist/prod/a/deployment.yaml", "environments/a/b.lock.yaml", "Pipfile.lock"]

    assert (found[0], found[-1]) == ("/", "/")
    assert [file for file in files if re.search(found[1:-1], file)] == ["environments/prod.lock.yaml"]
    assert json.loads(block("renovate.json"))["ignorePaths"] == ["dist/**"]


def test_renovate_writes_one_image_and_nothing_else(path: Path) -> None:
    """Also where the old tag is part of repository and digests; what it writes is what modelyard writes."""
    template = manager()["autoReplaceStringTemplate"]
    text = path.read_text()
    (match,) = [one for one in pattern().finditer(text) if one["depName"] == "registry.example/app"]
    values = {"depName": match["depName"], "newValue": "2", "newDigest": NEW}
    made = re.sub(r"\{\{\{(\w+)\}\}\}", lambda one: values[one[1]], template)
    path.write_text(text[: match.start()] + made + text[match.end() :])

    expected = Lock({**LOCK.images, "app": Image("registry.example/app", "2", NEW)}, LOCK.generations)
    assert read(path) == expected
    write(path.with_name("again"), expected)
    assert path.read_text() == path.with_name("again").read_text()


def test_what_renovate_runs_is_allowed_by_what_the_page_says() -> None:
    """The pattern for allowedCommands meets the command."""
    (rule,) = json.loads(block("renovate.json"))["packageRules"]
    (allowed,) = re.findall(r"`allowedCommands` has `([^`]+)`", PAGE.read_text(encoding="utf-8"))

    assert rule["matchManagers"] == ["custom.regex"]
    assert [command for command in rule["postUpgradeTasks"]["commands"] if not re.search(allowed, command)] == []


def updated(text: str, key: str, value: str) -> str:
    """Do what Kargo's yaml-update does: put *value* where a scalar begins, up to the end of its line."""
    node: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    for part in key.split("."):
        node = {name.value: inner for name, inner in node.value}[part]
    assert isinstance(node, yaml.ScalarNode)
    lines = text.split("\n")
    line, column = node.start_mark.line, node.start_mark.column
    lines[line] = lines[line][:column] + (json.dumps(value) if is_number(value) else value)
    return "\n".join(lines)


def is_number(text: str) -> bool:
    """Return whether Kargo quotes *text*."""
    try:
        float(text)
    except ValueError:
        return text in {"true", "false", "null"}
    return True


@pytest.mark.parametrize("tag", ["1.9.0", "1.10", "2", "v3", "null", "1e3"])
def test_kargo_sets_tag_and_digest(path: Path, tag: str) -> None:
    """The keys lead to scalars that are there; whatever the tag, it stays a string, and all else is as it was."""
    steps = yaml.safe_load(block("stage.yaml"))["steps"]
    (step,) = [one["config"] for one in steps if one["uses"] == "yaml-update"]
    told = {"Tag": tag, "Digest": NEW}
    text = path.read_text()
    for update in step["updates"]:
        ((repository, part),) = re.findall(r'^\$\{\{ imageFrom\("([^"]+)"\)\.(Tag|Digest) \}\}$', update["value"])
        assert repository == LOCK.images["sentiment"].repository
        text = updated(text, update["key"], told[part])
    path.write_text(text)

    assert step["path"] == "./src/environments/prod.lock.yaml"
    images = {**LOCK.images, "sentiment": Image("registry.example/sentiment", tag, NEW)}
    assert read(path) == Lock(images, LOCK.generations)


def test_image_updater_sets_a_reference_on_one_line(path: Path) -> None:
    """Its key leads to one scalar, as it needs; tag and digest change together, and the line stays one line."""
    spec = yaml.safe_load(block("imageupdater.yaml"))["spec"]
    (application,) = spec["applicationRefs"]
    (image,) = application["images"]
    example = yaml.safe_load(block("environments/dev.lock.yaml"))["images"]
    path.write_text(re.sub(r"  sentiment:\n(    .*\n)+", f"  sentiment: {example['sentiment']}\n", path.read_text()))
    before, reference = read(path), f"{image['imageName']}@{NEW}"

    path.write_text(updated(path.read_text(), image["manifestTargets"]["helm"]["spec"], reference))
    after = read(path)
    write(path, after)

    assert spec["writeBackConfig"]["gitConfig"]["writeBackTarget"] == "helmvalues:/environments/dev.lock.yaml"
    assert image["commonUpdateSettings"] == {"updateStrategy": "digest"}
    assert before.images["sentiment"] == Image("registry.example/sentiment", "main", example["sentiment"][-71:])
    new = {**LOCK.images, "sentiment": Image("registry.example/sentiment", "main", NEW)}
    assert after == Lock(new, LOCK.generations, frozenset({"sentiment"}))
    assert f"\n  sentiment: {reference}\n" in path.read_text()
    assert read(path) == after


def test_image_updater_without_digests_leaves_none_behind(path: Path) -> None:
    """With another strategy than digest it writes a tag alone, and that is what the lock file then says."""
    path.write_text(f"images:\n  sentiment: registry.example/sentiment:1.9.0@{OLD}\n")
    path.write_text(updated(path.read_text(), "images.sentiment", "registry.example/sentiment:1.10.0"))

    assert read(path).images == {"sentiment": Image("registry.example/sentiment", "1.10.0")}
