"""Y: jobs of other operators: TrainJobs of Kubeflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.j_indexed import J18
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object
from modelyard.values.kueue import QUEUE
from modelyard.values.names import dns_label_1035

GROUP = "trainer.kubeflow.org/"
RUNTIMES = ("TrainingRuntime", "ClusterTrainingRuntime")
LONGEST = 63 - len("-node-0-") - len("-abcde")
"""What JobSet adds to the name for a pod of the trainer, less the digits of its index."""
PROCESSES = frozenset({"auto", "cpu", "gpu"})
TORCHRUN = "PET_"
PAGE = "https://www.kubeflow.org/docs/components/trainer/"

N08 = Rule(
    "N08",
    "A TrainJob's name leaves room for what JobSet adds to it.",
    why="The TrainJob is accepted, and the JobSet that the trainer makes of it is refused: nothing ever runs.",
    fix="shorten the name of the TrainJob, and begin it with a letter",
    see=PAGE,
)
Y02 = Rule(
    "Y02",
    "A TrainJob leaves the variables of torchrun to the trainer.",
    why="The webhook of the trainer refuses the TrainJob.",
    fix="remove the variable",
    see=PAGE,
)
Y03 = Rule(
    "Y03",
    "A TrainJob and its runtime have nodes and processes.",
    why="The API server or the webhook of the trainer refuses them, or the JobSet that it makes is refused.",
    fix='write a whole number of at least 1; processes may also be "auto", "cpu" or "gpu"',
    see=PAGE,
)


@N08.objects("TrainJob")
def train_job(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look at a TrainJob, and whether its pods are placed as one."""
    if not one.api_version.startswith(GROUP):
        return
    trainer: Mapping[str, Any] = one.spec.get("trainer") or {}
    nodes = trainer.get("numNodes")
    longest = LONGEST - len(str(max(0, (nodes or 1) - 1)))
    if broken := dns_label_1035(one.name, longest):
        yield N08.breach("metadata.name", one.name, broken)
    if nodes is not None and nodes < 1:
        yield Y03.breach("spec.trainer.numNodes", nodes, "a training runs on 1 node or more")
    processes = trainer.get("numProcPerNode")
    if _wrong(processes):
        yield Y03.breach("spec.trainer.numProcPerNode", processes, "this is no number of processes")
    for index, variable in enumerate(trainer.get("env") or ()):
        if str(variable.get("name", "")).startswith(TORCHRUN):
            because = "the trainer sets it for each node"
            yield Y02.breach(f"spec.trainer.env[{index}].name", variable["name"], because)
    if nodes is not None and nodes > 1 and not _gang(one, scope):
        because = "its pods are placed one by one, and each of two such TrainJobs may hold half of the nodes for ever"
        yield J18.breach("spec.trainer.numNodes", nodes, because)


@Y03.objects("TrainingRuntime", "ClusterTrainingRuntime")
def runtime(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at how many processes a runtime starts on a node."""
    torch: Mapping[str, Any] = (one.spec.get("mlPolicy") or {}).get("torch") or {}
    if one.api_version.startswith(GROUP) and _wrong(processes := torch.get("numProcPerNode")):
        yield Y03.breach("spec.mlPolicy.torch.numProcPerNode", processes, "this is no number of processes")


def _wrong(processes: object) -> bool:
    return processes is not None and processes not in PROCESSES and not (isinstance(processes, int) and processes > 0)


def _gang(one: Object, scope: Scope) -> bool:
    """Return whether a queue or the policy of its runtime places the pods of *one* all or not at all."""
    name = str((one.spec.get("runtimeRef") or {}).get("name", ""))
    runtimes = [
        found for kind in RUNTIMES for place in (one.namespace, None) if (found := scope.find(kind, place, name))
    ]
    if QUEUE in (one.metadata.get("labels") or {}) or any(found.spec.get("podGroupPolicy") for found in runtimes):
        return True
    return any(
        (pod.spec.get("schedulerName") or "") not in {"", "default-scheduler"}
        for found in runtimes
        for pod in found.pods
    )
