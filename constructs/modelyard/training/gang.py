"""Several pods that train together: how they are named, find each other and start as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from modelyard.fleet.site import Site
from modelyard.pod import KEPT, EnvValue, FieldRef, manifest, selector, starter
from modelyard.training import jobset
from modelyard.values.versions import minor

if TYPE_CHECKING:
    from modelyard.training.spec import TrainingSpec

PORT = 29500
"""Where the pod of rank 0 listens for the others; torchrun's own default."""
PATIENCE = 1800
"""Seconds in which all pods must have come up, nodes that are still to be started included."""
GATE, SINCE = "WorkloadWithJob", 37
"""What has to be turned on, and the minor version from which a Job can say that its pods are a gang."""
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


@attrs.frozen
class Hosts:
    """
    How the pods of a gang are called.

    Args:
        domain: What follows their host names.

        job: Where a pod finds the name that the host names begin with.

        rank: Where it finds its number.

        between: What stands between that name and the number.
    """

    domain: str
    job: FieldRef = JOB_NAME
    rank: FieldRef = RANK
    between: str = ""

    @property
    def names(self) -> dict[str, EnvValue]:
        """The variables of which the host names are made."""
        others = {name: value for name, value in jobset.NAME.items() if f"$({name})" in self.domain}
        return {"JOB_NAME": self.job, **others}


def hosts(name: str, site: Site) -> Hosts:
    """Return how the pods of the Job *name* are called."""
    return Hosts(f"{name}.{site.namespace}.svc")


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


def scheduling(spec: TrainingSpec, site: Site) -> dict[str, Any]:
    """
    Return what lets Kubernetes itself start all pods of a Job or none, where the cluster says that it can.

    The Job's controller makes a PodGroup of it for each Job, so two runs never share one. Before 1.37 a Job has no such
    field, and the PodGroups of older versions are served by none that follows.
    """
    native = GATE in site.cluster.feature_gates and minor(site.cluster.kubernetes) >= SINCE
    if spec.nodes == 1 or spec.schedule is not None or spec.queue is not None or not native:
        return {}
    return {"scheduling": {"schedulingPolicy": {"gang": {"minCount": spec.nodes}}}}


def variables(spec: TrainingSpec, hosts: Hosts) -> dict[str, EnvValue]:
    """Return what torchrun takes for its flags, so that the command is the same on one node and on many."""
    processes: dict[str, EnvValue] = {"PET_NPROC_PER_NODE": str(spec.gpu.count if spec.gpu else 1)}
    if spec.nodes == 1:
        return processes if spec.gpu and spec.gpu.count > 1 else {}
    return {
        **hosts.names,
        "PET_NNODES": str(spec.nodes),
        **processes,
        "PET_NODE_RANK": hosts.rank,
        # Kubernetes puts in what stands before it in the list.
        "PET_MASTER_ADDR": f"$(JOB_NAME){hosts.between}-0.{hosts.domain}",
        "PET_MASTER_PORT": str(PORT),
    }


def wait(spec: TrainingSpec, site: Site, hosts: Hosts) -> dict[str, Any]:
    """Return the init container that holds a pod back until all of them have names."""
    first = f"$(JOB_NAME){hosts.between}"
    command = ["python3", "-c", WAIT, first, hosts.domain, str(spec.nodes), str(PATIENCE)]
    return starter("wait-for-nodes", command, hosts.names, spec, site)
