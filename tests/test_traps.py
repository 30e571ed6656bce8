"""Nineteen traps of GitOps, by the numbers that docs/gitops.md gives them: what is unsafe, and what happens here."""

from __future__ import annotations

import copy
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelyard import ArgoCD, ArgoHook, Claim, ConfigFiles, CpuScale, Environment, Fleet, Flux, SynthesisError
from modelyard.render.engine import Request, synthesize
from modelyard.rules import changes
from tests.rules import manifests
from tests.rules.judge import judged
from tests.support import CLUSTER, IMAGE, delivered, environment, found, found_by, objects, raw, service, training

REPO = "https://git.example/acme/models"
SYNC = "argocd.argoproj.io/sync-options"
FLUX_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "gitops.md"


def patched(root: Path, kind: str, path: str, value: object, **options: Any) -> Environment:
    """Return the stock environment, one object of it made unsafe by a patch."""
    scope = environment(root, **options)
    workload = training(scope) if kind == "Job" else service(scope)
    workload.add_json_patch(kind, {"op": "add", "path": path, "value": value})
    return scope


def annotated(manifest: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """Return *manifest* with annotations of Argo CD."""
    changed = copy.deepcopy(manifest)
    changed["metadata"]["annotations"] = {
        f"argocd.argoproj.io/{key.replace('_', '-')}": text for key, text in annotations.items()
    }
    return changed


def both(root: Path, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the specs of the Application and of the Kustomization of one environment."""
    specs = []
    for delivery, kind in ((ArgoCD(REPO), "Application"), (Flux(REPO), "Kustomization")):
        scope = environment(root, delivery=delivery)
        service(scope, **options)
        specs.append(delivered(scope)[f"{kind}/ml-test"]["spec"])
    return specs[0], specs[1]


def test_t01_replicas_beside_an_autoscaler(tmp_path: Path) -> None:
    """They are not rendered, cannot be patched in, and both controllers leave the live number alone."""
    scope = environment(tmp_path)
    service(scope, scale=CpuScale(min=2, max=4))
    assert "replicas" not in objects(scope)["Deployment/api"]["spec"]
    assert found_by(patched(tmp_path, "Deployment", "/spec/replicas", 3), "A12")
    application, kustomization = both(tmp_path)
    assert application["ignoreDifferences"][0]["jsonPointers"] == ["/spec/replicas"]
    assert kustomization["ignore"][0]["paths"] == ["/spec/replicas"]


def test_t02_a_job_that_changes(tmp_path: Path) -> None:
    """A changed template is a Job of another name, since the API server refuses the change of one."""
    names = set()
    for image in (IMAGE, IMAGE.replace("1.4.2", "1.4.3")):
        scope = environment(tmp_path)
        training(scope, image=image)
        names.add(objects(scope)["Job/train"]["metadata"]["name"])
    assert len(names) == 2
    assert all(re.fullmatch("train-[0-9a-f]{8}", name) for name in names)
    changed = {**manifests.job(), "spec": {**manifests.job()["spec"], "completionMode": "Indexed"}}
    assert [one.rule for one in changes(manifests.job(), changed)] == ["G14"]


def test_t03_a_job_that_is_replaced_by_force(tmp_path: Path) -> None:
    """It would run again with every sync."""
    scope = environment(tmp_path)
    raw(scope, annotated(manifests.job(), sync_options="Force=true,Replace=true"))
    assert len(found_by(scope, "G04")) == 2


def test_t04_a_job_that_is_deleted_when_it_is_done(tmp_path: Path) -> None:
    """Git still has it, so it would be made and run again."""
    assert found_by(patched(tmp_path, "Job", "/spec/ttlSecondsAfterFinished", 600), "J21")
    scope = environment(tmp_path)
    training(scope)
    assert "ttlSecondsAfterFinished" not in objects(scope)["Job/train"]["spec"]


def test_t05_a_hook(tmp_path: Path) -> None:
    """It runs at syncs that have nothing to do with it, and not when it changes."""
    scope = environment(tmp_path)
    raw(scope, annotated(manifests.job(), hook="PostSync"))
    assert found_by(scope, "G01")
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    training(scope, hook=ArgoHook("PostSync"))
    assert found(scope) == []
    # What is compared changes with it.
    assert "modelyard.dev/hook" in objects(scope)["NetworkPolicy/train"]["metadata"]["annotations"]


def test_t06_a_name_that_the_api_server_makes() -> None:
    """What stands in git has a name."""
    job = {**manifests.job(), "metadata": {"generateName": "train-"}}
    assert [rule for rule, _ in judged("N", job)] == ["N01"]


def test_t07_a_kind_whose_definition_is_not_there(tmp_path: Path) -> None:
    """Every kind is one that the cluster has, so no sync depends on the order of definitions and objects."""
    scope = environment(tmp_path)
    raw(scope, {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "web"}, "spec": {}})
    assert found_by(scope, "X04")
    scope = environment(tmp_path, delivery=Flux(REPO, depends_on=["operators"]))
    service(scope)
    assert delivered(scope)["Kustomization/ml-test"]["spec"]["dependsOn"] == [
        {"name": "ml-test-delivery"},
        {"name": "operators"},
    ]


def fleet(root: Path, *, broken: bool = False) -> None:
    """Render two environments, or one and one that fails."""

    def build(name: str) -> Any:
        def made(fleet: Fleet) -> None:
            scope = Environment(fleet, name, cluster=CLUSTER, namespace=f"ml-{name}", delivery=ArgoCD(REPO))
            service(
                scope,
                replicas=0 if broken and name == "b" else None,
                scale=None if broken and name == "b" else CpuScale(min=2, max=4),
            )

        return made

    synthesize(Request(main=root / "main.py", fleet=Fleet({name: build(name) for name in ("a", "b")}, root=root)))


def test_t08_a_render_that_fails_and_an_application_that_goes(tmp_path: Path) -> None:
    """Half a tree is never written, and no Application takes along what it synced."""
    fleet(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.joinpath("dist").rglob("*.yaml")}
    with pytest.raises(SynthesisError):
        fleet(tmp_path, broken=True)
    assert {path: path.read_bytes() for path in tmp_path.joinpath("dist").rglob("*.yaml")} == before
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope)
    made = delivered(scope)
    assert not any("finalizers" in one["metadata"] for one in made.values())
    assert made["Application/ml-test-delivery"]["spec"]["syncPolicy"]["automated"]["prune"] is False
    assert "FailOnSharedResource=true" in made["Application/ml-test"]["spec"]["syncPolicy"]["syncOptions"]
    assert "allowEmpty" not in made["Application/ml-test"]["spec"]["syncPolicy"]["automated"]
    scope.add_json_patch(
        "Application",
        {"op": "add", "path": "/metadata/finalizers", "value": ["resources-finalizer.argocd.argoproj.io"]},
        name="ml-test",
    )
    assert found_by(scope, "G08")


def test_t09_a_selector_that_moves(tmp_path: Path) -> None:
    """Ours is the workload's id and nothing else; of one that depends on the construct we warn."""
    scope = environment(tmp_path, labels={"team": "a", "release": "7"})
    service(scope, labels={"tier": "gold"})
    assert objects(scope)["Deployment/api"]["spec"]["selector"] == {"matchLabels": {"app": "api"}}
    labels = {"cdk8s.io/metadata.addr": "prod-web-c83f5e59"}
    pods = manifests.deployment()["spec"]["template"]
    raw(
        scope, manifests.deployment(selector={"matchLabels": labels}, template={**pods, "metadata": {"labels": labels}})
    )
    assert found_by(scope, "G12")


def test_t10_a_stateful_set_that_is_forced(tmp_path: Path) -> None:
    """Modelyard renders none, and refuses to have one deleted in order to change it."""
    scope = environment(tmp_path)
    spec = {**manifests.deployment()["spec"], "serviceName": "web"}
    raw(scope, {**annotated(manifests.deployment(), sync_options="Force=true"), "kind": "StatefulSet", "spec": spec})
    assert found_by(scope, "G04")
    old = {**manifests.deployment(), "kind": "StatefulSet"}
    assert [one.rule for one in changes(old, {**old, "spec": {**old["spec"], "serviceName": "web"}})] == ["G14"]


def test_t11_two_writers_of_one_object(tmp_path: Path) -> None:
    """One controller applies on the server, which keeps account of the fields, and one environment renders an object."""
    application, _ = both(tmp_path)
    assert "ServerSideApply=true" in application["syncPolicy"]["syncOptions"]

    def shared(name: str) -> Any:
        return lambda fleet: service(Environment(fleet, name, cluster=CLUSTER, namespace="ml", manage_namespace=False))

    builders = {name: shared(name) for name in ("a", "b")}
    with pytest.raises(SynthesisError) as caught:
        synthesize(Request(main=tmp_path / "main.py", fleet=Fleet(builders, root=tmp_path)))
    assert [one.rule for one in caught.value.findings] == ["X02"]


def test_t12_a_sync_that_waits_for_a_queue(tmp_path: Path) -> None:
    """Nothing of ours is in a wave, and what may be suspended cannot be put into one."""
    queued = annotated(manifests.job(), sync_wave="1")
    queued["metadata"]["labels"] = {"kueue.x-k8s.io/queue-name": "research"}
    scope = environment(tmp_path)
    raw(scope, queued)
    assert found_by(scope, "G02")
    # What the lines do is seen in a real Argo CD, in tests/cluster/test_argocd.py.
    (patch,) = ArgoCD(REPO, health=True).by_hand(scope.site, [])["argocd-cm"]
    (lua,) = patch["data"].values()
    assert re.findall(r'status = "(\w+)"', lua) == ["Progressing", "Degraded", "Healthy", "Suspended"]


def test_t13_a_configuration_that_is_pruned_too_early(tmp_path: Path) -> None:
    """Pods of the last rollout still find theirs, and no sync waits for a training to prune it."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope, config=ConfigFiles("/etc/api", {"a.yaml": "b: 1\n"}))
    assert objects(scope)["ConfigMap/api-config"]["metadata"]["annotations"] == {
        "modelyard.dev/name": "api-config",
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        SYNC: "Prune=false",
        FLUX_PRUNE: "disabled",
    }
    assert "PruneLast=true" not in delivered(scope)["Application/ml-test"]["spec"]["syncPolicy"]["syncOptions"]
    training(scope)
    raw(scope, annotated(manifests.config_map(a="b"), sync_options="PruneLast=true"))
    assert found_by(scope, "G03")


def test_t14_a_namespace_from_two_places(tmp_path: Path) -> None:
    """It is rendered once, with its labels, kept, and never made by the Application."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope)
    metadata = objects(scope)["Namespace/ml-test"]["metadata"]
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert metadata["annotations"][SYNC] == "Prune=false,Delete=false"
    for path, value in (
        ("/spec/syncPolicy/syncOptions/-", "CreateNamespace=true"),
        ("/spec/syncPolicy/managedNamespaceMetadata", {"labels": {"a": "b"}}),
    ):
        scope.add_json_patch("Application", {"op": "add", "path": path, "value": value}, name="ml-test")
    assert len(found_by(scope, "G09")) == 2


def test_t15_a_claim_that_is_pruned(tmp_path: Path) -> None:
    """Ours stay in both controllers, a foreign one has to, and a Kustomization leaves everything behind."""
    scope = environment(tmp_path)
    training(scope, volumes=[Claim("data", "/data", size="1Ti", storage_class="efs", access_mode="ReadWriteMany")])
    annotations = objects(scope)["PersistentVolumeClaim/data"]["metadata"]["annotations"]
    assert (annotations[SYNC], annotations[FLUX_PRUNE]) == ("Prune=false,Delete=false", "disabled")
    claim = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Ti"}}}
    raw(scope, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "other"}, "spec": claim})
    assert found_by(scope, "G05")
    assert both(tmp_path)[1]["deletionPolicy"] == "Orphan"


