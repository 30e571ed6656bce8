"""Models that serve: `ScalableModelService`."""

from modelyard.serving.backends import KServe
from modelyard.serving.hosts import Host
from modelyard.serving.models import Adapter, Loader
from modelyard.serving.options import CpuScale, Drain, Exec, Grpc, HttpGet, LoadTime, TcpSocket
from modelyard.serving.pools import InferencePool
from modelyard.serving.scales import GpuScale, MetricScale, QueueScale
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.serving.service import ScalableModelService
from modelyard.serving.tracks import Analysis, BlueGreen, Canary

__all__ = [
    "NIM",
    "VLLM",
    "Adapter",
    "Analysis",
    "BlueGreen",
    "Canary",
    "CpuScale",
    "Drain",
    "Exec",
    "GpuScale",
    "Grpc",
    "Host",
    "HttpGet",
    "InferencePool",
    "KServe",
    "LoadTime",
    "Loader",
    "MLServer",
    "MetricScale",
    "QueueScale",
    "SGLang",
    "ScalableModelService",
    "TcpSocket",
    "Triton",
]
