"""What environments and clusters say, by what it changes in the manifests or in the findings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    Accelerator,
    Claim,
    Cluster,
    Crd,
    Environment,
    Fleet,
    Gpu,
    SpecError,
    StorageClass,
    Toleration,
    UsageError,
)
from modelyard.fleet import GATES
from modelyard.rules import j_indexed, v_data
from modelyard.training import gang
from tests.manifests import MISSING, at
from tests.support import CLUSTER, environment, found, found_by, objects, raw, service, training

POD = "spec.template.spec"


def cluster(*accelerators: Accelerator, **options: Any) -> Cluster:
    """Return a cluster with *accelerators*."""
    return Cluster("c", **{"kubernetes": "1.34", "accelerators": accelerators, **options})


def test_the_namespace_is_rendered_with_its_pod_security_and_never_pruned(tmp_path: Path) -> None:
    """One level for all three modes, and both controllers leave the namespace alone."""
    scope = environment(tmp_path, pod_security="baseline", labels={"team": "x"})

    assert objects(scope)["Namespace/ml-test"]["metadata"] == {
        "name": "ml-test",
        "labels": {
            "app.kubernetes.io/part-of": "test",
            "app.kubernetes.io/managed-by": "modelyard",
            "pod-security.kubernetes.io/enforce": "baseline",
            "pod-security.kubernetes.io/audit": "baseline",
            "pod-security.kubernetes.io/warn": "baseline",
            "team": "x",
        },
        "annotations": {
            "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
            "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
            "kustomize.toolkit.fluxcd.io/prune": "disabled",
        },
    }


def test_a_namespace_that_somebody_else_makes_is_not_rendered(tmp_path: Path) -> None:
    """manage_namespace=False leaves it to them."""
    scope = environment(tmp_path, manage_namespace=False)
    service(scope)

    assert "Namespace/ml-test" not in objects(scope)


def test_labels_of_an_environment_are_on_every_object_and_pod(tmp_path: Path) -> None:
    """So cost and ownership can be told from any of them."""
    scope = environment(tmp_path, labels={"team": "x"})
    service(scope)
    training(scope)
    found = objects(scope)

    assert {one["metadata"]["labels"]["team"] for one in found.values()} == {"x"}
    assert at(found["Job/train"], "spec.template.metadata.labels.team") == "x"


def test_every_object_is_in_the_namespace_of_its_environment(tmp_path: Path) -> None:
    """But for the namespace itself."""
    scope = environment(tmp_path, namespace="other")
    service(scope)

    assert {one["metadata"].get("namespace") for name, one in objects(scope).items() if name != "Namespace/other"} == {
        "other"
    }


def test_strict_makes_an_image_without_digest_an_error(tmp_path: Path) -> None:
    """Elsewhere it is a warning."""
    loose, strict = environment(tmp_path), environment(tmp_path, strict=True)
    for scope in (loose, strict):
        service(scope, image="ghcr.io/acme/model:1.4.2")

    assert [one.severity for one in found(loose) if one.rule == "P01"] == ["warning"]
    assert [one.severity for one in found(strict) if one.rule == "P01"] == ["error"]


@pytest.mark.parametrize(
    ("accelerator", "path", "expected"),
    [
        (
            Accelerator("l4", resource="amd.com/gpu"),
            f"{POD}.containers[0].resources.limits.amd|com/gpu",
            "1",
        ),
        (Accelerator("l4", node_selector={"gpu": "l4"}), f"{POD}.nodeSelector", {"gpu": "l4"}),
        (Accelerator("l4", tolerations=[]), f"{POD}.tolerations", MISSING),
        (
            Accelerator("l4", tolerations=[Toleration("dedicated", value="ml", effect="NoExecute")]),
            f"{POD}.tolerations",
            [{"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoExecute"}],
        ),
    ],
)
def test_an_accelerator_class_places_the_pods_that_ask_for_it(
    tmp_path: Path, accelerator: Accelerator, path: str, expected: Any
) -> None:
    """Resource name, node labels and tolerations come from the class, never from the workload."""
    scope = environment(tmp_path, cluster=cluster(accelerator))
    training(scope, gpu=Gpu("l4"))

    assert at(objects(scope)["Job/train"], path) == expected


def test_a_request_that_fits_no_node_shows_what_would_fit(tmp_path: Path) -> None:
    """Both the count and the class are checked."""
    scope = environment(tmp_path)
    training(scope, gpu=Gpu("l4", 8))

    assert found_by(scope, "R09") == ["test/train: gpu.count=8 but a node of eks-test has 4 of l4; ask for 1 to 4"]

    other = environment(tmp_path)
    training(other, gpu=Gpu("h100"))

    assert found_by(other, "R09") == [
        "test/train: gpu.accelerator='h100' but the cluster eks-test has no such accelerator; it has l4 (4 a node)",
    ]


def test_more_replicas_than_the_cluster_has_accelerators_are_refused(tmp_path: Path) -> None:
    """Nodes and per_node bound what can ever run."""
    fits, does_not = (
        environment(tmp_path),
        environment(tmp_path, cluster=cluster(Accelerator("l4", per_node=1, nodes=2))),
    )
    for scope in (fits, does_not):
        service(scope, gpu=Gpu("l4"))

    assert found_by(fits, "R26") == []
    assert len(found_by(does_not, "R26")) == 1


def test_what_a_node_has_bounds_a_pod(tmp_path: Path) -> None:
    """node_cpu and node_memory are checked where they are given."""
    small = Accelerator("l4", per_node=4, nodes=8, node_cpu="4", node_memory="16Gi")
    scope = environment(tmp_path, cluster=cluster(small))
    training(scope, cpu=8, memory="32Gi")

    assert len(found_by(scope, "R10")) == 2


def test_a_storage_class_has_its_access_modes(tmp_path: Path) -> None:
    """A mode that the class cannot give is refused; without storage= nothing is known, and nothing refused."""
    claim = Claim("w", "/w", size="1Gi", storage_class="ebs", access_mode="ReadWriteMany")
    known, unknown = (
        environment(tmp_path),
        environment(tmp_path, cluster=cluster(Accelerator("l4", per_node=4))),
    )
    for scope in (known, unknown):
        training(scope, volumes=[claim])

    assert len(found_by(known, "V03")) == 1
    assert found_by(unknown, "V03") == []


CERTIFICATE = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "web"},
    "spec": {"secretName": "web"},
}
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: certificates.cert-manager.io
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: Certificate, plural: certificates}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [secretName]
            properties: {secretName: {type: string}}
"""


