"""The kinds that an AppProject allows, also where nothing of them is rendered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from modelyard.delivery.ownership import identity
from modelyard.findings import Breach
from modelyard.fleet.delivery import Cargo
from modelyard.schemas import catalog
from modelyard.values.at import mapping
from modelyard.values.kueue import QUEUE
from modelyard.values.similar import did_you_mean

Kind = tuple[str, str]
"""Group and kind."""
OWN_KINDS = (
    ("", "ConfigMap"), ("", "PersistentVolumeClaim"), ("", "Service"), ("", "ServiceAccount"), ("apps", "Deployment"),
    ("autoscaling", "HorizontalPodAutoscaler"), ("batch", "CronJob"), ("batch", "Job"),
    ("networking.k8s.io", "NetworkPolicy"), ("policy", "PodDisruptionBudget"),
)  # fmt: skip
"""Allowed also while none is rendered: Argo CD does not delete what its project does not allow any more."""
PODS: tuple[Kind, ...] = (("", "Pod"),)
JOBS = ("batch", "Job")
MADE: Mapping[Kind, tuple[Kind, ...]] = {
    ("apps", "Deployment"): (("apps", "ReplicaSet"), *PODS),
    ("apps", "StatefulSet"): PODS,
    ("argoproj.io", "Rollout"): (("apps", "ReplicaSet"), ("argoproj.io", "AnalysisRun"), *PODS),
    ("batch", "Job"): PODS,
    ("batch.volcano.sh", "Job"): (("scheduling.volcano.sh", "PodGroup"), *PODS),
    ("jobset.x-k8s.io", "JobSet"): (JOBS, *PODS),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (("apps", "StatefulSet"), *PODS),
    ("ray.io", "RayJob"): (("ray.io", "RayCluster"), JOBS, *PODS),
    ("ray.io", "RayService"): (("ray.io", "RayCluster"), *PODS),
    ("serving.kserve.io", "InferenceService"): (("apps", "Deployment"), ("apps", "ReplicaSet"), *PODS),
    ("trainer.kubeflow.org", "TrainJob"): (("jobset.x-k8s.io", "JobSet"), JOBS, *PODS),
}
"""Kind to what its controller makes on the way to pods: Argo CD shows none of it that its project does not allow."""
WAITING = ("kueue.x-k8s.io", "Workload")
"""What Kueue makes of whatever waits in a queue, and says there why."""


def namespaced(cargo: Cargo, asked: Collection[Kind]) -> set[Kind]:
    """Return the kinds in namespaces that are rendered or *asked* for, and what their controllers make."""
    rendered = {identity(one)[:2] for one in cargo.manifests}
    kinds = {*OWN_KINDS, *rendered, *asked} - cargo.cluster_wide
    made = {one for kind in kinds for one in MADE.get(kind, ())}
    queued = any(QUEUE in mapping(one, "metadata", "labels") for one in cargo.manifests)
    return kinds | made | ({WAITING} if queued else set())


def disallowed(kinds: Sequence[str], version: str) -> Iterator[Breach]:
    """Yield those of *kinds*, written as "group/Kind", that Kubernetes of *version* cannot have."""
    for index, kind in enumerate(kinds):
        if (wrong := _wrong(kind, version)) is not None:
            yield Breach("X11", f"delivery.allow[{index}]", kind, *wrong)


def _wrong(kind: str, version: str) -> tuple[str, str] | None:
    if kind.count("/") > 1 or not all(kind.split("/")):
        because = "a kind is written with its group in front, or alone where it has none"
        return because, 'write "keda.sh/ScaledObject", or "Secret"'
    if "*" in kind:
        because = "it would allow whatever is merged, also what gives rights"
        return because, 'name each kind, such as "keda.sh/ScaledObject" or "Secret"'
    if "/" not in kind and catalog(version).kind("v1", kind) is None:
        because = f"the core group of Kubernetes {version} has no such kind"
        return because, _meant(kind, version) or 'write its group in front, such as "keda.sh/ScaledObject"'
    return None


def _meant(kind: str, version: str) -> str | None:
    """Return the kind that was meant, as it is to be written."""
    known: dict[str, str] = {}
    for key in catalog(version).kinds():
        api_version, _, name = key.partition(" ")
        group = api_version.rpartition("/")[0]
        if not group:
            known[name] = name
        else:
            known.setdefault(name, f"{group}/{name}")
    return f'write "{known[kind]}"' if kind in known else did_you_mean(kind, known)
