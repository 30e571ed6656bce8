"""G: what a change would do in the cluster, against what was rendered before: each in its exact words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonpatch
import pytest

from modelyard import ArgoCD, CpuScale, Environment, Fleet, Flux, SynthesisError
from modelyard.render.engine import Report, Request, synthesize
from modelyard.rules import changes
from tests.rules import manifests
from tests.rules.patches import Operation, put, remove
from tests.support import CLUSTER, raw, service

Manifest = Mapping[str, Any]
JOB = manifests.job()
JOB_SET = {
    "apiVersion": "jobset.x-k8s.io/v1alpha2",
    "kind": "JobSet",
    "metadata": {"name": "train"},
    "spec": {"failurePolicy": {"maxRestarts": 3}, "replicatedJobs": [{"name": "node", "template": JOB["spec"]}]},
}
KUEUE, AT = "kueue.x-k8s.io/", "kueue.x-k8s.io~1"
QUEUED = {
    **JOB,
    "metadata": {"name": "train", "labels": {f"{KUEUE}queue-name": "research", f"{KUEUE}priority-class": "low"}},
}
VOLCANO_JOB: dict[str, Any] = {
    "apiVersion": "batch.volcano.sh/v1alpha1",
    "kind": "Job",
    "metadata": {"name": "train"},
    "spec": {
        "minAvailable": 2,
        "queue": "research",
        "tasks": [{"name": "node", "replicas": 2, "template": {"spec": {}}}],
    },
}
DEPLOYMENT = manifests.deployment()
SET = {**DEPLOYMENT, "kind": "StatefulSet", "spec": {**DEPLOYMENT["spec"], "serviceName": "web", "replicas": 3}}
GROUPS: dict[str, Any] = {
    "apiVersion": "leaderworkerset.x-k8s.io/v1",
    "kind": "LeaderWorkerSet",
    "metadata": {"name": "chat"},
    "spec": {"replicas": 3, "leaderWorkerTemplate": {"size": 2, "workerTemplate": {}}},
}
CLAIM: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Ti"}}},
}
FROZEN = {**manifests.config_map(a="b"), "immutable": True}
BINDING: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "readers"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
}
CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "efs"}, "provisioner": "efs"}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "type": "Opaque"}
NEW_JOB = "give it a new name, which makes a new run; the old Job stays until you delete it"
SERVICE = manifests.service()
PLAIN, HEADLESS = manifests.service(clusterIP="10.0.0.1"), manifests.service(clusterIP="None")
FAMILIES = manifests.service(ipFamilies=["IPv4"])
BALANCED = manifests.service(type="LoadBalancer", loadBalancerClass="a")
NEW_SERVICE = "give the Service a new name; to keep the name, accept G14 and run kubectl -n None delete service web just before the merge"
STAYS = "it was headless, and a Service stays so, also where git says nothing any more"
INDEXED: dict[str, Any] = {
    **JOB,
    "spec": {**JOB["spec"], "completionMode": "Indexed", "completions": 2, "parallelism": 2},
}


def of(kind: str, **spec: Any) -> dict[str, Any]:
    """Return an object of *kind*."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "it"}, "spec": spec}


