"""V: volumes, claims and secrets, each rule with what breaks it, in its exact words, and what is nearly wrong."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import Claim, Cluster, ConfigFiles, EmptyDir, Gpu, SecretFiles, SecretKey, Sweep
from modelyard.values.credentials import credential, credential_by_name
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, autoscaler, config_map, deployment, job, pods
from tests.support import CLUSTER, environment, found, found_by, raw, training
from tests.support import service as own_service

CASES: list[Any] = []
MAIN = "Deployment web spec.template.spec.containers[0]"
VOLUME = "spec.template.spec.volumes[0].persistentVolumeClaim.claimName='w'"
WEIGHTS = [{"name": "w", "persistentVolumeClaim": {"claimName": "w"}}]
MOUNTED = {"volumeMounts": [{"name": "w", "mountPath": "/w"}]}
RECREATE: dict[str, Any] = {"strategy": {"type": "Recreate"}}
SHARE = "use storage that many nodes can mount (ReadWriteMany or ReadOnlyMany), or one pod"
REVOKE = "revoke it, put a new one into a Secret that is made outside git, and refer to that with SecretKey(...)"
SEEN = f"which everybody who reads the repository could use; {REVOKE}"
TOKEN = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    cluster = more.get("cluster", CLUSTER)
    CASES.append(pytest.param(rule, manifests, cluster, expected, id=f"{rule}-{name}"))


def claim(*modes: str, name: str = "w", **spec: Any) -> Manifest:
    """Return a PersistentVolumeClaim."""
    stock = {"accessModes": list(modes) or ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {**stock, **spec}}


def mounting(name: str = "web", **spec: Any) -> Manifest:
    """Return a Deployment whose pods mount the claim w."""
    return deployment(name, template=pods(MOUNTED, app=name, volumes=WEIGHTS), **spec)


def trained(name: str = "train", **spec: Any) -> Manifest:
    """Return a Job whose pods mount the claim w."""
    manifest = copy.deepcopy(job(name))
    manifest["spec"].update(spec)
    manifest["spec"]["template"]["spec"]["volumes"] = WEIGHTS
    manifest["spec"]["template"]["spec"]["containers"][0].update(MOUNTED)
    return manifest


def web(container: Mapping[str, Any], **spec: Any) -> Manifest:
    """Return the Deployment web with other pods."""
    return deployment(template=pods(container, **spec))


def stateful(container: Mapping[str, Any], *modes: str, **spec: Any) -> Manifest:
    """Return a StatefulSet that makes a claim data for each pod."""
    manifest = web(container)
    templates = [{"metadata": {"name": "data"}, "spec": claim(*modes, **spec)["spec"]}]
    spec = {**manifest["spec"], "serviceName": "web", "volumeClaimTemplates": templates}
    return {**manifest, "kind": "StatefulSet", "spec": spec}


def secret(**fields: Any) -> Manifest:
    """Return a Secret with *fields*."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, **fields}


one_node = "and ReadWriteOnce is for one node"
each = "use storage that many nodes can mount, or a claim for each"
case(
    "V01",
    "replicas",
    claim(),
    mounting(replicas=2),
    text=f"Deployment web {VOLUME} but up to 2 pods mount it, {one_node}; {SHARE}",
)
case(
    "V01",
    "an autoscaler",
    claim(),
    mounting(**RECREATE),
    autoscaler(),
    text=f"Deployment web {VOLUME} but up to 4 pods mount it (HorizontalPodAutoscaler web), {one_node}; {SHARE}",
)
case(
    "V01",
    "one pod only",
    claim("ReadWriteOncePod"),
    mounting(replicas=2),
    text=f"Deployment web {VOLUME} but up to 2 pods mount it, and ReadWriteOncePod is for one pod; {SHARE}",
)
case(
    "V01",
    "every node",
    claim(),
    {**mounting(), "kind": "DaemonSet"},
    text=f"DaemonSet web {VOLUME} but a pod on every node mounts it, {one_node}; {SHARE}",
)
case(
    "V01",
    "a Job of many pods",
    claim(),
    trained(parallelism=4, completions=4),
    text=f"Job train {VOLUME} but up to 4 pods mount it, {one_node}; {SHARE}",
)
case("V01", "a Job of many pods, one by one", claim(), trained(completions=4))
case(
    "V01",
    "two workloads",
    claim(),
    mounting(**RECREATE),
    mounting("api", **RECREATE),
    text=f"Deployment api {VOLUME} but Deployment web mounts it too, {one_node}; {each}",
)
case(
    "V01",
    "a training beside its service",
    claim(),
    trained(),
    mounting(**RECREATE),
    text=f"Deployment web {VOLUME} but Job train mounts it too, {one_node}; {each}",
)
case("V01", "two trainings, maybe one after the other", claim(), trained(), trained("next"))
single = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "one"},
    "spec": mounting()["spec"]["template"]["spec"],
}
case("V01", "one Pod", claim(), single)
case("V01", "one replica", claim(), mounting(**RECREATE))
case("V01", "many nodes", claim("ReadWriteMany"), mounting(replicas=2))
case("V01", "many readers", claim("ReadWriteOnce", "ReadOnlyMany"), mounting(replicas=2))
case("V01", "a claim from elsewhere", mounting(replicas=2))

