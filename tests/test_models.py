"""Where models come from: images, the hub, object stores; and the loader that loads each revision once."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard import (
    VLLM,
    Adapter,
    Bucket,
    Cluster,
    CpuScale,
    HuggingFace,
    Loader,
    MLServer,
    Network,
    OciImage,
    Peer,
    ScalableModelService,
    SecretKey,
    StorageClass,
    Triton,
    minutes,
)
from modelyard.serving.loading import WAIT
from tests.manifests import MISSING, at
from tests.support import DIGEST, but, environment, found, objects

IMAGE = f"ghcr.io/acme/vllm:v0.18.0@{DIGEST}"
TOOLS = f"ghcr.io/acme/loader:2.1.0@{DIGEST}"
POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
FOLDER = "/mnt/models/acme--chat--000000000000"
MODEL = HuggingFace("acme/chat", revision="0" * 40, token=SecretKey("hf", "token"))
CLUSTER = Cluster("c", kubernetes="1.36", storage=[StorageClass("efs", {"ReadWriteMany"})])
LOADER = Loader(TOOLS, size="60Gi", storage_class="efs")


def served(root: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the objects of a service with a model."""
    scope = environment(root, cluster=CLUSTER)
    stock: dict[str, Any] = {"image": IMAGE, "runtime": VLLM(), "model": MODEL, "loader": LOADER, "replicas": 2}
    ScalableModelService(scope, "chat", **{**stock, **options})
    return objects(scope)


def wrong(root: Path, **options: Any) -> list[str]:
    """Return the findings on a service with a model."""
    scope = environment(root, cluster=CLUSTER, strict=True)
    stock: dict[str, Any] = {"image": IMAGE, "runtime": VLLM(), "replicas": 2}
    ScalableModelService(scope, "chat", **{**stock, **options})
    return [f"{one.severity} {one.rule} {one.text}" for one in found(scope)]


def test_a_model_is_loaded_once_and_only_read_by_its_servers(tmp_path: Path) -> None:
    """A claim, a Job that writes to it, and servers that wait for it and cannot."""
    made = served(tmp_path)
    pod, job = at(made["Deployment/chat"], POD), made["Job/chat-loader"]

    assert made["PersistentVolumeClaim/chat-models"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "60Gi"}},
        "storageClassName": "efs",
    }
    assert pod["volumes"][-1] == {
        "name": "models", "persistentVolumeClaim": {"claimName": "chat-models", "readOnly": True},
    }  # fmt: skip
    mount = {"name": "models", "mountPath": "/mnt/models", "readOnly": True}
    assert pod["containers"][0]["volumeMounts"][-1] == mount
    assert pod["containers"][0]["args"][0] == FOLDER
    assert pod["containers"][0]["env"][-2:] == [
        {"name": "HF_HUB_OFFLINE", "value": "1"},
        {"name": "TRANSFORMERS_OFFLINE", "value": "1"},
    ]
    assert [one["name"] for one in pod["initContainers"]] == ["wait-for-model"]
    assert pod["initContainers"][0]["command"][3:] == ["wait", "7200", f"{FOLDER}.complete"]
    assert pod["initContainers"][0]["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}, mount]
    assert at(made["Deployment/chat"], "spec.progressDeadlineSeconds") == 900 + 7200 + 600
    assert at(job, f"{CONTAINER}.image") == TOOLS
    assert {one["name"]: one.get("value", one.get("valueFrom")) for one in at(job, f"{CONTAINER}.env")} == {
        "HOME": "/tmp",
        "USER": "chat-loader",
        "HF_HOME": "/tmp/huggingface",
        "HF_REPO": "acme/chat",
        "HF_KIND": "model",
        "HF_REVISION": "0" * 40,
        "HF_TARGET": FOLDER,
        "HF_TOKEN": {"secretKeyRef": {"name": "hf", "key": "token"}},
        "MARKER": f"{FOLDER}.complete",
    }
    assert at(job, f"{CONTAINER}.volumeMounts[1]") == {"name": "claim-0", "mountPath": "/mnt/models"}
    assert at(job, f"{CONTAINER}.resources") == {
        "requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"},
    }  # fmt: skip


