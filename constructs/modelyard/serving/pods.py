"""The pods of a service: how they start, tell that they are well, and leave."""

from __future__ import annotations

import math
from typing import Any

import attrs

from modelyard.fleet.site import Site
from modelyard.pod import Claim, Pod, Where, template
from modelyard.pod.hardware import GROUP, RUN, VOLCANO_RUN, apart, sliced
from modelyard.serving import loading
from modelyard.serving.backends import chosen, container
from modelyard.serving.launch import NOTHING, launch
from modelyard.serving.options import Exec, Grpc, HealthCheck, HttpGet, TcpSocket
from modelyard.serving.placing import mounts
from modelyard.serving.spec import SINGLE_WRITER, ServiceSpec
from modelyard.values.durations import whole_seconds

COMPONENT = "serving"
ROLE = "modelyard.dev/role"
"""The label that tells the pod of a group that takes requests from those that work for it."""
LEADS = "leader"
SHORT_BUDGET = 300
KUBELET_MARGIN = 5
"""Seconds that the kubelet is given beyond the pod's own, before it kills."""
LEAST_PROGRESS = 600
"""Kubernetes' own default for the progress of a rollout, in seconds."""


def pods(name: str, spec: ServiceSpec, site: Site) -> dict[str, Any]:
    """Return the template of the pods that take requests."""
    fields: dict[str, Any] = {
        "ports": [{"name": port.name, "containerPort": port.number, "protocol": "TCP"} for port in spec.ports],
        **_probes(spec),
    }
    spread = {"topologySpreadConstraints": _spread(name, spec)} if spec.most > 1 and spec.nodes == 1 else {}
    # LeaderWorkerSet looks for groups of its own namespace only, and sends the workers where their leader is.
    alone = spec.nodes > 1 and sliced(spec, site)
    where = Where(affinity=apart(GROUP, RUN, VOLCANO_RUN)) if alone else None
    return _template(name, spec, site, fields, spread, delay=whole_seconds(spec.drain.delay), where=where)


def workers(name: str, spec: ServiceSpec, site: Site) -> dict[str, Any]:
    """Return the template of the pods that work for the first of their replica; they stay until it is done."""
    delay = whole_seconds(spec.drain.delay) + whole_seconds(spec.drain.finish)
    return _template(name, spec, site, {}, {}, delay=delay, worker=True)


def _template(
    name: str, spec: ServiceSpec, site: Site, fields: dict[str, Any], placed: dict[str, Any], *,
    delay: int, worker: bool = False, where: Where | None = None,
) -> dict[str, Any]:  # fmt: skip
    if delay:
        fields["lifecycle"] = {"preStop": {"sleep": {"seconds": delay}}}
    start = NOTHING if spec.plain else launch(name, spec, worker=worker)
    loader = spec.loader
    pod = Pod(
        name=name,
        component=COMPONENT,
        container=container(spec),
        restart_policy="Always",
        grace=whole_seconds(spec.drain.delay) + whole_seconds(spec.drain.finish) + KUBELET_MARGIN,
        container_fields=fields,
        pod_fields=placed,
        variables=start.variables,
        starters=[loading.wait(spec, loader, site)] if loader is not None else (),
        mounts=() if spec.plain else tuple(mounts(name, spec)),
        where=where or Where(),
    )
    if start.command or start.args:
        spec = attrs.evolve(spec, command=start.command, args=(*start.args, *spec.args))
    if spec.nodes > 1:
        spec = attrs.evolve(spec, labels={**spec.labels, ROLE: "worker" if worker else LEADS})
    return template(pod, spec, site)


def progress(spec: ServiceSpec) -> int:
    """Return the seconds in which a rollout gets on: a start, with loading before it, and what nodes take."""
    loading_time = whole_seconds(spec.loader.deadline) if spec.loader is not None else 0
    return whole_seconds(spec.startup) + loading_time + LEAST_PROGRESS


def rollout(spec: ServiceSpec, site: Site) -> str:
    """Return how pods are replaced, so that a rollout neither stalls on scarce accelerators nor on a volume."""
    if isinstance(spec.rollout, str) and spec.rollout != "auto":
        return spec.rollout
    if any(isinstance(volume, Claim) and volume.mode in SINGLE_WRITER for volume in spec.volumes):
        return "recreate"
    accelerator = site.cluster.accelerator(spec.gpu.accelerator) if spec.gpu else None
    if spec.gpu is None or accelerator is None or accelerator.spare >= spec.gpu.count * spec.nodes:
        return "surge"
    return "in-place" if spec.most > 1 else "recreate"


def _probes(spec: ServiceSpec) -> dict[str, Any]:
    ready = spec.serves
    start = ready if spec.health is None and spec.facts else spec.alive or TcpSocket()
    budget = whole_seconds(spec.startup)
    period = 5 if budget <= SHORT_BUDGET else 10
    probes = {
        "startupProbe": {
            **_handler(start, spec),
            "periodSeconds": period,
            "timeoutSeconds": 5,
            "failureThreshold": math.ceil(budget / period),
        },
        "readinessProbe": {
            **_handler(ready, spec),
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
    }
    if spec.alive is not None:
        probes["livenessProbe"] = {
            **_handler(spec.alive, spec),
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        }
    return probes


def _handler(check: HealthCheck, spec: ServiceSpec) -> dict[str, Any]:
    if isinstance(check, Exec):
        return {"exec": {"command": list(check.command)}}
    first = spec.ports[0].name
    if isinstance(check, Grpc):
        # By number, since this one probe knows no names; the API server fills an empty service in.
        asked = next(port.number for port in spec.ports if port.name == (check.port or first))
        return {"grpc": {"port": asked, "service": check.service or ""}}
    if isinstance(check, HttpGet):
        return {"httpGet": {"path": check.path, "port": check.port or first}}
    return {"tcpSocket": {"port": check.port or first}}


def _spread(name: str, spec: ServiceSpec) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(chosen(name, spec))},
            "matchLabelKeys": ["pod-template-hash" if isinstance(spec.rollout, str) else "rollouts-pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
