"""
The documentation is true: what a page shows is what modelyard does.

A page is a small project that is read from top to bottom. A block with ``title="PATH"`` is a file of it,
an HTML comment ``<!-- file PATH`` one that readers need not see, and in a ``console`` block every line
``$ modelyard ...`` is run. Below ``dist/`` a titled block is an excerpt of what was rendered, and a
``diff`` block what the last synthesis changed there; ``...`` stands for what is left out.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest
import typer.main

import modelyard
from modelyard.cli import app as cli
from modelyard.rules import RULES
from tests.plan.repository import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "docs" / "rules"
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if GENERATED not in path.parents)
IDS = [path.relative_to(ROOT).as_posix() for path in PAGES]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=IDS)

BLOCK = re.compile(
    r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$|^<!-- file (\S+)\n(.*?)^-->$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\bmodelyard ((?:images )?(?:synth|check|plan|list|explain|pin|promote)\b)([^`\n|]*)")
OPTION = re.compile(r"(?<!\S)(--[a-z-]+|-[a-z])\b")
RULE = re.compile(rf"\b[{''.join({name[0] for name in RULES})}]\d\d\b")
MACHINE = re.compile(r"(?<![\w.])/(?:work|home|Users|root|opt)/")
CUT = "..."


@attrs.frozen
class Block:
    """A fenced block of a page, or a file in a comment."""

    language: str
    title: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of *page* from top to bottom."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        language, title, body, hidden, content = match.groups()
        yield Block(language or "", title or hidden or "", body if hidden is None else content, line)


def runs(page: Path) -> bool:
    """Return whether *page* has a project that can be run."""
    return any(block.title == "main.py" for block in blocks(page))


class Project:
    """
    The project that a page describes.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir()
        self.before = root.with_name("before")
        self.code = 0

    def take(self, block: Block) -> None:
        """Do what *block* says, or compare it with what was done."""
        if block.title.startswith("dist/"):
            self._excerpt(block, (self.root / block.title).read_text(encoding="utf-8"))
        elif block.title:
            target = self.root / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, expected in commands(block):
                self._run(command, expected)
        elif block.language == "diff":
            self._diff(block)

    def _run(self, command: str, expected: Sequence[str]) -> None:
        if command == "echo $?":
            assert [str(self.code)] == list(expected)
            return
        words = shlex.split(command)
        programs = {
            "git": [shutil.which("git") or "git"],
            "modelyard": [sys.executable, "-c", "from modelyard.cli import main; main()"],
            "python": [sys.executable],
        }
        program = programs.get(words[0])
        if program is None:
            return
        if words[:2] == ["modelyard", "synth"] or words[0] == "python":
            shutil.rmtree(self.before, ignore_errors=True)
            if (self.root / "dist").is_dir():
                shutil.copytree(self.root / "dist", self.before)
        source = str(Path(modelyard.__file__).parent.parent)
        done = subprocess.run(
            [*program, *words[1:]],
            cwd=self.root,
            env={**os.environ, **SETTINGS, "PYTHONPATH": source, "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self.code = done.returncode
        told = done.stdout.rstrip("\n")
        if not matches(expected, told):
            message = f"$ {command}\n{told}"
            raise AssertionError(message)

    def _excerpt(self, block: Block, whole: str) -> None:
        place = 0
        for part in parts(block.text):
            found = re.compile(rf"^{pattern(part)}$", re.MULTILINE).search(whole, place)
            assert found, f"{block.title} does not go on with:\n{part}"
            place = found.end()

    def _diff(self, block: Block) -> None:
        old = new = ""
        for chunk in re.split(r"^@@.*\n", block.text, flags=re.MULTILINE):
            lines = chunk.splitlines()
            hunk = [line for line in lines if not line.startswith(("--- ", "+++ ", "diff "))]
            for side, sign in ((old, "+"), (new, "-")):
                part = "\n".join(line[1:] for line in hunk if not line.startswith(sign))
                if re.search(rf"^{pattern(part)}$", side, re.MULTILINE) is None:
                    message = f"{part}\nis not in\n{side}"
                    raise AssertionError(message)
            for line in lines:
                if line.startswith("--- a/dist/"):
                    old = (self.before / line.removeprefix("--- a/dist/")).read_text(encoding="utf-8")
                elif line.startswith("+++ b/"):
                    new = (self.root / line.removeprefix("+++ b/")).read_text(encoding="utf-8")


def commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a console *block*, each with the lines that it prints."""
    pending = block.text.replace("\\\n", " ").splitlines()
    while pending:
        line = pending.pop(0)
        if line.startswith("$ "):
            yield line[2:], list(itertools.takewhile(lambda one: not one.startswith("$ "), pending))


def matches(expected: Sequence[str], told: str) -> bool:
    """Return whether *told* is what is *expected*, where ``...`` stands for anything."""
    lines = [r"(?:.*(?:\n.*)*?)" if line.strip() == CUT else pattern(line) for line in expected]
    return re.fullmatch("\n".join(lines), told) is not None


def pattern(shown: str) -> str:
    """Return what matches the lines *shown*, where ``...`` inside a line stands for any part of it."""
    return re.escape(shown).replace(re.escape(CUT), ".*")


def parts(excerpt: str) -> Iterator[str]:
    """Yield the runs of lines of *excerpt* between those that say that something is left out."""
    for cut, lines in itertools.groupby(excerpt.splitlines(), lambda line: line.strip().lstrip("# ") == CUT):
        if not cut:
            yield "\n".join(lines)


def anchors(page: Path) -> set[str]:
    """Return what a link to a heading of *page* can name."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(page: Path) -> str:
    """Return the text of *page*."""
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=lambda page: page.stem)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path) -> None:
    """Every file, command, output, excerpt and diff of a page is real."""
    project = Project(tmp_path / "project")
    for block in blocks(page):
        try:
            project.take(block)
        except (AssertionError, FileNotFoundError) as error:
            pytest.fail(f"{page.relative_to(ROOT)}:{block.line}: {error}", pytrace=False)


