"""V: where models come from."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.versions import minor

IMAGE_VOLUMES = 35
"""The minor version of Kubernetes from which on image volumes are on unless somebody turns them off."""
IMAGE_PAGE = "https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes/"

V07 = Rule(
    "V07",
    "A volume made of an image is one that the cluster mounts, and has a digest.",
    why=(
        "An API server without image volumes leaves the image away without a word, and the pod finds an empty folder. "
        "And a tag is looked up at every start of a pod, so that replicas serve different files once it moves."
    ),
    fix="add the digest of the image, @sha256:...",
    see=IMAGE_PAGE,
    acceptable=True,
)
V13 = Rule(
    "V13",
    "A model from the Hugging Face hub is pinned by its commit.",
    why=(
        "A branch or a tag is looked up at every start: replicas of one rollout serve different weights, and a "
        "rollback brings nothing back."
    ),
    fix="write the 40 hexadecimal digits of the commit",
    see="https://huggingface.co/docs/huggingface_hub/guides/download",
    severity=Severity.WARNING,
    acceptable=True,
)
V15 = Rule(
    "V15",
    "A model lies where the words say: at a path, in a repository of the hub, or in an object store.",
    why="The server or the loader fails when it starts, and starts again without end.",
    fix='write a path such as "/models/churn", or a HuggingFace, Bucket or ModelImage value',
    see="https://kserve.github.io/website/docs/model-serving/storage/overview",
)


@V07.pods
def image_volumes(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Look at the volumes that are images."""
    for index, volume in enumerate(pod.volumes):
        source = volume.get("image")
        if source is None:
            continue
        at = pod.at(f"spec.volumes[{index}].image")
        version = scope.site.cluster.kubernetes
        if minor(version) < IMAGE_VOLUMES:
            because = f"Kubernetes {version} has no image volumes unless its gate ImageVolume is on"
            yield V07.breach(at, None, because, "use a loader or a claim, or accept V07 where the gate is on")
        elif "@" not in str(source.get("reference") or ""):
            yield V07.breach(f"{at}.reference", source.get("reference"), "a tag can be moved")
