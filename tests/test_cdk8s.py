"""Real cdk8s all the way: its command line runs our program, its library shows our objects and brings its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cdk8s
import cdk8s_plus_34 as kplus
import constructs
import pytest
import yaml

from modelyard import Environment, SynthesisError
from modelyard.render.objects import gather
from tests import project as projects
from tests.project import CDK8S_SYNTH, Project, Snapshot, snapshot
from tests.support import environment, found, service, training


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project that modelyard itself has rendered."""
    made = projects.make(tmp_path_factory.mktemp("golden") / "project")
    made.synth()
    return made


def manifests(tree: Snapshot) -> dict[str, bytes]:
    """Return the manifests of a tree, by path."""
    return {path: content for path, (_, content) in tree.items() if path.endswith(".yaml")}


def test_cdk8s_synth_renders_what_modelyard_synth_renders_and_lists_it(golden: Project, tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    done = project.run(*CDK8S_SYNTH)
    listed = sorted(manifests(project.snapshot()))
    lines = ["Synthesizing application", *(f"  - .modelyard/cdk8s/{path}" for path in listed), ""]
    assert (done.code, done.out, done.err) == (0, "\n".join(lines), "2 environments, 18 objects: 20 files written\n")
    assert project.snapshot() == golden.snapshot()
    assert manifests(snapshot(project.root / ".modelyard" / "cdk8s")) == manifests(golden.snapshot())


def test_a_second_cdk8s_synth_leaves_dist_alone(golden: Project, tmp_path: Path) -> None:
    project = golden.copy(tmp_path / "project")
    (project.dist / "README.md").write_text("mine")
    before = projects.stamps(project.dist)
    assert project.run(*CDK8S_SYNTH).code == 0
    assert project.run(*CDK8S_SYNTH).code == 0
    assert projects.stamps(project.dist) == before


def test_a_failing_program_leaves_dist_alone_and_says_why(golden: Project, tmp_path: Path) -> None:
    project = golden.copy(tmp_path / "project")
    project.edit("environments/prod.py", "retries=3", "retrys=3")
    before = projects.stamps(project.dist)
    done = project.run(*CDK8S_SYNTH)
    finding = "environments/prod.py:23: error[X12] prod/tune: retrys=3 but TrainingJob has no such option; did you mean retries?\n"
    assert done.code == 1
    assert done.err.startswith(f"{finding}1 error; dist/ is unchanged; modelyard explain X12 tells more\n")
    assert "non-zero exit code 1" in done.err
    assert 'File "' not in done.err
    assert projects.stamps(project.dist) == before


@pytest.mark.parametrize("flags", [("--format", "heml"), ("--no-such-flag",), ("--stdout", "-o", "x")])
def test_wrong_flags_of_cdk8s_leave_dist_alone(golden: Project, tmp_path: Path, flags: tuple[str, ...]) -> None:
    project = golden.copy(tmp_path / "project")
    before = projects.stamps(project.dist)
    done = project.run(*CDK8S_SYNTH, *flags)
    assert (done.code == 0) == (flags == ("--no-such-flag",))
    assert projects.stamps(project.dist) == before


def test_stdout_prints_every_manifest(golden: Project, tmp_path: Path) -> None:
    project = golden.copy(tmp_path / "project")
    done = project.run(*CDK8S_SYNTH, "--stdout")
    assert done.code == 0
    printed = done.out.replace("Synthesizing application\n", "")
    expected = b"".join(manifests(golden.snapshot()).values()).decode()
    assert sorted(printed.splitlines()) == sorted(expected.splitlines())
    assert project.snapshot() == golden.snapshot()


REFUSAL = (
    "error: cdk8s deletes its output folder before it runs this program, so its output must not be dist/: "
    "write output: .modelyard/cdk8s in cdk8s.yaml and leave --output away, then bring dist/ back with git\n"
)


@pytest.mark.parametrize("output", ["dist", "./dist/", "dist/prod"])
def test_an_output_that_cdk8s_would_delete_is_refused(golden: Project, tmp_path: Path, output: str) -> None:
    project = golden.copy(tmp_path / "project")
    project.edit("cdk8s.yaml", "output: .modelyard/cdk8s", f"output: {output}")
    done = project.run(*CDK8S_SYNTH)
    assert (done.code, done.out) == (1, "Synthesizing application\n")
    assert done.err.startswith(REFUSAL)
    assert "Traceback" not in done.err


@pytest.mark.parametrize("written", ["output: dist\n", "output: ./dist/prod\n", ""])
@pytest.mark.parametrize("command", ["synth", "check"])
def test_such_an_output_is_told_of_before_cdk8s_deletes_anything(
    golden: Project, tmp_path: Path, written: str, command: str
) -> None:
    project = golden.copy(tmp_path / "project")
    project.edit("cdk8s.yaml", "output: .modelyard/cdk8s\n", written)
    done = project.run(projects.MODELYARD, command)
    assert done.code == 2
    assert done.err == (
        "error: cdk8s.yaml: cdk8s synth would delete dist/ before it runs anything of modelyard's, since that is its"
        " output folder; write output: .modelyard/cdk8s\n"
    )
    assert project.snapshot() == golden.snapshot()


def test_a_missing_output_is_the_same_as_dist(golden: Project, tmp_path: Path) -> None:
    project = golden.copy(tmp_path / "project")
    project.edit("cdk8s.yaml", "output: .modelyard/cdk8s\n", "")
    assert project.run(*CDK8S_SYNTH).err.startswith(REFUSAL)


def test_another_output_gets_the_manifests_too(golden: Project, tmp_path: Path) -> None:
    project = golden.copy(tmp_path / "project")
    shutil.rmtree(project.dist)
    assert project.run(*CDK8S_SYNTH, "-o", tmp_path / "elsewhere").code == 0
    assert manifests(snapshot(tmp_path / "elsewhere")) == manifests(golden.snapshot())
    assert project.snapshot() == golden.snapshot()


def foreign(env: Environment) -> None:
    """Add what a user of plain cdk8s and cdk8s-plus adds."""
    deployment = kplus.Deployment(
        env,
        "dashboard",
        metadata=cdk8s.ApiObjectMetadata(name="dashboard", labels={"app": "dashboard"}),
        replicas=2,
        pod_metadata=cdk8s.ApiObjectMetadata(labels={"app": "dashboard"}),
    )
    deployment.add_container(
        image="ghcr.io/acme/dashboard@sha256:" + "4" * 64,
        name="dashboard",
        resources=kplus.ContainerResources(
            cpu=kplus.CpuResources(request=kplus.Cpu.millis(100), limit=kplus.Cpu.millis(200)),
            memory=kplus.MemoryResources(request=cdk8s.Size.mebibytes(64), limit=cdk8s.Size.mebibytes(64)),
        ),
    )
    kplus.ConfigMap(
        env, "links", metadata=cdk8s.ApiObjectMetadata(name="links"), data={"docs": "https://example.com", "on": "yes"}
    )
    cdk8s.ApiObject(
        env,
        "gold",
        api_version="scheduling.k8s.io/v1",
        kind="PriorityClass",
        metadata=cdk8s.ApiObjectMetadata(name="gold"),
    ).add_json_patch(cdk8s.JsonPatch.add("/value", 1000))


def names(objects: list[dict[str, Any]]) -> set[str]:
    """Return kind and name of each of *objects*, hashes at the end of names cut off."""
    logical = (
        one["metadata"].get("annotations", {}).get("modelyard.dev/name", one["metadata"]["name"]) for one in objects
    )
    return {f"{one['kind']}/{name}" for one, name in zip(objects, logical, strict=True)}


OURS = {
    "Deployment/api", "Service/api", "HorizontalPodAutoscaler/api", "PodDisruptionBudget/api", "ServiceAccount/api", "NetworkPolicy/api",
    "Job/train", "ServiceAccount/train", "NetworkPolicy/train", "Namespace/ml-test",
}  # fmt: skip
FOREIGN = {"Deployment/dashboard", "ConfigMap/links", "PriorityClass/gold"}


def test_testing_synth_shows_our_objects_and_foreign_ones(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env)
    training(env)
    accepting_foreign = environment(tmp_path / "foreign", **tolerant(tmp_path))
    foreign(accepting_foreign)
    assert names(cdk8s.Testing.synth(env)) == OURS
    assert names(cdk8s.Testing.synth(accepting_foreign)) == FOREIGN | {"Namespace/ml-test"}


def tolerant(folder: Path) -> dict[str, Any]:
    """Return the options of an environment that takes cdk8s-plus as it comes: what it renders is its authors' matter."""
    options = {"pod_security": "baseline"}
    env = environment(folder / "probe", **options)
    foreign(env)
    return {**options, "accept": {finding.rule: "cdk8s-plus renders it so" for finding in found(env)}}


def test_foreign_objects_land_in_dist_and_are_whole(tmp_path: Path) -> None:
    env = environment(tmp_path, **tolerant(tmp_path))
    service(env)
    foreign(env)
    gathered = gather(env)
    assert [str(finding) for finding in gathered.findings] == []
    by_path = {one.path: yaml.safe_load(one.text) for one in gathered.objects if one.owner is None}
    assert set(by_path) == {
        "test/_environment/namespace.yaml",
        "test/_environment/deployment-dashboard.yaml",
        "test/_environment/configmap-links.yaml",
        "test/_environment/priorityclass-gold.yaml",
    }
    assert by_path["test/_environment/configmap-links.yaml"] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "links", "namespace": "ml-test"},
        "data": {"docs": "https://example.com", "on": "yes"},
        "immutable": False,
    }
    assert by_path["test/_environment/priorityclass-gold.yaml"] == {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "gold"},
        "value": 1000,
    }


