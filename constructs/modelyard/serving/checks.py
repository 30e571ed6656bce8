"""What can be wrong with a service's runtime, model, loader and nodes, before anything is rendered from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.pod.sources import Bucket, HuggingFace
from modelyard.serving import fitting, flags
from modelyard.serving.launch import MODEL_PATH, image_of, launch, parallel, streams, version_of
from modelyard.serving.models import Adapter
from modelyard.serving.options import Grpc
from modelyard.serving.placing import adapters, to_load
from modelyard.serving.runtimes import FACTS
from modelyard.serving.servers import NIM, VLLM, MLServer, SGLang, Triton
from modelyard.values.value import source_of
from modelyard.values.versions import parsed

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.serving.spec import ServiceSpec

SERVERS = {"vllm": "VLLM()", "sglang": "SGLang()", "triton": "Triton()", "mlserver": "MLServer()", "nim": "NIM()"}
UNKEPT = {
    "tgi": "Text Generation Inference is archived",
    "text-generation-inference": "Text Generation Inference is archived",
    "torchserve": "TorchServe is not maintained any more",
    "tensorflow-serving": "TensorFlow Serving has no options of its own here",
    "tfserving": "TensorFlow Serving has no options of its own here",
}
CUSTOM = "leave runtime= away, and give command=, port= and health= as of any program"
KIND = "LeaderWorkerSet"
LARGEST_RANK = 512


def misnamed(given: object) -> Breach | None:
    """Return what to write for a runtime that is given as a word, or None where it is none."""
    if not isinstance(given, str):
        return None
    word = given.lower().replace("_", "-").replace(" ", "-")
    if word in SERVERS:
        return Breach("X11", "runtime", given, "a runtime is a value with options", f"write runtime={SERVERS[word]}")
    if word in UNKEPT:
        other = "serve with VLLM() or SGLang()" if word.startswith(("tgi", "text")) else "serve with Triton()"
        return Breach("X11", "runtime", given, UNKEPT[word], f"{other}, or {CUSTOM}")
    return None


def missing(spec: ServiceSpec) -> Iterator[Breach]:
    """Yield the options that *spec* cannot do without."""
    if spec.runtime is None and spec.port is None:
        yield Breach("X12", "port", None, "ScalableModelService cannot do without it", "add port=...")
    if isinstance(spec.runtime, VLLM | SGLang | Triton | MLServer) and spec.model is None:
        title = FACTS[type(spec.runtime)].title
        yield Breach("X11", "model", None, f"{title} has nothing to serve", "add model=...")


def breaches(name: str, spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield what is wrong with the runtime of *spec* and with what belongs to it."""
    if spec.plain:
        return
    yield from _model(spec)
    yield from _loader(spec)
    yield from _adapters(name, spec)
    yield from _nodes(spec)
    yield from _group(spec, site)
    yield from fitting.breaches(spec, site)
    yield from _launch(name, spec)
    yield from _health(spec)


def _health(spec: ServiceSpec) -> Iterator[Breach]:
    """Yield checks by gRPC's health service at ports of a server where it has none: of all five only Triton has one."""
    if spec.facts is None:
        return
    for field in ("health", "ready"):
        given = getattr(spec, field)
        if not isinstance(given, Grpc):
            continue
        port = given.port or spec.ports[0].name
        known = [one.name for one in spec.facts.ports]
        if port in known and (not isinstance(spec.runtime, Triton) or port != "grpc"):
            because = f"{spec.facts.title} has no grpc.health.v1 at its port {port}, so that no pod would ever be ready"
            yield Breach("P12", field, port, because, "leave it away, and it is asked by HTTP", source_of(given))


def _model(spec: ServiceSpec) -> Iterator[Breach]:
    model, source = spec.model, source_of(spec.model)
    if isinstance(spec.runtime, NIM) and model is not None:
        yield Breach(
            "X11", "model", None, "the image of a NIM chooses its model itself",
            "leave model= away, or serve it with VLLM()", source,
        )  # fmt: skip
        return
    if isinstance(model, str) and not model.startswith("/"):
        yield Breach("V15", "model", model, *_no_path(model))
    if isinstance(model, HuggingFace):
        yield from _repository("model", model, spec)
        if spec.loader is None and not isinstance(spec.runtime, VLLM | SGLang):
            yield Breach("X11", "model", None, "nobody loads it from the hub", "add loader=Loader(...)", source)
    if isinstance(model, Bucket):
        yield from _bucket("model", model)
    if isinstance(model, Bucket) and spec.loader is None and not streams(spec.runtime, model):
        because = "the server does not read this object store itself"
        yield Breach("X11", "model", None, because, "add loader=Loader(...)", source)


