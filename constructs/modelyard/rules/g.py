"""G: delivery: what Argo CD and Flux would do to objects beyond applying them."""

from __future__ import annotations

from modelyard.rules.rule import Rule

G11 = Rule(
    "G11",
    "What was rendered before is still allowed in the AppProject until Argo CD has deleted it.",
    why=(
        "Argo CD looks only at kinds that the project allows: it would neither delete the last objects of a kind that"
        " is rendered no more, nor show them."
    ),
    fix="keep the kind in ArgoCD(allow=[...]) until it is deleted",
    see="https://argo-cd.readthedocs.io/en/stable/user-guide/projects/",
    acceptable=True,
)
