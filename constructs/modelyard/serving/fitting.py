"""Whether a model fits into the memory of the accelerators that it is divided over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.fleet.hardware import SMALLEST
from modelyard.serving import flags
from modelyard.serving.launch import parallel
from modelyard.serving.options import LoadTime
from modelyard.serving.servers import VLLM, SGLang
from modelyard.values import quantity
from modelyard.values.value import source_of

if TYPE_CHECKING:
    from modelyard.fleet.site import Site
    from modelyard.serving.spec import ServiceSpec

BESIDE = Decimal("1.2")
"""For what a server keeps beside the weights: graphs, activations, and a cache for a few requests."""
HOPELESS = Decimal("1.5")
"""So much more is needed that no shorter context helps."""
USUAL_SHARE = Decimal("0.9")
"""Of an accelerator's memory, where nobody says: vLLM's own, 0.92 in its newest versions."""


def breaches(spec: ServiceSpec, site: Site) -> Iterator[Breach]:
    """Yield whether the model of *spec* is too large, as far as its size and the memory are known."""
    if spec.gpu is None or not isinstance(spec.start_within, LoadTime):
        return
    if not isinstance(spec.runtime, VLLM | SGLang):
        return
    one = site.cluster.accelerator(spec.gpu.accelerator)
    size = quantity.number(spec.start_within.size)
    memory = quantity.number(one.memory) if one is not None else None
    if one is None or size is None or memory is None or memory < SMALLEST:
        return
    tensor, pipeline = parallel(spec)
    count = tensor * pipeline
    said = getattr(spec.runtime, "gpu_memory", None) or flags.memory_share(spec)
    share = USUAL_SHARE if said is None else Decimal(str(said))
    room, needed = memory * count * share, size * BESIDE
    if needed <= room:
        return
    because = (
        f"with a fifth for what lies beside the weights it takes {quantity.memory_size(needed)}, and of {count}"
        f" {one.name} with {one.memory} each a server uses {quantity.memory_size(room)}"
    )
    enough = math.ceil(needed / (memory * share))
    do = f"divide it over {enough} accelerators or more, choose a class with more memory, or serve a smaller model"
    rule = "R17" if needed > room * HOPELESS else "R28"
    yield Breach(rule, "start_within.size", spec.start_within.size, because, do, source_of(spec.start_within))
