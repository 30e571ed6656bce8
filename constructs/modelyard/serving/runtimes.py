"""What is known of model servers, as data: ports, health, metrics and flags, by version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import attrs

from modelyard.pod.options import Port
from modelyard.serving.servers import NIM, VLLM, MLServer, Runtime, SGLang, Triton
from modelyard.values.durations import minutes
from modelyard.values.versions import Version


@attrs.frozen
class Series:
    """
    One metric under the name that some versions of a server export it by.

    Args:
        meaning: The same for all servers: ``waiting``, ``running``, ``cache_use``, ``first_token``, ``latency``,
            ``succeeded``, ``failed`` or ``queue_microseconds``.

        name: In Prometheus' format; histograms without ``_bucket``.

        since: The first version that has it. Default: every version.

        until: The first version that has it no more. Default: none.
    """

    meaning: str
    name: str
    since: Version = ()
    until: Version | None = None


@attrs.frozen(kw_only=True)
class Facts:
    """
    What is the same for every service that one server serves.

    Args:
        title: Its name in messages.

        ports: That it listens on, the main one first.

        health: The path that tells whether it must be restarted.

        ready: The path that tells whether it takes requests.

        scraped: The port by name, and the path, of its metrics.

        start_within: Time for a start, where the user gives none.

        flags: The first version that knows a flag, for those that not every version knows.

        series: Its metrics.

        image: The repository of its project's own image, whose tag is its version, below any registry. Default: none.
    """

    title: str
    ports: tuple[Port, ...]
    health: str
    ready: str
    scraped: tuple[str, str] = ("http", "/metrics")
    start_within: timedelta
    flags: Mapping[str, Version] = attrs.field(factory=dict)
    series: tuple[Series, ...] = ()
    image: str | None = None

    @property
    def varies(self) -> bool:
        """Whether its version decides what is rendered."""
        return bool(self.flags) or any(one.since or one.until for one in self.series)


FACTS: Mapping[type, Facts] = {
    VLLM: Facts(
        title="vLLM",
        image="vllm/vllm-openai",
        ports=(Port("http", 8000, 80),),
        health="/health",
        ready="/health",
        start_within=minutes(15),
        flags={"--nnodes": (0, 12), "--node-rank": (0, 12), "--master-addr": (0, 12), "--shutdown-timeout": (0, 18)},
        series=(
            Series("waiting", "vllm:num_requests_waiting"),
            Series("running", "vllm:num_requests_running"),
            Series("cache_use", "vllm:gpu_cache_usage_perc", until=(0, 11)),
            Series("cache_use", "vllm:kv_cache_usage_perc", since=(0, 11)),
            Series("first_token", "vllm:time_to_first_token_seconds"),
            Series("latency", "vllm:e2e_request_latency_seconds"),
            Series("succeeded", "vllm:request_success_total"),
        ),
    ),
    SGLang: Facts(
        title="SGLang",
        image="lmsysorg/sglang",
        ports=(Port("http", 30000, 80),),
        health="/health",
        ready="/health",
        start_within=minutes(15),
        series=(
            Series("waiting", "sglang:num_queue_reqs"),
            Series("running", "sglang:num_running_reqs"),
            Series("cache_use", "sglang:token_usage"),
            Series("first_token", "sglang:time_to_first_token_seconds"),
            Series("latency", "sglang:e2e_request_latency_seconds"),
        ),
    ),
    Triton: Facts(
        title="Triton",
        image="nvidia/tritonserver",
        ports=(Port("http", 8000, 80), Port("grpc", 8001), Port("metrics", 8002)),
        health="/v2/health/live",
        ready="/v2/health/ready",
        scraped=("metrics", "/metrics"),
        start_within=minutes(5),
        series=(
            Series("waiting", "nv_inference_pending_request_count"),
            Series("queue_microseconds", "nv_inference_queue_duration_us"),
            Series("succeeded", "nv_inference_request_success"),
            Series("failed", "nv_inference_request_failure"),
        ),
    ),
    MLServer: Facts(
        title="MLServer",
        image="seldonio/mlserver",
        ports=(Port("http", 8080, 80), Port("grpc", 8081), Port("metrics", 8082)),
        health="/v2/health/live",
        ready="/v2/health/ready",
        scraped=("metrics", "/metrics"),
        start_within=minutes(2),
        series=(
            Series("running", "rest_server_requests_in_progress"),
            Series("latency", "rest_server_request_duration_seconds"),
            Series("succeeded", "model_infer_request_success_total"),
            Series("failed", "model_infer_request_failure_total"),
        ),
    ),
    NIM: Facts(
        title="NIM",
        ports=(Port("http", 8000, 80),),
        health="/v1/health/live",
        ready="/v1/health/ready",
        scraped=("http", "/v1/metrics"),
        start_within=minutes(30),
        series=(
            Series("waiting", "num_requests_waiting"),
            Series("running", "num_requests_running"),
            Series("cache_use", "gpu_cache_usage_perc"),
            Series("first_token", "time_to_first_token_seconds"),
            Series("latency", "e2e_request_latency_seconds"),
            Series("succeeded", "request_success_total"),
            Series("failed", "request_failure_total"),
        ),
    ),
}
"""One row a server."""


def metric_names(runtime: Runtime, version: Version | None) -> dict[str, str]:
    """Return the names by meaning of the metrics that *version* exports, the newest where it is not known."""
    return {
        one.meaning: one.name
        for one in FACTS[type(runtime)].series
        if (version is None and one.until is None)
        or (version is not None and one.since <= version and (one.until is None or version < one.until))
    }
