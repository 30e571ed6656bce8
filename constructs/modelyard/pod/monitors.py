"""The objects by which a workload is watched: a PodMonitor, a PrometheusRule and a dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from modelyard.fleet.draft import Draft
from modelyard.fleet.site import Site
from modelyard.pod.identity import digest
from modelyard.pod.spec import PodSpec
from modelyard.pod.template import manifest, selector
from modelyard.pod.watching import Watch, scraped, watched
from modelyard.values.durations import whole_seconds

API = "monitoring.coreos.com/v1"
SCHEMA_VERSION = 39
WIDTH, HEIGHT = 12, 8


@attrs.frozen
class Alert:
    """
    One thing that goes wrong.

    Args:
        name: In CamelCase.

        expr: In PromQL; it has a value as long as it goes wrong.

        seconds: For which it must have.

        summary: What it is, in a few words behind the workload's name.

        description: What to look at.

        severity: ``warning`` or ``critical``.
    """

    name: str
    expr: str
    seconds: int
    summary: str
    description: str
    severity: str = "warning"


@attrs.frozen
class Panel:
    """
    One graph.

    Args:
        title: In words.

        unit: As Grafana calls it.

        lines: What is drawn, in PromQL, each with its legend.
    """

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def monitors(
    name: str, labels: Mapping[str, str], spec: PodSpec, site: Site, *,
    alerts: Iterable[Alert], panels: Iterable[Panel], pods: Mapping[str, str] | None = None,
) -> Iterator[Draft]:  # fmt: skip
    """Yield what watches the workload *name*, by these alerts and graphs; labels select its *pods*."""
    monitoring, watch = site.cluster.monitoring, watched(spec, site)
    if monitoring is None or watch is None:
        return
    alerts, panels = list(alerts), list(panels)
    chosen = {**labels, **monitoring.labels}
    if (found := scraped(spec, site)) is not None:
        port, _, metrics = found
        monitor = manifest(API, "PodMonitor", name, chosen, site)
        endpoint = {"port": port, "path": metrics.path, "interval": prometheus_duration(whole_seconds(metrics.every))}
        own = selector(name) if pods is None else dict(pods)
        monitor["spec"] = {"selector": {"matchLabels": own}, "podMetricsEndpoints": [endpoint]}
        yield Draft(monitor)
    if watch.alerts and alerts:
        rules = manifest(API, "PrometheusRule", name, chosen, site)
        rules["spec"] = {"groups": [{"name": name, "rules": [_rule(name, one, watch, site) for one in alerts]}]}
        yield Draft(rules)
    if watch.dashboard and monitoring.dashboards and panels:
        dashboard = manifest("v1", "ConfigMap", f"{name}-dashboard", {**labels, **monitoring.dashboards}, site)
        dashboard["data"] = {f"{site.namespace}-{name}.json": _dashboard(name, panels, site)}
        yield Draft(dashboard)


def _rule(name: str, alert: Alert, watch: Watch, site: Site) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **({"for": prometheus_duration(alert.seconds)} if alert.seconds else {}),
        "labels": {"severity": alert.severity, "environment": site.environment, "workload": name, **watch.labels},
        "annotations": {
            "summary": f"{site.environment}/{name} {alert.summary}",
            "description": alert.description,
            **({} if watch.runbook is None else {"runbook_url": watch.runbook}),
        },
    }


def prometheus_duration(seconds: int) -> str:
    """Return *seconds* as Prometheus writes them: ``15m``."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _dashboard(name: str, panels: Sequence[Panel], site: Site) -> str:
    source = {"type": "prometheus", "uid": "${datasource}"}
    graphs = [
        {
            "id": index + 1,
            "type": "timeseries",
            "title": panel.title,
            "datasource": source,
            "gridPos": {"x": index % 2 * WIDTH, "y": index // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + line), "datasource": source, "expr": expr, "legendFormat": legend}
                for line, (expr, legend) in enumerate(panel.lines)
            ],
        }
        for index, panel in enumerate(panels)
    ]
    whole = {
        "uid": f"modelyard-{digest([site.cluster.name, site.namespace, name])}",
        "title": f"{site.environment}/{name}",
        "tags": ["modelyard", site.environment],
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": graphs,
    }
    return json.dumps(whole, indent=1) + "\n"


def pod_panels(pods: str, container: str, spec: PodSpec, site: Site) -> Iterator[Panel]:
    """Yield the graphs that pods of every kind have, whose names match *pods*."""
    chosen = f'namespace="{site.namespace}",pod=~"{pods}",container="{container}"'
    cpu = f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{chosen}}}[5m]))"
    yield Panel("CPU", "short", ((cpu, "{{pod}}"),))
    memory = f"max by (pod) (container_memory_working_set_bytes{{{chosen}}})"
    yield Panel("Memory", "bytes", ((memory, "{{pod}}"),))
    if spec.gpu is not None:
        yield Panel(
            "GPU", "percent", ((f"avg by (pod, exported_pod) ({gpu_use(pods, site)})", "{{exported_pod}}{{pod}}"),)
        )


def gpu_use(pods: str, site: Site) -> str:
    """Return what DCGM tells of the GPUs of *pods*, whose labels Prometheus renames where it does not honour them."""
    return " or ".join(
        f'DCGM_FI_DEV_GPU_UTIL{{{prefix}namespace="{site.namespace}",{prefix}pod=~"{pods}"}}'
        for prefix in ("", "exported_")
    )


def pending(pods: str, watch: Watch, site: Site, waiting: str | None = None) -> Alert:
    """Return the alert for pods that find no node, and of which *waiting*, in PromQL, is not true."""
    chosen = f'namespace="{site.namespace}",pod=~"{pods}",phase="Pending"'
    return Alert(
        "PodPending",
        f"max by (namespace, pod) (kube_pod_status_phase{{{chosen}}}) == 1"
        + (f" unless on (namespace, pod) ({waiting})" if waiting else ""),
        whole_seconds(watch.pending_after),
        "waits for a node",
        "{{ $labels.pod }} has not started: kubectl describe says whether it waits for a node, an image or a volume.",
    )
