"""The options of a ScalableModelService, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Literal

import attrs

from modelyard.findings import Breach
from modelyard.fleet.site import Site
from modelyard.pod.checking import type_breaches, value_breaches, without
from modelyard.pod.options import Claim, Port
from modelyard.pod.sources import Bucket, HuggingFace, OciImage
from modelyard.pod.spec import STAND_IN, PodSpec, pod_breaches
from modelyard.pod.watching import Metrics
from modelyard.serving import checks
from modelyard.serving.backends import KServe
from modelyard.serving.hosts import Host
from modelyard.serving.models import Loader
from modelyard.serving.options import CpuScale, Drain, Exec, Grpc, HealthCheck, HttpGet, LoadTime, TcpSocket
from modelyard.serving.runtimes import FACTS, Facts
from modelyard.serving.scales import KedaScale, MetricScale
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.serving.tracks import BlueGreen, Canary
from modelyard.values.durations import minutes
from modelyard.values.names import dns_label_1035
from modelyard.values.similar import did_you_mean
from modelyard.values.value import option, source_of

Rollout = Literal["auto", "surge", "in-place", "recreate"]
SERVICE_PORT = 80
STAND_IN_PORT = 8000
SINGLE_WRITER = {"ReadWriteOnce", "ReadWriteOncePod"}


def _port(port: int | Sequence[Port] | None) -> str | None:
    if isinstance(port, int) and not 1 <= port <= 65535:  # noqa: PLR2004 # the range of ports
        return "a port is a number from 1 to 65535"
    return None


def _replicas(count: int | None) -> str | None:
    return None if count is None or count >= 1 else "a service has at least 1 replica; delete the workload for none"


def _budget(duration: timedelta | LoadTime | None) -> str | None:
    if not isinstance(duration, timedelta) or duration >= timedelta(seconds=1):
        return None
    return "a start-up takes at least 1 second"


def _nodes(count: int) -> str | None:
    return None if count >= 1 else "a replica runs on at least 1 node"


@attrs.frozen(kw_only=True)
class ServiceSpec(PodSpec):
    """The options of a `ScalableModelService`, which tells what each is."""

    runtime: VLLM | SGLang | Triton | MLServer | NIM | None = None
    model: str | HuggingFace | Bucket | OciImage | None = None
    loader: Loader | None = None
    nodes: int = option(default=1, check=_nodes)
    port: int | Sequence[Port] | None = option(default=None, check=_port)
    replicas: int | None = option(default=None, check=_replicas)
    scale: CpuScale | KedaScale | None = None
    route: Host | Sequence[Host] = ()
    health: str | HttpGet | TcpSocket | Grpc | Exec | None = None
    ready: str | HttpGet | TcpSocket | Grpc | Exec | None = None
    start_within: timedelta | LoadTime | None = option(default=None, check=_budget)
    drain: Drain = attrs.field(factory=Drain)
    rollout: Rollout | Canary | BlueGreen = "auto"
    backend: KServe | None = None

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """The ports: those of the runtime, with the numbers that the user gives, and the user's own."""
        if self.facts is None:
            if self.port is None or isinstance(self.port, int):
                return (Port("http", self.port or STAND_IN_PORT, SERVICE_PORT),)
            return tuple(self.port)
        known = self.facts.ports
        if self.port is None:
            return known
        if isinstance(self.port, int):
            return (Port(known[0].name, self.port, known[0].service), *known[1:])
        given = {port.name: port for port in self.port}
        names = {port.name for port in known}
        return (
            *(given.get(port.name, port) for port in known),
            *(port for port in self.port if port.name not in names),
        )

    @property
    def plain(self) -> bool:
        """Whether it is a program of the user's own in one pod, as most services are."""
        return self.runtime is None and self.model is None and self.loader is None and self.nodes == 1

    @property
    def facts(self) -> Facts | None:
        """What is known of the runtime."""
        return FACTS[type(self.runtime)] if self.runtime is not None else None

    @property
    def metrics(self) -> Metrics | None:
        """Where the runtime tells its metrics."""
        return Metrics(port=self.facts.scraped[0], path=self.facts.scraped[1]) if self.facts else None

    @cached_property
    def alive(self) -> HealthCheck | None:
        """What tells that the process is well: the user's word, else the runtime's."""
        if self.health is not None:
            return health_check(self.health, TcpSocket())
        return HttpGet(self.facts.health) if self.facts else None

    @cached_property
    def serves(self) -> HealthCheck:
        """What tells that the process takes requests: the user's word, else the runtime's, else that it is well."""
        if self.ready is None and self.health is None and self.facts:
            return HttpGet(self.facts.ready)
        return health_check(self.ready, self.alive or TcpSocket())

    @property
    def startup(self) -> timedelta:
        """The longest a start may take."""
        if isinstance(self.start_within, LoadTime):
            return self.start_within.budget
        return self.start_within or (self.facts.start_within if self.facts else minutes(1))

    @property
    def together(self) -> int:
        """How many pods serve one model together."""
        return self.nodes

    @property
    def least(self) -> int:
        """The fewest replicas that the service runs with."""
        return self.scale.min if self.scale else self.replicas or 1

    @property
    def most(self) -> int:
        """The most replicas that the service runs with, rollouts left aside."""
        return self.scale.max if self.scale else self.replicas or 1


def health_check(given: str | HealthCheck | None, otherwise: HealthCheck) -> HealthCheck:
    """Return the health check that an option stands for."""
    if given is None:
        return otherwise
    return HttpGet(given) if isinstance(given, str) else given


