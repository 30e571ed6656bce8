"""The clusters that the scenarios run on."""

from __future__ import annotations

from modelyard import Accelerator, Cluster, Fabric, SpotNodes, StorageClass

DIGEST = "sha256:4b1c2f0e9a7d6358c0f1e2d3b4a5968778695a4b3d2e1f0c5836d7a9e0f2c1b4"
IMAGE = f"ghcr.io/acme/train:2.3.0@{DIGEST}"
COMMIT = "d04e592bb4f6aa9cfee91e2e20afa771667e1d4b"

EKS = Cluster(
    "eks-research",
    kubernetes="1.34",
    accelerators=[
        Accelerator(
            "l4",
            per_node=1,
            nodes=20,
            node_selector={"karpenter.k8s.aws/instance-gpu-name": "l4"},
            node_cpu="15",
            node_memory="58Gi",
        ),
        Accelerator(
            "h100",
            per_node=8,
            nodes=8,
            node_selector={"node.kubernetes.io/instance-type": "p5.48xlarge"},
            fabric=Fabric(
                {"vpc.amazonaws.com/efa": 32},
                huge_pages="5120Mi",
                env={"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1", "NCCL_DEBUG": "WARN"},
            ),
            node_cpu="190",
            node_memory="2000Gi",
        ),
    ],
    spot=SpotNodes.KARPENTER,
    storage=[StorageClass("fsx", {"ReadWriteMany"}), StorageClass("gp3", {"ReadWriteOnce"})],
)

GKE = Cluster(
    "gke-research",
    kubernetes="1.35",
    accelerators=[
        Accelerator(
            "v5e-16",
            resource="google.com/tpu",
            per_node=4,
            nodes=8,
            topology="4x4",
            node_selector={"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice"},
            node_cpu="110",
            node_memory="180Gi",
        ),
    ],
    spot=SpotNodes.GKE,
    csi_drivers={"gcsfuse.csi.storage.gke.io"},
)
