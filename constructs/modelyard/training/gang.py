"""Several pods that train together: how they are named, find each other and start as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.fleet.site import Site
from modelyard.pod import KEPT, EnvValue, FieldRef, manifest, selector, starter
from modelyard.training import jobset

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

PORT = 29500
"""Where the pod of rank 0 listens for the others; torchrun's own default."""
PATIENCE = 1800
"""Seconds in which all pods must have come up, nodes that are still to be started included."""
JOB_NAME = FieldRef("metadata.labels['batch.kubernetes.io/job-name']")
"""Not the name as it is rendered: a schedule and a content hash both add to it."""
RANK = FieldRef("metadata.annotations['batch.kubernetes.io/job-completion-index']")

WAIT = """\
import socket, sys, time
job, service, nodes, patience = sys.argv[1:]
end = time.monotonic() + int(patience)
for rank in range(int(nodes)):
    host = f"{job}-{rank}.{service}"
    while True:
        try:
            socket.getaddrinfo(host, None)
            break
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"{host} has no address after {patience} seconds: {error}")
            time.sleep(2)
"""
"""Until every pod of the gang has an address: a training that starts before burns a retry on each node."""


def domain(name: str, site: Site) -> str:
    """Return what follows the host names of the pods of *name*."""
    return f"{name}.{site.namespace}.svc"


def service(name: str, spec: TrainingSpec, labels: dict[str, str], site: Site) -> dict[str, Any]:
    """Return the headless Service that gives the pods of *name* their names."""
    headless = manifest("v1", "Service", name, labels, site)
    if spec.schedule is None:
        # A run that is still going on needs it after a commit that takes it out of git.
        headless["metadata"]["annotations"] = dict(KEPT)
    headless["spec"] = {
        "type": "ClusterIP",
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": selector(name),
        "ports": [{"name": "rendezvous", "port": PORT, "targetPort": PORT, "protocol": "TCP"}],
    }
    return headless


def variables(spec: TrainingSpec, domain: str) -> dict[str, EnvValue]:
    """
    Return what torchrun takes for its flags, so that the command is the same on one node and on many.

    Args:
        spec: The training.

        domain: What follows the host names of its pods.
    """
    processes: dict[str, EnvValue] = {"PET_NPROC_PER_NODE": str(spec.gpu.count if spec.gpu else 1)}
    if spec.nodes == 1:
        return processes if spec.gpu and spec.gpu.count > 1 else {}
    return {
        **_names(domain),
        "PET_NNODES": str(spec.nodes),
        **processes,
        "PET_NODE_RANK": RANK,
        # Kubernetes puts in what stands before it in the list.
        "PET_MASTER_ADDR": f"$(JOB_NAME)-0.{domain}",
        "PET_MASTER_PORT": str(PORT),
    }


def wait(spec: TrainingSpec, site: Site, domain: str) -> dict[str, Any]:
    """Return the init container that holds a pod back until all of them have names below *domain*."""
    command = ["python3", "-c", WAIT, "$(JOB_NAME)", domain, str(spec.nodes), str(PATIENCE)]
    return starter("wait-for-nodes", command, _names(domain), spec, site)


def _names(domain: str) -> dict[str, EnvValue]:
    """Return the variables of which the host names are made."""
    return {"JOB_NAME": JOB_NAME, **{name: value for name, value in jobset.NAME.items() if f"$({name})" in domain}}
