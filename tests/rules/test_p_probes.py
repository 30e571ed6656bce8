"""P: probes and hooks, each rule with what breaks it, in its exact words, and what is close to it and right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Gpu, HttpGet, minutes
from tests.rules import manifests
from tests.rules.patches import MAIN, POD, Setup, deployment, foreign, put, remove, texts
from tests.support import service

CASES: list[Any] = []
DEPLOYMENT = manifests.deployment()
LIVE = f"{MAIN}/livenessProbe"
READY = f"{MAIN}/readinessProbe"
INIT = {"name": "init", "image": "ghcr.io/acme/init:1"}
PROBED = {**INIT, "readinessProbe": {"tcpSocket": {"port": 80}}}
API = "test/api: Deployment api spec."
MODEL = API + "template.spec.containers[0]."
WEB = "test: Deployment web spec."


def case(rule: str, name: str, setup: Setup, text: str | None = None) -> None:
    """Keep one case: what *setup* is to *rule*, with the one finding or none."""
    CASES.append(pytest.param(rule, setup, [] if text is None else [text], id=f"{rule}-{name}"))


case(
    "P03", "two actions", deployment(put(f"{LIVE}/tcpSocket", {"port": "http"})),
    text=MODEL + "livenessProbe but it has httpGet and tcpSocket, and the kubelet does one thing; keep one "
    "of httpGet, tcpSocket",
)  # fmt: skip
case(
    "P03", "no action", deployment(put(LIVE, {"periodSeconds": 5})),
    text=MODEL + "livenessProbe but it has no action, and the kubelet does one thing; add httpGet: {path: "
    "/healthz, port: http}",
)  # fmt: skip
case(
    "P03", "port that is not there", deployment(put(f"{LIVE}/httpGet/port", "metrics")),
    text=MODEL + "livenessProbe.httpGet.port='metrics' but the container has no port of this name; its ports "
    "are http",
)  # fmt: skip
case(
    "P03", "misspelt port", deployment(put(f"{LIVE}/httpGet/port", "htp")),
    text=MODEL + "livenessProbe.httpGet.port='htp' but the container has no port of this name; did you mean "
    "http?",
)  # fmt: skip
case(
    "P03", "number in quotes", deployment(put(f"{LIVE}/httpGet/port", "8000")),
    text=MODEL + "livenessProbe.httpGet.port='8000' but in quotes it is the name of a port, and no name is "
    "only digits; write 8000 without quotes",
)  # fmt: skip
case(
    "P03", "container without ports",
    foreign(DEPLOYMENT, remove(f"{MAIN}/ports"), put(f"{MAIN}/readinessProbe", {"tcpSocket": {"port": "http"}})),
    text=WEB + "template.spec.containers[0].readinessProbe.tcpSocket.port='http' but the container has no "
    "port of this name; declare it under ports, or write its number",
)  # fmt: skip
case(
    "P03", "port 0", deployment(put(f"{LIVE}/httpGet/port", 0)),
    text=MODEL + "livenessProbe.httpGet.port=0 but a port is a number from 1 to 65535; write the port that "
    "the process listens on",
)  # fmt: skip
case(
    "P03", "empty command", deployment(put(LIVE, {"exec": {}})),
    text=MODEL + "livenessProbe.exec.command but there is nothing to run; write a command",
)  # fmt: skip
case(
    "P03", "grpc port", deployment(put(LIVE, {"grpc": {"port": 70000}})),
    text=MODEL + "livenessProbe.grpc.port=70000 but a port is a number from 1 to 65535; write the port that "
    "the process listens on",
)  # fmt: skip
case(
    "P03", "hook without action", deployment(put(f"{MAIN}/lifecycle/preStop", {})),
    text=MODEL + "lifecycle.preStop but it has no action, and the kubelet does one thing; add sleep: "
    "{seconds: 15}",
)  # fmt: skip
case(
    "P03", "option path", lambda scope: service(scope, health="healthz"),
    text="test/api: health='healthz' but an HTTP path starts with \"/\"; write health=\"/healthz\"",
)  # fmt: skip
case(
    "P03", "option port", lambda scope: service(scope, health=HttpGet("/x", port="grpc")),
    text="test/api: health.port='grpc' but the service has no port of this name; its ports are http",
)  # fmt: skip
case(
    "P04", "successes", deployment(put(f"{LIVE}/successThreshold", 2)),
    text=MODEL + "livenessProbe.successThreshold=2 but a livenessProbe passes with its first success; write "
    "1, or remove it",
)  # fmt: skip
case(
    "P04", "negative", deployment(put(f"{LIVE}/initialDelaySeconds", -1)),
    text=MODEL + "livenessProbe.initialDelaySeconds=-1 but no number of a probe is below 0; remove the field "
    "for its default",
)  # fmt: skip
case(
    "P04", "grace of a readiness probe", deployment(put(f"{READY}/terminationGracePeriodSeconds", 5)),
    text=MODEL + "readinessProbe.terminationGracePeriodSeconds=5 but a readinessProbe ends no container; "
    "remove the field for its default",
)  # fmt: skip
case(
    "P04", "no grace", deployment(put(f"{LIVE}/terminationGracePeriodSeconds", 0)),
    text=MODEL + "livenessProbe.terminationGracePeriodSeconds=0 but a grace period is 1 second or more; "
    "remove the field for its default",
)  # fmt: skip
case(
    "P05", "slow probe", deployment(put(f"{LIVE}/timeoutSeconds", 11)),
    text=MODEL + "livenessProbe.timeoutSeconds=11 but the next probe is due after 10 seconds (periodSeconds) "
    "and waits for this one; lower timeoutSeconds, or raise periodSeconds",
)  # fmt: skip
case(
    "P06", "killed while it loads", deployment(remove(f"{MAIN}/startupProbe"), gpu=Gpu("l4")),
    text=MODEL + "livenessProbe but it kills a container that uses nvidia.com/gpu and is not up after 60 "
    "seconds; add a startupProbe whose periodSeconds times failureThreshold is the longest start",
)  # fmt: skip
case(
    "P08", "short rollout", deployment(put("/spec/progressDeadlineSeconds", 60)),
    text=API + "progressDeadlineSeconds=60 but the startupProbe of model gives a pod 60 seconds to get "
    "ready; raise it above 60",
)  # fmt: skip
case(
    "P08", "default deadline",
    foreign(DEPLOYMENT, put(f"{MAIN}/startupProbe", {"tcpSocket": {"port": 80}, "failureThreshold": 60})),
    text=WEB + "progressDeadlineSeconds but Kubernetes assumes 600, and the startupProbe of main gives a pod "
    "600 seconds to get ready; raise it above 600",
)  # fmt: skip
case(
    "P09", "probe", deployment(put(f"{POD}/initContainers", [PROBED])),
    text=API + "template.spec.initContainers[0].readinessProbe but the container ends before the others "
    "start; remove it, or write restartPolicy: Always to make the container a sidecar",
)  # fmt: skip
case(
    "P09", "hook", deployment(put(f"{POD}/initContainers", [{**INIT, "lifecycle": {}}])),
    text=API + "template.spec.initContainers[0].lifecycle but the container ends before the others start; "
    "remove it, or write restartPolicy: Always to make the container a sidecar",
)  # fmt: skip
case(
    "P27", "short rollout", deployment(put("/spec/minReadySeconds", 660)),
    text=API + "progressDeadlineSeconds=660 but a pod counts as available only after minReadySeconds=660; "
    "raise progressDeadlineSeconds, or lower minReadySeconds",
)  # fmt: skip

case("P03", "number", deployment(put(f"{LIVE}/httpGet/port", 9090)))
case("P03", "hook", deployment(put(f"{MAIN}/lifecycle/postStart", {"exec": {"command": ["warm"]}})))
case("P03", "grpc", deployment(put(LIVE, {"grpc": {"port": 9090}})))
case("P04", "successes of a readiness probe", deployment(put(f"{READY}/successThreshold", 2)))
case("P04", "grace of a liveness probe", deployment(put(f"{LIVE}/terminationGracePeriodSeconds", 1)))
case("P05", "as long as the period", deployment(put(f"{LIVE}/timeoutSeconds", 10)))
case("P05", "defaults", deployment(put(LIVE, {"tcpSocket": {"port": "http"}})))
case("P06", "startup probe", deployment(gpu=Gpu("l4")))
case("P06", "no accelerator", deployment(remove(f"{MAIN}/startupProbe")))
case("P06", "patient", deployment(remove(f"{MAIN}/startupProbe"), put(f"{LIVE}/failureThreshold", 30), gpu=Gpu("l4")))
case("P08", "a second more", deployment(put("/spec/progressDeadlineSeconds", 61)))
case("P08", "long start", lambda scope: service(scope, start_within=minutes(45)))
case("P09", "sidecar", deployment(put(f"{POD}/initContainers", [{**PROBED, "restartPolicy": "Always"}])))
case("P27", "a second more", deployment(put("/spec/minReadySeconds", 599)))


@pytest.mark.parametrize(("rule", "setup", "expected"), CASES)
def test_the_rule(tmp_path: Path, rule: str, setup: Setup, expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none of this rule."""
    assert texts(tmp_path, rule, setup) == expected
