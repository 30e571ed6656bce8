"""Former runs and configurations: what stays rendered, what the lock file says of it, and when it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard import (
    Accelerator,
    Cluster,
    ConfigFiles,
    Crd,
    Environment,
    Fleet,
    Gpu,
    HuggingFace,
    Loader,
    Queue,
    Schedule,
    Severity,
    Sweep,
    SynthesisError,
    UsageError,
)
from modelyard.images import lock_path, pinned, read, write
from modelyard.pod import digest
from modelyard.render.engine import Report, Request, synthesize
from modelyard.render.report import summary
from tests.project import MODELYARD, make
from tests.support import CLUSTER, IMAGE, environment, found_by, having, service, training

NOT_APPLIED = {"argocd.argoproj.io/hook": "Skip", "kustomize.toolkit.fluxcd.io/reconcile": "disabled"}
DIGEST = "sha256:" + "a" * 64
Build = Callable[[Environment], object]


def synth(root: Path, build: Build, *, write: bool = True, **options: Any) -> Report:
    """Render an environment ``test``, which *build* fills, as a new process would."""

    def test(fleet: Fleet) -> None:
        build(Environment(fleet, "test", **{"cluster": CLUSTER, "namespace": "ml-test", **options}))

    return synthesize(Request(main=root / "main.py", fleet=Fleet({"test": test}, root=root), write=write))


def run(epochs: int, keep: int = 2, **options: Any) -> Build:
    """Return what makes a training that is another run for each number of *epochs*."""
    return lambda env: training(env, env={"EPOCHS": str(epochs)}, keep_runs=keep, **options)


def configured(number: int) -> Build:
    """Return what makes a service that has another configuration for each *number*."""
    return lambda env: service(env, config=ConfigFiles("/etc/api", {"a.yaml": f"a: {number}\n"}))


def files(root: Path) -> list[str]:
    """Return the names of the files of the workloads, those of their Jobs and ConfigMaps only."""
    folder = root / "dist" / "test"
    return sorted(path.name for path in folder.rglob("*.yaml") if path.name.startswith(("job", "configmap")))


def name(root: Path, file: str) -> str:
    """Return the name of the object in *file* of the training or service."""
    (path,) = (root / "dist" / "test").glob(f"*/{file}.yaml")
    return str(yaml.safe_load(path.read_text())["metadata"]["name"])


def kept(root: Path) -> dict[str, list[str]]:
    """Return what the lock file keeps."""
    return {
        owner: [one.manifest["metadata"]["name"] for one in formers]
        for owner, formers in read(lock_path(root, "test")).generations.items()
    }


def content(root: Path) -> dict[str, bytes]:
    """Return every file of ``dist/`` and of ``environments/``."""
    folders = (root / "dist", root / "environments")
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


# What is kept


def test_a_run_that_is_replaced_stays_rendered_as_it_was(tmp_path: Path) -> None:
    """Two annotations are added, by which both controllers leave it alone; the rest is byte for byte the same."""
    synth(tmp_path, run(1))
    folder = tmp_path / "dist" / "test" / "train"
    before = (folder / "job.yaml").read_text()
    first = name(tmp_path, "job")
    report = synth(tmp_path, run(2))

    assert files(tmp_path) == [f"job-{first}.yaml", "job.yaml"]
    after = (folder / f"job-{first}.yaml").read_text()
    added = "".join(f"    {key}: {text}\n" for key, text in NOT_APPLIED.items())
    assert after.replace(added, "") == before
    assert after != before
    assert summary(report) == "1 environment, 5 objects: 4 files written"
    assert report.locks == ["environments/test.lock.yaml"]


def test_so_many_runs_are_kept_newest_first(tmp_path: Path) -> None:
    """The oldest goes from the lock file and from ``dist/`` when there are more."""
    names = []
    for epochs in range(4):
        synth(tmp_path, run(epochs))
        names.append(name(tmp_path, "job"))

    assert kept(tmp_path) == {"train": [names[2], names[1]]}
    assert files(tmp_path) == sorted(["job.yaml", f"job-{names[2]}.yaml", f"job-{names[1]}.yaml"])


def test_without_the_option_no_run_is_kept(tmp_path: Path) -> None:
    """And no lock file is written."""
    synth(tmp_path, run(1, keep=0))
    report = synth(tmp_path, run(2, keep=0))

    assert files(tmp_path) == ["job.yaml"]
    assert (report.locks, lock_path(tmp_path, "test").exists()) == ([], False)


def test_a_lower_number_lets_runs_go(tmp_path: Path) -> None:
    """The lock file follows."""
    for epochs in range(3):
        synth(tmp_path, run(epochs))
    synth(tmp_path, run(2, keep=1))

    assert [len(names) for names in kept(tmp_path).values()] == [1]
    synth(tmp_path, run(2, keep=0))
    assert kept(tmp_path) == {}
    assert files(tmp_path) == ["job.yaml"]


def test_a_run_of_another_queue_is_kept_as_it_was(tmp_path: Path) -> None:
    """Another queue is another run; the one before keeps its labels, and only says that nobody applies it."""

    def build(queue: str) -> Build:
        return run(1, queue=Queue(queue, priority="low"))

    cluster = having(Crd.KUEUE)
    synth(tmp_path, build("research"), cluster=cluster)
    first = yaml.safe_load((tmp_path / "dist/test/train/job.yaml").read_text())
    synth(tmp_path, build("product"), cluster=cluster)
    former = yaml.safe_load((tmp_path / f"dist/test/train/job-{first['metadata']['name']}.yaml").read_text())

    assert former["metadata"].pop("annotations").items() >= NOT_APPLIED.items()
    del first["metadata"]["annotations"]
    assert former == first
    assert former["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"


def test_a_run_that_was_named_by_its_spec_alone_is_kept(tmp_path: Path) -> None:
    """As an older version named what waits in a queue; an edit of the spec is still told of."""
    cluster = having(Crd.KUEUE)
    synth(tmp_path, run(1, queue=Queue("research")), cluster=cluster)
    synth(tmp_path, run(2, queue=Queue("research")), cluster=cluster)
    path = lock_path(tmp_path, "test")
    (former,) = read(path).generations["train"]
    manifest = former.manifest
    old, new = manifest["metadata"]["name"], f"train-{digest(manifest['spec'])}"
    assert old != new
    path.write_text(path.read_text().replace(old, new))
    synth(tmp_path, run(2, queue=Queue("research")), cluster=cluster)
    assert kept(tmp_path) == {"train": [new]}

    path.write_text(path.read_text().replace("EPOCHS", "ROUNDS"))
    with pytest.raises(SynthesisError) as caught:
        synth(tmp_path, run(2, queue=Queue("research")), cluster=cluster)
    assert [one.rule for one in caught.value.findings] == ["X13"]


def test_the_last_configuration_of_a_service_is_kept(tmp_path: Path) -> None:
    """It is applied as ever: pods of the last rollout, and those of a rollback, mount it."""
    synth(tmp_path, configured(1))
    path = tmp_path / "dist" / "test" / "api" / "configmap-api-config.yaml"
    before, first = path.read_text(), name(tmp_path, "configmap-api-config")
    synth(tmp_path, configured(2))

    assert files(tmp_path) == [f"configmap-{first}.yaml", "configmap-api-config.yaml"]
    assert path.with_name(f"configmap-{first}.yaml").read_text() == before
    synth(tmp_path, configured(3))
    assert len(files(tmp_path)) == 2
    assert first not in kept(tmp_path)["api"]


def test_a_service_that_loads_its_model_keeps_its_last_configuration_too(tmp_path: Path) -> None:
    """The Job that loads is no run of it: a former one has done its work, and is not kept."""

    def build(number: int) -> Build:
        model = HuggingFace("acme/chat", revision=f"{number:040}")
        config = ConfigFiles("/etc/api", {"a.yaml": f"x: {number}\n"})
        return lambda env: service(env, model=model, loader=Loader(IMAGE, size="1Gi"), config=config)

    for number in (1, 2):
        synth(tmp_path, build(number))

    assert [one.rpartition("-")[0] for one in kept(tmp_path)["api"]] == ["api-config"]
    assert [path for path in files(tmp_path) if path.startswith("job")] == ["job-api-loader.yaml"]


@pytest.mark.parametrize(("keep", "expected"), [(0, 0), (1, 1), (3, 3)])
def test_an_environment_says_how_many_configurations_are_kept(tmp_path: Path, keep: int, expected: int) -> None:
    """Of each service."""
    for number in range(5):
        synth(tmp_path, configured(number), keep_configs=keep)

    assert sum(len(names) for names in kept(tmp_path).values()) == expected
    assert len(files(tmp_path)) == 1 + expected


def test_a_run_keeps_what_it_mounts(tmp_path: Path) -> None:
    """As long as it is kept itself, and whatever the environment says of configurations."""

    def build(epochs: int, rows: int) -> Build:
        return run(epochs, sweep=Sweep(rows=[{"lr": rows}, {"lr": 9}]), gpu=None)

    synth(tmp_path, build(1, 1), keep_configs=0)
    job, rows = name(tmp_path, "job"), name(tmp_path, "configmap-train-sweep")
    synth(tmp_path, build(1, 2), keep_configs=0)
    synth(tmp_path, build(2, 2), keep_configs=0)

    assert kept(tmp_path)["train"][-2:] == [rows, job]
    assert f"configmap-{rows}.yaml" in files(tmp_path)
    synth(tmp_path, build(3, 2), keep_configs=0)
    assert rows not in kept(tmp_path)["train"]
    assert f"configmap-{rows}.yaml" not in files(tmp_path)


def test_a_run_keeps_the_template_of_its_claim(tmp_path: Path) -> None:
    """It is no run of its own, and stays as long as the run that its devices are claimed by."""
    b200 = Accelerator("b200", per_node=8, nodes=2, device_class="gpu.nvidia.com")
    cluster = Cluster("eks-test", kubernetes="1.34", accelerators=[b200])

    def build(count: int) -> Build:
        return lambda env: training(env, gpu=Gpu("b200", count), keep_runs=1)

    for count in (1, 2, 4):
        synth(tmp_path, build(count), cluster=cluster)
    folder = tmp_path / "dist" / "test" / "train"
    found = sorted(path.name.rpartition("-")[0] for path in folder.glob("*.yaml") if "-" in path.name)

    assert sorted(one.rpartition("-")[0] for one in kept(tmp_path)["train"]) == ["train", "train-b200-2"]
    assert found == ["job-train", "resourceclaimtemplate-train-b200", "resourceclaimtemplate-train-b200-2"]


def test_a_schedule_keeps_configurations_as_a_service_does(tmp_path: Path) -> None:
    """The Jobs that it has made mount them, and are not in git."""

    def nightly(number: int) -> Build:
        config = ConfigFiles("/etc/train", {"a.yaml": f"a: {number}\n"})
        return lambda env: training(env, schedule=Schedule("0 3 * * *"), config=config)

    synth(tmp_path, nightly(1))
    first = name(tmp_path, "configmap-train-config")
    synth(tmp_path, nightly(2))

    assert kept(tmp_path) == {"train": [first]}


def test_a_configuration_that_is_taken_away_is_kept_as_well(tmp_path: Path) -> None:
    """The pods of the last rollout mount it although the next one has none."""
    synth(tmp_path, configured(1))
    first = name(tmp_path, "configmap-api-config")
    synth(tmp_path, service)

    assert kept(tmp_path) == {"api": [first]}
    assert files(tmp_path) == [f"configmap-{first}.yaml"]


def test_a_way_back_makes_the_former_run_the_current_one(tmp_path: Path) -> None:
    """It is rendered without the two annotations, and what it replaces is kept."""
    synth(tmp_path, run(1))
    first = name(tmp_path, "job")
    synth(tmp_path, run(2))
    second = name(tmp_path, "job")
    synth(tmp_path, run(1))

    assert kept(tmp_path) == {"train": [second]}
    assert name(tmp_path, "job") == first
    assert "hook" not in (tmp_path / "dist" / "test" / "train" / "job.yaml").read_text()
    assert files(tmp_path) == [f"job-{second}.yaml", "job.yaml"]


def test_what_is_kept_of_a_removed_workload_goes(tmp_path: Path) -> None:
    """What still runs in the cluster stays there by its annotations."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    synth(tmp_path, service)

    assert kept(tmp_path) == {}
    assert files(tmp_path) == []


