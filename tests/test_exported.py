"""The names of the metrics that model servers export, and what is said of those that they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Cluster,
    Crd,
    MetricScale,
    MLServer,
    Monitoring,
    QueueScale,
    ScalableModelService,
    SGLang,
    Triton,
)
from modelyard.serving.runtimes import FACTS
from modelyard.values.exported import CATALOGUE, Missing, missing
from modelyard.values.versions import Version
from tests.support import DIGEST, environment, found

LOOK = "look at what /metrics of a running server tells"
CLUSTER = Cluster(
    "main",
    kubernetes="1.36",
    installed=[Crd.PROMETHEUS_OPERATOR, Crd.KEDA],
    monitoring=Monitoring("monitoring", address="http://prometheus:9090"),
)


def wrong(root: Path, **options: Any) -> list[str]:
    """Return the findings of A17 on a service."""
    scope = environment(root, cluster=CLUSTER)
    stock: dict[str, Any] = {"image": f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}", "model": "/opt/model", "runtime": VLLM()}
    ScalableModelService(scope, "chat", **{**stock, **options})
    return [f"{one.rule} {one.text}" for one in found(scope) if one.rule == "A17"]


@pytest.mark.parametrize("runtime", [one for one in FACTS if FACTS[one].title != "NIM"])
def test_what_services_scale_by_is_in_the_catalogue(runtime: type) -> None:
    """The names that are rendered unasked are those that the servers' own sources have, at every version that was read."""
    facts = FACTS[runtime]
    for one in facts.series:
        name = f"{one.name}_count" if one.name.endswith("_seconds") else one.name
        for version in [one.since or (0, 8, 5)] if one.until is None else [one.since or (0, 8, 5), (0, 10, 2)]:
            told: Version | None = version if facts.title == "vLLM" else None
            assert list(missing(f"sum({name}{{pod='vllm:x'}})", facts.title, told)) == []


@pytest.mark.parametrize("version", [(0, 6, 6), (0, 8), (0, 11, 2), (0, 18, 1), (0, 33, 0)])
def test_every_version_exports_what_it_is_said_to(version: Version) -> None:
    """No name of the list is lacking, and there are as many as a server has."""
    told = CATALOGUE[0].exported(version)
    assert [name for name in told if list(missing(name, "vLLM", version))] == []
    assert 40 < len(told) < 90