def test_t16_words_that_flux_does_not_know(tmp_path: Path) -> None:
    """It would pass over them."""
    scope = environment(tmp_path)
    job = manifests.job()
    job["metadata"]["annotations"] = {FLUX_PRUNE: "never"}
    raw(scope, job)
    assert found_by(scope, "G06")
    scope = environment(tmp_path, delivery=Flux(REPO))
    service(scope)
    scope.add_json_patch("Kustomization", {"op": "remove", "path": "/spec/ignore/0/target"}, name="ml-test")
    assert found_by(scope, "G07")


def test_t17_a_sync_that_is_tried_once(tmp_path: Path) -> None:
    """It is tried again, with the newest commit."""
    scope = environment(tmp_path, delivery=ArgoCD(REPO))
    service(scope)
    retry = delivered(scope)["Application/ml-test"]["spec"]["syncPolicy"]["retry"]
    assert (retry["limit"], retry["refresh"]) == (5, True)
    scope.add_json_patch("Application", {"op": "remove", "path": "/spec/syncPolicy/retry/limit"}, name="ml-test")
    assert [(one.rule, one.severity) for one in found(scope)] == [("G10", "warning")]


def test_t18_secrets_and_floating_tags_in_a_rendered_branch(tmp_path: Path) -> None:
    """Neither is rendered."""
    scope = environment(tmp_path, strict=True)
    raw(
        scope,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "token"},
            "stringData": {"token": "hunter2hunter2"},
        },
    )
    service(scope, image="ghcr.io/acme/model:latest")
    assert found_by(scope, "V19")
    assert found_by(scope, "P01")


def test_t19_an_archive_that_differs_although_dist_does_not(tmp_path: Path) -> None:
    """The command in the documentation writes the same bytes, whatever the times of the files."""
    command = re.search(r"^\$ (tar .*?) dist \| gzip -n > ", PAGE.read_text("utf-8"), re.MULTILINE)
    assert command is not None
    fleet(tmp_path)
    archives = []
    for stamp in (10**9, 2 * 10**9):
        for path in tmp_path.joinpath("dist").rglob("*"):
            os.utime(path, (stamp, stamp))
        archives.append(
            subprocess.run([*command[1].split(), "dist"], cwd=tmp_path, check=True, capture_output=True).stdout
        )
    assert archives[0] == archives[1]
    assert len(archives[0]) > 10_000


def test_every_trap_is_in_the_documentation() -> None:
    """Each with the name of its test."""
    rows = re.findall(r"^\| (T\d+) \|.*\| `(test_t\d\d_\w+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    tests = sorted(name for name in globals() if re.match(r"test_t\d\d_", name))
    assert [number for number, _ in rows] == [f"T{number}" for number in range(1, 20)]
    assert [name for _, name in rows] == tests
