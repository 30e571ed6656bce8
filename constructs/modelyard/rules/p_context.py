"""P: operating systems and security profiles, whose settings have to fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Pod
from modelyard.values.versions import minor

P31 = Rule(
    "P31",
    "The security settings of a pod fit each other, and its operating system.",
    why="The API server refuses the pod, or the object that makes pods of it.",
    fix="remove it",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)

PROFILES = ("seccompProfile", "appArmorProfile")
LINUX_POD = ("hostIPC", "hostPID", "hostUsers", "shareProcessNamespace")
LINUX_CONTEXT = (
    "appArmorProfile", "fsGroup", "fsGroupChangePolicy", "runAsGroup", "runAsUser", "seLinuxChangePolicy",
    "seLinuxOptions", "seccompProfile", "supplementalGroups", "supplementalGroupsPolicy", "sysctls",
)  # fmt: skip
LINUX_CONTAINER = (
    "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "procMount", "readOnlyRootFilesystem",
    "runAsGroup", "runAsUser", "seLinuxOptions", "seccompProfile",
)  # fmt: skip
ONLY_TRUE = frozenset({"hostIPC", "hostPID"})
"""What the API server cannot tell from its absence where it is false."""
UNMASKED = 33
"""The first minor that knows procMount: Unmasked without a gate."""


@P31.pods
def fits(pod: Pod, scope: Scope) -> Iterator[Breach]:
    """Check the settings of a pod, and of its containers."""
    spec = pod.spec
    system = (spec.get("os") or {}).get("name")
    context = spec.get("securityContext") or {}
    contexts = [(pod.at("spec.securityContext"), context)]
    contexts += [(one.at("securityContext"), one.security) for one in pod.containers]
    for at, one in contexts:
        yield from _profiles(at, one)
        if system == "linux" and one.get("windowsOptions") is not None:
            yield P31.breach(f"{at}.windowsOptions", None, "the pod is for Linux (os.name)")
    if system == "windows":
        yield from _without_linux(pod.at("spec"), spec, LINUX_POD)
        for (at, one), foreign in zip(contexts, (LINUX_CONTEXT, *[LINUX_CONTAINER] * len(contexts)), strict=False):
            yield from _without_linux(at, one, foreign)
    names = [one["name"] for one in context.get("sysctls") or ()]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield P31.breach(pod.at(f"spec.securityContext.sysctls[{index}].name"), name, "it is set above already")
    own = any((one.get("windowsOptions") or {}).get("hostProcess") for _, one in contexts)
    if own and not spec.get("hostNetwork"):
        because = "a container is a process of the host (windowsOptions.hostProcess), which shares its network"
        yield P31.breach(pod.at("spec.hostNetwork"), spec.get("hostNetwork"), because, "write hostNetwork: true")
    if minor(scope.site.cluster.kubernetes) >= UNMASKED and spec.get("hostUsers") is not False:
        yield from _unmasked(contexts[1:])


def _unmasked(contexts: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Breach]:
    for at, one in contexts:
        if one.get("procMount") == "Unmasked":
            because = "the pod has the users of the node, who would see all of /proc"
            yield P31.breach(f"{at}.procMount", "Unmasked", because, "write hostUsers: false in the pod")


def _profiles(at: str, context: Mapping[str, Any]) -> Iterator[Breach]:
    for key in PROFILES:
        if profile := context.get(key):
            kind, file = profile.get("type"), profile.get("localhostProfile")
            if kind == "Localhost" and file is None:
                because = "the type is Localhost, which means a file of the node"
                yield P31.breach(f"{at}.{key}.localhostProfile", file, because, "write the path of the profile")
            elif kind != "Localhost" and file is not None:
                because = f"the type is {kind}, and only Localhost means a file of the node"
                yield P31.breach(f"{at}.{key}.localhostProfile", file, because)


def _without_linux(at: str, given: Mapping[str, Any], foreign: tuple[str, ...]) -> Iterator[Breach]:
    for key in foreign:
        if given.get(key) is not None and (given[key] or key not in ONLY_TRUE):
            yield P31.breach(f"{at}.{key}", None, "the pod is for Windows (os.name), which has no such thing")
