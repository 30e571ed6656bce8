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
        Cluster,
        Crd,
        Environment,
        Fabric,
        Fleet,
        Owned,
        SpotNodes,
        StorageClass,
        Toleration,
    )
    from modelyard.pod import (
        Bucket,
        Claim,
        ConfigFiles,
        EmptyDir,
        FieldRef,
        Gpu,
        HuggingFace,
        Network,
        OciImage,
        Peer,
        Port,
        SecretFiles,
        SecretKey,
    )
    from modelyard.serving import CpuScale, Drain, Exec, HttpGet, ScalableModelService, TcpSocket
    from modelyard.training import Checkpoint, Schedule, Sweep, Topology, TrainingJob
    from modelyard.values import Image, days, hours, minutes, seconds

__all__ = [
    "Accelerator",
    "ArgoCD",
    "Bucket",
    "Checkpoint",
    "Claim",
    "Cluster",
    "ConfigFiles",
    "CpuScale",
    "Crd",
    "Drain",
    "EmptyDir",
    "Environment",
    "Exec",
    "Fabric",
    "FieldRef",
    "Finding",
    "Fleet",
    "Flux",
    "FluxPolicy",
    "Gpu",
    "HttpGet",
    "HuggingFace",
    "Image",
    "ModelyardError",
    "Network",
    "OciImage",
    "Owned",
    "Peer",
    "Port",
    "ScalableModelService",
    "Schedule",
    "SecretFiles",
    "SecretKey",
    "Severity",
    "SpecError",
    "SpotNodes",
    "StorageClass",
    "Sweep",
    "SynthesisError",
    "TcpSocket",
    "Toleration",
    "Topology",
    "TrainingJob",
    "UsageError",
    "days",
    "hours",
    "minutes",
    "seconds",
]

_ROOMS = {
    "modelyard.delivery": ("ArgoCD", "Flux", "FluxPolicy"),
    "modelyard.findings": ("Finding", "ModelyardError", "Severity", "SpecError", "SynthesisError", "UsageError"),
    "modelyard.fleet": (
        "Accelerator", "Cluster", "Crd", "Environment", "Fabric", "Fleet", "Owned", "SpotNodes", "StorageClass",
        "Toleration",
    ),
    "modelyard.pod": (
        "Bucket", "Claim", "ConfigFiles", "EmptyDir", "FieldRef", "Gpu", "HuggingFace", "Network", "OciImage", "Peer",
        "Port", "SecretFiles", "SecretKey",
    ),
    "modelyard.serving": ("CpuScale", "Drain", "Exec", "HttpGet", "ScalableModelService", "TcpSocket"),
    "modelyard.training": ("Checkpoint", "Schedule", "Sweep", "Topology", "TrainingJob"),
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
