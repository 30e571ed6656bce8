"""Rules on what is outside of a pod: identities, stores of secrets, monitoring, gateways, event-driven autoscalers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, pods
from tests.support import CLUSTER

CASES: list[Any] = []
ROLE = "eks.amazonaws.com/role-arn"
CLIENT = {"azure.workload.identity/client-id": "8c9d1f2e-3b4a-4c5d-9e6f-0a1b2c3d4e5f"}
USE = "azure.workload.identity/use"


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, more.get("cluster", CLUSTER), expected, id=f"{rule}-{name}"))


def custom(api_version: str, kind: str, name: str, spec: Any, **metadata: Any) -> Manifest:
    """Return a custom resource."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def account(**annotations: str) -> Manifest:
    """Return the ServiceAccount web."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "annotations": annotations}}


def secret(name: str, *keys: str, **spec: Any) -> Manifest:
    """Return an ExternalSecret that writes *keys*."""
    data = [{"secretKey": key, "remoteRef": {"key": "x"}} for key in keys]
    return custom("external-secrets.io/v1", "ExternalSecret", name, {"data": data, **spec})


def reading(name: str, key: str) -> Manifest:
    """Return a Deployment that reads *key* of the Secret *name*."""
    source = {"secretKeyRef": {"name": name, "key": key}}
    return deployment(template=pods({"env": [{"name": "A", "valueFrom": source}]}))


case("P40", "a role", account(**{ROLE: "arn:aws-cn:iam::123456789012:role/path/churn"}))
case(
    "P40", "a name without its account", account(**{ROLE: "churn"}),
    text=f"ServiceAccount web metadata.annotations['{ROLE}']='churn' but on EKS it is the ARN of an IAM role; write one"
    ' such as "arn:aws:iam::123456789012:role/churn"',
)  # fmt: skip

marked = pods({}, serviceAccountName="web")
case("P41", "another account", account(**CLIENT), deployment(template=pods({}, serviceAccountName="other")))
case("P41", "no identity", account(), deployment(template=marked))
case(
    "P41", "labelled", account(**CLIENT),
    deployment(template={**marked, "metadata": {"labels": {"app": "web", USE: "true"}}}),
)  # fmt: skip
case(
    "P41", "not labelled", account(**CLIENT), deployment(template=marked),
    text=f"Deployment web spec.template.metadata.labels['{USE}'] but ServiceAccount web has"
    ' azure.workload.identity/client-id, and pods without this label get no token; write "true"',
)  # fmt: skip

case("V30", "a key that is written", secret("login", "dsn"), reading("login", "dsn"))
case("V30", "another Secret", secret("login", "dsn"), reading("other", "x"))
case("V30", "all of an entry", secret("login", dataFrom=[{"extract": {"key": "x"}}]), reading("login", "x"))
case("V30", "a template", secret("login", target={"template": {"data": {"x": "{{ .a }}"}}}), reading("login", "x"))
case(
    "V30", "of a Secret of another name", secret("maker", "dsn", target={"name": "login"}), reading("login", "x"),
    text="Deployment web spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key='x' but ExternalSecret maker"
    " writes no such key; it writes dsn",
)  # fmt: skip

case("V31", "two Secrets", secret("a", "k"), secret("b", "k"))
case("V31", "merged", secret("a", "k"), secret("b", "k", target={"name": "a", "creationPolicy": "Merge"}))
case(
    "V31", "one Secret", secret("a", "k"), secret("b", "k", target={"name": "a"}),
    text="ExternalSecret b spec.target.name='a' but ExternalSecret a makes this Secret already; put the keys into one"
    " ExternalSecret, or give the two Secrets names of their own",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_what_is_outside_of_pods_is_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged(rule[0], *manifests, cluster=cluster) if broken == rule] == expected