wait = f"a rollout starts a new pod before it ends the old one, {one_node}; write strategy: {{type: Recreate}}"
case("V02", "the usual strategy", claim(), mounting(), text=f"Deployment web {VOLUME} but {wait}")
case(
    "V02",
    "a share of one pod",
    claim(),
    mounting(strategy={"rollingUpdate": {"maxSurge": "1%"}}),
    text=f"Deployment web {VOLUME} but {wait}",
)
case("V02", "recreate", claim(), mounting(**RECREATE))
case("V02", "in place", claim(), mounting(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}))
case("V02", "many nodes", claim("ReadWriteMany"), mounting())
case("V02", "a Job has no rollout", claim(), trained())

case(
    "V03",
    "another class",
    claim(storageClassName="gp3"),
    text="PersistentVolumeClaim w spec.storageClassName='gp3' but the cluster eks-test has no such storage"
    " class; it has"
    " ebs and efs",
)
case(
    "V03",
    "a misspelt class",
    claim(storageClassName="ebss"),
    text="PersistentVolumeClaim w spec.storageClassName='ebss' but the cluster eks-test has no such storage"
    " class; did you"
    " mean ebs?",
)
case(
    "V03",
    "no class at all",
    claim(storageClassName="gp3"),
    cluster=Cluster("bare", kubernetes="1.34", storage=[]),
    text="PersistentVolumeClaim w spec.storageClassName='gp3' but the cluster bare has no such storage class; it"
    " has none",
)
offers = "but the storage class ebs of eks-test offers ReadWriteOnce; choose one of these, or another class"
case(
    "V03",
    "a mode",
    claim("ReadWriteMany", storageClassName="ebs"),
    text=f"PersistentVolumeClaim w spec.accessModes[0]='ReadWriteMany' {offers}",
)
case(
    "V03",
    "the claims of a StatefulSet",
    stateful({}, "ReadWriteMany", storageClassName="ebs"),
    text=f"StatefulSet web spec.volumeClaimTemplates[0].spec.accessModes[0]='ReadWriteMany' {offers}",
)
ephemeral = {"volumeClaimTemplate": {"spec": claim("ReadWriteMany", storageClassName="ebs")["spec"]}}
case(
    "V03",
    "the claim of a pod",
    web(MOUNTED, volumes=[{"name": "w", "ephemeral": ephemeral}]),
    text="Deployment web spec.template.spec.volumes[0].ephemeral.volumeClaimTemplate.spec"
    ".accessModes[0]='ReadWriteMany'"
    f" {offers}",
)
case("V03", "a mode that the class offers", claim("ReadWriteMany", storageClassName="efs"))
case("V03", "the default class", claim("ReadWriteMany"))
case("V03", "no class on purpose", claim("ReadWriteMany", storageClassName=""))
case("V03", "a volume by name", claim(storageClassName="gp3", volumeName="pv-1"))
case("V03", "unknown storage", claim(storageClassName="gp3"), cluster=Cluster("bare", kubernetes="1.34"))

missing = f"{MAIN}.volumeMounts[0].name='w' but the pod has no volume of this name"
case("V06", "no volume", web(MOUNTED), text=f"{missing}; add it to the pod's volumes, or remove the mount")
case(
    "V06", "another volume", web(MOUNTED, volumes=[{"name": "ww", "emptyDir": {}}]), text=f"{missing}; did you mean ww?"
)
case(
    "V06",
    "a device",
    web({"volumeDevices": [{"name": "w", "devicePath": "/w"}]}),
    text=f"{MAIN}.volumeDevices[0].name='w' but the pod has no volume of this name; add it to the pod's volumes,"
    " or remove"
    " the mount",
)
case("V06", "the claims of a StatefulSet", stateful({"volumeMounts": [{"name": "data", "mountPath": "/data"}]}))
inside = "but it is a path inside the volume, without / in front and without ..; correct the path"
for part in ("/a", "a/../b", ".."):
    case(
        "V06",
        part,
        web({"volumeMounts": [{"name": "w", "mountPath": "/w", "subPath": part}]}, volumes=WEIGHTS),
        text=f"{MAIN}.volumeMounts[0].subPath='{part}' {inside}",
    )
