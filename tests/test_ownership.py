"""Fields that another controller writes: not rendered, and left alone by Argo CD and Flux."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from modelyard import ArgoCD, Cluster, Crd, Environment, Flux, Owned, Sweep, TrainingJob
from modelyard.render.objects import gather
from tests.support import CLUSTER, IMAGE, delivered, environment, found_by, objects, raw, service, training

REPO = "https://git.example/acme/models"
LIMIT = "/spec/revisionHistoryLimit"
WEBHOOK: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "guard.example"},
    "webhooks": [
        {
            "name": "guard.example.com",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://guard.example", "caBundle": "Cg=="},
        }
    ],
}
SCALED_OBJECT: dict[str, Any] = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "web"},
    "spec": {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "cron", "metadata": {}}]},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": IMAGE}]},
        },
    },
}
WITH_CRDS = Cluster("eks-test", kubernetes="1.34", accelerators=CLUSTER.accelerators, installed=[Crd.KEDA, Crd.JOBSET])


def argo(scope: Environment) -> dict[str, list[str]]:
    """Return the fields that Argo CD leaves alone, by kind and name."""
    rules = delivered(scope)["Application/ml-test"]["spec"].get("ignoreDifferences", [])
    return {f"{one['kind']}/{one['name']}": one["jsonPointers"] for one in rules}


def flux(scope: Environment) -> dict[str, list[str]]:
    """Return the fields that Flux leaves alone, by kind and pattern of the name."""
    rules = delivered(scope)["Kustomization/ml-test"]["spec"].get("ignore", [])
    return {f"{one['target']['kind']}/{one['target']['name']}": one["paths"] for one in rules}


def found(scope: Environment) -> dict[str, dict[str, Any]]:
    """Return the manifests of *scope* that have pods, whatever is found in them."""
    every = gather(scope).objects
    return {
        f"{one.kind}/{one.metadata.get('annotations', {}).get('modelyard.dev/name', one.name)}": one.data
        for one in every
        if one.pod
    }


def everything(scope: Environment) -> list[dict[str, Any]]:
    """Return the objects of the delivery, whatever is found in the others."""
    return [one.data for one in gather(scope).delivery]


def test_one_declaration_leaves_a_field_out_and_tells_both_controllers(tmp_path: Path) -> None:
    """Beside what follows from the autoscaler."""
    for delivery, ignored in ((ArgoCD(REPO), argo), (Flux(REPO), flux)):
        scope = environment(tmp_path, delivery=delivery, owned=[Owned("Deployment", LIMIT, name="api")])
        service(scope)
        assert "revisionHistoryLimit" not in objects(scope)["Deployment/api"]["spec"]
        assert ignored(scope) == {"Deployment/api": [LIMIT, "/spec/replicas"]}


def test_without_a_name_it_holds_for_all_of_the_kind_and_for_no_other(tmp_path: Path) -> None:
    """Ours and foreign ones alike."""
    owned = [Owned("Deployment", "/spec/template/spec/terminationGracePeriodSeconds")]
    scope = environment(
        tmp_path, delivery=ArgoCD(REPO), owned=owned, accept={"D12": "not what is tested", "P28": "nor this"}
    )
    service(scope, accept={"P28": "not what is tested"})
    training(scope)
    raw(scope, DEPLOYMENT)
    pods = {name: one["spec"]["template"]["spec"] for name, one in found(scope).items()}
    assert "terminationGracePeriodSeconds" not in pods["Deployment/api"]
    assert "terminationGracePeriodSeconds" in pods["Job/train"]


def test_what_a_webhook_gets_from_cert_manager(tmp_path: Path) -> None:
    """An entry of a list on the way, a name with a dot, and an object of the whole cluster."""
    pointer = "/webhooks/0/clientConfig/caBundle"
    for delivery in (ArgoCD(REPO), Flux(REPO)):
        scope = environment(tmp_path, delivery=delivery, owned=[Owned(WEBHOOK["kind"], pointer)])
        raw(scope, copy.deepcopy(WEBHOOK))
        rendered = objects(scope)["ValidatingWebhookConfiguration/guard.example"]["webhooks"][0]["clientConfig"]
        assert rendered == {"url": "https://guard.example"}
        if isinstance(delivery, ArgoCD):
            (rule,) = delivered(scope)["Application/ml-test"]["spec"]["ignoreDifferences"]
            assert rule == {
                "group": "admissionregistration.k8s.io",
                "kind": "ValidatingWebhookConfiguration",
                "name": "guard.example",
                "jsonPointers": [pointer],
            }
        else:
            (rule,) = delivered(scope)["Kustomization/ml-test"]["spec"]["ignore"]
            assert rule == {
                "paths": [pointer],
                "target": {
                    "group": r"admissionregistration\.k8s\.io",
                    "kind": "ValidatingWebhookConfiguration",
                    "name": r"guard\.example",
                },
            }


def test_whatever_scales_owns_the_replicas(tmp_path: Path) -> None:
    """KEDA's ScaledObject names a Deployment where it says no kind."""
    scope = environment(
        tmp_path, cluster=WITH_CRDS, delivery=ArgoCD(REPO), accept=dict.fromkeys(("P01", "P25"), "a plain example")
    )
    raw(scope, SCALED_OBJECT)
    raw(scope, DEPLOYMENT)
    application = next(one for one in everything(scope) if one["kind"] == "Application")
    assert application["spec"]["ignoreDifferences"] == [
        {
            "group": "apps",
            "kind": "Deployment",
            "name": "web",
            "namespace": "ml-test",
            "jsonPointers": ["/spec/replicas"],
        }
    ]


