"""Whom the NetworkPolicies of an environment let in to its pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import matches, selected

NAMESPACE_NAME = "kubernetes.io/metadata.name"


def closed_by(pod: Pod, port: str | int, namespace: str, scope: Scope) -> Object | None:
    """Return a policy of *pod* where none lets pods of *namespace* in to *port*, a number or a name; else None."""
    policies = _policies(scope).get(id(pod), [])
    wanted = _aliases(pod, port)
    if any(_lets_in(policy, wanted, namespace) for policy in policies):
        return None
    return policies[0] if policies else None


def _policies(scope: Scope) -> dict[int, list[Object]]:
    """Return the policies about what comes in, by the pods that they are about."""
    if "policies" not in scope.memo:
        found: dict[int, list[Object]] = {}
        for policy in scope.of_kind("NetworkPolicy"):
            if "Ingress" in (policy.spec.get("policyTypes") or ["Ingress"]):
                for pod in selected(scope, policy.spec.get("podSelector") or {}, policy.namespace) or ():
                    found.setdefault(id(pod), []).append(policy)
        scope.memo["policies"] = found
    policies: dict[int, list[Object]] = scope.memo["policies"]
    return policies


def _aliases(pod: Pod, port: str | int) -> set[str | int]:
    """Return the number and the name of *port*, as far as the pod's containers tell."""
    same: set[str | int] = {port}
    for container in pod.containers:
        for one in container.ports:
            pair = {one.get("containerPort"), one.get("name")}
            if port in pair:
                same |= {alias for alias in pair if alias}
    return same


def _lets_in(policy: Object, port: set[str | int], namespace: str) -> bool:
    return any(
        _opens(rule, port) and _from(rule, namespace, str(policy.namespace))
        for rule in policy.spec.get("ingress") or ()
    )


def _opens(rule: Mapping[str, Any], port: set[str | int]) -> bool:
    ports = rule.get("ports")
    if not ports:
        return True
    for one in ports:
        first, last = one.get("port"), one.get("endPort")
        if first is None or first in port:
            return True
        if last is not None and any(isinstance(number, int) and first <= number <= last for number in port):
            return True
    return False


def _from(rule: Mapping[str, Any], namespace: str, own: str) -> bool:
    peers = rule.get("from")
    if not peers:
        return True
    for peer in peers:
        if peer.get("ipBlock"):  # who has which address is known to the cluster alone
            return True
        spaces = peer.get("namespaceSelector")
        if spaces is None:
            if namespace == own:
                return True
        elif _unknown(spaces) or matches(spaces, {NAMESPACE_NAME: namespace}):
            return True
    return False


def _unknown(selector: Mapping[str, Any]) -> bool:
    """Return whether *selector* looks at other labels of a namespace than its name."""
    keys = {*(selector.get("matchLabels") or {}), *(one["key"] for one in selector.get("matchExpressions") or ())}
    return bool(keys - {NAMESPACE_NAME})