case(
    "V06",
    "a folder with dots",
    web({"volumeMounts": [{"name": "w", "mountPath": "/w", "subPath": "a/..b/c"}]}, volumes=WEIGHTS),
)
doubled = {"name": "w", "mountPath": "/w", "subPath": "a", "subPathExpr": "$(POD)"}
case(
    "V06",
    "two parts",
    web({"volumeMounts": [doubled]}, volumes=WEIGHTS),
    text=f"{MAIN}.volumeMounts[0].subPathExpr='$(POD)' but subPath is given too, and only one of them can be;"
    " keep one of"
    " the two",
)
block = {"volumeDevices": [{"name": "w", "devicePath": "/w"}], "volumeMounts": [{"name": "tmp", "mountPath": "/w"}]}
case(
    "V06",
    "a device and a folder",
    web(block, volumes=[*WEIGHTS, {"name": "tmp", "emptyDir": {}}]),
    text=f"{MAIN}.volumeMounts[0].mountPath='/w' but a device of the container has this path; choose another path",
)

optional = (
    "=True but a pod that starts without its Secret fails later and elsewhere; remove optional, so that the pod waits"
)
key = {"name": "hub", "key": "token"}
case(
    "V17",
    "a variable",
    web({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {**key, "optional": True}}}]}),
    text=f"{MAIN}.env[0].valueFrom.secretKeyRef.optional{optional} for the Secret",
)
case(
    "V17",
    "variables",
    web({"envFrom": [{"secretRef": {"name": "hub", "optional": True}}]}),
    text=f"{MAIN}.envFrom[0].secretRef.optional{optional} for the Secret",
)
files = {"secret": {"secretName": "hub", "optional": True}}
case(
    "V17",
    "files",
    web(MOUNTED, volumes=[{"name": "w", **files}]),
    text=f"Deployment web spec.template.spec.volumes[0].secret.optional{optional} for the Secret",
)
sources = [{"secret": {"name": "hub", "optional": True}}]
case(
    "V17",
    "projected files",
    web(MOUNTED, volumes=[{"name": "w", "projected": {"sources": sources}}]),
    text=f"Deployment web spec.template.spec.volumes[0].projected.sources[0].secret.optional{optional} for the Secret",
)
case("V17", "not optional", web({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {**key, "optional": False}}}]}))

