"""P: the Pod Security Standard that a namespace enforces, check by check as the admission plugin does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Breach
from modelyard.rules.p_standard import P15, P16, Standard, standard
from modelyard.rules.scope import Scope
from modelyard.rules.subjects import Container, Pod

PROBE_HOSTS = 34
USER_NAMESPACES = 35
MORE_SYSCTLS = 37
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
SECCOMP = frozenset({"RuntimeDefault", "Localhost"})
SELINUX = frozenset({None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
VOLUMES = frozenset(
    {
        "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
        "secret",
    }
)  # fmt: skip
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
PROFILES = frozenset({"seccompProfile", "appArmorProfile", "seLinuxOptions", "windowsOptions"})
RESTRICTED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    }
)  # fmt: skip
SYSCTLS_1_37 = SYSCTLS | {"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"}

NO_ROOT = "allows no root user"


@P15.pods
def _pod_security(pod: Pod, scope: Scope) -> Iterator[Breach]:
    enforced = standard(pod, scope)
    if enforced is None:
        return
    spec = pod.spec
    windows = (spec.get("os") or {}).get("name") == "windows"
    context = spec.get("securityContext") or {}
    for name in HOST_NAMESPACES:
        if spec.get(name):
            yield enforced.baseline(pod.at(f"spec.{name}"), True, "lets pods share nothing with the node", "remove it")  # noqa: FBT003
    yield from _volumes(pod, enforced)
    if not context.keys().isdisjoint(PROFILES):
        yield from _profiles(context, pod.at("spec.securityContext"), enforced)
    if context.get("sysctls") or pod.metadata.get("annotations"):
        yield from _kernel(pod, context, enforced)
    for container in pod.containers:
        yield from _container(container, enforced)
        if not (enforced.restricted and windows):
            yield from _privileges(container, enforced)
    if enforced.restricted:
        yield from _users(pod, context, enforced)
        if not windows and (context.get("seccompProfile") or {}).get("type") not in SECCOMP:
            yield from _seccomp_missing(pod, context, enforced)


def _volumes(pod: Pod, enforced: Standard) -> Iterator[Breach]:
    for index, volume in enumerate(pod.volumes):
        kinds = [kind for kind, source in volume.items() if kind != "name" and source is not None]
        if not kinds or VOLUMES.issuperset(kinds):
            continue
        kind = next(kind for kind in kinds if kind not in VOLUMES)
        field = pod.at(f"spec.volumes[{index}]")
        if kind == "hostPath":
            do = "mount a persistentVolumeClaim or an emptyDir"
            yield enforced.baseline(f"{field}.hostPath", volume[kind].get("path"), "allows no folder of the node", do)
        elif enforced.restricted:
            do = "put a persistentVolumeClaim in front of it"
            yield enforced.strict(f"{field}.{kind}", volume["name"], f"allows no volume of the kind {kind}", do)


def _profiles(context: dict[str, Any], path: str, enforced: Standard) -> Iterator[Breach]:
    kind = (context.get("seccompProfile") or {}).get("type")
    if kind is not None and kind not in SECCOMP:
        demand = "allows only RuntimeDefault and Localhost"
        yield enforced.baseline(f"{path}.seccompProfile.type", kind, demand, "write RuntimeDefault")
    kind = (context.get("appArmorProfile") or {}).get("type")
    if kind is not None and kind not in SECCOMP:
        demand = "allows only RuntimeDefault and Localhost"
        yield enforced.baseline(f"{path}.appArmorProfile.type", kind, demand, "write RuntimeDefault")
    if options := context.get("seLinuxOptions"):
        if options.get("type") not in SELINUX:
            demand = "allows only the SELinux types of containers"
            yield enforced.baseline(f"{path}.seLinuxOptions.type", options["type"], demand, "remove it")
        for name in ("user", "role"):
            if options.get(name):
                field = f"{path}.seLinuxOptions.{name}"
                yield enforced.baseline(field, options[name], f"allows no SELinux {name}", "remove it")
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        field = f"{path}.windowsOptions.hostProcess"
        yield enforced.baseline(field, True, "allows no process of the host", "remove it")  # noqa: FBT003


def _kernel(pod: Pod, context: dict[str, Any], enforced: Standard) -> Iterator[Breach]:
    allowed = SYSCTLS_1_37 if enforced.minor >= MORE_SYSCTLS else SYSCTLS
    for index, sysctl in enumerate(context.get("sysctls") or ()):
        if sysctl.get("name") not in allowed:
            field, demand = (
                f"spec.securityContext.sysctls[{index}].name",
                "allows only sysctls that concern no other pod",
            )
            yield enforced.baseline(pod.at(field), sysctl.get("name"), demand, "remove it")
    for key, profile in (pod.metadata.get("annotations") or {}).items():
        if (
            key.startswith(APP_ARMOR)
            and profile not in {"", "runtime/default"}
            and not profile.startswith("localhost/")
        ):
            field = pod.at(f"metadata.annotations[{key!r}]")
            yield enforced.baseline(field, profile, "allows only runtime/default and localhost/...", "remove it")


def _container(container: Container, enforced: Standard) -> Iterator[Breach]:
    context = container.security
    if context.get("privileged"):
        field = container.at("securityContext.privileged")
        yield enforced.baseline(field, True, "allows no privileged container", "remove it")  # noqa: FBT003
    if not context.keys().isdisjoint(PROFILES):
        yield from _profiles(context, container.at("securityContext"), enforced)
    if context.get("procMount") not in {None, "Default"}:
        relaxed = enforced.minor >= USER_NAMESPACES and container.pod.spec.get("hostUsers") is False
        if enforced.restricted or not relaxed:
            field = container.at("securityContext.procMount")
            yield enforced.baseline(field, context["procMount"], "allows only Default", "remove it")
    for index, port in enumerate(container.ports):
        if port.get("hostPort"):
            field = container.at(f"ports[{index}].hostPort")
            do = "remove it and reach the pod through a Service"
            yield enforced.baseline(field, port["hostPort"], "allows no port of the node", do)
    if enforced.minor >= PROBE_HOSTS:
        yield from _other_hosts(container, enforced)


def _other_hosts(container: Container, enforced: Standard) -> Iterator[Breach]:
    data = container.data
    lifecycle = data.get("lifecycle")
    asked = [(name, data.get(name)) for name in PROBES]
    if lifecycle:
        asked.extend((f"lifecycle.{name}", lifecycle.get(name)) for name in HOOKS)
    for name, probe in asked:
        for action in ("httpGet", "tcpSocket"):
            if probe and (host := (probe.get(action) or {}).get("host")):
                field = container.at(f"{name}.{action}.host")
                yield enforced.baseline(field, host, "lets a pod be probed only at its own address", "remove it")


def _privileges(container: Container, enforced: Standard) -> Iterator[Breach]:
    context = container.security
    capabilities = context.get("capabilities") or {}
    allowed = RESTRICTED_CAPABILITIES if enforced.restricted else CAPABILITIES
    if (added := capabilities.get("add")) and not allowed.issuperset(added):
        refused = [name for name in added if name not in allowed]
        demand = "allows only NET_BIND_SERVICE" if enforced.restricted else "allows only what containers have anyway"
        do = f"leave out {', '.join(refused)}"
        weaker = "baseline" if CAPABILITIES.issuperset(refused) else "privileged"
        yield enforced.breach(P16, container.at("securityContext.capabilities.add"), refused, demand, do, weaker=weaker)
    if not enforced.restricted:
        return
    if "ALL" not in (dropped := capabilities.get("drop") or ()):
        field = container.at("securityContext.capabilities.drop")
        yield enforced.strict(field, dropped or None, "wants all capabilities dropped", "write drop: [ALL]")
    if (escalates := context.get("allowPrivilegeEscalation")) is not False:
        field = container.at("securityContext.allowPrivilegeEscalation")
        yield enforced.strict(field, escalates, "forbids privilege escalation", "write false")


def _users(pod: Pod, context: dict[str, Any], enforced: Standard) -> Iterator[Breach]:
    if enforced.minor >= USER_NAMESPACES and pod.spec.get("hostUsers") is False:
        return
    general = context.get("runAsNonRoot")
    own_users = [container.security.get("runAsUser") for container in pod.containers]
    if context.get("runAsUser") == 0 and (not general or None not in own_users):
        yield enforced.strict(pod.at("spec.securityContext.runAsUser"), 0, NO_ROOT, "write a number such as 10001")
    if general is False:
        yield enforced.strict(pod.at("spec.securityContext.runAsNonRoot"), False, NO_ROOT, "write true")  # noqa: FBT003
    for container in pod.containers:
        own = container.security.get("runAsNonRoot")
        if container.security.get("runAsUser") == 0 and not (general if own is None else own):
            field = container.at("securityContext.runAsUser")
            yield enforced.strict(field, 0, NO_ROOT, "write a number such as 10001")
        if own is False:
            field = container.at("securityContext.runAsNonRoot")
            yield enforced.strict(field, False, NO_ROOT, "write true")  # noqa: FBT003
    if general is None and any(container.security.get("runAsNonRoot") is None for container in pod.containers):
        yield enforced.strict(pod.at("spec.securityContext.runAsNonRoot"), None, NO_ROOT, "write true")


def _seccomp_missing(pod: Pod, context: dict[str, Any], enforced: Standard) -> Iterator[Breach]:
    if context.get("seccompProfile") is None and any(
        container.security.get("seccompProfile") is None for container in pod.containers
    ):
        field = pod.at("spec.securityContext.seccompProfile")
        yield enforced.strict(field, None, "wants a seccomp profile", "write {type: RuntimeDefault}")
