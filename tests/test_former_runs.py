"""What a run that is kept still needs when its training becomes something else: names, ports, accounts, claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard import (
    Claim,
    Crd,
    Environment,
    ExternalSecret,
    Fleet,
    Job,
    JobSet,
    Metrics,
    Monitoring,
    Network,
    Peer,
    RayJob,
    SecretKey,
    SecretStore,
    TrainJob,
    VolcanoJob,
    Watch,
)
from modelyard.images import lock_path, read
from modelyard.render.engine import Report, Request, synthesize
from modelyard.render.environment import summaries
from tests.manifests import MISSING, at
from tests.support import cluster_with, environment, training

CLUSTER = cluster_with(
    installed=[Crd.JOBSET, Crd.KUBEFLOW_TRAINER, Crd.KUBERAY, Crd.VOLCANO, Crd.PROMETHEUS_OPERATOR],
    monitoring=Monitoring("monitoring"),
)
Manifest = dict[str, Any]
Options = dict[str, Any]
SHAPES: dict[str, Options] = {
    "one pod": {},
    "a Job of several nodes": {"backend": Job(), "nodes": 3},
    "one pod that is scraped": {"watch": Watch(metrics=Metrics(9090))},
    "a JobSet": {"backend": JobSet(), "nodes": 3},
    "a TrainJob": {"backend": TrainJob(), "nodes": 2},
    "a RayJob": {"backend": RayJob(), "nodes": 2},
    "a RayJob of another operator": {"backend": RayJob(operator_namespace="ray")},
    "a VolcanoJob": {"backend": VolcanoJob(), "nodes": 3},
    "a caller and a database": {
        "network": Network(clients=[Peer("tools", ports=[7000])], egress=[Peer("databases", ports=[5432])])
    },
}
RUNS = {"Job", "JobSet", "TrainJob", "RayJob"}
LABELS = {
    "batch/v1": ("batch.kubernetes.io/job-name",),
    "batch.volcano.sh/v1alpha1": ("volcano.sh/job-name",),
    "jobset.x-k8s.io/v1alpha2": ("jobset.sigs.k8s.io/jobset-name",),
    "trainer.kubeflow.org/v1alpha1": ("jobset.sigs.k8s.io/jobset-name",),
    "ray.io/v1": ("ray.io/cluster",),
}
"""What the controllers add to the labels of pods; KubeRay's cluster has the name of the run and five letters more."""


def synth(root: Path, options: Options, *, keep: int = 1) -> Report:
    """Render the training with *options*, as a new process would."""

    def test(fleet: Fleet) -> None:
        training(Environment(fleet, "test", cluster=CLUSTER, namespace="ml-test"), keep_runs=keep, **options)

    return synthesize(Request(main=root / "main.py", fleet=Fleet({"test": test}, root=root)))


def rendered(root: Path) -> list[Manifest]:
    """Return every object of the training."""
    return [yaml.safe_load(path.read_text()) for path in sorted((root / "dist" / "test" / "train").glob("*.yaml"))]


def files(root: Path) -> dict[str, bytes]:
    """Return what was written, and the lock file."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in (root / "dist", root / "environments")
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_of(manifests: list[Manifest]) -> Manifest:
    """Return the one run that is not a former one."""
    (found,) = (
        one for one in manifests if one["kind"] in RUNS and "Skip" not in one["metadata"]["annotations"].values()
    )
    return found


def pods(run: Manifest, manifests: list[Manifest]) -> Iterator[tuple[dict[str, str], Manifest]]:
    """Yield the labels and specs of the pods of *run*, as its controller makes them."""
    whole = run
    if run["kind"] == "TrainJob":
        name = run["spec"]["runtimeRef"]["name"]
        (whole,) = (one for one in manifests if one["kind"] == "TrainingRuntime" and one["metadata"]["name"] == name)
    (label,) = LABELS[run["apiVersion"]]
    name = run["metadata"]["name"] + ("-x2v8k" if run["kind"] == "RayJob" else "")
    for template in _templates(whole["spec"]):
        yield {**template["metadata"]["labels"], label: name}, template["spec"]


def _templates(value: Any) -> Iterator[Manifest]:
    if isinstance(value, dict):
        if "containers" in value.get("spec", {}) and "metadata" in value:
            yield value
        for inner in value.values():
            yield from _templates(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _templates(inner)


def chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether *selector*, of a policy, chooses pods with *labels*."""
    found = selector.get("matchExpressions", [])
    assert all(one["operator"] == "Exists" for one in found)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(one["key"] in labels for one in found)


