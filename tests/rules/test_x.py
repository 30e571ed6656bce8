"""X: modelyard's own promises, each rule broken in its exact words, and what is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cdk8s
import pytest

from modelyard import Claim, Cluster, CpuScale, Environment, Fleet, ScalableModelService, SpecError, TrainingJob
from modelyard.findings import SynthesisError
from modelyard.render.engine import Report, Request, synthesize
from modelyard.render.environment import build
from modelyard.render.load import load
from modelyard.rules.rule import RULES
from tests.rules.manifests import config_map, deployment, service
from tests.support import CLUSTER, IMAGE, environment, found, found_by, raw, training
from tests.support import service as own_service

LOCK = f"""\
images:
  sentiment:
    repository: ghcr.io/acme/sentiment
    tag: "1.2"
    digest: sha256:{"1" * 64}
"""
NONE = "the workload renders no such object"
OBJECTS = (
    "its objects are Deployment api, HorizontalPodAutoscaler api, NetworkPolicy api, PersistentVolumeClaim a,"
    " PersistentVolumeClaim b, PodDisruptionBudget api, Service api, ServiceAccount api"
)


def replace(path: str, value: object) -> dict[str, object]:
    """Return one operation of a JSON patch."""
    return {"op": "replace", "path": path, "value": value}


def lock(root: Path, text: str = LOCK) -> None:
    """Write the lock file of the environment ``test``."""
    (root / "environments").mkdir()
    (root / "environments" / "test.lock.yaml").write_text(text)


def made(fleet: Fleet, name: str = "test") -> Environment:
    """Make an environment as its function does."""
    scope = Environment(fleet, name, cluster=CLUSTER, namespace="ml-test")
    own_service(scope)
    return scope


def built(root: Path, function: Callable[[Fleet], object]) -> list[str]:
    """Return what is found when *function* makes the environment ``test``."""
    return [finding.text for finding in build(Fleet({"test": function}, root=root), "test")[1]]


def synth(root: Path, *, force: bool = False) -> Report:
    """Render the environment ``test`` into ``dist/``."""
    fleet = Fleet({"test": made}, root=root)
    return synthesize(Request(main=root / "main.py", fleet=fleet, force=force))


def refused(root: Path) -> list[str]:
    """Return why a synthesis writes nothing."""
    with pytest.raises(SynthesisError) as caught:
        synth(root)
    return [f"{finding.rule} {finding.text}" for finding in caught.value.findings]


def test_x02_two_workloads_of_one_id(tmp_path: Path) -> None:
    """The first keeps its name, and its line is told."""
    scope = environment(tmp_path)
    own_service(scope)
    training(scope)
    assert found_by(scope, "X02") == []
    first = own_service(scope).environment.workloads[0].source
    (text,) = found_by(scope, "X02")
    assert text == (
        f"test/api: id='api' but the workload of this name at {first} is there already; give one of the two another id"
    )


def test_x02_two_objects_of_one_identity(tmp_path: Path) -> None:
    """A foreign object cannot silently replace one of ours; another kind is another object."""
    scope = environment(tmp_path)
    own = own_service(scope)
    raw(scope, config_map("api"))
    assert found_by(scope, "X02") == []
    raw(scope, service("api"))
    (text,) = found_by(scope, "X02")
    assert text == (
        f"test: Service api metadata.name='api' but test/api ({own.source}) renders the object of this name already;"
        " give one of the two another name"
    )


def test_x02_two_environments_of_one_name(tmp_path: Path) -> None:
    """Nothing can be rendered into one folder twice, so the call itself fails."""
    scope = environment(tmp_path)
    Environment(scope.fleet, "other", cluster=CLUSTER, namespace="ml-other")
    with pytest.raises(SpecError) as caught:
        Environment(scope.fleet, "test", cluster=CLUSTER, namespace="ml-test")
    assert caught.value.finding.rule == "X02"
    assert caught.value.finding.text.startswith("test: name='test' but the environment of this name at ")
    assert caught.value.finding.text.endswith(' is there already; choose another name, such as "staging"')


def test_x02_two_environments_with_one_object_in_one_cluster(tmp_path: Path) -> None:
    """Two controllers would fight over it."""
    fleet = Fleet({"a": lambda fleet: made(fleet, "a"), "b": lambda fleet: made(fleet, "b")}, root=tmp_path)
    with pytest.raises(SynthesisError) as caught:
        synthesize(Request(main=tmp_path / "main.py", fleet=fleet))
    (text,) = [finding.text for finding in caught.value.findings if finding.rule == "X02"]
    assert text.startswith("b: apps/v1 Deployment ml-test/api but the environment a renders it")
    assert text.endswith(" into the same cluster eks-test; give each environment a namespace of its own")


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, []),
        (
            {"apiVersion": "apps/v1beta1", "kind": "Deployment"},
            ("Deployment a apiVersion but it is 'apps/v1beta1', where Kubernetes 1.34 has no Deployment; did you mean"
            " apps/v1?"),
        ),
        (
            {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"},
            ("ScaledObject a kind but it is 'ScaledObject', which keda.sh/v1alpha1 does not have in Kubernetes 1.34; no"
            " CRD of it is installed, and Crd.KEDA has it"),
        ),
    ],
    ids=["known", "removed", "not installed"],
)  # fmt: skip
def test_x04_a_kind_that_the_cluster_lacks(
    tmp_path: Path, manifest: Mapping[str, Any], expected: str | list[str]
) -> None:
    """The right group and version are told where there are any."""
    scope = environment(tmp_path)
    raw(scope, {**manifest, "metadata": {"name": "a"}, "spec": {}})
    assert found_by(scope, "X04") == ([f"test: {expected}"] if isinstance(expected, str) else expected)


def test_x04_a_version_that_modelyard_does_not_know(tmp_path: Path) -> None:
    """Nothing else is said about an environment without schemas."""
    assert [one.text for one in found(environment(tmp_path, cluster=Cluster("c", kubernetes="1.20")))] == [
        (
            "test: kubernetes='1.20' but modelyard knows Kubernetes 1.32 to 1.37; write one of them, such as"
            ' kubernetes="1.37"'
        )
    ]


def test_x05_a_field_that_does_not_exist(tmp_path: Path) -> None:
    """Foreign objects and patched ones pass the same strict schema."""
    scope = environment(tmp_path)
    own_service(scope).add_json_patch("Deployment", {"op": "add", "path": "/spec/minReadySeconds", "value": 5})
    raw(scope, deployment(replicas=3))
    assert found_by(scope, "X05") == []
    own_service(scope := environment(tmp_path)).add_json_patch(
        "Deployment", {"op": "add", "path": "/spec/minReadySecond", "value": 5}
    )
    raw(scope, deployment(replica=3))
    raw(scope, service("web", {"port": 80}, {"port": 80}))
    assert found_by(scope, "X05") == [
        "test/api: Deployment api spec but it has no field 'minReadySecond'; did you mean 'minReadySeconds'?",
        "test: Deployment web spec but it has no field 'replica'; did you mean 'replicas'?",
        "test: Service web spec.ports[1] but it repeats port 80, protocol 'TCP' of entry 0; correct the field",
    ]


def test_x06_what_no_controller_applies_may_lie_in_dist(tmp_path: Path) -> None:
    """What is no manifest, or lies in no environment's folder, is nobody's business."""
    synth(tmp_path)
    (tmp_path / "dist" / "test" / "notes.txt").write_text("by hand")
    (tmp_path / "dist" / "elsewhere.yaml").write_text("a: 1\n")
    assert synth(tmp_path).changed == []


def test_x06_a_file_that_modelyard_did_not_write(tmp_path: Path) -> None:
    """A controller would apply it unchecked."""
    synth(tmp_path)
    (tmp_path / "dist" / "test" / "api" / "extra.yaml").write_text("a: 1\n")
    assert refused(tmp_path) == [
        (
            "X06 test: dist/test/api/extra.yaml but modelyard did not write it, and Argo CD and Flux apply"
            " every manifest in"
            f" this folder; {RULES['X06'].fix}"
        )
    ]


def test_x06_a_file_where_modelyard_would_write(tmp_path: Path) -> None:
    """It is not replaced unless somebody says so."""
    place = tmp_path / "dist" / "test" / "api" / "service.yaml"
    place.parent.mkdir(parents=True)
    place.write_text("a: 1\n")
    assert refused(tmp_path)[0] == (
        "X06 test: dist/test/api/service.yaml but modelyard would write this file and did not write the one that is"
        " there; move it away, or run modelyard synth --force to replace it"
    )
    assert place.read_text() == "a: 1\n"
    synth(tmp_path, force=True)
    assert "kind: Service" in place.read_text()


def test_x07_a_generated_file_that_is_gone_is_written_again(tmp_path: Path) -> None:
    """No edit is lost with it."""
    synth(tmp_path)
    (tmp_path / "dist" / "test" / "api" / "service.yaml").unlink()
    assert synth(tmp_path).changed == ["test/api/service.yaml"]
    assert synth(tmp_path).changed == []


def test_x07_a_generated_file_that_was_edited(tmp_path: Path) -> None:
    """The edit stays until somebody says that it may go."""
    synth(tmp_path)
    place = tmp_path / "dist" / "test" / "api" / "service.yaml"
    text = place.read_text()
    place.write_text(f"{text}# by hand\n")
    assert refused(tmp_path) == [
        (
            "X07 test: dist/test/api/service.yaml but it was edited by hand since modelyard wrote it, and the"
            " edit would be"
            f" lost; {RULES['X07'].fix}"
        )
    ]
    assert synth(tmp_path, force=True).changed == ["test/api/service.yaml"]
    assert place.read_text() == text


def test_x08_a_number_that_is_rounded_on_its_way(tmp_path: Path) -> None:
    """Foreign numbers pass through Node, which has 53 bits for them."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}}
    scope = environment(tmp_path)
    raw(scope, {**quota, "spec": {"hard": {"memory": 2**53 - 1}}})
    assert found_by(scope, "X08") == []
    scope = environment(tmp_path)
    raw(scope, {**quota, "spec": {"hard": {"memory": 2**53}}})
    assert found_by(scope, "X08") == [
        (
            "test: ResourceQuota quota spec.hard.memory=9007199254740992 but a number of more than 53 bits that passes "
            "through cdk8s' Node process is rounded there; write it as a string, or render the object with"
            " modelyard's own"
            " classes"
        )
    ]


