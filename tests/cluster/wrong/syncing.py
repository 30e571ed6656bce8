"""What breaks the rules of delivery, with the Applications that sync it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.api import Manifest
from tests.cluster.argocd import API, NAMESPACE
from tests.cluster.wrong.stage import namespace
from tests.rules.manifests import config_map, job

FINALIZER = "resources-finalizer.argocd.argoproj.io"
SERVER = "https://kubernetes.default.svc"
QUEUED = {"kueue.x-k8s.io/queue-name": "research"}
RETRY = {"limit": 20, "backoff": {"duration": "1s", "factor": 1, "maxDuration": "2s"}}


def annotated(manifest: Manifest, **annotations: str) -> Manifest:
    """Return *manifest* with annotations for Argo CD."""
    written = {f"argocd.argoproj.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": written}}


def claim(**annotations: str) -> Manifest:
    """Return a claim."""
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    return annotated(made, **annotations)


def train(labels: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
    """Return a Job with *spec*."""
    made = job(app="train")
    return {**made, "metadata": {**made["metadata"], "labels": dict(labels or {})}, "spec": {**made["spec"], **spec}}


def application(rule: str, url: str, *, finalizers: Sequence[str] = (), **policy: Any) -> Manifest:
    """Return an Application that syncs the folder of *rule*."""
    given = {"automated": {"prune": True, "selfHeal": True}, "retry": RETRY, **policy}
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {"name": namespace(rule), "namespace": NAMESPACE, "finalizers": list(finalizers)},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "path": f"dist/{rule}", "targetRevision": "main"},
            "destination": {"server": SERVER, "namespace": namespace(rule)},
            "syncPolicy": given,
        },
    }


OBJECTS: Mapping[str, Sequence[Manifest]] = {
    "G01": [annotated(train(), hook="Sync"), config_map(a="1")],
    "G02": [annotated(train(QUEUED, suspend=True), sync_wave="-1"), config_map(a="1")],
    "G04": [annotated(train(), sync_options="Force=true,Replace=true"), config_map(a="1")],
    "G05": [claim(), config_map(a="1")],
    "G06": [claim(sync_options="Prune=False"), config_map(a="1")],
    "G08": [config_map(a="1")],
    "G09": [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace("G09"), "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        }
    ],
    "G10": [config_map(a="1")],
    "G15": [annotated(train(), hook="Sync"), config_map(a="1")],
    "J21": [train(ttlSecondsAfterFinished=1)],
    "J22": [annotated(train(QUEUED, suspend=True), hook="Sync"), config_map(a="1")],
    "J23": [train(QUEUED, suspend=True)],
}
"""What is in git, by the rule that it breaks, or its Application."""
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "G08": {"finalizers": [FINALIZER]},
    "G09": {
        "syncOptions": ["CreateNamespace=true"],
        "managedNamespaceMetadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    },
    "G10": {"retry": {"limit": 0}},
}
"""What the Applications have besides."""
