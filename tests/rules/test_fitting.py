"""R: whether a model fits into the memory of the accelerators that it is divided over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import VLLM, Accelerator, Cluster, Crd, Gpu, LoadTime, ScalableModelService, SGLang, Triton, minutes
from tests.support import DIGEST, environment, found_by

CLUSTER = Cluster(
    "main",
    kubernetes="1.36",
    installed=[Crd.LWS],
    accelerators=[
        Accelerator("l4", per_node=4, nodes=8, memory="24Gi"),
        Accelerator("h200", per_node=8, nodes=4, memory="141Gi"),
        Accelerator("t4", per_node=4, nodes=8),
    ],
)
TAKES = "but with a fifth for what lies beside the weights it takes"
DO = "divide it over {} accelerators or more, choose a class with more memory, or serve a smaller model"


def findings(root: Path, rule: str, size: str, gpu: Gpu | None, **options: Any) -> list[str]:
    """Return the findings of *rule* on a service with a model of this size."""
    scope = environment(root, cluster=CLUSTER)
    stock: dict[str, Any] = {"image": f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}", "model": "/opt/model", "runtime": VLLM()}
    ScalableModelService(scope, "chat", gpu=gpu, **{"start_within": LoadTime(size), **stock, **options})
    return found_by(scope, rule)


@pytest.mark.parametrize("rule", ["R17", "R28"])
@pytest.mark.parametrize(
    ("size", "gpu", "options"),
    [
        ("16Gi", Gpu("l4"), {}),
        ("18Gi", Gpu("l4"), {}),
        ("70Gi", Gpu("l4", 4), {}),
        ("1500Gi", Gpu("h200", 8), {"nodes": 2}),
        ("900Gi", Gpu("t4"), {}),
        ("900Gi", None, {}),
        ("900Gi", Gpu("l4"), {"runtime": Triton("25.08")}),
        ("900Gi", Gpu("l4"), {"start_within": minutes(90)}),
    ],
)
def test_a_model_fits(tmp_path: Path, rule: str, size: str, gpu: Gpu | None, options: dict[str, Any]) -> None:
    """Of all pods of a replica, and as far as its size and their memory are known."""
    assert findings(tmp_path, rule, size, gpu, **options) == []


def test_r28_it_is_tight(tmp_path: Path) -> None:
    """The weights find room, and not all that a server needs."""
    (found,) = findings(tmp_path, "R28", "20Gi", Gpu("l4"))
    assert found == (
        f"test/chat: start_within.size='20Gi' {TAKES} 24Gi, and of 1 l4 with 24Gi each a server uses 22118Mi; {DO.format(2)}"
    )


@pytest.mark.parametrize(
    ("runtime", "size", "gpu", "said"),
    [
        (VLLM(gpu_memory=0.5), "16Gi", Gpu("l4"), ("19660Mi", "1 l4 with 24Gi each a server uses 12Gi", 2)),
        (VLLM(), "16Gi", Gpu("l4"), ("19660Mi", "1 l4 with 24Gi each a server uses 9830Mi", 2)),
        (SGLang("0.5.3"), "140Gi", Gpu("l4", 2), ("168Gi", "2 l4 with 24Gi each a server uses 44236Mi", 8)),
    ],
)
def test_r17_it_is_hopeless(tmp_path: Path, runtime: Any, size: str, gpu: Gpu, said: tuple[str, str, int]) -> None:
    """More than half as much again is needed."""
    takes, room, enough = said
    args = ["--gpu-memory-utilization", "0.4"] if runtime == VLLM() else []
    (found,) = findings(tmp_path, "R17", size, gpu, runtime=runtime, args=args)
    assert found == f"test/chat: start_within.size={size!r} {TAKES} {takes}, and of {room}; {DO.format(enough)}"


@pytest.mark.parametrize("memory", ["0", "-24Gi", "24"])
def test_memory_that_nothing_has_is_not_counted_with(tmp_path: Path, memory: str) -> None:
    """Its own finding is all that is told."""
    cluster = Cluster("main", kubernetes="1.36", accelerators=[Accelerator("l4", per_node=4, memory=memory)])
    scope = environment(tmp_path, cluster=cluster)
    options: Any = {"image": f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}", "model": "/opt/model", "runtime": VLLM()}
    ScalableModelService(scope, "chat", gpu=Gpu("l4"), start_within=LoadTime("16Gi"), **options)

    assert found_by(scope, "R17") == found_by(scope, "R28") == []
    assert found_by(scope, "R01") == [
        f"test: cluster.accelerators[0].memory={memory!r} but an accelerator has 1Gi or more; correct the value"
    ]