def test_fixed_replicas_are_gits(tmp_path: Path) -> None:
    """Nobody else writes them, so nothing is left alone."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope, scale=None, replicas=3)
    assert objects(scope)["Deployment/api"]["spec"]["replicas"] == 3
    assert argo(scope) == {}


def queued(scope: Environment, **annotations: str) -> TrainingJob:
    """Return the stock training, in a queue."""
    workload = training(scope, sweep=Sweep(rows=[{"lr": 0.1}, {"lr": 0.01}]) if annotations else None)
    workload.add_json_patch(
        "Job", {"op": "add", "path": "/metadata/labels/kueue.x-k8s.io~1queue-name", "value": "research"}
    )
    for key, text in annotations.items():
        path = f"/metadata/annotations/kueue.x-k8s.io~1{key.replace('_', '-')}"
        workload.add_json_patch("Job", {"op": "add", "path": path, "value": text})
    return workload


def test_a_queue_owns_whether_and_where_a_job_runs(tmp_path: Path) -> None:
    """Kueue resumes it, and adds where it found room to fields that are written whole."""
    paths = ["/spec/suspend", "/spec/template/spec/nodeSelector", "/spec/template/spec/tolerations"]
    scope = environment(tmp_path, delivery=Flux(REPO))
    queued(scope)
    ((name, found),) = flux(scope).items()
    assert name.startswith("Job/train-")
    assert found == paths
    scope = environment(tmp_path, delivery=Flux(REPO))
    queued(scope, job_min_parallelism="1")
    assert list(flux(scope).values()) == [["/spec/parallelism", *paths]]


def test_argo_cd_keeps_what_a_queue_adds_to_what_git_holds(tmp_path: Path) -> None:
    """It copies the live value of such a field, and would copy those that git leaves away if they were listed too."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope)
    queued(scope)
    spec = delivered(scope)["Application/ml-test"]["spec"]
    assert spec["syncPolicy"]["syncOptions"] == [
        "ServerSideApply=true",
        "FailOnSharedResource=true",
        "RespectIgnoreDifferences=true",
    ]
    assert list(argo(scope).values()) == [["/spec/template/spec/nodeSelector", "/spec/template/spec/tolerations"]]


