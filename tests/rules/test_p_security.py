"""P: the Pod Security Standards, each check with what breaks it, in its exact words, and what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelyard import Cluster, Environment
from tests.rules import manifests
from tests.rules.patches import MAIN, POD, Operation, deployment, foreign, put, remove, texts
from tests.support import raw

CASES: list[Any] = []
CONTEXT = f"{POD}/securityContext"
OWN = f"{MAIN}/securityContext"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/model"
LOCKED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
UNCONFINED = {"type": "Unconfined"}
NO_ROOT = "allows no root user"
WRITE_USER = "write a number such as 10001"


def case(name: str, level: str, *operations: Operation, field: str, demand: str, do: str, weaker: str = "") -> None:
    """Keep one case: *operations* on the stock service break *demand* of *level*, and what is said of it."""
    unset = "" if "=" in field else " it is not set, and"
    lever = weaker or {"baseline": "privileged", "restricted": "baseline"}[level]
    text = (
        f"test/api: Deployment api spec.template.{field} but{unset} ml-test enforces the Pod Security Standard {level},"
        f' which {demand}; {do}, or set Environment(pod_security="{lever}")'
    )
    CASES.append(pytest.param(level, operations, [text], id=name))


def right(name: str, level: str, *operations: Operation) -> None:
    """Keep one case that *level* allows."""
    CASES.append(pytest.param(level, operations, [], id=name))


case(
    "host network", "baseline", put(f"{POD}/hostNetwork", value=True),
    field="spec.hostNetwork=True", demand="lets pods share nothing with the node", do="remove it",
)  # fmt: skip
case(
    "host processes", "restricted", put(f"{POD}/hostPID", value=True),
    field="spec.hostPID=True", demand="lets pods share nothing with the node", do="remove it", weaker="privileged",
)  # fmt: skip
case(
    "privileged", "baseline", put(OWN, {"privileged": True}),
    field="spec.containers[0].securityContext.privileged=True", demand="allows no privileged container", do="remove it",
)  # fmt: skip
case(
    "folder of the node", "baseline", put(f"{POD}/volumes/-", {"name": "data", "hostPath": {"path": "/data"}}),
    field="spec.volumes[1].hostPath='/data'", demand="allows no folder of the node",
    do="mount a persistentVolumeClaim or an emptyDir",
)  # fmt: skip
case(
    "network file system", "restricted", put(f"{POD}/volumes/-", {"name": "data", "nfs": {"server": "a", "path": "/"}}),
    field="spec.volumes[1].nfs='data'", demand="allows no volume of the kind nfs",
    do="put a persistentVolumeClaim in front of it",
)  # fmt: skip
case(
    "port of the node", "baseline", put(f"{MAIN}/ports/0/hostPort", 8000),
    field="spec.containers[0].ports[0].hostPort=8000", demand="allows no port of the node",
    do="remove it and reach the pod through a Service",
)  # fmt: skip
case(
    "probe of another host", "baseline", put(f"{MAIN}/livenessProbe/httpGet/host", "169.254.169.254"),
    field="spec.containers[0].livenessProbe.httpGet.host='169.254.169.254'",
    demand="lets a pod be probed only at its own address", do="remove it",
)  # fmt: skip
case(
    "hook of another host", "baseline",
    put(f"{MAIN}/lifecycle", {"postStart": {"httpGet": {"host": "a.b", "port": 80}}}),
    field="spec.containers[0].lifecycle.postStart.httpGet.host='a.b'",
    demand="lets a pod be probed only at its own address", do="remove it",
)  # fmt: skip
case(
    "seccomp", "baseline", put(f"{CONTEXT}/seccompProfile", UNCONFINED),
    field="spec.securityContext.seccompProfile.type='Unconfined'", demand="allows only RuntimeDefault and Localhost",
    do="write RuntimeDefault",
)  # fmt: skip
case(
    "no seccomp", "restricted", remove(f"{CONTEXT}/seccompProfile"),
    field="spec.securityContext.seccompProfile", demand="wants a seccomp profile", do="write {type: RuntimeDefault}",
)  # fmt: skip
case(
    "AppArmor", "baseline", put(f"{OWN}/appArmorProfile", UNCONFINED),
    field="spec.containers[0].securityContext.appArmorProfile.type='Unconfined'",
    demand="allows only RuntimeDefault and Localhost", do="write RuntimeDefault",
)  # fmt: skip
case(
    "AppArmor by annotation", "baseline", put("/spec/template/metadata/annotations", {APP_ARMOR: "unconfined"}),
    field=f"metadata.annotations['{APP_ARMOR}']='unconfined'", demand="allows only runtime/default and localhost/...",
    do="remove it",
)  # fmt: skip
case(
    "SELinux type", "baseline", put(f"{CONTEXT}/seLinuxOptions", {"type": "spc_t"}),
    field="spec.securityContext.seLinuxOptions.type='spc_t'", demand="allows only the SELinux types of containers",
    do="remove it",
)  # fmt: skip
case(
    "SELinux user", "baseline", put(f"{CONTEXT}/seLinuxOptions", {"user": "system_u"}),
    field="spec.securityContext.seLinuxOptions.user='system_u'", demand="allows no SELinux user", do="remove it",
)  # fmt: skip
case(
    "Windows host process", "baseline", put(f"{CONTEXT}/windowsOptions", {"hostProcess": True}),
    field="spec.securityContext.windowsOptions.hostProcess=True", demand="allows no process of the host",
    do="remove it",
)  # fmt: skip
case(
    "proc mount", "baseline", put(f"{OWN}/procMount", "Unmasked"),
    field="spec.containers[0].securityContext.procMount='Unmasked'", demand="allows only Default", do="remove it",
)  # fmt: skip
case(
    "sysctl", "baseline", put(f"{CONTEXT}/sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    field="spec.securityContext.sysctls[0].name='kernel.msgmax'",
    demand="allows only sysctls that concern no other pod", do="remove it",
)  # fmt: skip
case(
    "privilege escalation", "restricted", remove(f"{OWN}/allowPrivilegeEscalation"),
    field="spec.containers[0].securityContext.allowPrivilegeEscalation", demand="forbids privilege escalation",
    do="write false",
)  # fmt: skip
case(
    "privilege escalation allowed", "restricted", put(f"{OWN}/allowPrivilegeEscalation", value=True),
    field="spec.containers[0].securityContext.allowPrivilegeEscalation=True", demand="forbids privilege escalation",
    do="write false",
)  # fmt: skip
case(
    "capabilities kept", "restricted", remove(f"{OWN}/capabilities"),
    field="spec.containers[0].securityContext.capabilities.drop", demand="wants all capabilities dropped",
    do="write drop: [ALL]",
)  # fmt: skip
case(
    "root allowed", "restricted", put(f"{CONTEXT}/runAsNonRoot", value=False),
    field="spec.securityContext.runAsNonRoot=False", demand=NO_ROOT, do="write true",
)  # fmt: skip
case(
    "root not forbidden", "restricted", remove(f"{CONTEXT}/runAsNonRoot"),
    field="spec.securityContext.runAsNonRoot", demand=NO_ROOT, do="write true",
)  # fmt: skip
case(
    "root allowed in a container", "restricted", put(f"{OWN}/runAsNonRoot", value=False),
    field="spec.containers[0].securityContext.runAsNonRoot=False", demand=NO_ROOT, do="write true",
)  # fmt: skip
case(
    "root for nobody", "restricted", put(f"{CONTEXT}/runAsUser", 0), put(f"{OWN}/runAsUser", 1),
    field="spec.securityContext.runAsUser=0", demand=NO_ROOT, do=WRITE_USER,
)  # fmt: skip
case(
    "capability of InfiniBand", "restricted", put(f"{OWN}/capabilities/add", ["IPC_LOCK"]),
    field="spec.containers[0].securityContext.capabilities.add=['IPC_LOCK']", demand="allows only NET_BIND_SERVICE",
    do="leave out IPC_LOCK", weaker="privileged",
)  # fmt: skip
case(
    "capability that containers have", "restricted", put(f"{OWN}/capabilities/add", ["CHOWN"]),
    field="spec.containers[0].securityContext.capabilities.add=['CHOWN']", demand="allows only NET_BIND_SERVICE",
    do="leave out CHOWN",
)  # fmt: skip
case(
    "capability that containers have not", "baseline", put(f"{OWN}/capabilities/add", ["CHOWN", "SYS_ADMIN"]),
    field="spec.containers[0].securityContext.capabilities.add=['SYS_ADMIN']",
    demand="allows only what containers have anyway", do="leave out SYS_ADMIN",
)  # fmt: skip
right("stock service", "restricted")
right("low port", "restricted", put(f"{OWN}/capabilities/add", ["NET_BIND_SERVICE"]))
right("no seccomp under baseline", "baseline", remove(f"{CONTEXT}/seccompProfile"))
right("no user under baseline", "baseline", remove(f"{CONTEXT}/runAsNonRoot"), put(f"{CONTEXT}/runAsUser", 0))
right(
    "network file system under baseline",
    "baseline",
    put(f"{POD}/volumes/-", {"name": "a", "nfs": {"server": "a", "path": "/"}}),
)
right(
    "seccomp of the container",
    "restricted",
    remove(f"{CONTEXT}/seccompProfile"),
    put(f"{OWN}/seccompProfile", {"type": "RuntimeDefault"}),
)
right("non-root container", "restricted", remove(f"{CONTEXT}/runAsNonRoot"), put(f"{OWN}/runAsNonRoot", value=True))
right("emptyDir by default", "restricted", put(f"{POD}/volumes/-", {"name": "scratch"}))
right("harmless sysctl", "baseline", put(f"{CONTEXT}/sysctls", [{"name": "net.ipv4.tcp_rmem", "value": "1"}]))
right("AppArmor of this node", "baseline", put("/spec/template/metadata/annotations", {APP_ARMOR: "localhost/a"}))
right(
    "everything under privileged", "privileged", put(OWN, {"privileged": True}), put(f"{POD}/hostNetwork", value=True)
)


@pytest.mark.parametrize(("level", "operations", "expected"), CASES)
def test_the_standard(tmp_path: Path, level: str, operations: tuple[Operation, ...], expected: list[str]) -> None:
    """Each case has the finding that it says, word for word, or none."""
    setup = deployment(*operations)
    found = [text for rule in ("P15", "P16") for text in texts(tmp_path / rule, rule, setup, pod_security=level)]
    assert found == expected


USERS = (put(f"{POD}/hostUsers", value=False), remove(f"{CONTEXT}/runAsNonRoot"), put(f"{CONTEXT}/runAsUser", 0))
SYSCTL = put(f"{CONTEXT}/sysctls", [{"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}])


@pytest.mark.parametrize(
    ("kubernetes", "operations", "count"),
    [
        ("1.33", [put(f"{MAIN}/livenessProbe/httpGet/host", "a")], 0),
        ("1.34", [put(f"{MAIN}/livenessProbe/httpGet/host", "a")], 1),
        ("1.34", USERS, 2),
        ("1.35", USERS, 0),
        ("1.35", [USERS[0], put(f"{OWN}/procMount", "Unmasked")], 1),
        ("1.36", [SYSCTL], 1),
        ("1.37", [SYSCTL], 0),
    ],
)
def test_the_standard_depends_on_the_version(
    tmp_path: Path, kubernetes: str, operations: list[Operation], count: int
) -> None:
    """Newer clusters know more, and allow more where it does no harm."""
    cluster = Cluster("test", kubernetes=kubernetes)
    assert len(texts(tmp_path, "P15", deployment(*operations), cluster=cluster)) == count


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        ({"enforce": "restricted"}, 4),
        ({"enforce": "baseline"}, 0),
        ({"warn": "restricted"}, 0),
        ({"enforce": "restricted", "enforce-version": "latest"}, 4),
        ({"enforce": "restricted", "enforce-version": "v1.30"}, 4),
    ],
)
def test_a_namespace_that_is_rendered_says_what_it_enforces(tmp_path: Path, labels: dict[str, str], count: int) -> None:
    """Its labels count, not what the environment enforces in its own."""
    metadata = {"name": "other", "labels": {f"pod-security.kubernetes.io/{key}": labels[key] for key in labels}}

    def setup(scope: Environment) -> None:
        raw(scope, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        web = manifests.deployment()
        foreign({**web, "metadata": {"name": "web", "namespace": "other"}})(scope)

    found = texts(tmp_path, "P15", setup)
    assert len(found) == count
    assert all(one.endswith("or set pod-security.kubernetes.io/enforce: baseline") for one in found)


def test_nothing_is_said_about_a_namespace_of_others(tmp_path: Path) -> None:
    """What it enforces is not known."""
    web = {**manifests.deployment(), "metadata": {"name": "web", "namespace": "other"}}
    assert texts(tmp_path, "P15", foreign(web)) == []


def test_root_is_told_once(tmp_path: Path) -> None:
    """Where the kubelet refuses root, the standard need not do it too."""
    setup = deployment(put(f"{CONTEXT}/runAsUser", 0))
    assert [len(texts(tmp_path / rule, rule, setup)) for rule in ("P15", "P17")] == [0, 1]


def test_root_in_a_container_breaks_two_checks(tmp_path: Path) -> None:
    """One for the user, one for its permission."""
    setup = deployment(put(OWN, {**LOCKED, "runAsNonRoot": False, "runAsUser": 0}))
    assert len(texts(tmp_path, "P15", setup)) == 2


def test_windows_pods_need_no_linux_settings(tmp_path: Path) -> None:
    """Neither capabilities nor seccomp nor privilege escalation exist there."""
    setup = deployment(put(f"{POD}/os", {"name": "windows"}), remove(OWN), remove(f"{CONTEXT}/seccompProfile"))
    assert texts(tmp_path, "P15", setup) == []
