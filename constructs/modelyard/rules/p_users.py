"""P: which user containers run as, and what they may write and call."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from modelyard.findings import Breach, Severity
from modelyard.rules.rule import Rule
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod

HIGHEST_ID = 2**31 - 1
ID_FIELDS = ("runAsUser", "runAsGroup", "fsGroup")

P17 = Rule(
    "P17",
    "A container runs as a valid user, and not as root where it must not.",
    why=(
        "The API server refuses ids outside 0 to 2147483647. The kubelet does not start user 0 where runAsNonRoot is "
        "true: the pod stays in CreateContainerConfigError."
    ),
    fix="write a number above 0, such as 10001",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)
P19 = Rule(
    "P19",
    "A container whose image is read-only has a folder for temporary files.",
    why=(
        "Python, PyTorch and most servers write to /tmp: lock files, sockets, compiled kernels. They fail with "
        "'Read-only file system' at the start, or at the first request."
    ),
    fix="mount an emptyDir at /tmp",
    see="https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    severity=Severity.WARNING,
    acceptable=True,
)
P25 = Rule(
    "P25",
    "A pod has a token for the Kubernetes API only if it may do something with it.",
    why="Whoever gets into the container, by way of a model file for example, has the token and can probe the cluster.",
    fix="write automountServiceAccountToken: false, or render the RoleBinding that the pod needs it for",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
    severity=Severity.WARNING,
    acceptable=True,
)
P30 = Rule(
    "P30",
    "A container that must not gain privileges does not start with all of them.",
    why="The API server refuses the pod.",
    fix="remove allowPrivilegeEscalation, or better the privilege",
    see="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
)


@P17.pods
def _users(pod: Pod, _scope: Scope) -> Iterator[Breach]:
    context = pod.spec.get("securityContext") or {}
    for name in ID_FIELDS:
        if not 0 <= (context.get(name) or 0) <= HIGHEST_ID:
            yield P17.breach(pod.at(f"spec.securityContext.{name}"), context[name], f"ids are 0 to {HIGHEST_ID}")
    user, non_root = context.get("runAsUser"), context.get("runAsNonRoot")
    inherited = False
    for container in pod.containers:
        own = container.security
        own_user = own.get("runAsUser")
        for name in ID_FIELDS:
            if not 0 <= (own.get(name) or 0) <= HIGHEST_ID:
                yield P17.breach(container.at(f"securityContext.{name}"), own[name], f"ids are 0 to {HIGHEST_ID}")
        own_non_root = own.get("runAsNonRoot")
        if not (non_root if own_non_root is None else own_non_root):
            continue
        if own_user == 0:
            yield P17.breach(container.at("securityContext.runAsUser"), 0, "runAsNonRoot is true, and 0 is root")
        inherited = inherited or (own_user is None and user == 0)
    if inherited:
        yield P17.breach(pod.at("spec.securityContext.runAsUser"), 0, "runAsNonRoot is true, and 0 is root")


@P19.containers
def _writes(container: Container, _scope: Scope) -> Iterator[Breach]:
    context = container.security
    if context.get("readOnlyRootFilesystem") and not any(
        mount.get("mountPath", "").rstrip("/") in {"", "/tmp"} and not mount.get("readOnly")  # noqa: S108
        for mount in container.data.get("volumeMounts") or ()
    ):
        field = container.at("securityContext.readOnlyRootFilesystem")
        yield P19.breach(field, True, "nothing writable is mounted at /tmp")  # noqa: FBT003 # the value found
    if context.get("allowPrivilegeEscalation") is False:
        gained = "is privileged" if context.get("privileged") else None
        if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            gained = "adds CAP_SYS_ADMIN"
        if gained:
            field = container.at("securityContext.allowPrivilegeEscalation")
            yield P30.breach(field, False, f"the container {gained}")  # noqa: FBT003


@P25.pods
def _token(pod: Pod, scope: Scope) -> Iterator[Breach]:
    spec = pod.spec
    if not spec.get("automountServiceAccountToken"):
        return
    namespace = pod.object.namespace or scope.site.namespace
    account = str(spec.get("serviceAccountName") or "default")
    if (namespace, account) not in _bound(scope):
        because = f"no RoleBinding of this environment gives the account {account} anything to do with it"
        yield P25.breach(pod.at("spec.automountServiceAccountToken"), True, because)  # noqa: FBT003


_ACCOUNTS: WeakKeyDictionary[Scope, frozenset[tuple[str, str]]] = WeakKeyDictionary()


def _bound(scope: Scope) -> frozenset[tuple[str, str]]:
    """Return namespace and name of the accounts with a role, looked up once for all pods of *scope*."""
    if scope not in _ACCOUNTS:
        _ACCOUNTS[scope] = frozenset(
            (str(subject.get("namespace") or one.namespace), str(subject.get("name")))
            for kind in ("RoleBinding", "ClusterRoleBinding")
            for one in scope.of_kind(kind)
            for subject in one.data.get("subjects") or ()
            if subject.get("kind") == "ServiceAccount"
        )
    return _ACCOUNTS[scope]
