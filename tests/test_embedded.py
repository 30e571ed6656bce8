"""Pods inside custom resources are held against Kubernetes' own schema: a definition lets more pass than a node ever runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd, schemas
from modelyard.schemas.embedded import WAYS, ways
from modelyard.schemas.installed import bundled, projects
from tests.support import environment, found, having, raw

Manifest = dict[str, Any]
PROJECTS = "argo-rollouts", "jobset", "keda", "kubeflow-trainer", "kuberay", "lws", "volcano"
CRDS = tuple(one for project in PROJECTS for one in bundled(project))
CATALOG = schemas.catalog("1.34", CRDS)


def pod() -> Manifest:
    """Return a template of pods with one container."""
    return {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "ghcr.io/acme/train:1"}]}}


def jobs() -> Manifest:
    """Return the spec of a set of Jobs."""
    return {"replicatedJobs": [{"name": "a", "template": {"spec": {"template": pod()}}}]}


def ray() -> Manifest:
    """Return a cluster of Ray."""
    workers = {"groupName": "gpu", "rayStartParams": {}, "template": pod()}
    return {"headGroupSpec": {"rayStartParams": {}, "template": pod()}, "workerGroupSpecs": [workers]}


def manifest(api_version: str, kind: str, spec: Manifest) -> Manifest:
    """Return an object that is right."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "train", "namespace": "ml"}, "spec": spec}


RUNTIME = {"mlPolicy": {"numNodes": 1}, "template": {"spec": jobs()}}
GROUP = {"leaderWorkerTemplate": {"leaderTemplate": pod(), "workerTemplate": pod()}}
ROLLOUT = {"selector": {"matchLabels": {"app": "a"}}, "strategy": {"canary": {}}, "template": pod()}
TASKS = {"schedulerName": "volcano", "tasks": [{"name": "node", "replicas": 1, "template": pod()}]}
RIGHT = [
    manifest("argoproj.io/v1alpha1", "Rollout", ROLLOUT),
    manifest("batch.volcano.sh/v1alpha1", "CronJob", {"schedule": "0 3 * * *", "jobTemplate": {"spec": TASKS}}),
    manifest("batch.volcano.sh/v1alpha1", "Job", TASKS),
    manifest("jobset.x-k8s.io/v1alpha2", "JobSet", jobs()),
    manifest(
        "keda.sh/v1alpha1",
        "ScaledJob",
        {"jobTargetRef": {"template": pod()}, "triggers": [{"type": "cpu", "metadata": {}}]},
    ),
    manifest("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", GROUP),
    manifest("ray.io/v1", "RayCluster", ray()),
    manifest("ray.io/v1", "RayJob", {"rayClusterSpec": ray(), "submitterPodTemplate": pod()}),
    manifest("ray.io/v1", "RayService", {"rayClusterConfig": ray()}),
    manifest("trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", RUNTIME),
    manifest("trainer.kubeflow.org/v1alpha1", "TrainingRuntime", RUNTIME),
]
PODS = [
    ("Rollout", "spec.template"),
    ("CronJob", "spec.jobTemplate.spec.tasks.0.template"),
    ("Job", "spec.tasks.0.template"),
    ("JobSet", "spec.replicatedJobs.0.template.spec.template"),
    ("ScaledJob", "spec.jobTargetRef.template"),
    ("LeaderWorkerSet", "spec.leaderWorkerTemplate.leaderTemplate"),
    ("LeaderWorkerSet", "spec.leaderWorkerTemplate.workerTemplate"),
    ("RayCluster", "spec.headGroupSpec.template"),
    ("RayCluster", "spec.workerGroupSpecs.0.template"),
    ("RayJob", "spec.rayClusterSpec.headGroupSpec.template"),
    ("RayJob", "spec.rayClusterSpec.workerGroupSpecs.0.template"),
    ("RayJob", "spec.submitterPodTemplate"),
    ("RayService", "spec.rayClusterConfig.headGroupSpec.template"),
    ("RayService", "spec.rayClusterConfig.workerGroupSpecs.0.template"),
    ("ClusterTrainingRuntime", "spec.template.spec.replicatedJobs.0.template.spec.template"),
    ("TrainingRuntime", "spec.template.spec.replicatedJobs.0.template.spec.template"),
]
SET = "spec.replicatedJobs.0.template.spec.template"
every_pod = pytest.mark.parametrize(("kind", "path"), PODS, ids=[f"{kind}:{path}" for kind, path in PODS])