def test_x08_what_no_manifest_can_hold(tmp_path: Path) -> None:
    """NaN is no JSON, and half a character is no text."""
    scope = environment(tmp_path)
    workload = own_service(scope, env={"HALF": "\ud800"})
    workload.add_json_patch("Service", {"op": "add", "path": "/spec/sessionAffinity", "value": float("nan")})
    assert found_by(scope, "X08") == [
        (
            "test/api: Deployment api spec.template.spec.containers[0].env[3].value but half of a surrogate pair is no"
            " character; write a value that JSON can hold"
        ),
        (
            "test/api: Service api spec.sessionAffinity but JSON, which the API server speaks, has no such"
            " number; write a"
            " value that JSON can hold"
        ),
    ]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ({}, []),
        ({"Z99": "why"}, ["accept['Z99'] but there is no rule of this id; modelyard explain all lists the ids"]),
        ({"Z10": "why"}, ["accept['Z10'] but there is no rule of this id; did you mean X10?"]),
        ({"D10": " "}, ["accept['D10']=' ' but an acceptance says why; write the reason as a string"]),
        ({"D10": "why"}, ["accept['D10']='why' but nothing here breaks this rule; remove the acceptance"]),
        (
            {"A12": "why"},
            [
                (
                    "accept['A12']='why' but a breach of A12 would fail in the cluster and cannot be accepted; mend the"
                    " cause, and remove this acceptance"
                )
            ],
        ),
    ],
)
def test_x09_an_acceptance_that_is_none(tmp_path: Path, accept: Mapping[str, str], expected: list[str]) -> None:
    """An acceptance names a rule that is broken here and may be, and says why."""
    scope = environment(tmp_path)
    own_service(scope, accept=accept)
    assert found_by(scope, "X09") == [f"test/api: {text}" for text in expected]


