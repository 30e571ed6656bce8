"""Options and arguments that several commands have."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


class PlanFormat(enum.StrEnum):
    """How ``plan`` answers."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class FailOn(enum.StrEnum):
    """What ``plan`` ends with 1 for."""

    REFUSED = "refused"
    DANGER = "danger"


App = Annotated[
    Path | None,
    typer.Option("--app", help="The project's main.py. Default: the one in or above this folder."),
]
Form = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
Environments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ENVIRONMENT]...",
        help="Only these environments. Default: all.",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        help="Processes at a time. Default: one a core.",
        show_default=False,
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="REF",
        help="A commit or branch: dist/ is compared with where HEAD and it parted. Default: the main branch.",
        show_default=False,
    ),
]
