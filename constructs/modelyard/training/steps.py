"""What runs before and after a training: Jobs of its JobSet, or containers that its one pod runs in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.findings import Breach
from modelyard.training.backends import SETS, choice
from modelyard.training.options import Step
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.training.spec import TrainingSpec

OURS = frozenset({"node", "trainer", "wait-for-nodes"})
"""Names that the training itself has among the steps."""


def alone(spec: TrainingSpec, step: Step) -> TrainingSpec:
    """Return *step* as a training of its own, with all that it shares with the training *spec*."""
    watch: Any = spec.watch
    return attrs.evolve(
        spec,
        image=spec.image if step.image is None else step.image,
        command=step.command,
        args=(),
        cpu=step.cpu,
        memory=step.memory,
        cpu_limit=None,
        memory_limit=None,
        gpu=step.gpu,
        shared_memory=None,
        nodes=1,
        backend=None,
        queue=None,
        topology=None,
        watch=None if watch is None else attrs.evolve(watch, metrics=None),  # they are those of the training
        before=(),
        after=(),
    )


def in_turn(
    before: Sequence[dict[str, Any]], template: dict[str, Any], after: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """
    Return the pod *template* with the containers *before* and *after* its own, each started when the last one is done.

    The last one is the pod's container, and all others are init containers.
    """
    spec: dict[str, Any] = template["spec"]
    own: list[dict[str, Any]] = spec["containers"]
    *first, last = [*before, *own, *after]
    made: dict[str, Any] = {}
    for key, value in spec.items():
        if key == "containers":
            made["initContainers"] = [*spec.get("initContainers", ()), *first]
            made["containers"] = [last]
        elif key != "initContainers":
            made[key] = value
    return {**template, "spec": made}


def breaches(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    """Yield why the steps of *spec* cannot be run."""
    seen: set[str] = set()
    for option, given in (("before", spec.before), ("after", spec.after)):
        for index, step in enumerate(given):
            field, source = f"{option}[{index}]", source_of(step)
            if step.name in OURS or step.name in seen:
                whose = "the training's own" if step.name in OURS else "that of another step"
                yield Breach("X11", f"{field}.name", step.name, f"this name is {whose}", "choose another", source)
            seen.add(step.name)
            if not step.command:
                because, do = "a step says what it runs", 'write Step("evaluate", ["python", "evaluate.py"])'
                yield Breach("X11", f"{field}.command", [], because, do, source)
            yield from _gpu(step, field, spec, site)
    if seen:
        yield from _together(spec, site)


def _gpu(step: Step, field: str, spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    if step.gpu is None:
        return
    field, name, source = f"{field}.gpu.accelerator", step.gpu.accelerator, source_of(step)
    if site.cluster.accelerator(name) is None:
        because = f"the cluster {site.cluster.name} has no such accelerator"
        yield Breach("R09", field, name, because, "declare it in Cluster(accelerators=[...])", source)
    elif choice(spec, site).kind not in SETS and (spec.gpu is None or spec.gpu.accelerator != name):
        because = "without JobSet the steps run in the pod of the training, and so on the same node"
        yield Breach("X11", field, name, because, "ask for the accelerator of the training, or for none", source)


def _together(spec: TrainingSpec, site: Site) -> Iterator[Breach]:
    option = "before" if spec.before else "after"
    field, source = option, source_of((spec.before or spec.after)[0])
    value = [step.name for step in (spec.before or spec.after)]
    kind = choice(spec, site).kind
    if kind in {"RayJob", "VolcanoJob"}:
        return  # which say that they have no steps
    if spec.sweep is not None:
        do = "write the step as a training of its own, or into the program of the trials"
        yield Breach("X11", field, value, "sweep= is given too, and each trial would run the steps", do, source)
    elif spec.nodes > 1 and kind == "CronJob":
        because = f"a CronJob makes Jobs only, and each of the {spec.nodes} pods would run the steps"
        yield Breach("X11", field, value, because, "let the program do it on rank 0, or leave schedule= away", source)
    elif spec.nodes > 1 and kind == "Job":
        because = f"only a JobSet runs steps beside a training of {spec.nodes} nodes"
        do = "install JobSet and declare Crd.JOBSET, or let the program do it on rank 0"
        if spec.backend is not None:
            do = "leave backend= away, or let the program do it on rank 0"
        yield Breach("X04", field, value, because, do, source)
