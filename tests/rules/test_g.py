"""G: delivery by Argo CD and Flux, each rule with what breaks it, in its exact words, and what is right."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard import ArgoCD, ArgoHook, Crd, Environment, Fleet, Flux, Job, SynthesisError
from modelyard.render.engine import Report, Request, synthesize
from tests.rules import manifests
from tests.rules.judge import judged
from tests.support import (
    CLUSTER,
    cluster_with,
    delivered,
    environment,
    found,
    found_by,
    objects,
    raw,
    service,
    training,
)

REPO = "https://git.example/acme/models"
CASES: list[Any] = []
JOB = manifests.job()
CLAIM: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Ti"}}},
}
APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "models", "namespace": "argocd"},
    "spec": {
        "project": "models",
        "source": {"repoURL": REPO, "path": "dist/test"},
        "destination": {"namespace": "ml-test"},
        "syncPolicy": {"automated": {"prune": True}, "retry": {"limit": 5}},
    },
}
KUSTOMIZATION: dict[str, Any] = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "models", "namespace": "flux-system"},
    "spec": {
        "interval": "10m",
        "prune": True,
        "deletionPolicy": "Orphan",
        "sourceRef": {"kind": "GitRepository", "name": "models"},
    },
}
NAMESPACE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "ml-test", "annotations": {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}},
}
OPTIONS = "argocd.argoproj.io/sync-options"
AT_OPTIONS = "metadata.annotations['argocd.argoproj.io/sync-options']"


def annotated(manifest: Mapping[str, Any], **found: str) -> dict[str, Any]:
    """Return *manifest* with annotations of Argo CD, underscores for hyphens."""
    changed = copy.deepcopy(dict(manifest))
    changed["metadata"]["annotations"] = {
        f"argocd.argoproj.io/{key.replace('_', '-')}": text for key, text in found.items()
    }
    return changed


def by_flux(manifest: Mapping[str, Any], **found: str) -> dict[str, Any]:
    """Return *manifest* with annotations of Flux."""
    changed = copy.deepcopy(dict(manifest))
    changed["metadata"]["annotations"] = {f"kustomize.toolkit.fluxcd.io/{key}": text for key, text in found.items()}
    return changed


def application(**policy: Any) -> dict[str, Any]:
    """Return an Application with *policy* in its syncPolicy."""
    changed = copy.deepcopy(APPLICATION)
    changed["spec"]["syncPolicy"].update(policy)
    return changed


def kustomization(**spec: Any) -> dict[str, Any]:
    """Return a Kustomization with *spec*."""
    changed = copy.deepcopy(KUSTOMIZATION)
    changed["spec"].update(spec)
    return changed


def case(name: str, *given: Mapping[str, Any], finds: Mapping[str, str] | None = None) -> None:
    """Keep one case: what the manifests *given* are found to break, rule to text."""
    CASES.append(pytest.param(given, list((finds or {}).items()), id=name))


HOOKED = "Job train metadata.annotations['argocd.argoproj.io/hook']"
WAVED = "metadata.annotations['argocd.argoproj.io/sync-wave']"
ONCE = "remove the annotation: a TrainingJob runs once for each content, because its name carries a hash of it"
ANY_ORDER = "remove it: Kubernetes brings objects of one sync together in any order"
NEW_NAME = "remove it, and give what must not change a new name instead"

ENDING = {**JOB, "spec": {**JOB["spec"], "activeDeadlineSeconds": 600}}
case(
    "hook", annotated(ENDING, hook="PostSync"),
    finds={"G01": f"test: {HOOKED}='PostSync' but Argo CD runs a hook at every sync, and never syncs a change of it alone; {ONCE}"},
)  # fmt: skip
case(
    "hook of Helm", {**JOB, "metadata": {"name": "train", "annotations": {"helm.sh/hook": "pre-install"}}},
    finds={
        "G01": "test: Job train metadata.annotations['helm.sh/hook']='pre-install' but Argo CD runs a hook at every sync, "
        f"and never syncs a change of it alone; {ONCE}"
    },
)  # fmt: skip
case(
    "hook that is suspended", annotated({**ENDING, "spec": {**ENDING["spec"], "suspend": True}}, hook="Sync"),
    finds={
        "G01": f"test: {HOOKED}='Sync' but Argo CD runs a hook at every sync, and never syncs a change of it alone; {ONCE}",
        "G02": f"test: {HOOKED}='Sync' but it is suspended, and the sync waits with it; remove the hook or the wave",
    },
)  # fmt: skip
case(
    "hook that nothing ends", annotated(JOB, hook="SyncFail"),
    finds={
        "G01": f"test: {HOOKED}='SyncFail' but Argo CD runs a hook at every sync, and never syncs a change of it alone; {ONCE}",
        "G15": "test: Job train spec.activeDeadlineSeconds but it is a hook (SyncFail), and the sync waits until it ends; "
        "write activeDeadlineSeconds: the longest that a sync may wait",
    },
)  # fmt: skip
OTHER = {**JOB, "metadata": {"name": "other"}}
APART = "remove the hook, or let the two be in environments of their own"
case(
    "hook beside a Job", annotated(ENDING, hook="PostSync"), OTHER,
    finds={
        "G01": f"test: {HOOKED}='PostSync' but Argo CD runs a hook at every sync, and never syncs a change of it alone; {ONCE}",
        "G03": f"test: {HOOKED}='PostSync' but Job other is no hook, and a sync of several steps waits until it has ended, "
        f"and fails once it has failed; {APART}",
    },
)  # fmt: skip
POLICY = {
    "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    "metadata": {"name": "train", "annotations": {"modelyard.dev/hook": "01234567"}},
    "spec": {"podSelector": {"matchLabels": {"app": "train"}}, "policyTypes": ["Egress"]},
}  # fmt: skip
case("hook whose change is seen", annotated(ENDING, hook="PostSync"), POLICY)
QUEUED = annotated(JOB, sync_wave="-1")
QUEUED["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "research"}
case(
    "wave in a queue", QUEUED,
    finds={
        "G02": f"test: Job train {WAVED}='-1' but it waits in the queue research, and the sync waits with it; remove the "
        "hook or the wave",
        "G03": f"test: Job train {WAVED}='-1' but a sync of several steps waits until Job train has ended; {ANY_ORDER}",
    },
)  # fmt: skip
case(
    "wave beside a Job", JOB, annotated(manifests.config_map(a="b"), sync_wave="1"),
    finds={"G03": f"test: ConfigMap settings {WAVED}='1' but a sync of several steps waits until Job train has ended; {ANY_ORDER}"},
)  # fmt: skip
case(
    "pruned last beside a Job", JOB, annotated(manifests.config_map(a="b"), sync_options="PruneLast=true"),
    finds={
        "G03": f"test: ConfigMap settings {AT_OPTIONS}='PruneLast=true' but a sync that prunes last waits until Job train "
        f"has ended; {ANY_ORDER}"
    },
)  # fmt: skip
case(
    "forced", annotated(JOB, sync_options="Force=true, Replace=true"),
    finds={
        "G04": f"test: Job train {AT_OPTIONS}='Force=true' but Argo CD may delete the Job to change it; {NEW_NAME}",
    },
)  # fmt: skip
case(
    "forced by Flux", by_flux(JOB, force="Enabled"),
    finds={
        "G04": "test: Job train metadata.annotations['kustomize.toolkit.fluxcd.io/force']='Enabled' but Flux deletes the Job "
        f"when a change of it is refused; {NEW_NAME}"
    },
)  # fmt: skip
case(
    "claim without protection", CLAIM,
    finds={
        "G05": "test: PersistentVolumeClaim data metadata.annotations but Argo CD or Flux would delete it with its manifest, "
        'and the data on its volume with it; annotate it with "argocd.argoproj.io/sync-options": '
        '"Prune=false,Delete=false" and "kustomize.toolkit.fluxcd.io/prune": "disabled"'
    },
)  # fmt: skip
case(
    "misspelt option", annotated(NAMESPACE, sync_options="Prune=False,Delete=false"),
    finds={
        "G05": "test: Namespace ml-test metadata.annotations but Argo CD or Flux would delete it with its manifest, and "
        'everything in it with it; annotate it with "argocd.argoproj.io/sync-options": "Prune=false,Delete=false" and '
        '"kustomize.toolkit.fluxcd.io/prune": "disabled"',
        "G06": f"test: Namespace ml-test {AT_OPTIONS}='Prune=False' but Argo CD does not know this word, and passes over it; "
        "did you mean Prune=false?",
    },
)  # fmt: skip
case(
    "misspelt word of Flux", by_flux(JOB, ssa="IfNotPresnt"),
    finds={
        "G06": "test: Job train metadata.annotations['kustomize.toolkit.fluxcd.io/ssa']='IfNotPresnt' but Flux does not know "
        "this word, and passes over it; did you mean IfNotPresent?"
    },
)  # fmt: skip
case(
    "word that is like no other", by_flux(JOB, prune="never"),
    finds={
        "G06": "test: Job train metadata.annotations['kustomize.toolkit.fluxcd.io/prune']='never' but Flux does not know "
        "this word, and passes over it; it knows enabled, disabled"
    },
)  # fmt: skip
case(
    "misspelt annotation", annotated(JOB, sync_option="Prune=false"),
    finds={
        "G06": "test: Job train metadata.annotations['argocd.argoproj.io/sync-option']='Prune=false' but Argo CD reads no "
        "annotation of this name; did you mean sync-options?"
    },
)  # fmt: skip
case(
    "wave in words", annotated(manifests.config_map(a="b"), sync_wave="first"),
    finds={
        "G06": f"test: ConfigMap settings {WAVED}='first' but a wave is a whole number; write a number, such as \"1\""
    },
)  # fmt: skip
case(
    "ignore rule without target", kustomization(ignore=[{"paths": ["/spec/replicas"]}]),
    finds={
        "G07": "test: Kustomization models spec.ignore[0] but it has no target, and holds for every object; add target: with "
        "kind and name"
    },
)  # fmt: skip
case(
    "Kustomization that takes all with it", kustomization(deletionPolicy="Delete"),
    finds={
        "G08": "test: Kustomization models spec.deletionPolicy='Delete' but whoever deletes the Kustomization, also by "
        "renaming it, deletes everything that it applied; write deletionPolicy: Orphan"
    },
)  # fmt: skip
case(
    "Kustomization with force", kustomization(force=True),
    finds={"G04": "test: Kustomization models spec.force=True but Flux deletes any object of which a change is refused; remove it"},
)  # fmt: skip
FINAL = copy.deepcopy(APPLICATION)
FINAL["metadata"]["finalizers"] = ["resources-finalizer.argocd.argoproj.io"]
REMOVED = "remove it, and delete workloads by removing their manifests"
case(
    "Application that takes all with it", FINAL,
    finds={
        "G08": "test: Application models metadata.finalizers[0]='resources-finalizer.argocd.argoproj.io' but whoever deletes "
        f"the Application, also by renaming it, deletes everything that it synced; {REMOVED}"
    },
)  # fmt: skip
case(
    "Application that may be empty", application(automated={"allowEmpty": True}),
    finds={
        "G08": "test: Application models spec.syncPolicy.automated.allowEmpty=True but a folder that is empty by mistake "
        f"would delete everything; {REMOVED}"
    },
)  # fmt: skip
case(
    "Application with force", application(syncOptions=["Replace=true"]),
    finds={
        "G04": "test: Application models spec.syncPolicy.syncOptions[0]='Replace=true' but Argo CD may delete any object to "
        "change it; remove it"
    },
)  # fmt: skip
case(
    "Application that prunes last", application(syncOptions=["PruneLast=true"]),
    finds={
        "G03": "test: Application models spec.syncPolicy.syncOptions[0]='PruneLast=true' but a sync that prunes last waits "
        "until every Job has ended; remove it"
    },
)  # fmt: skip
OWN_LABELS = "remove it: the environment renders its Namespace, with its labels"
case(
    "Application that makes the Namespace", NAMESPACE, application(syncOptions=["CreateNamespace=true"]),
    finds={
        "G09": "test: Application models spec.syncPolicy.syncOptions[0]='CreateNamespace=true' but the Namespace ml-test is "
        f"rendered here; {OWN_LABELS}"
    },
)  # fmt: skip
case(
    "Application that labels the Namespace", NAMESPACE, application(managedNamespaceMetadata={"labels": {"a": "b"}}),
    finds={
        "G09": "test: Application models spec.syncPolicy.managedNamespaceMetadata but the Namespace ml-test is rendered here, "
        f"and its own labels win; {OWN_LABELS}"
    },
)  # fmt: skip
case(
    "Application that tries once", application(retry={}),
    finds={
        "G10": "test: Application models spec.syncPolicy.retry.limit but Argo CD then tries a commit once, whatever the "
        "failure was; write a limit, or leave retry away"
    },
)  # fmt: skip
MOVED = manifests.deployment()
MOVED["spec"]["selector"]["matchLabels"] = {"cdk8s.io/metadata.addr": "prod-web-c83f5e59"}
MOVED["spec"]["template"]["metadata"]["labels"] = {"cdk8s.io/metadata.addr": "prod-web-c83f5e59"}
case(
    "selector of cdk8s-plus", MOVED,
    finds={
        "G12": "test: Deployment web spec.selector.matchLabels['cdk8s.io/metadata.addr']='prod-web-c83f5e59' but it is made "
        "from the construct's place in the tree, and a selector can never be changed; select by a label of your own: "
        "select=False, and then select(...) by a label such as app"
    },
)  # fmt: skip

SILENT = application()
del SILENT["spec"]["syncPolicy"]["retry"]
case("plain Job", JOB)
case("wave of zero", JOB, annotated(manifests.config_map(a="b"), sync_wave="0"))
case("wave without Jobs", annotated(manifests.config_map(a="b"), sync_wave="-5"))
case("pruned last without Jobs", annotated(manifests.config_map(a="b"), sync_options="PruneLast=true"))
case("claim that Argo CD keeps", annotated(CLAIM, sync_options="Prune=confirm,Delete=confirm"))
case("claim that Flux keeps", by_flux(CLAIM, prune="Disabled"))
case("everything that is known", annotated(
    manifests.config_map(a="b"), sync_options="Validate=false,ServerSideApply=false", tracking_id="a", refresh="hard",
    compare_options="IgnoreExtraneous,ServerSideDiff=true",
))  # fmt: skip
case("Application", NAMESPACE, APPLICATION)
case("Application that says nothing of retries, and gets five", SILENT)
case("Application by hand", application(automated=None, retry={}))
case("Application elsewhere", application(syncOptions=["CreateNamespace=true"]))
case("another Application", {**APPLICATION, "apiVersion": "app.k8s.io/v1beta1", "spec": {}})
case("Kustomization", kustomization(ignore=[{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]))
case("Kustomization that prunes nothing", kustomization(prune=False, deletionPolicy="MirrorPrune"))
case(
    "another Kustomization", {**KUSTOMIZATION, "apiVersion": "kustomize.config.k8s.io/v1beta1", "spec": {"force": True}}
)
case("selector by a label", manifests.deployment())
SUSPENDED = {"schedule": "30 3 * * *", "suspend": True, "jobTemplate": {"spec": JOB["spec"]}}
case(
    "CronJob that is suspended",
    annotated({**manifests.job("nightly"), "kind": "CronJob", "spec": SUSPENDED}, sync_wave="1"),
)  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_the_rule(given: tuple[Mapping[str, Any], ...], expected: list[tuple[str, str]]) -> None:
    """Each case has the findings that it says, word for word, and no other of this family."""
    told = dict(reversed(judged("G", *given)))
    assert sorted(told.items()) == sorted(expected)


@pytest.mark.parametrize("rule", ["G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G12"])
@pytest.mark.parametrize("delivery", [ArgoCD(REPO), Flux(REPO)])
def test_what_modelyard_renders_keeps_the_rule(tmp_path: Path, rule: str, delivery: ArgoCD | Flux) -> None:
    """Workloads, the Namespace, a claim, and the objects of both controllers."""
    scope = environment(tmp_path, delivery=delivery)
    service(scope)
    training(scope)
    assert found_by(scope, rule) == []


@pytest.mark.parametrize("rule", ["G01", "G03", "G15"])
def test_a_training_that_is_a_hook_keeps_the_rule(tmp_path: Path, rule: str) -> None:
    """Beside a service, whose rollout it waits for."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope)
    training(scope, hook=ArgoHook())
    assert found_by(scope, rule) == []


