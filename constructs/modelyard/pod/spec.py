"""The options that every workload's pods have, and what can be wrong with them before rendering."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import attrs

from modelyard.findings import Breach, shown
from modelyard.fleet.site import Site
from modelyard.pod.fitting import gpu_breaches
from modelyard.pod.labels import label_breaches
from modelyard.pod.options import (
    Claim,
    ConfigFiles,
    EmptyDir,
    EnvValue,
    Gpu,
    Network,
    SecretFiles,
    amount,
)  # fmt: skip
from modelyard.pod.outside import ExternalSecret, Identity, Watch, outside_breaches
from modelyard.values import image as references
from modelyard.values import names, quantity
from modelyard.values.credentials import credential
from modelyard.values.image import Image
from modelyard.values.typecheck import mismatches
from modelyard.values.value import Check, option, required, source_of

S = TypeVar("S", bound="PodSpec")
SHARED_MEMORY = "/dev/shm"  # noqa: S108 # where Linux has it
STAND_IN = "stand-in"
"""An image where the given one is broken and said to be so."""
HIGHEST_UID = 2**31 - 1


def _image(given: str | Image) -> str | None:
    return references.broken(references.parse(given) if isinstance(given, str) else given)


def _name(given: str | None) -> str | None:
    return names.subdomain(given) if given is not None else None


def _user(uid: int) -> str | None:
    if not 1 <= uid <= HIGHEST_UID:
        return f"pods run as a user id from 1 to {HIGHEST_UID}, never as root"
    return None


@attrs.frozen(kw_only=True)
class PodSpec:
    """The options of a workload's pods; `TrainingJob` and `ScalableModelService` tell what each is."""

    image: str | Image = required(check=_image)
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Mapping[str, EnvValue] = attrs.field(factory=dict)
    config: ConfigFiles | None = None
    cpu: str | int = option(default="1", check=amount)
    memory: str = option(default="2Gi", check=amount)
    cpu_limit: str | int | None = option(default=None, check=amount)
    memory_limit: str | None = option(default=None, check=amount)
    ephemeral_storage: str | None = option(default=None, check=amount)
    gpu: Gpu | None = None
    shared_memory: str | None = option(default=None, check=amount)
    volumes: Sequence[EmptyDir | Claim | SecretFiles] = ()
    user: int = option(default=10001, check=_user)
    read_only_root: bool | None = None
    service_account: str | None = option(default=None, check=_name)
    service_account_annotations: Mapping[str, str] = attrs.field(factory=dict)
    image_pull_secrets: Sequence[str] = ()
    identity: Identity | None = None
    secrets: Sequence[ExternalSecret] = ()
    watch: Watch | None = None
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    node_selector: Mapping[str, str] = attrs.field(factory=dict)
    priority_class: str | None = option(default=None, check=_name)
    network: Network = attrs.field(factory=Network)
    accept: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def together(self) -> int:
        """How many pods work on one thing, and talk with each other for it."""
        return 1

    @property
    def gpus(self) -> Sequence[Gpu]:
        """What the pods ask for, each kind of pod its own."""
        return () if self.gpu is None else (self.gpu,)

    @property
    def claims(self) -> Sequence[Claim]:
        """The claims that the pods mount."""
        return [one for one in self.volumes if isinstance(one, Claim)]


