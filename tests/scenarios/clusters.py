"""The clusters of the scenarios, and the images, which all of them share."""

from __future__ import annotations

from modelyard import Accelerator, Cloud, Cluster, Crd, Fabric, Monitoring, SecretStore, SpotNodes

OPERATORS = [Crd.PROMETHEUS_OPERATOR, Crd.EXTERNAL_SECRETS]
MONITORING = Monitoring("monitoring")
STORE = SecretStore("vault")
EFA = Fabric({"vpc.amazonaws.com/efa": 32}, huge_pages="5120Mi", env={"FI_PROVIDER": "efa"})
L4 = Accelerator("l4", per_node=1, nodes=8, node_selector={"karpenter.k8s.aws/instance-gpu-name": "l4"})
ON_AWS = Accelerator(
    "h100", per_node=8, nodes=4, node_selector={"karpenter.k8s.aws/instance-gpu-name": "h100"}, fabric=EFA,
    node_cpu="190", node_memory="1900Gi",
)  # fmt: skip
ON_GCP = Accelerator(
    "h100", per_node=8, nodes=32, node_selector={"cloud.google.com/gke-accelerator": "nvidia-h100-mega-80gb"},
    node_cpu="206", node_memory="1800Gi",
)  # fmt: skip
PLAIN = Cluster("eks", kubernetes="1.37", cloud=Cloud.EKS, accelerators=[L4, ON_AWS], spot=SpotNodes.KARPENTER)
EKS = Cluster(
    "eks-team", kubernetes="1.37", cloud=Cloud.EKS, accelerators=[L4, ON_AWS], spot=SpotNodes.KARPENTER,
    installed=OPERATORS, monitoring=MONITORING, secret_store=STORE,
)  # fmt: skip
GKE = Cluster(
    "gke", kubernetes="1.37", cloud=Cloud.GKE, accelerators=[ON_GCP], monitoring=MONITORING,
    installed=[Crd.JOBSET, Crd.KUEUE, Crd.PROMETHEUS_OPERATOR],
)  # fmt: skip
V5E = Accelerator(
    "v5e-16", "google.com/tpu", per_node=4, nodes=8, topology="4x4", node_cpu="110", node_memory="180Gi",
    node_selector={"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice"},
)  # fmt: skip
SLICES = Cluster(
    "gke-tpu", kubernetes="1.37", cloud=Cloud.GKE, accelerators=[V5E], csi_drivers={"gcsfuse.csi.storage.gke.io"}
)  # fmt: skip
ON_PREMISES = Accelerator(
    "h100", per_node=8, nodes=16, node_selector={"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
    node_cpu="190", node_memory="1900Gi", fabric=Fabric({"rdma/hca": 8}, env={"NCCL_IB_HCA": "mlx5"}),
)  # fmt: skip
VOLCANO = Cluster(
    "on-premises", kubernetes="1.37", accelerators=[ON_PREMISES], monitoring=MONITORING,
    installed=[Crd.VOLCANO, Crd.PROMETHEUS_OPERATOR],
)  # fmt: skip
TRAINER = f"registry.example/trainer:3.1.0@sha256:{'0123456789abcdef' * 4}"