@pytest.mark.parametrize(
    ("delivery", "who", "annotation"),
    [
        (ArgoCD(REPO), "Argo CD", '"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"'),
        (Flux(REPO), "Flux", '"kustomize.toolkit.fluxcd.io/prune": "disabled"'),
    ],
)
def test_g05_asks_for_what_the_environments_own_controller_reads(
    tmp_path: Path, delivery: ArgoCD | Flux, who: str, annotation: str
) -> None:
    """The other one's annotation does not help."""
    scope = environment(tmp_path, delivery=delivery)
    raw(
        scope,
        by_flux(CLAIM, prune="disabled")
        if who == "Argo CD"
        else annotated(CLAIM, sync_options="Prune=false,Delete=false"),
    )
    assert found_by(scope, "G05") == [
        (
            f"test: PersistentVolumeClaim data metadata.annotations but {who} would delete it with its manifest, and the data on"
            f" its volume with it; annotate it with {annotation}"
        )
    ]


def test_g05_can_be_accepted(tmp_path: Path) -> None:
    """A claim for scratch data may well go."""
    scope = environment(tmp_path, accept={"G05": "scratch space, filled anew by every run"})
    raw(scope, CLAIM)
    assert [one.rule for one in found(scope)] == []


def synth(root: Path, *foreign: Mapping[str, Any], **options: Any) -> Report:
    """Render an environment with the *foreign* objects, delivered by Argo CD."""

    def build(fleet: Fleet) -> None:
        delivery = ArgoCD(REPO, **options)
        scope = Environment(fleet, "test", cluster=CLUSTER, namespace="ml-test", delivery=delivery)
        service(scope)
        for one in foreign:
            raw(scope, one)

    return synthesize(Request(main=root / "main.py", fleet=Fleet({"test": build}, root=root)))


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus"}, "spec": {"hard": {"pods": "9"}}}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ([QUOTA], [], "ResourceQuota"),
        ([{**ROLE, "metadata": {"name": name}} for name in "ab"], [{**ROLE, "metadata": {"name": "a"}}], "rbac.authorization.k8s.io/ClusterRole"),
    ],
)  # fmt: skip
def test_g11_the_last_of_a_kind_stays_allowed_until_it_is_deleted(
    tmp_path: Path, before: list[Any], after: list[Any], kind: str
) -> None:
    """Argo CD would not see it any more, and never delete it."""
    synth(tmp_path, *before)
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, *after)
    assert [finding.text for finding in caught.value.findings] == [
        (
            f"test: delivery.allow='{kind}' but nothing of it is rendered any more, and Argo CD does not delete what its project"
            f' does not allow; write allow=["{kind}"] until it is deleted'
        )
    ]
    assert len(synth(tmp_path, *after, allow=[kind]).removed) == 1
    assert synth(tmp_path, *after).changed == [
        "_delivery/test/appproject.argoproj.io-ml-test.yaml",
        "_inventory/test.json",
    ]


