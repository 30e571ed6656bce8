"""P: how pods are restarted and how they stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod
from modelyard.values.versions import minor

DEFAULT_GRACE = 30
LEAST_TO_STOP = 5
HOOKS = ("postStart", "preStop")
KEPT_RUNNING = frozenset(
    {
        "DaemonSet", "Deployment", "InferenceService", "LeaderWorkerSet", "ReplicaSet", "ReplicationController",
        "Rollout", "StatefulSet",
    }
)  # fmt: skip
SLEEPS = frozenset({"sleep", "/bin/sleep", "/usr/bin/sleep"})
ZERO_SLEEP = 33
CONTAINER_RESTARTS = 35
TERMINATION = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination"

P10 = Rule(
    "P10",
    "A container has a restart policy of its own only where the cluster knows it.",
    why="The API server refuses the pod, or drops the field and the container restarts as the pod's policy says.",
    fix="remove restartPolicy from the container",
    see="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#individual-container-restart-policy-and-rules",
    acceptable=True,
)
P11 = Rule(
    "P11",
    "A hook sleeps no longer than the grace period.",
    why="The API server refuses the pod.",
    fix="raise terminationGracePeriodSeconds, or sleep for less",
    see="https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-implementations",
)
P26 = Rule(
    "P26",
    "Pods that are kept running restart Always and have no deadline.",
    why=(
        "The API server refuses the object. A Deployment, StatefulSet or DaemonSet runs its pods again whenever they "
        "end, so a training that is done would start from the beginning."
    ),
    fix="run what ends as a Job (TrainingJob), or write restartPolicy: Always",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template",
)
P28 = Rule(
    "P28",
    "After the hook, a process has time left to stop.",
    why=(
        "The hook runs within the grace period. When it has used it up, the process gets SIGTERM and 2 seconds later "
        "SIGKILL, in the middle of its requests."
    ),
    fix="raise terminationGracePeriodSeconds",
    see=TERMINATION,
    severity=Severity.WARNING,
    acceptable=True,
)


@P26.pods
def _kept_running(pod: Pod, _scope: Scope) -> Iterator[Breach]:
    kind = pod.object.kind
    if kind not in KEPT_RUNNING:
        return
    spec, because = pod.spec, f"{'an' if kind[0] == 'I' else 'a'} {kind} keeps its pods running"
    policy = spec.get("restartPolicy")
    if policy not in {None, "", "Always"}:
        yield P26.breach(pod.at("spec.restartPolicy"), policy, because)
    if (deadline := spec.get("activeDeadlineSeconds")) is not None:
        do = "remove it, or run what ends as a Job (TrainingJob)"
        yield P26.breach(pod.at("spec.activeDeadlineSeconds"), deadline, because, do)


@P11.containers
def _stops(container: Container, scope: Scope) -> Iterator[Breach]:
    data = container.data
    policy, kubernetes = data.get("restartPolicy"), scope.site.cluster.kubernetes
    sidecar = container.init and policy == "Always"
    if policy and not sidecar and minor(kubernetes) < CONTAINER_RESTARTS:
        because = f"Kubernetes {kubernetes} knows it only on init containers, as Always"
        if minor(kubernetes) == CONTAINER_RESTARTS - 1:
            because += ", unless its gate ContainerRestartRules is on"
        yield P10.breach(container.at("restartPolicy"), policy, because)
    if not (lifecycle := data.get("lifecycle")):
        return
    grace = container.pod.spec.get("terminationGracePeriodSeconds")
    grace = DEFAULT_GRACE if grace is None else grace
    refused = False
    for hook in HOOKS:
        sleep = (lifecycle.get(hook) or {}).get("sleep")
        if sleep is not None and (broken := _refused(sleep, grace, scope)):
            refused = True
            seconds = sleep.get("seconds")
            do = "write 1 or more" if (seconds or 0) < 1 else None
            yield P11.breach(container.at(f"lifecycle.{hook}.sleep.seconds"), seconds, broken, do)
    slept = _seconds(lifecycle.get("preStop") or {})
    if not refused and slept is not None and grace - slept < LEAST_TO_STOP:
        left = max(0, grace - slept)
        because = f"terminationGracePeriodSeconds is {grace}, so the process has {left} seconds to stop"
        do = f"raise terminationGracePeriodSeconds to at least {slept + LEAST_TO_STOP}"
        yield P28.breach(container.at("lifecycle.preStop"), f"sleep {slept}", because, do)


def _refused(sleep: dict[str, Any], grace: int, scope: Scope) -> str | None:
    seconds = sleep.get("seconds") or 0
    kubernetes = scope.site.cluster.kubernetes
    if seconds > grace:
        return f"terminationGracePeriodSeconds is {grace}, and the hook is part of it"
    if seconds < 0:
        return "nobody sleeps less than 0 seconds"
    if seconds == 0 and minor(kubernetes) < ZERO_SLEEP:
        return f"Kubernetes {kubernetes} takes 1 or more"
    return None


def _seconds(hook: dict[str, Any]) -> int | None:
    if hook.get("sleep") is not None:
        return int(hook["sleep"].get("seconds") or 0)
    words = (hook.get("exec") or {}).get("command") or []
    if len(words) == 3 and words[1] == "-c":  # noqa: PLR2004 # sh, -c, script
        words = words[2].split()
    if len(words) == 2 and words[0] in SLEEPS and words[1].isdecimal():  # noqa: PLR2004 # sleep, seconds
        return int(words[1])
    return None
