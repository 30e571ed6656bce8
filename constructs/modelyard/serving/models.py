"""Where a model comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import attrs

from modelyard.pod.options import EnvValue, amount
from modelyard.pod.sources import Bucket, HuggingFace, OciImage
from modelyard.values import image as references
from modelyard.values.durations import hours
from modelyard.values.image import Image
from modelyard.values.names import subdomain
from modelyard.values.value import option, required, value


def _adapter(name: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9][-._A-Za-z0-9]*", name) else "a name is letters, digits, - . and _"


def _at_least_one(count: int) -> str | None:
    return None if count >= 1 else "it is a whole number of at least 1"


def _claim(name: str | None) -> str | None:
    return subdomain(name) if name is not None else None


def _time(duration: timedelta) -> str | None:
    return None if duration >= timedelta(minutes=1) else "loading takes at least 1 minute"


@value
class Adapter:
    """
    A LoRA adapter that a vLLM server serves beside its model.

    Args:
        name: What clients call it; unlike the model, and unlike any other adapter.

        source: A path in the container, a `HuggingFace` repository or a `Bucket`; the service's `Loader` loads it.

        rank: Of its matrices. Default: 16.

    See Also:
        https://docs.vllm.ai/en/stable/features/lora/
    """

    name: str = required(check=_adapter)
    source: str | HuggingFace | Bucket
    rank: int = option(default=16, check=_at_least_one, kw_only=True)


@value
class Loader:
    """
    Loads a model once, onto a claim that all replicas read: a Job for each revision.

    Args:
        image: With ``python3`` and ``huggingface_hub`` for the hub, with ``sh`` and ``rclone`` for object stores.

        claim: The PersistentVolumeClaim. Default: one of the service's own, which needs a *size*.

        size: Makes the claim, so large; it has to hold the new revision beside the old. Default: the claim exists.

        storage_class: With *size*: a class whose volumes many nodes can mount. Default: the cluster's default class.

        cpu: Kept for the loading pod. Default: 2.

        memory: Kept for the loading pod, and its limit. Default: ``4Gi``.

        deadline: Loading is given up after so long. Default: 2 hours.

        env: Variables of the loading pod, for example keys of the object store as `SecretKey`. Default: none.

        also: Models that are loaded beside the served one, such as its next revision; no server waits for them.
            Default: none.
    """

    image: str | Image = required(check=references.misreferred)
    claim: str | None = option(default=None, check=_claim, kw_only=True)
    size: str | None = option(default=None, check=amount, kw_only=True)
    storage_class: str | None = attrs.field(default=None, kw_only=True)
    cpu: str | int = option(default="2", check=amount, kw_only=True)
    memory: str = option(default="4Gi", check=amount, kw_only=True)
    deadline: timedelta = option(default=hours(2), check=_time, kw_only=True)
    env: Mapping[str, EnvValue] = attrs.field(factory=dict, kw_only=True)
    also: Sequence[HuggingFace | Bucket] = attrs.field(default=(), kw_only=True)


Source = str | HuggingFace | Bucket | OciImage
"""A string is a path in the container: of the image, or of one of the volumes."""

__all__ = ["Adapter", "Bucket", "HuggingFace", "Loader", "OciImage", "Source"]
