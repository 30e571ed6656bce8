"""What is known of a workload while it runs: its metrics, alerts and dashboard, as options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.durations import minutes, seconds
from modelyard.values.names import labels as broken_labels
from modelyard.values.value import option, source_of, value

LEAST_INTERVAL = timedelta(seconds=1)
OWN_PORT = "metrics"
"""What a port is called that nothing but metrics comes from."""


def _port(port: int | str | None) -> str | None:
    if isinstance(port, int) and not 1 <= port <= HIGHEST_PORT:
        return f"a port is a number from 1 to {HIGHEST_PORT}"
    return None


def _path(path: str) -> str | None:
    return None if path.startswith("/") else 'an HTTP path starts with "/"'


def _interval(every: timedelta) -> str | None:
    return None if every >= LEAST_INTERVAL else "metrics are read every second at most"


def _above_zero(duration: timedelta | None) -> str | None:
    return None if duration is None or duration > timedelta(0) else "it is a length of time above zero"


@value
class Metrics:
    """
    Where the container of a workload tells its metrics, in Prometheus' format.

    Args:
        port: The name of one of the service's ports, or the number of another one, then called ``metrics``.
            Default: the service's first port.

        path: Default: ``/metrics``.

        every: How often they are read. Default: 30 seconds.

    See Also:
        https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
    """

    port: int | str | None = option(default=None, check=_port)
    path: str = option(default="/metrics", check=_path)
    every: timedelta = option(default=seconds(30), check=_interval)


@value
class Watch:
    """
    How a workload is watched, where the cluster has `Monitoring`.

    Args:
        metrics: Where its own metrics are. Default: where a service's runtime has them; else nothing is scraped.

        alerts: Whether alerts tell what goes wrong. Default: they do.

        dashboard: Whether Grafana is given a dashboard. Default: it is, where the cluster's monitoring has some.

        pending_after: A pod that has not found a node for so long is told of. Default: 15 minutes.

        queued_after: A training that has waited in its queue of Kueue for so long is told of. Default: a day.

        labels: Of every alert, for example the team that is called. Default: none beside severity and workload.

        runbook: The address of a page that says what to do. Default: none.
    """

    metrics: Metrics | None = attrs.field(default=None, kw_only=True)
    alerts: bool = attrs.field(default=True, kw_only=True)
    dashboard: bool = attrs.field(default=True, kw_only=True)
    pending_after: timedelta = option(default=minutes(15), check=_above_zero, kw_only=True)
    queued_after: timedelta | None = option(default=None, check=_above_zero, kw_only=True)
    labels: Mapping[str, str] = option(default=attrs.Factory(dict), check=broken_labels, kw_only=True)
    runbook: str | None = attrs.field(default=None, kw_only=True)


def watched(spec: Any, site: Site) -> Watch | None:  # a PodSpec, which this module is a part of
    """Return how *spec* is watched at *site*, or None."""
    if site.cluster.monitoring is None:
        return None
    watch: Any = spec.watch or Watch()
    own: Metrics | None = getattr(spec, "metrics", None)
    chosen: Watch = attrs.evolve(watch, metrics=own) if watch.metrics is None and own is not None else watch
    return chosen


def scraped(spec: Any, site: Site) -> tuple[str, int, Metrics] | None:  # a PodSpec
    """Return name and number of the port that metrics are read from, and how."""
    watch = watched(spec, site)
    if watch is None or watch.metrics is None:
        return None
    port = watch.metrics.port
    if isinstance(port, int):
        return OWN_PORT, port, watch.metrics
    known = [one for one in getattr(spec, "ports", ()) if port in {None, one.name}]
    return (known[0].name, known[0].number, watch.metrics) if known else None


def own_ports(spec: Any, site: Site) -> list[dict[str, Any]]:  # a PodSpec
    """Return the container's port that only metrics come from."""
    found = scraped(spec, site)
    if found is None or not isinstance(found[2].port, int):
        return []
    return [{"name": found[0], "containerPort": found[1], "protocol": "TCP"}]


def watch_breaches(spec: Any, site: Site) -> Iterator[Breach]:  # a PodSpec
    """Yield why *spec* cannot be watched at *site* as it asks for."""
    watch: Watch | None = spec.watch
    if watch is None:
        return
    source = source_of(watch)
    if site.cluster.monitoring is None:
        because = f"the cluster {site.cluster.name} says no monitoring, so nothing would come of it"
        do = 'write Cluster(..., monitoring=Monitoring("monitoring")), or leave watch= away'
        yield Breach("X11", "watch", None, because, do, source)
    if watch.queued_after is not None and getattr(spec, "queue", None) is None:
        because = "it waits in no queue"
        yield Breach("X11", "watch.queued_after", watch.queued_after, because, "leave it away, or write queue=", source)
    if watch.metrics is None:
        return
    port, ports = watch.metrics.port, getattr(spec, "ports", ())
    names, numbers = [one.name for one in ports], [one.number for one in ports]
    if isinstance(port, int):
        if port in numbers or OWN_PORT in names:
            because = f"the service has the ports {', '.join(f'{one.name} ({one.number})' for one in ports)} already"
            yield Breach("N20", "watch.metrics.port", port, because, "write the name of the port", source)
    elif not ports:
        because = "a training has no ports of its own"
        yield Breach("X11", "watch.metrics.port", port, because, "write the number of the port", source)
    elif port is not None and port not in names:
        because, do = "the service has no port of this name", f"its ports are {', '.join(names)}"
        yield Breach("P03", "watch.metrics.port", port, because, do, source)
