"""How a model server is started: its command, arguments and variables, from typed options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from modelyard.pod.options import EnvValue
from modelyard.pod.sources import Bucket, HuggingFace
from modelyard.serving import flags
from modelyard.serving.placing import Placed, adapters, placed
from modelyard.serving.runtimes import FACTS
from modelyard.serving.servers import NIM, VLLM, MLServer, Runtime, SGLang, Triton
from modelyard.values import image as references
from modelyard.values.durations import whole_seconds
from modelyard.values.versions import Version, parsed

if TYPE_CHECKING:
    from modelyard.serving.spec import ServiceSpec

OFFLINE: Mapping[str, EnvValue] = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""A server whose model is there asks no hub for a newer one, or for its tokenizer."""
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The sizes that vLLM can make room for."""
CLASSES = {
    "mlflow": "mlserver_mlflow.MLflowRuntime",
    "sklearn": "mlserver_sklearn.SKLearnModel",
    "xgboost": "mlserver_xgboost.XGBoostModel",
    "lightgbm": "mlserver_lightgbm.LightGBMModel",
}
MODEL_PATH = "MODEL_PATH"
"""Tells a program without a runtime where its model lies."""
RENDEZVOUS = 20000
"""Where SGLang's first pod listens for the others."""


@attrs.frozen(kw_only=True)
class Launch:
    """
    How the container of a service is started.

    Args:
        command: Default: as the user or the image says.

        args: They stand before the user's. Default: none.

        variables: Which the user cannot set beside them. Default: none.
    """

    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    variables: Mapping[str, EnvValue] = attrs.field(factory=dict)

    @property
    def flags(self) -> frozenset[str]:
        """The flags among the arguments, without their values."""
        return frozenset(word.partition("=")[0] for word in self.args if word.startswith("--"))


NOTHING = Launch()


def version_of(spec: ServiceSpec) -> Version | None:
    """Return the version of the server, as the user says it or as the tag of the image does."""
    return None if spec.runtime is None else parsed(spec.runtime.version or image_of(spec).tag)


def image_of(spec: ServiceSpec) -> references.Image:
    """Return the parts of the reference to the image."""
    return references.parse(spec.image) if isinstance(spec.image, str) else spec.image