@pytest.mark.parametrize("kind", ["ServiceAccount", "NetworkPolicy"])
def test_account_and_policy_stay_with_a_job_that_still_runs(tmp_path: Path, kind: str) -> None:
    """A Job makes pods until it ends, also when its workload is removed; a CronJob takes its Jobs with it."""
    scope = environment(tmp_path)
    training(scope, service_account_annotations={"a.example/role": "train"})
    nightly = environment(tmp_path)
    training(nightly, schedule=Schedule("0 3 * * *"), service_account_annotations={"a.example/role": "train"})
    stays = {
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
    role = {"a.example/role": "train"} if kind == "ServiceAccount" else {}

    def annotations(env: Environment) -> dict[str, str]:
        (found,) = (one for one in env.to_json() if one["kind"] == kind)
        return dict(found["metadata"].get("annotations", {}))

    assert annotations(scope) == {**stays, **role}
    assert annotations(nightly) == role


# The lock file and dist/


def test_a_second_synthesis_changes_nothing(tmp_path: Path) -> None:
    """Nor does one without ``dist/``: what is rendered is a function of code and lock file."""
    for epochs in (1, 2, 3):
        synth(tmp_path, run(epochs))
    before = content(tmp_path)
    report = synth(tmp_path, run(3))

    assert (report.stale, content(tmp_path)) == (False, before)
    for folder in ("dist", ".modelyard"):
        (tmp_path / folder).rename(tmp_path / f"{folder}-before")
    synth(tmp_path, run(3))
    assert content(tmp_path) == before


def test_a_check_tells_that_the_lock_file_is_stale(tmp_path: Path) -> None:
    """Of a change that is not rendered, and of a commit that forgot the lock file; and it writes nothing."""
    synth(tmp_path, run(1))
    before = content(tmp_path)
    report = synth(tmp_path, run(2), write=False)
    assert (report.locks, content(tmp_path)) == (["environments/test.lock.yaml"], before)

    synth(tmp_path, run(2))
    lock_path(tmp_path, "test").unlink()
    report = synth(tmp_path, run(2), write=False)
    assert (report.stale, [path.rpartition("/")[2][:10] for path in report.removed]) == (True, ["job-train-"])


def test_an_entry_that_is_taken_out_goes(tmp_path: Path) -> None:
    """The lock file decides, not what is still in ``dist/``."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    write(lock_path(tmp_path, "test"), read(lock_path(tmp_path, "other")))
    synth(tmp_path, run(2))

    assert files(tmp_path) == ["job.yaml"]
    assert kept(tmp_path) == {}


def test_images_and_comments_of_the_lock_file_stay_as_they_are(tmp_path: Path) -> None:
    """Only the part of the generations is written anew, wherever it stands."""
    images = (
        "# renovate: datasource=docker\n"
        f"images:\n  train:\n    digest: {DIGEST}\n    repository: r.example/train\n    tag: '1'\n"
    )
    path = lock_path(tmp_path, "test")
    path.parent.mkdir()
    path.write_text(images)
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    text = path.read_text()
    assert text.startswith(images + "# What was rendered before")

    path.write_text(text.removeprefix(images) + images)
    synth(tmp_path, run(3))
    assert path.read_text().startswith(images)
    assert len(kept(tmp_path)["train"]) == 2
    synth(tmp_path, run(3, keep=0))
    assert path.read_text() == images


def test_a_lock_file_on_one_line_is_written_as_usual(tmp_path: Path) -> None:
    """What it says is kept, its form is not."""
    path = lock_path(tmp_path, "test")
    path.parent.mkdir()
    path.write_text('{"images": {"train": {"repository": "r.example/train"}}, "generations": {}}')
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))

    assert list(read(path).images) == ["train"]
    assert len(kept(tmp_path)["train"]) == 1


def test_pinning_an_image_leaves_the_generations(tmp_path: Path) -> None:
    """The part of each is its own."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    path = lock_path(tmp_path, "test")
    before = read(path)
    write(path, pinned(before, "test", "train", f"r.example/train:2@{DIGEST}"))

    assert read(path).generations == before.generations
    assert list(read(path).images) == ["train"]


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        ('value: "1"', 'value: "7"', "it was edited by hand: its name ends with a hash of what it was"),
        ("kind: Job", "kind: 3", "it is no manifest with kind, name and annotations"),
    ],
)
def test_an_entry_that_was_edited_is_refused_at_its_line(tmp_path: Path, old: str, new: str, because: str) -> None:
    """And nothing is written."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    path = lock_path(tmp_path, "test")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    before = content(tmp_path)

    with pytest.raises(SynthesisError) as raised:
        synth(tmp_path, run(3))

    do = "restore the lock file with git, or take the entry out"
    assert [str(one) for one in raised.value.findings] == [
        f"environments/test.lock.yaml:4: error[X13] test: generations.train[0] but {because}; {do}"
    ]
    assert content(tmp_path) == before


def test_a_lock_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    """Also where no image is asked for."""
    path = lock_path(tmp_path, "test")
    path.parent.mkdir()
    path.write_text("generations:\n  train: 3\n")

    with pytest.raises(SynthesisError) as raised:
        synth(tmp_path, run(1))

    because = "the generations of 'train' must be a list of manifests"
    assert [str(one) for one in raised.value.findings] == [
        f"environments/test.lock.yaml:2: error[X13] test: lock file but {because}; mend the file"
    ]


def test_what_is_kept_breaks_no_rule_of_today(tmp_path: Path) -> None:
    """It was checked when it was made: a rule that is new, or stricter, stops no synthesis on its account."""
    floating = IMAGE.partition("@")[0]
    synth(tmp_path, run(1, image=floating))
    synth(tmp_path, run(2))
    report = synth(tmp_path, run(2), strict=True)

    assert [one for one in report.findings if one.severity is Severity.ERROR] == []
    assert len(files(tmp_path)) == 2


def test_the_objects_of_an_environment_are_those_in_dist(tmp_path: Path) -> None:
    """``Testing.synth`` shows what is kept, too."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    scope = environment(tmp_path)
    run(2)(scope)

    names = [one["metadata"]["name"] for one in scope.to_json() if one["kind"] == "Job"]
    assert names == [name(tmp_path, "job"), *kept(tmp_path)["train"]]


