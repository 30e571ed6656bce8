"""A TrainingJob as a TrainJob of Kubeflow: it brings its own runtime along, so that all its options hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard import ArgoCD, ConfigFiles, Crd, Queue, Step, TrainJob
from modelyard.render.objects import gather
from modelyard.training.outcomes import outcomes
from tests.manifests import MISSING, at
from tests.support import IMAGE, delivered, environment, found, found_by, having, objects, trained, training

CLUSTER = having(Crd.KUBEFLOW_TRAINER, Crd.KUEUE)
STOCK: dict[str, Any] = {
    "nodes": 4,
    "command": ["torchrun", "train.py"],
    "backend": TrainJob(),
    "accept": {"J18": "the cluster is for this training"},
}
NODE = "spec.template.spec.replicatedJobs[0].template"
POD = f"{NODE}.spec.template.spec"


def rendered(root: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of the stock training as a TrainJob, with *options*, which nothing is found in."""
    return trained(root, cluster=CLUSTER, **{**STOCK, **options})


def test_the_trainjob_says_what_runs_where(tmp_path: Path) -> None:
    """Whoever looks at it sees image, command and nodes; the rest is in its runtime."""
    made = rendered(tmp_path)
    job, runtime = made["TrainJob/train"], made["TrainingRuntime/train"]

    assert job["spec"] == {
        "runtimeRef": {
            "apiGroup": "trainer.kubeflow.org",
            "kind": "TrainingRuntime",
            "name": runtime["metadata"]["name"],
        },
        "trainer": {"image": IMAGE, "command": ["torchrun", "train.py"], "numNodes": 4, "numProcPerNode": 2},
    }
    assert at(job, "metadata.annotations.kustomize|toolkit|fluxcd|io/prune") == "disabled"
    assert at(runtime, "spec.mlPolicy") == {"numNodes": 4, "torch": {"numProcPerNode": 2}}
    assert "Service/train" not in made


def test_a_change_of_the_runtime_is_a_new_run(tmp_path: Path) -> None:
    """Also one of a file that only its pods mount: the name of each carries what it refers to."""
    first = rendered(tmp_path, config=ConfigFiles("/etc/train", {"a.yaml": "x: 1\n"}))
    second = rendered(tmp_path, config=ConfigFiles("/etc/train", {"a.yaml": "x: 2\n"}))

    for kind in ("TrainJob", "TrainingRuntime"):
        assert first[f"{kind}/train"]["metadata"]["name"] != second[f"{kind}/train"]["metadata"]["name"]


def test_the_runtime_has_what_the_trainer_looks_for(tmp_path: Path) -> None:
    """The label of its step, and a container of the name that gets the variables of torchrun, which we leave to it."""
    runtime = rendered(tmp_path)["TrainingRuntime/train"]
    container = at(runtime, f"{POD}.containers[0]")

    assert at(runtime, f"{NODE}.metadata.labels.trainer|kubeflow|org/trainjob-ancestor-step") == "trainer"
    assert container["name"] == "node"
    assert [one["name"] for one in container["env"]] == ["HOME"]
    assert at(runtime, f"{POD}.initContainers[0].command")[3:] == [
        "$(JOB_NAME)",
        "$(JOBSET_NAME).ml-test.svc",
        "4",
        "1800",
    ]
    assert at(runtime, f"{POD}.securityContext.runAsNonRoot") is True
    assert at(runtime, f"{POD}.subdomain") == MISSING


def test_a_disruption_counts_unless_no_exit_code_is_fatal(tmp_path: Path) -> None:
    """The trainer's JobSet cannot look at messages, and a Job gives one reason for both."""
    fatal, none = rendered(tmp_path), rendered(tmp_path, fatal_exit_codes=[])
    path = "spec.template.spec.failurePolicy.rules"

    assert at(fatal["TrainingRuntime/train"], path) == [
        {"name": "fatalExitCode", "action": "FailJobSet", "onJobFailureReasons": ["PodFailurePolicy"]},
        {"name": "deadline", "action": "FailJobSet", "onJobFailureReasons": ["DeadlineExceeded"]},
    ]
    assert at(fatal["TrainingRuntime/train"], f"{NODE}.spec.podFailurePolicy.rules[0].action") == "Count"
    assert [one["name"] for one in at(none["TrainingRuntime/train"], path)] == ["deadline", "disruption"]
    assert at(none["TrainingRuntime/train"], f"{NODE}.spec.podFailurePolicy.rules[0].action") == "FailJob"


