"""P: the images that containers run, and how they are started."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container
from modelyard.values import image as references

SHELLS = frozenset(folder + shell for folder in ("", "/bin/", "/usr/bin/") for shell in ("sh", "bash", "dash", "ash"))
SCRIPT_OPTION = re.compile(r"-[a-z]*c")
SEVERAL_COMMANDS = re.compile(r"[;&|\n]")
HANDS_OVER = re.compile(r"(?:^|[;&|\n(]|\bthen|\belse|\bdo)\s*(?:exec|trap)\s")

P01 = Rule(
    "P01",
    "An image is pinned by its digest.",
    why=(
        "A tag can be moved: the same YAML then runs other code after the next restart, replicas of one rollout "
        "differ, and a rollback brings nothing back."
    ),
    fix="add the digest of the image, @sha256:...",
    see="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    severity=Severity.WARNING,
    acceptable=True,
)
P02 = Rule(
    "P02",
    "A container has an image, and it is a well-formed reference.",
    why=(
        "The API server refuses a container without an image, and the kubelet a reference that it cannot read: the "
        "pod stays in InvalidImageName until somebody changes it."
    ),
    fix='write a reference such as "ghcr.io/acme/model:1.4.2"',
    see="https://kubernetes.io/docs/concepts/containers/images/#image-names",
)
P13 = Rule(
    "P13",
    "A shell that starts the process hands its signals on.",
    why=(
        "SIGTERM goes to the shell, which waits for its command and tells it nothing. The process neither finishes "
        "its requests nor saves a checkpoint, and is killed when the grace period is over."
    ),
    fix='write "exec" before the last command, so that it takes the place of the shell',
    see="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    severity=Severity.WARNING,
    acceptable=True,
)
PIN = 'pin it (modelyard images pin), then image=env.image("model")'


@P02.containers
def _image(container: Container, _scope: Scope) -> Iterator[Breach]:
    image = container.data.get("image")
    if not image:
        yield P02.breach(container.at("image"), image, "a container runs an image")
        return
    malformed, movable = judged(image)
    if malformed is not None:
        yield P02.breach(container.at("image"), image, malformed)
    elif movable is not None:
        do = PIN if container.pod.object.owner is not None else P01.fix
        yield P01.breach(container.at("image"), image, movable, do)


@lru_cache(maxsize=4096)
def judged(reference: str) -> tuple[str | None, str | None]:
    """Return what is malformed about an image reference, and why it may come to mean another image."""
    image = references.parse(reference)
    if malformed := references.broken(image):
        return malformed, None
    if image.digest is not None:
        return None, None
    if image.tag is None:
        return None, "without a tag it means latest, which is whatever was pushed last"
    if image.tag == "latest":
        return None, "latest is whatever was pushed last"
    return None, "a tag can be moved, and the next restart runs what it then stands for"


@P13.containers
def _shell(container: Container, _scope: Scope) -> Iterator[Breach]:
    command = container.data.get("command")
    if not command or command[0] not in SHELLS or (container.init and container.data.get("restartPolicy") != "Always"):
        return
    words = [*command, *(container.data.get("args") or ())]
    if not SCRIPT_OPTION.fullmatch(words[1] if len(words) > 1 else ""):
        return
    script = words[2] if len(words) > 2 else ""  # noqa: PLR2004 # sh, -c, script
    if SEVERAL_COMMANDS.search(script.strip()) and not HANDS_OVER.search(script):
        grace = container.pod.spec.get("terminationGracePeriodSeconds")
        because = "the shell does not hand SIGTERM on to the commands of its script"
        if grace is not None:
            because += f", which are killed after {grace} seconds"
        yield P13.breach(container.at("command"), words[:2], because)
