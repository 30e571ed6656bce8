"""The objects that Argo CD and Flux themselves read: each option by the field it becomes, each mistake by its words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import cdk8s
import pytest
import yaml

from modelyard import ArgoCD, Cluster, Crd, Environment, Fleet, Flux, SynthesisError, minutes, seconds
from modelyard.delivery.health import OF_JOBS
from modelyard.fleet import Manifest
from modelyard.fleet.delivery import Cargo
from modelyard.render.engine import Report, Request, synthesize
from modelyard.render.environment import summaries
from modelyard.schemas import catalog
from tests.support import CLUSTER, delivered, environment, found, found_by, objects, raw, service, training
from tests.test_kubeconform import judged

REPO = "https://git.example/acme/models"
SECRET = "models"  # noqa: S105 # the name of one
LABELS = {"app.kubernetes.io/part-of": "test", "app.kubernetes.io/managed-by": "modelyard"}
RETRY = {"limit": 5, "refresh": True, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
IN_CLUSTER = "https://kubernetes.default.svc"
CLUSTER_ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "reader"},
    "rules": [],
}
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus"}, "spec": {"hard": {"pods": "9"}}}


def stock(root: Path, delivery: ArgoCD | Flux, **options: Any) -> Environment:
    """Return an environment with a service that is scaled and a training, delivered by *delivery*."""
    scope = environment(root, delivery=delivery, **options)
    service(scope)
    training(scope)
    return scope


def source(path: str, **changed: object) -> dict[str, Any]:
    """Return the source of an Application."""
    return {"repoURL": REPO, "targetRevision": "HEAD", "path": path, "directory": {"recurse": True}, **changed}


def test_the_application_of_an_environment(tmp_path: Path) -> None:
    """Synced by itself, healed, pruned, tried again, and never by force."""
    assert delivered(stock(tmp_path, ArgoCD(REPO)))["Application/ml-test"] == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "ml-test", "namespace": "argocd", "labels": LABELS},
        "spec": {
            "project": "ml-test",
            "source": source("dist/test"),
            "destination": {"server": IN_CLUSTER, "namespace": "ml-test"},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["ServerSideApply=true", "FailOnSharedResource=true"],
                "retry": RETRY,
            },
            "ignoreDifferences": [
                {
                    "group": "apps",
                    "kind": "Deployment",
                    "name": "api",
                    "namespace": "ml-test",
                    "jsonPointers": ["/spec/replicas"],
                }
            ],
        },
    }


def test_the_project_allows_what_is_rendered_and_no_more(tmp_path: Path) -> None:
    """One repository, one namespace, the kinds of our own workloads, and foreign ones that are there."""
    scope = stock(tmp_path, ArgoCD(REPO))
    raw(scope, QUOTA)
    raw(scope, CLUSTER_ROLE)
    project = delivered(scope)["AppProject/ml-test"]
    # Argo CD would look at an Application without project again only minutes later.
    first = {"argocd.argoproj.io/sync-wave": "-1"}
    assert project["metadata"] == {"name": "ml-test", "namespace": "argocd", "labels": LABELS, "annotations": first}
    assert project["spec"]["sourceRepos"] == [REPO]
    assert project["spec"]["destinations"] == [{"server": IN_CLUSTER, "namespace": "ml-test"}]
    assert project["spec"]["clusterResourceWhitelist"] == [
        {"group": "", "kind": "Namespace", "name": "ml-test"},
        {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
    ]
    kinds = [f"{one['group']}/{one['kind']}" for one in project["spec"]["namespaceResourceWhitelist"]]
    assert kinds == [
        "/ConfigMap",
        "/PersistentVolumeClaim",
        "/Pod",
        "/ResourceQuota",
        "/Service",
        "/ServiceAccount",
        "apps/Deployment",
        "apps/ReplicaSet",
        "autoscaling/HorizontalPodAutoscaler",
        "batch/CronJob",
        "batch/Job",
        "networking.k8s.io/NetworkPolicy",
        "policy/PodDisruptionBudget",
    ]


@pytest.mark.parametrize(
    ("api_version", "kind", "made"),
    [
        ("apps/v1", "StatefulSet", []),
        ("argoproj.io/v1alpha1", "Rollout", ["argoproj.io/AnalysisRun"]),
        ("batch.volcano.sh/v1alpha1", "Job", ["scheduling.volcano.sh/PodGroup"]),
        ("jobset.x-k8s.io/v1alpha2", "JobSet", []),
        ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", ["apps/StatefulSet"]),
        ("ray.io/v1", "RayJob", ["ray.io/RayCluster"]),
        ("ray.io/v1", "RayService", ["ray.io/RayCluster"]),
        ("serving.kserve.io/v1beta1", "InferenceService", []),
        ("trainer.kubeflow.org/v1alpha1", "TrainJob", ["jobset.x-k8s.io/JobSet"]),
    ],
)
def test_the_project_allows_what_controllers_make_of_what_is_rendered(
    tmp_path: Path, api_version: str, kind: str, made: list[str]
) -> None:
    """Else Argo CD shows neither that nor the pods; and a Workload where something waits in a queue of Kueue."""
    site = environment(tmp_path).site

    def allowed(*manifests: Manifest) -> set[str]:
        cargo = Cargo(manifests=manifests, owned=(), cluster_wide=frozenset())
        project = ArgoCD(REPO).drafts(site, cargo)[0].manifest
        return {f"{one['group']}/{one['kind']}" for one in project["spec"]["namespaceResourceWhitelist"]}

    one: dict[str, Any] = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": site.namespace},
    }
    group = api_version.rpartition("/")[0]
    assert allowed(one) - allowed() == {f"{group}/{kind}", *made}
    assert {"/Pod", "apps/ReplicaSet", "batch/Job"} <= allowed()
    waiting = {**one, "metadata": {**one["metadata"], "labels": {"kueue.x-k8s.io/queue-name": "research"}}}
    assert allowed(waiting) - allowed(one) == {"kueue.x-k8s.io/Workload"}


def test_a_project_without_objects_of_the_cluster_allows_none(tmp_path: Path) -> None:
    """Where nothing is listed, Argo CD allows none."""
    project = delivered(stock(tmp_path, ArgoCD(REPO), manage_namespace=False))["AppProject/ml-test"]
    assert "clusterResourceWhitelist" not in project["spec"]


def test_the_project_covers_every_namespace_that_is_rendered_into(tmp_path: Path) -> None:
    """A foreign object may say another one."""
    scope = stock(tmp_path, ArgoCD(REPO))
    raw(scope, {**QUOTA, "metadata": {"name": "gpus", "namespace": "shared"}})
    spec = delivered(scope)["AppProject/ml-test"]["spec"]
    assert [one["namespace"] for one in spec["destinations"]] == ["ml-test", "shared"]


def test_these_objects_are_synced_too_and_never_deleted(tmp_path: Path) -> None:
    """By one Application that is applied once, by hand, and then manages itself."""
    bootstrap = delivered(stock(tmp_path, ArgoCD(REPO)))["Application/ml-test-delivery"]
    assert bootstrap["spec"] == {
        "project": "default",
        "source": source("dist/_delivery/test"),
        "destination": {"server": IN_CLUSTER, "namespace": "argocd"},
        "syncPolicy": {
            "automated": {"prune": False, "selfHeal": True},
            "syncOptions": ["ServerSideApply=true"],
            "retry": RETRY,
        },
    }


def test_every_option_of_argo_cd(tmp_path: Path) -> None:
    """Each becomes a field."""
    delivery = ArgoCD(
        "oci://registry.example/acme/dist",
        path="clusters/test",
        revision="1.4.2",
        destination="eks-test",
        namespace="gitops",
        name="models",
        allow=["keda.sh/ScaledObject", "Secret", "rbac.authorization.k8s.io/ClusterRole"],
        bootstrap_project="platform",
    )
    made = delivered(stock(tmp_path, delivery))
    assert sorted(made) == ["AppProject/models", "Application/models", "Application/models-delivery"]
    assert {one["metadata"]["namespace"] for one in made.values()} == {"gitops"}
    spec = made["Application/models"]["spec"]
    assert spec["project"] == "models"
    assert spec["source"] == {
        "repoURL": "oci://registry.example/acme/dist",
        "targetRevision": "1.4.2",
        "path": "clusters/test",
        "directory": {"recurse": True},
    }
    assert spec["destination"] == {"name": "eks-test", "namespace": "ml-test"}
    project = made["AppProject/models"]["spec"]
    assert project["destinations"] == [{"name": "eks-test", "namespace": "ml-test"}]
    assert {"group": "keda.sh", "kind": "ScaledObject"} in project["namespaceResourceWhitelist"]
    assert {"group": "", "kind": "Secret"} in project["namespaceResourceWhitelist"]
    assert {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole"} in project["clusterResourceWhitelist"]
    bootstrap = made["Application/models-delivery"]["spec"]
    assert bootstrap["project"] == "platform"
    assert bootstrap["source"]["path"] == "clusters/_delivery/test"
    assert bootstrap["destination"] == {"server": IN_CLUSTER, "namespace": "gitops"}


def test_another_application_may_sync_these_objects(tmp_path: Path) -> None:
    """Where a team has an app of apps already."""
    made = delivered(stock(tmp_path, ArgoCD(REPO, bootstrap_project=None)))
    assert sorted(made) == ["AppProject/ml-test", "Application/ml-test"]


def test_the_objects_of_flux(tmp_path: Path) -> None:
    """Nothing is lost when a Kustomization is deleted, and no Job is waited for."""
    made = delivered(stock(tmp_path, Flux(REPO)))
    assert made["GitRepository/ml-test"] == {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "ml-test", "namespace": "flux-system", "labels": LABELS},
        "spec": {"url": REPO, "ref": {"branch": "main"}, "interval": "1m", "timeout": "60s"},
    }
    assert made["Kustomization/ml-test"] == {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "ml-test", "namespace": "flux-system", "labels": LABELS},
        "spec": {
            "sourceRef": {"kind": "GitRepository", "name": "ml-test"},
            "path": "./dist/test",
            "interval": "10m",
            "retryInterval": "1m",
            "timeout": "300s",
            "prune": True,
            "deletionPolicy": "Orphan",
            "wait": False,
            "dependsOn": [{"name": "ml-test-delivery"}],
            "healthChecks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "namespace": "ml-test"}],
            "ignore": [
                {
                    "paths": ["/spec/replicas"],
                    "target": {"group": "apps", "kind": "Deployment", "name": "api", "namespace": "ml-test"},
                }
            ],
        },
    }
    assert made["Kustomization/ml-test-delivery"]["spec"] == {
        "sourceRef": {"kind": "GitRepository", "name": "ml-test"},
        "path": "./dist/_delivery/test",
        "interval": "10m",
        "retryInterval": "1m",
        "timeout": "60s",
        "prune": False,
        "wait": False,
    }


def test_every_option_of_flux(tmp_path: Path) -> None:
    """Each becomes a field."""
    delivery = Flux(
        "oci://registry.example/acme/dist",
        path="test",
        branch="latest",
        secret="registry",  # noqa: S106 # the name of one
        namespace="gitops",
        name="models",
        timeout=minutes(10),
        service_account="models-reconciler",
        depends_on=["operators", "policies"],
    )
    made = delivered(stock(tmp_path, delivery))
    assert sorted(made) == ["Kustomization/models", "Kustomization/models-delivery", "OCIRepository/models"]
    assert {one["metadata"]["namespace"] for one in made.values()} == {"gitops"}
    assert made["OCIRepository/models"]["spec"] == {
        "url": "oci://registry.example/acme/dist",
        "ref": {"tag": "latest"},
        "secretRef": {"name": "registry"},
        "interval": "1m",
        "timeout": "60s",
    }
    spec = made["Kustomization/models"]["spec"]
    assert spec["sourceRef"] == {"kind": "OCIRepository", "name": "models"}
    assert (spec["path"], spec["timeout"], spec["serviceAccountName"]) == ("./test", "600s", "models-reconciler")
    assert spec["dependsOn"] == [{"name": "models-delivery"}, {"name": "operators"}, {"name": "policies"}]
    assert made["Kustomization/models-delivery"]["spec"]["path"] == "./_delivery/test"


def test_flux_signs_in_to_the_registry_of_its_cloud(tmp_path: Path) -> None:
    """By whatever it is there, so that no Secret has to be renewed."""
    made = delivered(stock(tmp_path, Flux("oci://registry.example/acme/dist", provider="aws")))
    assert made["OCIRepository/ml-test"]["spec"] == {
        "url": "oci://registry.example/acme/dist",
        "ref": {"tag": "main"},
        "provider": "aws",
        "interval": "1m",
        "timeout": "60s",
    }


def test_flux_does_not_wait_for_a_start_that_takes_longer(tmp_path: Path) -> None:
    """It would call a rollout failed that goes on as planned."""
    scope = environment(tmp_path, delivery=Flux(REPO))
    service(scope, start_within=minutes(15))
    assert "healthChecks" not in delivered(scope)["Kustomization/ml-test"]["spec"]
    scope = environment(tmp_path, delivery=Flux(REPO, timeout=minutes(20)))
    service(scope, start_within=minutes(15))
    assert len(delivered(scope)["Kustomization/ml-test"]["spec"]["healthChecks"]) == 1


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        (ArgoCD("not an address"), ("delivery.repo='not an address' but this is the address of a repository; write "
         '"https://git.example/acme/models"')),
        (ArgoCD(REPO, path="../dist"), ("delivery.path='../dist' but this is a folder in the repository, seen from its "
         'root; write "dist/test"')),
        (ArgoCD(REPO, path="."), ("delivery.path='.' but this is a folder in the repository, seen from its root; write "
         '"dist/test"')),
        (ArgoCD(REPO, namespace="Argo"), ("delivery.namespace='Argo' but a name holds a-z, 0-9 and \"-\" only, and starts "
         "and ends with a letter or digit; write the name of a namespace")),
        (ArgoCD(REPO, name="m" * 60), (f"delivery.name='{'m' * 55}...' but a name has at most 54 characters here and this "
         'one has 60; write a name to which "-delivery" can be added')),
        (ArgoCD(REPO, revision=" "), "delivery.revision=' ' but it is empty; name the revision to sync"),
        (ArgoCD("oci://registry.example/a"), ("delivery.revision='HEAD' but an OCI artifact has tags and digests, and no "
         "HEAD; name the revision to sync")),
        (ArgoCD(REPO, allow=["keda.sh/"]), ("delivery.allow[0]='keda.sh/' but a kind is written with its group in front, or "
         'alone where it has none; write "keda.sh/ScaledObject", or "Secret"')),
        (Flux("git@git.example:acme/models"), ("delivery.repo='git@git.example:acme/models' but Flux takes addresses that "
         "start with one of http://, https://, ssh://, oci://; write git@host:path as ssh://git@host/path")),
        (Flux(REPO, branch=""), "delivery.branch='' but it is empty; name the branch to sync"),
        (Flux(REPO, timeout=seconds(5)), ("delivery.timeout=seconds(5) but pulling an image alone may take a minute; write "
         "timeout=minutes(5)")),
        (Flux(REPO, secret="A b"),  # noqa: S106 # the name of one
          ("delivery.secret='A b' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and "
         "ends with a letter or digit; write the name of the object")),
        (Flux(REPO, depends_on=["A b"]), ("delivery.depends_on[0]='A b' but a name holds a-z, 0-9, \"-\" and \".\" only, and "
         "starts and ends with a letter or digit; write the name of the object")),
        (ArgoCD(REPO, name="default"), ("delivery.name='default' but an AppProject default would take the place of the one "
         "that every Argo CD has; write another name")),
        (ArgoCD(REPO, bootstrap_project="ml-test"), ("delivery.bootstrap_project='ml-test' but ml-test-delivery brings this "
         'AppProject itself, so it would never start; write the name of one that is there before, such as "default"')),
        (ArgoCD(REPO, bootstrap_project=""), ("delivery.bootstrap_project='' but it is empty; write the name of an "
         "AppProject, or None where another Application of yours syncs these objects")),
        (ArgoCD("https://"), ("delivery.repo='https://' but no host and no repository stand behind it; write "
         '"https://git.example/acme/models"')),
        (ArgoCD("git.example/acme/models"), ("delivery.repo='git.example/acme/models' but Argo CD takes addresses that start "
         "with one of https://, http://, ssh://, git://, file://, oci://, and git@host:path; write "
         '"https://git.example/acme/models"')),
        (ArgoCD("oci://", revision="v1"), ("delivery.repo='oci://' but an artifact's address has a registry and a repository; "
         'write "oci://registry.example/acme/models"')),
        (ArgoCD("oci://r.example/x:v1"), ("delivery.repo='oci://r.example/x:v1' but ':v1' is no part of an address: what is "
         'synced stands in revision=; leave it out, and write revision="v1"')),
        (ArgoCD("oci://r.example:5000/Acme/x", revision="v1"), ("delivery.repo='oci://r.example:5000/Acme/x' but the name of "
         'a repository holds a-z and 0-9, with ".", "_", "-" or "/" between them; write it as the registry knows it')),
        (ArgoCD("oci://r.example/x", revision="feature/x"), ("delivery.revision='feature/x' but a tag of an artifact holds "
         'letters, digits, "_", "." and "-" only, at most 128; write the tag that the artifact is pushed with')),
        (ArgoCD(REPO, revision="a b"), ("delivery.revision='a b' but no branch, tag or commit has a space in its name; name "
         "the revision to sync")),
        (ArgoCD(REPO, allow=["Secrt"]), ("delivery.allow[0]='Secrt' but the core group of Kubernetes 1.34 has no such kind; "
         "did you mean Secret?")),
        (ArgoCD(REPO, allow=["Secret", "Deployment"]), ("delivery.allow[1]='Deployment' but the core group of Kubernetes 1.34 "
         'has no such kind; write "apps/Deployment"')),
        (ArgoCD(REPO, allow=["Scaler"]), ("delivery.allow[0]='Scaler' but the core group of Kubernetes 1.34 has no such "
         'kind; write its group in front, such as "keda.sh/ScaledObject"')),
        (ArgoCD(REPO, allow=["*"]), ("delivery.allow[0]='*' but it would allow whatever is merged, also what gives rights; "
         'name each kind, such as "keda.sh/ScaledObject" or "Secret"')),
        (ArgoCD(REPO, revision="a" * 40), (f"delivery.revision={'a' * 40!r} but these objects lie in what it names: they can "
         "only name an older one, and Argo CD goes back to it; name a branch or tag, or bring these objects by an "
         "Application of yours (bootstrap_project=None)")),
        (ArgoCD("oci://r.example/x", revision=f"sha256:{'a' * 64}"), (f"delivery.revision='sha256:{'a' * 48}...' but these "
         "objects lie in what it names: they can only name an older one, and Argo CD goes back to it; name a branch "
         "or tag, or bring these objects by an Application of yours (bootstrap_project=None)")),
        (Flux(REPO, provider="aws"), ("delivery.provider='aws' but this is how Flux signs in to a registry, and repo= is a "
         "git repository; leave it out, and name a Secret: secret=")),
        (Flux("oci://r.example/x", secret=SECRET, provider="gcp"), ("delivery.provider='gcp' but with a Secret, models, Flux "
         "does not sign in as itself; leave out one of secret= and provider=")),
        (Flux("oci://r.example/x:v1"), ("delivery.repo='oci://r.example/x:v1' but ':v1' is no part of an address: what is "
         'synced stands in branch=; leave it out, and write branch="v1"')),
        (Flux("oci://r.example/x@sha256:ab"), ("delivery.repo='oci://r.example/x@sha256:ab' but '@sha256:ab' is no part of an "
         "address: what is synced stands in branch=; leave it out, and write branch=")),
        (Flux("oci://r.example/x", branch="feature/x"), ("delivery.branch='feature/x' but a tag of an artifact holds letters, "
         'digits, "_", "." and "-" only, at most 128; write the tag that the artifact is pushed with')),
        (Flux(REPO, branch="a b"), ("delivery.branch='a b' but no branch, tag or commit has a space in its name; name the "
         "branch to sync")),
        (Flux(REPO, depends_on=["operators", "ml-test"]), ("delivery.depends_on[1]='ml-test' but this Kustomization would "
         "wait for itself, and never be ready; leave it out")),
    ],
)  # fmt: skip
def test_an_option_that_cannot_work(tmp_path: Path, delivery: ArgoCD | Flux, expected: str) -> None:
    """One finding, at the line of the delivery."""
    (finding,) = found(stock(tmp_path, delivery))
    assert finding.text == f"test: {expected}"


@pytest.mark.parametrize(
    "delivery",
    [
        ArgoCD("git@git.example:acme/models"),
        ArgoCD("ssh://git@git.example/acme/models", revision="feature/x"),
        ArgoCD("oci://r.example:5000/acme/x_y--z", revision="^1.2"),
        ArgoCD("oci://r.example/x", revision=f"sha256:{'a' * 64}", bootstrap_project=None),
        ArgoCD(REPO, revision="a" * 40, bootstrap_project=None),
        Flux("oci://r.example:5000/acme/x_y--z"),
        Flux(REPO, branch="feature/x"),
    ],
)
def test_an_address_that_works(tmp_path: Path, delivery: ArgoCD | Flux) -> None:
    """With the port of a registry, as ssh alone writes it, and whatever an artifact or a branch is called."""
    assert found(stock(tmp_path, delivery)) == []


def test_what_is_waited_for_twice_is_written_once(tmp_path: Path) -> None:
    """Also what each environment waits for anyway."""
    delivery = Flux(REPO, depends_on=["operators", "ml-test-delivery", "operators"])
    spec = delivered(stock(tmp_path, delivery))["Kustomization/ml-test"]["spec"]
    assert spec["dependsOn"] == [{"name": "ml-test-delivery"}, {"name": "operators"}]


def test_an_environment_may_live_in_the_namespace_default(tmp_path: Path) -> None:
    """Only its AppProject has to be called something else."""
    scope = environment(tmp_path, namespace="default", delivery=ArgoCD(REPO))
    assert [finding.field for finding in found(scope) if finding.rule == "X11"] == ["delivery.name"]
    scope = environment(tmp_path, namespace="default", delivery=ArgoCD(REPO, name="models"))
    assert not found_by(scope, "X11")


def test_what_is_no_delivery_is_refused(tmp_path: Path) -> None:
    """With what would be one."""
    assert [one.text for one in found(environment(tmp_path, delivery="argocd"))] == [
        "test: delivery='argocd' but it must be an ArgoCD or a Flux or None; pass an ArgoCD or a Flux or None"
    ]
    (finding,) = found(environment(tmp_path, delivery=ArgoCD(REPO, allow="Secret")))
    assert finding.text == (
        "test: delivery.allow='Secret' but it must be a list whose items are each a string; write [\"Secret\"]"
    )


def test_a_mistake_is_told_with_the_line_of_its_argument(tmp_path: Path) -> None:
    """Also where the delivery is made on another line than the environment."""
    delivery = ArgoCD(
        REPO,
        path="/dist",
    )
    (finding,) = found(environment(tmp_path, delivery=delivery))
    line = Path(__file__).read_text().splitlines().index('        path="/dist",') + 1
    assert str(finding.source) == f"{__file__}:{line}"


def test_a_password_in_the_address_is_refused(tmp_path: Path) -> None:
    """These objects pass the same rules as all others."""
    scope = stock(tmp_path, ArgoCD("https://bot:sup3rs3cr3t-token@git.example/models"))
    assert found_by(scope, "V18")


def test_a_patch_of_these_objects_is_checked(tmp_path: Path) -> None:
    """By the schema of the controller's own definitions."""
    scope = stock(tmp_path, ArgoCD(REPO))
    scope.add_json_patch(
        "Application", {"op": "replace", "path": "/spec/syncPolicy/retry/limit", "value": 9}, name="ml-test"
    )
    assert delivered(scope)["Application/ml-test"]["spec"]["syncPolicy"]["retry"]["limit"] == 9
    scope = stock(tmp_path, ArgoCD(REPO))
    scope.add_json_patch("AppProject", {"op": "add", "path": "/spec/sourceRepo", "value": "*"})
    assert found_by(scope, "X05") == [
        "test: AppProject ml-test spec but it has no field 'sourceRepo'; did you mean 'sourceRepos'?"
    ]


