"""P: probes and hooks: what the kubelet asks of a container, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object
from modelyard.values.addresses import HIGHEST_PORT
from modelyard.values.similar import did_you_mean

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HOOKS = ("postStart", "preStop")
HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc", "sleep")
DEFAULT_PERIOD = 10
DEFAULT_FAILURES = 3
DEFAULT_PROGRESS = 600
EXAMPLES = ("sleep: {seconds: 15}", "httpGet: {path: /healthz, port: http}")
LOADING = 300
"""Seconds that loading a model onto an accelerator easily takes."""

PAGE = "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"
FIELDS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes"

P03 = Rule(
    "P03",
    "A probe or a hook does one thing, on a port that exists.",
    why=(
        "The API server refuses the pod; and where only the name of the port is wrong, the kubelet never reaches the "
        "process: it never becomes ready, and a liveness probe never notices anything."
    ),
    fix="name a port of the container",
    see=PAGE,
)
P04 = Rule(
    "P04",
    "A probe has only numbers that its kind allows.",
    why="The API server refuses the pod.",
    fix="remove the field for its default",
    see=FIELDS,
)
P05 = Rule(
    "P05",
    "A probe times out before the next one is due.",
    why=(
        "The kubelet probes a container one after the other. A probe that may take longer than the period delays the "
        "next ones, so a hanging process is noticed much later than period and threshold say."
    ),
    fix="lower timeoutSeconds, or raise periodSeconds",
    see=FIELDS,
    severity=Severity.WARNING,
    acceptable=True,
)
P06 = Rule(
    "P06",
    "A process that loads a model onto an accelerator has a startup probe before its liveness probe.",
    why=(
        "The liveness probe fails while the model loads, the kubelet kills the container, and the next start loads "
        "from the beginning: the pod never gets ready."
    ),
    fix="add a startupProbe whose periodSeconds times failureThreshold is the longest start",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-startup-probes",
    severity=Severity.WARNING,
    acceptable=True,
)
P08 = Rule(
    "P08",
    "A rollout is given more time than a start may take.",
    why=(
        "The Deployment counts as failed (ProgressDeadlineExceeded) while its pods are still within the time that "
        "their startup probe gives them, and Argo CD shows it as degraded and fails the sync."
    ),
    fix="raise progressDeadlineSeconds",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds",
    acceptable=True,
)
P09 = Rule(
    "P09",
    "A container that runs before the others has no probes and no hooks.",
    why="The API server refuses the pod.",
    fix="remove it, or write restartPolicy: Always to make the container a sidecar",
    see="https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#detailed-behavior",
)
P27 = Rule(
    "P27",
    "A rollout is given more time than a pod needs to count as available.",
    why="The API server refuses the Deployment.",
    fix="raise progressDeadlineSeconds, or lower minReadySeconds",
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#min-ready-seconds",
)


@P03.containers
def _probes(container: Container, _scope: Scope) -> Iterator[Breach]:
    data = container.data
    if container.init and data.get("restartPolicy") != "Always":
        for name in ("lifecycle", *PROBES):
            if data.get(name) is not None:
                yield P09.breach(container.at(name), None, "the container ends before the others start")
        return
    for name in PROBES:
        if (probe := data.get(name)) is not None:
            yield from _handler(container, name, probe)
            yield from _numbers(container, name, probe)
    if lifecycle := data.get("lifecycle"):
        for name in HOOKS:
            if (hook := lifecycle.get(name)) is not None:
                yield from _handler(container, f"lifecycle.{name}", hook)
    if data.get("livenessProbe") is not None and data.get("startupProbe") is None:
        yield from _patience(container, data["livenessProbe"])


def _handler(container: Container, field: str, probe: dict[str, Any]) -> Iterator[Breach]:
    present = [name for name in HANDLERS if probe.get(name) is not None]
    if len(present) != 1:
        found = f"it has {' and '.join(present)}" if present else "it has no action"
        do = f"keep one of {', '.join(present)}" if present else f"add {EXAMPLES[field in PROBES]}"
        yield P03.breach(container.at(field), None, f"{found}, and the kubelet does one thing", do)
        return
    (name,) = present
    action = probe[name]
    if name == "exec":
        if not action.get("command"):
            yield P03.breach(container.at(f"{field}.exec.command"), None, "there is nothing to run", "write a command")
        return
    if name == "sleep":
        return
    port = action.get("port")
    if isinstance(port, str):
        known = [str(one["name"]) for one in container.ports if one.get("name")]
        if port not in known:
            yield P03.breach(container.at(f"{field}.{name}.port"), port, *_unknown(port, known))
    elif port is None or not 1 <= port <= HIGHEST_PORT:
        because, do = f"a port is a number from 1 to {HIGHEST_PORT}", "write the port that the process listens on"
        yield P03.breach(container.at(f"{field}.{name}.port"), port, because, do)


def _unknown(port: str, known: list[str]) -> tuple[str, str]:
    if port.isdecimal():
        return "in quotes it is the name of a port, and no name is only digits", f"write {port} without quotes"
    do = did_you_mean(port, known)
    do = do or (f"its ports are {', '.join(known)}" if known else "declare it under ports, or write its number")
    return "the container has no port of this name", do


def _numbers(container: Container, field: str, probe: dict[str, Any]) -> Iterator[Breach]:
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if (probe.get(name) or 0) < 0:
            yield P04.breach(container.at(f"{field}.{name}"), probe[name], "no number of a probe is below 0")
    successes, grace = probe.get("successThreshold") or 1, probe.get("terminationGracePeriodSeconds")
    if successes > 1 and field != "readinessProbe":
        because = f"a {field} passes with its first success"
        yield P04.breach(container.at(f"{field}.successThreshold"), successes, because, "write 1, or remove it")
    if grace is not None and (field == "readinessProbe" or grace < 1):
        because = "a grace period is 1 second or more" if grace < 1 else "a readinessProbe ends no container"
        yield P04.breach(container.at(f"{field}.terminationGracePeriodSeconds"), grace, because)
    timeout, period = probe.get("timeoutSeconds") or 1, probe.get("periodSeconds") or DEFAULT_PERIOD
    if timeout > period > 0:
        because = f"the next probe is due after {period} seconds (periodSeconds) and waits for this one"
        yield P05.breach(container.at(f"{field}.timeoutSeconds"), timeout, because)


def budget(probe: dict[str, Any]) -> int:
    """Return for how many seconds *probe* may fail before it counts."""
    period, failures = probe.get("periodSeconds") or DEFAULT_PERIOD, probe.get("failureThreshold") or DEFAULT_FAILURES
    return int((probe.get("initialDelaySeconds") or 0) + period * failures)


def _patience(container: Container, probe: dict[str, Any]) -> Iterator[Breach]:
    seconds = budget(probe)
    if seconds >= LOADING:
        return
    accelerator = next((name for name in container.limits if "/" in name), None)
    if accelerator is not None:
        because = f"it kills a container that uses {accelerator} and is not up after {seconds} seconds"
        yield P06.breach(container.at("livenessProbe"), None, because)


@P08.objects("Deployment", "Rollout")
def _progress(one: Object, _scope: Scope) -> Iterator[Breach]:
    spec = one.spec
    given, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    deadline = DEFAULT_PROGRESS if given is None else given
    assumed = f"Kubernetes assumes {deadline}, and " if given is None else ""
    if deadline <= ready:
        because = f"{assumed}a pod counts as available only after minReadySeconds={ready}"
        yield P27.breach("spec.progressDeadlineSeconds", given, because)
        return
    for container in one.pod.containers if one.pod else ():
        if probe := container.data.get("startupProbe"):
            seconds = budget(probe) + ready
            if deadline <= seconds:
                because = f"{assumed}the startupProbe of {container.name} gives a pod {seconds} seconds to get ready"
                yield P08.breach("spec.progressDeadlineSeconds", given, because, f"raise it above {seconds}")
