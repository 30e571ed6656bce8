"""Who a workload's pods are to the cloud: an annotation of their account, chosen by the cluster's cloud."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

import attrs

from modelyard.findings import Breach
from modelyard.fleet.facilities import Cloud
from modelyard.fleet.site import Site
from modelyard.values.value import required, source_of, value


def _principal(text: str) -> str | None:
    return None if text and not any(map(str.isspace, text)) else "it is the name of an identity, without spaces"


@value
class Identity:
    """
    An identity of the cluster's cloud for the pods, without any key.

    Args:
        principal: On EKS the ARN of an IAM role, on GKE the address of a Google service account, on AKS the client
            id of a managed identity.

    See Also:
        https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
        https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
        https://azure.github.io/azure-workload-identity/docs/
    """

    principal: str = required(check=_principal)


@attrs.frozen
class Form:
    """
    How a cloud is told an identity.

    Args:
        annotation: Of the ServiceAccount.

        pattern: Of the identity's name.

        what: It is, in words.

        example: Of one.

        parts: What it is looked at for in turn, each with what is said where it lacks.

        pod_labels: Without which the pods are not given it.

        egress: Addresses and ports, beside HTTPS, where pods fetch their token.
    """

    annotation: str
    pattern: re.Pattern[str]
    what: str
    example: str
    parts: tuple[tuple[re.Pattern[str], str], ...]
    pod_labels: tuple[tuple[str, str], ...] = ()
    egress: tuple[tuple[str, int], ...] = ()

    def wrong(self, principal: str) -> str | None:
        """Return why *principal* is no identity of this cloud, or None."""
        if self.pattern.fullmatch(principal):
            return None
        cause = next((lack for part, lack in self.parts if not part.match(principal)), None)
        return f"{self.what}, and {cause}" if cause else self.what


FORMS = {
    Cloud.EKS: Form(
        "eks.amazonaws.com/role-arn",
        re.compile(r"arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII),
        "on EKS it is the ARN of an IAM role",
        "arn:aws:iam::123456789012:role/churn",
        (
            (re.compile(r"arn:"), "this does not begin with arn:"),
            (re.compile(r"arn:aws(?:-[a-z]+)*:iam::"), "this is none of IAM, arn:aws:iam::"),
            (re.compile(r"[^:]*:[^:]*:[^:]*::[0-9]{12}:"), "the number of its account has not 12 digits"),
            (re.compile(r".*:role/"), "this is of no role, role/"),
        ),
    ),
    Cloud.GKE: Form(
        "iam.gke.io/gcp-service-account",
        re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]@[a-z][-a-z0-9.:]*\.iam\.gserviceaccount\.com"),
        "on GKE it is the address of a Google service account",
        "churn-train@acme-ml.iam.gserviceaccount.com",
        (
            (re.compile(r".*@"), "this has no @"),
            (re.compile(r".*\.iam\.gserviceaccount\.com$"), "this does not end with .iam.gserviceaccount.com"),
            (re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]@"), "its name has not 6 to 30 of a-z, 0-9 and -"),
        ),
        egress=(("169.254.169.252/32", 988), ("169.254.169.254/32", 80)),
    ),
    Cloud.AKS: Form(
        "azure.workload.identity/client-id",
        re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "on AKS it is the client id of a managed identity",
        "8c9d1f2e-3b4a-4c5d-9e6f-0a1b2c3d4e5f",
        ((re.compile(r"(?!)"), "this is no UUID"),),
        pod_labels=(("azure.workload.identity/use", "true"),),
    ),
}


POD_IDENTITY = ("169.254.170.23/32", "fd00:ec2::23/128")
"""Where the agent of EKS Pod Identity listens on each node, on port 80; who has an identity there, only AWS knows."""


def _form(identity: Identity | None, site: Site) -> Form | None:
    return None if identity is None or site.cluster.cloud is None else FORMS[site.cluster.cloud]


def account_annotations(identity: Identity | None, site: Site) -> dict[str, str]:
    """Return the annotation by which the ServiceAccount stands for *identity*."""
    form = _form(identity, site)
    return {} if form is None or identity is None else {form.annotation: identity.principal}


def pod_labels(identity: Identity | None, site: Site) -> dict[str, str]:
    """Return the labels without which pods are not given *identity*."""
    form = _form(identity, site)
    return {} if form is None else dict(form.pod_labels)


def egress(identity: Identity | None, site: Site, annotated: Container[str] = ()) -> list[dict[str, Any]]:
    """Return the rules of a NetworkPolicy that let pods fetch tokens: of *identity*, by its annotation, of AWS."""
    agent: list[dict[str, Any]] = []
    if identity is None and site.cluster.cloud is Cloud.EKS:
        peers = [{"ipBlock": {"cidr": address}} for address in POD_IDENTITY]
        agent = [{"to": peers, "ports": [{"protocol": "TCP", "port": 80}]}]
    form = _form(identity, site) or next((one for one in FORMS.values() if one.annotation in annotated), None)
    return agent + [
        {"to": [{"ipBlock": {"cidr": address}}], "ports": [{"protocol": "TCP", "port": port}]}
        for address, port in (form.egress if form else ())
    ]


def identity_breaches(
    identity: Identity | None, site: Site, *, account: str | None, annotated: frozenset[str]
) -> Iterator[Breach]:
    """Yield why pods cannot have *identity*: with another's *account*, or one *annotated* with these keys already."""
    if identity is None:
        return
    cluster, source = site.cluster, source_of(identity)
    if account is not None:
        because = f"service_account={account!r} is not made here"
        do = "annotate that account where it is made, or leave service_account= away"
        yield Breach("X11", "identity", identity.principal, because, do, source)
        return
    form = _form(identity, site)
    if form is None:
        because = f"the cluster {cluster.name} says no cloud, which decides how pods get an identity"
        yield Breach("X11", "identity", identity.principal, because, "write Cluster(..., cloud=Cloud.EKS)", source)
    elif wrong := form.wrong(identity.principal):
        yield Breach("P40", "identity", identity.principal, wrong, f'write one such as "{form.example}"', source)
    elif form.annotation in annotated:
        because = f"service_account_annotations has {form.annotation} too"
        yield Breach("X11", "identity", identity.principal, because, "keep one of the two", source)
