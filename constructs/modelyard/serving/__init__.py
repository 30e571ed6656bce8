"""Models that serve: `ScalableModelService`."""

from modelyard.serving.options import CpuScale, Drain, Exec, HttpGet, TcpSocket
from modelyard.serving.scales import GpuScale, MetricScale, QueueScale
from modelyard.serving.service import ScalableModelService

__all__ = [
    "CpuScale",
    "Drain",
    "Exec",
    "GpuScale",
    "HttpGet",
    "MetricScale",
    "QueueScale",
    "ScalableModelService",
    "TcpSocket",
]
