"""The options that every workload's pods have, and what can be wrong with them before rendering."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

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
from modelyard.values.image import Image
from modelyard.values.value import option, required, source_of

SHARED_MEMORY = "/dev/shm"  # noqa: S108 # where Linux has it
STAND_IN = "stand-in"
"""An image where the given one is broken and said to be so."""
HIGHEST_UID = 2**31 - 1


def _name(given: str | None) -> str | None:
    return names.subdomain(given) if given is not None else None


def _user(uid: int) -> str | None:
    if not 1 <= uid <= HIGHEST_UID:
        return f"pods run as a user id from 1 to {HIGHEST_UID}, never as root"
    return None


@attrs.frozen(kw_only=True)
class PodSpec:
    """The options of a workload's pods; `TrainingJob` and `ScalableModelService` tell what each is."""

    image: str | Image = required(check=references.misreferred)
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
            because = f"{name}_limit is {shown(limit)}, and a request is at most its limit"
            yield Breach("R08", name, request, because, f"raise {name}_limit to at least {request}, or lower {name}")


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
            because = f"{seen[clean]} is mounted there already"
            yield Breach("V06", field, path, because, "give each volume a folder of its own")
        seen[clean] = field
    for index, volume in enumerate(spec.volumes):
        if isinstance(volume, Claim) and volume.storage_class is not None and volume.size is None:
            yield Breach(
                "X11", f"volumes[{index}].storage_class", volume.storage_class,
                "the claim is not made here, since it has no size",
                "add size=, or leave storage_class= away", source_of(volume),
            )  # fmt: skip
