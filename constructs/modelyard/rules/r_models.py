"""R: models and the memory of accelerators. Only a service tells how large its model is, so it is checked there."""

from __future__ import annotations

from modelyard.findings import Severity
from modelyard.rules.rule import Rule

MEMORY = "https://docs.vllm.ai/en/stable/configuration/conserving_memory/"

R17 = Rule(
    "R17",
    "A model fits into the memory of the accelerators that it is divided over.",
    why="The server runs out of memory while it loads, ends, and the pod starts again without end.",
    fix="divide it over more accelerators, or choose a class with more memory",
    see=MEMORY,
    acceptable=True,
)
R28 = Rule(
    "R28",
    "Beside the weights of a model the memory of its accelerators holds what a server needs: a fifth of them.",
    why="The server ends for want of memory where its context is long, or serves few requests at a time.",
    fix="divide it over more accelerators, choose a class with more memory, or accept R28 with a short max_model_len",
    see=MEMORY,
    severity=Severity.WARNING,
    acceptable=True,
)
