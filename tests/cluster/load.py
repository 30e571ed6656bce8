"""Load on a service: CPU that its pods use, split over the endpoints that its Service has at each moment."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from tests.cluster.api import Api, ApiError
from tests.cluster.following import Following, State
from tests.cluster.objects import endpoints

USAGE = "tests.modelyard.dev/cpu"
FOR_THREE = 1650
"""
Thousandths of a CPU for which an autoscaler of pods of one CPU each, which aims at 70 percent, wants three of them.

Two use 82 percent then, and it wants three from 78 to 105: what it reads is as much too high as a look of
metrics-server is late, in tenths, since it looks every ten seconds.
"""


class Load(Following):
    """
    Requests that keep the pods behind a Service busy, as long as the block runs.

    The more pods are ready, the less each has to do: as behind any load balancer, an autoscaler finds its level.

    Args:
        api: The API server.

        namespace: Where the Service is.

        service: Its name.
    """

    def __init__(self, api: Api, namespace: str, service: str) -> None:
        self._namespace = namespace
        self._total = 0
        self._endpoints: list[str] = []
        self._lock = threading.Lock()
        labels = f"kubernetes.io/service-name={service}"
        super().__init__(api, self._turn, "discovery.k8s.io/v1", "EndpointSlice", namespace, labels=labels)

    def set(self, millicpu: int) -> None:
        """Let all pods together use *millicpu* thousandths of a CPU from now on."""
        with self._lock:
            self._total = millicpu
            self._share()

    def _turn(self, slices: State) -> None:
        with self._lock:
            self._endpoints = [one["targetRef"]["name"] for one in endpoints(slices.values())]
            self._share()

    def _share(self) -> None:
        for name in self._endpoints:
            used = f"{self._total // len(self._endpoints)}m"
            pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod"}
            pod["metadata"] = {"name": name, "namespace": self._namespace}
            # A pod may have left in the meantime.
            with contextlib.suppress(ApiError):
                self._api.patch(pod, {"metadata": {"annotations": {USAGE: used}}})
