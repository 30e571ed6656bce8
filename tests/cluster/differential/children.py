"""What controllers make of an object, as the API server gets to see it from them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.values.names import subdomain

Manifest = dict[str, Any]
HASH = "5d4f8c7b9d"
"""As long as the hash that a Deployment adds to the names of its ReplicaSets."""
MINUTES = "29612345"
"""A time as a CronJob adds it to the names of its Jobs."""
FOREIGN = ("priorityClassName", "priority", "runtimeClassName", "serviceAccount", "serviceAccountName")
"""Fields of a pod that name objects of the cluster's owners, which are not there: they make no difference to rules."""


def children(manifest: Manifest) -> Iterator[Manifest]:
    """Yield what the controller of *manifest*, as the API server answered it, makes next."""
    volcano = str(manifest.get("apiVersion")).startswith("batch.volcano.sh/")
    maker = _volcano if volcano else MAKERS.get(manifest["kind"])
    if maker is not None and manifest.get("spec"):
        yield from maker(manifest)


def _deployment(manifest: Manifest) -> Iterator[Manifest]:
    spec, template = manifest["spec"], copy.deepcopy(manifest["spec"]["template"])
    added = {"pod-template-hash": HASH}
    template["metadata"]["labels"].update(added)
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **added}
    made = {"selector": selector, "template": template, "replicas": 1}
    name = f"{manifest['metadata']['name']}-{HASH}"
    yield _made(manifest, "apps/v1", "ReplicaSet", name, labels=template["metadata"]["labels"], spec=made)


def _pods(manifest: Manifest) -> Iterator[Manifest]:
    yield _pod(manifest, manifest["spec"]["template"])


def _daemon(manifest: Manifest) -> Iterator[Manifest]:
    added = {"controller-revision-hash": HASH, "pod-template-generation": "1"}
    yield _pod(manifest, manifest["spec"]["template"], labels=added)


def _stateful(manifest: Manifest) -> Iterator[Manifest]:
    spec, name = manifest["spec"], f"{manifest['metadata']['name']}-0"
    added = {
        "statefulset.kubernetes.io/pod-name": name,
        "controller-revision-hash": f"{manifest['metadata']['name']}-{HASH}",
        "apps.kubernetes.io/pod-index": "0",
    }
    pod = _pod(manifest, spec["template"], labels=added)
    pod["metadata"] = {**pod["metadata"], "name": name}
    del pod["metadata"]["generateName"]
    pod["spec"] |= {"hostname": name, "subdomain": spec.get("serviceName") or ""}
    volumes = {one["name"]: one for one in pod["spec"].get("volumes") or ()}
    for claim in spec.get("volumeClaimTemplates") or ():
        called = claim["metadata"].get("name", "")
        volumes[called] = {"name": called, "persistentVolumeClaim": {"claimName": f"{called}-{name}"}}
        labels = (spec["selector"] or {}).get("matchLabels") or {}
        yield _made(
            manifest,
            "v1",
            "PersistentVolumeClaim",
            f"{called}-{name}",
            labels=labels,
            spec=copy.deepcopy(claim["spec"]),
        )
    if volumes:
        pod["spec"]["volumes"] = list(volumes.values())
    yield pod


def _job(manifest: Manifest) -> Iterator[Manifest]:
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    if spec.get("completionMode") != "Indexed":
        yield _pod(manifest, spec["template"])
        return
    index = str(max(0, (spec.get("completions") or 1) - 1))
    key = "batch.kubernetes.io/job-completion-index"
    pod = _pod(manifest, spec["template"], labels={key: index})
    pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), key: index}
    pod["metadata"]["generateName"] = f"{name}-{index}-"
    pod["spec"]["hostname"] = f"{name}-{index}"
    for container in pod["spec"]["containers"]:
        variable = {"name": "JOB_COMPLETION_INDEX", "value": index}
        container["env"] = [*(container.get("env") or ()), variable]
    yield pod


