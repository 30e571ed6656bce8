"""The rules: stable ids, what they say and why, and the checks over manifests that find breaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.rules.check import accepts, breaches, changes, finding, rules, settle
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Job, Object, Pod

if TYPE_CHECKING:
    from modelyard.rules.rule import RULES

__all__ = [
    "RULES",
    "Container",
    "Job",
    "Object",
    "Pod",
    "Rule",
    "Scope",
    "accepts",
    "breaches",
    "changes",
    "finding",
    "rules",
    "settle",
]


def __getattr__(name: str) -> object:
    """Import the families where somebody asks for all rules: where nothing has changed, nobody does."""
    if name != "RULES":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return globals().setdefault(name, rules())
