"""The value types that options of services are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from modelyard.pod.options import amount
from modelyard.values import quantity
from modelyard.values.durations import minutes, seconds
from modelyard.values.value import option, required, value

LONGEST_WINDOW = timedelta(hours=1)
LOAD_BASE = 180
"""Seconds that a server takes besides loading: imports, memory, graphs."""
LOAD_MARGIN = 1.5
"""For storage that is slower on some days."""


def _path(path: str) -> str | None:
    return None if path.startswith("/") else 'an HTTP path starts with "/"'


def _at_least_one(count: int) -> str | None:
    return None if count >= 1 else "it is a whole number of at least 1"


def window(duration: timedelta | None) -> str | None:
    """Return what is wrong with a stabilization window, if anything is."""
    if duration is None or timedelta(0) <= duration <= LONGEST_WINDOW:
        return None
    return "a stabilization window is from 0 seconds to 1 hour"


def _not_negative(duration: timedelta) -> str | None:
    return None if duration >= timedelta(0) else "a length of time is not negative"


@value
class HttpGet:
    """
    A health check by HTTP: any status from 200 to 399 is healthy.

    Args:
        path: For example ``/healthz``.

        port: The name of one of the service's ports. Default: the first.

    See Also:
        https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    """

    path: str = required(check=_path)
    port: str | None = None


@value
class TcpSocket:
    """
    A health check by opening a connection.

    Args:
        port: The name of one of the service's ports. Default: the first.
    """

    port: str | None = None


@value
class Exec:
    """
    A health check by a command in the container: exit code 0 is healthy.

    Args:
        command: One string a word.
    """

    command: Sequence[str]


@value
class Grpc:
    """
    A health check by gRPC's own health service: ``SERVING`` is healthy.

    Args:
        port: The name of one of the service's ports. Default: the first.

        service: What is asked about. Default: the server as a whole.

    See Also:
        https://github.com/grpc/grpc/blob/master/doc/health-checking.md
    """

    port: str | None = None
    service: str | None = None


@value
class CpuScale:
    """
    Replicas that follow CPU use, by a HorizontalPodAutoscaler.

    Args:
        min: At least so many, 1 or more.

        max: At most so many, *min* or more.

        target: CPU use in percent of the request that is aimed at, 1 or more. Default: 70.

        scale_down_after: Load must have been lower for so long, 0 seconds to 1 hour. Default: 5 minutes, or the
            time that a start may take where that is more.

    See Also:
        https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
    """

    min: int = required(check=_at_least_one)
    max: int = required(check=_at_least_one)
    target: int = option(default=70, check=_at_least_one)
    scale_down_after: timedelta | None = option(default=None, check=window)


@value
class LoadTime:
    """
    How long a start may take, by what there is to load: half as much again as the size at that rate and 3 minutes.

    Args:
        size: Of the model's files, as a quantity.

        rate: What is read in a second, where the model lies. Default: ``200Mi``.
    """

    size: str = required(check=amount)
    rate: str = option(default="200Mi", check=amount)

    @property
    def budget(self) -> timedelta:
        """The longest start, in whole minutes."""
        size, rate = quantity.number(self.size), quantity.number(self.rate)
        loading = math.ceil(size / rate) if size and rate else 0
        return minutes(math.ceil((loading + LOAD_BASE) * LOAD_MARGIN / 60))


@value
class Drain:
    """
    How a pod leaves: it goes on serving until nobody sends it requests any more, then finishes them.

    Args:
        delay: From the end of its endpoint to SIGTERM, while load balancers learn of it. Default: 15 seconds.

        finish: From SIGTERM on, for requests that are under way. Default: 45 seconds.

    See Also:
        https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
    """

    delay: timedelta = option(default=seconds(15), check=_not_negative)
    finish: timedelta = option(default=seconds(45), check=_not_negative)


HealthCheck = HttpGet | TcpSocket | Grpc | Exec