def refused(env: Environment, finding: str) -> None:
    """Assert that nothing is shown of *env*, for one reason; an exception that crosses Node loses its class there."""
    with pytest.raises(RuntimeError) as failure:
        cdk8s.Testing.synth(env)
    assert str(failure.value).partition(": ")[2] == finding
    with pytest.raises(SynthesisError) as direct:
        env.to_json()
    assert str(direct.value).partition(": ")[2] == finding


def test_foreign_objects_are_checked(tmp_path: Path) -> None:
    env = environment(tmp_path)
    cdk8s.ApiObject(
        env, "typo", api_version="v1", kind="ConfigMap", metadata=cdk8s.ApiObjectMetadata(name="typo")
    ).add_json_patch(cdk8s.JsonPatch.add("/dta", {"a": "b"}))
    refused(env, "error[X05] test: ConfigMap typo but it has no field 'dta'; did you mean 'data'?")


def test_a_patch_changes_the_object_and_the_result_is_checked_again(tmp_path: Path) -> None:
    env = environment(tmp_path)
    api = service(env)
    api.add_json_patch("Deployment", {"op": "add", "path": "/spec/minReadySeconds", "value": 7})
    api.add_json_patch("Deployment", {"op": "add", "path": "/metadata/annotations", "value": {"note": "1e3"}})
    rendered = next(one for one in cdk8s.Testing.synth(env) if one["kind"] == "Deployment")
    assert rendered["spec"]["minReadySeconds"] == 7
    assert rendered["metadata"]["annotations"] == {"note": "1e3"}
    api.add_json_patch("Deployment", {"op": "add", "path": "/spec/minReadySecs", "value": 7})
    refused(
        env,
        "error[X05] test/api: Deployment api spec but it has no field 'minReadySecs'; did you mean 'minReadySeconds'?",
    )