def breaches(name: str, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield what is wrong with *spec* at *site*, all of it."""
    if broken := dns_label_1035(name):
        yield Breach(
            "N01",
            "id",
            name,
            broken,
            'choose an id such as "sentiment", which is also the name of the Service',
        )
    yield from checks.missing(spec)
    wrong = list(type_breaches(spec))
    if word := checks.misnamed(spec.runtime):
        wrong = [word, *(one for one in wrong if one.field != "runtime")]
    spec = without(spec, wrong, image=STAND_IN, port=STAND_IN_PORT)
    wrong.extend(value_breaches(spec))
    yield from wrong
    spec = without(spec, wrong, image=STAND_IN, port=STAND_IN_PORT)
    yield from checks.breaches(name, spec, site)
    yield from _scaling(spec)
    yield from _ports(spec)
    for field in ("health", "ready"):
        yield from _health(field, getattr(spec, field), spec)
    yield from pod_breaches(spec, site)
    yield from _claims(spec)


def _scaling(spec: ServiceSpec) -> Iterator[Breach]:
    scale = spec.scale
    if scale is not None and spec.replicas is not None:
        yield Breach(
            "A12", "replicas", spec.replicas, "scale= is given too, and the autoscaler owns the number of replicas",
            f"leave replicas= away; the service starts with scale.min={scale.min}",
        )  # fmt: skip
    if isinstance(scale, MetricScale) and scale.min == 0 and scale.buffer is None:
        because = "a Service keeps no requests while there is no pod"
        do = 'write min=1, or say what keeps them: buffer="kafka"'
        yield Breach("A04", "scale.min", 0, because, do, source_of(scale))
    elif isinstance(scale, MetricScale) and scale.buffer is not None and spec.route:
        because = "what comes by route= does not pass it, and fails while there is no pod"
        do = "leave route= away, write min=1, or accept A04 where it stands between the gateway and the pods"
        yield Breach("A04", "scale.buffer", scale.buffer, because, do, source_of(scale))
    if scale is not None and scale.min > scale.max:
        because = f"scale.max is {scale.max}, and the fewest replicas are at most the most"
        yield Breach(
            "A01",
            "scale.min",
            scale.min,
            because,
            f"lower min, or raise max to at least {scale.min}",
            source_of(scale),
        )


def _ports(spec: ServiceSpec) -> Iterator[Breach]:
    if not spec.ports:
        yield Breach("D08", "port", list(spec.ports), "a service listens on a port", "write port=5000")
    own = () if spec.port is None or isinstance(spec.port, int) else tuple(spec.port)
    names: dict[str | int, Port] = {}
    numbers: dict[str | int, Port] = {}
    services: dict[str | int, Port] = {}
    # Those that the user wrote come last, so that each is told of what was there before it.
    for port in sorted(spec.ports, key=lambda port: port in own):
        number = port.service or port.number
        taken = services if port.service is not None or port.number not in numbers else {}
        written = f"port[{own.index(port)}]" if port in own else "port"
        for field, given, seen in (
            ("name", port.name, names),
            ("number", port.number, numbers),
            ("service", number, taken),
        ):
            if (other := seen.get(given)) is not None:
                at = written if spec.port == given else f"{written}.{field}"
                yield Breach("D08", at, given, *_taken(port, other, spec), source_of(port))
        names.setdefault(port.name, port)
        numbers.setdefault(port.number, port)
        services.setdefault(number, port)
    yield from _unheard(own, spec)


def _taken(port: Port, other: Port, spec: ServiceSpec) -> tuple[str, str]:
    facts = spec.facts
    mine = next((one for one in (other, port) if facts is not None and one in facts.ports), None)
    if facts is None or mine is None:
        return "another port of this service has it", "give each port its own"
    return (
        f"{facts.title} has its port {mine.name} there",
        f"choose another, or move that one: Port({mine.name!r}, ...)",
    )


def _unheard(own: Sequence[Port], spec: ServiceSpec) -> Iterator[Breach]:
    """Yield ports beside those of a server that nothing in its start speaks of."""
    if spec.facts is None:
        return
    known = [port.name for port in spec.facts.ports]
    told = " ".join([*spec.args, *(text for text in spec.env.values() if isinstance(text, str))])
    for index, port in enumerate(own):
        if port.name not in known and not re.search(rf"(?<![0-9]){port.number}(?![0-9])", told):
            because = f"{spec.facts.title} listens on {', '.join(known)}, and no argument tells it of this one"
            do = did_you_mean(port.name, known) or f'leave it away, or move a port of its own: Port("{known[0]}", ...)'
            yield Breach("D08", f"port[{index}].name", port.name, because, do, source_of(port))


def _health(field: str, given: str | HealthCheck | None, spec: ServiceSpec) -> Iterator[Breach]:
    if isinstance(given, str) and not given.startswith("/"):
        yield Breach("P03", field, given, 'an HTTP path starts with "/"', f'write {field}="/{given}"')
    port = getattr(given, "port", None)
    known = [one.name for one in spec.ports]
    if port is not None and port not in known:
        do = did_you_mean(port, known) or f"its ports are {', '.join(known)}"
        yield Breach(
            "P03",
            f"{field}.port",
            port,
            "the service has no port of this name",
            do,
            source_of(given),
        )


def _claims(spec: ServiceSpec) -> Iterator[Breach]:
    for index, volume in enumerate(spec.volumes):
        if isinstance(volume, Claim) and volume.mode in SINGLE_WRITER and spec.most * spec.nodes > 1:
            pods = f"{spec.most * spec.nodes} {'pods' if spec.nodes > 1 else 'replicas'}"
            yield Breach(
                "V01", f"volumes[{index}].access_mode", volume.mode,
                f"up to {pods} on different nodes mount {volume.name}, and this mode is for one node",
                "use ReadWriteMany or ReadOnlyMany storage, or one replica", source_of(volume),
            )  # fmt: skip
