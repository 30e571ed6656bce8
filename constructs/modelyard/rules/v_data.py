"""V: data and models that come from outside the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod
from modelyard.values import image as references
from modelyard.values.versions import minor

IMAGES = "https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/"
GATE, ON_BY_DEFAULT = "ImageVolume", 35
"""The gate of image volumes, and the minor since which it is on."""
COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = "HF_REVISION"

V07 = Rule(
    "V07",
    "Files of an image are mounted where the cluster can do it.",
    why=(
        "Before Kubernetes 1.35 the gate ImageVolume is off unless its owners turn it on. The API server then takes the"
        " pod, drops the volume and its mounts without a word, and the program starts without its data."
    ),
    fix='say Cluster(feature_gates={"ImageVolume"}) where it is on, or bring the data by a claim or a download',
    see=IMAGES,
)
V13 = Rule(
    "V13",
    "Data and models from outside are pinned: a repository by a commit, an image by a digest.",
    why=(
        "A branch and a tag move. Two pods of one training may read different data, a retry goes on with other data"
        " than it began with, and nobody can say later what a model was made from."
    ),
    fix="write the commit or the digest; in a strict environment this is an error",
    see="https://huggingface.co/docs/huggingface_hub/guides/download#download-files-to-a-local-folder",
    severity=Severity.WARNING,
    acceptable=True,
)
V15 = Rule(
    "V15",
    "The address of data is one that a program or a driver can read.",
    why="The download fails at the start of each pod, after it has waited for its accelerators.",
    fix="correct the address",
    see="https://huggingface.co/docs/huggingface_hub/guides/download",
)


@V07.pods
def image_volumes(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look at the images whose files a pod mounts."""
    cluster = scope.site.cluster
    for index, volume in enumerate(pod.volumes):
        if (image := volume.get("image")) is None:
            continue
        at, reference = pod.at(f"spec.volumes[{index}].image"), str(image.get("reference") or "")
        if minor(cluster.kubernetes) < ON_BY_DEFAULT and GATE not in cluster.feature_gates:
            because = f"{GATE} is off in Kubernetes {cluster.kubernetes} unless the cluster says otherwise"
            yield V07.breach(f"{at}.reference", reference, because)
        if reference and references.parse(reference).digest is None:
            because = "a tag can come to mean another image at any time"
            yield V13.breach(f"{at}.reference", reference, because, "add the digest: @sha256:...")


@V13.containers
def downloads(container: Container, scope: Scope) -> Iterator[Breach]:  # noqa: ARG001 # as every check
    """Look at the revision of the Hub that a container downloads."""
    for index, variable in enumerate(container.data.get("env") or ()):
        if variable["name"] == REVISION and (text := variable.get("value")) and not COMMIT.fullmatch(text):
            because = "a branch or a tag of the Hub can come to mean another commit at any time"
            yield V13.breach(container.at(f"env[{index}].value"), text, because, "write the 40 digits of the commit")
