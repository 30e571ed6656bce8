"""A pool of servers whose gateway asks for every request which of them is to answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import attrs

from modelyard.findings import Breach, Source
from modelyard.fleet.facilities import Gateway
from modelyard.fleet.site import Site
from modelyard.pod.options import amount
from modelyard.serving.signals import metrics
from modelyard.values import image as references
from modelyard.values.image import Image
from modelyard.values.names import dns_label
from modelyard.values.value import option, required, source_of, value
from modelyard.values.versions import Version, parsed

if TYPE_CHECKING:
    from modelyard.serving.hosts import Host
    from modelyard.serving.spec import ServiceSpec

API = "inference.networking.k8s.io/v1"
OBJECTIVES = "inference.networking.x-k8s.io/v1alpha2"
HEALTH = "networking.gke.io/v1"
MEANINGS = ("waiting", "running", "cache_use")
"""What a picker goes by."""


OLDEST: Version = (1, 5)
"""The first picker that knows all flags that it is started with."""
PICKER = "epp"


def _names(objectives: Mapping[str, int]) -> str | None:
    return next((f"of {name!r}: {broken}" for name in objectives if (broken := dns_label(name))), None)


@value
class InferencePool:
    """
    The replicas of a language model as a pool, of which an endpoint picker chooses one for each request.

    It knows the queue and the cache of each: a request goes where its prompt has been read already, and does not wait.

    Args:
        image: Of the endpoint picker of the Gateway API inference extension, 1.5 or newer.

        failure_mode: What becomes of requests while the picker does not answer: ``FailOpen`` takes any replica,
            ``FailClose`` answers with an error.

        objectives: Priorities that requests can ask for, by name; of two that wait, the higher number goes first, and
            what is below 0 may be turned away. Default: all are alike.

        cpu: Kept for the picker. Default: 1.

        memory: Kept for the picker, and its limit. Default: ``2Gi``.

    See Also:
        https://gateway-api-inference-extension.sigs.k8s.io/api-types/inferencepool/
    """

    image: str | Image = required(check=references.misreferred)
    failure_mode: Literal["FailOpen", "FailClose"] = attrs.field(kw_only=True)
    objectives: Mapping[str, int] = option(default=attrs.Factory(dict), check=_names, kw_only=True)
    cpu: str | int = option(default="1", check=amount, kw_only=True)
    memory: str = option(default="2Gi", check=amount, kw_only=True)


def breaches(at: str, host: Host, port: str, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield why *host*, which leads to *port*, cannot lead to a pool."""
    pool, cluster = host.pool, site.cluster
    if pool is None:
        return
    field, source, gateway = f"{at}.pool", source_of(pool), cluster.gateway
    if not isinstance(gateway, Gateway):
        because, do = "an Ingress leads to Services only", "use a cluster with a Gateway, or leave pool= away"
        yield Breach("X11", field, None, because, do, source)
        return
    yield from _missing(field, pool, site, source)
    yield from _young(field, pool, source)
    if host.grpc:
        because = "the picker reads requests that are HTTP"
        yield Breach("X11", field, None, because, "leave grpc= away, or pool=", source)
    told = metrics(spec)
    if spec.facts is None or not all(one in told for one in MEANINGS):
        title = "a program of your own" if spec.facts is None else spec.facts.title
        because = f"nothing is known of the queue and the cache of {title}, which the picker chooses by"
        yield Breach("X11", field, None, because, "serve with VLLM() or SGLang(), or leave pool= away", source)
    elif port != spec.facts.scraped[0]:
        because = f"the picker reads metrics where it sends requests, and {spec.facts.title} tells them at another port"
        yield Breach("X11", f"{at}.port", port, because, f'write port="{spec.facts.scraped[0]}"', source)


def _young(field: str, pool: InferencePool, source: Source | None) -> Iterator[Breach]:
    image = references.parse(pool.image) if isinstance(pool.image, str) else pool.image
    version = parsed(image.tag)
    # The tag of an image with a name of its own may count something else.
    if version is not None and version < OLDEST and image.repository.rpartition("/")[2] == PICKER:
        because = "an endpoint picker knows all flags that it is started with since 1.5"
        yield Breach("P12", f"{field}.image", image.reference, because, "use an image of 1.5 or newer", source)


def _missing(field: str, pool: InferencePool, site: Site, source: Source | None) -> Iterator[Breach]:
    cluster = site.cluster
    wanted = [(API, "InferencePool", "Crd.INFERENCE_EXTENSION")]
    if pool.objectives:
        wanted.append((OBJECTIVES, "InferenceObjective", "Crd.INFERENCE_EXTENSION"))
    if isinstance(cluster.gateway, Gateway) and cluster.gateway.implementation == "gke":
        # Without one Google's load balancer asks for "/", which a model server does not have.
        wanted.append((HEALTH, "HealthCheckPolicy", 'Crd.from_file("...")'))
    for api, kind, crd in wanted:
        if not cluster.has(api, kind):
            because = f"the cluster {cluster.name} has no {api} {kind}"
            yield Breach("X04", field, None, because, f"write Cluster(installed=[{crd}]), or leave pool= away", source)
