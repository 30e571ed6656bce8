"""Kueue: its controllers, webhooks and scheduler, and the queues that a platform team makes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from modelyard.schemas.installed import definitions
from tests.cluster.api import Manifest
from tests.cluster.cluster import Cluster
from tests.cluster.crds import install, uninstall
from tests.cluster.operators import CREATE, WRITE, Hook, Serving, enforce, release, webhooks

GROUP = "kueue.x-k8s.io"
VERSION = "v1beta2"
API = f"{GROUP}/{VERSION}"
NAMESPACE = "kueue-system"
JOBS = (("batch", "v1", "Job"), ("jobset.x-k8s.io", "v1alpha2", "JobSet"), ("ray.io", "v1", "RayJob"))
"""What waits in queues here."""
MUTATED = ("ClusterQueue", "ResourceFlavor", "Workload")
VALIDATED = (*MUTATED, "Cohort")
CONVERTED = ("ClusterQueue", "Cohort", "LocalQueue", "MultiKueueCluster", "Workload")
"""The kinds whose versions differ: Kueue keeps the older one."""


@contextlib.contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """Have Kueue in *cluster* as long as the block runs, which takes charge of every Job with the name of a queue."""
    api = cluster.api
    serving = Serving(cluster, "kueue")
    wanted = [{"apiVersion": f"{group}/{version}", "kind": kind} for group, version, kind in JOBS[1:]]
    install(api, [*wanted, {"apiVersion": API, "kind": "Workload"}])
    converted = [one for one in definitions("kueue") if one["spec"]["names"]["kind"] in CONVERTED]
    for one in converted:
        review = {"conversionReviewVersions": ["v1"], "clientConfig": serving.client("/convert")}
        api.patch(one, {"spec": {"conversion": {"strategy": "Webhook", "webhook": review}}})
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    program = serving.start(
        {
            "apiVersion": f"config.{GROUP}/v1beta2",
            **serving.config,
            "namespace": NAMESPACE,
            "integrations": {"frameworks": [f"{group}/{kind.lower()}" for group, _, kind in JOBS]},
        }
    )
    configurations = webhooks("kueue", serving, _hooks())
    try:
        enforce(api, configurations)
        yield
    finally:
        release(api, configurations)
        uninstall(api, "kueue")
        cluster.end(program)


def _hooks() -> Iterator[Hook]:
    for verb, operations, kinds in (("mutate", CREATE, MUTATED), ("validate", WRITE, VALIDATED)):
        for group, version, kind in (*JOBS, *((GROUP, VERSION, one) for one in kinds)):
            yield Hook(verb, group, version, kind, operations)


def queues(namespace: str, name: str, quota: Mapping[str, str], flavor: Mapping[str, object]) -> list[Manifest]:
    """Return a LocalQueue called *name* in *namespace*, with *quota* of nodes that *flavor* says where they are."""

    def own(kind: str, spec: Mapping[str, object], **metadata: str) -> Manifest:
        return {"apiVersion": API, "kind": kind, "metadata": {"name": f"{namespace}-{name}", **metadata}, "spec": spec}

    resources = [{"name": resource, "nominalQuota": amount} for resource, amount in quota.items()]
    group = {"coveredResources": list(quota), "flavors": [{"name": f"{namespace}-{name}", "resources": resources}]}
    return [
        own("ResourceFlavor", flavor),
        own("ClusterQueue", {"namespaceSelector": {}, "resourceGroups": [group]}),
        own("LocalQueue", {"clusterQueue": f"{namespace}-{name}"}, name=name, namespace=namespace),
    ]