def test_another_cluster_or_namespace_takes_nothing_over(tmp_path: Path) -> None:
    """The former runs are where the environment was before."""
    synth(tmp_path, run(1))
    synth(tmp_path, run(2))
    synth(tmp_path, run(3), namespace="ml-other")

    assert files(tmp_path) == ["job.yaml"]


def test_a_failure_puts_the_lock_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing holds for both."""
    synth(tmp_path, run(1))
    before = content(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "dist"))

    monkeypatch.setattr("modelyard.render.tree.publish", refuse)
    with pytest.raises(UsageError, match="No space left on device; dist/ is as it was"):
        synth(tmp_path, run(2))

    assert content(tmp_path) == before


# Options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"keep_runs": -1},
            "test/train: keep_runs=-1 but so many runs are kept, 0 or more; correct the value",
        ),
        (
            {"keep_runs": 1, "schedule": Schedule("0 3 * * *")},
            (
                "test/train: keep_runs=1 but the runs of a schedule belong to its CronJob, which is changed in place; "
                "leave keep_runs= away; Schedule(keep_succeeded=, keep_failed=) says how many stay in the cluster"
            ),
        ),
    ],
)
def test_a_number_of_runs_that_cannot_be_kept_is_refused(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    """With what to write instead."""
    scope = environment(tmp_path)
    training(scope, **options)

    assert found_by(scope, "X11") == [text]


def test_a_number_of_configurations_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    """Like any other option of an environment."""
    scope = environment(tmp_path, keep_configs=-1)

    assert found_by(scope, "X11") == [
        "test: keep_configs=-1 but so many former versions are kept, 0 or more; write 0 to keep none"
    ]


# The command line


def test_a_project_keeps_generations_in_every_environment(tmp_path: Path) -> None:
    """In processes of their own; check tells, list shows, and a second synthesis writes nothing."""
    project = make(tmp_path / "project")
    project.edit("environments/prod.py", "retries=3,", "retries=3, keep_runs=1,")
    project.synth()
    old = '{"EPOCHS": "4"}'
    project.edit("environments/prod.py", old, old.replace("4", "5"))

    stale = project.run(MODELYARD, "check")
    assert stale.code == 3
    assert "environments/prod.lock.yaml does not hold the generations that are kept\n" in stale.out
    assert "environments/dev.lock.yaml" not in stale.out
    assert project.synth().out == "2 environments, 19 objects: 4 files written\n"
    assert project.synth().out == "2 environments, 19 objects: dist/ is up to date\n"
    found = json.loads(project.run(MODELYARD, "list", "--format=json").out)
    (listed,) = (one for one in found if one["workload"] == "tune")
    (job,) = (project.dist / "prod" / "tune").glob("job-*.yaml")
    assert listed["kept"] == [f"Job {job.stem.removeprefix('job-')}"]
    assert "  KEPT\n" in project.run(MODELYARD, "list").out