def test_g11_former_runs_are_no_reason(tmp_path: Path) -> None:
    """Argo CD would not delete them anyway, so a commit that has nothing to do with them is not refused."""

    def rendered(**options: Any) -> Report:
        def build(fleet: Fleet) -> None:
            site = cluster_with(installed=[Crd.JOBSET])
            scope = Environment(fleet, "test", cluster=site, namespace="ml-test", delivery=ArgoCD(REPO))
            training(scope, nodes=2, keep_runs=1, accept={"J18": "a test"}, **options)

        return synthesize(Request(main=tmp_path / "main.py", fleet=Fleet({"test": build}, root=tmp_path)))

    rendered()
    rendered(backend=Job())
    assert any("jobset" in path for path in rendered(backend=Job(), cpu=2).removed)
    project = (tmp_path / "dist/_delivery/test/appproject.argoproj.io-ml-test.yaml").read_text()
    assert "JobSet" not in project


def test_g11_the_own_kinds_stay_allowed(tmp_path: Path) -> None:
    """So the last service of an environment can go like any other."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    training(scope)
    allowed = delivered(scope)["AppProject/ml-test"]["spec"]["namespaceResourceWhitelist"]
    assert {"group": "apps", "kind": "Deployment"} in allowed
    assert "Deployment/api" not in objects(scope)