case(
    "V18",
    "a variable",
    web({"env": [{"name": "OK", "value": "1"}, {"name": "HUB", "value": TOKEN}]}),
    text=f"{MAIN}.env[1].value but it looks like a Hugging Face token (HUB), {SEEN}",
)
case(
    "V18",
    "a variable by its name",
    web({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}),
    text=f"{MAIN}.env[0].value but it looks like a password (DB_PASSWORD), {SEEN}",
)
case(
    "V18",
    "a command",
    web({"command": ["curl", "-H", f"Authorization: Bearer {TOKEN}"]}),
    text=f"{MAIN}.command[2] but it looks like a Hugging Face token, {SEEN}",
)
case(
    "V18",
    "an option",
    web({"args": ["--api-key", "0123456789abcdef0123"]}),
    text=f"{MAIN}.args[1] but it looks like an API key, {SEEN}",
)
case(
    "V18",
    "an option with =",
    web({"args": ["--api-key=abc"]}),
    text=f"{MAIN}.args[0] but it looks like an API key, {SEEN}",
)
case("V18", "options", web({"args": ["--max-token", "4096", "--model=org/name", "--api-key", "$(KEY)"]}))
case(
    "V18",
    "an annotation",
    {**deployment(), "metadata": {"name": "web", "annotations": {"hub": TOKEN}}},
    text=f"Deployment web metadata.annotations['hub'] but it looks like a Hugging Face token, {SEEN}",
)
annotated = {**pods({}), "metadata": {"labels": {"app": "web"}, "annotations": {"hub": TOKEN}}}
case(
    "V18",
    "an annotation of the pods",
    deployment(template=annotated),
    text=f"Deployment web spec.template.metadata.annotations['hub'] but it looks like a Hugging Face token, {SEEN}",
)
case(
    "V18",
    "a file",
    config_map(**{"config.yaml": f"hub:\n  token: {TOKEN}\n"}),
    text=f"ConfigMap settings data['config.yaml'] but it looks like a Hugging Face token, {SEEN}",
)
case(
    "V18",
    "a value in a file of JSON",
    config_map(**{"config.json": '{"db": [{"password": ["hunter2"]}]}'}),
    text=f"ConfigMap settings data['config.json'] but it looks like a password (password), {SEEN}",
)
case(
    "V18",
    "no JSON",
    config_map(**{"a.json": '{"password": "hunter2"', "b.json": "[" * 99_999, "c.json": "[" * 150 + "]" * 150}),
)
case(
    "V18",
    "a value",
    config_map(DB_PASSWORD="hunter2"),  # noqa: S106
    text=f"ConfigMap settings data['DB_PASSWORD'] but it looks like a password, {SEEN}",
)
robot = {"apiVersion": "acme.dev/v1", "kind": "Robot", "metadata": {"name": "r"}, "spec": {"a": [{"b": TOKEN}]}}
case("V18", "an unknown kind", robot, text=f"Robot r spec.a[0].b but it looks like a Hugging Face token, {SEEN}")
case(
    "V18",
    "references",
    web(
        {
            "env": [
                {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": key}},
                {"name": "DB_URL", "value": "postgres://app:$(DB_PASSWORD)@db:5432/models"},
            ]
        }
    ),
)

repository = (
    "that everybody who reads the repository could use; render an ExternalSecret or a SealedSecret that makes the"
)
case(
    "V19",
    "data",
    secret(data={"a": "eA==", "b": "eA=="}),
    text=f"Secret login data but it holds 2 values {repository} Secret, and refer to it by its name",
)
case(
    "V19",
    "text",
    secret(stringData={"a": "x"}),
    text=f"Secret login stringData but it holds 1 value {repository} Secret, and refer to it by its name",
)
case("V19", "nothing", secret(type="Opaque"))
case("V19", "encrypted by SOPS", secret(stringData={"a": "ENC[AES256_GCM,data:Tr7o=,type:str]"}))

case(
    "V20",
    "no mount",
    web({}, volumes=WEIGHTS),
    text="Deployment web spec.template.spec.volumes[0].name='w' but no container mounts it; mount it, or remove it",
)
case("V20", "a mount", web(MOUNTED, volumes=WEIGHTS))
case(
    "V20",
    "a mount of a container that runs first",
    web({}, initContainers=[{"name": "load", "image": "x:1", **MOUNTED}], volumes=WEIGHTS),
)
case("V20", "a device", web({"volumeDevices": [{"name": "w", "devicePath": "/w"}]}, volumes=WEIGHTS))
variable = {"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "env", "path": "a.env", "key": "A"}}}
case("V20", "variables from a file", web({"env": [variable]}, volumes=[{"name": "env", "emptyDir": {}}]))


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_volumes_and_secrets_are_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged("V", *manifests, cluster=cluster) if broken == rule] == expected


def test_a_patch_is_judged_without_showing_the_value(tmp_path: Path) -> None:
    """What a patch made is checked like everything else, and a token never gets into a log."""
    scope = environment(tmp_path)
    patch = {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "HUB", "value": TOKEN}}
    own_service(scope).add_json_patch("Deployment", patch)
    (text,) = found_by(scope, "V18")
    assert text.startswith("test/api: Deployment api spec.template.spec.containers[0].env[")
    assert text.endswith(f"].value but it looks like a Hugging Face token (HUB), {SEEN}")
    assert not any(TOKEN[3:] in str(finding) for finding in found(scope))


def test_a_variable_with_a_token_is_refused(tmp_path: Path) -> None:
    """The options take a string for any variable, and this is where a token ends up first."""
    scope = environment(tmp_path)
    training(scope, env={"HF_TOKEN": TOKEN})
    assert len(found_by(scope, "V18")) == 1
    assert not any(TOKEN[3:] in str(finding) for finding in found(scope))


SWEPT = {"db_password": "hunter2hunter2", "wandb_api_key": "0123456789abcdef0123"}


