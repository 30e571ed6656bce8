"""P31, P32, V21: security settings, Pod Security labels and sources, each with what breaks it and what is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelyard import Cluster
from tests.rules.judge import judged
from tests.rules.manifests import Manifest, deployment, pods

CASES: list[Any] = []
WEB = "test: Deployment web spec.template.spec."
MAIN = f"{WEB}containers[0]."
FITS = "; remove it"
ONE = "; keep one of them"
PREFIX = "pod-security.kubernetes.io/"


def case(name: str, manifest: Manifest, *texts: str) -> None:
    """Keep one case: what is found in *manifest*, by the rule that *name* begins with."""
    CASES.append(pytest.param(name[:3], manifest, list(texts), id=name))


def web(container: Mapping[str, Any] | None = None, **spec: Any) -> Manifest:
    """Return the Deployment web with other pods."""
    return deployment(template=pods(container or {}, **spec))


def namespace(**labels: str) -> Manifest:
    """Return a Namespace with Pod Security labels."""
    named = {PREFIX + key.replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml", "labels": named}}


LINUX = {"allowPrivilegeEscalation": False, "runAsUser": 1}
NO_SUCH = "but the pod is for Windows (os.name), which has no such thing; remove it"
case(
    "P31 settings of Linux in a pod for Windows",
    web({"securityContext": LINUX}, os={"name": "windows"}, hostPID=True, securityContext={"fsGroup": 1}),
    f"{WEB}hostPID {NO_SUCH}",
    f"{WEB}securityContext.fsGroup {NO_SUCH}",
    f"{MAIN}securityContext.allowPrivilegeEscalation {NO_SUCH}",
    f"{MAIN}securityContext.runAsUser {NO_SUCH}",
)
case("P31 none of them", web({"securityContext": {"runAsNonRoot": True}}, os={"name": "windows"}, hostPID=False))
case(
    "P31 settings of Windows in a pod for Linux",
    web(os={"name": "linux"}, securityContext={"windowsOptions": {}}),
    f"{WEB}securityContext.windowsOptions but the pod is for Linux (os.name); remove it",
)
case("P31 settings of Windows in a pod for whatever", web(securityContext={"windowsOptions": {}}))
case(
    "P31 a process of the host",
    web({"securityContext": {"windowsOptions": {"hostProcess": True}}}),
    f"{WEB}hostNetwork but a container is a process of the host (windowsOptions.hostProcess), which shares its"
    " network; write hostNetwork: true",
)
case("P31 with its network", web({"securityContext": {"windowsOptions": {"hostProcess": True}}}, hostNetwork=True))
case(
    "P31 a profile of the node without a file",
    web({"securityContext": {"seccompProfile": {"type": "Localhost"}}}),
    f"{MAIN}securityContext.seccompProfile.localhostProfile but the type is Localhost, which means a file of the"
    " node; write the path of the profile",
)
case(
    "P31 a file for a profile of the runtime",
    web(securityContext={"appArmorProfile": {"type": "RuntimeDefault", "localhostProfile": "ml"}}),
    f"{WEB}securityContext.appArmorProfile.localhostProfile='ml' but the type is RuntimeDefault, and only Localhost"
    " means a file of the node; remove it",
)
case(
    "P31 a profile of the node",
    web(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "ml"}}),
)
case(
    "P31 all of proc beside the node's users",
    web({"securityContext": {"procMount": "Unmasked"}}),
    f"{MAIN}securityContext.procMount='Unmasked' but the pod has the users of the node, who would see all of /proc;"
    " write hostUsers: false in the pod",
)
case("P31 all of proc", web({"securityContext": {"procMount": "Unmasked"}}, hostUsers=False))
case(
    "P31 a sysctl twice",
    web(securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}] * 2}),
    f"{WEB}securityContext.sysctls[1].name='net.core.somaxconn' but it is set above already; remove it",
)
case(
    "P32 a level that does not exist",
    namespace(enforce="strict", warn="restricted", audit_version="1.34"),
    "test: Namespace ml metadata.labels['pod-security.kubernetes.io/audit-version']='1.34' but it is no version of the"
    " standards; write latest, or a version such as v1.34",
    "test: Namespace ml metadata.labels['pod-security.kubernetes.io/enforce']='strict' but there is no such level;"
    " write privileged, baseline or restricted",
)
case("P32 levels and versions", namespace(enforce="baseline", enforce_version="v1.34", warn_version="latest"))
case(
    "V21 a volume of two kinds",
    web(volumes=[{"name": "data", "emptyDir": {}, "hostPath": {"path": "/data"}}]),
    f"{WEB}volumes[0].hostPath but emptyDir is given too, and a volume has one source{ONE}",
)
case("V21 volumes of one kind, or of none", web(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b"}]))
case(
    "V21 projected files of two kinds",
    web(volumes=[{"name": "a", "projected": {"sources": [{"secret": {"name": "s"}, "configMap": {"name": "c"}}, {}]}}]),
    f"{WEB}volumes[0].projected.sources[0].configMap but secret is given too, and a source of projected files has one"
    f" source{ONE}",
)
case(
    "V21 a variable of nothing, and one of two things",
    web(
        {
            "env": [
                {"name": "A", "valueFrom": {}},
                {"name": "B", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "envFrom": [{"prefix": "C_"}],
        }
    ),
    f"{MAIN}env[0].valueFrom but a variable names the one that it is of; add a reference to a ConfigMap or a Secret",
    f"{MAIN}env[1].valueFrom but value is given too, and a variable has one of the two{ONE}",
    f"{MAIN}envFrom[0] but a source of variables names the one that it is of; add a reference to a ConfigMap or a"
    " Secret",
)


@pytest.mark.parametrize(("rule", "manifest", "expected"), CASES)
def test_settings_are_judged(rule: str, manifest: Manifest, expected: list[str]) -> None:
    """Every case alone in an environment."""
    assert sorted(text for broken, text in judged(rule[0], manifest) if broken == rule) == sorted(expected)


def test_p31_before_the_api_server_looks_at_it() -> None:
    """Kubernetes 1.32 drops procMount."""
    cluster = Cluster("old", kubernetes="1.32")
    assert list(judged("P31", web({"securityContext": {"procMount": "Unmasked"}}), cluster=cluster)) == []
