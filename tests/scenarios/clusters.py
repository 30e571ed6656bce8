"""The clusters of the scenarios, and the images, which all of them share."""

from __future__ import annotations

from modelyard import Accelerator, Cloud, Cluster, Crd, Fabric, SpotNodes

H100 = Accelerator(
    "h100", per_node=8, nodes=32, node_selector={"node.example/accelerator": "h100"}, node_cpu="190", node_memory="1900Gi"
)  # fmt: skip
PLAIN = Cluster("plain", kubernetes="1.37", accelerators=[H100])
QUEUED = Cluster("queued", kubernetes="1.37", accelerators=[H100], installed=[Crd.KUEUE])
FLAGSHIP = Cluster("flagship", kubernetes="1.37", accelerators=[H100], installed=[Crd.JOBSET, Crd.KUEUE])
EKS = Cluster(
    "eks",
    kubernetes="1.37",
    cloud=Cloud.EKS,
    accelerators=[
        Accelerator("l4", nodes=20, node_selector={"node.example/accelerator": "l4"}, node_cpu="15", node_memory="58Gi"),
        Accelerator(
            "h100", per_node=8, nodes=8, node_selector={"node.kubernetes.io/instance-type": "p5.48xlarge"},
            fabric=Fabric({"vpc.amazonaws.com/efa": 32}, huge_pages="5120Mi", env={"FI_PROVIDER": "efa"}),
            node_cpu="190", node_memory="2000Gi",
        ),
    ],
    spot=SpotNodes.KARPENTER,
)  # fmt: skip
GKE = Cluster(
    "gke",
    kubernetes="1.37",
    accelerators=[
        Accelerator(
            "v5e-16", "google.com/tpu", per_node=4, nodes=8, topology="4x4",
            node_selector={"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice"},
            node_cpu="110", node_memory="180Gi",
        )
    ],
    csi_drivers={"gcsfuse.csi.storage.gke.io"},
)  # fmt: skip
TRAINER = f"registry.example/trainer:3.1.0@sha256:{'0123456789abcdef' * 4}"
