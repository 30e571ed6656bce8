"""The clusters of the scenarios, and the images, which all of them share."""

from __future__ import annotations

from modelyard import Accelerator, Cluster, Crd

H100 = Accelerator(
    "h100", per_node=8, nodes=32, node_selector={"node.example/accelerator": "h100"}, node_cpu="190", node_memory="1900Gi"
)  # fmt: skip
PLAIN = Cluster("plain", kubernetes="1.37", accelerators=[H100])
QUEUED = Cluster("queued", kubernetes="1.37", accelerators=[H100], installed=[Crd.KUEUE])
FLAGSHIP = Cluster("flagship", kubernetes="1.37", accelerators=[H100], installed=[Crd.JOBSET, Crd.KUEUE])
TRAINER = f"registry.example/trainer:3.1.0@sha256:{'0123456789abcdef' * 4}"
