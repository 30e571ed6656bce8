"""V: the places that trainings save their state to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from modelyard.findings import Breach, Severity
from modelyard.rules.kinds import SETS
from modelyard.rules.p_spot import on_spot
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Job
from modelyard.rules.workloads import called
from modelyard.values.names import LOGICAL_NAME

DIRECTORY, RESUME = "CHECKPOINT_DIR", "RESUME_FROM"
SHORT = 3600
"""Seconds of work that may well be done again."""
REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
OF_JOB = frozenset(f"metadata.labels['{key}']" for key in ("batch.kubernetes.io/job-name", "job-name"))
OF_POD = frozenset({"metadata.name", "metadata.uid", "status.podIP"})
OF_INDEX = "batch.kubernetes.io/job-completion-index"
CHECKPOINTS = "https://docs.pytorch.org/docs/stable/distributed.checkpoint.html"

V10 = Rule(
    "V10",
    "The place of a checkpoint stays the same when a pod is replaced, and when a training is changed.",
    why=(
        "The new pod, or the Job of a new name, looks into an empty folder and begins from the first step, and all that"
        " was trained before is paid for again."
    ),
    fix="leave the name of the pod and of the Job out of it; TrainingJob(checkpoint=...) does so",
    see=CHECKPOINTS,
    acceptable=True,
)
V22 = Rule(
    "V22",
    "A long training on spot nodes goes on from a checkpoint.",
    why="The cloud takes the node back, and each time the training begins from the first step: it may never end.",
    fix="add checkpoint=Checkpoint(...), or accept V22 where the program saves its state by other means",
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms",
    severity=Severity.WARNING,
    acceptable=True,
)
V23 = Rule(
    "V23",
    "Runs that may go on at the same time save to different places.",
    why="Each overwrites what the other saved, and a restart goes on from the state of the other, or of half of each.",
    fix="give each a place of its own",
    see=CHECKPOINTS,
    acceptable=True,
)


@attrs.frozen(eq=False)
class Saving:
    """
    A container of a Job that saves to a place.

    Args:
        at: The path to the variable that says where.

        text: What it says.

        fields: The fields of the pod that it depends on, by way of other variables.

        container: The container.

        job: The Job.
    """

    at: str
    text: str
    fields: frozenset[str]
    container: Container
    job: Job


@V10.jobs
def kept(job: Job, scope: Scope) -> Iterator[Breach]:
    """Look at the place that the containers of a Job save to, as their variables say it."""
    saves = False
    for container in job.pod.containers:
        variables = {one["name"]: one for one in container.data.get("env") or ()}
        place = variables.get(DIRECTORY)
        saves = saves or (place is not None and RESUME in variables)
        if place is None or not (text := place.get("value")):
            continue
        at = container.at(f"env[{list(variables).index(DIRECTORY)}].value")
        saving = Saving(at, text, frozenset(_fields(text, variables)), container, job)
        yield from _moving(saving)
        yield from _shared(saving, scope)
    if not saves and on_spot(job.pod, scope):
        deadline = job.spec.get("activeDeadlineSeconds")
        if deadline is None or deadline > SHORT:
            length = "has no deadline" if deadline is None else f"may take {deadline} seconds"
            because = f"it {length}, runs on spot nodes, and no container has both {DIRECTORY} and {RESUME}"
            yield V22.breach(job.at("template.spec.containers[0].env"), None, because)


def _fields(text: str, variables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the fields of the pod that *text* depends on, by way of variables."""
    for name in REFERENCE.findall(text):
        source = (variables.get(name) or {}).get("valueFrom") or {}
        if field := (source.get("fieldRef") or {}).get("fieldPath"):
            yield field


def _moving(one: Saving) -> Iterator[Breach]:
    if one.fields & OF_POD:
        yield V10.breach(one.at, one.text, "a pod that replaces this one is called otherwise")
    elif one.fields & OF_JOB and one.job.object.kind in {"Job", *SETS}:
        yield V10.breach(one.at, one.text, "a change of the training makes a Job of another name")


def _shared(one: Saving, scope: Scope) -> Iterator[Breach]:
    job, schedule = one.job, one.job.object.spec
    together = bool(job.pod.spec.get("subdomain")) or job.object.kind in SETS
    trials = job.spec.get("completionMode") == "Indexed" and not together
    if trials and (job.spec.get("parallelism") or 1) > 1 and not any(OF_INDEX in field for field in one.fields):
        because = f"{job.spec['parallelism']} pods at once save to it"
        yield V23.breach(one.at, one.text, because, "add the index of the pod to it")
    allowed = job.object.kind == "CronJob" and (schedule.get("concurrencyPolicy") or "Allow") == "Allow"
    if allowed and not one.fields & OF_JOB:
        because = "the next run may start while the last one goes on, and save to it, too"
        yield V23.breach(one.at, one.text, because, "write concurrencyPolicy: Forbid, or add the name of the Job to it")
    first = _saving(scope).get(_place(one.text, one.container))
    if first is not None and first.object is not job.object and _logical(first) != _logical(job):
        yield V23.breach(one.at, one.text, f"{called(first.object)} saves to it, too")


def _logical(job: Job) -> str:
    annotations = job.object.metadata.get("annotations") or {}
    return str(annotations.get(LOGICAL_NAME, job.object.name))


def _place(text: str, container: Container) -> tuple[str, str]:
    """Return where *text* is: in which claim, if it is a path in one, and which path."""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in container.pod.volumes
        if volume.get("persistentVolumeClaim")
    }
    for mount in container.data.get("volumeMounts") or ():
        path = mount["mountPath"].rstrip("/")
        if mount["name"] in claims and f"{text}/".startswith(f"{path}/"):
            inside = f"{mount.get('subPath') or ''}/{text[len(path) :].strip('/')}"
            return f"{container.pod.object.namespace}/{claims[mount['name']]}", inside
    return "", text


def _saving(scope: Scope) -> Mapping[tuple[str, str], Job]:
    """Return the first Job that saves to each place that several could share."""
    if "saving" not in scope.memo:
        found: dict[tuple[str, str], Job] = {}
        for one in scope.objects:
            for job in one.jobs:
                for container in job.pod.containers:
                    for variable in container.data.get("env") or ():
                        if variable["name"] == DIRECTORY and (text := variable.get("value")):
                            place = _place(text, container)
                            if place[0] or "://" in text:
                                found.setdefault(place, job)
        scope.memo["saving"] = found
    saving: Mapping[tuple[str, str], Job] = scope.memo["saving"]
    return saving
