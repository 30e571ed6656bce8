"""Identities of a cloud and Secrets from a store: options of both nouns, by the field that they become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from modelyard import (
    Cloud,
    Cluster,
    Crd,
    Environment,
    ExternalSecret,
    Identity,
    Remote,
    SecretFiles,
    SecretKey,
    SecretStore,
    minutes,
)
from modelyard.pod import KEPT
from tests.manifests import MISSING, at
from tests.support import CLUSTER, environment, found, objects, service, training

ROLE = "arn:aws:iam::123456789012:role/churn"
ACCOUNT = "churn-train@acme-ml.iam.gserviceaccount.com"
CLIENT = "8c9d1f2e-3b4a-4c5d-9e6f-0a1b2c3d4e5f"
VAULT = SecretStore("vault")
LOGIN = ExternalSecret("login", {"dsn": Remote("ml/login", property="dsn"), "all": "ml/all"}, store=VAULT)
BOTH = pytest.mark.parametrize(("make", "kind"), [(service, "Deployment/api"), (training, "Job/train")])


def _with(**more: Any) -> Cluster:
    stock: Any = CLUSTER
    changed: Cluster = attrs.evolve(stock, **more)
    return changed


def _cluster(**more: Any) -> Cluster:
    return _with(installed=[Crd.EXTERNAL_SECRETS], **more)


def _texts(scope: Environment) -> list[str]:
    return [f"{one.rule} {one.text}" for one in found(scope)]


@BOTH
@pytest.mark.parametrize(
    ("cloud", "principal", "annotation"),
    [
        (Cloud.EKS, ROLE, "eks.amazonaws.com/role-arn"),
        (Cloud.GKE, ACCOUNT, "iam.gke.io/gcp-service-account"),
        (Cloud.AKS, CLIENT, "azure.workload.identity/client-id"),
    ],
)
def test_an_identity_is_an_annotation_of_the_account(
    tmp_path: Path, make: Any, kind: str, cloud: Cloud, principal: str, annotation: str
) -> None:
    """The cluster's cloud decides which; only Azure wants a label of the pods, and only Google an address."""
    scope = environment(tmp_path, cluster=_with(cloud=cloud))
    make(scope, identity=Identity(principal))
    rendered, name = objects(scope), kind.partition("/")[2]
    policy = rendered[f"NetworkPolicy/{name}"]["spec"]
    addresses = [rule["to"][0]["ipBlock"]["cidr"] for rule in policy["egress"] if "ipBlock" in rule.get("to", [{}])[0]]

    assert rendered[f"ServiceAccount/{name}"]["metadata"]["annotations"] == {
        **(KEPT if name == "train" else {}),
        annotation: principal,
    }
    assert at(rendered[kind], "spec.template.metadata.labels.azure|workload|identity/use") == (
        "true" if cloud is Cloud.AKS else MISSING
    )
    assert addresses == ["0.0.0.0/0", *(["169.254.169.252/32", "169.254.169.254/32"] if cloud is Cloud.GKE else [])]


@BOTH
@pytest.mark.parametrize("cloud", [None, Cloud.EKS, Cloud.GKE])
def test_pods_without_an_identity_reach_the_agent_of_pod_identity(
    tmp_path: Path, make: Any, kind: str, cloud: Cloud | None
) -> None:
    """On EKS AWS may give their account one, and nothing in the cluster says so."""
    scope = environment(tmp_path, cluster=_with(cloud=cloud))
    make(scope)
    egress = objects(scope)[f"NetworkPolicy/{kind.partition('/')[2]}"]["spec"]["egress"]

    assert [rule for rule in egress if rule.get("ports") == [{"protocol": "TCP", "port": 80}]] == (
        [
            {
                "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}, {"ipBlock": {"cidr": "fd00:ec2::23/128"}}],
                "ports": [{"protocol": "TCP", "port": 80}],
            }
        ]
        if cloud is Cloud.EKS
        else []
    )


def test_a_pods_selector_has_no_label_of_a_cloud(tmp_path: Path) -> None:
    """A selector cannot change, so an identity must not get into it."""
    scope = environment(tmp_path, cluster=_with(cloud=Cloud.AKS))
    service(scope, identity=Identity(CLIENT))

    assert objects(scope)["Deployment/api"]["spec"]["selector"] == {"matchLabels": {"app": "api"}}