def _cron_job(manifest: Manifest) -> Iterator[Manifest]:
    template = manifest["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    name = f"{manifest['metadata']['name']}-{MINUTES}"
    made = _made(
        manifest, "batch/v1", "Job", name, labels=metadata.get("labels") or {}, spec=copy.deepcopy(template["spec"])
    )
    if metadata.get("annotations"):
        made["metadata"]["annotations"] = copy.deepcopy(metadata["annotations"])
    yield made


def _job_set(manifest: Manifest) -> Iterator[Manifest]:
    for one in manifest["spec"].get("replicatedJobs") or ():
        template = one.get("template") or {}
        spec = copy.deepcopy(template.get("spec") or {})
        if "template" not in spec:
            continue
        pod = spec["template"].setdefault("spec", {})
        if spec.get("completionMode") is None:
            spec["completionMode"] = "Indexed"
        pod["restartPolicy"] = pod.get("restartPolicy") or "OnFailure"
        if claims := list(_claims(manifest, pod)):
            pod["volumes"] = [*(pod.get("volumes") or ()), *claims]
        metadata = template.get("metadata") or {}
        labels, name = metadata.get("labels") or {}, f"{manifest['metadata']['name']}-{one['name']}-0"
        made = _made(manifest, "batch/v1", "Job", name, labels=labels, spec=spec)
        if metadata.get("annotations"):
            made["metadata"]["annotations"] = copy.deepcopy(metadata["annotations"])
        yield made


def _claims(manifest: Manifest, pod: Manifest) -> Iterator[Manifest]:
    """Yield the volumes of a JobSet's own claims that *pod* mounts."""
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    mounted = {mount.get("name") for one in containers for mount in one.get("volumeMounts") or ()}
    for policy in manifest["spec"].get("volumeClaimPolicies") or ():
        for template in policy.get("templates") or ():
            if (name := (template.get("metadata") or {}).get("name")) in mounted:
                claim = {"claimName": f"{name}-{manifest['metadata']['name']}"}
                yield {"name": name, "persistentVolumeClaim": claim}


def _runtime(manifest: Manifest) -> Iterator[Manifest]:
    """Yield what the JobSet of a runtime makes, which is called after a TrainJob, and as large as that says."""
    head = {**manifest["metadata"], "name": "train", "namespace": manifest["metadata"].get("namespace", "default")}
    spec = copy.deepcopy((manifest["spec"].get("template") or {}).get("spec") or {})
    for one in spec.get("replicatedJobs") or ():
        body = (one.get("template") or {}).get("spec") or {}
        if body.get("completions") is None and body.get("parallelism") is not None:
            body["completions"] = body["parallelism"]
    yield from _job_set({**manifest, "metadata": head, "spec": spec})


def _group(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the StatefulSets of a group: of the leaders, and of the workers of the first one."""
    template, name = manifest["spec"].get("leaderWorkerTemplate") or {}, manifest["metadata"]["name"]
    workers = template.get("workerTemplate")
    for called, one in ((name, template.get("leaderTemplate") or workers), (f"{name}-0", workers)):
        if one and _is_pod(one):
            labels = {"leaderworkerset.sigs.k8s.io/name": name}
            pod = copy.deepcopy(one)
            metadata = pod["metadata"] = pod.get("metadata") or {}
            metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
            spec = {"serviceName": name, "selector": {"matchLabels": labels}, "template": pod}
            yield _made(manifest, "apps/v1", "StatefulSet", called, labels=labels, spec=spec)


def _ray_cluster(manifest: Manifest) -> Iterator[Manifest]:
    yield from _ray_pods(manifest, manifest["spec"])


def _ray_pods(manifest: Manifest, cluster: Manifest) -> Iterator[Manifest]:
    groups = [cluster.get("headGroupSpec") or {}, *(cluster.get("workerGroupSpecs") or ())]
    for one in (group.get("template") for group in groups):
        if one and _is_pod(one):
            yield _pod(manifest, one)


def _ray(manifest: Manifest) -> Iterator[Manifest]:
    yield from _ray_pods(manifest, manifest["spec"].get("rayClusterSpec") or {})
    submitter = manifest["spec"].get("submitterPodTemplate")
    if submitter and _is_pod(submitter):
        spec = {"template": copy.deepcopy(submitter)}
        yield _made(manifest, "batch/v1", "Job", manifest["metadata"]["name"], labels={}, spec=spec)


def _inference(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the Deployments of KServe's mode Standard, for the parts whose containers are known, and their Services."""
    metadata = manifest["metadata"]
    for part in ("predictor", "transformer"):
        given = manifest["spec"].get(part) or {}
        if not given.get("containers"):
            continue
        name = f"{metadata['name']}-{part}"
        labels = {
            **(metadata.get("labels") or {}), **(given.get("labels") or {}),
            "serving.kserve.io/inferenceservice": metadata["name"], "component": part, "app": f"isvc.{name}",
        }  # fmt: skip
        pod = {key: value for key, value in copy.deepcopy(given).items() if key not in OF_KSERVE}
        annotations = {**(metadata.get("annotations") or {}), **(given.get("annotations") or {})}
        spec = {
            "selector": {"matchLabels": {"app": f"isvc.{name}"}},
            "strategy": given.get("deploymentStrategy") or {},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        }
        yield _made(manifest, "apps/v1", "Deployment", name, labels=labels, spec=spec)


def _volcano(manifest: Manifest) -> Iterator[Manifest]:
    for task in manifest["spec"].get("tasks") or ():
        template = task.get("template")
        if template and _is_pod(template):
            yield _pod(manifest, template)


def _is_pod(template: Manifest) -> bool:
    """Return whether *template* says anything of pods: tests of other things write some without."""
    return "containers" in (template.get("spec") or {})


OF_KSERVE = frozenset(
    {
        "annotations", "autoScaling", "batcher", "canaryTrafficPercent", "containerConcurrency", "deploymentStrategy",
        "labels", "logger", "maxReplicas", "minReplicas", "model", "scaleMetric", "scaleMetricType", "scaleTarget",
        "storageUris", "timeout", "workerSpec",
    }
)  # fmt: skip
"""Fields of a part of an InferenceService that are not those of a pod."""
MAKERS = {
    "InferenceService": _inference,
    "TrainingRuntime": _runtime,
    "LeaderWorkerSet": _group,
    "RayCluster": _ray_cluster,
    "RayJob": _ray,
    "JobSet": _job_set,
    "Deployment": _deployment,
    "ReplicaSet": _pods,
    "ReplicationController": _pods,
    "DaemonSet": _daemon,
    "StatefulSet": _stateful,
    "Job": _job,
    "CronJob": _cron_job,
}


def _made(
    owner: Manifest, api_version: str, kind: str, name: str, *, labels: Mapping[str, str], spec: Manifest
) -> Manifest:
    metadata = {"name": name, "namespace": owner["metadata"]["namespace"], "labels": dict(labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _pod(owner: Manifest, template: Manifest, *, labels: Mapping[str, str] | None = None) -> Manifest:
    metadata = copy.deepcopy(template.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **(labels or {})}
    head = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
    }
    for key in ("name", "creationTimestamp"):
        metadata.pop(key, None)
    spec = {key: value for key, value in copy.deepcopy(template["spec"]).items() if key not in FOREIGN}
    account = template["spec"].get("serviceAccountName")
    if isinstance(account, str) and subdomain(account):
        spec["serviceAccountName"] = account  # none can be called so
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **head}, "spec": spec}
