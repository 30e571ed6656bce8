"""Data from outside: how each kind of source gets to a training's pods, and what cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelyard import Bucket, Claim, Cluster, Finding, HuggingFace, OciImage, SecretKey
from modelyard.pod.sources import DOWNLOAD, GCSFUSE
from tests.manifests import MISSING, at
from tests.support import IMAGE, environment, found, objects, training

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LLAMA = "meta-llama/Llama-3.1-8B"
GKE = Cluster("gke", kubernetes="1.35", csi_drivers={GCSFUSE})
MODELS = Claim("models", "/models", size="1Ti", access_mode="ReadWriteMany")


def job(root: Path, cluster: Cluster = GKE, **data: Any) -> dict[str, Any]:
    """Return the Job of a training that reads *data*."""
    scope = environment(root, cluster=cluster)
    training(scope, gpu=None, data=data)
    return objects(scope)["Job/train"]


def texts(findings: list[Finding]) -> list[str]:
    """Return *findings* without the line that each is at."""
    return [f"{one.rule} {one.text}" for one in findings]


def misread(root: Path, cluster: Cluster = GKE, **options: Any) -> list[str]:
    """Return what is found of a training with *options*."""
    scope = environment(root, cluster=cluster)
    training(scope, **{"gpu": None, **options})
    return texts(found(scope))


def variable(manifest: dict[str, Any], name: str, container: str = CONTAINER) -> Any:
    """Return the variable *name* of a container of *manifest*."""
    return next((one for one in at(manifest, f"{container}.env") if one["name"] == name), MISSING)


def test_a_repository_of_the_hub_is_downloaded_before_the_start(tmp_path: Path) -> None:
    """By the training's own image, at the revision, with the token that only the download sees."""
    source = HuggingFace(LLAMA, revision=COMMIT, token=SecretKey("hf", "token"), files=["*.json", "*.safetensors"])
    made = job(tmp_path, base=source)
    first = at(made, f"{POD}.initContainers[0]")

    assert first["name"] == "download-base"
    assert first["image"] == IMAGE
    assert first["command"] == ["python3", "-c", DOWNLOAD]
    assert first["env"] == [
        {"name": "HF_HOME", "value": "/tmp/huggingface"},
        {"name": "HF_REPO", "value": LLAMA},
        {"name": "HF_KIND", "value": "model"},
        {"name": "HF_REVISION", "value": COMMIT},
        {"name": "HF_TARGET", "value": "/data/base"},
        {"name": "HF_FILES", "value": "*.json *.safetensors"},
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hf", "key": "token"}}},
    ]
    assert first["resources"] == {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
    assert first["volumeMounts"] == [
        {"name": "tmp", "mountPath": "/tmp"},
        {"name": "data-base", "mountPath": "/data/base"},
    ]
    assert at(made, f"{POD}.volumes[1]") == {"name": "data-base", "emptyDir": {}}
    assert at(made, f"{CONTAINER}.volumeMounts[1]") == {
        "name": "data-base",
        "mountPath": "/data/base",
        "readOnly": True,
    }
    assert variable(made, "DATA_BASE") == {"name": "DATA_BASE", "value": "/data/base"}
    assert variable(made, "HF_TOKEN") == MISSING


def test_a_download_says_how_much_disk_it_takes(tmp_path: Path) -> None:
    """So that it lands on a node that has it."""
    made = job(tmp_path, base=HuggingFace("org/data", revision=COMMIT, kind="dataset", size="200Gi"))

    assert at(made, f"{POD}.volumes[1].emptyDir") == {"sizeLimit": "200Gi"}
    assert at(made, f"{POD}.initContainers[0].resources.requests.ephemeral-storage") == "200Gi"
    assert variable(made, "HF_KIND", f"{POD}.initContainers[0]") == {"name": "HF_KIND", "value": "dataset"}


def test_a_claim_keeps_downloads_by_repository_and_revision(tmp_path: Path) -> None:
    """Several sources share it, and it is made with the protection of other claims."""
    scope = environment(tmp_path, cluster=GKE)
    sources = {
        "base-model": HuggingFace(LLAMA, revision=COMMIT, cache=MODELS),
        "corpus": HuggingFace("org/text", revision=COMMIT, kind="dataset", cache=MODELS),
    }
    training(scope, gpu=None, data=sources, nodes=2, accept={"J18": "a test"})
    made = objects(scope)
    job_made, claim = made["Job/train"], made["PersistentVolumeClaim/models"]

    assert claim["spec"] == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Ti"}}}
    assert claim["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    assert at(job_made, f"{POD}.volumes[1]") == {
        "name": "cache-models",
        "persistentVolumeClaim": {"claimName": "models"},
    }
    assert at(job_made, f"{POD}.volumes[2]") == MISSING
    assert [one["name"] for one in at(job_made, f"{POD}.initContainers")] == [
        "download-base-model",
        "download-corpus",
        "wait-for-nodes",
    ]
    assert variable(job_made, "DATA_BASE_MODEL")["value"] == f"/models/{LLAMA}/{COMMIT}"
    assert variable(job_made, "DATA_CORPUS")["value"] == f"/models/datasets/org/text/{COMMIT}"
    assert texts(found(scope)) == []


def test_an_image_is_a_volume(tmp_path: Path) -> None:
    """The kubelet pulls it, as often as it is not there."""
    made = job(tmp_path, corpus=OciImage(IMAGE))

    assert at(made, f"{POD}.volumes[1]") == {
        "name": "data-corpus",
        "image": {"reference": IMAGE, "pullPolicy": "IfNotPresent"},
    }
    assert at(made, f"{CONTAINER}.volumeMounts[1]") == {
        "name": "data-corpus",
        "mountPath": "/data/corpus",
        "readOnly": True,
    }
    assert variable(made, "DATA_CORPUS") == {"name": "DATA_CORPUS", "value": "/data/corpus"}


@pytest.mark.parametrize(
    "url",
    [
        "s3://acme-data/raw/2026",
        "gs://acme_data.example/raw/",
        "az://acmedata/raw/v1",
        "abfss://raw@acmedata.dfs.core.windows.net/v1",
    ],
)
def test_a_bucket_is_an_address(tmp_path: Path, url: str) -> None:
    """The program reads it by the identity of its service account."""
    made = job(tmp_path, raw=Bucket(url))

    assert variable(made, "DATA_RAW") == {"name": "DATA_RAW", "value": url}
    assert at(made, f"{POD}.volumes[1]") == MISSING


def test_a_bucket_of_google_can_be_mounted(tmp_path: Path) -> None:
    """By the driver that the cluster says it has, which is told by an annotation to stand by."""
    made = job(tmp_path, raw=Bucket("gs://acme/raw/2026", mount=True), whole=Bucket("gs://acme", mount=True))

    assert at(made, f"{POD}.volumes[1].csi") == {
        "driver": "gcsfuse.csi.storage.gke.io",
        "readOnly": True,
        "volumeAttributes": {"bucketName": "acme", "mountOptions": "implicit-dirs,only-dir=raw/2026"},
    }
    assert at(made, f"{POD}.volumes[2].csi.volumeAttributes") == {"bucketName": "acme", "mountOptions": "implicit-dirs"}
    assert at(made, "spec.template.metadata.annotations.gke-gcsfuse/volumes") == "true"
    assert variable(made, "DATA_RAW") == {"name": "DATA_RAW", "value": "/data/raw"}


def test_every_kind_of_source_breaks_no_rule(tmp_path: Path) -> None:
    """With a commit and a digest, in a strict environment."""
    scope = environment(tmp_path, cluster=GKE, strict=True)
    sources = {
        "base": HuggingFace(LLAMA, revision=COMMIT),
        "corpus": OciImage(IMAGE),
        "raw": Bucket("s3://acme/raw"),
        "files": Bucket("gs://acme/raw", mount=True),
    }
    training(scope, gpu=None, data=sources)

    assert texts(found(scope)) == []


WHERE = (
    "a place in an object store is s3://bucket/..., gs://bucket/..., az://account/container/... or"
    " abfss://container@account.dfs.core.windows.net/..., without credentials"
)
LOGIN = "://acme:hunter2-hunter2@"
SIGNED = "https://acme.blob.core.windows.net/raw?sv=2026&sig=" + "aB3dE5fG7h" * 5


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"base": HuggingFace("llama", revision=COMMIT)},
            (
                "V15 test/train: data['base'].repo='llama' but a repository of the Hub is an owner and a name, such as"
                " org/model; correct the value"
            ),
        ),
        (
            {"base": HuggingFace(LLAMA, revision="")},
            (
                "V13 test/train: data['base'].revision='' but a revision is a commit, or the name of a branch or tag; correct"
                " the value"
            ),
        ),
        (
            {"base": HuggingFace(LLAMA, revision=COMMIT, files=["a b"])},
            "X11 test/train: data['base'].files=['a b'] but a pattern has no spaces; correct the value",
        ),
        (
            {"base": HuggingFace(LLAMA, revision=COMMIT, cache=MODELS, size="1Gi")},
            (
                "X11 test/train: data['base'].size='1Gi' but cache= is given too, and the claim says its size itself; leave"
                " size= away"
            ),
        ),
        (
            {"base": HuggingFace(LLAMA, revision=COMMIT, token=SecretKey("Hub", "token"))},
            (
                "N19 test/train: data['base'].token.name='Hub' but a name holds a-z, 0-9, \"-\" and \".\" only, and starts and"
                " ends with a letter or digit; correct the value"
            ),
        ),
        (
            {"Base": OciImage(IMAGE)},
            (
                "N19 test/train: data['Base'] but a name holds a-z, 0-9 and \"-\" only, and starts and ends with a letter or"
                " digit; choose a name such as base-model"
            ),
        ),
        (
            {"corpus": OciImage("Acme/Corpus")},
            (
                "P02 test/train: data['corpus'].image='Acme/Corpus' but a repository is lower case and holds letters,"
                ' digits and single . _ - / between them; write a reference such as "ghcr.io/acme/model:1.4.2", or take'
                ' it from env.image("model")'
            ),
        ),
        (
            {"raw": Bucket("/data/raw")},
            f"V15 test/train: data['raw'].url='/data/raw' but {WHERE}, and this begins with none of them; correct the value",
        ),
        (
            {"raw": Bucket(f"s3{LOGIN}x/y")},
            f"V15 test/train: data['raw'].url but {WHERE}, and this has a login in it; correct the value",
        ),
        (
            {"raw": Bucket(SIGNED)},
            f"V15 test/train: data['raw'].url but {WHERE}, and https:// is none of them; correct the value",
        ),
        (
            {"raw": Bucket("s3:///raw")},
            (
                f"V15 test/train: data['raw'].url='s3:///raw' but {WHERE}, and the name of its bucket is missing or none; correct"
                " the value"
            ),
        ),
        (
            {"raw": Bucket("s3://acme/raw", mount=True)},
            (
                "V15 test/train: data['raw'].mount=True but no driver mounts s3:// without a volume that somebody makes first;"
                " leave mount= away, or mount a Claim of such a volume"
            ),
        ),
    ],
)
def test_a_source_that_cannot_be(tmp_path: Path, data: dict[str, Any], text: str) -> None:
    """Each is told in words, and a credential is never shown."""
    assert misread(tmp_path, data=data) == [text]


