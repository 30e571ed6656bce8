"""The Namespace of an environment."""

from __future__ import annotations

from modelyard.fleet import Draft, Site
from modelyard.pod import KEPT


def namespace(site: Site) -> Draft:
    """Return the Namespace of *site*, which outlives what is removed from git."""
    labels = {
        "app.kubernetes.io/part-of": site.environment,
        "app.kubernetes.io/managed-by": "modelyard",
        **{f"pod-security.kubernetes.io/{mode}": site.pod_security for mode in ("enforce", "audit", "warn")},
        **site.labels,
    }
    metadata = {"name": site.namespace, "labels": labels, "annotations": dict(KEPT)}
    return Draft({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