@pytest.mark.parametrize(
    ("query", "server", "version", "expected"),
    [
        ("sum(vllm:num_requests_waiting)", "vLLM", (0, 18), []),
        ("sum(vllm:num_requests_waiting)", None, None, []),
        ("sum(vllm:num_requests_waiting)", "Triton", (25, 8), []),
        ("vllm:num_requests_waiting:sum5m", "vLLM", (0, 18), []),
        ('up{job="vllm:nothing"}', None, None, []),
        ("vllm:nixl_num_kv_expired_reqs_total", "vLLM", (0, 18), []),
        ("vllm:from_the_future", "vLLM", (0, 40), []),
        ("rate(vllm:prompt_tokens_total[1m])", "vLLM", (0, 9), []),
        ("vllm:prompt_tokens_by_source_total", "vLLM", (0, 15), []),
        ("sum(rest_server_requests_in_progress)", "MLServer", (1, 7), []),
        ("sum(rest_server_requests_waiting)", None, None, []),
        (
            "vllm:num_request_waiting",
            None,
            None,
            [("vllm:num_request_waiting", "no vLLM exports it", "did you mean vllm:num_requests_waiting?")],
        ),
        (
            "avg(vllm:gpu_cache_usage_perc) + avg(vllm:gpu_cache_usage_perc)",
            "vLLM",
            (0, 11, 0),
            [
                (
                    "vllm:gpu_cache_usage_perc",
                    "vLLM 0.11.0 does not export it",
                    "did you mean vllm:kv_cache_usage_perc?",
                )
            ],
        ),
        (
            "vllm:time_to_first_token_seconds",
            "vLLM",
            (0, 18, 0),
            [
                (
                    "vllm:time_to_first_token_seconds",
                    "vLLM 0.18.0 does not export it",
                    "did you mean vllm:time_to_first_token_seconds_sum?",
                )
            ],
        ),
        (
            "vllm_num_requests_waiting",
            "vLLM",
            (0, 18, 0),
            [("vllm_num_requests_waiting", "no vLLM exports it", "write vllm:num_requests_waiting")],
        ),
        ("vllm_of_my_own", "vLLM", (0, 18, 0), []),
        ("sglang:a", None, None, [("sglang:a", "no SGLang exports it", LOOK)]),
        (
            "sum(vllm:num_requests_waiting)",
            "SGLang",
            (0, 5, 3),
            [
                (
                    "vllm:num_requests_waiting",
                    "vLLM exports it, and this is SGLang",
                    "follow a metric of SGLang",
                )
            ],
        ),
        (
            "nv_inference_pending_requests",
            "Triton",
            (25, 8),
            [
                (
                    "nv_inference_pending_requests",
                    "Triton 25.8 does not export it",
                    "did you mean nv_inference_pending_request_count?",
                )
            ],
        ),
        (
            "rest_server_requests_waiting",
            "MLServer",
            None,
            [("rest_server_requests_waiting", "no MLServer exports it", "did you mean rest_server_requests_total?")],
        ),
    ],
)
def test_a_name_that_nobody_tells_is_found(
    query: str, server: str | None, version: Version | None, expected: list[tuple[str, str, str]]
) -> None:
    """By server and version, as far as they are known; what could be a rule's or another program's is left alone."""
    assert list(missing(query, server, version)) == [Missing(*one) for one in expected]


@pytest.mark.parametrize(
    ("runtime", "scale", "expected"),
    [
        (VLLM(), QueueScale(min=1, max=2, metric="vllm:num_requests_running"), []),
        (VLLM("0.10.2"), MetricScale(min=1, max=2, query="avg(vllm:gpu_cache_usage_perc)", target=1), []),
        (Triton("25.08"), MetricScale(min=1, max=2, query="sum(vllm:num_requests_waiting)", target=1), []),
        (
            VLLM(),
            QueueScale(min=1, max=2, metric="vllm:num_requests_swapped"),
            [
                (
                    "A17 test/chat: scale.metric='vllm:num_requests_swapped' but vLLM 0.18.0 does not export it; did you mean"
                    " vllm:num_requests_waiting?"
                )
            ],
        ),
        (
            VLLM(),
            QueueScale(min=1, max=2, metric="vllm_num_requests_waiting"),
            [
                (
                    "A17 test/chat: scale.metric='vllm_num_requests_waiting' but no vLLM exports it; write"
                    " vllm:num_requests_waiting"
                )
            ],
        ),
        (
            SGLang("0.5.3"),
            MetricScale(min=1, max=2, query="sum(vllm:num_requests_waiting)", target=1),
            [
                (
                    "A17 test/chat: scale.query='vllm:num_requests_waiting' but vLLM exports it, and this is SGLang; follow a"
                    " metric of SGLang"
                )
            ],
        ),
        (
            MLServer(),
            MetricScale(min=1, max=2, query="sum(model_infer_request_duration_total)", target=1),
            [
                (
                    "A17 test/chat: scale.query='model_infer_request_duration_total' but MLServer 0.18.0 does not export it;"
                    " did you mean model_infer_request_duration_count?"
                )
            ],
        ),
    ],
)
def test_a_service_scales_by_what_its_server_tells(
    tmp_path: Path, runtime: Any, scale: Any, expected: list[str]
) -> None:
    """At the version that the user or the tag says, in the user's own words."""
    image = f"ghcr.io/acme/chat:0.18.0@{DIGEST}"
    assert wrong(tmp_path, image=image, runtime=runtime, scale=scale) == expected