@pytest.mark.parametrize(("delivery", "crd"), [(ArgoCD(REPO), Crd.ARGO_CD), (Flux(REPO), Crd.FLUX)])
def test_both_checkers_accept_these_objects(tmp_path: Path, delivery: ArgoCD | Flux, crd: Crd) -> None:
    """The one in this process, and kubeconform."""
    made = delivered(stock(tmp_path, delivery))
    assert [catalog("1.34", crd.schemas).errors(one) for one in made.values()] == [[], [], []]
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "all.yaml").write_text(yaml.safe_dump_all(made.values()))
    assert judged(tmp_path / "objects", "1.34", tmp_path / "schemas", crd.schemas) == (3, 3, 0, 0, 0)


def test_the_environment_itself_is_the_same_with_and_without_delivery(tmp_path: Path) -> None:
    """Also for cdk8s, whose chart is what goes into the cluster."""
    with_delivery, without = stock(tmp_path, ArgoCD(REPO)), stock(tmp_path, ArgoCD(REPO))
    without = environment(tmp_path)
    service(without)
    training(without)
    assert objects(with_delivery) == objects(without)
    assert cdk8s.Testing.synth(with_delivery) == cdk8s.Testing.synth(without)


def synth(root: Path, **deliveries: ArgoCD | Flux) -> Report:
    """Render an environment for each of *deliveries*, into a namespace of its own."""

    def build(name: str, delivery: ArgoCD | Flux) -> Any:
        def made(fleet: Fleet) -> None:
            service(Environment(fleet, name, cluster=CLUSTER, namespace=f"ml-{name}", delivery=delivery))

        return made

    builders = {name: build(name, delivery) for name, delivery in deliveries.items()}
    return synthesize(Request(main=root / "main.py", fleet=Fleet(builders, root=root)))


