"""A training as a RayJob: a Ray cluster of its own, whose head runs the program, and whose workers do the work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod import KEPT, Network, Peer, Watch, manifest
from modelyard.training.backends import RayJob
from modelyard.values.durations import whole_seconds
from modelyard.values.names import dns_label_1035
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

DASHBOARD = 8265
"""Where the operator asks the head how the program is doing."""
LONGEST = 47
"""Of the name of a RayJob, to which its operator adds."""
HEAD, WORKER, SUBMITTER = CONTAINERS = "ray-head", "ray-worker", "submitter"


def without_command(spec: TrainingSpec) -> TrainingSpec:
    """Return *spec* for pods whose command is the operator's."""
    return attrs.evolve(spec, command=(), args=())


def small(spec: TrainingSpec, cpu: str | int, memory: str) -> TrainingSpec:
    """Return *spec* for a pod that does none of the work."""
    return attrs.evolve(
        without_command(spec), gpu=None, cpu=cpu, memory=memory, cpu_limit=None, memory_limit=None, shared_memory=None,
        nodes=1, queue=None, topology=None,
    )  # fmt: skip


def submitter(spec: TrainingSpec) -> TrainingSpec:
    """Return *spec* for the pod that tells the head what to run, and then shows its logs."""
    return attrs.evolve(small(spec, "500m", "1Gi"), volumes=(), data={}, checkpoint=None, config=None)


def watched_by_operator(spec: TrainingSpec, backend: RayJob) -> TrainingSpec:
    """Return *spec* with the operator among those who may call its pods."""
    operator, network = Peer(backend.operator_namespace, ports=[DASHBOARD]), spec.network
    clients = [*network.clients, operator]
    return attrs.evolve(spec, network=Network(clients=clients, egress=network.egress, https=network.https))


def ray_job(
    name: str, labels: dict[str, str], templates: dict[str, dict[str, Any]], spec: TrainingSpec, site: Site
) -> dict[str, Any]:
    """Return the RayJob *name*, whose pods are made of *templates*."""
    made = manifest("ray.io/v1", "RayJob", name, labels, site)
    # A commit that replaces this run by another must not kill it.
    made["metadata"]["annotations"] = dict(KEPT)
    made["spec"] = {
        "entrypoint": shlex.join([*spec.command, *spec.args]),
        "submissionMode": "K8sJobMode",
        "shutdownAfterJobFinishes": True,
        "backoffLimit": spec.retries,
        **({} if spec.deadline is None else {"activeDeadlineSeconds": whole_seconds(spec.deadline)}),
        "submitterPodTemplate": templates[SUBMITTER],
        "rayClusterSpec": {
            # No work on the head: it would be lost with the accelerators that the head does not have.
            "headGroupSpec": {"rayStartParams": {"num-cpus": "0"}, "template": templates[HEAD]},
            "workerGroupSpecs": [
                {
                    "groupName": "node",
                    "replicas": spec.nodes,
                    "minReplicas": spec.nodes,
                    "maxReplicas": spec.nodes,
                    "rayStartParams": {},
                    "template": templates[WORKER],
                }
            ],
        },
    }
    return made


def breaches(name: str, spec: TrainingSpec, hashed: int, usual_codes: tuple[int, ...]) -> Iterator[Breach]:
    """Yield what a RayJob cannot do, where *hashed* characters of its name are the hash."""
    if broken := dns_label_1035(name, LONGEST - hashed):
        because = f"{broken} (a RayJob's name has at most {LONGEST}, of which {hashed} are a hash)"
        do = f"choose an id of at most {LONGEST - hashed} characters, such as pretrain"
        yield Breach("N09", "id", name, because, do)
    source = source_of(spec.backend)
    for option, given in (("before", spec.before), ("after", spec.after)):
        if given:
            because = "backend= is a RayJob, which runs one program"
            yield Breach("X11", option, [step.name for step in given], because, "let the program do it", source)
    if tuple(spec.fatal_exit_codes) != usual_codes and spec.fatal_exit_codes:
        because = "backend= is a RayJob, whose operator does not look at exit codes"
        yield Breach("X11", "fatal_exit_codes", list(spec.fatal_exit_codes), because, "leave it away", source)
    metrics = spec.watch.metrics if isinstance(spec.watch, Watch) else None
    if metrics is not None:
        # KubeRay takes the ports of the head's container for all that there are, and reaches the program by others.
        because = "backend= is a RayJob, and a port of its own would hide those by which its operator reaches the head"
        do = "leave metrics= away; Ray tells its own on port 8080, which a PodMonitor of yours can read"
        yield Breach("X11", "watch.metrics.port", metrics.port, because, do, source_of(metrics))
