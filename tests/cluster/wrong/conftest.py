"""Everything that breaks rules, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelyard import Accelerator, StorageClass
from modelyard import Cluster as Claimed
from tests.cluster.api import Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.objects import name
from tests.cluster.programs import NEWEST
from tests.cluster.wrong import placing, scaling, serving, training
from tests.cluster.wrong.stage import Breaking, namespace


def pool(called: str, nodes: int = 1, **options: Any) -> Accelerator:
    """Return a class of accelerators, two on a node."""
    return Accelerator(called, per_node=2, nodes=nodes, node_selector={"accelerator": called}, **options)


NODES = Claimed(
    "breaking",
    kubernetes=NEWEST,
    accelerators=[
        pool("l4", node_cpu="16"),
        pool("peak"),
        pool("mi300", resource="amd.com/gpu"),
        pool("gang", nodes=2),
        pool("b200", device_class=placing.DEVICE_CLASS),
    ],
    storage=[StorageClass("disk", {"ReadWriteOnce", "ReadWriteOncePod"})],
)
DRIVER = "disk.example.com"
CASES = {**placing.CASES, **scaling.CASES, **serving.CASES, **training.CASES}


@pytest.fixture(scope="package")
def breaking(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breaking]:
    """Have all of it begin at once, and go on while the tests of this folder run."""
    api = cluster.api
    root = tmp_path_factory.mktemp("breaking")
    given = [_devices(), _driver(), *(_disk(rule, CASES[rule][0]) for rule in ("V01", "V02"))]
    with cluster.nodes(NODES, cpu_nodes=2, taints={training.LATER: training.RESERVED}), cluster.without(*given):
        for one in given:
            api.apply(one, manager="platform-team")
        with Breaking(cluster, NODES, root, CASES) as every:
            yield every


def _driver() -> Manifest:
    spec = {"attachRequired": True}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": spec}


def _disk(rule: str, asked: Manifest) -> Manifest:
    """Return the disk that a provisioner would have made for the claim of *rule*."""
    where = {"name": name(asked), "namespace": namespace(rule)}
    spec = {
        "capacity": asked["spec"]["resources"]["requests"],
        "accessModes": asked["spec"]["accessModes"],
        "storageClassName": asked["spec"]["storageClassName"],
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": where,
        # The scheduler looks at what else uses a claim; the one of the other rule is looked at when it is attached.
        **({"csi": {"driver": DRIVER, "volumeHandle": rule}} if rule == "V01" else {"hostPath": {"path": "/data"}}),
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace(rule)}, "spec": spec}


def _devices() -> Manifest:
    """Return the class of devices, of which no node has any."""
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": placing.DEVICE_CLASS},
        "spec": {},
    }