def passing(labels: Mapping[str, str], manifests: list[Manifest]) -> list[tuple[str, Any]]:
    """Return what reaches pods with *labels*, and what they reach."""
    return [
        (direction, rule)
        for one in manifests
        if one["kind"] == "NetworkPolicy" and chosen(one["spec"]["podSelector"], labels)
        for direction in ("ingress", "egress")
        for rule in one["spec"].get(direction, [])
    ]


def policies(root: Path) -> list[str]:
    """Return the names of the policies."""
    return [one["metadata"]["name"] for one in rendered(root) if one["kind"] == "NetworkPolicy"]


def named(manifests: list[Manifest], kind: str) -> set[str]:
    """Return the names of the objects of *kind*."""
    return {one["metadata"]["name"] for one in manifests if one["kind"] == kind}


def cut_off(run: Manifest, before: list[Manifest], now: list[Manifest]) -> Iterator[str]:
    """Yield what the pods of *run* had *before* and do not have *now*."""
    for labels, spec in pods(run, before):
        reached = passing(labels, now)
        yield from (f"{run['kind']}: {one}" for one in passing(labels, before) if one not in reached)
        services = [one for one in now if one["kind"] == "Service" and one["metadata"]["name"] == spec.get("subdomain")]
        if "subdomain" in spec and [one["spec"]["clusterIP"] for one in services] != ["None"]:
            yield f"{run['kind']}: no Service {spec['subdomain']}"
        yield from (f"Service {one}" for one in services if not one["spec"]["selector"].items() <= labels.items())
        if spec["serviceAccountName"] not in named(now, "ServiceAccount"):
            yield f"{run['kind']}: no ServiceAccount {spec['serviceAccountName']}"


def twice(manifests: list[Manifest]) -> list[tuple[str, str]]:
    """Return what is rendered more than once."""
    count = Counter((f"{one['apiVersion']} {one['kind']}", one["metadata"]["name"]) for one in manifests)
    return [key for key, number in count.items() if number > 1]


@pytest.mark.parametrize("first", SHAPES)
def test_no_other_shape_cuts_off_a_run_that_is_kept(first: str) -> None:
    """Each follows each: the pods of the former run find each other, and reach and are reached as before."""
    for second in SHAPES.values():
        with TemporaryDirectory() as folder:
            root = Path(folder)
            synth(root, {**SHAPES[first], "env": {"RUN": "0"}})
            before = rendered(root)
            synth(root, {**second, "env": {"RUN": "1"}})
            assert [*cut_off(run_of(before), before, rendered(root))] == []


shapes = st.sampled_from(sorted(SHAPES))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(first=shapes, second=shapes, third=shapes, keep=st.integers(1, 2))
def test_no_kept_run_loses_what_it_had(first: str, second: str, third: str, keep: int) -> None:
    """Whatever becomes of the training, to the end: then what nobody needs is gone, from the lock file, too."""
    options: Options = {}
    with TemporaryDirectory() as folder:
        root, former = Path(folder), list[tuple[Manifest, list[Manifest]]]()
        for number, shape in enumerate((first, second, third)):
            options = {**SHAPES[shape], "env": {"RUN": str(number)}}
            synth(root, options, keep=keep)
            now = rendered(root)
            former = former[-keep:]
            assert [lost for run, before in former for lost in cut_off(run, before, now)] == []
            assert twice(now) == []
            former.append((run_of(now), now))
            written = files(root)
            assert synth(root, options, keep=keep).stale is False
            assert files(root) == written
        synth(root, options, keep=0)
        left = rendered(root)
        assert read(lock_path(root, "test")).generations == {}
    with TemporaryDirectory() as folder:
        synth(Path(folder), options, keep=0)
        assert left == rendered(Path(folder))