RULES_OF_CHECKS = {
    "image": "P02", "cpu": "R01", "memory": "R01", "cpu_limit": "R01", "memory_limit": "R01",
    "ephemeral_storage": "R01", "shared_memory": "R01", "size_limit": "R01", "size": "R01", "max_failed": "J07",
    "user": "P17", "count": "R05", "resource": "R02", "devices": "R02", "topology": "R27", "huge_pages": "R01",
    "url": "V15", "repo": "V15", "revision": "V13", "to": "V15", "every": "X11", "notice": "X11",
    "node_selector": "N16", "number": "N20", "port": "N20", "service": "N20", "mount": "V06", "parallel": "X11",
    "version": "X11", "max_model_len": "X11", "gpu_memory": "X11", "tensor_parallel": "X11", "pipeline_parallel": "X11",
    "rank": "X11", "cache": "V06", "rate": "R01",
    "nodes": "X11", "retries": "J07", "keep_succeeded": "J07", "keep_failed": "J07", "catch_up": "X11",
    "keep_runs": "X11", "exclusive_topology": "N16", "min_parallelism": "K03", "required_topology": "K04",
    "preferred_topology": "K04", "head_cpu": "R01", "head_memory": "R01",
    "refresh": "X11", "pending_after": "X11", "labels": "N16", "dashboards": "N16", "timeout": "X11",
    "query": "X11", "metric": "X11", "buffer": "X11", "min": "A01", "max": "A01", "scale_down_after": "A13",
}  # fmt: skip
DEFAULT_RULE = "N19"
LEAVES = frozenset({type(None), bool, int, str, timedelta})
"""Types that hold no other value."""


def type_breaches(spec: object, prefix: str = "") -> Iterator[Breach]:
    """Yield every field of *spec* that does not hold the type it declares."""
    for path, found, must in mismatches(spec):
        field = path.split(".")[0].split("[")[0].split(" ")[0]
        do = f"pass {must}"
        if isinstance(found, str) and must.startswith("a list whose items are each a string"):
            do = f"write {_words(found)}"
        elif must == "a string" and isinstance(found, int | float) and not isinstance(found, bool):
            do = f'write "{found}"'
        elif isinstance(found, bool) and must.startswith("a string"):
            do = f'write "{str(found).lower()}"'
        shown_value = found
        if field == "env":
            shown_value, do = None, "write a string in quotes, or a SecretKey or a FieldRef"  # it may be a secret
        source = source_of(getattr(spec, field, None)) if field != path else None
        yield Breach("X11", prefix + path, shown_value, f"it must be {must}", do, source)


