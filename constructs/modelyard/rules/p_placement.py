"""P: where pods may run: tolerations, node labels, spreading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.values.names import label_value, qualified_name
from modelyard.values.versions import minor

MERGED_KEYS = 34
"""From this minor on a pod's own labels are merged into the selector, and only those can collide with it."""

POD_HASH = "pod-template-hash"
HOSTNAME = "kubernetes.io/hostname"
SHARED_HOSTNAME = frozenset({"Deployment", "ReplicaSet", "ReplicationController"})
SPREADING = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"

P20 = Rule(
    "P20",
    "A toleration is one that a taint can match.",
    why="The API server refuses the pod.",
    fix="correct the toleration",
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/",
)
P21 = Rule(
    "P21",
    "The node labels that a pod selects do not contradict its node affinity.",
    why="No node can have both, so the pod stays Pending for ever.",
    fix="keep one of the two",
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/",
)
P22 = Rule(
    "P22",
    "A spread constraint is one that the scheduler can weigh.",
    why="The API server refuses the pod.",
    fix="correct the constraint",
    see=SPREADING,
)
P23 = Rule(
    "P23",
    "Replicas that must not share a node are not more than the nodes they fit on.",
    why="The replicas beyond the number of nodes stay Pending for ever, and so does the next rollout.",
    fix="prefer the rule (preferredDuringSchedulingIgnoredDuringExecution), or ask for fewer replicas",
    see="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity",
    acceptable=True,
)
P24 = Rule(
    "P24",
    "Replicas do not share one hostname.",
    why="All of them call themselves the same, which mixes up their logs, metrics and any cluster they form.",
    fix="remove hostname; every pod is then called as its name says",
    see="https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-hostname-and-subdomain-fields",
    severity=Severity.WARNING,
    acceptable=True,
)
P29 = Rule(
    "P29",
    "A spread constraint counts the pods that it is written on.",
    why="The scheduler counts other pods, or none, and places these ones as if the constraint were not there.",
    fix="select labels that the pod template has",
    see=SPREADING,
    severity=Severity.WARNING,
    acceptable=True,
)


@P20.pods
def _placement(pod: Pod, scope: Scope) -> Iterator[Breach]:
    spec = pod.spec
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _toleration(toleration, pod.at(f"spec.tolerations[{index}]"))
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        path = pod.at(f"spec.topologySpreadConstraints[{index}]")
        yield from _spread(constraint, pod, path, scope.site.cluster.kubernetes)
    if (labels := spec.get("nodeSelector")) and (affinity := spec.get("affinity")):
        yield from _contradiction(labels, affinity, pod)
    if spec.get("hostname") and pod.object.kind in SHARED_HOSTNAME:
        yield P24.breach(pod.at("spec.hostname"), spec["hostname"], f"all pods of the {pod.object.kind} get it")


def _toleration(toleration: Mapping[str, Any], path: str) -> Iterator[Breach]:
    key, operator, value = toleration.get("key"), toleration.get("operator") or "Equal", toleration.get("value") or ""
    if key:
        if broken := qualified_name(key):
            yield P20.breach(f"{path}.key", key, broken, "write the key of a taint")
    elif operator != "Exists":
        because = "without a key a toleration is for every taint, which only Exists can say"
        do = "name the key of a taint, or write operator: Exists"
        yield P20.breach(f"{path}.operator", toleration.get("operator"), because, do)
    if operator == "Exists" and value:
        do = "remove it, or write operator: Equal"
        yield P20.breach(f"{path}.value", value, "with operator Exists any value is tolerated", do)
    elif operator == "Equal" and (broken := label_value(value)):
        yield P20.breach(f"{path}.value", value, broken, "write the value of a taint")
    seconds, effect = toleration.get("tolerationSeconds"), toleration.get("effect")
    if seconds is not None and effect != "NoExecute":
        found = f"the effect is {effect}" if effect else "no effect is named"
        because = f"{found}, and only NoExecute makes pods leave a node later"
        yield P20.breach(f"{path}.tolerationSeconds", seconds, because, "remove it, or write effect: NoExecute")


