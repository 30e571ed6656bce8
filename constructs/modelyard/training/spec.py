"""The options of a TrainingJob, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.checking import type_breaches, value_breaches, without
from modelyard.pod.options import Claim, Gpu
from modelyard.pod.sources import DataSource
from modelyard.pod.spec import STAND_IN, PodSpec, pod_breaches
from modelyard.pod.watching import Watch
from modelyard.training import (
    backends,
    checkpoint,
    gang,
    hook,
    inputs,
    jobset,
    placement,
    queues,
    rayjob,
    steps,
    volcano,
)
from modelyard.training import sweep as sweeps
from modelyard.training.backends import Backend, TrainJob
from modelyard.training.hook import ArgoHook
from modelyard.training.options import Checkpoint, Schedule, Spot, Step, Sweep, Topology
from modelyard.training.queues import Queue
from modelyard.values import cron
from modelyard.values.names import LABEL_LENGTH, dns_label, dns_label_1035
from modelyard.values.similar import did_you_mean
from modelyard.values.value import option, source_of

HASH_SUFFIX = 9
TIME_SUFFIX = 9
"""A hyphen and the minutes since 1970, by which a CronJob calls its Jobs."""
LONGEST_CRON_JOB = 52
MOST_EXIT_CODES = 255
MISCONFIGURED = (2, 126, 127)
"""Exit codes of a wrong command line, of a file that cannot be executed, and of one that is not there."""
RENDEZVOUS = ("JOB_NAME", "JOBSET_NAME", "PET_NNODES", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT")
"""Variables that say who a pod of a gang is; the processes of each node may be another number."""


def _retries(count: int) -> str | None:
    return None if count >= 0 else "a job is retried 0 times or more"


def _nodes(count: int) -> str | None:
    return None if count >= 1 else "a training runs on 1 node or more"


def _keep_runs(count: int) -> str | None:
    return None if count >= 0 else "so many runs are kept, 0 or more"


LONGEST = timedelta(microseconds=2**63 // 1000)


def _above_zero(duration: timedelta | None) -> str | None:
    if duration is not None and duration <= timedelta(0):
        return "it is a length of time above zero"
    if duration is not None and duration >= LONGEST:
        return "Kubernetes counts it in nanoseconds, and 64 bits of them are 292 years"
    return None


@attrs.frozen(kw_only=True)
class TrainingSpec(PodSpec):
    """The options of a `TrainingJob`, which tells what each is."""

    nodes: int = option(default=1, check=_nodes)
    backend: Backend | None = None
    before: Sequence[Step] = ()
    after: Sequence[Step] = ()
    queue: Queue | None = None
    schedule: Schedule | None = None
    hook: ArgoHook | None = None
    sweep: Sweep | None = None
    retries: int = option(default=3, check=_retries)
    deadline: timedelta | None = option(default=None, check=_above_zero)
    fatal_exit_codes: Sequence[int] = MISCONFIGURED
    keep_runs: int = option(default=0, check=_keep_runs)
    grace: timedelta | None = option(default=None, check=_above_zero)
    evictable: bool = False
    checkpoint: Checkpoint | None = None
    spot: Spot | None = None
    topology: Topology | None = None
    data: Mapping[str, DataSource] = attrs.field(factory=dict)

    @property
    def gpus(self) -> Sequence[Gpu]:
        """What the pods ask for, those of the steps included."""
        steps = [one.gpu for one in (*self.before, *self.after) if one.gpu is not None]
        return [*super().gpus, *steps]

    @property
    def claims(self) -> Sequence[Claim]:
        """The claims that the pods mount."""
        return [claim for _, claim in inputs.claims(self)]

    @property
    def together(self) -> int:
        """How many pods train together."""
        return self.nodes

    @property
    def indexes(self) -> int:
        """How many pods there are when all goes well."""
        return self.nodes if self.sweep is None else self.sweep.count

    @property
    def at_once(self) -> int:
        """How many of them run at once."""
        return self.nodes if self.sweep is None else self.sweep.at_once

    @property
    def indexed(self) -> bool:
        """Whether the pods are numbered."""
        return self.nodes > 1 or self.sweep is not None


def breaches(name: str, spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield what is wrong with *spec* at *site*, all of it."""
    wrong = list(type_breaches(spec))
    typed = spec = without(spec, wrong, image=STAND_IN)
    wrong.extend(value_breaches(spec))
    spec = without(spec, wrong, image=STAND_IN, command=("true",))
    yield from _name(name, spec, site)
    yield from wrong
    if not spec.command and not spec.args:
        yield Breach(
            "X11", "command", list(spec.command), "a training says what it runs",
            'write command=["python", "train.py"]',
        )  # fmt: skip
    yield from pod_breaches(spec, site)
    yield from _reserved(typed)
    yield from inputs.breaches(spec, site)
    yield from placement.breaches(spec, site)
    yield from checkpoint.breaches(spec, site)
    yield from backends.breaches(typed, site)
    yield from steps.breaches(typed, site)
    yield from queues.breaches(typed, site)
    yield from hook.breaches(typed, site)
    yield from _schedule(typed)
    if typed.sweep is not None:
        yield from sweeps.breaches(typed.sweep)
    for code in spec.fatal_exit_codes:
        if not 1 <= code <= MOST_EXIT_CODES:
            because = f"an exit code that fails a job is one from 1 to {MOST_EXIT_CODES}"
            yield Breach("J14", "fatal_exit_codes", code, because, "leave it out; 0 is success")


