"""G: delivery: the fields that keep the value which they were given, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from modelyard.exact_yaml import dotted
from modelyard.findings import Breach
from modelyard.rules import kserve
from modelyard.rules.rule import Rule
from modelyard.values import kueue
from modelyard.values.at import at
from modelyard.values.names import ARGO_HOOK, hook_phase
from modelyard.values.quantity import number

Manifest = Mapping[str, Any]

G14 = Rule(
    "G14",
    "A field that cannot change does not change.",
    why=(
        "The API server refuses the change. The sync fails there, what comes behind it is not applied, and it fails"
        " again with every later commit."
    ),
    fix="give the object a new name",
    see="https://github.com/argoproj/argo-cd/issues/1068",
    acceptable=True,
)

DELETED = f"{ARGO_HOOK}-delete-policy"
HEADLESS = "None"
NEW_JOB = "give it a new name, which makes a new run; the old Job stays until you delete it"
NEW_CLAIM = "give the claim a new name, and move the data"
NEW_CONFIG = "give it a new name, and refer to that"
STATEFUL = frozenset(
    {
        "minReadySeconds", "ordinals", "persistentVolumeClaimRetentionPolicy", "replicas", "revisionHistoryLimit",
        "template", "updateStrategy",
    }
)  # fmt: skip
"""The fields of a StatefulSet that can change."""
JOB = {
    "template": None, "selector": None, "podFailurePolicy": None, "successPolicy": None, "backoffLimitPerIndex": None,
    "completionMode": "NonIndexed", "managedBy": "kubernetes.io/job-controller",
}  # fmt: skip
"""The fields of a Job that cannot change, with their defaults."""
JOB_SET: Mapping[str, Any] = dict.fromkeys(
    (
        "failurePolicy",
        "managedBy",
        "network",
        "replicatedJobs",
        "startupPolicy",
        "successPolicy",
        "volumeClaimPolicies",
    )
)
"""The fields of a JobSet that cannot change while it runs."""
MANAGED: tuple[tuple[str, ...], ...] = (("spec", "managedBy"),)
ONCE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AdmissionCheck": (("spec", "controllerName"),),
    "LocalQueue": (("spec", "clusterQueue"),),
    "PriorityClass": (("value",), ("preemptionPolicy",)),
    "RayCluster": MANAGED,
    "RayJob": (*MANAGED, ("spec", "rayClusterSpec", "managedBy")),
    "RayService": (("spec", "rayClusterConfig", "managedBy"),),
    "ResourceClaimTemplate": (("spec",),),
    "Rollout": (("spec", "selector"),),
    "Topology": (("spec", "levels"),),
    "TrainJob": (*MANAGED, ("spec", "runtimeRef")),
}
"""Kind to fields that keep the value that they were given: by a rule in its definition, or in the API server."""
VOLCANO_JOB = frozenset({"minAvailable", "priorityClassName"})
VOLCANO_TASK = frozenset({"minAvailable", "replicas"})
"""The fields of a Job of Volcano, and of its tasks, that can change."""
QUEUED = frozenset(
    {
        "JAXJob", "Job", "JobSet", "MPIJob", "PaddleJob", "PyTorchJob", "RayCluster", "RayJob", "TFJob", "TrainJob",
        "XGBoostJob",
    }
)  # fmt: skip
"""Kinds that Kueue starts, whose queue cannot change while they run."""
QUEUES = (kueue.QUEUE, kueue.MOST_TIME, f"{kueue.PREFIX}prebuilt-workload-name")
"""The labels that cannot change then."""
CLAIM = {
    "accessModes": None, "storageClassName": None, "selector": None, "dataSource": None, "dataSourceRef": None,
    "volumeMode": "Filesystem",
}  # fmt: skip
CLASS = {"provisioner": None, "parameters": None, "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}


def fixed(kind: str, old: Manifest, new: Manifest) -> Iterator[Breach]:
    """Yield what would change of an object of *kind* that cannot."""
    if (find := FIXED.get(kind)) is not None:
        yield from find(old, new)
    for field in ONCE.get(kind, ()):
        before, now = at(old, *field), at(new, *field)
        if before is not None and now is not None and before != now:
            because = f"the API server lets nobody change it in a {kind}"
            yield G14.breach(dotted(field), None, because, f"give the {kind} a new name")
    if kind in QUEUED:
        yield from _queue(old, new)


def _selector(old: Manifest, new: Manifest) -> Iterator[Breach]:
    kind, metadata = str(new["kind"]).lower(), new["metadata"]
    delete = f"kubectl -n {metadata.get('namespace')} delete {kind} {metadata['name']} --cascade=orphan"
    do = (
        f"keep it, or give the workload a new name; to keep the name, accept G14 and run {delete} just before the merge"
    )
    yield from _compared(old, new, {"selector": None}, do)


def _stateful(old: Manifest, new: Manifest) -> Iterator[Breach]:
    metadata = new["metadata"]
    delete = f"kubectl -n {metadata.get('namespace')} delete statefulset {metadata['name']} --cascade=orphan"
    fields = sorted({*(old.get("spec") or {}), *(new.get("spec") or {})} - STATEFUL)
    do = f"keep it; or accept G14 and run {delete} just before the merge, which leaves pods and claims as they are"
    yield from _compared(old, new, dict.fromkeys(fields), do)


def _job(old: Manifest, new: Manifest) -> Iterator[Breach]:
    if not _made_anew(new):
        yield from _compared(old, new, JOB, NEW_JOB)
        yield from _completions(old, new)


def _made_anew(new: Manifest) -> bool:
    """Return whether Argo CD deletes the Job of the last sync first."""
    annotations = (new.get("metadata") or {}).get("annotations") or {}
    return bool(hook_phase(annotations)) and "BeforeHookCreation" in annotations.get(DELETED, "BeforeHookCreation")


def _completions(old: Manifest, new: Manifest) -> Iterator[Breach]:
    before, now = (one.get("spec") or {} for one in (old, new))
    if before.get("completions") == now.get("completions") or (
        now.get("completionMode") == "Indexed" and now.get("completions") == now.get("parallelism")
    ):
        return
    if any(one.get("completions", 1) != 1 or one.get("parallelism", 1) != 1 for one in (before, now)):
        because = "it can change in an Indexed Job alone, together with parallelism"
        yield G14.breach("spec.completions", now.get("completions"), because, NEW_JOB)


def _service(old: Manifest, new: Manifest) -> Iterator[Breach]:
    before, now = (one.get("spec") or {} for one in (old, new))
    if "ExternalName" in {before.get("type"), now.get("type")}:
        return
    metadata = new["metadata"]
    delete = f"kubectl -n {metadata.get('namespace')} delete service {metadata['name']}"
    do = f"give the Service a new name; to keep the name, accept G14 and run {delete} just before the merge"
    was, becomes = (_address(spec) for spec in (before, now))
    if was == HEADLESS and was != becomes:
        because = "it was headless, and a Service stays so, also where git says nothing any more"
        yield G14.breach("spec.clusterIP", becomes, because, do)
    elif becomes is not None and was != becomes:
        because = f"it was {was}" if was else "it has got an address, which a Service keeps"
        yield G14.breach("spec.clusterIP", becomes, because, do)
    families = [(spec.get("ipFamilies") or [None])[0] for spec in (before, now)]
    if None not in families and families[0] != families[1] and HEADLESS not in {was, becomes}:
        because = f"it was {families[0]}, and a Service keeps its first one"
        yield G14.breach("spec.ipFamilies[0]", families[1], because, do)
    if before.get("type") == now.get("type") == "LoadBalancer":
        yield from _compared(old, new, {"loadBalancerClass": None}, do)


def _address(spec: Mapping[str, Any]) -> Any:  # text, or None where the API server chooses
    return spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), None)


def _group(old: Manifest, new: Manifest) -> Iterator[Breach]:
    field = ("spec", "leaderWorkerTemplate", "subGroupPolicy", "subGroupSize")
    if at(old, *field) != at(new, *field):
        because = "the webhook of LeaderWorkerSet lets nobody change it"
        yield G14.breach(dotted(field), at(new, *field), because, "give the workload a new name")


def _quota(old: Manifest, new: Manifest) -> Iterator[Breach]:
    scopes = [set(at(one, "spec", "scopes") or ()) for one in (old, new)]
    if scopes[0] != scopes[1]:
        because = "the API server lets nobody change it in a ResourceQuota"
        yield G14.breach("spec.scopes", None, because, "give the ResourceQuota a new name")


def _queue(old: Manifest, new: Manifest) -> Iterator[Breach]:
    before, now = ((one.get("metadata") or {}).get("labels") or {} for one in (old, new))
    if _made_anew(new) or at(new, "spec", "suspend") is True:
        return
    changed = [key for key in QUEUES if before.get(key) != now.get(key)]
    if bool(before.get(kueue.PRIORITY)) != bool(now.get(kueue.PRIORITY)):
        changed.append(kueue.PRIORITY)
    for key in changed:
        because = f"the webhook of Kueue lets nobody change it in a {new['kind']} that has started"
        yield G14.breach(f"metadata.labels[{key!r}]", now.get(key), because, NEW_JOB.replace("Job", str(new["kind"])))


def _job_set(old: Manifest, new: Manifest) -> Iterator[Breach]:
    yield from _compared(old, new, JOB_SET, "give it a new name, which makes a new run")


def _volcano_job(old: Manifest, new: Manifest) -> Iterator[Breach]:
    before, now = old.get("spec") or {}, new.get("spec") or {}
    for field in sorted({*before, *now} - VOLCANO_JOB):
        if _lasting(field, before.get(field)) != _lasting(field, now.get(field)):
            because = "the webhook of Volcano lets nobody change it in a Job"
            yield G14.breach(f"spec.{field}", None, because, NEW_JOB)


def _lasting(field: str, value: Any) -> Any:  # any field of a Job
    """Return what cannot change of *value*."""
    if field != "tasks":
        return value
    return [{key: part for key, part in task.items() if key not in VOLCANO_TASK} for task in value or ()]


def _claim(old: Manifest, new: Manifest) -> Iterator[Breach]:
    yield from _compared(old, new, CLAIM, NEW_CLAIM)
    size = ("spec", "resources", "requests", "storage")
    before, now = number(str(at(old, *size))), number(str(at(new, *size)))
    if before is not None and now is not None and now < before:
        because = f"it was {at(old, *size)}, and a claim can grow, not shrink"
        yield G14.breach(dotted(size), at(new, *size), because, NEW_CLAIM)


def _config(old: Manifest, new: Manifest) -> Iterator[Breach]:
    if old.get("immutable") is True:
        for field in ("data", "binaryData", "stringData", "immutable"):
            if old.get(field) != new.get(field):
                yield G14.breach(field, None, "the object was made immutable", NEW_CONFIG)
    if new["kind"] == "Secret" and old.get("type", "Opaque") != new.get("type", "Opaque"):
        yield G14.breach("type", new.get("type"), f"it was {old.get('type', 'Opaque')}", NEW_CONFIG)


def _binding(old: Manifest, new: Manifest) -> Iterator[Breach]:
    if old.get("roleRef") != new.get("roleRef"):
        yield G14.breach("roleRef", None, "a binding keeps its role for ever", "give the binding a new name")


def _class(old: Manifest, new: Manifest) -> Iterator[Breach]:
    for field, default in CLASS.items():
        if old.get(field, default) != new.get(field, default):
            yield G14.breach(field, None, "a storage class cannot change", "give the class a new name")


def _mode(old: Manifest, new: Manifest) -> Iterator[Breach]:
    field = ("metadata", "annotations", kserve.MODE)
    before, now = (str(at(one, *field) or "") for one in (old, new))
    if before and now and (before in kserve.STANDARD) != (now in kserve.STANDARD):
        because = f"it was {before}, and KServe's webhook lets nobody change it"
        yield G14.breach(f"metadata.annotations[{kserve.MODE!r}]", now, because, "give the InferenceService a new name")


def _compared(old: Manifest, new: Manifest, fields: Mapping[str, Any], do: str) -> Iterator[Breach]:
    """Yield those of *fields*, name to default, that differ in the specs."""
    before, now = old.get("spec") or {}, new.get("spec") or {}
    for field, default in fields.items():
        if (before.get(field) or default) != (now.get(field) or default):
            because = f"the API server lets nobody change it in a {new['kind']}"
            yield G14.breach(f"spec.{field}", None, because, do)


FIXED: Mapping[str, Callable[[Manifest, Manifest], Iterator[Breach]]] = {
    "ClusterRoleBinding": _binding,
    "ConfigMap": _config,
    "DaemonSet": _selector,
    "Deployment": _selector,
    "InferenceService": _mode,
    "Job": _job,
    "JobSet": _job_set,
    "LeaderWorkerSet": _group,
    "PersistentVolumeClaim": _claim,
    "ReplicaSet": _selector,
    "ResourceQuota": _quota,
    "RoleBinding": _binding,
    "Secret": _config,
    "Service": _service,
    "StatefulSet": _stateful,
    "StorageClass": _class,
    "VolcanoJob": _volcano_job,
}
"""Kind to the look at what is fixed in it."""
