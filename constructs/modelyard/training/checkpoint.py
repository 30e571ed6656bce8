"""Where a training saves its state: the same place for every pod and every Job of one logical run, and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.pod import Claim, EnvValue, FieldRef, Mount, digest
from modelyard.training.gang import JOB_NAME
from modelyard.values.durations import whole_seconds
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.options import Checkpoint
    from modelyard.training.spec import TrainingSpec

DIRECTORY, EVERY, RESUME = "CHECKPOINT_DIR", "CHECKPOINT_EVERY", "RESUME_FROM"
LATEST = "latest"
JOB_UID = FieldRef("metadata.labels['batch.kubernetes.io/controller-uid']")
"""Tells the runs of a hook apart, whose Jobs are all called the same."""


def directory(name: str, spec: TrainingSpec, checkpoint: Checkpoint, site: Site) -> str:
    """
    Return the folder or the URL that the training *name* saves to.

    It has no part that a change of the training changes, so a new Job goes on where the last one was. A trial has
    a folder of its own, and so has each run of a schedule or a hook, unless *checkpoint* names the run.
    """
    base = checkpoint.to.mount if isinstance(checkpoint.to, Claim) else checkpoint.to
    parts = [base.rstrip("/"), site.environment, name]
    if checkpoint.run is not None:
        parts.append(checkpoint.run)
    elif spec.schedule is not None:
        parts.append("$(JOB_NAME)")
    elif spec.hook is not None:
        parts.append("$(JOB_UID)")
    if spec.sweep is not None:
        # Other settings are other trials, though their numbers are the same.
        parts += [digest(spec.sweep.trials()), "$(SWEEP_TRIAL)"]
    return "/".join(parts)


def variables(name: str, spec: TrainingSpec, site: Site) -> dict[str, EnvValue]:
    """Return the variables that tell the program where it saves, how often, and whether it goes on from there."""
    checkpoint = spec.checkpoint
    if checkpoint is None:
        return {}
    told: dict[str, EnvValue] = {}
    if spec.schedule is not None and checkpoint.run is None:
        told["JOB_NAME"] = JOB_NAME
    elif spec.hook is not None and checkpoint.run is None:
        told["JOB_UID"] = JOB_UID
    told[DIRECTORY] = directory(name, spec, checkpoint, site)
    if checkpoint.every is not None:
        told[EVERY] = str(whole_seconds(checkpoint.every))
    if checkpoint.resume:
        told[RESUME] = LATEST
    return told


def mounts(spec: TrainingSpec) -> list[Mount]:
    """Return the volume that is saved to, unless the user mounts it there already."""
    if spec.checkpoint is None or not isinstance(claim := spec.checkpoint.to, Claim):
        return []
    if any(isinstance(one, Claim) and (one.name, one.mount) == (claim.name, claim.mount) for one in spec.volumes):
        return []
    return [("checkpoint", {"persistentVolumeClaim": {"claimName": claim.name}}, claim.mount, False)]


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why *spec* cannot save so."""
    checkpoint = spec.checkpoint
    if checkpoint is None:
        return
    source = source_of(checkpoint)
    if isinstance(checkpoint.to, Claim) and checkpoint.to.read_only:
        because = "a training writes its checkpoints"
        yield Breach("X11", "checkpoint.to.read_only", True, because, "leave it away", source_of(checkpoint.to))  # noqa: FBT003
    if spec.schedule is not None and spec.schedule.if_running == "start" and checkpoint.run is not None:
        because = 'with if_running="start" two runs may save to it at once'
        do = 'leave run= away, so that each has a place of its own, or write if_running="skip"'
        yield Breach("V23", "checkpoint.run", checkpoint.run, because, do, source)
    yield from _watched(spec, checkpoint, site)
    for variable in (DIRECTORY, EVERY, RESUME):
        if variable in spec.env:
            because = "with checkpoint= it says where and how this training saves"
            yield Breach("N22", f"env[{variable!r}]", None, because, "leave the variable away")
    if "JOB_UID" in spec.env and spec.hook is not None and checkpoint.run is None:
        because = "with hook= the place of the checkpoint depends on it"
        yield Breach("N22", "env['JOB_UID']", None, because, "leave the variable away")
    if "JOB_NAME" in spec.env and spec.schedule is not None and checkpoint.run is None and spec.nodes == 1:
        because = "with schedule= the place of the checkpoint depends on it"
        yield Breach("N22", "env['JOB_NAME']", None, because, "leave the variable away")


def _watched(spec: TrainingSpec, checkpoint: Checkpoint, site: Site) -> Iterator[Breach]:
    """Yield why nobody could be told of a checkpoint that is missing."""
    metric, source, field = checkpoint.metric, source_of(checkpoint), "checkpoint.metric"
    if metric is None:
        if checkpoint.late_after is not None:
            because = "without metric= nobody can see when the last one was complete"
            do = "name the metric of the training that tells it, or leave late_after= away"
            yield Breach("X11", "checkpoint.late_after", checkpoint.late_after, because, do, source)
        return
    if spec.watch is None or spec.watch.metrics is None:
        because = "nothing reads the metrics of this training"
        do = "say where they are, as in watch=Watch(metrics=Metrics(9400)), or leave metric= away"
        yield Breach("X11", field, metric, because, do, source)
    elif not spec.watch.alerts and site.cluster.monitoring is not None:
        because = "Watch(alerts=False) lets nobody be told"
        yield Breach("X11", field, metric, because, "leave one of the two away", source)
    if spec.sweep is not None:
        because = "sweep= is given too, and each trial has checkpoints of its own"
        yield Breach("X11", field, metric, because, "leave it away", source)
    if checkpoint.late is None:
        because = "nothing says how often it saves"
        yield Breach("X11", field, metric, because, "write every=minutes(15), or late_after=minutes(45)", source)
    elif checkpoint.every is not None and checkpoint.late <= checkpoint.every:
        because = f"it saves every {whole_seconds(checkpoint.every)} seconds, so one would be missed between any two"
        do = "write a longer time, or leave it away for three times every="
        yield Breach("X11", "checkpoint.late_after", checkpoint.late_after, because, do, source)