GROUP = of("LeaderWorkerSet", leaderWorkerTemplate={"size": 4, "subGroupPolicy": {"subGroupSize": 2}})
QUOTA = of("ResourceQuota", scopes=["NotTerminating", "BestEffort"])
QUEUE = of("LocalQueue", clusterQueue="research")
ONCE: tuple[tuple[dict[str, Any], Operation, str], ...] = (
    (of("AdmissionCheck", controllerName="a"), put("/spec/controllerName", "b"), "spec.controllerName"),
    (QUEUE, put("/spec/clusterQueue", "other"), "spec.clusterQueue"),
    ({**of("PriorityClass"), "value": 1}, put("/value", 2), "value"),
    (
        {**of("PriorityClass"), "preemptionPolicy": "Never"},
        put("/preemptionPolicy", "PreemptLowerPriority"),
        "preemptionPolicy",
    ),
    (of("RayCluster", managedBy="a"), put("/spec/managedBy", "b"), "spec.managedBy"),
    (of("RayJob", managedBy="a"), put("/spec/managedBy", "b"), "spec.managedBy"),
    (
        of("RayJob", rayClusterSpec={"managedBy": "a"}),
        put("/spec/rayClusterSpec/managedBy", "b"),
        "spec.rayClusterSpec.managedBy",
    ),
    (
        of("RayService", rayClusterConfig={"managedBy": "a"}),
        put("/spec/rayClusterConfig/managedBy", "b"),
        "spec.rayClusterConfig.managedBy",
    ),
    (of("ResourceClaimTemplate", spec={"devices": {}}), put("/spec/spec/devices", {"a": 1}), "spec"),
    (of("Rollout", selector={"matchLabels": {"a": "b"}}), put("/spec/selector/matchLabels/a", "c"), "spec.selector"),
    (of("Topology", levels=[{"nodeLabel": "a"}]), put("/spec/levels/0/nodeLabel", "b"), "spec.levels"),
    (of("TrainJob", managedBy="a"), put("/spec/managedBy", "b"), "spec.managedBy"),
    (of("TrainJob", runtimeRef={"name": "a"}), put("/spec/runtimeRef/name", "b"), "spec.runtimeRef"),
)
OF_VOLCANO = f"the webhook of Volcano lets nobody change it in a Job; {NEW_JOB}"
NEW_CLAIM = "give the claim a new name, and move the data"
NEW_CONFIG = "give it a new name, and refer to that"
ORPHANED = "keep it; or accept G14 and run kubectl -n None delete statefulset web --cascade=orphan just before the merge, which leaves pods and claims as they are"