def test_a_custom_resource_needs_its_definition_in_the_cluster(tmp_path: Path) -> None:
    """Without it the sync would fail; with it the object is checked by its schema."""
    (tmp_path / "crd.yaml").write_text(DEFINITION)
    without, has = (
        environment(tmp_path),
        environment(tmp_path, cluster=cluster(installed=[Crd.from_file(tmp_path / "crd.yaml")])),
    )
    raw(without, CERTIFICATE)
    raw(has, CERTIFICATE)

    assert len(found_by(without, "X04")) == 1
    assert objects(has)["Certificate/web"]["spec"] == {"secretName": "web"}

    wrong = environment(tmp_path, cluster=cluster(installed=[Crd.from_file(tmp_path / "crd.yaml")]))
    raw(wrong, {**CERTIFICATE, "spec": {"secretname": "web"}})

    assert any("secretname" in text for text in found_by(wrong, "X05"))


def test_a_file_without_definitions_is_no_crd(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "crd.yaml").write_text("kind: ConfigMap\n")
    with pytest.raises(ValueError, match=r"crd\.yaml has no CustomResourceDefinition"):
        Crd.from_file(tmp_path / "crd.yaml")


def test_a_patch_of_the_namespace_takes_effect(tmp_path: Path) -> None:
    """The environment's own objects have the escape hatch too."""
    scope = environment(tmp_path)
    scope.add_json_patch("Namespace", {"op": "add", "path": "/metadata/labels/istio-injection", "value": "disabled"})

    assert objects(scope)["Namespace/ml-test"]["metadata"]["labels"]["istio-injection"] == "disabled"


def test_two_environments_of_one_name_are_refused(tmp_path: Path) -> None:
    """The second one names the line of the first."""
    fleet = Fleet(root=tmp_path)
    Environment(fleet, "prod", cluster=CLUSTER, namespace="a")
    with pytest.raises(SpecError) as raised:
        Environment(fleet, "prod", cluster=CLUSTER, namespace="b")

    assert raised.value.finding.rule == "X02"
    assert "the environment of this name at " in raised.value.finding.text


@pytest.mark.parametrize("name", ["Prod", "prod_1", "-prod", "p" * 64, ""])
def test_an_environment_has_a_name_that_a_folder_and_a_label_can_have(tmp_path: Path, name: str) -> None:
    """It is refused where it is written."""
    with pytest.raises(SpecError) as raised:
        Environment(Fleet(root=tmp_path), name, cluster=CLUSTER, namespace="a")

    assert raised.value.finding.rule == "N19"


def test_a_fleet_takes_a_dict_of_functions(tmp_path: Path) -> None:
    """A list of functions has no names to select environments by."""
    with pytest.raises(UsageError, match=r'must be a dict of functions, such as {"prod": prod}'):
        Fleet([lambda fleet: fleet], root=tmp_path)  # type: ignore[arg-type]


def test_an_environment_that_is_made_twice_by_hand_is_found(tmp_path: Path) -> None:
    """Storage classes and accelerators of a wrong type are named with their place in the cluster."""
    wrong = Cluster("c", kubernetes="1.34", storage=[StorageClass("efs", "ReadWriteMany")])  # type: ignore[arg-type]
    scope = environment(tmp_path, cluster=wrong)

    assert found_by(scope, "X11") == [
        (
            "test: cluster.storage[0].modes='ReadWriteMany' but it must be a set whose items are each a string; "
            "pass a set whose items are each a string"
        )
    ]


@pytest.mark.parametrize(
    ("gate", "remedy"),
    [
        ("workloadWithJob", "did you mean WorkloadWithJob?"),
        ("Gone", "leave it away; it looks at ImageVolume and WorkloadWithJob"),
    ],
)
def test_a_gate_that_decides_nothing_is_refused(tmp_path: Path, gate: str, remedy: str) -> None:
    """A misspelt one would leave a gang to chance, in silence."""
    scope = environment(tmp_path, cluster=Cluster("c", kubernetes="1.37", feature_gates={gate, "ImageVolume"}))

    assert found_by(scope, "X11") == [
        f"test: feature_gates={gate!r} but modelyard looks at no such gate, so nothing would come of it; {remedy}"
    ]


def test_every_gate_is_known() -> None:
    """Of those that are asked about."""
    assert {gang.GATE, v_data.GATE, j_indexed.GATE} == GATES
