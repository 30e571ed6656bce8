"""R: the network devices between nodes, and what comes with them."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.demand import asked, askers, field, most
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod

R22 = Rule(
    "R22",
    "A pod with EFA devices has huge pages, and is one of several that run together.",
    why=(
        "libfabric keeps what it sends in huge pages. Without them NCCL goes over TCP, which is many times slower, and"
        " nothing fails. A pod that runs alone talks with nobody, and takes the devices from pods that would."
    ),
    fix="ask for huge pages beside the devices, as Fabric(huge_pages=...) does, or for no devices",
    see="https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html",
    severity=Severity.WARNING,
    acceptable=True,
)

EFA, PAGES = "vpc.amazonaws.com/efa", "hugepages-2Mi"
ALONE = frozenset({"CronJob", "Job", "JobSet", "Pod", "TrainingRuntime"})
"""Kinds that say how many pods there are; those of others may talk with pods of another object."""


@R22.pods
def connected(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look for devices without what they need, or without a use."""
    using = [one for one in askers(pod, EFA) if one.limits.get(EFA)]
    if not using or not asked(pod, EFA):
        return
    for container in using:
        if PAGES not in container.limits:
            because = f"the container has no {PAGES}, and NCCL goes over TCP without them"
            do = f'write {PAGES}: "5120Mi" beside it, as Fabric(huge_pages="5120Mi") does'
            yield R22.breach(container.at(f"resources.limits{field(EFA)}"), container.limits[EFA], because, do)
    if pod.object.kind in ALONE and most(scope, pod.object, pod)[0] == 1:
        because = "the pod runs alone, and there is nobody to talk with"
        at = using[0].at(f"resources.limits{field(EFA)}")
        yield R22.breach(at, using[0].limits[EFA], because, "ask for no such device")