@pytest.mark.parametrize(
    ("rule", "old", "operation", "expected"),
    [
        (
            "G14", DEPLOYMENT, put("/spec/selector/matchLabels/tier", "gold"),
            ("spec.selector: the API server lets nobody change it in a Deployment; keep it, or give the workload a new name; "
            "to keep the name, accept G14 and run kubectl -n None delete deployment web --cascade=orphan just before the merge"),
        ),
        ("G14", SET, put("/spec/serviceName", "other"), f"spec.serviceName: the API server lets nobody change it in a StatefulSet; {ORPHANED}"),
        (
            "G14", SET, put("/spec/volumeClaimTemplates", [CLAIM]),
            f"spec.volumeClaimTemplates: the API server lets nobody change it in a StatefulSet; {ORPHANED}",
        ),
        (
            "G14", JOB_SET, put("/spec/failurePolicy/maxRestarts", 4),
            "spec.failurePolicy: the API server lets nobody change it in a JobSet; give it a new name, which makes a new run",
        ),
        (
            "G14", QUEUED, put(f"/metadata/labels/{AT}queue-name", "other"),
            f"metadata.labels['{KUEUE}queue-name']: the webhook of Kueue lets nobody change it in a Job that has started; {NEW_JOB}",
        ),
        (
            "G14", QUEUED, remove(f"/metadata/labels/{AT}priority-class"),
            f"metadata.labels['{KUEUE}priority-class']: the webhook of Kueue lets nobody change it in a Job that has started; {NEW_JOB}",
        ),
        (
            "G14", JOB_SET, put("/metadata/labels", {f"{KUEUE}max-exec-time-seconds": "60"}),
            (f"metadata.labels['{KUEUE}max-exec-time-seconds']: the webhook of Kueue lets nobody change it in a JobSet that has "
            "started; give it a new name, which makes a new run; the old JobSet stays until you delete it"),
        ),
        ("G14", VOLCANO_JOB, put("/spec/queue", "other"), f"spec.queue: {OF_VOLCANO}"),
        ("G14", VOLCANO_JOB, put("/spec/tasks/0/template/spec/hostname", "a"), f"spec.tasks: {OF_VOLCANO}"),
        ("G14", VOLCANO_JOB, put("/spec/tasks/1", {"name": "more"}), f"spec.tasks: {OF_VOLCANO}"),
        (
            "G14", JOB, put("/spec/template/spec/containers/0/image", "ghcr.io/acme/train:2"),
            f"spec.template: the API server lets nobody change it in a Job; {NEW_JOB}",
        ),
        ("G14", JOB, put("/spec/completionMode", "Indexed"), f"spec.completionMode: the API server lets nobody change it in a Job; {NEW_JOB}"),
        (
            "G14", CLAIM, put("/spec/accessModes", ["ReadWriteMany"]),
            f"spec.accessModes: the API server lets nobody change it in a PersistentVolumeClaim; {NEW_CLAIM}",
        ),
        (
            "G14", CLAIM, put("/spec/resources/requests/storage", "500Gi"),
            f"spec.resources.requests.storage: it was 1Ti, and a claim can grow, not shrink; {NEW_CLAIM}",
        ),
        ("G14", JOB, put("/spec/completions", 3), f"spec.completions: it can change in an Indexed Job alone, together with parallelism; {NEW_JOB}"),
        ("G14", SERVICE, put("/spec/clusterIP", "None"), f"spec.clusterIP: it has got an address, which a Service keeps; {NEW_SERVICE}"),
        ("G14", PLAIN, put("/spec/clusterIP", "10.0.0.2"), f"spec.clusterIP: it was 10.0.0.1; {NEW_SERVICE}"),
        ("G14", HEADLESS, remove("/spec/clusterIP"), f"spec.clusterIP: {STAYS}; {NEW_SERVICE}"),
        ("G14", HEADLESS, put("/spec/clusterIP", "10.0.0.2"), f"spec.clusterIP: {STAYS}; {NEW_SERVICE}"),
        ("G14", FAMILIES, put("/spec/ipFamilies", ["IPv6"]), f"spec.ipFamilies[0]: it was IPv4, and a Service keeps its first one; {NEW_SERVICE}"),
        ("G14", BALANCED, put("/spec/loadBalancerClass", "b"), f"spec.loadBalancerClass: the API server lets nobody change it in a Service; {NEW_SERVICE}"),
        (
            "G14", GROUP, put("/spec/leaderWorkerTemplate/subGroupPolicy/subGroupSize", 4),
            "spec.leaderWorkerTemplate.subGroupPolicy.subGroupSize: the webhook of LeaderWorkerSet lets nobody change it; give the workload a new name"),
        ("G14", QUOTA, remove("/spec/scopes"), "spec.scopes: the API server lets nobody change it in a ResourceQuota; give the ResourceQuota a new name"),
        *(("G14", once, operation, f"{field}: the API server lets nobody change it in a {once['kind']}; give the {once['kind']} a new name")
          for once, operation, field in ONCE),
        ("G14", FROZEN, put("/data/a", "c"), f"data: the object was made immutable; {NEW_CONFIG}"),
        ("G14", FROZEN, remove("/immutable"), f"immutable: the object was made immutable; {NEW_CONFIG}"),
        ("G14", SECRET, put("/type", "kubernetes.io/tls"), f"type: it was Opaque; {NEW_CONFIG}"),
        ("G14", BINDING, put("/roleRef/name", "writer"), "roleRef: a binding keeps its role for ever; give the binding a new name"),
        ("G14", CLASS, put("/provisioner", "ebs"), "provisioner: a storage class cannot change; give the class a new name"),
        (
            "G13", SET, remove("/spec/replicas"),
            ("spec.replicas: git held 3, and the number falls to 1 until the autoscaler has looked; run before the merge: echo "
            '\'{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web"},"spec":{"replicas":3}}\' | kubectl -n None'
            " apply --server-side --field-manager=handover -f -"),
        ),
        (
            "G13", GROUPS, remove("/spec/replicas"),
            ("spec.replicas: git held 3, and the number falls to 1 until the autoscaler has looked; run before the merge: echo "
            '\'{"apiVersion":"leaderworkerset.x-k8s.io/v1","kind":"LeaderWorkerSet","metadata":{"name":"chat"},"spec":'
            '{"replicas":3}}\' | kubectl -n None apply --server-side --field-manager=handover -f -'),
        ),
    ],
)  # fmt: skip
def test_a_change_that_is_told_of(rule: str, old: Manifest, operation: Operation, expected: str) -> None:
    """By field, reason and way out."""
    new = jsonpatch.apply_patch(copy.deepcopy(dict(old)), [dict(operation)])
    found = list(changes(old, new))
    assert [(one.rule, f"{one.field}: {one.because}; {one.do}") for one in found] == [(rule, expected)]