def _name(name: str, spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why *name* leaves no room for what is added to it."""
    if backends.choice(spec, site).kind == "RayJob":
        yield from rayjob.breaches(name, spec, site, HASH_SUFFIX, MISCONFIGURED)
        return
    if backends.choice(spec, site).kind == "VolcanoJob":
        yield from volcano.breaches(name, spec, HASH_SUFFIX)
        return
    if backends.choice(spec, site).kind in backends.SETS:
        yield from jobset.name_breaches(name, spec, HASH_SUFFIX)
        return
    suffix, what = (HASH_SUFFIX, "a hash") if spec.schedule is None else (TIME_SUFFIX, "a time")
    longest, rule, added = LABEL_LENGTH - suffix, "N03", f"a Job's name ends with {what} of {suffix}"
    if spec.hook is not None:
        suffix, longest, added = 0, LABEL_LENGTH, "its pods carry it as a label"
    if spec.schedule is not None:
        longest, rule, added = LONGEST_CRON_JOB, "N04", "Kubernetes wants it so of a CronJob"
    index = len(f"-{max(0, spec.indexes - 1)}") if spec.indexed else 0
    if index and LABEL_LENGTH - suffix - index < longest:
        longest, rule = LABEL_LENGTH - suffix - index, "N02" if spec.schedule is None else "N05"
        ends = f"{what} of {suffix} and its index" if suffix else "its index"
        added = f"a pod's host name ends with {ends} of {index}"
    if broken := dns_label(name, longest):
        do = f"choose an id of at most {longest} characters, such as churn-train"
        yield Breach(rule, "id", name, f"{broken} ({added})", do)
    elif spec.nodes > 1 and (broken := dns_label_1035(name)):
        because = f"the Service by which the nodes find each other is called so: {broken}"
        yield Breach("N01", "id", name, because, "begin it with a letter")


def _reserved(spec: TrainingSpec) -> Iterator[Breach]:
    """Yield what the user sets and the kind of training sets, too."""
    if spec.nodes > 1 and spec.sweep is not None:
        do = "leave nodes= away, or write a training for each setting"
        yield Breach("X11", "nodes", spec.nodes, "sweep= is given too, and a trial runs on one node", do)
        return
    trained = isinstance(spec.backend, TrainJob)
    if trained and "PET_NPROC_PER_NODE" in spec.env:
        because = "the trainer of Kubeflow sets it, and refuses another value"
        yield Breach("N22", "env['PET_NPROC_PER_NODE']", None, because, "leave the variable away")
    for name in RENDEZVOUS if spec.nodes > 1 or trained else ():
        if name in spec.env:
            because = "with nodes= it is set for each pod, and another value would keep them from finding each other"
            yield Breach("N22", f"env[{name!r}]", None, because, "leave the variable away")
    metrics = spec.watch.metrics if isinstance(spec.watch, Watch) else None
    if spec.nodes > 1 and metrics is not None and metrics.port == gang.PORT:
        because = "with nodes= the processes find each other by this port of the first one"
        yield Breach("N20", "watch.metrics.port", gang.PORT, because, "choose another", source_of(metrics))
    for name in sweeps.VARIABLES if spec.sweep else ():
        if name in spec.env:
            because = "with sweep= it is set for each pod, and another value would hide the settings of the trial"
            yield Breach("N22", f"env[{name!r}]", None, because, "leave the variable away")


def _schedule(spec: TrainingSpec) -> Iterator[Breach]:
    """Yield how the schedule cannot be read, or asks for what a gang cannot do."""
    schedule = spec.schedule
    if schedule is None:
        return
    source = source_of(schedule)
    because = cron.broken(schedule.cron)
    if "TZ" in schedule.cron:
        do = "remove it, and name the zone in tz="
        yield Breach("C01", "schedule.cron", schedule.cron, "a schedule names no time zone", do, source)
    elif because is not None:
        do = 'write five fields, such as "30 3 * * *" for every night at half past three'
        yield Breach("C01", "schedule.cron", schedule.cron, because, do, source)
    if because := cron.unknown_zone(schedule.tz):
        do = did_you_mean(schedule.tz, cron.time_zones()) or 'write a name such as "Europe/Berlin" or "Etc/UTC"'
        yield Breach("C03", "schedule.tz", schedule.tz, because, do, source)
    if spec.keep_runs > 0:
        because = "the runs of a schedule belong to its CronJob, which is changed in place"
        do = "leave keep_runs= away; Schedule(keep_succeeded=, keep_failed=) says how many stay in the cluster"
        yield Breach("X11", "keep_runs", spec.keep_runs, because, do)
    if schedule.if_running == "start" and spec.nodes > 1:
        because = "two runs at once may each get a part of the nodes, and wait for the rest for ever"
        do = 'write if_running="skip" or if_running="replace"'
        yield Breach("C06", "schedule.if_running", schedule.if_running, because, do, source)
