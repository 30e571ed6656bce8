"""Fields that another controller writes: not rendered, and left alone by Argo CD and Flux."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard import ArgoCD, Cluster, Crd, Environment, Fleet, Flux, FluxPolicy, Gpu, Owned, Sweep, TrainingJob, hours
from modelyard.delivery.declared import steps
from modelyard.render.objects import gather
from modelyard.schemas import catalog, crd_schemas
from modelyard.schemas.pointers import pointer
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


def test_flux_makes_what_waits_in_a_queue_and_never_changes_it(tmp_path: Path) -> None:
    """It tries a whole Job before it ignores a field, and the API server refuses that once Kueue has placed it."""
    scope = environment(tmp_path, delivery=Flux(REPO))
    service(scope, scale=None, replicas=3)
    queued(scope)
    rendered = objects(scope)
    assert rendered["Job/train"]["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/ssa"] == "IfNotPresent"
    assert flux(scope) == {}
    assert "annotations" not in rendered["Deployment/api"]["metadata"]


def test_a_policy_goes_before_what_a_queue_needs(tmp_path: Path) -> None:
    """Flux is told what to leave alone where it changes the object."""
    paths = ["/spec/suspend", "/spec/template/spec/nodeSelector", "/spec/template/spec/tolerations"]
    scope = environment(tmp_path, delivery=Flux(REPO, policies=[FluxPolicy("Job", ssa="Merge")]))
    queued(scope)
    assert list(flux(scope).values()) == [paths]
    scope = environment(tmp_path, delivery=Flux(REPO, policies=[FluxPolicy("Job", ssa="Merge")]))
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
    policies = [FluxPolicy("JobSet", ssa="Merge")]
    scope = environment(tmp_path, cluster=WITH_CRDS, delivery=Flux(REPO, policies=policies), pod_security="privileged")
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
            (
                "owned[0].path='/metadata/name' but the API requires it, and a Deployment is known by it; name a field that"
                " it can do without"
            ),
        ),
        (
            Owned("Deployment", "/spec/replicass"),
            "owned[0].path='/spec/replicass' but Deployment has no field 'replicass'; did you mean \"/spec/replicas\"?",
        ),
        (
            Owned("Deployment", "/spec/template/spec/containerz/0/image"),
            (
                "owned[0].path='/spec/template/spec/containerz/0/image' but Deployment has no field 'containerz';"
                ' did you mean "/spec/template/spec/containers/0/image"?'
            ),
        ),
        (
            Owned("Deployment", LIMIT, name="apj"),
            "owned[0]='Deployment apj' but the environment renders no Deployment apj; did you mean api?",
        ),
        (
            Owned("DaemonSet", LIMIT),
            "owned[0]='DaemonSet' but the environment renders no DaemonSet; correct kind or name, or remove it",
        ),
        (
            Owned("Deploiment", LIMIT),
            (
                "owned[0].kind='Deploiment' but neither Kubernetes 1.34 nor Cluster(installed=...) has such a kind; write"
                ' "Deployment"'
            ),
        ),
        (
            Owned("apps/v1 Deployment", LIMIT),
            (
                "owned[0].kind='apps/v1 Deployment' but neither Kubernetes 1.34 nor Cluster(installed=...) has such a kind;"
                ' write "Deployment"'
            ),
        ),
        (
            Owned("Workspace", LIMIT),
            (
                "owned[0].kind='Workspace' but neither Kubernetes 1.34 nor Cluster(installed=...) has such a kind; write the"
                " kind alone, as it stands in the object"
            ),
        ),
        (
            Owned("Deployment", ".spec.template.spec.containers[0].image"),
            (
                "owned[0].path='.spec.template.spec.containers[0].image' but a field is a JSON pointer, which starts with"
                ' "/" and has a name behind each "/"; write "/spec/template/spec/containers/0/image"'
            ),
        ),
        (
            Owned("Deployment", "/metadata/annotations/a~b"),
            (
                'owned[0].path=\'/metadata/annotations/a~b\' but a JSON pointer writes "~" as "~0", and "/" within a key'
                ' as "~1"; write one of these'
            ),
        ),
        (
            Owned("Deployment", "/metadata/annotations"),
            (
                "owned[0].path='/metadata/annotations' but it holds what modelyard and controllers know a Deployment by; name"
                ' one key, such as "/metadata/annotations/example.com~1team"'
            ),
        ),
        (
            Owned("Deployment", "/metadata/uid"),
            (
                "owned[0].path='/metadata/uid' but the API server alone writes it, and no controller compares it; leave this"
                " Owned away"
            ),
        ),
        (
            Owned("Deployment", "/spec/template/spec/containers/name=model/image"),
            (
                "owned[0].path='/spec/template/spec/containers/name=model/image' but Deployment has a list there, whose"
                " entries are known by their position, not by 'name=model'; write"
                ' "/spec/template/spec/containers/0/image"'
            ),
        ),
        (
            Owned("Deployment", "/spec/template/spec/volumes/-"),
            (
                "owned[0].path='/spec/template/spec/volumes/-' but Deployment has a list there, whose entries are known by"
                " their position, not by '-'; write \"/spec/template/spec/volumes/0\""
            ),
        ),
        (
            Owned("Deployment", "/spec/template/spec/containers/1/image"),
            (
                "owned[0].path='/spec/template/spec/containers/1/image' but Deployment has 1 entry there, counted from 0;"
                ' write "/spec/template/spec/containers/0/image", or which you mean'
            ),
        ),
        (
            Owned("Deployment", "/spec/template/spec/containers/0"),
            (
                "owned[0].path='/spec/template/spec/containers/0' but Deployment has an entry of a list there, and without it"
                " those behind it would take its place; name the list, or a field of the entry, or take the entry out with"
                " add_json_patch"
            ),
        ),
        (
            Owned("Deployment", "/spec/replicas/least"),
            (
                "owned[0].path='/spec/replicas/least' but Deployment has an integer at \"/spec/replicas\", which has no parts;"
                ' write "/spec/replicas"'
            ),
        ),
        (
            Owned("Deployment", "/spec/strategy/rollingUpdate/maxSurge/value"),
            (
                "owned[0].path='/spec/strategy/rollingUpdate/maxSurge/value' but Deployment has an integer or a string at"
                ' "/spec/strategy/rollingUpdate/maxSurge", which has no parts; write "/spec/strategy/rollingUpdate/maxSurge"'
            ),
        ),
        (
            Owned("Deployment", "/metadata/annotations/example.com/checked"),
            (
                "owned[0].path='/metadata/annotations/example.com/checked' but Deployment has a string at"
                ' "/metadata/annotations/example.com", which has no parts; write "/" within a key as "~1":'
                ' "/metadata/annotations/example.com~1checked"'
            ),
        ),
    ],
)
def test_a_declaration_that_cannot_work(tmp_path: Path, owned: Owned, expected: str) -> None:
    """Neither does one that changes nothing stay unnoticed."""
    scope = environment(tmp_path, owned=[owned])
    service(scope)
    assert found_by(scope, "X11") == [f"test: {expected}"]


@pytest.mark.parametrize(
    ("kind", "path", "why"),
    [
        ("Deployment", "/spec/selector", "the schema of Deployment requires it"),
        ("Deployment", "/spec/template", "the schema of Deployment requires it"),
        ("Deployment", "/spec/template/spec", "the schema of Deployment requires fields in it"),
        ("Deployment", "/spec/template/spec/containers/0/name", "the schema of Deployment requires it"),
        ("HorizontalPodAutoscaler", "/spec/maxReplicas", "the schema of HorizontalPodAutoscaler requires it"),
    ],
)
def test_a_field_that_the_object_needs_cannot_be_somebody_elses(tmp_path: Path, kind: str, path: str, why: str) -> None:
    """One error, which names the declaration, and none about the object without the field."""
    scope = environment(tmp_path, owned=[Owned(kind, path)])
    service(scope)
    assert [one.text for one in gather(scope).findings] == [
        (
            f"test: owned[0].path='{path}' but {why}, and it would be left out of {kind} api; remove this Owned, or name a"
            " field that the object can do without"
        )
    ]


@pytest.mark.parametrize("path", ["/apiVersion", "/kind", "/metadata", "/metadata/name", "/metadata/namespace"])
def test_what_an_object_is_known_by_is_nobody_elses(tmp_path: Path, path: str) -> None:
    """Whatever is rendered."""
    scope = environment(tmp_path, owned=[Owned("Service", path)])
    service(scope)
    assert [one.text for one in gather(scope).findings] == [
        (
            f"test: owned[0].path='{path}' but the API requires it, and a Service is known by it; name a field that it can do"
            " without"
        )
    ]


def test_the_spec_of_an_object_is_nobody_elses(tmp_path: Path) -> None:
    """The published schemas call it optional, and the API server refuses most objects without it."""
    scope = environment(tmp_path, owned=[Owned("Service", "/spec")])
    service(scope)
    assert [one.text for one in gather(scope).findings] == [
        (
            "test: owned[0].path='/spec' but the API requires it, since a Service says there what it is to be; name a field"
            " below it"
        )
    ]


def test_a_field_of_a_definition_that_the_object_needs(tmp_path: Path) -> None:
    """As that of a custom resource tells, in a list too."""
    owned = [Owned("ScaledObject", "/spec/triggers/0/type")]
    scope = environment(tmp_path, cluster=WITH_CRDS, owned=owned, accept=dict.fromkeys(("P01", "P25"), "an example"))
    raw(scope, SCALED_OBJECT)
    raw(scope, DEPLOYMENT)
    assert found_by(scope, "X05") == []
    assert found_by(scope, "X11") == [
        (
            "test: owned[0].path='/spec/triggers/0/type' but the schema of ScaledObject requires it, and it would be left out"
            " of ScaledObject web; remove this Owned, or name a field that the object can do without"
        )
    ]


def test_what_keeps_an_object_is_nobody_elses(tmp_path: Path) -> None:
    """Without these annotations Argo CD would delete a Job that runs."""
    path = "/metadata/annotations/argocd.argoproj.io~1sync-options"
    scope = environment(tmp_path, owned=[Owned("Job", path)])
    training(scope)
    assert [one.text for one in gather(scope).findings] == [
        (
            "test: owned[0].path='/metadata/annotations/argocd.argoproj.io~1sync-options' but it tells modelyard, Argo CD or"
            " Flux how the object is kept, and it would be left out of Job train; remove this Owned, or name a field that the"
            " object can do without"
        )
    ]


OWNED = """
from modelyard import Environment, Owned
from tests.support import CLUSTER, service


