"""modelyard: machine-learning workloads as Python constructs, rendered into plain Kubernetes YAML."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from modelyard import _node as _node
from modelyard import crash

if TYPE_CHECKING:
    from modelyard.delivery import ArgoCD, Flux, FluxPolicy
    from modelyard.findings import (
        Finding,
        ModelyardError,
        Severity,
        SpecError,
        SynthesisError,
        UsageError,
    )
    from modelyard.fleet import (
        Accelerator,
        Cloud,
        Cluster,
        Crd,
        Environment,
        Fabric,
        Fleet,
        Gateway,
        IngressClass,
        Monitoring,
        Owned,
        SecretStore,
        SpotNodes,
        StorageClass,
        Toleration,
    )
    from modelyard.pod import (
        Bucket,
        Claim,
        ConfigFiles,
        EmptyDir,
        ExternalSecret,
        FieldRef,
        Gpu,
        HuggingFace,
        Identity,
        Metrics,
        Network,
        OciImage,
        Peer,
        Port,
        Remote,
        SecretFiles,
        SecretKey,
        Watch,
    )
    from modelyard.serving import (
        NIM,
        VLLM,
        Adapter,
        Analysis,
        BlueGreen,
        Canary,
        CpuScale,
        Drain,
        Exec,
        GpuScale,
        Grpc,
        Host,
        HttpGet,
        InferencePool,
        KServe,
        Loader,
        LoadTime,
        MetricScale,
        MLServer,
        QueueScale,
        ScalableModelService,
        SGLang,
        TcpSocket,
        Triton,
    )
    from modelyard.training import (
        ArgoHook,
        Checkpoint,
        Job,
        JobSet,
        Queue,
        RayJob,
        Schedule,
        Step,
        Sweep,
        Topology,
        TrainingJob,
        TrainJob,
        VolcanoJob,
    )
    from modelyard.values import Image, days, hours, minutes, seconds

__all__ = [
    "NIM",
    "VLLM",
    "Accelerator",
    "Adapter",
    "Analysis",
    "ArgoCD",
    "ArgoHook",
    "BlueGreen",
    "Bucket",
    "Canary",
    "Checkpoint",
    "Claim",
    "Cloud",
    "Cluster",
    "ConfigFiles",
    "CpuScale",
    "Crd",
    "Drain",
    "EmptyDir",
    "Environment",
    "Exec",
    "ExternalSecret",
    "Fabric",
    "FieldRef",
    "Finding",
    "Fleet",
    "Flux",
    "FluxPolicy",
    "Gateway",
    "Gpu",
    "GpuScale",
    "Grpc",
    "Host",
    "HttpGet",
    "HuggingFace",
    "Identity",
    "Image",
    "InferencePool",
    "IngressClass",
    "Job",
    "JobSet",
    "KServe",
    "LoadTime",
    "Loader",
    "MLServer",
    "MetricScale",
    "Metrics",
    "ModelyardError",
    "Monitoring",
    "Network",
    "OciImage",
    "Owned",
    "Peer",
    "Port",
    "Queue",
    "QueueScale",
    "RayJob",
    "Remote",
    "SGLang",
    "ScalableModelService",
    "Schedule",
    "SecretFiles",
    "SecretKey",
    "SecretStore",
    "Severity",
    "SpecError",
    "SpotNodes",
    "Step",
    "StorageClass",
    "Sweep",
    "SynthesisError",
    "TcpSocket",
    "Toleration",
    "Topology",
    "TrainJob",
    "TrainingJob",
    "Triton",
    "UsageError",
    "VolcanoJob",
    "Watch",
    "days",
    "hours",
    "minutes",
    "seconds",
]

_ROOMS = {
    "modelyard.delivery": ("ArgoCD", "Flux", "FluxPolicy"),
    "modelyard.findings": ("Finding", "ModelyardError", "Severity", "SpecError", "SynthesisError", "UsageError"),
    "modelyard.fleet": (
        "Accelerator", "Cloud", "Cluster", "Crd", "Environment", "Fabric", "Fleet", "Gateway",
        "IngressClass", "Monitoring", "Owned",
        "SecretStore", "SpotNodes", "StorageClass", "Toleration",
    ),
    "modelyard.pod": (
        "Bucket", "Claim", "ConfigFiles", "EmptyDir", "ExternalSecret", "FieldRef", "Gpu", "HuggingFace", "Identity",
        "Metrics", "Network", "OciImage", "Peer", "Port", "Remote", "SecretFiles", "SecretKey", "Watch",
    ),
    "modelyard.serving": (
        "Adapter", "Analysis", "BlueGreen", "Canary", "CpuScale", "Drain", "Exec", "GpuScale", "Grpc", "Host",
        "HttpGet", "InferencePool", "KServe", "LoadTime", "Loader", "MLServer", "MetricScale", "NIM", "QueueScale",
        "SGLang", "ScalableModelService", "TcpSocket", "Triton", "VLLM",
    ),
    "modelyard.training": (
        "ArgoHook", "Checkpoint", "Job", "JobSet", "Queue", "RayJob", "Schedule", "Step", "Sweep", "Topology",
        "TrainJob", "TrainingJob", "VolcanoJob",
    ),
    "modelyard.values": ("Image", "days", "hours", "minutes", "seconds"),
}  # fmt: skip
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

crash.install()


def __getattr__(name: str) -> object:
    """Import the room that *name* lives in; the command line starts Node only where it must."""
    if name not in _ROOM_OF:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
    return found