@pytest.mark.parametrize(
    "sweep",
    [
        Sweep(rows=[{"lr": 0.1, **SWEPT}, SWEPT]),
        Sweep(grid={"lr": [0.1, 0.01], **{name: [text] for name, text in SWEPT.items()}}),
        Sweep(grid={"lr": [0.1, 0.01], **{name: [text] for name, text in SWEPT.items()}}, sample=1),
    ],
    ids=["rows", "grid", "sample"],
)
def test_a_sweep_over_passwords_is_refused(tmp_path: Path, sweep: Sweep) -> None:
    """The settings of trials lie in a ConfigMap, and each is told of once, however many trials there are."""
    scope = environment(tmp_path)
    training(scope, sweep=sweep)
    assert [re.sub("-[0-9a-f]{8} ", " ", text) for text in found_by(scope, "V18")] == [
        f"test/train: ConfigMap train-sweep data['0.json'] but it looks like a password (db_password), {SEEN}",
        f"test/train: ConfigMap train-sweep data['0.json'] but it looks like a secret (wandb_api_key), {SEEN}",
    ]
    assert not any("hunter2" in str(finding) for finding in found(scope))


def test_a_foreign_secret_is_refused(tmp_path: Path) -> None:
    """Also one that plain cdk8s makes."""
    scope = environment(tmp_path)
    raw(scope, secret(stringData={"a": "x"}))
    assert len(found_by(scope, "V19")) == 1


def test_modelyards_own_objects_break_no_rule_of_the_family(tmp_path: Path) -> None:
    """With all the kinds of volumes and variables that there are."""
    scope = environment(tmp_path)
    shared = [EmptyDir("/scratch"), SecretFiles("tls", "/tls"), Claim("data", "/data", read_only=True)]
    own = Claim("cache", "/cache", size="10Gi", storage_class="ebs")
    variables = {"HF_TOKEN": SecretKey("hub", "token"), "HF_HOME": "/cache"}
    files = ConfigFiles("/etc/model", {"model.yaml": "name: org/model\n"})
    own_service(scope, volumes=[*shared, own], env=variables, config=files, scale=None, replicas=1)
    training(scope, volumes=shared, env=variables, gpu=Gpu("l4"), config=files)
    assert [finding.text for finding in found(scope) if finding.rule.startswith("V")] == []


