"""Kubernetes quantities: the grammar, and the exact number behind the text."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

GRAMMAR = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
    r"(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10) ** 3, "M": Decimal(10) ** 6, "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12, "P": Decimal(10) ** 15, "E": Decimal(10) ** 18,
    "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40, "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
LONGEST = 64
LARGEST = Decimal(2**63 - 1)
RULE = "a quantity is a number with one of the suffixes m, k, M, G, T, Ki, Mi, Gi, Ti, or none"


@lru_cache(maxsize=4096)
def parse(text: str) -> Decimal | None:
    """
    Return the number that the API server reads from *text*, or None where it refuses it.

    See Also:
        https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    match = GRAMMAR.fullmatch(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    number = Decimal(match["number"])
    if match["exponent"]:
        return number * Decimal(10) ** int(match["exponent"])
    return number * SUFFIXES[match["suffix"] or ""]


def number(value: object) -> Decimal | None:
    """Return the number behind a quantity as manifests hold it: a string, or a plain number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return parse(str(value))
    return parse(value) if isinstance(value, str) else None


def memory_size(amount: Decimal) -> str:
    """Return *amount* bytes as a quantity in whole ``Gi``, or else ``Mi``, rounded down, at least ``1Mi``."""
    if amount and amount % SUFFIXES["Gi"] == 0:
        return f"{int(amount // SUFFIXES['Gi'])}Gi"
    return f"{max(1, int(amount // SUFFIXES['Mi']))}Mi"


def plain(amount: float) -> str:
    """Return *amount* as text that is read back as the same number; ``g`` keeps six digits of it."""
    return repr(amount).removesuffix(".0")


def suggestion(text: str) -> str:
    """Return how *text* was probably meant, as advice that can follow a semicolon."""
    squeezed = text.replace(" ", "")
    match = re.fullmatch(r"(?P<number>[0-9.]+)(?P<unit>[A-Za-z]+)", squeezed)
    if match:
        unit = match["unit"].lower().removesuffix("ytes").removesuffix("yte")
        unit = unit.removesuffix("b").removesuffix("i")
        if unit in {"k", "m", "g", "t", "p"}:
            decimal = "k" if unit == "k" else unit.upper()
            return f'write "{match["number"]}{unit.upper()}i" (or "{match["number"]}{decimal}")'
    return 'write a number with a unit such as "500m" for CPU or "2Gi" for memory'