def test_they_lie_where_no_controller_takes_them_for_the_environments_own(tmp_path: Path) -> None:
    """Beside the environments, in the inventory, with the group in the name of the file."""
    synth(tmp_path, a=ArgoCD(REPO), b=Flux(REPO))
    inventory = json.loads((tmp_path / "dist/_inventory/a.json").read_text())
    listed = [one["path"] for one in inventory["files"] if one["path"].startswith("_delivery/")]
    assert listed == [
        "_delivery/a/application.argoproj.io-ml-a-delivery.yaml",
        "_delivery/a/application.argoproj.io-ml-a.yaml",
        "_delivery/a/appproject.argoproj.io-ml-a.yaml",
    ]
    assert sorted(path.name for path in (tmp_path / "dist/_delivery/b").iterdir()) == [
        "gitrepository.source.toolkit.fluxcd.io-ml-b.yaml",
        "kustomization.kustomize.toolkit.fluxcd.io-ml-b-delivery.yaml",
        "kustomization.kustomize.toolkit.fluxcd.io-ml-b.yaml",
    ]
    assert not any("argoproj" in path.name or "fluxcd" in path.name for path in (tmp_path / "dist/a").rglob("*"))


def test_one_file_is_applied_by_hand(tmp_path: Path) -> None:
    """With what makes the controller do the rest, as it is rendered for the controller; it is nobody's object twice."""
    report = synth(tmp_path, a=ArgoCD(REPO), b=Flux(REPO), c=ArgoCD(REPO, bootstrap_project=None))
    dist, made = tmp_path / "dist", {}
    for name in ("a", "b"):
        made[name] = (dist / "_bootstrap" / f"{name}.yaml").read_text()
    delivery = {name: dist / "_delivery" / name for name in made}

    assert made["a"] == (delivery["a"] / "application.argoproj.io-ml-a-delivery.yaml").read_text()
    assert made["b"] == "---\n".join(
        (delivery["b"] / f"{file}.yaml").read_text()
        for file in (
            "gitrepository.source.toolkit.fluxcd.io-ml-b",
            "kustomization.kustomize.toolkit.fluxcd.io-ml-b-delivery",
        )
    )
    assert sorted(path.name for path in (dist / "_bootstrap").iterdir()) == ["a.yaml", "b.yaml"]
    listed = json.loads((dist / "_inventory/a.json").read_text())["files"]
    assert [(one["path"], one["workload"]) for one in listed if not one["object"]] == [("_bootstrap/a.yaml", "")]
    assert report.objects == sum(len(list(dist.glob(f"{one}/**/*.yaml"))) for one in ("a", "b", "c", "_delivery"))