def _words(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def value_breaches(spec: Any, prefix: str = "") -> Iterator[Breach]:
    """Yield every field of *spec*, and of the values inside it, whose own check it fails."""
    cls: Any = type(spec)
    for name, check in _checks(cls):
        given = getattr(spec, name)
        if check is not None and (because := check(given)):
            yield _checked(prefix, name, given, because, source_of(spec))
        elif given and type(given) not in LEAVES:
            for place, item in _within(given):
                if hasattr(item, "__source__"):
                    yield from value_breaches(item, f"{prefix}{name}{place}.")


def _within(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield *given*, or where it is a collection what is in it, with the place there."""
    if isinstance(given, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(given))
    elif isinstance(given, dict):
        yield from ((f"[{key!r}]", item) for key, item in given.items())
    else:
        yield "", given


def without(spec: S, broken: Iterable[Breach], **stand_ins: Any) -> S:
    """Return *spec* with defaults, or *stand_ins*, for the options that are *broken*, to look at the others."""
    names = {re.split(r"[.\[ ]", breach.field, maxsplit=1)[0] for breach in broken}
    if not names:
        return spec
    replaced: dict[str, Any] = {}
    for field in attrs.fields(type(spec)):
        if field.name in names:
            default = field.default
            made = default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]
            replaced[field.name] = stand_ins.get(field.name, made)
    return attrs.evolve(spec, **replaced)


@cache
def _checks(cls: Any) -> tuple[tuple[str, Check | None], ...]:
    return tuple((field.name, field.metadata.get("check")) for field in attrs.fields(cls))


def _checked(prefix: str, name: str, given: object, because: str, source: Any) -> Breach:
    rule = RULES_OF_CHECKS.get(name, DEFAULT_RULE)
    if rule == "R01" and name.startswith("cpu"):
        do = 'write cores, such as "500m" or 2'
    elif rule == "R01" and quantity.parse(str(given)) is None:
        do = quantity.suggestion(str(given))
    elif rule == "P02":
        do = 'write a reference such as "ghcr.io/acme/model:1.4.2", or take it from env.image("model")'
    elif rule == "V06":
        do = 'write an absolute path such as "/data"'
    elif name in {"command", "args"}:
        do = "write a list of strings"
    else:
        do = "correct the value"
    shown_value = str(given) if isinstance(given, Image) else given
    if isinstance(given, str) and credential(given):
        shown_value = None
    return Breach(rule, prefix + name, shown_value, because, do, source)


def pod_breaches(spec: PodSpec, site: Site) -> Iterator[Breach]:
    """Yield what is wrong with options of *spec* that have to be seen together, or with the cluster."""
    yield from _resources(spec)
    yield from gpu_breaches(spec.gpu, site)
    yield from _environment(spec)
    yield from _mounts(spec)
    yield from _peers(spec.network)
    yield from outside_breaches(spec, site)
    for field in ("labels", "annotations", "node_selector"):
        yield from label_breaches(field, getattr(spec, field))
    for index, name in enumerate(spec.image_pull_secrets):
        if broken := names.subdomain(name):
            yield Breach("N19", f"image_pull_secrets[{index}]", name, broken, "write the name of a Secret")
    if spec.service_account is not None and spec.service_account_annotations:
        yield Breach(
            "X11", "service_account_annotations", None, f"service_account={spec.service_account!r} is not made here",
            "annotate that account where it is made, or leave service_account= away",
        )  # fmt: skip


def _peers(network: Network) -> Iterator[Breach]:
    for field, peers in (("clients", network.clients), ("egress", network.egress)):
        for index, peer in enumerate(peers):
            if peer.cidr is not None and (peer.namespace is not None or peer.pods):
                because = "cidr= is given too, and a peer is either pods or addresses"
                yield Breach("X11", f"network.{field}[{index}]", None, because, "write two peers", source_of(peer))


def _resources(spec: PodSpec) -> Iterator[Breach]:
    for name in ("cpu", "memory"):
        request, limit = getattr(spec, name), getattr(spec, f"{name}_limit")
        if limit is None:
            continue
        asked, allowed = quantity.number(request), quantity.number(limit)
        if asked is not None and allowed is not None and asked > allowed:
            do = f"raise {name}_limit to at least {request}, or lower {name}"
            yield Breach(
                "R08",
                name,
                request,
                f"{name}_limit is {shown(limit)}, and a request is at most its limit",
                do,
            )


def _environment(spec: PodSpec) -> Iterator[Breach]:
    for name, given in spec.env.items():
        if broken := names.env_name(name):
            yield Breach("N21", f"env[{name!r}]", None, broken, "rename the variable")  # the value may be a secret
        if isinstance(given, str) and "\0" in given:
            yield Breach("X08", f"env[{name!r}]", None, "no process can be given a NUL character", "leave it out")


def _mounts(spec: PodSpec) -> Iterator[Breach]:
    seen: dict[str, str] = {}
    if spec.shared_memory is not None:
        seen[SHARED_MEMORY] = "shared_memory"
    mounted = [(f"volumes[{index}].mount", volume.mount) for index, volume in enumerate(spec.volumes)]
    if spec.config is not None:
        mounted.append(("config.mount", spec.config.mount))
        for file in spec.config.files:
            if broken := names.config_key(file):
                yield Breach(
                    "N19",
                    f"config.files[{file!r}]",
                    None,
                    broken,
                    "name files without folders",
                    source_of(spec.config),
                )
    for field, path in mounted:
        clean = posixpath.normpath(path)
        if clean in seen:
            yield Breach(
                "V06",
                field,
                path,
                f"{seen[clean]} is mounted there already",
                "give each volume a folder of its own",
            )
        seen[clean] = field
    for index, volume in enumerate(spec.volumes):
        if isinstance(volume, Claim) and volume.storage_class is not None and volume.size is None:
            yield Breach(
                "X11", f"volumes[{index}].storage_class", volume.storage_class,
                "the claim is not made here, since it has no size",
                "add size=, or leave storage_class= away", source_of(volume),
            )  # fmt: skip
