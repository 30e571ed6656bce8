"""G16: which of several environments one Argo CD would take for those of its own cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import ArgoCD, Cluster, Environment, Fleet, Flux, SynthesisError
from modelyard.render.engine import Request, synthesize
from tests.support import service
from tests.test_delivery import ELSEWHERE, HERE, REPO, SAID


def told(root: Path, **deliveries: ArgoCD | Flux) -> list[str]:
    """Return what is found across environments that each live in a cluster and a namespace of their own."""

    def build(name: str, delivery: ArgoCD | Flux) -> Any:
        def made(fleet: Fleet) -> None:
            cluster = Cluster(f"eks-{name[0]}", kubernetes="1.34")
            service(Environment(fleet, name, cluster=cluster, namespace=f"ml-{name}", delivery=delivery))

        return made

    fleet = Fleet({name: build(name, one) for name, one in deliveries.items()}, root=root)
    try:
        findings = synthesize(Request(main=root / "main.py", fleet=fleet)).findings
    except SynthesisError as error:
        findings = list(error.findings)
    return [f"[{one.rule}] {one.text}" for one in findings]


OTHERS = ArgoCD(REPO, namespace="argo-of-others")


def remedy(cluster: str) -> str:
    """Return what to do about an environment that does not say that it lives in *cluster*."""
    return (
        f'write the address of {cluster}, or its name in Argo CD; or "https://kubernetes.default.svc" where an Argo CD of its'
        f" own runs in {cluster}"
    )


def test_one_argo_cd_for_several_clusters_is_told_which(tmp_path: Path) -> None:
    """It would sync two clusters' environments into its own."""
    both = (
        "[G16] {}: delivery.destination but it is not said, and an Argo CD that brings x into another cluster would bring both"
        " this and {}, which is of {}, into the cluster that it runs in; {}"
    )
    assert told(tmp_path, a=HERE, b=HERE, x=ELSEWHERE) == [
        both.format("a", "b", "eks-b", remedy("eks-a")),
        both.format("b", "a", "eks-a", remedy("eks-b")),
    ]
    assert told(tmp_path, a=SAID, b=HERE, x=ELSEWHERE) == [both.format("b", "a", "eks-a", remedy("eks-b"))]
    assert told(tmp_path, a1=HERE, a2=ArgoCD(REPO, destination="eks-a")) == [
        (
            "[G16] a1: delivery.destination but it is not said, and the environment a2 says how Argo CD gets into eks-a from"
            f" elsewhere; {remedy('eks-a')}"
        )
    ]


def test_one_destination_is_one_cluster(tmp_path: Path) -> None:
    """Else the environments of two clusters come into one, and nothing into the other."""
    assert told(tmp_path, a=ELSEWHERE, x=ELSEWHERE) == [
        (
            "[G16] x: delivery.destination='eks-x' but the environment a, which is of eks-a, is brought there too; write the"
            " address of eks-x, or its name in Argo CD"
        )
    ]
    assert told(tmp_path, x1=ELSEWHERE, x2=ELSEWHERE) == []


@pytest.mark.parametrize(
    "deliveries",
    [
        {"a": HERE, "b": HERE, "c": HERE},  # an Argo CD a cluster
        {"a1": HERE, "a2": HERE, "x": ELSEWHERE},  # one that runs in a
        {"a": ArgoCD(REPO, destination="eks-a"), "x": ELSEWHERE},  # one that runs beside them
        {"a": SAID, "b": SAID, "x": ELSEWHERE},  # one in a, one in b: they say so
        {"a": ArgoCD(REPO, destination="in-cluster"), "b": SAID, "x": ELSEWHERE},
        {"a": HERE, "b": OTHERS, "x": ELSEWHERE},  # two in different namespaces
        {"a": HERE, "b": Flux(REPO), "x": ELSEWHERE},  # Flux never leaves its cluster
    ],
)
def test_what_nobody_mistakes_is_not_told(tmp_path: Path, deliveries: dict[str, ArgoCD | Flux]) -> None:
    """Each of these says enough."""
    assert [one for one in told(tmp_path, **deliveries) if "G16" in one] == []
