"""
The names of the metrics that model servers export, by version, and which of them a query asks for in vain.

Read from the packages of vLLM 0.6.6 to 0.33.0, SGLang 0.4.10 to 0.5.23 and MLServer 1.7.1, and from Triton's source.
Between two versions that were read, a name counts as exported that one of them has. A name that a newer version than
the newest may have added is not known, and counts as exported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

import attrs

from modelyard.values.similar import did_you_mean
from modelyard.values.versions import Version

SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "raw": ("",),
    "summary": ("", "_sum", "_count"),
}
"""Under which names Prometheus reads a metric; Triton's counters have no suffix."""
WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
TEXT = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'|`[^`]*`")

_VLLM = """
gauge num_requests_running num_requests_waiting lora_requests_info cache_config_info
gauge kv_cache_usage_perc >0.8
gauge engine_sleep_state >0.11
gauge num_requests_waiting_by_reason >0.18
gauge num_requests_kv_fetch_by_stage >0.27
gauge gpu_cache_usage_perc <0.11
gauge num_requests_swapped cpu_cache_usage_perc cpu_prefix_cache_hit_rate gpu_prefix_cache_hit_rate <0.9
gauge avg_generation_throughput_toks_per_s avg_prompt_throughput_toks_per_s <0.8
counter prompt_tokens generation_tokens num_preemptions request_success
counter prefix_cache_hits prefix_cache_queries >0.8
counter mm_cache_hits mm_cache_queries external_prefix_cache_hits external_prefix_cache_queries corrupted_requests >0.11
counter prompt_tokens_by_source prompt_tokens_cached >0.12
counter prompt_tokens_recomputed >0.12 <0.22
counter prompt_tokens_cached_by_source >0.27
counter gpu_prefix_cache_hits gpu_prefix_cache_queries >0.6 <0.11
counter tokens <0.8
histogram time_to_first_token_seconds e2e_request_latency_seconds iteration_tokens_total request_queue_time_seconds
histogram request_inference_time_seconds request_prefill_time_seconds request_decode_time_seconds request_prompt_tokens
histogram request_generation_tokens request_max_num_generation_tokens request_params_n request_params_max_tokens
histogram inter_token_latency_seconds >0.9
histogram request_time_per_output_token_seconds >0.10
histogram request_prefill_kv_computed_tokens >0.12
histogram request_num_preemptions >0.27
histogram time_per_output_token_seconds <0.12
histogram time_in_queue_requests model_forward_time_milliseconds model_execute_time_milliseconds <0.9
"""
_SGLANG = """
gauge cache_hit_rate context_len full_token_usage fwd_occupancy gen_throughput http_requests_active
gauge max_total_num_tokens new_token_ratio num_pages num_paused_reqs num_prefill_bootstrap_queue_reqs
gauge num_prefill_inflight_queue_reqs num_queue_reqs num_retracted_reqs num_running_reqs num_used_tokens page_size
gauge token_usage utilization
gauge avg_request_queue_latency total_retracted_reqs <0.5.23
gauge num_prefill_infight_queue_reqs num_prefill_prealloc_queue_reqs <0.5.23
counter backuped_tokens cached_tokens evicted_tokens forward_execution_seconds generation_tokens http_requests
counter http_responses load_back_bytes load_back_tokens num_aborted_requests num_bootstrap_failed_reqs
counter num_prefill_retries num_requests num_retracted_input_tokens num_retracted_output_tokens num_retracted_requests
counter num_so_requests num_transfer_failed_reqs prefetched_tokens prefill_effective_tokens process_cpu_seconds
counter prompt_tokens realtime_tokens
histogram backup_bandwidth backup_pgs e2e_request_latency_seconds eviction_duration_seconds func_latency_seconds
histogram generation_tokens_histogram get_loads_duration_seconds inter_token_latency_seconds load_back_duration_seconds
histogram per_stage_req_latency_seconds prefetch_bandwidth prefetch_pgs prompt_tokens_histogram queue_time_seconds
histogram request_time_per_output_token_seconds time_to_first_token_seconds uncached_prompt_tokens_histogram
"""
_TRITON = """
gauge pending_request_count
raw request_success request_failure count exec_count request_duration_us queue_duration_us compute_input_duration_us
raw compute_infer_duration_us compute_output_duration_us
histogram first_response_histogram_ms
summary request_summary_us queue_summary_us compute_input_summary_us compute_infer_summary_us compute_output_summary_us
"""
_REST = """
counter requests
gauge requests_in_progress
histogram request_duration_seconds
"""
_INFER = """
counter success failure
summary duration
"""


