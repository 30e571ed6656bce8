"""Model servers: what each is started with, listens on, is asked and exports, by its options and its version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    NIM,
    VLLM,
    Adapter,
    Bucket,
    Drain,
    Gpu,
    Grpc,
    HttpGet,
    HuggingFace,
    LoadTime,
    MLServer,
    Port,
    ScalableModelService,
    SecretKey,
    SGLang,
    Triton,
    minutes,
    seconds,
)
from modelyard.serving.launch import version_of
from modelyard.serving.runtimes import FACTS, metric_names
from modelyard.serving.servers import Runtime
from modelyard.values.versions import Version, parsed
from tests.manifests import MISSING, at
from tests.support import DIGEST, environment, found, objects

CONTAINER = "spec.template.spec.containers[0]"
OWN = {"HOME", "NVIDIA_VISIBLE_DEVICES"}
LLAMA = HuggingFace("meta-llama/Llama-3.1-8B-Instruct", revision="0" * 40)
VLLM_018 = f"ghcr.io/acme/vllm:v0.18.0-cu128@{DIGEST}"
PLAIN = "/opt/model"
TWO_ADAPTERS = [Adapter("sql", "/adapters/sql"), Adapter("law", "/adapters/law", rank=24)]


def served(root: Path, runtime: Runtime | None, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of a service on *runtime*."""
    scope = environment(root)
    stock: dict[str, Any] = {"image": VLLM_018, "model": PLAIN, "replicas": 2}
    ScalableModelService(scope, "chat", runtime=runtime, **{**stock, **options})
    return objects(scope)


def container(root: Path, runtime: Runtime | None, **options: Any) -> dict[str, Any]:
    """Return the container of a service on *runtime*."""
    main: dict[str, Any] = at(served(root, runtime, **options)["Deployment/chat"], CONTAINER)
    return main


