"""Models that serve: `ScalableModelService`."""

from modelyard.serving.models import Adapter, Bucket, HuggingFace, Loader, OciImage
from modelyard.serving.options import CpuScale, Drain, Exec, HttpGet, LoadTime, TcpSocket
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.serving.service import ScalableModelService

__all__ = [
    "NIM",
    "VLLM",
    "Adapter",
    "Bucket",
    "CpuScale",
    "Drain",
    "Exec",
    "HttpGet",
    "HuggingFace",
    "LoadTime",
    "Loader",
    "MLServer",
    "OciImage",
    "SGLang",
    "ScalableModelService",
    "TcpSocket",
    "Triton",
]