def test_a_policy_stays_open_to_the_pods_of_a_former_ray_job(tmp_path: Path) -> None:
    """For them alone: what the new run does not ask for is closed to its pods."""
    synth(tmp_path, SHAPES["a RayJob"])
    synth(tmp_path, SHAPES["one pod"])
    (kept, now) = (one for one in rendered(tmp_path) if one["kind"] == "NetworkPolicy")

    assert at(now, "spec.ingress") == MISSING
    name = kept["metadata"]["name"]
    assert (kept["metadata"]["annotations"], kept["metadata"]["labels"]) == (
        {"modelyard.dev/name": "train", **now["metadata"]["annotations"]},
        now["metadata"]["labels"],
    )
    assert kept["spec"]["podSelector"] == {
        "matchLabels": {"app": "train"},
        "matchExpressions": [{"key": "ray.io/cluster", "operator": "Exists"}],
    }
    assert kept["spec"]["ingress"] == [
        {"from": [{"podSelector": {"matchLabels": {"app": "train"}}}]},
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kuberay-system"}}}],
            "ports": [{"protocol": "TCP", "port": 8265}],
        },
    ]
    assert kept["spec"]["egress"] == now["spec"]["egress"]
    assert f"dist/test/train/networkpolicy-{name}.yaml" in files(tmp_path)


@pytest.mark.parametrize(
    ("shape", "label"),
    [
        ("a Job of several nodes", "batch.kubernetes.io/job-name"),
        ("a JobSet", "jobset.sigs.k8s.io/jobset-name"),
        ("a TrainJob", "jobset.sigs.k8s.io/jobset-name"),
        ("a VolcanoJob", "volcano.sh/job-name"),
    ],
)
def test_a_policy_is_for_the_pods_of_its_run(tmp_path: Path, shape: str, label: str) -> None:
    """By the label that the controller of each kind gives them."""
    synth(tmp_path, SHAPES[shape])
    run = run_of(rendered(tmp_path))["metadata"]["name"]
    synth(tmp_path, SHAPES["one pod"])
    kept, _ = (one for one in rendered(tmp_path) if one["kind"] == "NetworkPolicy")

    assert kept["spec"]["podSelector"] == {"matchLabels": {"app": "train", label: run}}


def test_the_service_of_several_nodes_stays_as_it_was(tmp_path: Path) -> None:
    """In its place and byte for byte, until no run asks for it; in the lock file it has its content in its name."""
    synth(tmp_path, SHAPES["a Job of several nodes"])
    path = tmp_path / "dist" / "test" / "train" / "service.yaml"
    before = path.read_bytes()
    synth(tmp_path, SHAPES["a JobSet"])

    assert path.read_bytes() == before
    (held,) = (
        one.manifest
        for one in read(lock_path(tmp_path, "test")).generations["train"]
        if one.manifest["kind"] == "Service"
    )
    assert held["metadata"]["name"].startswith("train-")
    assert held["metadata"]["annotations"]["modelyard.dev/name"] == "train"
    assert policies(tmp_path) == ["train"]  # all pods of a JobSet may talk to each other, too
    synth(tmp_path, {**SHAPES["a JobSet"], "env": {"RUN": "2"}})
    assert not path.exists()