@EVERY_PAGE
def test_python_is_python(page: Path) -> None:
    """Every block of Python can be parsed."""
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, f"{page.name}:{block.line}", "exec")


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists, and a heading that it has."""
    for target in LINK.findall(prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page

        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@EVERY_PAGE
def test_commands_and_options_exist(page: Path) -> None:
    """A page names only commands, options and make targets that exist."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    program = typer.main.get_command(cli.app)
    for names, rest in COMMAND.findall(prose(page)):
        command = program
        for name in names.split():
            command = command.commands[name]  # type: ignore[attr-defined]
        known = {option for parameter in command.params for option in parameter.opts}

        assert set(OPTION.findall(rest)) <= known | {"--help"}, f"modelyard {names}{rest}"
    for target in re.findall(r"[`$] ?make ([a-z-]+)", prose(page)):
        assert target in targets


@EVERY_PAGE
def test_rules_exist(page: Path) -> None:
    """A page names only rules that exist."""
    assert set(RULE.findall(prose(page))) <= set(RULES)


@EVERY_PAGE
def test_no_machine_is_named(page: Path) -> None:
    """A page holds no path of one person's machine."""
    assert MACHINE.search(prose(page)) is None


def test_every_public_name_is_explained() -> None:
    """Whatever can be imported from modelyard stands in a page as code."""
    text = "\n".join(prose(page) for page in PAGES if "decisions" not in page.parts)

    assert [name for name in modelyard.__all__ if not re.search(rf"`{name}\b", text)] == []


def test_exit_codes_are_those_of_the_command() -> None:
    """The table of exit codes has the codes that the command line can end with."""
    section = prose(ROOT / "docs" / "concepts.md").partition("## Exit codes")[2].partition("\n## ")[0]

    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [
        0,
        cli.FAILED,
        cli.MISUSED,
        cli.STALE,
        cli.INTERRUPTED,
    ]


def test_decisions_are_numbered_and_listed() -> None:
    """Decision records have consecutive numbers, and the map of the documentation names each."""
    records = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    listed = prose(ROOT / "docs" / "README.md")

    assert [name[:4] for name in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    assert [name for name in records if f"decisions/{name}" not in listed] == []
