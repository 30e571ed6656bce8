"""E: the parts of an InferenceService: one server each, its variables, and workers on other nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.e import FIELDS, FRAMEWORKS, parts
from modelyard.rules.kserve import KIND, SCALER, annotation, part
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Object

E07 = Rule(
    "E07",
    "A part of an InferenceService has one server, and leaves to KServe what is KServe's.",
    why="KServe's webhook refuses the InferenceService, and the sync fails.",
    fix="correct the field",
    see=FIELDS,
)
E08 = Rule(
    "E08",
    "The workers of an InferenceService are such as KServe can start.",
    why="KServe's webhook refuses the InferenceService, and the sync fails.",
    fix="correct the field",
    see=FIELDS,
)

OWN, TRANSFORMER = "kserve-container", "transformer-container"
PROTOCOLS = ("v1", "v2")
SHARED = ("pvc", "oci")
COUNTED = ("PIPELINE_PARALLEL_SIZE", "TENSOR_PARALLEL_SIZE")


@E07.objects(KIND)
def complete(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Count the servers, and look at what KServe reads of them."""
    predictor = part(one)
    own = [key for key in (*FRAMEWORKS, "model") if predictor.get(key) is not None]
    containers: list[dict[str, Any]] = predictor.get("containers") or []
    customs = [container for container in containers if container["name"] == OWN]
    count = len(own) + (len(customs) or (1 if containers and not own else 0))
    if count != 1:
        said = [*own, *(OWN for _ in customs)]
        because = f"it has {' and '.join(said)}, and one serves" if said else "nothing is said to serve"
        do = "keep one of them" if said else "write model, or containers with one that is called kserve-container"
        yield E07.breach("spec.predictor", None, because, do)
    for key in own:
        if (name := predictor[key].get("name")) not in {None, ""}:
            yield E07.breach(f"spec.predictor.{key}.name", name, "KServe names its container itself", "remove it")
        yield from _blocked(f"spec.predictor.{key}", predictor[key])
    for path, given in parts(one):
        yield from _containers(path, given)
    if not own and containers:
        yield from _custom(containers)


def _containers(path: str, given: dict[str, Any]) -> Iterator[Breach]:
    for key in ("containers", "initContainers"):
        for index, container in enumerate(given.get(key) or ()):
            yield from _blocked(f"{path}.{key}[{index}]", container)


def _blocked(path: str, container: dict[str, Any]) -> Iterator[Breach]:
    for index, variable in enumerate(container.get("env") or ()):
        if variable["name"] == "PYTHONPATH":
            because = "KServe lets nobody set it, since it decides what code is run"
            yield E07.breach(f"{path}.env[{index}].name", "PYTHONPATH", because, "remove it, and set it in the image")


def _custom(containers: list[dict[str, Any]]) -> Iterator[Breach]:
    at = "spec.predictor.containers"
    for index, variable in enumerate(containers[0].get("env") or ()):
        if variable["name"] == "PROTOCOL" and variable.get("value") not in PROTOCOLS:
            because = "KServe reads from it what the server speaks"
            do = "write v1 or v2, or call the variable otherwise"
            yield E07.breach(f"{at}[0].env[{index}].value", variable.get("value"), because, do)
    for place, container in enumerate(containers):
        for index, variable in enumerate(container.get("env") or ()):
            if container["name"] == TRANSFORMER and variable["name"] == "STORAGE_URI":
                because = "the model is loaded for the container that serves"
                yield E07.breach(f"{at}[{place}].env[{index}].name", "STORAGE_URI", because, "set it there")


@E08.objects(KIND)
def workers(one: Object, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the workers, and at what goes with them."""
    predictor, at = part(one), "spec.predictor.workerSpec"
    spec = predictor.get("workerSpec")
    if spec is None:
        return
    if len(spec.get("containers") or ()) > 1:
        yield E08.breach(f"{at}.containers", None, "a worker has one container", "keep one")
    for key in ("pipelineParallelSize", "tensorParallelSize"):
        if spec.get(key) is not None and spec[key] < 1:
            yield E08.breach(f"{at}.{key}", spec[key], "it is 1 or more")
    model = predictor.get("model")
    if model is None:
        return
    for index, variable in enumerate(model.get("env") or ()):
        if variable["name"] in COUNTED:
            because = "KServe sets it from workerSpec"
            yield E08.breach(f"spec.predictor.model.env[{index}].name", variable["name"], because, "remove it")
    uri = model.get("storageUri")
    if uri is None or uri.partition("://")[0] not in SHARED:
        because = "all nodes read the model, from a claim or an image"
        yield E08.breach("spec.predictor.model.storageUri", uri, because, "write pvc://... or oci://...")
    if annotation(one, SCALER) != "none":
        because = "KServe scales no service of several nodes"
        yield E08.breach(f"metadata.annotations[{SCALER!r}]", annotation(one, SCALER), because, 'write "none"')