def test_no_selector_of_the_service_finds_a_loading_pod(tmp_path: Path) -> None:
    """It would be sent requests, and counted as a replica; and it uses the service's own identity."""
    made = served(tmp_path)

    assert at(made["Job/chat-loader"], "spec.template.metadata.labels.app") == "chat-loader"
    assert at(made["Service/chat"], "spec.selector") == {"app": "chat"}
    assert at(made["NetworkPolicy/chat-loader"], "spec.podSelector.matchLabels") == {"app": "chat-loader"}
    assert at(made["NetworkPolicy/chat-loader"], "spec.ingress") == MISSING
    assert at(made["Job/chat-loader"], f"{POD}.serviceAccountName") == "chat"


@pytest.mark.parametrize(
    ("loader", "path", "expected"),
    [
        (Loader(TOOLS, claim="shared"), f"{POD}.volumes[1].persistentVolumeClaim.claimName", "shared"),
        (
            Loader(TOOLS, claim="shared", size="1Ti"),
            f"{POD}.volumes[1].persistentVolumeClaim.claimName",
            "shared",
        ),
        (Loader(TOOLS, size="1Gi", cpu=8), f"{CONTAINER}.resources.requests.cpu", "8"),
        (Loader(TOOLS, size="1Gi", memory="16Gi"), f"{CONTAINER}.resources.limits.memory", "16Gi"),
        (Loader(TOOLS, size="1Gi", deadline=minutes(30)), "spec.activeDeadlineSeconds", 1800),
        (Loader(TOOLS, size="1Gi", env={"X": "1"}), f"{CONTAINER}.env[9]", {"name": "X", "value": "1"}),
    ],
)
def test_an_option_of_the_loader_becomes_its_field(tmp_path: Path, loader: Loader, path: str, expected: Any) -> None:
    """Memory, time and place of loading are the user's to say."""
    made = served(tmp_path, loader=loader)
    assert at(made["Job/chat-loader"], path) == expected
    assert (f"PersistentVolumeClaim/{loader.claim or 'chat-models'}" in made) == (loader.size is not None)


@pytest.mark.parametrize(
    ("url", "remote", "variables", "folder"),
    [
        (
            "s3://models/chat/v3",
            ":s3:models/chat/v3",
            {"RCLONE_S3_PROVIDER": "AWS", "RCLONE_S3_ENV_AUTH": "true"},
            "v3",
        ),
        ("gs://models/chat/v3/", ":gcs:models/chat/v3/", {"RCLONE_GCS_ENV_AUTH": "true"}, "v3"),
        (
            "az://acme/models/v3",
            ":azureblob:models/v3",
            {"RCLONE_AZUREBLOB_ACCOUNT": "acme", "RCLONE_AZUREBLOB_ENV_AUTH": "true"},
            "v3",
        ),
        (
            "abfss://models@acme.dfs.core.windows.net/chat/v3",
            ":azureblob:models/chat/v3",
            {"RCLONE_AZUREBLOB_ACCOUNT": "acme", "RCLONE_AZUREBLOB_ENV_AUTH": "true"},
            "v3",
        ),
    ],
)
def test_object_stores_are_copied_by_the_identity_of_the_pod(
    tmp_path: Path, url: str, remote: str, variables: dict[str, str], folder: str
) -> None:
    """One tool for all of them, and no key in a manifest."""
    made = served(tmp_path, model=Bucket(url))["Job/chat-loader"]
    command = at(made, f"{CONTAINER}.command")
    env = {one["name"]: one["value"] for one in at(made, f"{CONTAINER}.env")}

    assert command[:2] == ["sh", "-c"]
    assert command[3:5] == ["load", remote]
    assert command[5].rpartition("--")[0] == f"/mnt/models/{folder}"
    assert command[6] == f"{command[5]}.complete"
    assert variables.items() <= env.items()


