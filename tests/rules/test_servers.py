"""What model servers cannot do with ports, flags, claims and buffers, each in its exact words, and what is close to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Cluster,
    Crd,
    Exec,
    Gateway,
    Gpu,
    Grpc,
    Host,
    HuggingFace,
    Loader,
    MetricScale,
    Monitoring,
    Port,
    ScalableModelService,
    SGLang,
    TcpSocket,
    Triton,
)
from tests.support import CLUSTER, DIGEST, environment, found_by

IMAGE = f"ghcr.io/acme/server:v0.18.0@{DIGEST}"
SCALED = Cluster(
    "main",
    kubernetes="1.36",
    installed=[Crd.KEDA, Crd.GATEWAY_API, Crd.PROMETHEUS_OPERATOR],
    monitoring=Monitoring("monitoring", address="http://prometheus:9090"),
    gateway=Gateway("public", "gateways", implementation="istio"),
)
USE = "leave it away, and use the options"
LLAMA = HuggingFace("acme/chat", revision="1" * 40)
LOADER = Loader(IMAGE, claim="models")
FOLDER = "/mnt/models/acme--chat--111111111111"


def findings(root: Path, rule: str, cluster: Cluster = CLUSTER, **options: Any) -> list[str]:
    """Return the findings of *rule* on a service."""
    scope = environment(root, cluster=cluster)
    stock: dict[str, Any] = {"image": IMAGE, "runtime": VLLM(), "model": "/opt/model"}
    ScalableModelService(scope, "chat", **{**stock, **options})
    return [text.removeprefix("test/chat: ") for text in found_by(scope, rule)]


@pytest.mark.parametrize(
    ("runtime", "args", "expected"),
    [
        (VLLM(), ["-tp=2"], [f"args[0] but the options of vLLM set --tensor-parallel-size; {USE}"]),
        (VLLM(), ["-pp", "2"], [f"args[0] but the options of vLLM set --pipeline-parallel-size; {USE}"]),
        (
            VLLM(),
            ["--enforce-eager", "--served_model_name=a"],
            [f"args[1] but the options of vLLM set --served-model-name; {USE}"],
        ),
        (VLLM("0.17"), ["--shutdown_timeout=5"], ["--shutdown-timeout since 0.18"]),
        (SGLang("0.5.3"), ["--tensor-parallel-size=2"], [f"args[0] but the options of SGLang set --tp-size; {USE}"]),
        (SGLang("0.5.3"), ["--model", "a/b"], [f"args[0] but the options of SGLang set --model-path; {USE}"]),
        (VLLM(), ["--enforce-eager", "-q", "awq"], []),
        (Triton("25.08"), ["-tp=2"], []),
    ],
)
def test_p12_knows_every_spelling(tmp_path: Path, runtime: Any, args: list[str], expected: list[str]) -> None:
    """Underscores, short flags and other names, of flags that the options leave away, too."""
    found = findings(tmp_path, "P12", runtime=runtime, args=args)
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))


TLS = (
    "but the server speaks HTTPS then, while the probes and the gateway speak HTTP with it; leave it away, and let the"
    " gateway have the certificate"
)
DEAF = (
    'but nobody listens then where the probes ask; leave it away, or write health=Grpc("grpc") and ready=Grpc("grpc")'
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"args": ["--ssl-keyfile=/tls/key"]}, [f"args[0]='--ssl-keyfile' {TLS}"]),
        ({"runtime": SGLang("0.5.3"), "args": ["--ssl_certfile", "/tls/crt"]}, [f"args[0]='--ssl-certfile' {TLS}"]),
        ({"args": ["--ssl-keyfile=/tls/key"], "health": TcpSocket(), "ready": Exec(["check"])}, []),
        ({"runtime": Triton("25.08"), "args": ["--allow-http=False"]}, [f"args[0]='--allow-http=False' {DEAF}"]),
        ({"runtime": Triton("25.08"), "args": ["--allow-http", "0"]}, [f"args[0]='--allow-http' {DEAF}"]),
        ({"runtime": Triton("25.08"), "args": ["--allow-http=true"]}, []),
        (
            {
                "runtime": Triton("25.08"),
                "args": ["--allow-http=false"],
                "health": Grpc("grpc"),
                "ready": Grpc("grpc"),
            },
            [],
        ),
    ],
)
def test_p12_probes_reach_the_server(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    """They speak HTTP where nothing else is said."""
    assert findings(tmp_path, "P12", **options) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"runtime": Triton("25.08"), "port": 8001},
            [
                "port=8001 but Triton has its port grpc there; choose another, or move that one: Port('grpc', ...)",
            ],
        ),
        (
            {"runtime": Triton("25.08"), "port": [Port("grpc", 9001), Port("http", 8002)]},
            [
                (
                    "port[1].number=8002 but Triton has its port metrics there; choose another, or move that one:"
                    " Port('metrics', ...)"
                ),
            ],
        ),
        (
            {"runtime": None, "port": [Port("http", 8000), Port("admin", 8000)]},
            ["port[1].number=8000 but another port of this service has it; give each port its own"],
        ),
        (
            {"port": [Port("htp", 9100)]},
            [
                "port[0].name='htp' but vLLM listens on http, and no argument tells it of this one; did you mean http?",
            ],
        ),
        (
            {"runtime": Triton("25.08"), "port": [Port("grpc", 9001), Port("admin", 9100)]},
            [
                (
                    "port[1].name='admin' but Triton listens on http, grpc, metrics, and no argument tells it of this one;"
                    ' leave it away, or move a port of its own: Port("http", ...)'
                ),
            ],
        ),
        ({"runtime": Triton("25.08"), "port": [Port("sage", 9100)], "args": ["--sagemaker-port=9100"]}, []),
        ({"port": [Port("debug", 9100)], "env": {"DEBUG_PORT": "9100"}}, []),
        ({"port": 9000}, []),
    ],
)
def test_d08_names_what_the_user_wrote(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    """By the user's own index, with the port of the server that is in the way, and ports that nobody listens on."""
    assert findings(tmp_path, "D08", **options) == expected