def _no_path(model: str) -> tuple[str, str]:
    """Return why *model* is no path, and what it was probably meant as."""
    because = "a string is an absolute path in the container"
    scheme, colon, rest = model.partition("://")
    if colon and scheme in {"hf", "huggingface"}:
        return f"{because}, and this is an address", f'write HuggingFace("{rest}", revision="...")'
    if colon:
        return f"{because}, and this is an address", f'write Bucket("{model}"), which a Loader or the server reads'
    if model.count("/") == 1 and not model.startswith("."):
        return f"{because}, and this begins with no /", f'write HuggingFace("{model}", revision="...") for the hub'
    return f"{because}, and this begins with no /", f'write "/{model.removeprefix("./")}"'


def _repository(field: str, model: HuggingFace, spec: ServiceSpec) -> Iterator[Breach]:
    """Yield the options of a repository that are for trainings only."""
    source = source_of(model)
    if model.kind != "model":
        yield Breach("X11", f"{field}.kind", model.kind, "a server serves a model", "leave it away", source)
    for option in ("cache", "size"):
        if getattr(model, option) is not None:
            because = "a service keeps its models on the claim of its loader"
            do = f"leave {option}= away, and add loader=Loader(...)"
            yield Breach("X11", f"{field}.{option}", None, because, do, source)
    if model.files and spec.loader is None:
        because = "a server that fetches a model itself takes what it needs"
        yield Breach("X11", f"{field}.files", None, because, "leave it away, or add loader=Loader(...)", source)


def _bucket(field: str, model: Bucket) -> Iterator[Breach]:
    if model.mount:
        because = "a server reads a model from its own files, or from the store"
        do = "leave mount= away, and add loader=Loader(...)"
        yield Breach("X11", f"{field}.mount", model.mount, because, do, source_of(model))


def _loader(spec: ServiceSpec) -> Iterator[Breach]:
    loader = spec.loader
    if loader is None:
        return
    source = source_of(loader)
    if not list(to_load(spec)):
        yield Breach("X11", "loader", None, "there is nothing to load", "leave it away", source)
    if loader.size is None and loader.claim is None:
        because = "there is no claim to load onto"
        yield Breach("X11", "loader", None, because, 'add size="..." for a new claim, or claim="..."', source)
    if loader.size is None and loader.storage_class is not None:
        yield Breach(
            "X11", "loader.storage_class", loader.storage_class, "the claim is not made here, since it has no size",
            "add size=, or leave storage_class= away", source,
        )  # fmt: skip


def _adapters(name: str, spec: ServiceSpec) -> Iterator[Breach]:
    model = spec.model.repo if isinstance(spec.model, HuggingFace) else name
    seen = {getattr(spec.runtime, "served_name", None) or model}
    for index, adapter in enumerate(adapters(spec)):
        field = f"runtime.adapters[{index}]"
        yield from _adapter(field, adapter, spec)
        if adapter.name in seen:
            because = "the model or another adapter has this name"
            yield Breach("X11", f"{field}.name", adapter.name, because, "choose another name", source_of(adapter))
        seen.add(adapter.name)


def _adapter(field: str, adapter: Adapter, spec: ServiceSpec) -> Iterator[Breach]:
    source = source_of(adapter)
    if adapter.rank > LARGEST_RANK:
        because = f"vLLM makes room for ranks up to {LARGEST_RANK}"
        yield Breach("X11", f"{field}.rank", adapter.rank, because, "train an adapter of a lower rank", source)
    if isinstance(adapter.source, HuggingFace):
        yield from _repository(f"{field}.source", adapter.source, spec)
    if isinstance(adapter.source, Bucket):
        yield from _bucket(f"{field}.source", adapter.source)
    if not isinstance(adapter.source, str) and spec.loader is None:
        yield Breach("X11", f"{field}.source", None, "nobody loads it", "add loader=Loader(...)", source)


