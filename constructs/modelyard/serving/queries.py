"""What is wrong with a query whose answer Argo Rollouts compares with a bound."""

from __future__ import annotations

import re

from modelyard.values.exported import TEXT

PLACE = re.compile(r"\{\{(.*?)\}\}")
KNOWN = "args.hash"
CALL = re.compile(r"(?P<word>[a-zA-Z_]*)\s*\((?P<inner>[^()]*)\)")
ARITHMETIC = re.compile(r"(?:[0-9.]+(?:[eE][+-]?[0-9]+)?|[\s+\-*/%^])+")
SCALARS = frozenset({"scalar", "time", "pi"})
NUMBER, VECTOR = "0", "v"


def unknown(query: str) -> str | None:
    """Return what of *query* Argo Rollouts is to fill in, and cannot."""
    return next((found[0] for found in PLACE.finditer(query) if found[1].strip() != KNOWN), None)


def scalar(query: str) -> bool:
    """Return whether Prometheus answers *query* with a number alone, instead of a vector of one."""
    rest = PLACE.sub(NUMBER, TEXT.sub("", query))
    while (flat := CALL.sub(_answer, rest)) != rest:
        rest = flat
    return ARITHMETIC.fullmatch(rest) is not None


def _answer(call: re.Match[str]) -> str:
    """Return what stands for *call*: a number or a vector."""
    word = call["word"]
    return NUMBER if word in SCALARS or (not word and ARITHMETIC.fullmatch(call["inner"])) else f" {VECTOR} "