@attrs.frozen(eq=False)
class Exported:
    """
    What one model server exports below one prefix.

    Args:
        server: Its name in messages.

        prefix: That its names begin with.

        table: A kind of metric a line, names without prefix and suffix, and the
            version after and before which it has them.

        newest: The last version that was read; a later one may have more. Default: every version is like this.

        families: How names begin that come with parts of the server that not everybody uses, and are not judged.

        plain: Whether other programs have names with this prefix, too. Default: only this server.
    """

    server: str
    prefix: str
    table: str
    newest: Version | None = None
    families: tuple[str, ...] = ()
    plain: bool = False

    @cached_property
    def known(self) -> Mapping[str, list[tuple[Version, Version]]]:
        """By name, as Prometheus reads it: after and before which versions it is exported."""
        found: dict[str, list[tuple[Version, Version]]] = {}
        for line in self.table.strip().splitlines():
            kind, *words = line.split()
            after = next((_version(word) for word in words if word[0] == ">"), ())
            before = next((_version(word) for word in words if word[0] == "<"), ())
            for name in (word for word in words if word[0] not in "<>"):
                for suffix in SUFFIXES[kind]:
                    found.setdefault(f"{self.prefix}{name}{suffix}", []).append((after, before))
        return found

    def lacks(self, name: str, version: Version | None) -> bool:
        """Return whether *version*, or every version where it is None, does not export *name*."""
        if name.startswith(tuple(self.prefix + family for family in self.families)):
            return False
        spans = self.known.get(name)
        if spans is None:
            return version is None or self.newest is None or version <= self.newest
        return version is not None and not any(_within(version, *span) for span in spans)

    def exported(self, version: Version | None) -> list[str]:
        """Return what *version* exports, or any version where it is None."""
        return [name for name in self.known if not self.lacks(name, version)]


def _version(word: str) -> Version:
    return tuple(int(number) for number in word[1:].split("."))


def _within(version: Version, after: Version, before: Version) -> bool:
    return (not after or version[: len(after)] > after) and (not before or version[: len(before)] < before)


CATALOGUE = (
    Exported(
        "vLLM",
        "vllm:",
        _VLLM,
        newest=(0, 33, 999),
        families=(
            "admission", "diffusion", "estimated", "hf3fs", "hisparse", "kv_block", "kv_offload", "mooncake", "nixl",
            "rl_", "simple_kv", "sleep_mode", "spec_decode", "tool_call", "umbp", "watermark", "websocket",
        ),
    ),
    Exported(
        "SGLang",
        "sglang:",
        _SGLANG,
        newest=(0, 5, 23),
        families=(
            "cuda_", "decode_", "dp_", "encoder", "eplb", "estimated", "grammar", "graph", "hicache", "is_cuda", "kv_",
            "lora", "mamba", "max_running", "num_decode", "num_grammar", "num_stream", "num_unique", "pending_prealloc",
            "prealloc", "prefill_delayer", "routing", "scheduler_", "spec_", "startup", "storage", "stream", "swa",
            "weight",
        ),
    ),
    Exported("Triton", "nv_inference_", _TRITON),
    Exported("MLServer", "rest_server_", _REST, plain=True),
    Exported("MLServer", "model_infer_request_", _INFER, plain=True),
)  # fmt: skip
"""NIM's names are those of its documentation, begin with nothing of their own, and are not judged."""


@attrs.frozen
class Missing:
    """
    A metric that a query asks for and nobody tells.

    Args:
        name: As it stands in the query.

        because: Why nobody tells it, to follow "but".

        do: What to ask for instead, to follow a semicolon.
    """

    name: str
    because: str
    do: str


def missing(query: str, server: str | None, version: Version | None) -> Iterator[Missing]:
    """Yield the metrics in *query* that *version* of *server* does not export; None stands for all of them."""
    for name in dict.fromkeys(WORD.findall(TEXT.sub("", query))):
        one = next((one for one in CATALOGUE if name.startswith(one.prefix)), None)
        # A second colon is that of a recording rule, and Triton can run vLLM inside.
        if one is None and (meant := _with_colon(name)):
            yield Missing(name, f"no {meant.server} exports it", f"write {name.replace('_', ':', 1)}")
            continue
        if one is None or name.count(":") > one.prefix.count(":") or (one.server, server) == ("vLLM", "Triton"):
            continue
        if one.plain and server != one.server:
            continue
        if server is not None and server != one.server:
            yield Missing(name, f"{one.server} exports it, and this is {server}", f"follow a metric of {server}")
            continue
        told = version if server == one.server else None
        if one.lacks(name, told):
            exact = ".".join(map(str, told)) if told else None
            because = f"{one.server} {exact} does not export it" if exact else f"no {one.server} exports it"
            yield Missing(name, because, _instead(name, one, told))


def _with_colon(name: str) -> Exported | None:
    """Return whose metric *name* is but for the underscore where its prefix has a colon."""
    meant = name.replace("_", ":", 1)
    return next((one for one in CATALOGUE if ":" in one.prefix and meant in one.known), None)


def _instead(name: str, one: Exported, version: Version | None) -> str:
    rests = [known.removeprefix(one.prefix) for known in one.exported(version)]
    meant = did_you_mean(name.removeprefix(one.prefix), rests)
    return meant.replace("mean ", f"mean {one.prefix}") if meant else "look at what /metrics of a running server tells"
