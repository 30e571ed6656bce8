"""What each cluster has; every object is a pure function of a workload's options and of this."""

from modelyard import Accelerator, Cluster, StorageClass, Toleration

REPO = "https://github.com/acme/models"
"""Where this repository lies: Argo CD in each cluster reads ``dist/<environment>`` there."""

KIND = Cluster(
    "walkthrough",
    kubernetes="1.34",
    accelerators=[Accelerator("t4", per_node=4, nodes=2, node_selector={"accelerator": "nvidia-t4"})],
)

EKS = Cluster(
    "eks-nonprod",
    kubernetes="1.34",
    accelerators=[
        Accelerator(
            "l4",
            per_node=4,
            nodes=4,
            node_selector={"karpenter.k8s.aws/instance-gpu-name": "l4"},
            node_cpu="47",
            node_memory="180Gi",
        ),
    ],
    storage=[
        StorageClass("efs", {"ReadWriteMany", "ReadWriteOnce"}),
        StorageClass("gp3", {"ReadWriteOnce"}),
    ],
    client_namespaces=["gateways", "monitoring"],
)

GKE = Cluster(
    "gke-prod",
    kubernetes="1.35",
    accelerators=[
        Accelerator(
            "l4",
            per_node=2,
            nodes=8,
            spare=1,
            node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"},
            node_cpu="23",
            node_memory="85Gi",
        ),
        Accelerator(
            "h100",
            per_node=8,
            nodes=4,
            node_selector={"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"},
            tolerations=[
                Toleration("nvidia.com/gpu", effect="NoSchedule"),
                Toleration("dedicated", value="training", effect="NoSchedule"),
            ],
            node_cpu="205",
            node_memory="1850Gi",
        ),
    ],
    storage=[
        StorageClass("filestore-rwx", {"ReadWriteMany"}),
        StorageClass("premium-rwo", {"ReadWriteOnce"}),
    ],
    client_namespaces=["gateways", "monitoring"],
)
