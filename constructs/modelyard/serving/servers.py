"""The model servers that are known by name, and their options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

from modelyard.pod.options import SecretKey, absolute
from modelyard.serving.models import Adapter
from modelyard.values.value import option, value
from modelyard.values.versions import parsed

Format = Literal["mlflow", "sklearn", "xgboost", "lightgbm"]


def _version(text: str | None) -> str | None:
    return None if text is None or parsed(text) else 'a version is numbers with dots between, such as "0.18.0"'


def _positive(count: int | None) -> str | None:
    return None if count is None or count >= 1 else "it is a whole number of at least 1"


def _share(part: float | None) -> str | None:
    return None if part is None or 0 < part <= 1 else "it is a share of the memory, above 0 and at most 1"


def _folder(path: str | None) -> str | None:
    return None if path is None else absolute(path)


@value
class VLLM:
    """
    The OpenAI-compatible server of vLLM.

    Args:
        version: Of vLLM in the image. Default: the tag of the image.

        served_name: What clients call the model. Default: its name on the Hugging Face hub, else the service's id.

        max_model_len: The longest context, in tokens. Default: the model's own.

        gpu_memory: The share of an accelerator's memory that vLLM takes, for example 0.9. Default: vLLM's own.

        tensor_parallel: Accelerators that share each layer. Default: those of one pod.

        pipeline_parallel: Stages that the layers are divided into. Default: the rest of the accelerators.

        adapters: LoRA adapters that are served beside the model. Default: none.

    See Also:
        https://docs.vllm.ai/en/stable/cli/serve/
    """

    version: str | None = option(default=None, check=_version)
    served_name: str | None = attrs.field(default=None, kw_only=True)
    max_model_len: int | None = option(default=None, check=_positive, kw_only=True)
    gpu_memory: float | None = option(default=None, check=_share, kw_only=True)
    tensor_parallel: int | None = option(default=None, check=_positive, kw_only=True)
    pipeline_parallel: int | None = option(default=None, check=_positive, kw_only=True)
    adapters: Sequence[Adapter] = attrs.field(default=(), kw_only=True)


@value
class SGLang:
    """
    The OpenAI-compatible server of SGLang.

    Args:
        version: Of SGLang in the image. Default: the tag of the image.

        served_name: What clients call the model. Default: its name on the Hugging Face hub, else the service's id.

        max_model_len: The longest context, in tokens. Default: the model's own.

        tensor_parallel: Accelerators that share each layer. Default: those of one pod.

        pipeline_parallel: Stages that the layers are divided into. Default: the rest of the accelerators.

    See Also:
        https://docs.sglang.ai/advanced_features/server_arguments.html
    """

    version: str | None = option(default=None, check=_version)
    served_name: str | None = attrs.field(default=None, kw_only=True)
    max_model_len: int | None = option(default=None, check=_positive, kw_only=True)
    tensor_parallel: int | None = option(default=None, check=_positive, kw_only=True)
    pipeline_parallel: int | None = option(default=None, check=_positive, kw_only=True)


@value
class Triton:
    """
    NVIDIA's Triton Inference Server; the service's model is its model repository.

    Args:
        version: Of the container, for example ``25.08``. Default: the tag of the image.

    See Also:
        https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/
    """

    version: str | None = option(default=None, check=_version)


@value
class MLServer:
    """
    Seldon's MLServer, for models of MLflow, scikit-learn, XGBoost and LightGBM.

    Args:
        version: Of MLServer in the image. Default: the tag of the image.

        format: What the model is: ``mlflow``, ``sklearn``, ``xgboost`` or ``lightgbm``; None where a
            ``model-settings.json`` in its folder says so. Default: ``mlflow``.

    See Also:
        https://mlserver.readthedocs.io/en/stable/
    """

    version: str | None = option(default=None, check=_version)
    format: Format | None = attrs.field(default="mlflow", kw_only=True)


@value
class NIM:
    """
    A microservice of NVIDIA NIM for language models: the image chooses the model, and fetches it when it starts.

    Args:
        version: Of the image. Default: its tag.

        api_key: The key for NVIDIA's catalogue, in a Secret. Default: none.

        cache: The folder that models are kept in, mostly on a claim. Default: a folder below ``/tmp``.

        max_model_len: The longest context, in tokens. Default: the model's own.

    See Also:
        https://docs.nvidia.com/nim/large-language-models/latest/configuration.html
    """

    version: str | None = option(default=None, check=_version)
    api_key: SecretKey | None = attrs.field(default=None, kw_only=True)
    cache: str | None = option(default=None, check=_folder, kw_only=True)
    max_model_len: int | None = option(default=None, check=_positive, kw_only=True)


Runtime = VLLM | SGLang | Triton | MLServer | NIM