def test_a_driver_is_one_that_the_cluster_has(tmp_path: Path) -> None:
    """Without it the pods wait for ever."""
    plain = Cluster("plain", kubernetes="1.35")

    assert misread(tmp_path, plain, data={"raw": Bucket("gs://acme/raw", mount=True)}) == [
        (
            "X04 test/train: data['raw'].mount=True but the cluster plain does not say that it has the CSI driver"
            " gcsfuse.csi.storage.gke.io; leave mount= away, or add it to Cluster(csi_drivers={...})"
        )
    ]


def test_sources_in_one_claim_say_the_same_of_it(tmp_path: Path) -> None:
    """It is mounted in one place."""
    data = {
        "a": HuggingFace(LLAMA, revision=COMMIT, cache=MODELS),
        "b": HuggingFace("org/b", revision=COMMIT, cache=Claim("models", "/elsewhere")),
    }

    assert misread(tmp_path, data=data) == [
        (
            "X11 test/train: data['b'].cache='models' but another source is kept in this claim, and says otherwise what it"
            " is; give both the same Claim(...)"
        )
    ]


def test_several_pods_need_a_claim_for_several_nodes(tmp_path: Path) -> None:
    """Of a download that is kept as of any other claim."""
    data = {"a": HuggingFace(LLAMA, revision=COMMIT, cache=Claim("models", "/models", size="1Ti"))}

    assert misread(tmp_path, data=data, nodes=2, accept={"J18": "a test"}) == [
        (
            "V01 test/train: data['a'].cache.access_mode='ReadWriteOnce' but 2 pods on different nodes mount models, and this"
            " mode is for one node; use ReadWriteMany or ReadOnlyMany storage, or one node"
        )
    ]