def test_a_queue_owns_where_each_job_of_a_set_runs(tmp_path: Path) -> None:
    """One path a job."""
    scope = environment(tmp_path, cluster=WITH_CRDS, delivery=Flux(REPO), pod_security="privileged")
    job = {
        "template": {
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": IMAGE}]}}}
        }
    }
    raw(
        scope,
        {
            "apiVersion": "jobset.x-k8s.io/v1alpha2",
            "kind": "JobSet",
            "metadata": {"name": "tune", "labels": {"kueue.x-k8s.io/queue-name": "research"}},
            "spec": {"replicatedJobs": [{"name": "driver", **job}, {"name": "worker", **job}]},
        },
    )
    assert flux(scope) == {
        "JobSet/tune": [
            "/spec/suspend",
            "/spec/replicatedJobs/0/template/spec/template/spec/nodeSelector",
            "/spec/replicatedJobs/0/template/spec/template/spec/tolerations",
            "/spec/replicatedJobs/1/template/spec/template/spec/nodeSelector",
            "/spec/replicatedJobs/1/template/spec/template/spec/tolerations",
        ]
    }


def test_what_is_left_out_of_a_job_is_no_part_of_its_name(tmp_path: Path) -> None:
    """Else the name would stand for content that is not there."""
    names = set()
    for priority in ("low", "high"):
        scope = environment(tmp_path, owned=[Owned("Job", "/spec/template/spec/priorityClassName", name="train")])
        training(scope, priority_class=priority)
        (job,) = [one for one in found(scope).values() if one["kind"] == "Job"]
        assert "priorityClassName" not in job["spec"]["template"]["spec"]
        names.add(job["metadata"]["name"])
    assert len(names) == 1


@pytest.mark.parametrize(
    ("owned", "expected"),
    [
        (
            Owned("Deployment", "spec.replicas"),
            (
                "owned[0].path='spec.replicas' but a field is a JSON pointer, which starts with \"/\" and has a name behind"
                ' each "/"; write "/spec/replicas"'
            ),
        ),
        (
            Owned("Deployment", "/spec//replicas"),
            (
                "owned[0].path='/spec//replicas' but a field is a JSON pointer, which starts with \"/\" and has a name behind"
                ' each "/"; write "/spec/replicas"'
            ),
        ),
        (
            Owned("Deployment", "/metadata/name"),
            "owned[0].path='/metadata/name' but an object is known by it; name a field that it can do without",
        ),
        (
            Owned("Deployment", "/spec/replicass"),
            "owned[0].path='/spec/replicass' but Deployment has no field 'replicass'; did you mean 'replicas'?",
        ),
        (
            Owned("Deployment", "/spec/template/spec/containerz/0/image"),
            (
                "owned[0].path='/spec/template/spec/containerz/0/image' but Deployment has no field 'containerz';"
                " did you mean 'containers'?"
            ),
        ),
        (
            Owned("Deployment", LIMIT, name="apj"),
            "owned[0]='Deployment apj' but the environment renders no Deployment apj; correct kind or name, or remove it",
        ),
        (
            Owned("DaemonSet", LIMIT),
            "owned[0]='DaemonSet' but the environment renders no DaemonSet; correct kind or name, or remove it",
        ),
    ],
)
def test_a_declaration_that_cannot_work(tmp_path: Path, owned: Owned, expected: str) -> None:
    """Neither does one that changes nothing stay unnoticed."""
    scope = environment(tmp_path, owned=[owned])
    service(scope)
    assert found_by(scope, "X11") == [f"test: {expected}"]


def test_a_field_that_the_object_needs_cannot_be_somebody_elses(tmp_path: Path) -> None:
    """The schema says so."""
    scope = environment(tmp_path, owned=[Owned("Deployment", "/spec/template")])
    service(scope)
    assert any("misses the required field 'template'" in text for text in found_by(scope, "X05"))
