"""M: what is monitored: monitors that find what they read, rules that can be read, and who lets Prometheus in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.a_names import analyses
from modelyard.rules.admission import closed_by
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called, matches, selected, written
from modelyard.values.similar import did_you_mean

DESIGN = "https://prometheus-operator.dev/docs/developer/getting-started/"
API = "https://prometheus-operator.dev/docs/api-reference/api/"

M01 = Rule(
    "M01",
    "A monitor reads ports that the pods or Services it selects have, by name.",
    why="It has no target then, and nobody is told: no metrics, no alerts, an autoscaler that stands still.",
    fix="name a port of the container or Service",
    see=API,
    acceptable=True,
)
M02 = Rule(
    "M02",
    "Monitors and rules carry the labels by which the cluster's Prometheus chooses them.",
    why="Without them the operator passes them over, and nobody is told.",
    fix="add the labels, or accept M02 where another Prometheus reads it",
    see=DESIGN,
    acceptable=True,
)
M03 = Rule(
    "M03",
    "A ServiceMonitor selects Services that are there, by the labels of the Service.",
    why="Its selector is matched with the labels of Services, not with those of pods, and finds nothing.",
    fix="select labels of the Service's own metadata, or accept M03 where the Service is made elsewhere",
    see=API,
    acceptable=True,
)
M04 = Rule(
    "M04",
    "The expression of an alert, a recording or an analysis is whole: its brackets and quotes are closed.",
    why="Prometheus cannot load it, and with it none of the group; an analysis fails, and no new version stays.",
    fix="close what is open",
    see="https://prometheus.io/docs/prometheus/latest/querying/basics/",
)
M05 = Rule(
    "M05",
    "A NetworkPolicy lets Prometheus in to what a monitor reads.",
    why="Every scrape runs into its timeout, and there are no metrics.",
    fix="let the monitoring namespace in, with watch= or Network(clients=[Peer(...)])",
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    acceptable=True,
)
M06 = Rule(
    "M06",
    "An alert says how severe it is.",
    why="Alertmanager mostly chooses by severity whom it calls, and an alert without one calls nobody.",
    fix="add labels.severity",
    see="https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/",
    severity=Severity.WARNING,
    acceptable=True,
)

OPEN = {"(": ")", "[": "]", "{": "}"}
QUOTES = "\"'`"


@M01.objects("PodMonitor")
def read(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the ports that are read, and for policies that keep Prometheus out."""
    pods = [pod for pod in selected(scope, one.spec.get("selector") or {}, one.namespace) or () if pod.object.spec]
    monitoring = scope.site.cluster.monitoring
    for index, endpoint in enumerate(one.spec.get("podMetricsEndpoints") or ()):
        port = endpoint.get("port")
        if not port or not pods or one.spec.get("namespaceSelector"):
            continue
        at = f"spec.podMetricsEndpoints[{index}].port"
        names = [str(known["name"]) for pod in pods for known in _ports(pod) if known.get("name")]
        if port not in names:
            do = did_you_mean(port, names) or f"they have {', '.join(dict.fromkeys(names)) or 'none with a name'}"
            yield M01.breach(at, port, f"the pods of {called(pods[0].object)} have no port of this name", do)
            continue
        # Of a group, only the pod that takes requests has it.
        for pod in (pod for pod in pods if any(known.get("name") == port for known in _ports(pod))):
            if monitoring is not None and (policy := closed_by(pod, port, monitoring.namespace, scope)):
                because = f"{called(policy)} lets nobody of the namespace {monitoring.namespace} in to it"
                yield M05.breach(at, port, because)


def _ports(pod: Pod) -> Iterator[dict[str, Any]]:
    # Prometheus finds those of init containers, too, of which one may be a training with steps after it.
    for container in pod.containers:
        yield from container.ports


@M02.objects("PodMonitor", "ServiceMonitor", "PrometheusRule", "Probe")
def chosen(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the labels by which Prometheus chooses."""
    monitoring = scope.site.cluster.monitoring
    given: Mapping[str, str] = one.metadata.get("labels") or {}
    for key, value in (monitoring.labels if monitoring is not None else {}).items():
        if given.get(key) != value:
            because = f"the Prometheus of {scope.site.cluster.name} chooses what has {written({key: value})}"
            yield M02.breach(f"metadata.labels[{key!r}]", given.get(key), because, f"write {written({key: value})}")


@M03.objects("ServiceMonitor")
def by_service(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for the Services that are selected, and for their ports."""
    selector = one.spec.get("selector") or {}
    if one.spec.get("namespaceSelector") or not scope.complete:
        return
    services = [
        service
        for service in scope.of_kind("Service")
        if service.namespace == one.namespace and matches(selector, service.metadata.get("labels") or {})
    ]
    if not services:
        labels = selector.get("matchLabels") or {}
        yield M03.breach("spec.selector.matchLabels", written(labels) or None, "no Service here has these labels")
        return
    names = [str(port["name"]) for service in services for port in service.spec.get("ports") or () if port.get("name")]
    for index, endpoint in enumerate(one.spec.get("endpoints") or ()):
        port = endpoint.get("port")
        if port and port not in names:
            do = did_you_mean(port, names) or f"it has {', '.join(names) or 'none with a name'}"
            because = f"{called(services[0])} has no port of this name"
            yield M01.breach(f"spec.endpoints[{index}].port", port, because, do)


@M04.objects("PrometheusRule")
def whole(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at every expression, and at the severity of alerts."""
    for outer, group in enumerate(one.spec.get("groups") or ()):
        for inner, rule in enumerate(group.get("rules") or ()):
            at = f"spec.groups[{outer}].rules[{inner}]"
            if because := unclosed(str(rule.get("expr", ""))):
                yield M04.breach(f"{at}.expr", rule.get("expr"), because)
            if rule.get("alert") and "severity" not in (rule.get("labels") or {}):
                yield M06.breach(f"{at}.labels", None, f"the alert {rule['alert']} has no severity")


@M04.objects("AnalysisTemplate", "ClusterAnalysisTemplate")
def asked_whole(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at every query to Prometheus."""
    for at, query in analyses(one):
        if because := unclosed(query):
            yield M04.breach(at, query, because)


def unclosed(expression: str) -> str | None:
    """Return what is open at the end of *expression*, or None."""
    if not expression.strip():
        return "it is empty"
    waiting: list[str] = []
    quote, escaped = "", False
    for character in expression:
        if quote:
            if escaped or (character == "\\" and quote != "`"):
                escaped = not escaped
            elif character == quote:
                quote = ""
        elif character in QUOTES:
            quote = character
        elif character in OPEN:
            waiting.append(OPEN[character])
        elif character in OPEN.values() and (not waiting or waiting.pop() != character):
            return f"nothing is open that {character} could close"
    if quote:
        return f"a string that begins with {quote} does not end"
    return f"{waiting[-1]} is missing" if waiting else None
