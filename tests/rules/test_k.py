"""K: what Kueue reads, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Crd, Environment
from tests.rules import manifests
from tests.rules.patches import POD, Operation, Setup, foreign, put, remove, texts
from tests.support import having

CASES: list[Any] = []
KUEUE = "kueue.x-k8s.io/"
NEEDS = {"requests": {"cpu": "1", "memory": "1Gi"}}
STOCK = manifests.job()
SPEC = {**STOCK["spec"], "completionMode": "Indexed", "completions": 4, "parallelism": 4}
JOB: dict[str, Any] = {**STOCK, "spec": SPEC}
CRON_JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "train"},
    "spec": {"schedule": "30 3 * * *", "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}},
}
RESOURCES = put(f"{POD}/containers/0/resources", NEEDS)
TRAIN = "test: Job train "
POD_AT = f"{TRAIN}spec.template.metadata.annotations"


def case(rule: str, name: str, setup: Setup, *expected: str) -> None:
    """Keep one case: what *setup* is to *rule*, with the findings in order or none."""
    CASES.append(pytest.param(rule, setup, list(expected), id=f"{rule}-{name}"))


def job(*operations: Operation) -> Setup:
    """Return what adds an Indexed Job of 4 pods that says what it needs."""
    return foreign(JOB, RESOURCES, *operations)


def labelled(**labels: str) -> Operation:
    """Return the operation that writes labels of Kueue on an object."""
    return put("/metadata/labels", _kueue(labels))


def annotated(**annotations: str) -> Operation:
    """Return the operation that writes annotations of Kueue on an object."""
    return put("/metadata/annotations", _kueue(annotations))


def pods(**annotations: str) -> Setup:
    """Return what adds the Job with annotations of Kueue on its pods."""
    return job(put("/spec/template/metadata/annotations", _kueue(annotations)))


def _kueue(words: dict[str, str]) -> dict[str, str]:
    return {KUEUE + key.replace("_", "-"): text for key, text in words.items()}


case("K01", "a name", job(labelled(queue_name="research", priority_class="high")))
case(
    "K01", "no name", job(labelled(queue_name="Research")),
    f"{TRAIN}metadata.labels['{KUEUE}queue-name']='Research' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and "
    "ends with a letter or digit; write the name of a LocalQueue of the namespace",
)  # fmt: skip
case(
    "K01", "no priority", job(labelled(queue_name="research", priority_class="a_b")),
    f"{TRAIN}metadata.labels['{KUEUE}priority-class']='a_b' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and "
    "ends with a letter or digit; write the name of a WorkloadPriorityClass",
)  # fmt: skip
case(
    "K01", "of a schedule", foreign(CRON_JOB, put("/spec/jobTemplate/metadata/labels", {f"{KUEUE}queue-name": "A"})),
    f"test: CronJob train spec.jobTemplate.metadata.labels['{KUEUE}queue-name']='A' but a name holds a-z, 0-9, \"-\" and \".\" "
    "only, and starts and ends with a letter or digit; write the name of a LocalQueue of the namespace",
)  # fmt: skip
case("K02", "seconds", job(labelled(max_exec_time_seconds="60")))
for wrong in ("0", "1h"):
    case(
        "K02", wrong, job(labelled(max_exec_time_seconds=wrong)),
        f"{TRAIN}metadata.labels['{KUEUE}max-exec-time-seconds']='{wrong}' but it is a whole number of seconds above 0; write "
        'seconds as a string, such as "86400"',
    )  # fmt: skip
case("K03", "fewer", job(annotated(job_min_parallelism="3")))
case(
    "K03", "null", job(annotated(job_min_parallelism="3"), put("/spec/parallelism", None), put("/spec/completions", 1)),
    f"{TRAIN}metadata.annotations['{KUEUE}job-min-parallelism']='3' but it is a number above 0 and below parallelism, "
    "which is 1; write 1 to parallelism less 1, or remove it",
)  # fmt: skip
for wrong in ("4", "0", "few"):
    case(
        "K03", wrong, job(annotated(job_min_parallelism=wrong)),
        f"{TRAIN}metadata.annotations['{KUEUE}job-min-parallelism']='{wrong}' but it is a number above 0 and below parallelism, "
        "which is 4; write 1 to parallelism less 1, or remove it",
    )  # fmt: skip
case(
    "K03", "elastic", job(annotated(job_min_parallelism="3", elastic_job="true")),
    f"{TRAIN}metadata.annotations['{KUEUE}job-min-parallelism']='3' but the Job is elastic too, and the two exclude each "
    "other; keep one of the two",
)  # fmt: skip
case(
    "K03", "of a schedule", foreign(CRON_JOB, annotated(job_min_parallelism="3")),
    f"test: CronJob train metadata.annotations['{KUEUE}job-min-parallelism']='3' but it is for Jobs, and this is a CronJob; "
    "remove it",
)  # fmt: skip
case("K04", "one", pods(podset_required_topology="rack", podset_slice_required_topology="host", podset_slice_size="2"))
case(
    "K04", "two", pods(podset_required_topology="rack", podset_preferred_topology="block"),
    f"{POD_AT}['{KUEUE}podset-preferred-topology']='block' but there is {KUEUE}podset-required-topology too, and a workload has "
    "one of them; keep one of the annotations, with a label of nodes as its value",
)  # fmt: skip
case(
    "K04", "no label", pods(podset_required_topology="a b"),
    f"{POD_AT}['{KUEUE}podset-required-topology']='a b' but it is a label of nodes: a key holds letters, digits, \"-\", \"_\", "
    '"." and starts and ends with a letter or digit; write the key of a label of nodes',
)  # fmt: skip
case(
    "K04", "anywhere", pods(podset_unconstrained_topology="yes"),
    f"{POD_AT}['{KUEUE}podset-unconstrained-topology']='yes' but it is true or false; write \"true\", or remove it",
)  # fmt: skip
case(
    "K04", "half a slice", pods(podset_slice_required_topology="host"),
    f"{POD_AT}['{KUEUE}podset-slice-required-topology']='host' but there is no {KUEUE}podset-slice-size with it; write both, "
    "or none",
)  # fmt: skip
case(
    "K04", "no size", pods(podset_slice_required_topology="host", podset_slice_size="0"),
    f"{POD_AT}['{KUEUE}podset-slice-size']='0' but it is a whole number above 0; write how many pods make a slice",
)  # fmt: skip
case("K05", "counted", job(labelled(queue_name="research")))
case(
    "K05", "not counted", foreign(JOB, labelled(queue_name="research")),
    f"{TRAIN}spec.template.spec.containers[0].resources but the queue research counts what containers ask for, and this one "
    "asks for nothing; add resources.requests",
)  # fmt: skip
JOB_SET: dict[str, Any] = {
    "apiVersion": "jobset.x-k8s.io/v1alpha2",
    "kind": "JobSet",
    "metadata": {"name": "train", "labels": {f"{KUEUE}queue-name": "research"}},
    "spec": {"replicatedJobs": [{"name": f"j{index}", "template": {"spec": SPEC}} for index in range(9)]},
}
TRAIN_JOB: dict[str, Any] = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": JOB_SET["metadata"],
    "spec": {"runtimeRef": {"kind": "TrainingRuntime", "name": "torch"}},
}
RUNTIME = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainingRuntime",
    "metadata": {"name": "torch"},
    "spec": {"template": {"spec": JOB_SET["spec"]}},
}
case("K16", "8 Jobs", foreign(JOB_SET, remove("/spec/replicatedJobs/8")))
case("K16", "in no queue", foreign(JOB_SET, remove("/metadata/labels")))
NINE = (
    "'9 Jobs' but the queue research takes 8 sets of pods, and these are 9: j0, j1, j2, j3, j4, j5, j6, j7 and j8; keep 8 of "
    "them, or take it out of the queue"
)
case("K16", "9 Jobs", foreign(JOB_SET), f"test: JobSet train spec.replicatedJobs={NINE}")


def both(scope: Environment) -> None:
    """Add a TrainJob in a queue, and its runtime."""
    foreign(TRAIN_JOB)(scope)
    foreign(RUNTIME)(scope)


case("K16", "a runtime of nobody", foreign(RUNTIME))
case("K16", "9 Jobs of a TrainJob", both, f"test: TrainingRuntime torch spec.template.spec.replicatedJobs={NINE}")
case(
    "K05", "of a TrainJob", both,
    *(
        f"test: TrainingRuntime torch spec.template.spec.replicatedJobs[{index}].template.spec.template.spec.containers[0]."
        "resources but the queue research counts what containers ask for, and this one asks for nothing; add "
        "resources.requests"
        for index in range(9)
    ),
)  # fmt: skip


def claiming(*, queue: bool = True, **wanted: Any) -> Setup:
    """Return what adds a Job whose pods claim devices by a template that says *wanted*, besides a class."""
    spec = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}}], **wanted}}
    template = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "devices"},
        "spec": {"spec": spec},
    }
    claims = put(f"{POD}/resourceClaims", [{"name": "gpu", "resourceClaimTemplateName": "devices"}])

    def add(scope: Environment) -> None:
        job(claims, *([labelled(queue_name="research")] if queue else []))(scope)
        foreign(template)(scope)

    return add


OTHERWISE = (
    "ask for the devices as resources (Accelerator without device_class=), or accept K18 where they have no quota"
)
CLAIM_AT = f"{TRAIN}spec.template.spec.resourceClaims[0].resourceClaim"
GATED = "but the queue research does not count them, and with DynamicResourceAllocation it takes"
case("K18", "in no queue", claiming(queue=False))
case(
    "K18", "by class", claiming(),
    f"{CLAIM_AT}TemplateName='devices' but the queue research does not count them; {OTHERWISE}",
)  # fmt: skip
SELECTED = {"deviceClassName": "gpu.nvidia.com", "selectors": [{"cel": {"expression": "true"}}]}
case(
    "K18", "by what they are", claiming(requests=[{"name": "gpu", "exactly": SELECTED}]),
    f"{CLAIM_AT}TemplateName='devices' {GATED} no selectors; {OTHERWISE}",
)  # fmt: skip
ALL = {"deviceClassName": "gpu.nvidia.com", "allocationMode": "All"}
case(
    "K18", "all of them, like each other",
    claiming(constraints=[{"matchAttribute": "gpu.nvidia.com/a"}], requests=[{"name": "gpu", "exactly": ALL}]),
    f"{CLAIM_AT}TemplateName='devices' {GATED} no constraints and allocationMode All; {OTHERWISE}",
)  # fmt: skip
case(
    "K18", "of somebody",
    job(labelled(queue_name="research"), put(f"{POD}/resourceClaims", [{"name": "gpu", "resourceClaimName": "shared"}])),
    f"{CLAIM_AT}Name='shared' {GATED} claims of templates only; {OTHERWISE}",
)  # fmt: skip
case("K06", "a Job", job(annotated(elastic_job="true")))
case(
    "K06", "a schedule", foreign(CRON_JOB, annotated(elastic_job="true")),
    f"test: CronJob train metadata.annotations['{KUEUE}elastic-job']='true' but a CronJob neither grows nor shrinks in a queue; "
    "remove the annotation",
)  # fmt: skip
case("K08", "equal", job(annotated(job_completions_equal_parallelism="true")))
case(
    "K08", "more", job(annotated(job_completions_equal_parallelism="true"), put("/spec/completions", 8)),
    f"{TRAIN}metadata.annotations['{KUEUE}job-completions-equal-parallelism']='true' but this one is not Indexed, or "
    "completions is 8 and parallelism 4; write completionMode: Indexed, and completions as many as parallelism",
)  # fmt: skip
case(
    "K08", "neither", job(annotated(job_completions_equal_parallelism="yes")),
    f"{TRAIN}metadata.annotations['{KUEUE}job-completions-equal-parallelism']='yes' but it is true or false; write \"true\", or "
    "remove it",
)  # fmt: skip
case(
    "C09", "at the schedule", foreign(CRON_JOB, labelled(queue_name="research")),
    f"test: CronJob train metadata.labels['{KUEUE}queue-name']='research' but Kueue looks for it at the Jobs, and not at the "
    "CronJob; write the label into spec.jobTemplate.metadata.labels",
)  # fmt: skip
case(
    "C09", "at the Jobs", foreign(CRON_JOB, put("/spec/jobTemplate/metadata/labels", {f"{KUEUE}queue-name": "research"})),
)  # fmt: skip
HOOK = put("/metadata/annotations", {"argocd.argoproj.io/hook": "Sync"})
case("J22", "a hook", job(HOOK))
case(
    "J22", "a hook in a queue", job(labelled(queue_name="research"), HOOK),
    f"{TRAIN}metadata.annotations['argocd.argoproj.io/hook']='Sync' but the Job waits in the queue research, and the sync with "
    "it; remove the hook: a Job whose name carries its content runs once for each change without it",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the findings that it says, word for word, or none of this rule."""
    cluster = having(Crd.JOBSET, Crd.KUBEFLOW_TRAINER)
    assert texts(tmp_path, rule, setup, cluster=cluster, pod_security="privileged") == expected