def test_x09_an_acceptance_that_is_needed_silences_its_rule_and_no_other(tmp_path: Path) -> None:
    """Each is asked where the object belongs."""
    scope = environment(tmp_path, accept={"D12": "an operator makes the pods"})
    own_service(scope, rollout="recreate", accept={"D10": "nobody asks at night"})
    raw(scope, service())
    assert found(scope) == []
    own_service(scope := environment(tmp_path, accept={"D10": "of another"}), rollout="recreate")
    assert [finding.rule for finding in found(scope)] == ["D10", "X09"]


def test_x10_and_x16_a_function_that_makes_its_environment(tmp_path: Path) -> None:
    """It runs to its end, and what it makes has the name under which it is called."""
    assert built(tmp_path, made) == []


def test_x10_an_exception_of_the_users_python(tmp_path: Path) -> None:
    """It is a finding at its line, and no traceback."""

    def divides(fleet: Fleet) -> None:
        made(fleet)
        divmod(1, 0)

    def misspells(_: Fleet) -> None:
        made(fleet)  # type: ignore[name-defined]  # noqa: F821 # what the test is about

    (finding,) = build(Fleet({"test": divides}, root=tmp_path), "test")[1]
    assert finding.rule == "X10"
    assert finding.text == "test: this raised ZeroDivisionError: integer division or modulo by zero; mend the line"
    assert str(finding.source) == f"{__file__}:{divides.__code__.co_firstlineno + 2}"
    assert built(tmp_path, misspells)[0].startswith("test: name 'fleet' is not defined")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, None),
        ({"cpu": ["1"]}, "cpu=['1'] but it must be a string or a whole number; pass a string or a whole number"),
        ({"labels": {"team": 1}}, "labels['team']=1 but it must be a string; write \"1\""),
        (
            {"volumes": [Claim("data", "/data", storage_class="efs")]},
            ("volumes[0].storage_class='efs' but the claim is not made here, since it has no size; add size=, or leave"
            " storage_class= away"),
        ),
        (
            {"service_account": "trainer", "service_account_annotations": {"a": "b"}},
            (
                "service_account_annotations but service_account='trainer' is not made here; annotate that"
                " account where it"
            " is made, or leave service_account= away"),
        ),
    ],
)  # fmt: skip
def test_x11_a_value_that_means_nothing(tmp_path: Path, options: Mapping[str, Any], expected: str | None) -> None:
    """Types and combinations are checked before anything is made of them."""
    scope = environment(tmp_path)
    own_service(scope, **options)
    assert found_by(scope, "X11") == ([] if expected is None else [f"test/api: {expected}"])