def variables(main: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of a container, less those that every container has."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in main["env"] if one["name"] not in OWN}


def wrong(root: Path, runtime: Any, **options: Any) -> list[str]:
    """Return the findings on a service on *runtime*."""
    scope = environment(root)
    stock: dict[str, Any] = {"image": VLLM_018, "model": PLAIN, "replicas": 2}
    ScalableModelService(scope, "chat", runtime=runtime, **{**stock, **options})
    return [f"{one.rule} {one.text}" for one in found(scope)]


VLLM_ARGS: list[tuple[VLLM, dict[str, Any], list[str]]] = [
    (VLLM(), {}, ["/opt/model", "--port=8000", "--served-model-name=chat", "--shutdown-timeout=45"]),
    (
        VLLM(served_name="bot", max_model_len=16384, gpu_memory=0.9),
        {"args": ["--enforce-eager"], "port": 9000, "drain": Drain(finish=minutes(5))},
        [
            "/opt/model",
            "--port=9000",
            "--served-model-name=bot",
            "--max-model-len=16384",
            "--gpu-memory-utilization=0.9",
            "--shutdown-timeout=300",
            "--enforce-eager",
        ],
    ),
    (
        VLLM(),
        {"gpu": Gpu("l4", 4), "model": LLAMA},
        [
            "meta-llama/Llama-3.1-8B-Instruct",
            f"--revision={'0' * 40}",
            "--port=8000",
            "--served-model-name=meta-llama/Llama-3.1-8B-Instruct",
            "--tensor-parallel-size=4",
            "--shutdown-timeout=45",
        ],
    ),
    (
        VLLM(tensor_parallel=2),
        {"gpu": Gpu("l4", 4), "model": Bucket("s3://models/llama/v3")},
        [
            "s3://models/llama/v3",
            "--port=8000",
            "--served-model-name=chat",
            "--tensor-parallel-size=2",
            "--pipeline-parallel-size=2",
            "--load-format=runai_streamer",
            "--shutdown-timeout=45",
        ],
    ),
    (
        VLLM(pipeline_parallel=4),
        {"gpu": Gpu("l4", 4)},
        [
            "/opt/model",
            "--port=8000",
            "--served-model-name=chat",
            "--pipeline-parallel-size=4",
            "--shutdown-timeout=45",
        ],
    ),
    (
        VLLM(adapters=TWO_ADAPTERS),
        {},
        [
            "/opt/model",
            "--port=8000",
            "--served-model-name=chat",
            "--enable-lora",
            "--max-loras=2",
            "--max-lora-rank=32",
            "--shutdown-timeout=45",
            "--lora-modules",
            "sql=/adapters/sql",
            "law=/adapters/law",
        ],
    ),
    (VLLM("0.17.1"), {}, ["/opt/model", "--port=8000", "--served-model-name=chat"]),
]


@pytest.mark.parametrize(("runtime", "options", "expected"), VLLM_ARGS)
def test_vllm_is_started_with_what_its_options_say(
    tmp_path: Path, runtime: VLLM, options: dict[str, Any], expected: list[str]
) -> None:
    """Parallelism is worked out of the accelerators, and the drain reaches the versions that know of it."""
    main = container(tmp_path, runtime, **options)
    assert (main["command"], main["args"]) == (["vllm", "serve"], expected)


@pytest.mark.parametrize(
    ("runtime", "options", "command", "args"),
    [
        (
            SGLang("0.5.3", max_model_len=8192),
            {"gpu": Gpu("l4", 2), "model": LLAMA},
            ["python3", "-m", "sglang.launch_server"],
            [
                "--model-path=meta-llama/Llama-3.1-8B-Instruct",
                f"--revision={'0' * 40}",
                "--host=0.0.0.0",
                "--port=30000",
                "--served-model-name=meta-llama/Llama-3.1-8B-Instruct",
                "--enable-metrics",
                "--context-length=8192",
                "--tp-size=2",
            ],
        ),
        (
            Triton("25.08"),
            {"model": Bucket("az://acme/models/prod"), "drain": Drain(finish=seconds(20))},
            ["tritonserver"],
            [
                "--model-repository=as://acme/models/prod",
                "--http-port=8000",
                "--grpc-port=8001",
                "--metrics-port=8002",
                "--exit-timeout-secs=20",
            ],
        ),
    ],
)
def test_other_servers_are_started_with_what_their_options_say(
    tmp_path: Path, runtime: Runtime, options: dict[str, Any], command: list[str], args: list[str]
) -> None:
    """Each server in its own words."""
    main = container(tmp_path, runtime, **options)
    assert (main["command"], main["args"]) == (command, args)


@pytest.mark.parametrize(
    ("runtime", "options", "expected"),
    [
        (
            MLServer(),
            {},
            {
                "MLSERVER_HTTP_PORT": "8080",
                "MLSERVER_GRPC_PORT": "8081",
                "MLSERVER_METRICS_PORT": "8082",
                "MLSERVER_MODELS_DIR": "/opt/model",
                "MLSERVER_MODEL_NAME": "chat",
                "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_mlflow.MLflowRuntime",
                "MLSERVER_MODEL_URI": "/opt/model",
            },
        ),
        (
            MLServer(format=None),
            {"port": 9000},
            {
                "MLSERVER_HTTP_PORT": "9000",
                "MLSERVER_GRPC_PORT": "8081",
                "MLSERVER_METRICS_PORT": "8082",
                "MLSERVER_MODELS_DIR": "/opt/model",
            },
        ),
        (
            NIM(api_key=SecretKey("ngc", "key"), cache="/cache", max_model_len=4096),
            {"model": None},
            {
                "NIM_SERVER_PORT": "8000",
                "NIM_CACHE_PATH": "/cache",
                "NIM_MAX_MODEL_LEN": "4096",
                "NGC_API_KEY": {"secretKeyRef": {"name": "ngc", "key": "key"}},
            },
        ),
        (NIM(), {"model": None}, {"NIM_SERVER_PORT": "8000", "NIM_CACHE_PATH": "/tmp/nim"}),
        (VLLM(), {}, {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}),
        (
            VLLM(),
            {"model": HuggingFace("a/b", revision="1" * 40, token=SecretKey("hf", "token"))},
            {"HF_TOKEN": {"secretKeyRef": {"name": "hf", "key": "token"}}},
        ),
        (SGLang(), {"model": LLAMA}, {}),
        (None, {"port": 5000}, {"MODEL_PATH": "/opt/model"}),
    ],
)
def test_servers_are_told_by_variables_what_they_take_from_variables(
    tmp_path: Path, runtime: Runtime | None, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A server whose model is there asks no hub, and one that fetches it is given the token."""
    assert variables(container(tmp_path, runtime, **options)) == expected


@pytest.mark.parametrize("runtime", [MLServer(), NIM()])
def test_the_image_starts_a_server_that_takes_variables(tmp_path: Path, runtime: Runtime) -> None:
    """Its entry point prepares more than a command could."""
    main = container(tmp_path, runtime, model=None if isinstance(runtime, NIM) else PLAIN)
    assert ("command" in main, "args" in main) == (False, False)


@pytest.mark.parametrize(
    ("runtime", "ports", "live", "ready", "failures"),
    [
        (VLLM(), {"http": 8000}, "/health", "/health", 90),
        (SGLang(), {"http": 30000}, "/health", "/health", 90),
        (Triton(), {"http": 8000, "grpc": 8001, "metrics": 8002}, "/v2/health/live", "/v2/health/ready", 60),
        (MLServer(), {"http": 8080, "grpc": 8081, "metrics": 8082}, "/v2/health/live", "/v2/health/ready", 24),
        (NIM(), {"http": 8000}, "/v1/health/live", "/v1/health/ready", 180),
    ],
)
def test_ports_and_probes_come_from_the_runtime(
    tmp_path: Path, runtime: Runtime, ports: dict[str, int], live: str, ready: str, failures: int
) -> None:
    """The start is over when the server takes requests; the Service offers the main port as 80."""
    made = served(tmp_path, runtime, model=None if isinstance(runtime, NIM) else PLAIN)
    main = at(made["Deployment/chat"], CONTAINER)

    assert {one["name"]: one["containerPort"] for one in main["ports"]} == ports
    assert main["livenessProbe"]["httpGet"] == {"path": live, "port": "http"}
    assert main["readinessProbe"]["httpGet"] == {"path": ready, "port": "http"}
    assert main["startupProbe"]["httpGet"] == {"path": ready, "port": "http"}
    assert main["startupProbe"]["failureThreshold"] == failures
    assert at(made["Service/chat"], "spec.ports[0]") == {
        "name": "http", "port": 80, "targetPort": "http", "protocol": "TCP",
    }  # fmt: skip
    assert FACTS[type(runtime)].scraped[0] in ports


def test_what_the_user_says_goes_before_what_the_runtime_does(tmp_path: Path) -> None:
    """Ports by name, health, readiness and the time of a start."""
    main = container(
        tmp_path, Triton(), port=[Port("grpc", 9001), Port("admin", 9100)], health="/live", ready=HttpGet("/ok", "admin"),
        start_within=minutes(1), args=["--sagemaker-port=9100"],
    )  # fmt: skip

    assert {one["name"]: one["containerPort"] for one in main["ports"]} == {
        "http": 8000, "grpc": 9001, "metrics": 8002, "admin": 9100,
    }  # fmt: skip
    assert main["args"][2] == "--grpc-port=9001"
    assert main["livenessProbe"]["httpGet"] == {"path": "/live", "port": "http"}
    assert main["readinessProbe"]["httpGet"] == {"path": "/ok", "port": "admin"}
    assert main["startupProbe"]["failureThreshold"] == 12


def test_one_drain_sets_hook_flag_and_grace(tmp_path: Path) -> None:
    """Nothing is killed that the server was told to finish."""
    made = served(tmp_path, VLLM(), drain=Drain(delay=seconds(20), finish=seconds(100)))["Deployment/chat"]

    assert at(made, f"{CONTAINER}.lifecycle.preStop.sleep.seconds") == 20
    assert at(made, f"{CONTAINER}.args[3]") == "--shutdown-timeout=100"
    assert at(made, "spec.template.spec.terminationGracePeriodSeconds") == 125


@pytest.mark.parametrize(
    ("given", "seconds_of_start", "progress"),
    [
        (LoadTime("16Gi"), 420, 1020),
        (LoadTime("700Gi", rate="1Gi"), 1320, 1920),
        (LoadTime("1Mi"), 300, 900),
        (minutes(20), 1200, 1800),
        (None, 900, 1500),
    ],
)
def test_a_start_may_take_as_long_as_there_is_to_load(
    tmp_path: Path, given: Any, seconds_of_start: int, progress: int
) -> None:
    """One and a half times what size and rate say, 3 minutes for the rest, and a rollout has longer."""
    made = served(tmp_path, VLLM(), start_within=given)["Deployment/chat"]
    probe = at(made, f"{CONTAINER}.startupProbe")

    assert probe["periodSeconds"] * probe["failureThreshold"] == seconds_of_start
    assert at(made, "spec.progressDeadlineSeconds") == progress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v0.18.0", (0, 18, 0)),
        ("0.18.0-cu128", (0, 18, 0)),
        ("25.08-py3", (25, 8)),
        ("v0.5.3.post1", (0, 5, 3)),
        ("17", None),
        ("latest", None),
        (None, None),
    ],
)
def test_a_tag_tells_a_version(text: str | None, expected: Version | None) -> None:
    """A single number is a build of somebody's own."""
    assert parsed(text) == expected


def test_a_version_that_is_said_goes_before_the_tag(tmp_path: Path) -> None:
    """Images of one's own have tags of one's own."""
    image = f"ghcr.io/acme/chat:41@{DIGEST}"
    service = ScalableModelService(environment(tmp_path), "chat", image=image, runtime=VLLM("0.17.0"), model=PLAIN)
    assert version_of(service.spec) == (0, 17, 0)


@pytest.mark.parametrize(
    ("runtime", "version", "meaning", "expected"),
    [
        (VLLM(), None, "cache_use", "vllm:kv_cache_usage_perc"),
        (VLLM(), (0, 18), "cache_use", "vllm:kv_cache_usage_perc"),
        (VLLM(), (0, 10, 1), "cache_use", "vllm:gpu_cache_usage_perc"),
        (VLLM(), (0, 10, 1), "waiting", "vllm:num_requests_waiting"),
        (SGLang(), None, "waiting", "sglang:num_queue_reqs"),
        (Triton(), (25, 8), "waiting", "nv_inference_pending_request_count"),
        (NIM(), None, "running", "num_requests_running"),
        (MLServer(), None, "waiting", MISSING),
    ],
)
def test_metrics_have_the_names_of_their_version(
    runtime: Runtime, version: Version | None, meaning: str, expected: str
) -> None:
    """A name that a server does not export would never scale anything."""
    assert metric_names(runtime, version).get(meaning, MISSING) == expected


@pytest.mark.parametrize("runtime", FACTS)
def test_a_version_has_one_name_for_each_meaning(runtime: type) -> None:
    """No two rows of the table hold at once."""
    series = FACTS[runtime].series
    boundaries = {version for one in series for version in (one.since, one.until) if version} | {(0,), (99,)}
    for version in boundaries:
        held = [one.meaning for one in series if one.since <= version and (one.until is None or version < one.until)]
        assert len(held) == len(set(held))


CUSTOM = "leave runtime= away, and give command=, port= and health= as of any program"
WRONG: list[tuple[Any, dict[str, Any], list[str]]] = [
    (
        "vllm",
        {},
        [
            "X11 test/chat: runtime='vllm' but a runtime is a value with options; write runtime=VLLM()",
        ],
    ),
    (
        "TGI",
        {},
        [
            f"X11 test/chat: runtime='TGI' but Text Generation Inference is archived; serve with VLLM() or SGLang(), or {CUSTOM}"
        ],
    ),
    (
        "torchserve",
        {},
        [
            f"X11 test/chat: runtime='torchserve' but TorchServe is not maintained any more; serve with Triton(), or {CUSTOM}"
        ],
    ),
    (
        "tensorflow-serving",
        {},
        [
            f"X11 test/chat: runtime='tensorflow-serving' but TensorFlow Serving has no options of its own here; serve with Triton(), or {CUSTOM}"
        ],
    ),
    (
        None,
        {},
        ["X12 test/chat: port but ScalableModelService cannot do without it; add port=..."],
    ),
    (VLLM(), {"model": None}, ["X11 test/chat: model but vLLM has nothing to serve; add model=..."]),
    (
        NIM(),
        {},
        [
            "X11 test/chat: model but the image of a NIM chooses its model itself; leave model= away, or serve it with VLLM()"
        ],
    ),
    (
        VLLM("eighteen"),
        {},
        [
            "X11 test/chat: runtime.version='eighteen' but a version is numbers with dots between, such as \"0.18.0\"; correct the value"
        ],
    ),
    (
        VLLM(gpu_memory=90.0),
        {},
        [
            "X11 test/chat: runtime.gpu_memory=90.0 but it is a share of the memory, above 0 and at most 1; correct the value"
        ],
    ),
    (
        VLLM(),
        {"command": ["python", "serve.py"]},
        [
            "X11 test/chat: command=['python', 'serve.py'] but vLLM is started with vllm serve; leave it away, or leave runtime= away"
        ],
    ),
    (
        VLLM(),
        {"image": f"ghcr.io/acme/chat:41@{DIGEST}"},
        [
            'P12 test/chat: runtime.version but the tag of the image does not tell the version of vLLM; write VLLM("0.18.0"), or the version that it is'
        ],
    ),
    (
        VLLM("0.18.0"),
        {"image": f"mirror.acme.dev/vllm/vllm-openai:v0.11.0-cu129@{DIGEST}"},
        [
            "X11 test/chat: runtime.version='0.18.0' but the image is mirror.acme.dev/vllm/vllm-openai:v0.11.0-cu129, whose tag is the version of vLLM; leave it away, or write the image that has it"
        ],
    ),
    (
        VLLM(),
        {"args": ["--port", "9000", "--max-num-seqs=64"]},
        ["P12 test/chat: args[0] but the options of vLLM set --port; leave it away, and use the options"],
    ),
    (
        VLLM(),
        {"env": {"HF_HUB_OFFLINE": "0"}},
        ["P12 test/chat: env['HF_HUB_OFFLINE'] but the options of vLLM set it; leave it away, and use the options"],
    ),
    (
        VLLM("0.17.0"),
        {"args": ["--shutdown-timeout=45"]},
        [
            "P12 test/chat: args[0]='--shutdown-timeout=45' but vLLM knows --shutdown-timeout since 0.18; use a newer image, or say its version if the tag does not"
        ],
    ),
    (
        None,
        {"port": 5000, "env": {"MODEL_PATH": "/x"}},
        ["P12 test/chat: env['MODEL_PATH'] but model= sets it; leave one of the two away"],
    ),
    (
        VLLM(tensor_parallel=3),
        {"gpu": Gpu("l4", 4)},
        [
            "L04 test/chat: runtime.tensor_parallel=3 but tensor_parallel=3 times pipeline_parallel=1 is 3, and there are 4 accelerators (gpu.count=4); leave both away, so that they are worked out, or make them fit"
        ],
    ),
    (
        VLLM(),
        {"gpu": Gpu("l4", 4), "args": ["--data-parallel-size=3"]},
        [
            "L04 test/chat: args[0]='--data-parallel-size=3' but tensor_parallel=1 times pipeline_parallel=1 times 3 copies is 3, and there are 4 accelerators; make them fit"
        ],
    ),
    (
        SGLang(tensor_parallel=4),
        {"gpu": Gpu("l4", 4), "args": ["--dp-size", "2"]},
        [
            "L04 test/chat: args[0]='--dp-size' but tensor_parallel=4 times pipeline_parallel=1 times 2 copies is 8, and there are 4 accelerators; make them fit"
        ],
    ),
    (
        SGLang(pipeline_parallel=3),
        {"gpu": Gpu("l4", 4)},
        [
            "L04 test/chat: runtime.pipeline_parallel=3 but tensor_parallel=1 times pipeline_parallel=3 is 3, and there are 4 accelerators (gpu.count=4); leave both away, so that they are worked out, or make them fit"
        ],
    ),
    (
        VLLM(adapters=[Adapter("chat", "/a"), Adapter("sql", "/b"), Adapter("sql", "/c", rank=1024)]),
        {},
        [
            "X11 test/chat: runtime.adapters[0].name='chat' but the model or another adapter has this name; choose another name",
            "X11 test/chat: runtime.adapters[2].rank=1024 but vLLM makes room for ranks up to 512; train an adapter of a lower rank",
            "X11 test/chat: runtime.adapters[2].name='sql' but the model or another adapter has this name; choose another name",
        ],
    ),
    (
        VLLM(adapters=[Adapter("sql", Bucket("s3://models/sql"))]),
        {},
        ["X11 test/chat: runtime.adapters[0].source but nobody loads it; add loader=Loader(...)"],
    ),
]


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.18.0-cu129", "0.18"),
        ("vllm/vllm-openai:v0.18.1.post1", "0.18.1"),
        ("vllm/vllm-openai:latest", "0.18.0"),
        ("vllm/vllm-openai:nightly-0123abc", "0.18.0"),
        ("vllm/vllm-openai", "0.18.0"),
        ("ghcr.io/acme/vllm-openai:1.4.2", "0.18.0"),
        ("ghcr.io/acme-vllm/vllm-openai:1.4.2", "0.18.0"),
    ],
)
def test_a_version_may_be_said_where_the_tag_does_not_say_another(tmp_path: Path, image: str, version: str) -> None:
    """The tag of an image of one's own counts what one likes."""
    scope = environment(tmp_path)
    ScalableModelService(scope, "chat", image=f"{image}@{DIGEST}", runtime=VLLM(version), model=PLAIN, replicas=2)
    assert [one.text for one in found(scope)] == []


