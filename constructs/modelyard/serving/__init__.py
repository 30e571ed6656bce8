"""Models that serve: `ScalableModelService`."""

from modelyard.serving.models import Adapter, Loader
from modelyard.serving.options import CpuScale, Drain, Exec, HttpGet, LoadTime, TcpSocket
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.serving.service import ScalableModelService

__all__ = [
    "NIM",
    "VLLM",
    "Adapter",
    "CpuScale",
    "Drain",
    "Exec",
    "HttpGet",
    "LoadTime",
    "Loader",
    "MLServer",
    "SGLang",
    "ScalableModelService",
    "TcpSocket",
    "Triton",
]