def test_what_a_source_sets_is_left_to_it(tmp_path: Path) -> None:
    """Neither its variable nor its folder is given away."""
    options: dict[str, Any] = {
        "data": {"raw": OciImage(IMAGE)},
        "env": {"DATA_RAW": "/x"},
        "volumes": [Claim("c", "/data/raw/")],
    }

    assert misread(tmp_path, **options) == [
        (
            "N22 test/train: env['DATA_RAW'] but with data= it is set to where the data is; leave the variable away, or rename"
            " the data"
        ),
        "V06 test/train: volumes[0].mount='/data/raw/' but data-raw is mounted there; choose another folder",
    ]


def test_the_download_asks_the_hub_for_what_is_said(tmp_path: Path) -> None:
    """Run as the container runs it, against a stand-in for the library."""
    library = "def snapshot_download(repo, **options):\n    print(repo, sorted(options.items()))\n"
    (tmp_path / "huggingface_hub.py").write_text(library, encoding="utf-8")
    env = {"HF_REPO": LLAMA, "HF_KIND": "model", "HF_REVISION": COMMIT, "HF_TARGET": "/t", "PYTHONPATH": str(tmp_path)}

    def said(**more: str) -> str:
        done = subprocess.run(  # our own script
            [sys.executable, "-c", DOWNLOAD],
            env={**env, **more},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    rest = f"('local_dir', '/t'), ('repo_type', 'model'), ('revision', '{COMMIT}')]\n"
    assert said() == f"{LLAMA} [('allow_patterns', None), {rest}"
    assert said(HF_FILES="*.json a/*") == f"{LLAMA} [('allow_patterns', ['*.json', 'a/*']), {rest}"
