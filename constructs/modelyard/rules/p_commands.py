"""P: what a container runs."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container

P33 = Rule(
    "P33",
    "The first word of a command is a program, without its arguments.",
    why="No shell splits the words, so the container looks for a program whose name has spaces, and never starts.",
    fix="write each word by itself, or accept P33 where the program's name has spaces",
    see="https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",
    severity=Severity.WARNING,
    acceptable=True,
)


@P33.containers
def program(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the first word of the command."""
    command = container.data.get("command") or ()
    if command and len(words := command[0].split()) > 1:
        because = f"it is one word, and the program would be called so, not {words[0]}"
        yield P33.breach(container.at("command"), command[0], because)