def test_x11_a_training_that_runs_nothing(tmp_path: Path) -> None:
    """The image's own entry point is for services."""
    scope = environment(tmp_path)
    training(scope, command=[])
    assert found_by(scope, "X11") == [
        'test/train: command=[] but a training says what it runs; write command=["python", "train.py"]'
    ]


def test_x11_a_workload_that_stands_nowhere() -> None:
    """Without an environment there is nothing to render into."""
    with pytest.raises(SpecError) as caught:
        ScalableModelService(cdk8s.App(), "api", image=IMAGE, port=80)
    assert caught.value.finding.rule == "X11"
    assert caught.value.finding.text == (
        "api: scope=<App> but a workload stands in an Environment; pass the environment as the first argument"
    )


def test_x12_an_option_that_does_not_exist(tmp_path: Path) -> None:
    """It is told together with all else that is wrong."""
    scope = environment(tmp_path)
    own_service(scope, cpus=2, scale=CpuScale(min=3, max=2))
    texts = [finding.text for finding in found(scope)]
    assert texts[0] == "test/api: cpus=2 but ScalableModelService has no such option; did you mean cpu?"
    assert found_by(scope, "X12") == texts[:1]
    assert found_by(scope, "A01") == texts[1:]


def test_x12_an_option_that_is_missing(tmp_path: Path) -> None:
    """What cannot be constructed at all ends the call."""
    scope = environment(tmp_path)
    with pytest.raises(SpecError) as caught:
        TrainingJob(scope, "train", command=["python"])  # type: ignore[call-arg]
    assert caught.value.finding.rule == "X12"
    assert caught.value.finding.text == "test/train: image but TrainingJob cannot do without it; add image=..."
    assert found_by(scope, "X12") == []


def test_x13_an_image_that_is_not_in_the_lock(tmp_path: Path) -> None:
    """The command that pins it is in the advice."""
    lock(tmp_path)
    scope = environment(tmp_path)
    assert str(scope.image("sentiment")) == f"ghcr.io/acme/sentiment:1.2@sha256:{'1' * 64}"
    assert found_by(scope, "X13") == []
    scope.image("sentimnt")
    scope.image("churn")
    assert found_by(scope, "X13") == [
        "test: image='sentimnt' but environments/test.lock.yaml has no such image; did you mean sentiment?",
        (
            "test: image='churn' but environments/test.lock.yaml has no such image; pin it: modelyard images"
            " pin test churn"
            " <repository>:<tag>@sha256:<digest>"
        ),
    ]


def test_x13_a_lock_that_cannot_be_read(tmp_path: Path) -> None:
    """The line of the file is told."""
    lock(tmp_path, "images: [\n")
    scope = environment(tmp_path)
    scope.image("sentiment")
    finding = next(one for one in found(scope) if one.rule == "X13")
    assert str(finding.source) == "environments/test.lock.yaml:2"
    assert finding.text.startswith("test: lock file but ")