def parallel(spec: ServiceSpec) -> tuple[int, int]:
    """Return how many accelerators share a layer, and how many stages there are, of each copy of the model."""
    _, copies = flags.copies(spec)
    together = max(1, (spec.gpu.count if spec.gpu else 1) * spec.nodes // copies)
    tensor: int | None = getattr(spec.runtime, "tensor_parallel", None)
    pipeline: int | None = getattr(spec.runtime, "pipeline_parallel", None)
    if tensor is None:
        tensor = max(1, together // pipeline) if pipeline else max(1, together // spec.nodes)
    return tensor, pipeline or max(1, together // tensor)


def launch(name: str, spec: ServiceSpec, *, worker: bool = False) -> Launch:
    """Return how the service *name* is started, in the pod that takes requests or in a *worker* beside it."""
    model = placed(spec.model, loaded=spec.loader is not None) if spec.model is not None else None
    if spec.runtime is None:
        return Launch(variables={MODEL_PATH: model.where} if model else {})
    return LAUNCHES[type(spec.runtime)](spec.runtime, name, spec, model or Placed(""), worker)


def _options(given: Mapping[str, object | None]) -> list[str]:
    """Return flags with their values; True is a flag alone, and None leaves it away."""
    return [
        flag if value is True else f"{flag}={value}" for flag, value in given.items() if value is not None and value
    ]


def _served(name: str, spec: ServiceSpec) -> str:
    given: str | None = getattr(spec.runtime, "served_name", None)
    return given or (spec.model.repo if isinstance(spec.model, HuggingFace) else name)


def _hub(spec: ServiceSpec, model: Placed) -> dict[str, EnvValue]:
    if model.local:
        return dict(OFFLINE)
    token = spec.model.token if isinstance(spec.model, HuggingFace) else None
    return {"HF_TOKEN": token} if token else {}


def _more_than_one(count: int) -> int | None:
    return count if count > 1 else None


def _vllm(runtime: VLLM, name: str, spec: ServiceSpec, model: Placed, worker: bool) -> Launch:  # noqa: FBT001
    tensor, pipeline = parallel(spec)
    together = spec.nodes > 1
    known = version_of(spec) or ()
    lora = adapters(spec)
    rank = max((adapter.rank for adapter in lora), default=0)
    options = _options(
        {
            "--revision": model.revision,
            "--port": spec.ports[0].number,
            "--served-model-name": _served(name, spec),
            "--max-model-len": runtime.max_model_len,
            "--gpu-memory-utilization": runtime.gpu_memory,
            "--tensor-parallel-size": _more_than_one(tensor),
            "--pipeline-parallel-size": _more_than_one(pipeline),
            "--load-format": "runai_streamer" if model.streamed else None,
            "--enable-lora": bool(lora),
            "--max-loras": len(lora),
            "--max-lora-rank": next((size for size in LORA_RANKS if size >= rank), rank) if lora else None,
            "--nnodes": spec.nodes if together else None,
            "--node-rank": "$(LWS_WORKER_INDEX)" if together else None,
            "--master-addr": "$(LWS_LEADER_ADDRESS)" if together else None,
            "--headless": worker,
            "--shutdown-timeout": whole_seconds(spec.drain.finish)
            if known >= FACTS[VLLM].flags["--shutdown-timeout"]
            else None,
        }
    )
    modules = [f"{one.name}={placed(one.source, loaded=True).where}" for one in lora]
    return Launch(
        command=("vllm", "serve"),
        args=(model.where, *options, *(("--lora-modules", *modules) if modules else ())),
        variables=_hub(spec, model),
    )


def _sglang(runtime: SGLang, name: str, spec: ServiceSpec, model: Placed, worker: bool) -> Launch:  # noqa: ARG001, FBT001
    tensor, pipeline = parallel(spec)
    together = spec.nodes > 1
    options = _options(
        {
            "--model-path": model.where,
            "--revision": model.revision,
            "--host": "0.0.0.0",  # noqa: S104 # the pod's own address, behind its NetworkPolicy
            "--port": spec.ports[0].number,
            "--served-model-name": _served(name, spec),
            "--enable-metrics": True,
            "--context-length": runtime.max_model_len,
            "--tp-size": _more_than_one(tensor),
            "--pp-size": _more_than_one(pipeline),
            "--nnodes": spec.nodes if together else None,
            "--node-rank": "$(LWS_WORKER_INDEX)" if together else None,
            "--dist-init-addr": f"$(LWS_LEADER_ADDRESS):{RENDEZVOUS}" if together else None,
        }
    )
    return Launch(command=("python3", "-m", "sglang.launch_server"), args=tuple(options), variables=_hub(spec, model))


def _triton(runtime: Triton, name: str, spec: ServiceSpec, model: Placed, worker: bool) -> Launch:  # noqa: ARG001, FBT001
    ports = {port.name: port.number for port in spec.ports}
    options = _options(
        {
            "--model-repository": model.where.replace("az://", "as://"),
            "--http-port": ports["http"],
            "--grpc-port": ports["grpc"],
            "--metrics-port": ports["metrics"],
            "--exit-timeout-secs": whole_seconds(spec.drain.finish),
        }
    )
    return Launch(command=("tritonserver",), args=tuple(options))


def _mlserver(runtime: MLServer, name: str, spec: ServiceSpec, model: Placed, worker: bool) -> Launch:  # noqa: ARG001, FBT001
    ports = {port.name: str(port.number) for port in spec.ports}
    variables: dict[str, EnvValue] = {
        "MLSERVER_HTTP_PORT": ports["http"],
        "MLSERVER_GRPC_PORT": ports["grpc"],
        "MLSERVER_METRICS_PORT": ports["metrics"],
        "MLSERVER_MODELS_DIR": model.where,
    }
    if runtime.format is not None:
        variables["MLSERVER_MODEL_NAME"] = name
        variables["MLSERVER_MODEL_IMPLEMENTATION"] = CLASSES[runtime.format]
        variables["MLSERVER_MODEL_URI"] = model.where
    return Launch(variables=variables)


def _nim(runtime: NIM, name: str, spec: ServiceSpec, model: Placed, worker: bool) -> Launch:  # noqa: ARG001, FBT001
    variables: dict[str, EnvValue] = {
        "NIM_SERVER_PORT": str(spec.ports[0].number),
        "NIM_CACHE_PATH": runtime.cache or "/tmp/nim",  # noqa: S108 # the writable folder of every pod
    }
    if runtime.max_model_len is not None:
        variables["NIM_MAX_MODEL_LEN"] = str(runtime.max_model_len)
    if runtime.api_key is not None:
        variables["NGC_API_KEY"] = runtime.api_key
    return Launch(variables=variables)


LAUNCHES: Mapping[type[Runtime], Callable[[Any, str, ServiceSpec, Placed, bool], Launch]] = {
    VLLM: _vllm,
    SGLang: _sglang,
    Triton: _triton,
    MLServer: _mlserver,
    NIM: _nim,
}


def streams(runtime: Runtime | None, source: Bucket) -> bool:
    """Return whether *runtime* can read *source* from its object store itself."""
    schemes = ("s3", "gs", "az") if isinstance(runtime, Triton) else ("s3", "gs") if isinstance(runtime, VLLM) else ()
    return source.scheme in schemes
