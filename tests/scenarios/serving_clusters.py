"""The clusters that the scenarios of services run on."""

from __future__ import annotations

from modelyard import Accelerator, Cloud, Cluster, Crd, Gateway, Monitoring, SecretStore, StorageClass

DIGEST = "sha256:4b1c2f0e9a7d6358c0f1e2d3b4a5968778695a4b3d2e1f0c5836d7a9e0f2c1b4"
LOADER = f"ghcr.io/acme/loader:2.1.0@{DIGEST}"
MLSERVER = f"ghcr.io/acme/mlserver:1.7.1@{DIGEST}"
VLLM_IMAGE = f"ghcr.io/acme/vllm-openai:v0.18.0@{DIGEST}"
TRITON_OLD = f"ghcr.io/acme/tritonserver:25.08-py3@{DIGEST}"
TRITON_NEW = f"ghcr.io/acme/tritonserver:25.09-py3@{DIGEST}"
PICKER = f"ghcr.io/acme/epp:v1.5.0@{DIGEST}"
COMMIT = "0e9e39f249a16976918f6564b8830bc894c89659"

EKS = Cluster(
    "eks-prod",
    kubernetes="1.36",
    cloud=Cloud.EKS,
    installed=[Crd.EXTERNAL_SECRETS, Crd.GATEWAY_API, Crd.KEDA, Crd.PROMETHEUS_OPERATOR],
    secret_store=SecretStore("vault"),
    monitoring=Monitoring(
        "monitoring",
        labels={"release": "kube-prometheus-stack"},
        address="http://prometheus-operated.monitoring:9090",
    ),
    gateway=Gateway("public", "gateways", implementation="envoy"),
    accelerators=[
        Accelerator(
            "l4",
            per_node=4,
            nodes=8,
            spare=1,
            node_selector={"karpenter.k8s.aws/instance-gpu-name": "l4"},
        )
    ],
    storage=[StorageClass("efs", {"ReadWriteMany"})],
)

GKE = Cluster(
    "gke-prod",
    kubernetes="1.36",
    cloud=Cloud.GKE,
    installed=[Crd.LWS, Crd.PROMETHEUS_OPERATOR],
    monitoring=Monitoring("monitoring"),
    accelerators=[
        Accelerator(
            "h200", per_node=8, nodes=4, node_selector={"cloud.google.com/gke-accelerator": "nvidia-h200-141gb"}
        )
    ],
    client_namespaces=["gateways"],
)

ISTIO = Cluster(
    "istio-prod",
    kubernetes="1.36",
    installed=[
        Crd.ARGO_ROLLOUTS,
        Crd.GATEWAY_API,
        Crd.INFERENCE_EXTENSION,
        Crd.KEDA,
        Crd.PROMETHEUS_OPERATOR,
    ],
    monitoring=Monitoring("monitoring", address="http://prometheus-operated.monitoring:9090"),
    gateway=Gateway("public", "gateways", implementation="istio"),
    accelerators=[Accelerator("l4", per_node=4, nodes=8, spare=2, node_selector={"accelerator": "l4"})],
    storage=[StorageClass("efs", {"ReadWriteMany"})],
)
