"""What a change does to objects that are not pods: claims, configuration, addresses, permissions, delivery."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.plan.model import Effect, Risk
from modelyard.plan.pairs import Pair, manifest
from modelyard.plan.rollouts import below, named
from modelyard.plan.trees import Manifest
from modelyard.values.at import at, mapping
from modelyard.values.quantity import number

DASHBOARD = '{\n "uid": "modelyard-'
"""How what modelyard renders for Grafana begins, which no pod of the workload reads."""
SIZE = ("spec", "resources", "requests", "storage")
POD_SECURITY = "pod-security.kubernetes.io/enforce"


def in_place(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of an object does of which nothing more is known."""
    yield Effect("in-place", Risk.NOTE, f"changed in place: {named(pair.fields)}")


def claim(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a claim does."""
    sized = below(pair.fields, *SIZE)
    before, now = (number(at(manifest(doc), *SIZE)) for doc in (pair.old, pair.new))
    if sized and before is not None and now is not None and now > before:
        sizes = f"{at(manifest(pair.old), *SIZE)} -> {at(manifest(pair.new), *SIZE)}"
        yield Effect(
            "claim-grows", Risk.CAUTION, f"the claim grows {sizes}, if its class allows that, and never shrinks"
        )
    rest = [one for one in pair.fields if one not in sized and one.path[0] != "spec"]
    if rest:
        yield Effect("in-place", Risk.NOTE, f"changed in place: {named(rest)}")


def dashboard(one: Manifest) -> bool:
    """Return whether *one* is a ConfigMap of what Grafana shows, and no pod reads."""
    boards = mapping(one, "data").values() if one.get("kind") == "ConfigMap" else ()
    return bool(boards) and all(isinstance(board, str) and board.startswith(DASHBOARD) for board in boards)


def config(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a ConfigMap or a Secret under the same name does."""
    data = [one for one in pair.fields if one.path[0] in {"data", "binaryData", "stringData"}]
    if data and dashboard(manifest(pair.new)):
        yield Effect("config-in-place", Risk.NOTE, f"Grafana shows another dashboard: {named(data)}")
    elif data:
        text = f"pods see new files within a minute or so, variables only after a restart: {named(data)}"
        yield Effect("config-in-place", Risk.CAUTION, text)
    if rest := [one for one in pair.fields if one not in data]:
        yield Effect("in-place", Risk.NOTE, f"changed in place: {named(rest)}")


def service(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a Service does."""
    selected, ports = below(pair.fields, "spec", "selector"), below(pair.fields, "spec", "ports")
    if selected:
        yield Effect("traffic-moves", Risk.DANGER, f"traffic goes to other pods: {named(selected)}")
    if ports:
        yield Effect("ports", Risk.CAUTION, f"clients have to follow: {named(ports)}")
    if rest := [one for one in pair.fields if one not in selected and one not in ports]:
        yield Effect("in-place", Risk.NOTE, f"changed in place: {named(rest)}")


def route(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of an Ingress or an HTTPRoute does."""
    if spec := below(pair.fields, "spec"):
        yield Effect("traffic-moves", Risk.CAUTION, f"traffic from outside takes another way: {named(spec)}")
    else:
        yield from in_place(pair)


def namespace(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a Namespace does."""
    enforced = below(pair.fields, "metadata", "labels", POD_SECURITY)
    if enforced:
        labels = (at(manifest(doc), "metadata", "labels", POD_SECURITY) for doc in (pair.old, pair.new))
        before, now = (label or "privileged" for label in labels)
        text = f"Pod Security {before} -> {now}: new pods that break it are refused"
        yield Effect("pod-security", Risk.CAUTION, text)
    if rest := [one for one in pair.fields if one not in enforced]:
        yield Effect("in-place", Risk.NOTE, f"changed in place: {named(rest)}")


def limits(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a ResourceQuota or a LimitRange does."""
    yield Effect("limits", Risk.CAUTION, f"pods that run stay, new ones may be refused: {named(pair.fields)}")


def permissions(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of a Role or a binding does."""
    yield Effect("permissions", Risk.CAUTION, f"who may do what changes at once: {named(pair.fields)}")


def delivery(pair: Pair) -> Iterator[Effect]:
    """Yield what a change of an Application, a Kustomization or their like does."""
    moved = [
        one
        for path in (("spec", "destination"), ("spec", "targetNamespace"), ("spec", "kubeConfig"))
        for one in below(pair.fields, *path)
    ]
    read = [
        one
        for path in (("spec", "source"), ("spec", "sources"), ("spec", "path"), ("spec", "sourceRef"), ("spec", "url"))
        for one in below(pair.fields, *path)
    ]
    if moved:
        yield Effect("sync-target", Risk.DANGER, f"it is synced to another place: {named(moved)}")
    if read:
        yield Effect("sync-source", Risk.DANGER, f"what is not there any more is pruned: {named(read)}")
    if rest := [one for one in pair.fields if one not in moved and one not in read]:
        yield Effect("sync", Risk.CAUTION, f"how it is synced: {named(rest)}")