def _spread(constraint: Mapping[str, Any], pod: Pod, path: str, kubernetes: str) -> Iterator[Breach]:
    skew, least = constraint.get("maxSkew"), constraint.get("minDomains")
    if (skew or 0) < 1:
        yield P22.breach(f"{path}.maxSkew", skew, "a difference of at least 1 is unavoidable", "write 1 or more")
    if not constraint.get("topologyKey"):
        yield P22.breach(f"{path}.topologyKey", "", "it names the node label to spread over", f"write {HOSTNAME}")
    if least is not None:
        if least < 1:
            yield P22.breach(f"{path}.minDomains", least, "there is at least 1 domain", "write 1 or more, or remove it")
        if constraint.get("whenUnsatisfiable") != "DoNotSchedule":
            because = "it has a meaning only with whenUnsatisfiable: DoNotSchedule"
            yield P22.breach(f"{path}.minDomains", least, because, "remove it, or write DoNotSchedule")
    yield from _counted(constraint, pod, path, kubernetes)


def _counted(constraint: Mapping[str, Any], pod: Pod, path: str, kubernetes: str) -> Iterator[Breach]:
    selector, keys = constraint.get("labelSelector"), constraint.get("matchLabelKeys") or ()
    if selector is None:
        if keys:
            because = "there is no labelSelector for it to narrow down"
            yield P22.breach(f"{path}.matchLabelKeys", keys, because, "add a labelSelector")
        else:
            yield P29.breach(f"{path}.labelSelector", None, "it is not set, so the constraint counts no pod at all")
        return
    labels = selector.get("matchLabels") or {}
    merged = {*pod.selectable, POD_HASH} if minor(kubernetes) >= MERGED_KEYS else keys
    if doubled := [key for key in keys if key in labels and key in merged]:
        because = "labelSelector has it already, with a value"
        yield P22.breach(f"{path}.matchLabelKeys", doubled, because, "leave it in one of the two")
    elif minor(kubernetes) >= MERGED_KEYS and len(keys) > len(set(keys)):
        because = "a key stands there twice"
        yield P22.breach(f"{path}.matchLabelKeys", keys, because, "leave one of the two out")
    if not matches(selector, pod.labels):
        yield P29.breach(f"{path}.labelSelector", None, "it does not match the pod's own labels")


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a label selector matches *labels*."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_holds(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a requirement of a label or node selector holds for *labels*."""
    found, values = labels.get(requirement.get("key", "")), requirement.get("values") or ()
    operator = requirement.get("operator")
    if operator == "In":
        return found in values
    if operator == "NotIn":
        return found not in values
    if operator == "Exists":
        return found is not None
    return operator != "DoesNotExist" or found is None


def _contradiction(labels: Mapping[str, str], affinity: Mapping[str, Any], pod: Pod) -> Iterator[Breach]:
    required = (affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    broken: set[str] = set()
    for term in required.get("nodeSelectorTerms") or ():
        keys = {
            requirement["key"]
            for requirement in term.get("matchExpressions") or ()
            if requirement.get("key") in labels and not _holds(requirement, labels)
        }
        if not keys:
            return
        broken |= keys
    for key in sorted(broken):
        because = "the required node affinity asks for something else, and a node has one value of a label"
        yield P21.breach(pod.at(f"spec.nodeSelector[{key!r}]"), labels[key], because)


@P23.objects("Deployment", "Rollout", "StatefulSet")
def _crowded(one: Object, scope: Scope) -> Iterator[Breach]:
    pod = one.pod
    affinity = pod.spec.get("affinity") if pod else None
    if pod is None or not affinity:
        return
    terms = (affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    if not any(_keeps_apart(term, pod) for term in terms):
        return
    nodes = sum(
        accelerator.nodes
        for accelerator in scope.site.cluster.accelerators
        if any(accelerator.resource in container.limits for container in pod.containers)
        and not _elsewhere(accelerator.node_selector, pod)
    )
    limits = [scaler.spec.get("maxReplicas") or 0 for scaler in scope.scalers_of(one)]
    most = max(one.spec.get("replicas") or 1, *limits, 0)
    if 0 < nodes < most:
        field = pod.at("spec.affinity.podAntiAffinity")
        cluster = scope.site.cluster.name
        because = f"up to {most} replicas want a node each, and {cluster} has {nodes} with this accelerator"
        yield P23.breach(field, None, because)


def _keeps_apart(term: Mapping[str, Any], pod: Pod) -> bool:
    selector = term.get("labelSelector")
    return term.get("topologyKey") == HOSTNAME and selector is not None and matches(selector, pod.labels)


def _elsewhere(nodes: Mapping[str, str], pod: Pod) -> bool:
    selected = pod.spec.get("nodeSelector") or {}
    return any(selected.get(key, value) != value for key, value in nodes.items())
