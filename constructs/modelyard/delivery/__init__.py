"""How environments get into clusters: the objects that Argo CD and Flux themselves read, and who owns which field."""

from modelyard.delivery.argocd import ArgoCD
from modelyard.delivery.declared import Taken, adapt, misdeclared, misowned, unmatched
from modelyard.delivery.flux import Flux
from modelyard.delivery.ownership import cargo
from modelyard.delivery.policies import FluxPolicy

__all__ = [
    "ArgoCD",
    "Flux",
    "FluxPolicy",
    "Taken",
    "adapt",
    "cargo",
    "misdeclared",
    "misowned",
    "unmatched",
]