@pytest.mark.parametrize(("runtime", "options", "expected"), WRONG)
def test_what_a_server_would_fail_on_is_refused(
    tmp_path: Path, runtime: Any, options: dict[str, Any], expected: list[str]
) -> None:
    """In the user's words, before any pod ends and starts again without end."""
    assert wrong(tmp_path, runtime, **options) == expected


@pytest.mark.parametrize(
    ("runtime", "options", "refused"),
    [
        (MLServer(), {"ready": Grpc("grpc")}, ("ready='grpc'", "MLServer", "grpc")),
        (MLServer(), {"health": Grpc()}, ("health='http'", "MLServer", "http")),
        (VLLM(), {"health": Grpc("http")}, ("health='http'", "vLLM", "http")),
        (Triton("25.08"), {"health": Grpc("http")}, ("health='http'", "Triton", "http")),
        (Triton("25.08"), {"health": Grpc("grpc"), "ready": Grpc("grpc")}, None),
        (VLLM(), {"health": Grpc("beside"), "port": [Port("beside", 9000)], "args": ["--beside=9000"]}, None),
    ],
)
def test_a_server_without_a_health_service_is_not_asked_by_it(
    tmp_path: Path, runtime: Runtime, options: dict[str, Any], refused: tuple[str, str, str] | None
) -> None:
    """Only Triton has one; what listens on another port is the user's."""
    text = ""
    if refused is not None:
        what, title, port = refused
        text = (
            f"P12 test/chat: {what} but {title} has no grpc.health.v1 at its port {port}, so that no pod would ever be ready;"
            " leave it away, and it is asked by HTTP"
        )
    assert "".join(one for one in wrong(tmp_path, runtime, **options) if one.startswith("P12")) == text


@pytest.mark.parametrize(
    ("runtime", "args", "expected"),
    [
        (VLLM(), ["--data-parallel-size=2"], "--tensor-parallel-size=2"),
        (VLLM(), ["-dp", "2"], "--tensor-parallel-size=2"),
        (VLLM(tensor_parallel=2), ["--data-parallel-size", "2"], "--tensor-parallel-size=2"),
        (VLLM(), ["--data-parallel-size=2", "--data-parallel-size-local=1"], "--tensor-parallel-size=4"),
        (SGLang(), ["--dp-size=2"], "--tp-size=2"),
        (SGLang(), ["--dp-size=2", "--enable-dp-attention"], "--tp-size=4"),
    ],
)
def test_copies_of_a_model_have_accelerators_of_their_own(
    tmp_path: Path, runtime: Runtime, args: list[str], expected: str
) -> None:
    """What is worked out is for one of them."""
    main = container(tmp_path, runtime, gpu=Gpu("l4", 4), args=args)

    assert [word for word in main["args"] if word.startswith(("--tensor", "--tp", "--pipeline", "--pp"))] == [expected]
