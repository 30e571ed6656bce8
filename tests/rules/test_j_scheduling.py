"""J27: a gang of Kubernetes itself, where it is dropped, and where the cluster can do it."""

from __future__ import annotations

from pathlib import Path

from tests.rules import manifests
from tests.rules.patches import foreign, put, texts
from tests.support import cluster_with

GANG = foreign(
    manifests.job(),
    put("/spec/scheduling", {"schedulingPolicy": {"gang": {"minCount": 2}}}),
    put("/spec/parallelism", 2),
)


def test_j27_a_gate_that_is_off(tmp_path: Path) -> None:
    """The server would drop the field without a word."""
    assert texts(tmp_path, "J27", GANG, cluster=cluster_with(kubernetes="1.37")) == [
        (
            "test: Job train spec.scheduling but the cluster eks-test does not say that its gate WorkloadWithJob is on; say "
            'Cluster(feature_gates={"WorkloadWithJob"}) where it is on, or put the Job into a queue'
        )
    ]


def test_j27_a_gate_that_is_on(tmp_path: Path) -> None:
    """As the cluster says."""
    cluster = cluster_with(kubernetes="1.37", feature_gates={"WorkloadWithJob"})
    assert texts(tmp_path, "J27", GANG, cluster=cluster) == []