def build(fleet):
    owned = [
        Owned("Deployment", "/spec/revisionHistoryLimit"),
        Owned("Deployment", "{}"),
    ]
    env = Environment(fleet, "test", cluster=CLUSTER, namespace="ml-test", owned=owned)
    service(env)
"""


def told(root: Path, path: str) -> list[str]:
    """Return what is found in an environment written in a file of its own, where a field at *path* is owned."""
    file = root / "owning.py"
    text = OWNED.replace("{}", path)
    file.write_text(text)
    scope: dict[str, Any] = {}
    exec(compile(text, str(file), "exec"), scope)  # noqa: S102 # so that its lines are those of the file
    fleet = Fleet(root=root)
    scope["build"](fleet)
    return [str(one) for one in gather(fleet.made["test"]).findings]


def test_it_is_told_at_the_line_of_the_declaration(tmp_path: Path) -> None:
    """Not at that of the workload, which says the field."""
    (text,) = told(tmp_path, "/spec/selector")
    assert text.startswith("owning.py:9: error[X11] test: owned[1].path='/spec/selector' but the schema of Deployment")


def test_so_is_what_a_rule_finds_since_the_field_is_left_out(tmp_path: Path) -> None:
    """And it says which declaration to remove; what others find is told as ever."""
    (text,) = told(tmp_path, "/spec/template/spec/containers/0/image")
    assert text == (
        "owning.py:9: error[P02] test/api: Deployment api spec.template.spec.containers[0].image but a container runs an"
        ' image; write a reference such as "ghcr.io/acme/model:1.4.2", or remove owned[1], which leaves'
        " /spec/template/spec/containers/0/image out"
    )
    assert told(tmp_path, "/spec/minReadySeconds") == []


LEGAL = [
    ("Deployment", "/metadata/annotations/example.com~1checked-by"),
    ("Deployment", "/metadata/annotations/tilde~0key"),
    ("Deployment", "/metadata/labels/team"),
    ("Deployment", "/metadata/finalizers"),
    ("Deployment", "/metadata/finalizers/0"),
    ("Deployment", "/spec/strategy/rollingUpdate/maxSurge"),
    ("Deployment", "/spec/template/spec/nodeSelector"),
    ("Deployment", "/spec/template/spec/nodeSelector/example.com~1pool"),
    ("Deployment", "/spec/template/spec/containers/1"),
    ("Deployment", "/spec/template/spec/initContainers/0/image"),
    ("Deployment", "/spec/template/spec/containers/0/resources/limits/example.com~1device"),
    ("Deployment", "/status/conditions/0/lastTransitionTime"),
    ("Service", "/spec/ports/0/nodePort"),
    ("Service", "/spec/clusterIP"),
    ("HorizontalPodAutoscaler", "/spec/minReplicas"),
]


@pytest.mark.parametrize(("kind", "path"), LEGAL)
def test_a_field_that_an_object_may_have(tmp_path: Path, kind: str, path: str) -> None:
    """Free keys with what has to be written otherwise, numbers or strings, entries that others add."""
    scope = environment(tmp_path, delivery=Flux(REPO), owned=[Owned(kind, path)])
    service(scope)
    assert [one.text for one in gather(scope).findings] == []
    assert path in flux(scope)[f"{kind}/api"]


def test_what_a_definition_leaves_open_may_be_anything() -> None:
    """x-kubernetes-preserve-unknown-fields."""
    free = {**DEPLOYMENT, "apiVersion": "example.com/v1", "kind": "Free", "spec": {"any": {"thing": [1]}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Free"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                "closed": {
                                    "type": "object",
                                    "properties": {"size": {"x-kubernetes-int-or-string": True}},
                                },
                            },
                        }
                    },
                }
            ],
        },
    }
    schemas = catalog("1.34", tuple(crd_schemas(definition)))
    assert schemas.astray(free, ["spec", "any", "other", "0"]) is None
    assert schemas.astray(free, ["closed", "size"]) is None
    assert schemas.astray(free, ["closed", "sise"]) == ("has no field 'sise'", 'did you mean "/closed/size"?')
    assert schemas.astray(free, ["closed", "size", "unit"]) == (
        'has an integer or a string at "/closed/size", which has no parts',
        'write "/closed/size"',
    )
    assert schemas.astray(free, ["spec", "any", "thing", "x"]) == (
        "has a list there, whose entries are known by their position, not by 'x'",
        'write "/spec/any/thing/0"',
    )


def test_a_kind_of_two_projects_has_the_fields_of_both(tmp_path: Path) -> None:
    """A Job of Volcano beside a Job of Kubernetes: a declaration without a name is about each that has the field."""
    cluster = Cluster("eks-test", kubernetes="1.34", accelerators=CLUSTER.accelerators, installed=[Crd.VOLCANO])
    scope = environment(tmp_path, cluster=cluster, owned=[Owned("Job", "/spec/suspend")])
    training(scope)
    training_of = TrainingJob(
        scope, "wide", image=IMAGE, command=["torchrun", "train.py"], gpu=Gpu("l4", 2), nodes=2, deadline=hours(6)
    )
    assert training_of.summary()["runs_as"] == "VolcanoJob"
    assert found_by(scope, "X11") == []


def places(node: object, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to each part of *node*."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(node, dict):
        inner = list(node.items())
    elif isinstance(node, list):
        inner = list(enumerate(node))
    for step, value in inner:
        yield (*way, step)
        yield from places(value, (*way, step))


def test_every_field_of_the_example_fleet_is_one_that_its_kind_has() -> None:
    """No pointer to what is there is ever refused for a field that is not, however its keys are written."""
    schemas = catalog("1.34", tuple(schema for crd in (Crd.ARGO_CD, Crd.FLUX, Crd.KEDA) for schema in crd.schemas))
    seen = 0
    for file in sorted((Path(__file__).parents[1] / "dist").rglob("*.yaml")):
        for manifest in yaml.safe_load_all(file.read_text()):
            assert schemas.kind(manifest["apiVersion"], manifest["kind"]) is not None
            for way in places(manifest):
                read = steps(pointer(way))
                assert read == [str(step) for step in way]
                assert schemas.astray(manifest, read) is None, (file, way)
                seen += 1
    assert seen > 1000