def random(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Return text without order, and the same on every run."""
    return "".join(alphabet[index * index * 7 % len(alphabet)] for index in range(3, length + 3))


KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA" + random(40)
ACCOUNT = '{\n  "type": "service_account",\n  "project_id": "models",\n  "private_key_id": "0"\n}'
SIGNATURE = hashlib.sha256(b"a request").hexdigest()
CREDENTIALS = {
    TOKEN: "a Hugging Face token",
    f"--header=Authorization: Bearer {TOKEN}": "a Hugging Face token",
    "AKIA" + random(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"): "an AWS access key",
    "ghp_" + random(36): "a GitHub token",
    f"github_pat_{random(22)}_{random(59)}": "a GitHub token",
    "glpat-" + random(20): "a GitLab token",
    "sk-" + random(48): "an API key",
    "sk-proj-" + random(80): "an API key",
    "sk-ant-api03-" + random(90): "an Anthropic API key",
    "nvapi-" + random(64): "an NVIDIA API key",
    "xoxb-123456789012-123456789012-" + random(24): "a Slack token",
    f"https://hooks.slack.com/services/T0123ABCD/B0123ABCD/{random(24)}": (
        "a Slack webhook, whose address is its password"
    ),
    "AIza" + random(35): "a Google API key",
    "npm_" + random(36): "an npm token",
    "dckr_pat_" + random(27): "a Docker Hub token",
    "hvs." + random(24): "a Vault token",
    f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtb2RlbCJ9.{random(43)}": "a JSON Web Token, such as a login",
    f"AccountName=models;AccountKey={random(86)}==": "the key of an Azure account",
    '{"auths": {"ghcr.io": {"auth": "bW9kZWw6cGFzcw=="}}}': "the login of a registry",
    KEY: "a private key",
    "-----BEGIN OPENSSH PRIVATE KEY-----": "a private key",
    base64.b64encode(KEY.encode()).decode(): "a private key in base64",
    base64.b64encode(ACCOUNT.encode()).decode(): "the key of a Google service account in base64",
    base64.b64encode(ACCOUNT.replace("\n ", "").encode()).decode(): "the key of a Google service account in base64",
    "postgres://app:hunter2@db:5432/models": "a password in an address",
    "redis://:hunter2@redis": "a password in an address",
    "mysql+pymysql://app:p%40ss@db/models": "a password in an address",
    f"https://models.blob.core.windows.net/raw?sv=2026-01-01&sig={random(43)}%3D": "the signature of an Azure URL",
    f"https://raw.s3.amazonaws.com/x?X-Amz-Signature={SIGNATURE}": "the signature of an AWS URL",
    f"https://storage.googleapis.com/x?X-Goog-Signature={SIGNATURE}": ("the signature of a Google URL"),
}


@pytest.mark.parametrize(("text", "words"), CREDENTIALS.items(), ids=range(len(CREDENTIALS)))
def test_a_credential_is_known_by_its_format(text: str, words: str) -> None:
    """Alone, and inside a longer text."""
    assert credential(text) == words
    assert credential(f"# settings\nvalue: {text}\n" + "x" * 1000) == words


@pytest.mark.parametrize(
    "text",
    [
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "123e4567-e89b-12d3-a456-426614174000",
        "ghcr.io/acme/model:1.4.2@sha256:" + "0123456789abcdef" * 4,
        "oci://model:1.4.2@sha256:" + "0123456789abcdef" * 4,
        "meta-llama/Llama-3.1-8B-Instruct",
        "sk-learn-image-classification-model-v2-large",
        "task-0123456789abcdef0123456789abcdef",
        "hf_internal_testing_tiny_random_gpt2_model",
        "hf_" + "x" * 34,
        "/models/hf_cache/weights.safetensors",
        "postgres://app:$(DB_PASSWORD)@db:5432/models",
        "https://app:${TOKEN}@git.example.com/models.git",
        "https://<user>:<password>@example.com",
        "ssh://git@github.com/acme/models.git",
        "http://gateway:8080/path?from=a:b@c",
        "arn:aws:iam::123456789012:role/models",
        "-----BEGIN CERTIFICATE-----\nMIIE",
        "-----BEGIN PUBLIC KEY-----\nMIIE",
        base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEA0123456789").decode(),
    ],
)
def test_what_only_looks_secret_is_none(text: str) -> None:
    """Digests, ids, names of models, paths, references and certificates."""
    assert credential(text) is None
    assert credential(f"# settings\nvalue: {text}\n" + "x" * 1000) is None


HEX = st.text(alphabet="0123456789abcdef", min_size=7, max_size=64)
WORD = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=12)


@given(st.one_of(HEX, st.uuids().map(str), HEX.map("sha256:{}".format), st.lists(WORD, max_size=8).map("-".join)))
def test_digests_ids_and_words_are_no_credentials(text: str) -> None:
    """Whatever they happen to be."""
    assert credential(text) is None
    assert credential(f"https://example.com/{text}?id={text}") is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("HF_TOKEN", random(34), "a secret"),
        ("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567", "a secret"),
        ("aws.secret.access.key", random(40, string.ascii_letters + string.digits + "/+"), "an AWS secret access key"),
        ("DB_PASSWORD", "hunter2", "a password"),
        ("PGPASSWORD", "models", "a password"),
        ("--db-password", "correct horse battery staple", "a password"),
        ("--api-key", "token-abc123", "an API key"),
        ("--vllm-api-key", "1234", "an API key"),
        ("--api-key", "$(API_KEY)", None),
        ("--api-key", "EMPTY", None),
        ("--api-key-required", "abc", None),
        ("VLLM_API_KEY", "abc", None),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes", None),
        ("ASK_FOR_PASSWORD", "required", None),
        ("DB_PASSWORD", "$(FROM_ELSEWHERE)", None),
        ("DB_PASSWORD", "/run/secrets/password", None),
        ("DB_PASSWORD", "vault:models/db#password", None),
        ("OLDPWD", "/app", None),
        ("API_TOKEN", "short", None),
        ("API_TOKEN", "from-the-vault-of-the-team", None),
        ("API_TOKEN", "123e4567-e89b-12d3-a456-426614174000", None),
        ("CLIENT_SECRET", "projects/models/secrets/client2secret3", None),
        ("EOS_TOKEN", "<|end_of_text_0123456789|>", None),
        ("MAX_TOKENS", "4096", None),
        ("TOKENIZERS_PARALLELISM", "false", None),
        ("MODEL", random(34), None),
    ],
)
def test_a_credential_is_known_by_its_name(name: str, text: str, words: str | None) -> None:
    """Where the value has no format of its own, but looks as nothing else does."""
    assert credential_by_name(name, text) == words