def _nodes(spec: ServiceSpec) -> Iterator[Breach]:
    if spec.nodes > 1 and isinstance(spec.runtime, Triton | MLServer | NIM):
        title = FACTS[type(spec.runtime)].title
        yield Breach("X11", "nodes", spec.nodes, f"{title} serves from one node", "leave nodes= away, or use VLLM()")
    if not isinstance(spec.runtime, VLLM | SGLang):
        return
    gpus = (spec.gpu.count if spec.gpu else 1) * spec.nodes
    tensor, pipeline = parallel(spec)
    index, copies = flags.copies(spec)
    if copies > 1 and tensor * pipeline * copies != gpus:
        because = (
            f"tensor_parallel={tensor} times pipeline_parallel={pipeline} times {copies} copies is"
            f" {tensor * pipeline * copies}, and there are {gpus} accelerators"
        )
        yield Breach("L04", f"args[{index}]", spec.args[index], because, "make them fit")
    elif tensor * pipeline * copies != gpus:
        given = "tensor_parallel" if spec.runtime.tensor_parallel is not None else "pipeline_parallel"
        of = f"{spec.nodes} nodes with {gpus // spec.nodes} each" if spec.nodes > 1 else f"gpu.count={gpus}"
        yield Breach(
            "L04", f"runtime.{given}", getattr(spec.runtime, given),
            f"tensor_parallel={tensor} times pipeline_parallel={pipeline} is {tensor * pipeline}, and there are"
            f" {gpus} accelerators ({of})",
            "leave both away, so that they are worked out, or make them fit", source_of(spec.runtime),
        )  # fmt: skip


def _group(spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield what a cluster lacks for a replica of several nodes."""
    if spec.nodes == 1 or spec.backend is not None:
        return
    if not any(one.kind == KIND for one in site.cluster.crd_schemas):
        because = f"the cluster {site.cluster.name} has no {KIND}"
        do = "install it, and say so with Cluster(installed=[Crd.LWS]), or serve from one node"
        yield Breach("X04", "nodes", spec.nodes, because, do)
    accelerator = site.cluster.accelerator(spec.gpu.accelerator) if spec.gpu else None
    if spec.gpu is None or accelerator is None:
        return
    asked = spec.gpu.count * spec.nodes
    if spec.rollout == "surge" and accelerator.spare < asked:
        because = f"a replica takes {asked} {accelerator.name}, and {site.cluster.name} keeps {accelerator.spare} free"
        do = f'write rollout="in-place", or declare Accelerator({accelerator.name!r}, spare={asked})'
        yield Breach("D03", "rollout", spec.rollout, because, do)


def _launch(name: str, spec: ServiceSpec) -> Iterator[Breach]:
    own = launch(name, spec)
    if spec.runtime is None:
        if MODEL_PATH in own.variables and MODEL_PATH in spec.env:
            yield Breach("P12", f"env[{MODEL_PATH!r}]", None, "model= sets it", "leave one of the two away")
        return
    facts, version = FACTS[type(spec.runtime)], version_of(spec)
    if version is None and facts.varies:
        yield Breach(
            "P12", "runtime.version", None, f"the tag of the image does not tell the version of {facts.title}",
            f'write {type(spec.runtime).__name__}("0.18.0"), or the version that it is', source_of(spec.runtime),
        )  # fmt: skip
    yield from _retold(spec)
    if spec.command and own.command:
        because = f"{facts.title} is started with {' '.join(own.command)}"
        yield Breach("X11", "command", list(spec.command), because, "leave it away, or leave runtime= away")
    yield from flags.breaches(spec, own, facts.title)
    young = {flag: since for flag, since in facts.flags.items() if version is not None and version < since}
    for index, word in enumerate(spec.args):
        flag = flags.flag(word, spec.runtime)
        if flag in young and flag not in own.flags:
            yield _too_old(f"args[{index}]", word, flag, young[flag], facts.title)
    for flag in sorted(own.flags & young.keys())[:1]:
        yield _too_old("nodes", spec.nodes, flag, young[flag], facts.title)


def _retold(spec: ServiceSpec) -> Iterator[Breach]:
    """Yield a version that is not the one of the server's own image: mostly that of the image before."""
    if spec.runtime is None or spec.facts is None or spec.facts.image is None:
        return
    image, given = image_of(spec), parsed(spec.runtime.version)
    told = parsed(image.tag) if f"/{image.repository}".endswith(f"/{spec.facts.image}") else None
    if given and told and any(ours != theirs for ours, theirs in zip(given, told, strict=False)):
        because = f"the image is {image.repository}:{image.tag}, whose tag is the version of {spec.facts.title}"
        do = "leave it away, or write the image that has it"
        yield Breach("X11", "runtime.version", spec.runtime.version, because, do, source_of(spec.runtime))


def _too_old(field: str, given: object, flag: str, since: tuple[int, ...], title: str) -> Breach:
    because = f"{title} knows {flag} since {'.'.join(map(str, since))}"
    return Breach("P12", field, given, because, "use a newer image, or say its version if the tag does not")