def test_without_dist_the_lock_file_says_all(tmp_path: Path) -> None:
    """As with the runs themselves."""
    synth(tmp_path, SHAPES["a Job of several nodes"])
    synth(tmp_path, SHAPES["one pod"])
    before = files(tmp_path)
    for folder in ("dist", ".modelyard"):
        (tmp_path / folder).rename(tmp_path / f"{folder}-before")
    synth(tmp_path, SHAPES["one pod"])

    assert files(tmp_path) == before
    assert {one.manifest["kind"] for one in read(lock_path(tmp_path, "test")).generations["train"]} == {
        "Job", "Service", "NetworkPolicy",
    }  # fmt: skip


def test_account_claim_and_secret_stay_for_a_run_that_asks_for_them(tmp_path: Path) -> None:
    """Under their plain names, and no longer than that run."""
    secret = ExternalSecret("token", {"key": "ml/token"}, store=SecretStore("vault"))
    first = {
        "volumes": [Claim("scratch", "/scratch", size="10Gi", access_mode="ReadWriteOnce")],
        "secrets": [secret],
        "env": {"TOKEN": SecretKey("token", "key")},
    }
    cluster = [Crd.EXTERNAL_SECRETS]
    kinds = {"ServiceAccount/train", "PersistentVolumeClaim/scratch", "ExternalSecret/token"}

    def there() -> set[str]:
        return kinds & {f"{one['kind']}/{one['metadata']['name']}" for one in rendered(tmp_path)}

    synth_with(tmp_path, cluster, first)
    assert there() == kinds
    synth_with(tmp_path, cluster, {"service_account": "shared"})
    assert there() == kinds
    synth_with(tmp_path, cluster, {"service_account": "shared", "env": {"RUN": "3"}})
    assert there() == set()


def synth_with(root: Path, installed: list[Crd], options: Options) -> None:
    """Render the training with *options* on a cluster that has *installed*."""

    def test(fleet: Fleet) -> None:
        env = Environment(fleet, "test", cluster=cluster_with(installed=installed), namespace="ml-test")
        training(env, keep_runs=1, **options)

    synthesize(Request(main=root / "main.py", fleet=Fleet({"test": test}, root=root)))


def test_a_policy_that_closes_without_a_new_run_closes_for_the_run_that_goes_on(tmp_path: Path) -> None:
    """It is what the Python says of that run; only a former one keeps what it had."""
    shape = SHAPES["a caller and a database"]
    synth(tmp_path, shape)
    synth(tmp_path, {**shape, "env": {"RUN": "2"}})
    assert policies(tmp_path) == ["train"]
    synth(tmp_path, {"env": {"RUN": "2"}})
    manifests = rendered(tmp_path)
    ((labels, _),) = pods(run_of(manifests), manifests)

    assert len(policies(tmp_path)) == 2
    assert "5432" not in str(passing(labels, manifests))


def test_a_run_that_is_taken_out_of_the_lock_file_takes_along_what_it_needed(tmp_path: Path) -> None:
    """Nothing else asks for it."""
    synth(tmp_path, SHAPES["a Job of several nodes"])
    synth(tmp_path, SHAPES["one pod"])
    lock_path(tmp_path, "test").unlink()
    synth(tmp_path, SHAPES["one pod"])

    assert (policies(tmp_path), named(rendered(tmp_path), "Service")) == (["train"], set())
    assert not lock_path(tmp_path, "test").exists()


def test_what_is_kept_is_listed_by_the_names_in_the_cluster(tmp_path: Path) -> None:
    """The hash that a Service has in the lock file is none of its name."""
    synth(tmp_path, SHAPES["a Job of several nodes"])
    run = run_of(rendered(tmp_path))["metadata"]["name"]
    synth(tmp_path, SHAPES["one pod"])
    scope = environment(tmp_path, cluster=CLUSTER)
    training(scope, keep_runs=1)
    (listed,) = summaries(scope)
    (policy,) = (one for one in policies(tmp_path) if one != "train")

    assert listed["kept"] == [f"Job {run}", "Service train", f"NetworkPolicy {policy}"]
