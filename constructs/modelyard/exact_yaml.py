"""
YAML that every reader takes for what went in: the API server's Go parser, YAML 1.1 and YAML 1.2.

PyYAML and cdk8s both write strings that one of these readers takes for a number or a boolean, so a
string stays plain only where no version of YAML gives it another meaning.

See Also:
    docs/decisions/0003-own-yaml-emitter.md
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from modelyard.findings import ModelyardError

WORD = r"(?:[A-Za-z0-9_./@-]|:(?=[A-Za-z0-9_./@-]))"
PLAIN = re.compile(rf"[A-Za-z_/]{WORD}*(?: {WORD}+)*")
NOT_STRINGS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})
PRINTABLE = (
    r" -~\u00a0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd"
    r"\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd\U000e0000-\U000efffd"
)
BLOCK_LINES = re.compile(rf"[{PRINTABLE}\n]*")
ESCAPED = re.compile(rf'[^{PRINTABLE}]|["\\]')
SURROGATE = re.compile(r"[\ud800-\udfff]")
SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\", "\0": "\\0"}
INT64 = 2**63
LONGEST_KEY = 512
PADS = tuple("\n" + "  " * indent for indent in range(32))

Path = tuple[str | int, ...]


class InexactError(ModelyardError):
    """
    Raised when a value cannot be written so that Kubernetes reads the same value.

    Args:
        path: Keys and indices that lead to the value.

        because: The rule that is broken.
    """

    def __init__(self, path: Path, because: str) -> None:
        super().__init__(f"{dotted(path)}: {because}" if path else because)
        self.path, self.because = path, because


def dotted(path: Path) -> str:
    """Return *path* as people write it: ``spec.containers[0].name``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN.fullmatch(part) and "." not in part and "/" not in part:
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def dump(document: dict[str, Any]) -> str:
    """
    Return *document*, made of dicts, lists, strings, numbers, booleans and None, as YAML.

    Raises:
        InexactError: Something in it cannot be written exactly.
    """
    pieces: list[str] = []
    try:
        _mapping(document, 0, pieces.append, "")
    except (_Unwritable, RecursionError) as error:
        raise _located(document, error) from None
    pieces.append("\n")
    return "".join(pieces)


class _Unwritable(Exception):  # noqa: N818 # never leaves this module
    pass


def _mapping(mapping: dict[str, Any], indent: int, out: Callable[[str], None], lead: str | None) -> None:
    pad = PADS[indent] if indent < len(PADS) else "\n" + "  " * indent
    if lead is None:
        lead = pad
    for key, value in mapping.items():
        kind = type(value)
        if kind is str:
            out(f"{lead}{_key(key)} {value if value in _known_plain else _string(value, indent)}")
        elif kind is dict:
            if value:
                out(f"{lead}{_key(key)}")
                _mapping(value, indent + 1, out, None)
            else:
                out(f"{lead}{_key(key)} {{}}")
        elif kind is list:
            if value:
                out(f"{lead}{_key(key)}")
                _sequence(value, indent, out)
            else:
                out(f"{lead}{_key(key)} []")
        else:
            out(f"{lead}{_key(key)} {_scalar(value, kind)}")
        lead = pad


def _sequence(sequence: list[Any], indent: int, out: Callable[[str], None]) -> None:
    pad = (PADS[indent] if indent < len(PADS) else "\n" + "  " * indent) + "- "
    for value in sequence:
        kind = type(value)
        if kind is dict and value:
            _mapping(value, indent + 1, out, pad)
            continue
        if kind is str:
            out(f"{pad}{value if value in _known_plain else _string(value, indent)}")
            continue
        out(pad)
        if kind is list and value:
            inner: list[str] = []
            _sequence(value, indent + 1, inner.append)
            out(inner[0].lstrip())
            for piece in inner[1:]:
                out(piece)
        elif kind is dict:
            out("{}")
        elif kind is list:
            out("[]")
        else:
            out(_scalar(value, kind))


def _scalar(value: Any, kind: type) -> str:  # any leaf
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        if not -INT64 <= value < INT64:
            message = "the number does not fit into the 64 bits that Kubernetes has for it"
            raise _Unwritable(message)
        return str(value)
    if value is None:
        return "null"
    if kind is float:
        if not math.isfinite(value):
            message = "JSON, which the API server speaks, has no such number"
            raise _Unwritable(message)
        mantissa, e, exponent = repr(value).partition("e")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent}" if e else mantissa
    message = f"a manifest holds dicts, lists, strings, numbers, booleans and None, not {kind.__name__}"
    raise _Unwritable(message)


_known_plain: set[str] = set()
MOST_KNOWN = 20_000


@lru_cache(maxsize=8192, typed=True)
def _key(key: object) -> str:
    if type(key) is not str:
        message = "a key is a string"
        raise _Unwritable(message)
    if len(key) > LONGEST_KEY:
        message = f"a key has at most {LONGEST_KEY} characters here"
        raise _Unwritable(message)
    return f"{_inline(key)}:"


def is_plain(text: str) -> bool:
    """Return whether *text* is a string to every reader of YAML without quotes."""
    return PLAIN.fullmatch(text) is not None and text.lower() not in NOT_STRINGS


def _string(text: str, indent: int) -> str:
    if "\n" in text:
        return _block(text, indent) if _fits_block(text) else _quoted(text)
    if is_plain(text):
        if len(_known_plain) < MOST_KNOWN:
            _known_plain.add(text)
        return text
    return _quoted(text)


def _inline(text: str) -> str:
    return text if is_plain(text) else _quoted(text)


def _fits_block(text: str) -> bool:
    return (
        text[0] not in " \n"
        and " \n" not in text
        and not text.endswith(" ")
        and BLOCK_LINES.fullmatch(text) is not None
        and SURROGATE.search(text) is None
    )


def _block(text: str, indent: int) -> str:
    body = text.rstrip("\n")
    newlines = len(text) - len(body)
    chomping = "-" if newlines == 0 else "" if newlines == 1 else "+"
    pad = "\n" + "  " * (indent + 1)
    lines = (pad + line if line else "\n" for line in body.split("\n"))
    return f"|{chomping}" + "".join(lines) + "\n" * max(0, newlines - 1)


def _quoted(text: str) -> str:
    if SURROGATE.search(text):
        message = "half of a surrogate pair is no character"
        raise _Unwritable(message)
    return f'"{ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in SHORT_ESCAPES:
        return SHORT_ESCAPES[character]
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 # the widths of YAML's three escapes
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _located(document: object, error: Exception) -> InexactError:
    """Find again, slowly, where *error* came from; only the failing dump pays for the path."""
    if isinstance(error, RecursionError):
        return InexactError((), "the object is nested too deeply")
    stack: list[tuple[Path, object]] = [((), document)]
    while stack:
        path, value = stack.pop()
        try:
            if isinstance(value, dict) and type(value) is dict:
                for key, inner in value.items():
                    _key(key)
                    stack.append(((*path, str(key)), inner))
            elif type(value) is list:
                stack.extend(((*path, index), inner) for index, inner in enumerate(value))
            elif type(value) is str:
                _string(value, 0)
            else:
                _scalar(value, type(value))
        except _Unwritable as found:
            return InexactError(path, str(found))
    return InexactError((), str(error))