@pytest.mark.parametrize(
    ("rule", "old", "operation"),
    [
        ("G14", DEPLOYMENT, put("/spec/template/spec/containers/0/image", "ghcr.io/acme/web:2")),
        ("G14", DEPLOYMENT, put("/metadata/name", "another")),
        ("G14", SET, put("/spec/minReadySeconds", 5)),
        ("G14", JOB, put("/spec/completionMode", "NonIndexed")),
        ("G14", JOB, put("/spec/suspend", value=True)),
        ("G14", QUEUED, put(f"/metadata/labels/{AT}priority-class", "high")),
        ("G14", QUEUED, put("/metadata/labels/team", "a")),
        ("G14", {**QUEUED, "spec": {**JOB["spec"], "suspend": True}}, put(f"/metadata/labels/{AT}queue-name", "other")),
        ("G14", DEPLOYMENT, put("/metadata/labels", {f"{KUEUE}queue-name": "other"})),
        ("G14", VOLCANO_JOB, put("/spec/minAvailable", 1)),
        ("G14", VOLCANO_JOB, put("/spec/tasks/0/replicas", 3)),
        ("G14", VOLCANO_JOB, put("/spec/priorityClassName", "high")),
        ("G14", CLAIM, put("/spec/resources/requests/storage", "2Ti")),
        ("G14", CLAIM, put("/spec/volumeMode", "Filesystem")),
        ("G14", manifests.config_map(a="b"), put("/data/a", "c")),
        ("G14", FROZEN, put("/metadata/labels", {"a": "b"})),
        ("G14", SECRET, remove("/type")),
        ("G14", CLASS, put("/reclaimPolicy", "Delete")),
        ("G14", JOB, put("/spec/completions", 1)),
        (
            "G14",
            INDEXED,
            {"op": "replace", "path": "/spec", "value": {**INDEXED["spec"], "completions": 3, "parallelism": 3}},
        ),
        ("G14", SERVICE, put("/spec/type", "NodePort")),
        ("G14", PLAIN, remove("/spec/clusterIP")),
        ("G14", PLAIN, put("/spec/clusterIPs", ["10.0.0.1"])),
        ("G14", HEADLESS, put("/spec/clusterIPs", ["None"])),
        ("G14", HEADLESS, put("/spec/ports/0/port", 81)),
        ("G14", FAMILIES, put("/spec/ipFamilies/1", "IPv6")),
        ("G14", BALANCED, put("/spec/type", "ClusterIP")),
        ("G14", manifests.service(type="ExternalName"), put("/spec/clusterIP", "None")),
        ("G14", QUOTA, put("/spec/scopes", ["BestEffort", "NotTerminating"])),
        ("G14", QUEUE, put("/spec/stopPolicy", "Hold")),
        ("G14", BINDING, put("/subjects", [])),
        ("G13", SET, put("/spec/replicas", 1)),
        ("G13", DEPLOYMENT, put("/spec/paused", value=True)),
        ("G13", {**SET, "spec": {**SET["spec"], "replicas": 1}}, remove("/spec/replicas")),
    ],
)
def test_a_change_that_can_be_made(rule: str, old: Manifest, operation: Operation) -> None:
    """What the API server takes, and what says the same in other words."""
    new = jsonpatch.apply_patch(copy.deepcopy(dict(old)), [dict(operation)])
    assert [one.rule for one in changes(old, new) if one.rule == rule] == []


def synth(root: Path, *foreign: Manifest, accept: Mapping[str, str] | None = None, **options: Any) -> Report:
    """Render an environment with a service and *foreign* objects."""

    def build(fleet: Fleet) -> None:
        scope = Environment(
            fleet, "test", cluster=CLUSTER, namespace="ml-test", accept=accept, pod_security="privileged"
        )
        service(scope, **options)
        for one in foreign:
            raw(scope, one)

    return synthesize(Request(main=root / "main.py", fleet=Fleet({"test": build}, root=root)))


def test_g13_is_told_once_with_the_command_that_helps(tmp_path: Path) -> None:
    """When the change is rendered, and not any more when it is merged."""
    synth(tmp_path, scale=None, replicas=4)
    report = synth(tmp_path, scale=CpuScale(min=2, max=6))
    assert [(one.rule, one.severity, one.text) for one in report.findings] == [
        (
            "G13",
            "warning",
            (
                "test/api: Deployment api spec.replicas but git held 4, and the number falls to 1 until the autoscaler has looked;"
                ' run before the merge: echo \'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"api"},"spec":'
                '{"replicas":4}}\' | kubectl -n ml-test apply --server-side --field-manager=handover -f -'
            ),
        )
    ]
    assert synth(tmp_path, scale=CpuScale(min=2, max=6)).findings == []