def test_v24_one_job_loads_a_folder(tmp_path: Path) -> None:
    """Two services with one claim and one revision would both load it."""
    scope = environment(tmp_path)
    for name in ("chat", "batch"):
        ScalableModelService(scope, name, image=IMAGE, runtime=VLLM(), model=LLAMA, loader=LOADER, gpu=Gpu("l4"))
    (text,) = found_by(scope, "V24")
    first, _, second = text.partition(" but Job chat-loader-")
    assert first.startswith("test/batch: Job batch-loader-")
    assert first.endswith(f" spec.template={FOLDER!r}")
    assert second.endswith(
        f" loads it into the claim models, too; give it a claim of its own, or leave its loader= away, and write"
        f" model={FOLDER!r}, volumes=[Claim('models', '/mnt/models')]"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"model": HuggingFace("acme/chat", revision="2" * 40), "loader": LOADER},
        {"model": LLAMA, "loader": Loader(IMAGE, claim="others")},
        {"model": FOLDER},
    ],
)
def test_v24_is_kept_by_what_each_has_for_itself(tmp_path: Path, other: dict[str, Any]) -> None:
    """Another revision, another claim, or nothing to load."""
    scope = environment(tmp_path)
    ScalableModelService(scope, "chat", image=IMAGE, runtime=VLLM(), model=LLAMA, loader=LOADER, gpu=Gpu("l4"))
    ScalableModelService(scope, "batch", image=IMAGE, runtime=VLLM(), gpu=Gpu("l4"), **other)
    assert found_by(scope, "V24") == []


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ((), []),
        (
            Host("chat.acme.dev"),
            [
                (
                    "scale.buffer='kafka' but what comes by route= does not pass it, and fails while there is no pod; leave"
                    " route= away, write min=1, or accept A04 where it stands between the gateway and the pods"
                )
            ],
        ),
    ],
)
def test_a04_a_buffer_is_passed_by_what_comes_by_a_route(tmp_path: Path, route: Any, expected: list[str]) -> None:
    """A queue keeps what is put into it, and no request to a Service."""
    scale = MetricScale(min=0, max=2, query="sum(kafka_lag)", target=5, buffer="kafka")
    assert findings(tmp_path, "A04", SCALED, runtime=None, model=None, port=8000, scale=scale, route=route) == expected
