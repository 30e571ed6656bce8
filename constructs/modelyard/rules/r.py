"""R: amounts: quantities, requests and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from modelyard.findings import Breach, shown
from modelyard.rules.demand import extended, field
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Object, Pod
from modelyard.values import quantity
from modelyard.values.names import qualified_name

RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"

R01 = Rule(
    "R01",
    "Every amount of CPU, memory or storage is a Kubernetes quantity, and none is negative.",
    why="The API server cannot read it, and refuses the object. Units are m, k, M, G, T, Ki, Mi, Gi, Ti: never GB.",
    fix='write a number with a unit, such as "500m" for CPU or "2Gi" for memory',
    see="https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/",
)
R02 = Rule(
    "R02",
    "A container asks for cpu, memory, ephemeral-storage, huge pages, or the full name of a device.",
    why="The API server refuses the pod: a GPU is called nvidia.com/gpu, never gpu.",
    fix="write the resource's full name, such as nvidia.com/gpu",
    see=f"{RESOURCES}#extended-resources",
)
R03 = Rule(
    "R03",
    "CPU and memory are asked for in amounts that a program can run in and a node can have.",
    why=(
        'Without a unit, memory: "512" is 512 bytes, and "512m" half a byte. As a limit that ends the container before'
        " its first line, and as a request it lets the scheduler overfill the node."
        ' And cpu: "4Gi" is four billion CPUs, for which a pod stays Pending for ever.'
    ),
    fix='write the unit, such as memory: "512Mi" and cpu: "500m"',
    see=f"{RESOURCES}#meaning-of-memory",
    acceptable=True,
)
R05 = Rule(
    "R05",
    "Accelerators and other devices are counted in whole numbers.",
    why="The API server refuses a part of a device. Devices are shared in other ways, such as MIG or time-slicing.",
    fix="write a whole number",
    see=f"{RESOURCES}#extended-resources",
)
R06 = Rule(
    "R06",
    "Accelerators, other devices and huge pages have a limit, and a request that is the same or none.",
    why=(
        "They cannot be overcommitted, so the API server refuses a request without a limit, or one that differs. It"
        " refuses huge pages of a container that asks for neither CPU nor memory, too."
    ),
    fix="write it under limits only; the request follows",
    see="https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/",
)
R08 = Rule(
    "R08",
    "A request is at most its limit.",
    why="The API server refuses the pod, or the object that makes pods of it.",
    fix="raise the limit, or lower the request",
    see=f"{RESOURCES}#requests-and-limits",
)

PLAIN = frozenset({"cpu", "memory", "ephemeral-storage"})
HUGE_PAGES = "hugepages-"
LEAST_MEMORY = 4 * 2**20
MOST_CPU = 10_000
MOST_DIGITS = 6
"""Of a number of mebibytes whose unit was forgotten."""
DEVICE_WORDS = frozenset({"accelerator", "accelerators", "gpu", "gpus", "nvidia", "tpu", "tpus"})


@R01.containers
def resources(container: Container, scope: Scope) -> Iterator[Breach]:
    """Check the requests and limits of a container."""
    if given := container.data.get("resources"):
        yield from _resources(given, f"{container.path}.resources", scope)


@R01.pods
def volumes(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Check the sizes of a pod's volumes, and requests and limits for the pod as a whole."""
    if given := pod.spec.get("resources"):
        yield from _resources(given, pod.at("spec.resources"), scope)
    for index, volume in enumerate(pod.volumes):
        if "emptyDir" in volume:
            size = (volume["emptyDir"] or {}).get("sizeLimit")
            if size is not None:
                yield from _amount(size, pod.at(f"spec.volumes[{index}].emptyDir.sizeLimit"))
        elif "ephemeral" in volume:
            claim = (volume["ephemeral"] or {}).get("volumeClaimTemplate") or {}
            at = pod.at(f"spec.volumes[{index}].ephemeral.volumeClaimTemplate.spec")
            yield from _claim(claim.get("spec") or {}, at)


@R01.objects("PersistentVolumeClaim")
def claim_size(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the size of a claim."""
    yield from _claim(one.spec, "spec")


@R01.objects("StatefulSet")
def claim_sizes(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Check the sizes of the claims that a StatefulSet makes."""
    for index, claim in enumerate(one.spec.get("volumeClaimTemplates") or ()):
        yield from _claim(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}].spec")


def _claim(spec: Mapping[str, Any], path: str) -> Iterator[Breach]:
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    at = f"{path}.resources.requests.storage"
    if size is None:
        yield R01.breach(
            at, None, "a claim says how much it needs, and this one does not", 'write a size such as "50Gi"'
        )
    else:
        yield from _amount(size, at, above_zero=True)


