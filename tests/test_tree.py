"""What a user does to the tree of constructs takes effect, or is refused: nothing of it is lost in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cdk8s
import constructs
import jsii
import pytest

from modelyard import Environment, Fleet, SpecError, TrainingJob
from modelyard.render.environment import build
from modelyard.render.objects import gather
from tests import project as projects
from tests.project import MAIN_PY, MODELYARD_SYNTH
from tests.support import CLUSTER, environment, found, objects, service, training

ASTRAY = (
    "main.py: Chart='sub' but it stands in no environment, so nothing of it would be rendered;"
    " pass an Environment as its scope"
)
LINKS: dict[str, Any] = {"api_version": "v1", "kind": "ConfigMap", "metadata": cdk8s.ApiObjectMetadata(name="links")}


def test_objects_of_charts_inside_an_environment_are_its_foreign_objects(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env)
    sub = cdk8s.Chart(env, "sub")
    cdk8s.ApiObject(sub, "links", **LINKS)
    cdk8s.ApiObject(cdk8s.Chart(sub, "inner", namespace="other"), "links", **LINKS)
    gathered = gather(env)
    assert [str(finding) for finding in gathered.findings] == []
    assert {one.path: one.data for one in gathered.objects if one.kind == "ConfigMap"} == {
        "test/_environment/configmap-links.yaml": {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "links", "namespace": "ml-test"}
        },
        "test/_environment/configmap-links@other.yaml": {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "links", "namespace": "other"}
        },
    }  # fmt: skip


def test_objects_of_charts_inside_an_environment_are_checked(tmp_path: Path) -> None:
    env = environment(tmp_path)
    one = cdk8s.ApiObject(cdk8s.Chart(env, "sub"), "links", **LINKS)
    one.add_json_patch(cdk8s.JsonPatch.add("/dta", {"a": "b"}))
    assert [f"{finding.rule} {finding.text}" for finding in found(env)] == [
        "X05 test: ConfigMap links but it has no field 'dta'; did you mean 'data'?"
    ]


@pytest.mark.parametrize("group", [False, True])
def test_x18_a_chart_beside_the_environments(tmp_path: Path, group: bool) -> None:  # noqa: FBT001 # a parameter
    def made(fleet: Fleet) -> None:
        service(Environment(fleet, "test", cluster=CLUSTER, namespace="ml-test"))
        scope = constructs.Construct(fleet, "group") if group else fleet
        cdk8s.ApiObject(cdk8s.Chart(scope, "sub"), "links", **LINKS)

    assert [f"{one.rule} {one.text}" for one in build(Fleet({"test": made}, root=tmp_path), "test")[1]] == [
        f"X18 {ASTRAY}"
    ]


@pytest.mark.parametrize("command", [MAIN_PY, MODELYARD_SYNTH, (*MODELYARD_SYNTH, "--jobs", "2")])
def test_a_chart_of_main_py_is_told_of_once(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = projects.make(tmp_path / "project")
    project.edit("main.py", "fleet.synth()", 'cdk8s.Chart(fleet, "sub")\nfleet.synth()')
    project.edit("main.py", "from modelyard", "import cdk8s\nfrom modelyard")
    done = project.run(*command)
    last = "1 error; dist/ is unchanged; modelyard explain X18 tells more\n"
    assert (done.code, done.out, done.err) == (1, "", f"main.py:9: error[X18] {ASTRAY}\n{last}")
    assert not project.dist.exists()


def test_a_removed_workload_is_not_rendered_and_its_id_is_free(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env)
    training(env, image="no image")
    assert env.node.try_remove_child("train")
    assert "Job/train" not in objects(env)
    training(env, retries=2)
    assert objects(env)["Job/train"]["spec"]["backoffLimit"] == 2
    assert [workload.id for workload in env.workloads] == ["api", "train"]


class Forgetful(TrainingJob):
    """A training whose author forgot something."""

    def __init__(self, scope: constructs.Construct, id: str) -> None:  # noqa: A002 # as constructs
        pass


class ForgetfulEnvironment(Environment):
    """An environment whose author forgot the same."""

    def __init__(self, *, team: str) -> None:
        pass


@pytest.mark.parametrize(
    ("cls", "given", "where"),
    [(Forgetful, ("train",), "test/train"), (ForgetfulEnvironment, (), "ForgetfulEnvironment")],
)
def test_x11_a_constructor_that_forgets_ours(tmp_path: Path, cls: Any, given: tuple[str, ...], where: str) -> None:
    env = environment(tmp_path)
    with pytest.raises(SpecError) as caught:
        cls(env, *given) if given else cls(team="a")
    finding = caught.value.finding
    assert f"{finding.rule} {finding.text}" == (
        f"X11 {where}: {cls.__name__} but its __init__ never calls super().__init__(...), so nothing would be rendered;"
        " call it there, with the scope, the id and the options"
    )
    assert str(finding.source).startswith(f"{__file__}:")


@jsii.implements(constructs.IValidation)
class Strict:
    """Finds something."""

    def validate(self) -> list[str]:
        """Say what."""
        return ["no replicas", "no port"]


def test_x18_a_validation_is_told_at_its_own_environment(tmp_path: Path) -> None:
    """cdk8s validates the whole fleet, for whichever environment it is asked."""
    fleet = Fleet(root=tmp_path)
    dev, prod = (Environment(fleet, name, cluster=CLUSTER, namespace=f"ml-{name}") for name in ("dev", "prod"))
    service(dev).node.add_validation(Strict())
    service(prod)
    assert [f"{one.rule} {one.text}" for one in found(dev)] == [
        (
            "X18 dev: cdk8s but its synthesis says: Validation failed with the following errors:"
            " [dev/api] no replicas [dev/api] no port; mend the construct"
        )
    ]
    assert found(prod) == found(dev)


def test_a_validation_that_fails_is_told_once(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    project.edit(
        "environments/dev.py",
        "def dev",
        'import constructs\nimport jsii\n\n\n@jsii.implements(constructs.IValidation)\nclass No:\n'
        '    def validate(self):\n        return ["no"]\n\n\ndef dev',
    )  # fmt: skip
    project.edit("environments/dev.py", "most=3)", "most=3)\n    env.workloads[0].node.add_validation(No())")
    for command in ((*MODELYARD_SYNTH, "--jobs", "1"), (*MODELYARD_SYNTH, "--jobs", "2")):
        done = project.run(*command)
        assert done.code == 1
        assert done.err == (
            "environments/dev.py:20: error[X18] dev: cdk8s but its synthesis says:"
            " Validation failed with the following errors: [dev/sentiment] no; mend the construct\n"
            "1 error; dist/ is unchanged; modelyard explain X18 tells more\n"
        )
