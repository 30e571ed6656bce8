"""What goes wrong with services, as alerts, and what is drawn of them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.fleet.site import Site
from modelyard.pod.monitors import Alert, Panel, pending, pod_panels
from modelyard.pod.watching import scraped, watched
from modelyard.serving.backends import runs_as
from modelyard.serving.loading import WAITS
from modelyard.serving.scales import KedaScale, QueueScale
from modelyard.serving.scaling import query
from modelyard.serving.signals import pod_names
from modelyard.serving.spec import ServiceSpec
from modelyard.serving.tracks import track
from modelyard.values.durations import whole_seconds
from modelyard.values.names import SAFE
from modelyard.values.quantity import plain

FIVE_MINUTES = 300
QUARTER = 900
PATIENCE = 2


def _replicas(name: str, spec: ServiceSpec, site: Site) -> tuple[str, str, str]:
    """Return the metrics of ready and of wanted replicas, and the labels that they share."""
    nodes = spec.nodes
    if track(spec) is not None:  # kube-state-metrics knows no Rollouts, and counts what they make
        chosen = f'{{namespace="{site.namespace}",replicaset=~"{name}-{SAFE}{{1,10}}"}}'
        ready, wanted = "kube_replicaset_status_ready_replicas", "kube_replicaset_spec_replicas"
        return f"sum by (namespace) ({ready}{chosen})", f"sum by (namespace) ({wanted}{chosen})", "namespace"
    kind = "deployment" if nodes == 1 else "statefulset"  # of the leaders, which LeaderWorkerSet makes
    chosen = f'{{namespace="{site.namespace}",{kind}="{name}"}}'
    if nodes == 1:
        ready, wanted = "kube_deployment_status_replicas_available", "kube_deployment_spec_replicas"
    else:
        ready, wanted = "kube_statefulset_status_replicas_ready", "kube_statefulset_replicas"
    return f"{ready}{chosen}", f"{wanted}{chosen}", f"namespace, {kind}"


def alerts(name: str, container: str, spec: ServiceSpec, site: Site) -> Iterator[Alert]:
    """Yield what is told of the service *name*."""
    watch = watched(spec, site)
    if watch is None:
        return
    called = pod_names(runs_as(name, spec), spec.nodes)
    ready, wanted, shared = _replicas(runs_as(name, spec), spec, site)
    pods = f'namespace="{site.namespace}",pod=~"{called}"'
    yield Alert(
        "ServiceDown",
        f"{ready} == 0 and on ({shared}) {wanted} > 0",
        FIVE_MINUTES,
        "answers no requests",
        "No replica is ready. Look at the pods, and at what was changed last.",
        "critical",
    )
    waiting = f'kube_pod_container_status_waiting_reason{{{pods},container="{container}",reason="CrashLoopBackOff"}}'
    yield Alert(
        "ServiceCrashes",
        f"max by (namespace, pod) (max_over_time({waiting}[5m])) == 1",
        FIVE_MINUTES,
        "is restarted again and again",
        "{{ $labels.pod }} ends soon after it starts: kubectl logs --previous says why.",
    )
    yield pending(called, watch, site, _loading(pods, spec))
    start = whole_seconds(spec.startup)
    yield Alert(
        "ServiceNotReady",
        f"time() - max by (namespace, pod) ({_started(pods, spec)}) > {start}"
        f' and on (namespace, pod) kube_pod_status_ready{{{pods},condition="true"}} == 0'
        f' and on (namespace, pod) kube_pod_status_phase{{{pods},phase="Running"}} == 1',
        FIVE_MINUTES,
        "has a replica that is not ready",
        f"{{{{ $labels.pod }}}} should have been ready within {start} seconds, or is no longer.",
    )
    yield from _scaling(name, spec, site)
    if scraped(spec, site) is not None:
        yield Alert(
            "ServiceNotScraped",
            f'absent(up{{job="{site.namespace}/{name}"}} == 1)',
            QUARTER,
            "tells no metrics",
            "Prometheus reads from no replica: look at its targets, and at the path and port of the metrics.",
        )


def _loading(pods: str, spec: ServiceSpec) -> str | None:
    """Return what is true of *pods* that wait for their model, and may."""
    if spec.loader is None:
        return None
    waits = f'kube_pod_init_container_status_running{{{pods},container="{WAITS}"}}'
    return (
        f"max by (namespace, pod) ({waits}) == 1 and on (namespace, pod)"
        f" time() - max by (namespace, pod) (kube_pod_start_time{{{pods}}}) < {whole_seconds(spec.loader.deadline)}"
    )


def _started(pods: str, spec: ServiceSpec) -> str:
    """Return when servers were started: with a loader once their models were there, which not all Prometheus know."""
    start = f"kube_pod_start_time{{{pods}}}"
    if spec.loader is None:
        return start
    latest = f"{start} + {whole_seconds(spec.loader.deadline)}"
    return f"kube_pod_status_initialized_time{{{pods}}} or on (namespace, pod) {latest}"


def _scaling(name: str, spec: ServiceSpec, site: Site) -> Iterator[Alert]:
    if spec.scale is None:
        return
    chosen = f'namespace="{site.namespace}",horizontalpodautoscaler="{autoscaler_name(name, spec)}"'
    yield Alert(
        "ServiceAtMax",
        f"kube_horizontalpodautoscaler_status_desired_replicas{{{chosen}}}"
        f" >= on (namespace, horizontalpodautoscaler) kube_horizontalpodautoscaler_spec_max_replicas{{{chosen}}}",
        QUARTER,
        "has as many replicas as it may have",
        f"More load than {spec.most} replicas can bear makes it slow: raise max, or make each replica faster.",
    )
    if isinstance(spec.scale, QueueScale):
        ready, _, _ = _replicas(runs_as(name, spec), spec, site)
        yield Alert(
            "ServiceQueue",
            f"{query(name, spec, site)} / max({ready}) > {plain(spec.scale.target * PATIENCE)}",
            QUARTER,
            "lets requests wait",
            f"Each replica has more than {PATIENCE} times as many requests waiting as the autoscaler aims at.",
        )


def autoscaler_name(name: str, spec: ServiceSpec) -> str:
    """Return what the HorizontalPodAutoscaler is called, which KEDA makes one of itself."""
    return f"keda-hpa-{name}" if isinstance(spec.scale, KedaScale) else runs_as(name, spec)


def panels(name: str, container: str, spec: ServiceSpec, site: Site) -> Iterator[Panel]:
    """Yield what is drawn of the service *name*."""
    ready, wanted, _ = _replicas(runs_as(name, spec), spec, site)
    called = pod_names(runs_as(name, spec), spec.nodes)
    yield Panel("Replicas", "short", ((ready, "ready"), (wanted, "wanted")))
    if isinstance(spec.scale, KedaScale):
        yield Panel("Load that it scales by", "short", ((query(name, spec, site), "load"),))
    chosen = f'namespace="{site.namespace}",pod=~"{called}",container="{container}"'
    restarts = f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{chosen}}}[15m]))"
    yield Panel("Restarts in 15 minutes", "short", ((restarts, "{{pod}}"),))
    yield from pod_panels(called, container, spec, site)
