"""Services that break rules: about rollouts, endpoints and budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.cluster.api import Manifest
from tests.rules.manifests import budget, deployment, job, pods, service

READY_AFTER = "tests.modelyard.dev/ready-after"
ADDRESS = "cdk8s.io/metadata.addr"
VERSION = "app.kubernetes.io/version"


def labelled(app: str, **labels: str) -> Manifest:
    """Return a Deployment whose pods have more labels."""
    template = pods({}, app=app)
    return deployment(app, template={**template, "metadata": {"labels": {"app": app, **labels}}})


def selecting(**labels: str) -> Manifest:
    """Return a Deployment that selects its pods by *labels*."""
    template = {**pods({}), "metadata": {"labels": labels}}
    return deployment(selector={"matchLabels": labels}, template=template)


def slow() -> Manifest:
    """Return a Deployment of a pod that takes nine minutes to start, of the ten that its probe allows."""
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 10, "failureThreshold": 60}
    made = pods({"startupProbe": probe})
    template = {**made, "metadata": {**made["metadata"], "annotations": {READY_AFTER: "9m"}}}
    return deployment(progressDeadlineSeconds=3, template=template)


IMMUTABLE: Mapping[str, tuple[Manifest, Manifest]] = {
    "G12": (selecting(**{ADDRESS: "c8a1"}), selecting(**{ADDRESS: "c8b2"})),
    "N27": (selecting(**{VERSION: "1.4.2"}), selecting(**{VERSION: "1.4.3"})),
}
"""An object and what a release or a moved construct makes of it, by the rule that it breaks."""
CASES: Mapping[str, Sequence[Manifest]] = {
    "D04": [deployment(), budget(), budget("second", selector={"matchLabels": {"app": "web"}})],
    "D06": [deployment(replicas=2), budget(maxUnavailable=0)],
    "D07": [job(app="train"), budget("train")],
    "D09": [labelled("web", team="ml"), labelled("train", team="ml"), service(selector={"team": "ml"})],
    "D10": [deployment(strategy={"type": "Recreate"}), service()],
    "D12": [deployment(), service(selector={"app": "wbe"}), budget(selector={"matchLabels": {"app": "wbe"}})],
    "P08": [slow()],
    **{rule: [before] for rule, (before, _) in IMMUTABLE.items()},
}