def test_adapters_are_loaded_beside_the_model(tmp_path: Path) -> None:
    """A Job for each, and the server waits for all."""
    adapters = [Adapter("SQL.v1", HuggingFace("acme/sql", revision="1" * 40)), Adapter("law", "/adapters/law")]
    made = served(tmp_path, runtime=VLLM(adapters=adapters))
    main = at(made["Deployment/chat"], CONTAINER)
    folder = "/mnt/models/acme--sql--111111111111"

    assert {name for name in made if name.startswith("Job/")} == {"Job/chat-loader", "Job/chat-loader-sql-v1"}
    assert main["args"][-2:] == [f"SQL.v1={folder}", "law=/adapters/law"]
    assert at(made["Deployment/chat"], f"{POD}.initContainers[0].command")[-1] == f"{folder}.complete"


def test_an_image_with_a_model_is_mounted(tmp_path: Path) -> None:
    """Read-only, and pulled by the kubelet as other images are."""
    image = f"ghcr.io/acme/churn:17@{DIGEST}"
    pod = at(served(tmp_path, runtime=Triton(), model=OciImage(image), loader=None)["Deployment/chat"], POD)

    assert pod["volumes"][-1] == {"name": "model", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
    assert pod["containers"][0]["volumeMounts"][-1] == {"name": "model", "mountPath": "/mnt/model", "readOnly": True}
    assert pod["containers"][0]["args"][0] == "--model-repository=/mnt/model"


def test_the_network_of_the_loader_is_open_where_that_of_the_service_is(tmp_path: Path) -> None:
    """A store inside the cluster is reached by both, and HTTPS by the loader alone where the service is closed."""
    store = Peer("minio", ports=[9000])
    made = served(tmp_path, network=Network(egress=[store], https=False))

    assert at(made["NetworkPolicy/chat-loader"], "spec.egress[3].ports") == [{"protocol": "TCP", "port": 9000}]
    assert at(made["NetworkPolicy/chat"], "spec.egress[3]") == MISSING


OTHER_MODEL = HuggingFace("acme/chat", revision="f" * 40, token=SecretKey("hf", "token"))


@pytest.mark.parametrize(
    ("changed", "files"),
    [
        ({"model": OTHER_MODEL}, {"Deployment/chat", "Job/chat-loader"}),
        ({"image": IMAGE.replace("v0.18.0", "v0.18.1")}, {"Deployment/chat"}),
        ({"scale": CpuScale(min=3, max=9)}, {"HorizontalPodAutoscaler/chat"}),
        ({"runtime": VLLM(max_model_len=4096)}, {"Deployment/chat"}),
        ({"loader": Loader(TOOLS, size="90Gi", storage_class="efs")}, {"PersistentVolumeClaim/chat-models"}),
    ],
)
def test_a_change_touches_what_it_is_about_and_nothing_else(
    tmp_path: Path, changed: dict[str, Any], files: set[str]
) -> None:
    """A new revision or image is a rolling update, and new bounds are the autoscaler's."""
    scale = {"replicas": None, "scale": CpuScale(min=2, max=4)}
    before, after = served(tmp_path, **scale), served(tmp_path, **{**scale, **changed})

    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == files
    if "Job/chat-loader" in files:
        names = {one["Job/chat-loader"]["metadata"]["name"] for one in (before, after)}
        assert len(names) == 2


def test_the_next_revision_is_loaded_before_anything_serves_it(tmp_path: Path) -> None:
    """A Job of its own, for which no server waits, so that a rollout finds all of the model and a failure ends nothing."""
    plain, ahead = served(tmp_path), served(tmp_path, loader=but(LOADER, also=[OTHER_MODEL, MODEL]))
    (job,) = ahead.keys() - plain.keys()

    assert re.fullmatch(r"Job/chat-loader-[0-9a-f]{8}", job)
    assert {name: one for name, one in ahead.items() if name != job} == plain
    env = {one["name"]: one.get("value") for one in at(ahead[job], f"{CONTAINER}.env")}
    assert (env["HF_REVISION"], env["MARKER"]) == ("f" * 40, f"/mnt/models/acme--chat--{'f' * 12}.complete")

    serving = served(tmp_path, model=OTHER_MODEL, loader=but(LOADER, also=[OTHER_MODEL]))
    assert at(serving["Deployment/chat"], f"{POD}.initContainers[0].command")[-1] == env["MARKER"]
    assert {name for name in serving if name.startswith("Job/")} == {"Job/chat-loader"}


def test_a_job_leaves_alone_what_is_loaded(tmp_path: Path) -> None:
    """Servers may read it: the marker is looked at before the hub is asked."""
    program = at(served(tmp_path)["Job/chat-loader"], f"{CONTAINER}.command")[2]
    marker = tmp_path / "marker"
    marker.touch()
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"MARKER": str(marker)}, check=False, capture_output=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