def _amount(given: object, path: str, *, above_zero: bool = False) -> Iterator[Breach]:
    amount = quantity.number(given)
    if amount is None:
        yield R01.breach(path, given, quantity.RULE, quantity.suggestion(str(given)))
    elif amount < 0:
        yield R01.breach(path, given, "a quantity is not negative here", "write what is needed")
    elif above_zero and amount == 0:
        yield R01.breach(path, given, "a claim is larger than 0", 'write a size such as "50Gi"')


def _resources(given: Mapping[str, Any], path: str, scope: Scope) -> Iterator[Breach]:
    limits, requests = given.get("limits") or {}, given.get("requests") or {}
    for name, text in limits.items():
        yield from _resource(name, text, f"{path}.limits{field(name)}", scope)
    for name, text in requests.items():
        if limits.get(name) != text:
            at = f"{path}.requests{field(name)}"
            yield from _resource(name, text, at, scope)
            yield from _differing(name, text, at, limits)
    if not any(name in of for of in (limits, requests) for name in ("memory", "cpu")):
        for name, text in limits.items():
            if name.startswith(HUGE_PAGES):
                because = "the container asks for neither cpu nor memory, and huge pages come with one of them"
                yield R06.breach(f"{path}.limits{field(name)}", text, because, 'write memory beside it, such as "1Gi"')


def _resource(name: str, text: object, at: str, scope: Scope) -> Iterator[Breach]:
    """Check one request or limit by itself."""
    if name not in PLAIN and (broken := _unknown(name, scope)):
        yield R02.breach(at, text, *broken)
        return
    amount = quantity.number(text)
    if amount is None or amount < 0:
        yield from _amount(text, at)
    elif odd := _odd(name, text, amount):
        rule, because, do = odd
        yield rule.breach(at, text, because, do)


def _differing(name: str, text: object, at: str, limits: Mapping[str, Any]) -> Iterator[Breach]:
    """Compare a request with a limit that is written differently, or not at all."""
    amount, limit = quantity.number(text), quantity.number(limits.get(name))
    if amount is None or (limit is None and name in limits):
        return
    if name in PLAIN:
        if limit is not None and amount > limit:
            because = f"its limit is {shown(limits[name])}, and a request is at most its limit"
            yield R08.breach(at, text, because)
    elif limit is None:
        if extended(name) or name.startswith(HUGE_PAGES):
            because = "it has no limit, and what cannot be overcommitted has one"
            yield R06.breach(at, text, because)
    elif amount != limit:
        because = f"its limit is {shown(limits[name])}, and of what cannot be overcommitted both are the same"
        yield R06.breach(at, text, because)


def _unknown(name: str, scope: Scope) -> tuple[str, str] | None:
    """Return why there is no resource *name* for containers, and what was meant."""
    if extended(name):
        broken = qualified_name(name)
        return (broken, "write the name that the device plugin gives it") if broken else None
    if name.startswith(HUGE_PAGES):
        if quantity.parse(name.removeprefix(HUGE_PAGES)) is None:
            return "huge pages are called by their size", "write hugepages-2Mi or hugepages-1Gi"
        return None
    if "kubernetes.io/" in name:
        return None
    known = dict.fromkeys(one.resource for one in scope.site.cluster.accelerators)
    do = f"write {' or '.join(known)}" if known and name.lower() in DEVICE_WORDS else R02.fix
    return "containers have only cpu, memory, ephemeral-storage and huge pages under a short name", do


def _odd(name: str, text: object, amount: Decimal) -> tuple[Rule, str, str | None] | None:
    """Return the rule that a readable *amount* of *name* breaks by itself, and how."""
    if name == "memory":
        if 0 < amount < LEAST_MEMORY:
            digits = str(text).rstrip("m")
            do = f'write "{digits}Mi"' if digits.isdecimal() and len(digits) <= MOST_DIGITS else None
            return R03, f"that is {_bytes(amount)}, and no program runs in so little", do
    elif name == "cpu":
        if amount > MOST_CPU:
            return R03, f"that is {amount:.0f} CPUs, which no node has", 'write CPUs, such as "4" or "500m"'
    elif name.startswith(HUGE_PAGES):
        page = quantity.parse(name.removeprefix(HUGE_PAGES))
        if page and amount % page:
            return R05, f"huge pages of this size come in multiples of {name.removeprefix(HUGE_PAGES)}", "round it up"
    elif amount % 1 and extended(name):
        return R05, "devices are counted in whole numbers", None
    return None


def _bytes(amount: Decimal) -> str:
    return f"{amount.normalize():f} byte{'' if amount == 1 else 's'}"