def test_g14_leaves_dist_as_it_is_until_it_is_accepted(tmp_path: Path) -> None:
    """And the acceptance has to go with the next change, or it would hide another one."""
    changed = {**JOB, "spec": {**JOB["spec"], "completionMode": "Indexed", "completions": 1, "parallelism": 1}}
    path = tmp_path / "dist/test/_environment/job-train.yaml"
    synth(tmp_path, JOB)
    before = path.read_bytes()
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, changed)
    assert [finding.text for finding in caught.value.findings if finding.rule == "G14"] == [
        f"test: Job train spec.completionMode but the API server lets nobody change it in a Job; {NEW_JOB}"
    ]
    assert path.read_bytes() == before
    accept = {"G14": "the old Job is deleted by hand on the day of the merge"}
    assert "test/_environment/job-train.yaml" in synth(tmp_path, changed, accept=accept).changed
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, changed, accept=accept)
    assert [finding.rule for finding in caught.value.findings if finding.severity == "error"] == ["X09"]
    synth(tmp_path, changed)


def moved(root: Path, namespace: str, delivery: ArgoCD | Flux | None = None, *foreign: Manifest) -> list[str]:
    """Return what is said of an environment when it is rendered for *namespace*."""

    def build(fleet: Fleet) -> None:
        scope = Environment(fleet, "test", cluster=CLUSTER, namespace=namespace, delivery=delivery)
        service(scope)
        for one in foreign:
            raw(scope, one)

    report = synthesize(Request(main=root / "main.py", fleet=Fleet({"test": build}, root=root)))
    return [one.text for one in report.findings if one.rule == "G17"]


def test_g17_is_told_once_with_the_commands_for_what_stays(tmp_path: Path) -> None:
    """The Application of Applications goes first, or it would bring the others back; G11 says nothing of the Namespace."""
    delivery = ArgoCD("https://git.example/models")
    assert moved(tmp_path, "ml-a", delivery) == []
    assert moved(tmp_path, "ml-b", delivery) == [
        (
            "test: namespace='ml-b' but it was ml-a, where everything stays and runs on; here all is made anew, and claims are"
            " empty; move the data, and delete after the merge: argocd app delete ml-a-delivery --cascade=false; argocd app delete"
            " ml-a --cascade=false; kubectl -n argocd delete appproject.argoproj.io ml-a; kubectl delete namespace ml-a"
        )
    ]
    assert moved(tmp_path, "ml-b", delivery) == []


def test_g17_for_flux_and_for_nobody(tmp_path: Path) -> None:
    """What Flux reads is deleted by kind; with a name of its own nothing of it stays."""
    for name in ("a", "b"):
        moved(tmp_path, f"ml-{name}", Flux("https://git.example/models"))
    assert moved(tmp_path, "ml-c", Flux("https://git.example/models")) == [
        (
            "test: namespace='ml-c' but it was ml-b, where Flux deletes everything but claims, runs and what they need; here all"
            " is made anew, and claims are empty; to keep what is there until its data has moved, before the merge: flux -n"
            " flux-system suspend kustomization ml-b; move the data, and delete after the merge: kubectl -n flux-system delete"
            " kustomization.kustomize.toolkit.fluxcd.io ml-b-delivery; kubectl -n flux-system delete"
            " kustomization.kustomize.toolkit.fluxcd.io ml-b; kubectl -n flux-system delete"
            " gitrepository.source.toolkit.fluxcd.io ml-b; kubectl delete namespace ml-b"
        )
    ]
    assert moved(tmp_path, "ml-c") == []
    (told,) = moved(tmp_path, "ml-a")
    assert told.endswith("; move the data, and delete after the merge: kubectl delete namespace ml-c")


def test_g17_says_nothing_of_another_namespace(tmp_path: Path) -> None:
    """That somebody has rendered beside the environment's, and does no more."""
    kept = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
    other = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "aa", "annotations": kept}}
    delivery = ArgoCD("https://git.example/models")
    assert moved(tmp_path, "ml-a", delivery, other) == []
    assert moved(tmp_path, "ml-a", delivery) == []