@pytest.mark.parametrize(
    ("kind", "operation", "name", "expected"),
    [
        ("Deployment", replace("/spec/revisionHistoryLimit", 2), None, None),
        ("PersistentVolumeClaim", replace("/spec/resources/requests/storage", "2Gi"), "a", None),
        ("Deploymnt", {}, None, f"add_json_patch='Deploymnt' but {NONE}; did you mean Deployment?"),
        ("Ingress", {}, None, f"add_json_patch='Ingress' but {NONE}; {OBJECTS}"),
        ("Service", {}, "b", f"add_json_patch='Service b' but {NONE}; {OBJECTS}"),
        (
            "PersistentVolumeClaim", {}, None,
            "add_json_patch='PersistentVolumeClaim' but there are 2 of them; add name= with one of a, b",
        ),
        (
            "Deployment", replace("/spec/history", 2), None,
            (
                "patch of Deployment at /spec/history but it cannot be applied: can't replace a non-existent"
                " object 'history';"
            " compare the path with the YAML in dist/ (lists are counted from 0)"),
        ),
        (
            "Deployment", {"op": "change", "path": "/spec"}, None,
            (
                "patch of Deployment at /spec but it cannot be applied: Unknown operation 'change'; compare"
                " the path with the"
            " YAML in dist/ (lists are counted from 0)"),
        ),
        (
            "Deployment", replace("/metadata/name", "web"), None,
            ("patch of Deployment but it changes the object's kind or name, by which others refer to it; leave kind and"
            " metadata.name alone; the workload's id is the name"),
        ),
    ],
)  # fmt: skip
def test_x14_a_patch_that_hits_nothing(
    tmp_path: Path, kind: str, operation: Mapping[str, object], name: str | None, expected: str | None
) -> None:
    """A patch names one object and applies, or it is an error."""
    scope = environment(tmp_path)
    claims = [Claim(one, f"/{one}", size="1Gi", access_mode="ReadWriteMany") for one in "ab"]
    own_service(scope, volumes=claims).add_json_patch(kind, operation, name=name)
    assert found_by(scope, "X14") == ([] if expected is None else [f"test/api: {expected}"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\n", "main.py: fleet.synth() but main.py synthesizes no fleet; end it with one fleet.synth()"),
        (
            "from modelyard import Fleet\n\nFleet().synth()\nFleet().synth()\n",
            "main.py: fleet.synth() but main.py synthesizes 2 fleets; end it with one fleet.synth()",
        ),
        ("def main(:\n", "main.py: this is no valid Python: invalid syntax; mend the line"),
        (
            "import no_such_module\n",
            (
                "main.py: the import fails: No module named 'no_such_module'; correct the name, or run it with"
                " the project's"
            " .venv"),
        ),
    ],
)  # fmt: skip
def test_x15_a_main_that_synthesizes_nothing(tmp_path: Path, text: str, expected: str) -> None:
    """Without one fleet there is nothing to render."""
    main = tmp_path / "main.py"
    main.write_text(text)
    with pytest.raises(SynthesisError) as caught:
        load(main)
    assert [(finding.rule, finding.text) for finding in caught.value.findings] == [("X15", expected)]


def test_x15_a_main_that_synthesizes_one_fleet(tmp_path: Path) -> None:
    """Its folder is the project's."""
    main = tmp_path / "main.py"
    main.write_text("from modelyard import Fleet\n\nFleet().synth()\n")
    assert load(main).root == tmp_path


def test_x16_a_function_that_makes_another_environment(tmp_path: Path) -> None:
    """The name in the dict is the name of the environment."""
    advice = 'write Environment(fleet, "test", ...) in it'
    start = "test: Fleet({'test': ...}) but this function made the environments: "
    assert built(tmp_path, lambda fleet: made(fleet, "other")) == [f"{start}other; {advice}"]
    assert built(tmp_path, lambda _: None) == [f"{start}none; {advice}"]


def test_x17_two_paths_that_differ_in_case(tmp_path: Path) -> None:
    """On some file systems they are one file."""
    scope = environment(tmp_path)
    raw(scope, config_map("a"))
    raw(scope, config_map("b"))
    assert found_by(scope, "X17") == []
    raw(scope, config_map("A"))
    assert found_by(scope, "X17") == [
        (
            "test: ConfigMap A path='test/_environment/configmap-A.yaml' but ConfigMap a is written to a path"
            " that differs"
            " only in case, if at all; rename one of the two objects"
        )
    ]


def test_x18_a_construct_that_cdk8s_refuses(tmp_path: Path) -> None:
    """What cdk8s says is told, and ours is still judged."""
    scope = environment(tmp_path)
    own_service(scope)
    first, second = raw(scope, deployment()), raw(scope, config_map())
    first.add_dependency(second)
    assert found_by(scope, "X18") == []
    second.add_dependency(first)
    assert found_by(scope, "X18") == [
        (
            "test: cdk8s but its synthesis says: Error: Dependency cycle detected: test/Deployment-web =>"
            " test/ConfigMap-settings => test/Deployment-web; mend the construct"
        )
    ]