def test_a_foreign_construct_that_cdk8s_refuses_is_a_finding(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env)
    kplus.Deployment(env, "empty")
    texts = [finding.text for finding in found(env) if finding.rule == "X18"]
    assert len(texts) == 1
    assert texts[0].startswith("test: cdk8s but its synthesis says: ")


def test_a_fleet_of_our_workloads_alone_needs_no_node(golden: Project, tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project")
    no_node = {"JSII_NODE": "/nowhere/node"}
    done = project.run(projects.MODELYARD, "synth", "dev", env=no_node)
    assert (done.code, done.out, done.err) == (0, "1 environment, 7 objects: 8 files written\n", "")
    ours = {path: content for path, content in golden.snapshot().items() if "prod" not in path}
    assert {path: content for path, content in project.snapshot().items() if "prod" not in path} == ours
    done = project.run(projects.MODELYARD, "synth", env=no_node)
    because = "cdk8s needs Node, and /nowhere/node cannot be run: No such file or directory; unset JSII_NODE"
    assert done.err.startswith(f"environments/prod.py:27: error[X10] prod: this raised RuntimeError: {because}; ")
    assert done.err.count("\n") == 2


def test_a_program_that_imports_cdk8s_first_renders_the_same(golden: Project, tmp_path: Path) -> None:
    """Its Node runs before modelyard is there, so no process may be forked that would share it."""
    project = projects.make(tmp_path / "project")
    project.edit("main.py", "from modelyard", "import cdk8s  # noqa: F401\nfrom modelyard")
    started = "import json, modelyard.fleet, modelyard._jsii as one; print(json.dumps(one.Node.started))"
    for first, answer in (("import cdk8s; ", "true\n"), ("", "false\n")):
        assert project.run(projects.BIN / "python", "-c", first + started).out == answer
    for command in (projects.MAIN_PY, (*projects.MODELYARD_SYNTH, "--jobs", "2")):
        shutil.rmtree(project.dist, ignore_errors=True)
        done = project.run(*command)
        assert (done.code, done.out, done.err) == (0, "2 environments, 18 objects: 20 files written\n", "")
        assert project.snapshot() == golden.snapshot()


def test_the_tree_of_constructs_is_whole_whoever_looks_first(tmp_path: Path) -> None:
    """Workloads are handed to cdk8s when it is asked; what was made before, between and after is in order."""
    env = environment(tmp_path)
    api = service(env)
    gold = cdk8s.ApiObject(env, "gold", api_version="v1", kind="ConfigMap")
    train = training(env)
    assert [child.node.id for child in env.node.children] == ["api", "gold", "train"]
    assert all(child is made for child, made in zip(env.node.children, (api, gold, train), strict=True))
    assert train.node.path == "test/train"
    assert env.node.root is env.fleet
    other = environment(tmp_path / "other")
    alone = service(other)
    everything: list[object] = [other.fleet, other, alone]
    assert all(one is made for one, made in zip(other.fleet.node.find_all(), everything, strict=True))
    assert alone.node.scope is other


def test_a_workload_inside_a_workload_is_below_it(tmp_path: Path) -> None:
    env = environment(tmp_path)
    api = service(env)
    inner = training(env)
    nested = constructs.Construct(api, "group")
    assert nested.node.path == "test/api/group"
    assert [child.node.id for child in api.node.children] == ["group"]
    assert inner.node.scope is env


def test_an_id_that_a_foreign_construct_has_is_refused_where_it_is_taken(tmp_path: Path) -> None:
    env = environment(tmp_path)
    service(env)
    with pytest.raises(RuntimeError, match="There is already a Construct with name 'api'"):
        cdk8s.ApiObject(env, "api", api_version="v1", kind="ConfigMap")
    cdk8s.ApiObject(env, "train", api_version="v1", kind="ConfigMap")
    with pytest.raises(RuntimeError, match="There is already a Construct with name 'train'"):
        training(env)
    assert [workload.id for workload in env.workloads] == ["api"]