def test_it_is_told_what_goes_wrong(tmp_path: Path) -> None:
    """Read off the runtime."""
    table = {one.when: one.then for one in outcomes(rendered(tmp_path)["TrainingRuntime/train"])}

    again = "all is started again, 3 times at most; then the JobSet fails"
    assert table["node drained or reclaimed, pod preempted"] == again
    assert table["exit code 2, 126 or 127"] == "the JobSet fails, and all its pods are ended"
    assert table["any other exit code but 0"] == again


def test_steps_are_jobs_of_its_runtime(tmp_path: Path) -> None:
    """They are no concern of the trainer."""
    runtime = rendered(tmp_path, after=[Step("register", ["r"])])["TrainingRuntime/train"]
    jobs = at(runtime, "spec.template.spec.replicatedJobs")

    assert [(one["name"], one.get("dependsOn")) for one in jobs] == [
        ("node", None),
        ("register", [{"name": "node", "status": "Complete"}]),
    ]
    assert [one["template"]["spec"]["template"]["spec"]["containers"][0]["name"] for one in jobs] == [
        "node",
        "register",
    ]


def test_the_trainjob_waits_in_the_queue(tmp_path: Path) -> None:
    """Its label is there and nowhere else, and what Kueue writes in it is left alone."""
    scope = environment(tmp_path, cluster=CLUSTER, delivery=ArgoCD("https://git.example/acme/models"))
    training(scope, **{**STOCK, "accept": {}, "queue": Queue("research")})
    made = objects(scope)

    assert at(made["TrainJob/train"], "metadata.labels.kueue|x-k8s|io/queue-name") == "research"
    assert at(made["TrainingRuntime/train"], "metadata.labels.kueue|x-k8s|io/queue-name") == MISSING
    (ignored,) = delivered(scope)["Application/ml-test"]["spec"]["ignoreDifferences"]
    assert (ignored["kind"], ignored["jsonPointers"]) == ("TrainJob", ["/spec/suspend", "/spec/podTemplateOverrides"])
    assert found(scope) == []


def test_it_is_told_what_the_queue_does(tmp_path: Path) -> None:
    """Though its label is on another object than all else."""
    scope = environment(tmp_path, cluster=CLUSTER)
    training(scope, **{**STOCK, "accept": {}, "queue": Queue("research")})
    made = objects(scope)
    told = {one.when: one.then for one in outcomes(made["TrainingRuntime/train"], made["TrainJob/train"])}

    assert told["no room for all of it"] == "it waits in the queue research, and none of its pods starts"
    assert told["longer than 361 minutes in all its starts"] == (
        "Kueue ends its pods, and never starts it again; it stays suspended"
    )


def test_what_a_trainjob_cannot_do(tmp_path: Path) -> None:
    """It is refused in the user's own words."""
    without, scope = environment(tmp_path), environment(tmp_path, cluster=CLUSTER)
    training(without, **STOCK)
    training(scope, **{**STOCK, "env": {"PET_NPROC_PER_NODE": "1"}, "nodes": 1, "accept": {}})

    assert found_by(without, "X04") == [
        (
            "test/train: backend='TrainJob' but the cluster eks-test has no such definition; declare it in "
            "Cluster(installed=[Crd.KUBEFLOW_TRAINER]) where it is installed, or leave backend= away for a Job"
        )
    ]
    assert found_by(scope, "N22") == [
        (
            "test/train: env['PET_NPROC_PER_NODE'] but the trainer of Kubeflow sets it, and refuses another value; leave the "
            "variable away"
        )
    ]


def test_pods_that_are_placed_one_by_one_are_told_of(tmp_path: Path) -> None:
    """Once, at the TrainJob."""
    scope = environment(tmp_path, cluster=CLUSTER)
    training(scope, **{**STOCK, "accept": {}})
    names = {one.name for one in gather(scope).objects if one.kind == "TrainJob"}
    (text,) = found_by(scope, "J18")

    assert text == (
        f"test/train: TrainJob {names.pop()} spec.trainer.numNodes=4 but its pods are placed one by one, and each of two such "
        "TrainJobs may hold half of the nodes for ever; put the Job into a queue (Kueue), or accept J18 where nothing else "
        "wants these nodes"
    )