def right(kind: str) -> Manifest:
    """Return a fresh object of *kind* that is right."""
    copied: Manifest = json.loads(json.dumps(next(one for one in RIGHT if one["kind"] == kind)))
    return copied


def containers(made: Manifest, path: str) -> list[Manifest]:
    """Return the containers of the pod at *path* of *made*."""
    node: Any = made
    for step in path.split("."):
        node = node[int(step) if step.isdecimal() else step]
    found_there: list[Manifest] = node["spec"]["containers"]
    return found_there


def said(made: Manifest) -> list[tuple[str, str]]:
    """Return what is wrong with *made*, by the path to it."""
    return [(".".join(map(str, one.path)), one.message) for one in CATALOG.errors(made)]


@pytest.mark.parametrize("made", RIGHT, ids=[one["kind"] for one in RIGHT])
def test_what_is_right_is_taken(made: Manifest) -> None:
    """The objects that the others of this file change."""
    assert (CATALOG.errors(made), CATALOG.duplicates(made)) == ([], [])


def test_every_kind_with_pods_is_looked_into() -> None:
    """Each is of a project that is bundled, and has a row above."""
    known = {key for one in projects().values() for key in one["kinds"]}
    assert {kind for kind, _ in PODS} == {key.partition(" ")[2] for key in WAYS}
    assert sorted(WAYS.keys() - {f"{key.partition('/')[0]} {key.partition(' ')[2]}" for key in known}) == []
    assert ways("apps/v1 Deployment") == ()


@every_pod
def test_a_word_that_kubernetes_does_not_know_is_refused(kind: str, path: str) -> None:
    """The definition takes any text."""
    made = right(kind)
    containers(made, path)[0]["imagePullPolicy"] = "Sometimes"
    text = "must be 'Always', 'IfNotPresent' or 'Never', not 'Sometimes'"
    assert said(made) == [(f"{path}.spec.containers.0.imagePullPolicy", text)]


@every_pod
def test_a_mistake_that_both_see_is_told_once(kind: str, path: str) -> None:
    """A number that is none is nothing to either."""
    made = right(kind)
    containers(made, path)[0]["ports"] = [{"containerPort": "http"}]
    text = "must be an integer, not the string 'http'"
    assert said(made) == [(f"{path}.spec.containers.0.ports.0.containerPort", text)]


@every_pod
def test_two_containers_of_one_name_are_refused(kind: str, path: str) -> None:
    """As in any pod."""
    made = right(kind)
    containers(made, path).append({"name": "main", "image": "ghcr.io/acme/train:2"})
    place = f"{path}.spec.containers.1"
    assert [(".".join(map(str, one.path)), one.message) for one in CATALOG.duplicates(made)] == [
        (place, "repeats name 'main' of entry 0")
    ]


def test_a_field_that_the_clusters_version_lacks_is_refused() -> None:
    """The definition has it already, and the API server drops it from every pod."""
    made = right("JobSet")
    containers(made, SET)[0]["restartPolicyRules"] = []
    newer = schemas.catalog("1.37", CRDS)
    assert newer.errors(made) == []
    assert [one.message for one in schemas.catalog("1.32", CRDS).errors(made)] == [
        "has no field 'restartPolicyRules' in Kubernetes 1.32; it came with 1.34"
    ]


def test_a_foreign_job_set_dies_at_synth(tmp_path: Path) -> None:
    """With the path in the user's own object."""
    scope = environment(tmp_path, cluster=having(Crd.JOBSET))
    made = right("JobSet")
    containers(made, SET)[0]["terminationMessagePolicy"] = "Stdout"
    raw(scope, made)
    assert [(one.rule, one.field) for one in found(scope) if one.rule == "X05"] == [
        (
            "X05",
            "JobSet train spec.replicatedJobs[0].template.spec.template.spec.containers[0].terminationMessagePolicy",
        )
    ]
