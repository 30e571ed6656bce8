"""V: Secrets that an operator makes from a store outside git."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object, Pod
from modelyard.rules.workloads import called
from modelyard.values.similar import did_you_mean

V30 = Rule(
    "V30",
    "A key that a pod reads of a Secret is one that its ExternalSecret writes.",
    why="The container does not start (CreateContainerConfigError), however long it waits.",
    fix="correct the key, or add it to the ExternalSecret",
    see="https://external-secrets.io/latest/api/externalsecret/",
)
V31 = Rule(
    "V31",
    "A Secret has one ExternalSecret.",
    why="Two of them write the same Secret in turn, or the second one fails because the first one owns it.",
    fix="put the keys into one ExternalSecret, or give the two Secrets names of their own",
    see="https://external-secrets.io/latest/guides/ownership-deletion-policy/",
)


def _target(one: Object) -> str:
    return str((one.spec.get("target") or {}).get("name") or one.name)


def _makers(scope: Scope) -> dict[tuple[str | None, str], list[Object]]:
    if "external secrets" not in scope.memo:
        found: dict[tuple[str | None, str], list[Object]] = {}
        for one in scope.of_kind("ExternalSecret"):
            found.setdefault((one.namespace, _target(one)), []).append(one)
        scope.memo["external secrets"] = found
    makers: dict[tuple[str | None, str], list[Object]] = scope.memo["external secrets"]
    return makers


@V30.pods
def written(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Compare the keys that are read with those that are written."""
    makers = _makers(scope)
    for container in pod.containers if makers else ():
        for index, variable in enumerate(container.data.get("env") or ()):
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            found = makers.get((pod.object.namespace, str(reference.get("name")))) if reference else None
            if not reference or not found:
                continue
            spec = found[0].spec
            if spec.get("dataFrom") or (spec.get("target") or {}).get("template"):
                continue
            keys = [str(entry["secretKey"]) for entry in spec.get("data") or ()]
            if reference["key"] not in keys:
                do = did_you_mean(reference["key"], keys) or f"it writes {', '.join(keys) or 'none'}"
                because = f"{called(found[0])} writes no such key"
                field = container.at(f"env[{index}].valueFrom.secretKeyRef.key")
                yield V30.breach(field, reference["key"], because, do)


@V31.objects("ExternalSecret")
def alone(one: Object, scope: Scope) -> Iterator[Breach]:
    """Look for another one of the same Secret."""
    first = _makers(scope)[one.namespace, _target(one)][0]
    policy = (one.spec.get("target") or {}).get("creationPolicy")
    if first is not one and policy != "Merge":
        yield V31.breach("spec.target.name", _target(one), f"{called(first)} makes this Secret already")
