"""The user's own arguments beside those of a model server: what they say twice, and what no probe gets by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from modelyard.findings import Breach
from modelyard.serving.options import HttpGet
from modelyard.serving.servers import VLLM, SGLang, Triton

if TYPE_CHECKING:
    from modelyard.serving.launch import Launch
    from modelyard.serving.spec import ServiceSpec

SPELLINGS: Mapping[type, Mapping[str, str]] = {
    VLLM: {
        "-tp": "--tensor-parallel-size",
        "-pp": "--pipeline-parallel-size",
        "-dp": "--data-parallel-size",
        "-n": "--nnodes",
        "-r": "--node-rank",
    },
    SGLang: {
        "--model": "--model-path",
        "--data-parallel-size": "--dp-size",
        "--nccl-init-addr": "--dist-init-addr",
        "--pipeline-parallel-size": "--pp-size",
        "--pp": "--pp-size",
        "--tensor-parallel-size": "--tp-size",
        "--tp": "--tp-size",
    },
}
"""Other spellings of flags that the options set."""
DECIDED: Mapping[type, frozenset[str]] = {
    VLLM: frozenset({"--tensor-parallel-size", "--pipeline-parallel-size", "--nnodes", "--node-rank", "--master-addr"}),
    SGLang: frozenset({"--tp-size", "--pp-size", "--nnodes", "--node-rank", "--dist-init-addr"}),
}
"""Flags that the options decide by leaving them away, too."""
COPIES: Mapping[type, frozenset[str]] = {VLLM: frozenset({"--data-parallel-size"}), SGLang: frozenset({"--dp-size"})}
SHARES: Mapping[type, frozenset[str]] = {
    VLLM: frozenset({"--gpu-memory-utilization"}),
    SGLang: frozenset({"--mem-fraction-static"}),
}
ELSEWHERE = ("--enable-dp-attention", "--data-parallel-size-local", "--data-parallel-rank", "-dpl", "-dpn")
FRACTION = re.compile(r"0?\.[0-9]*[1-9][0-9]*|1(\.0*)?")
TLS = frozenset({"--ssl-keyfile", "--ssl-certfile"})
NO = frozenset({"0", "false", "off"})


def flag(word: str, runtime: object) -> str:
    """Return the flag that *word* begins with, as the options spell it."""
    given = word.partition("=")[0]
    if given.startswith("--"):
        given = given.replace("_", "-")
    return SPELLINGS.get(type(runtime), {}).get(given, given)


def given(flags: frozenset[str], spec: ServiceSpec) -> tuple[int, str] | None:
    """Return where the user's arguments give one of *flags*, and its value: the last, as the servers take it."""
    found = None
    for index, word in enumerate(spec.args):
        if flag(word, spec.runtime) in flags:
            _, joined, value = word.partition("=")
            following = spec.args[index + 1] if index + 1 < len(spec.args) else ""
            found = index, value if joined else following
    return found


def copies(spec: ServiceSpec) -> tuple[int, int]:
    """Return where the arguments say how many copies of the model a server keeps, and how many these are."""
    found = given(COPIES.get(type(spec.runtime), frozenset()), spec)
    if found is None or spec.gpu is None or not found[1].isdecimal():
        return 0, 1
    # SGLang divides the accelerators of one copy then, and vLLM keeps others in other pods.
    if any(flag(word, spec.runtime).startswith(ELSEWHERE) for word in spec.args):
        return 0, 1
    return found[0], max(1, int(found[1]))


def memory_share(spec: ServiceSpec) -> str | None:
    """Return what part of an accelerator's memory the arguments give to the server."""
    found = given(SHARES.get(type(spec.runtime), frozenset()), spec)
    return None if found is None or not FRACTION.fullmatch(found[1]) else found[1]


def breaches(spec: ServiceSpec, own: Launch, title: str) -> Iterator[Breach]:
    """Yield the user's variables and arguments that go against what the options of the server set."""
    because, do = f"the options of {title} set", "leave it away, and use the options"
    for variable in spec.env:
        if variable in own.variables:
            yield Breach("P12", f"env[{variable!r}]", None, f"{because} it", do)
    for index, word in enumerate(spec.args):
        meant = flag(word, spec.runtime)
        if meant in own.flags or meant in DECIDED.get(type(spec.runtime), ()):
            yield Breach("P12", f"args[{index}]", None, f"{because} {meant}", do)
        elif isinstance(spec.alive, HttpGet) or isinstance(spec.serves, HttpGet):
            following = spec.args[index + 1] if index + 1 < len(spec.args) else ""
            yield from _unheard(f"args[{index}]", word, meant, following, spec)


def _unheard(field: str, word: str, meant: str, following: str, spec: ServiceSpec) -> Iterator[Breach]:
    """Yield what lets probes by HTTP, and the gateway, speak to nobody."""
    if meant in TLS and isinstance(spec.runtime, VLLM | SGLang):
        because = "the server speaks HTTPS then, while the probes and the gateway speak HTTP with it"
        do = "leave it away, and let the gateway have the certificate"
        yield Breach("P12", field, meant, because, do)
    _, given, said = word.partition("=")
    if meant == "--allow-http" and isinstance(spec.runtime, Triton) and (said if given else following).lower() in NO:
        because = "nobody listens then where the probes ask"
        yield Breach("P12", field, word, because, 'leave it away, or write health=Grpc("grpc") and ready=Grpc("grpc")')
