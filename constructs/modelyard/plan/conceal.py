"""What looks like a credential is hidden before anything is compared or shown."""

from __future__ import annotations

import re
from typing import Any

import attrs

from modelyard.values.credentials import (
    PASSWORD_NAME,
    REFERENCE,
    SECRET_NAME,
    SETTINGS,
    credential,
    credential_by_name,
)

VALUES = ("data", "stringData", "binaryData")
SHORT_NUMBER = 8
LINE = re.compile(r"""(?P<before>\s*["']?(?P<name>[A-Za-z0-9_.-]+)["']?\s*[:=]\s*)(?P<value>\S.*)""")


@attrs.frozen
class Hidden:
    """
    A text that is not shown; two are equal if the texts are.

    Args:
        text: What is hidden.

        words: What it looks like.
    """

    text: str = attrs.field(repr=False)
    words: str

    def __str__(self) -> str:
        return f"*** ({self.words})"


def concealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return *manifest* with every text in it that looks like a credential hidden, and all values of a Secret."""
    hidden: dict[str, Any] = _walk(manifest)
    if manifest.get("kind") == "Secret":
        for field in VALUES:
            if isinstance(values := manifest.get(field), dict):
                hidden[field] = {key: Hidden(str(value), "a value of a Secret") for key, value in values.items()}
    return hidden


def line(text: str) -> str:
    """Return one line of a file, what stands behind the name of a credential hidden."""
    match = LINE.fullmatch(text)
    if match and (words := by_name(match["name"], match["value"].strip("\"' ,;"))):
        return f"{match['before']}*** ({words})"
    return text


def by_name(name: str, text: str) -> str | None:
    """Return what the value *text* of a variable *name* could be; rather one too many."""
    upper = name.lstrip("-").replace("-", "_").replace(".", "_").upper()
    if not text or text.lower() in SETTINGS or REFERENCE.match(text):
        return None
    if PASSWORD_NAME.search(upper):
        return "a password"
    if SECRET_NAME.search(upper) and not (text.isdecimal() and len(text) < SHORT_NUMBER):
        return "a secret"
    return None


def _walk(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        name, text = value.get("name"), value.get("value")
        variable = isinstance(name, str) and isinstance(text, str)
        return {
            inner: Hidden(str(text), words)
            if inner == "value" and variable and (words := credential(str(text)) or by_name(str(name), str(text)))
            else _walk(part, str(inner))
            for inner, part in value.items()
        }
    if isinstance(value, list):
        return [_word(value, index) for index in range(len(value))]
    if isinstance(value, str) and (words := credential(value) or credential_by_name(key, value)):
        return Hidden(value, words)
    return value


def _word(words: list[Any], index: int) -> Any:
    """Return one word of a command line, or any other item."""
    word, former = words[index], words[index - 1] if index else None
    if not isinstance(word, str):
        return _walk(word)
    found = credential(word)
    if found is None and isinstance(former, str) and former.startswith("--"):
        found = by_name(former, word)
    if found is None and "=" in word:
        found = by_name(*word.split("=", 1))
    return Hidden(word, found) if found else word
