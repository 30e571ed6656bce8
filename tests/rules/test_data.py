"""V: data from outside and checkpoints, each rule with what breaks it, in its exact words."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard import Bucket, Checkpoint, Cluster, HuggingFace, hours
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, job, pods
from tests.support import CLUSTER, DIGEST, cluster_with, environment, found, found_by, training

CASES: list[Any] = []
NEWER = Cluster("newer", kubernetes="1.35")
GATED = cluster_with(feature_gates={"ImageVolume"})
NAME = {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}}
POD_NAME = {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
INDEX_FIELD = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
INDEX = {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": INDEX_FIELD}}}
RESUMED = {"name": "RESUME_FROM", "value": "latest"}


def case(rule: str, name: str, *manifests: Mapping[str, Any], text: str | None = None, **more: Any) -> None:
    """Keep one case: what *manifests* are to *rule*, with the one finding or none."""
    expected = [] if text is None else [f"test: {text}"]
    CASES.append(pytest.param(rule, manifests, more.get("cluster", CLUSTER), expected, id=f"{rule}-{name}"))


def imaged(reference: str) -> Manifest:
    """Return the Deployment web, whose pods mount the files of an image."""
    mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return deployment(template=pods(mounts, volumes=[{"name": "data", "image": {"reference": reference}}]))


IMAGE_AT = "Deployment web spec.template.spec.volumes[0].image.reference="
PINNED = f"ghcr.io/acme/corpus:1@{DIGEST}"
case("V07", "on-by-default", imaged(PINNED), cluster=NEWER)
case("V07", "turned-on", imaged(PINNED), cluster=GATED)
case(
    "V07", "off", imaged("acme/corpus@" + DIGEST),
    text=f"{IMAGE_AT}'acme/corpus@sha256:0123456789abcdef0123456789abcdef0123...' but ImageVolume is off in Kubernetes"
    ' 1.34 unless the cluster says otherwise; say Cluster(feature_gates={"ImageVolume"}) where it is on, or bring the'
    " data by a claim or a download",
)  # fmt: skip
case("V13", "digest", imaged(PINNED), cluster=NEWER)
case(
    "V13", "tag", imaged("acme/corpus:1"), cluster=NEWER,
    text=f"{IMAGE_AT}'acme/corpus:1' but a tag can come to mean another image at any time; add the digest: @sha256:...",
)  # fmt: skip


def downloading(revision: str) -> Manifest:
    """Return the Deployment web, whose container downloads a revision of the Hub."""
    return deployment(template=pods({"env": [{"name": "HF_REVISION", "value": revision}]}))


case("V13", "commit", downloading("0123456789abcdef" * 2 + "01234567"))
case(
    "V13", "branch", downloading("main"),
    text="Deployment web spec.template.spec.containers[0].env[0].value='main' but a branch or a tag of the Hub can come"
    " to mean another commit at any time; write the 40 digits of the commit",
)  # fmt: skip


def saving(
    to: str, *variables: Mapping[str, Any], name: str = "train", claim: str | None = None, **spec: Any
) -> Manifest:
    """Return a Job whose container saves to *to*, in *claim* if it is given."""
    manifest = copy.deepcopy(job(name, app="train"))
    manifest["spec"].update(spec)
    pod = manifest["spec"]["template"]["spec"]
    pod["containers"][0]["env"] = [*variables, {"name": "CHECKPOINT_DIR", "value": to}, RESUMED]
    if claim is not None:
        pod["volumes"] = [{"name": "c", "persistentVolumeClaim": {"claimName": claim}}]
        pod["containers"][0]["volumeMounts"] = [{"name": "c", "mountPath": "/ckpt"}]
    return manifest


def scheduled(to: str, *variables: Mapping[str, Any], **spec: Any) -> Manifest:
    """Return a CronJob whose Jobs save to *to*."""
    body = saving(to, *variables)["spec"]
    spec = {"schedule": "30 3 * * *", "jobTemplate": {"spec": body}, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": spec}


VALUE = "spec.template.spec.containers[0].env[1].value="
OUT = "leave the name of the pod and of the Job out of it; TrainingJob(checkpoint=...) does so"
case("V10", "fixed", saving("s3://acme/train"))
case("V10", "by-job-of-a-schedule", scheduled("s3://acme/$(NAME)", NAME))
case("V10", "by-index", saving("s3://acme/$(NAME)", INDEX))
case("V10", "unknown-variable", saving("s3://acme/$(OTHER)"))
case(
    "V10", "by-job", saving("s3://acme/$(NAME)", NAME),
    text=f"Job train {VALUE}'s3://acme/$(NAME)' but a change of the training makes a Job of another name; {OUT}",
)  # fmt: skip
case(
    "V10", "by-pod", saving("s3://acme/$(NAME)", POD_NAME),
    text=f"Job train {VALUE}'s3://acme/$(NAME)' but a pod that replaces this one is called otherwise; {OUT}",
)  # fmt: skip

FIRST = "spec.template.spec.containers[0].env[0].value="
MANY: dict[str, Any] = {"completionMode": "Indexed", "completions": 4, "parallelism": 2}
case("V23", "two-places", saving("s3://acme/a"), saving("s3://acme/b", name="other"))
case("V23", "folders-of-pods", saving("/tmp/a"), saving("/tmp/a", name="other"))
case("V23", "two-claims", saving("/ckpt/a", claim="a"), saving("/ckpt/a", name="other", claim="b"))
case("V23", "trials-by-index", saving("s3://acme/$(NAME)", INDEX, **MANY))
case("V23", "one-trial-at-a-time", saving("s3://acme/a", **{**MANY, "parallelism": 1}))
case("V23", "runs-by-job", scheduled("s3://acme/$(NAME)", NAME))
case("V23", "one-run-at-a-time", scheduled("s3://acme/a", concurrencyPolicy="Forbid"))
case(
    "V23", "two-jobs", saving("s3://acme/a"), saving("s3://acme/a", name="other"),
    text=f"Job other {FIRST}'s3://acme/a' but Job train saves to it, too; give each a place of its own",
)  # fmt: skip
case(
    "V23", "one-claim", saving("/ckpt/a", claim="a"), saving("/ckpt/a/", name="other", claim="a"),
    text=f"Job other {FIRST}'/ckpt/a/' but Job train saves to it, too; give each a place of its own",
)  # fmt: skip
case(
    "V23", "trials", saving("s3://acme/a", **MANY),
    text=f"Job train {FIRST}'s3://acme/a' but 2 pods at once save to it; add the index of the pod to it",
)  # fmt: skip
case(
    "V23", "runs", scheduled("s3://acme/a"),
    text="CronJob nightly spec.jobTemplate.spec.template.spec.containers[0].env[0].value='s3://acme/a' but the next run"
    " may start while the last one goes on, and save to it, too; write concurrencyPolicy: Forbid, or add the name of the"
    " Job to it",
)  # fmt: skip


@pytest.mark.parametrize(("rule", "manifests", "cluster", "expected"), CASES)
def test_data_and_checkpoints_are_judged(
    rule: str, manifests: tuple[Mapping[str, Any], ...], cluster: Cluster, expected: list[str]
) -> None:
    """Each rule finds what breaks it, and nothing beside."""
    assert [text for broken, text in judged("V", *manifests, cluster=cluster) if broken == rule] == expected


def test_v15_an_address_is_one_that_can_be_read(tmp_path: Path) -> None:
    """The option says it in the user's words; a right one is taken."""
    wrong, right = environment(tmp_path), environment(tmp_path)
    training(wrong, data={"raw": Bucket("https://acme/raw")})
    training(right, data={"raw": Bucket("s3://acme/raw")})

    assert len(found_by(wrong, "V15")) == 1
    assert found_by(right, "V15") == []