@pytest.mark.parametrize("destination", ["", "*", "eks-*", "http://foo bar", "https://", "eks prod"])
def test_a_destination_is_one_cluster(tmp_path: Path, destination: str) -> None:
    """An empty one would be the cluster of Argo CD itself, and a pattern several of them."""
    assert found_by(stock(tmp_path, ArgoCD(REPO, destination=destination)), "X11") == [
        (
            f"test: delivery.destination={destination!r} but it is the address of one API server, or the name of one cluster in"
            ' Argo CD; write such as "https://10.0.0.1:6443", or "https://kubernetes.default.svc" for the one that Argo CD runs in'
        )
    ]


def test_what_leaves_git_goes_last_where_no_job_runs(tmp_path: Path) -> None:
    """With a Job in the environment every sync would last as long as that."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO, prune_last=True))
    service(scope)
    policy = delivered(scope)["Application/ml-test"]["spec"]["syncPolicy"]
    assert policy["syncOptions"] == ["ServerSideApply=true", "FailOnSharedResource=true", "PruneLast=true"]
    assert found_by(scope, "G03") == []

    (told,) = found_by(stock(tmp_path, ArgoCD(REPO, prune_last=True)), "G03")
    assert re.sub(r"train-[0-9a-f]{8}", "train-HASH", told) == (
        "test: Application ml-test spec.syncPolicy.syncOptions[2]='PruneLast=true' but a sync that prunes last waits until "
        "Job train-HASH has ended; leave prune_last= away, or let what runs to an end be in another environment"
    )


def test_the_health_of_jobs_is_a_patch_for_people(tmp_path: Path) -> None:
    """No object, which would replace what else stands there; and it goes when it is not asked for any more."""
    synth(tmp_path, a=ArgoCD(REPO, health=True))
    file = tmp_path / "dist/_bootstrap/a.argocd-cm.yaml"
    assert yaml.safe_load(file.read_text()) == {"data": {"resource.customizations.health.batch_Job": OF_JOBS}}
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.argocd-cm.yaml", "a.yaml"]

    assert synth(tmp_path, a=ArgoCD(REPO)).removed == ["_bootstrap/a.argocd-cm.yaml"]


def test_a_patch_of_what_is_applied_by_hand_is_in_that_file(tmp_path: Path) -> None:
    """It is what the controller then finds in git, too."""

    def build(fleet: Fleet) -> None:
        env = Environment(fleet, "a", cluster=CLUSTER, namespace="ml-a", delivery=Flux(REPO))
        service(env)
        env.add_json_patch("GitRepository", {"op": "add", "path": "/spec/interval", "value": "5m"})

    synthesize(Request(main=tmp_path / "main.py", fleet=Fleet({"a": build}, root=tmp_path)))
    first, _ = yaml.safe_load_all((tmp_path / "dist/_bootstrap/a.yaml").read_text())
    assert (first["kind"], first["spec"]["interval"]) == ("GitRepository", "5m")


def test_a_stranger_beside_them_is_refused(tmp_path: Path) -> None:
    """The controller would apply it, in its own namespace."""
    synth(tmp_path, a=ArgoCD(REPO))
    (tmp_path / "dist/_delivery/a/extra.yaml").write_text("a: 1\n")
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, a=ArgoCD(REPO))
    assert [finding.text.partition(" but ")[0] for finding in caught.value.findings] == [
        "a: dist/_delivery/a/extra.yaml"
    ]


def test_without_delivery_the_files_go(tmp_path: Path) -> None:
    """As those of every object that is rendered no more."""
    synth(tmp_path, a=ArgoCD(REPO))
    report = synth(tmp_path, a=Flux(REPO))
    assert len([path for path in report.removed if path.startswith("_delivery/a/application.")]) == 2


def test_two_environments_in_one_argo_cd_need_two_names(tmp_path: Path) -> None:
    """One that runs elsewhere reads the objects of several clusters."""
    hub = {name: ArgoCD(REPO, destination=f"eks-{name}", name="models") for name in ("a", "b")}
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, **hub)
    assert [finding.text for finding in caught.value.findings] == [
        (
            "b: argoproj.io/v1alpha1 AppProject argocd/models but the environment a renders it and 2 more for the same Argo CD;"
            " give each delivery a name= of its own"
        )
    ]
    synth(tmp_path, **{name: ArgoCD(REPO, destination=f"eks-{name}") for name in ("a", "b")})
    inventory = json.loads((tmp_path / "dist/_inventory/a.json").read_text())
    assert [one.get("cluster") for one in inventory["files"]].count("") == 3


def fleet_of(root: Path, **deliveries: ArgoCD | Flux) -> Fleet:
    """Return environments that each live in a cluster of their own, in the same namespace."""

    def build(name: str, delivery: ArgoCD | Flux) -> Any:
        def made(fleet: Fleet) -> None:
            cluster = Cluster(f"eks-{name}", kubernetes="1.34")
            service(Environment(fleet, name, cluster=cluster, namespace="ml", delivery=delivery))

        return made

    return Fleet({name: build(name, delivery) for name, delivery in deliveries.items()}, root=root)


@pytest.mark.parametrize(("first", "second"), [("two", None), (None, "two")])
def test_an_argo_cd_for_other_clusters_may_be_that_of_an_environment(
    first: str | None, second: str | None, tmp_path: Path
) -> None:
    """It runs in some cluster, and nobody says in which: what is called the same there is one object."""
    hub = [ArgoCD(REPO) if one is None else ArgoCD(REPO, destination=one) for one in (first, second)]
    request = Request(main=tmp_path / "main.py", fleet=fleet_of(tmp_path, a=hub[0], b=hub[1]))
    with pytest.raises(SynthesisError) as caught:
        synthesize(request)
    assert [finding.text for finding in caught.value.findings] == [
        (
            "b: argoproj.io/v1alpha1 AppProject argocd/ml but the environment a renders it and 2 more for what may be the same "
            "Argo CD, since only one of the two says destination=; give each delivery a name= of its own"
        )
    ]
    renamed = fleet_of(tmp_path, a=hub[0], b=attrs.evolve(hub[1], name="ml-b"))
    synthesize(attrs.evolve(request, fleet=renamed))
    assert (tmp_path / "dist/_delivery/b/appproject.argoproj.io-ml-b.yaml").exists()


def test_each_cluster_may_have_an_argo_cd_with_the_same_names(tmp_path: Path) -> None:
    """Without destination= they are two."""
    fleet = fleet_of(tmp_path, a=ArgoCD(REPO), b=ArgoCD(REPO), c=Flux(REPO))
    synthesize(Request(main=tmp_path / "main.py", fleet=fleet))
    made = sorted(tmp_path.glob("dist/_delivery/*/appproject.argoproj.io-ml.yaml"))
    assert [path.parent.name for path in made] == ["a", "b"]


HERE, ELSEWHERE = ArgoCD(REPO), ArgoCD(REPO, destination="eks-x")
SAID = ArgoCD(REPO, destination=IN_CLUSTER)


def test_saying_that_it_is_the_cluster_of_argo_cd_changes_no_object(tmp_path: Path) -> None:
    """The address is the one that is written anyway; the inventory alone tells that somebody said so."""
    assert delivered(stock(tmp_path, SAID)) == delivered(stock(tmp_path, HERE))
    for destination, cluster in ((SAID, "eks-a"), (HERE, None)):
        synthesize(Request(main=tmp_path / "main.py", fleet=fleet_of(tmp_path, a=destination)))
        files = json.loads((tmp_path / "dist/_inventory/a.json").read_text())["files"]
        assert {one.get("cluster") for one in files if one["path"].startswith("_delivery/")} == {cluster}


def test_the_list_tells_where_each_environment_is_delivered(tmp_path: Path) -> None:
    """From which Argo CD into which cluster."""
    ways = [
        (HERE, "Argo CD in eks-test"),
        (ELSEWHERE, "Argo CD to eks-x"),
        (Flux(REPO), "Flux in eks-test"),
        (None, None),
    ]
    for delivery, way in ways:
        scope = environment(tmp_path, delivery=delivery)
        service(scope)
        assert [one["delivery"] for one in summaries(scope)] == [way]
    project = delivered(stock(tmp_path, HERE))["AppProject/ml-test"]
    assert project["spec"]["description"] == "What the environment test may bring into the cluster eks-test."