PINNED = "replicas would serve both; write the 40 digits of the commit"
STORE = (
    "s3://bucket/..., gs://bucket/..., az://account/container/... or abfss://container@account.dfs.core.windows.net/..."
)
ONE_PLACE = "a service keeps its models on the claim of its loader"
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"model": HuggingFace("acme/chat", revision="main")},
        [
            (
                "error V13 test/chat: Deployment chat spec.template.spec.containers[0].args[1]='--revision=main' but "
                f"a branch or a tag can come to mean another commit, and {PINNED}"
            )
        ],
    ),
    (
        {"model": HuggingFace("acme/chat", revision="main"), "loader": LOADER},
        [
            "error V13 test/chat: Job chat-loader-HASH spec.template.spec.containers[0].env[5].value='main' but a branch or a tag of the Hub can come to mean another commit at any time; write the 40 digits of the commit"
        ],
    ),
    (
        {"model": HuggingFace("acme/chat", revision="0" * 40, kind="dataset", size="1Gi", files=["*.bin"])},
        [
            "error X11 test/chat: model.kind='dataset' but a server serves a model; leave it away",
            f"error X11 test/chat: model.size but {ONE_PLACE}; leave size= away, and add loader=Loader(...)",
            "error X11 test/chat: model.files but a server that fetches a model itself takes what it needs; leave it away, or add loader=Loader(...)",
        ],
    ),
    (
        {"model": Bucket("gs://models/x", mount=True)},
        [
            "error X11 test/chat: model.mount=True but a server reads a model from its own files, or from the store; leave mount= away, and add loader=Loader(...)"
        ],
    ),
    (
        {"model": "acme/chat"},
        [
            (
                "error V15 test/chat: model='acme/chat' but a string is an absolute path in the container, and this begins"
                ' with no /; write HuggingFace("acme/chat", revision="...") for the hub'
            )
        ],
    ),
    (
        {"model": "models/a/chat"},
        [
            (
                "error V15 test/chat: model='models/a/chat' but a string is an absolute path in the container, and this"
                ' begins with no /; write "/models/a/chat"'
            )
        ],
    ),
    (
        {"model": "hf://acme/chat"},
        [
            (
                "error V15 test/chat: model='hf://acme/chat' but a string is an absolute path in the container, and this is an"
                ' address; write HuggingFace("acme/chat", revision="...")'
            )
        ],
    ),
    (
        {"model": "s3://models/chat"},
        [
            (
                "error V15 test/chat: model='s3://models/chat' but a string is an absolute path in the container, and this is"
                ' an address; write Bucket("s3://models/chat"), which a Loader or the server reads'
            )
        ],
    ),
    (
        {"model": Bucket("ftp://models/x")},
        [
            f"error V15 test/chat: model.url='ftp://models/x' but a place in an object store is {STORE}, without credentials, and ftp:// is none of them; correct the value",
        ],
    ),
    (
        {"model": HuggingFace("acme", revision="0" * 40)},
        [
            "error V15 test/chat: model.repo='acme' but a repository of the Hub is an owner and a name, such as org/model; correct the value",
        ],
    ),
    (
        {"model": Bucket("az://acme/models/x")},
        ["error X11 test/chat: model but the server does not read this object store itself; add loader=Loader(...)"],
    ),
    (
        {"runtime": MLServer(), "model": Bucket("s3://models/x")},
        ["error X11 test/chat: model but the server does not read this object store itself; add loader=Loader(...)"],
    ),
    (
        {"runtime": MLServer(), "model": HuggingFace("acme/chat", revision="0" * 40)},
        ["error X11 test/chat: model but nobody loads it from the hub; add loader=Loader(...)"],
    ),
    (
        {"model": "/opt/model", "loader": LOADER},
        ["error X11 test/chat: loader but there is nothing to load; leave it away"],
    ),
    (
        {
            "model": MODEL,
            "loader": Loader(
                TOOLS,
                size="1Gi",
                storage_class="efs",
                also=[HuggingFace("a/b", revision="1" * 40, files=["x"], size="1Gi")],
            ),
        },
        [f"error X11 test/chat: loader.also[0].size but {ONE_PLACE}; leave size= away, and add loader=Loader(...)"],
    ),
    (
        {
            "model": MODEL,
            "loader": Loader(TOOLS, size="1Gi", storage_class="efs", also=[Bucket("gs://models/x", mount=True)]),
        },
        [
            "error X11 test/chat: loader.also[0].mount=True but a server reads a model from its own files, or from the store; leave mount= away, and add loader=Loader(...)"
        ],
    ),
    (
        {"model": MODEL, "loader": Loader(TOOLS)},
        [
            'error X11 test/chat: loader but there is no claim to load onto; add size="..." for a new claim, or claim="..."'
        ],
    ),
    (
        {"model": MODEL, "loader": Loader(TOOLS, claim="shared", storage_class="efs")},
        [
            "error X11 test/chat: loader.storage_class='efs' but the claim is not made here, since it has no size; add size=, or leave storage_class= away"
        ],
    ),
    (
        {"model": MODEL, "loader": Loader("ghcr.io/acme/loader:2", size="1Gi")},
        [
            "error P01 test/chat: Job chat-loader-HASH spec.template.spec.containers[0].image='ghcr.io/acme/loader:2' but a tag can be moved, and the next restart runs what it then stands for; pin it (modelyard images pin), then image=env.image(\"model\")"
        ],
    ),
]


@pytest.mark.parametrize(("options", "expected"), WRONG)
def test_a_model_that_nobody_could_serve_is_refused(
    tmp_path: Path, options: dict[str, Any], expected: list[str]
) -> None:
    """In the user's words, with what to write instead."""
    told = wrong(tmp_path, **options)
    assert [text.replace(_hash(text), "HASH") for text in told] == expected


def _hash(text: str) -> str:
    _, found_it, rest = text.partition("chat-loader-")
    return rest[:8] if found_it else hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("there", "patience", "code"), [(1, "60", 0), (0, "0", 1)])
def test_the_server_waits_until_all_is_there_and_no_longer_than_it_is_told(
    tmp_path: Path, there: int, patience: str, code: int
) -> None:
    """The script that holds it back, as a shell runs it."""
    marker = tmp_path / "a model.complete"
    if there:
        marker.touch()
    done = subprocess.run(
        ["/bin/sh", "-c", WAIT, "wait", patience, str(marker)], capture_output=True, text=True, check=False, timeout=30
    )
    expected = "" if there else f"{marker} is not there: see the Jobs that load\n"
    assert (done.returncode, done.stderr) == (code, expected)