def test_v13_is_an_error_in_a_strict_environment(tmp_path: Path) -> None:
    """As a tag is, and for the same reason."""
    severities = []
    for strict in (False, True):
        scope = environment(tmp_path, strict=strict)
        training(scope, data={"base": HuggingFace("org/base", revision="main")})
        severities += [(one.rule, str(one.severity)) for one in found(scope)]

    assert severities == [("V13", "warning"), ("V13", "error")]


LONG = "add checkpoint=Checkpoint(...), or accept V22 where the program saves its state by other means"


def test_v22_a_long_training_on_spot_nodes_has_a_checkpoint(tmp_path: Path) -> None:
    """One of an hour may well be done again, and one that goes on from nowhere is as one without."""
    stock: dict[str, Any] = {"spot": "prefer"}
    said = []
    for options in (
        {},
        {"deadline": None},
        {"checkpoint": Checkpoint("s3://acme/ckpt", resume=False)},
        {"checkpoint": Checkpoint("s3://acme/ckpt")},
        {"deadline": hours(1)},
        {"spot": None},
    ):
        scope = environment(tmp_path)
        training(scope, **{**stock, **options})
        said.append([text.partition(" but ")[2] for text in found_by(scope, "V22")])
    reason = "runs on spot nodes, and no container has both CHECKPOINT_DIR and RESUME_FROM"

    assert said == [
        [f"it may take 21600 seconds, {reason}; {LONG}"],
        [f"it has no deadline, {reason}; {LONG}"],
        [f"it may take 21600 seconds, {reason}; {LONG}"],
        [],
        [],
        [],
    ]


def test_v18_what_a_volume_tells_a_driver_is_looked_into(tmp_path: Path) -> None:
    """A key of an account in its attributes is in git as well."""
    scope = environment(tmp_path)
    key = "aB3dE5fG7h" * 5
    source = {"driver": "blob.csi.azure.com", "volumeAttributes": {"azurestorageaccountkey": f"AccountKey={key}"}}
    training(scope).add_json_patch(
        "Job", {"op": "add", "path": "/spec/template/spec/volumes/0", "value": {"name": "x", "csi": source}}
    )
    (text,) = found_by(scope, "V18")

    assert "spec.template.spec.volumes[0].csi.volumeAttributes['azurestorageaccountkey'] but it looks like" in text
    assert key not in text
