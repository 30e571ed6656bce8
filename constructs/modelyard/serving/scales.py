"""What replicas can follow beside CPU: requests that wait, GPUs, or any metric, by KEDA."""

from __future__ import annotations

import re
from datetime import timedelta

from modelyard.serving.options import window
from modelyard.values.value import option, required, value

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def _at_least_one(count: int) -> str | None:
    return None if count >= 1 else "it is a whole number of at least 1"


def _not_negative(count: int) -> str | None:
    return None if count >= 0 else "it is a whole number of at least 0"


def _above_zero(target: float | None) -> str | None:
    return None if target is None or target > 0 else "what one replica can bear is above 0"


def _percent(target: float) -> str | None:
    return None if 0 < target <= 100 else "it is a percentage, above 0 and at most 100"  # noqa: PLR2004 # percent


def _metric(name: str | None) -> str | None:
    if name is None or METRIC.fullmatch(name):
        return None
    return "the name of a metric holds letters, digits, _ and : only; a whole query goes into MetricScale"


def _words(text: str | None) -> str | None:
    return None if text is None or text.strip() else "it says something"


@value
class QueueScale:
    """
    Replicas that follow the requests that wait in the model server, by KEDA and Prometheus.

    Args:
        min: At least so many, 1 or more: the queue is in the pods, and none would tell of it.

        max: At most so many, *min* or more.

        target: Waiting requests that one replica is given to bear. Default: 5.

        running: Requests under way that one replica is given to bear, for a runtime that tells them: a busy replica
            without a queue is kept. Default: only the queue counts.

        metric: What tells those that wait, summed over the replicas. Default: what the runtime is known to tell.

        scale_down_after: Load must have been lower for so long, 0 seconds to 1 hour. Default: 5 minutes, or the
            time that a start may take where that is more.

    See Also:
        https://keda.sh/docs/latest/scalers/prometheus/
    """

    min: int = required(check=_at_least_one)
    max: int = required(check=_at_least_one)
    target: float = option(default=5, check=_above_zero)
    running: float | None = option(default=None, check=_above_zero, kw_only=True)
    metric: str | None = option(default=None, check=_metric, kw_only=True)
    scale_down_after: timedelta | None = option(default=None, check=window, kw_only=True)


@value
class GpuScale:
    """
    Replicas that follow the use of their GPUs, by KEDA and the metrics of NVIDIA's DCGM exporter.

    A model server mostly shows a busy GPU at its first request, so replicas are added without need: see A19.

    Args:
        min: At least so many, 1 or more.

        max: At most so many, *min* or more.

        target: Use in percent that is aimed at, averaged over the GPUs of a replica. Default: 80.

        scale_down_after: Load must have been lower for so long, 0 seconds to 1 hour. Default: 5 minutes, or the
            time that a start may take where that is more.

    See Also:
        https://docs.nvidia.com/datacenter/dcgm/latest/gpu-telemetry/dcgm-exporter.html
    """

    min: int = required(check=_at_least_one)
    max: int = required(check=_at_least_one)
    target: float = option(default=80, check=_percent)
    scale_down_after: timedelta | None = option(default=None, check=window, kw_only=True)


@value
class MetricScale:
    """
    Replicas that follow any metric, by KEDA and Prometheus.

    Args:
        min: At least so many; 0 only where *buffer* keeps requests that nobody serves yet.

        max: At most so many, 1 or more, *min* or more.

        query: In PromQL, of one number: the whole load, not that of one replica.

        target: What one replica can bear of it.

        buffer: What keeps requests while there is no replica, in words for a reviewer, for example ``kafka``; with
            *min* 0 and not otherwise. Default: nothing does.

        scale_down_after: Load must have been lower for so long, 0 seconds to 1 hour. Default: 5 minutes, or the
            time that a start may take where that is more.

    See Also:
        https://keda.sh/docs/latest/scalers/prometheus/
    """

    min: int = required(check=_not_negative)
    max: int = required(check=_at_least_one)
    query: str = required(check=_words)
    target: float = required(check=_above_zero)
    buffer: str | None = option(default=None, check=_words, kw_only=True)
    scale_down_after: timedelta | None = option(default=None, check=window, kw_only=True)


KedaScale = QueueScale | GpuScale | MetricScale