@pytest.mark.parametrize(
    ("cluster", "options", "text"),
    [
        (
            CLUSTER,
            {"identity": Identity(ROLE)},
            (
                f"X11 test/api: identity='{ROLE}' but the cluster eks-test says no cloud, which decides how pods get an"
                " identity; write Cluster(..., cloud=Cloud.EKS)"
            ),
        ),
        (
            _with(cloud=Cloud.GKE),
            {"identity": Identity(ROLE)},
            (
                f"P40 test/api: identity='{ROLE}' but on GKE it is the address of a Google service account, and this has no @;"
                ' write one such as "churn-train@acme-ml.iam.gserviceaccount.com"'
            ),
        ),
        (
            _with(cloud=Cloud.EKS),
            {"identity": Identity(ROLE), "service_account": "shared"},
            (
                f"X11 test/api: identity='{ROLE}' but service_account='shared' is not made here; annotate that account"
                " where it is made, or leave service_account= away"
            ),
        ),
        (
            _with(cloud=Cloud.EKS),
            {"identity": Identity(ROLE), "service_account_annotations": {"eks.amazonaws.com/role-arn": ROLE}},
            (
                f"X11 test/api: identity='{ROLE}' but service_account_annotations has eks.amazonaws.com/role-arn too; keep"
                " one of the two"
            ),
        ),
        (
            _with(cloud=Cloud.EKS),
            {"identity": Identity("")},
            "P40 test/api: identity.principal='' but it is the name of an identity, without spaces; correct the value",
        ),
        (
            CLUSTER,
            {"secrets": [LOGIN]},
            (
                "X04 test/api: secrets='login' but the cluster eks-test has no external-secrets.io/v1 ExternalSecret; write"
                " Cluster(installed=[Crd.EXTERNAL_SECRETS]), or make the Secret another way and only refer to it"
            ),
        ),
        (
            _cluster(),
            {"secrets": [ExternalSecret("login", {"dsn": "ml/login"})]},
            (
                "X11 test/api: secrets[0].store but neither it nor the cluster eks-test names a store; write"
                ' store=SecretStore("vault"), or Cluster(..., secret_store=SecretStore("vault"))'
            ),
        ),
        (
            _cluster(),
            {"secrets": [ExternalSecret("login", {}, store=VAULT)]},
            "X11 test/api: secrets[0].keys but a Secret without keys holds nothing; name a key",
        ),
        (
            _cluster(),
            {"secrets": [LOGIN, LOGIN]},
            "X02 test/api: secrets[1].name='login' but another one has this name; put its keys together",
        ),
        (
            _cluster(),
            {"secrets": [ExternalSecret("login", {"a/b": "x"}, store=VAULT)]},
            (
                'N19 test/api: secrets[0].keys[\'a/b\'] but a key holds letters, digits, "-", "_" and "." only and has'
                " at most 253 characters; rename the key"
            ),
        ),
        (
            _cluster(),
            {"secrets": [ExternalSecret("login", {"dsn": " "}, store=VAULT)]},
            "X11 test/api: secrets[0].keys['dsn']=' ' but an entry of a store has a name; write its name in the store",
        ),
        (
            _cluster(),
            {"secrets": [ExternalSecret("login", {"dsn": "x"}, store=VAULT, refresh=minutes(-1))]},
            (
                "X11 test/api: secrets[0].refresh=seconds(-60) but a length of time is not negative; 0 fetches it once;"
                " correct the value"
            ),
        ),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, cluster: Cluster, options: Any, text: str) -> None:
    """An identity without a cloud, a Secret without an operator: value, reason and remedy."""
    scope = environment(tmp_path, cluster=cluster)
    service(scope, **options)

    assert _texts(scope) == [text]


@BOTH
def test_an_external_secret_is_rendered_and_referred_to(tmp_path: Path, make: Any, kind: str) -> None:
    """The Secret that pods refer to is made by the operator; what the API server would fill in stands in git."""
    scope = environment(tmp_path, cluster=_cluster())
    env = {"DSN": SecretKey("login", "dsn")}
    make(scope, secrets=[LOGIN], env=env, volumes=[SecretFiles("login", "/etc/login")])
    rendered = objects(scope)
    filled = {"conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None"}

    assert rendered["ExternalSecret/login"]["apiVersion"] == "external-secrets.io/v1"
    assert rendered["ExternalSecret/login"]["metadata"]["labels"]["app"] == kind.partition("/")[2]
    # A run that outlives its manifest may still start pods, which need the Secret.
    kept = rendered["ExternalSecret/login"]["metadata"].get("annotations")
    assert kept == (KEPT if kind == "Job/train" else None)
    assert rendered["ExternalSecret/login"]["spec"] == {
        "refreshInterval": "1h0m0s",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
        "target": {"name": "login", "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [
            {"secretKey": "dsn", "remoteRef": {"key": "ml/login", "property": "dsn", **filled}},
            {"secretKey": "all", "remoteRef": {"key": "ml/all", **filled}},
        ],
    }


@pytest.mark.parametrize(
    ("secret", "path", "expected"),
    [
        (ExternalSecret("s", {"k": "a"}), "spec.secretStoreRef", {"kind": "SecretStore", "name": "own"}),
        (ExternalSecret("s", {"k": "a"}, store=VAULT), "spec.secretStoreRef.name", "vault"),
        (ExternalSecret("s", {"k": "a"}, refresh=minutes(90.5)), "spec.refreshInterval", "1h30m30s"),
        (ExternalSecret("s", {"k": "a"}, refresh=minutes(5)), "spec.refreshInterval", "5m0s"),
        (ExternalSecret("s", {"k": "a"}, refresh=minutes(0)), "spec.refreshInterval", "0s"),
        (ExternalSecret("s", {"k": Remote("a", version="3")}), "spec.data[0].remoteRef.version", "3"),
    ],
)
def test_an_option_of_a_secret_becomes_its_field(
    tmp_path: Path, secret: ExternalSecret, path: str, expected: Any
) -> None:
    """The cluster's store stands in where the Secret names none."""
    scope = environment(tmp_path, cluster=_cluster(secret_store=SecretStore("own", "SecretStore")))
    service(scope, secrets=[secret])

    assert at(objects(scope)["ExternalSecret/s"], path) == expected


def test_a_key_that_nobody_writes_is_told(tmp_path: Path) -> None:
    """The pod would wait for ever for a key that the store's Secret does not have."""
    scope = environment(tmp_path, cluster=_cluster())
    service(scope, secrets=[LOGIN], env={"DSN": SecretKey("login", "dns")})

    assert _texts(scope) == [
        (
            "V30 test/api: Deployment api spec.template.spec.containers[0].env[2].valueFrom.secretKeyRef.key='dns' but"
            " ExternalSecret login writes no such key; did you mean dsn?"
        )
    ]
