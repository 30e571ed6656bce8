"""Load on a service: CPU that its pods use, split over the endpoints that its Service has at each moment."""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Self

from tests.cluster.api import Api, ApiError, Stop

USAGE = "tests.modelyard.dev/cpu"
LONGEST = 600.0


class Load:
    """
    Requests that keep the pods behind a Service busy, as long as the block runs.

    The more pods are ready, the less each has to do: as behind any load balancer, an autoscaler finds its level.

    Args:
        api: The API server.

        namespace: Where the Service is.

        service: Its name.
    """

    def __init__(self, api: Api, namespace: str, service: str) -> None:
        self._api, self._namespace, self._service = api, namespace, service
        self._total = 0
        self._endpoints: list[str] = []
        self._lock = threading.Lock()
        self._stop = Stop()
        self._thread = threading.Thread(target=self._follow, name="load", daemon=True)

    def __enter__(self) -> Self:
        """Follow the endpoints."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the pods alone."""
        self._stop.set()
        self._thread.join(timeout=30)

    def set(self, millicpu: int) -> None:
        """Let all pods together use *millicpu* thousandths of a CPU from now on."""
        with self._lock:
            self._total = millicpu
            self._share()

    def _follow(self) -> None:
        labels = f"kubernetes.io/service-name={self._service}"
        watch = self._api.watch(
            "discovery.k8s.io/v1", "EndpointSlice", self._namespace, labels=labels, seconds=LONGEST, stop=self._stop
        )
        for slices in watch:
            with self._lock:
                self._endpoints = sorted(
                    endpoint["targetRef"]["name"]
                    for one in slices.values()
                    for endpoint in one.get("endpoints") or []
                    if endpoint["conditions"].get("ready")
                )
                self._share()

    def _share(self) -> None:
        for name in self._endpoints:
            used = f"{self._total // len(self._endpoints)}m"
            pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod"}
            pod["metadata"] = {"name": name, "namespace": self._namespace}
            # A pod may have left in the meantime.
            with contextlib.suppress(ApiError):
                self._api.patch(pod, {"metadata": {"annotations": {USAGE: used}}})
