"""The one autoscaler of a service: a HorizontalPodAutoscaler on CPU, or KEDA's on anything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import manifest
from modelyard.pod.monitors import gpu_use
from modelyard.pod.watching import scraped
from modelyard.serving.backends import runs_as
from modelyard.serving.options import CpuScale
from modelyard.serving.scales import GpuScale, KedaScale, MetricScale, QueueScale
from modelyard.serving.signals import metrics, pod_names, unexported
from modelyard.serving.spec import ServiceSpec
from modelyard.values.durations import whole_seconds
from modelyard.values.quantity import plain
from modelyard.values.value import source_of

API = "keda.sh/v1alpha1"
BUFFER = "modelyard.dev/buffer"
"""The annotation that says what keeps requests while there is no replica."""
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}
FAILURES = 3
LEAST_WINDOW, LONGEST_WINDOW = 300, 3600


def autoscaler(
    name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str], target: Mapping[str, str] = DEPLOYMENT
) -> dict[str, Any]:
    """Return what scales the *target* of this name; *spec* has a scale."""
    aimed = {**target, "name": runs_as(name, spec)}
    if not isinstance(spec.scale, KedaScale):
        return _horizontal(name, spec, site, labels, aimed)
    scale = spec.scale
    one = manifest(API, "ScaledObject", name, labels, site)
    if isinstance(scale, MetricScale) and scale.buffer is not None:
        one["metadata"]["annotations"] = {BUFFER: scale.buffer}
    window = _window(spec)
    one["spec"] = {
        "scaleTargetRef": aimed,
        "minReplicaCount": scale.min,
        "maxReplicaCount": scale.max,
        # Only the way from one replica to none goes by it.
        **({"cooldownPeriod": window} if scale.min == 0 else {}),
        # Nobody knows the load while Prometheus does not answer: what runs goes on, and no less than the minimum.
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": max(1, scale.min),
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behaviour(window)}},
        "triggers": [_trigger(*one, site) for one in _loads(name, spec, site)],
    }
    return one


def _loads(name: str, spec: ServiceSpec, site: Site) -> Iterator[tuple[str, float]]:
    """Yield each load that is gone by, with what one replica can bear; most replicas win."""
    if spec.scale is not None:
        yield query(name, spec, site), spec.scale.target
    if isinstance(spec.scale, QueueScale) and spec.scale.running is not None:
        yield _summed(metrics(spec).get("running"), name, spec, site), spec.scale.running


def _trigger(asked: str, bearable: float, site: Site) -> dict[str, Any]:
    return {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": _address(site),
            "query": asked,
            "threshold": plain(bearable),
            # A metric that nobody tells is no sign of idleness.
            "ignoreNullValues": "false",
        },
    }


def _address(site: Site) -> str:
    monitoring = site.cluster.monitoring
    return (monitoring.address or "") if monitoring is not None else ""


def query(name: str, spec: ServiceSpec, site: Site) -> str:
    """Return the whole load that KEDA's autoscaler goes by, in PromQL."""
    scale, pods = spec.scale, pod_names(runs_as(name, spec), spec.nodes)
    if isinstance(scale, MetricScale):
        return scale.query
    if isinstance(scale, GpuScale):
        return f"sum(avg by (pod, exported_pod) ({gpu_use(pods, site)}))"
    return _summed(queue(spec), name, spec, site)


def _summed(metric: str | None, name: str, spec: ServiceSpec, site: Site) -> str:
    return f'sum({metric}{{namespace="{site.namespace}",pod=~"{pod_names(runs_as(name, spec), spec.nodes)}"}})'


def queue(spec: ServiceSpec) -> str | None:
    """Return the metric of the requests that wait, as far as it is known."""
    if not isinstance(spec.scale, QueueScale):
        return None
    return spec.scale.metric or metrics(spec).get("waiting")


def _window(spec: ServiceSpec) -> int:
    """Return how long load must have been lower: a pod that is ended too early is missed for its whole start."""
    given = spec.scale.scale_down_after if spec.scale is not None else None
    if given is not None:
        return whole_seconds(given)
    return min(LONGEST_WINDOW, max(LEAST_WINDOW, whole_seconds(spec.startup)))


def _behaviour(window: int) -> dict[str, Any]:
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 15},
                {"type": "Pods", "value": 2, "periodSeconds": 15},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": window,
            "selectPolicy": "Max",
            "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
        },
    }


def _horizontal(
    name: str, spec: ServiceSpec, site: Site, labels: Mapping[str, str], aimed: dict[str, str]
) -> dict[str, Any]:
    given = spec.scale if isinstance(spec.scale, CpuScale) else CpuScale(min=1, max=1)
    one = manifest("autoscaling/v2", "HorizontalPodAutoscaler", name, labels, site)
    target = {"type": "Utilization", "averageUtilization": given.target}
    one["spec"] = {
        "scaleTargetRef": aimed,
        "minReplicas": given.min,
        "maxReplicas": given.max,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "model", "target": target},
            }
        ],
        "behavior": _behaviour(_window(spec)),
    }
    return one


def breaches(spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield why a service cannot be scaled as it asks for."""
    scale, cluster = spec.scale, site.cluster
    if not isinstance(scale, KedaScale):
        return
    source, title = source_of(scale), type(scale).__name__
    if not cluster.has(API, "ScaledObject"):
        because = f"the cluster {cluster.name} has no {API} ScaledObject, which scales by it"
        do = "write Cluster(installed=[Crd.KEDA]), or scale=CpuScale(...)"
        yield Breach("X04", "scale", title, because, do, source)
    if not _address(site):
        because = f"the cluster {cluster.name} tells no address of its monitoring, which KEDA asks"
        do = 'write Monitoring(..., address="http://prometheus-operated.monitoring:9090")'
        yield Breach("X11", "scale", title, because, do, source)
    if isinstance(scale, QueueScale) and queue(spec) is None:
        because = "nothing is known that this service tells of the requests that wait"
        yield Breach("X11", "scale.metric", None, because, "name the metric, or scale by something else", source)
    if isinstance(scale, QueueScale) and scale.running is not None and "running" not in metrics(spec):
        because = "nothing is known that this service tells of the requests that are under way"
        yield Breach("X11", "scale.running", scale.running, because, "leave running= away", source)
    if isinstance(scale, QueueScale) and cluster.monitoring is not None and scraped(spec, site) is None:
        because = "nobody reads the metrics of this service, so its queue is not known"
        do = "write watch=Watch(metrics=Metrics(...)), or MetricScale with a query of your own"
        yield Breach("X11", "scale", title, because, do, source)
    yield from _exported(scale, spec)
    if isinstance(scale, GpuScale) and spec.gpu is None:
        yield Breach("X11", "scale", title, "the service has no gpu", "scale by something else", source)
    if isinstance(scale, MetricScale) and scale.min > 0 and scale.buffer is not None:
        because = f"scale.min is {scale.min}, so there is always a replica"
        yield Breach("X11", "scale.buffer", scale.buffer, because, "leave buffer= away, or write min=0", source)


def _exported(scale: KedaScale, spec: ServiceSpec) -> Iterator[Breach]:
    """Yield the metrics that the user names, and the runtime at its version does not tell."""
    field = {QueueScale: "metric", MetricScale: "query"}.get(type(scale), "")
    asked: str | None = getattr(scale, field, None)
    if asked is not None:
        yield from unexported(f"scale.{field}", asked, spec, source_of(scale))
